"""Deletion and insertion curves: logit and rank while cells are removed or added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from qaconv_core.errors import InputError
from qaconv_core.evaluation.explanation_checks import ExplanationCheckGroup, MeanCurves
from qaconv_core.figures.style import FAINT, SERIES, drawing, tidy_axes
from qaconv_core.types import Float64

_NAMES = {
    "contribution": "largest contribution first",
    "relative": "largest above average first",
    "random": "random order",
}
_STYLES = {"contribution": "-", "relative": "--", "random": ":"}
_COLOURS = {"contribution": SERIES[0], "relative": SERIES[1], "random": FAINT}


def curves_figure(groups: Sequence[ExplanationCheckGroup]) -> Figure:
    """One row for each kind of pair: mean logit by deletion and insertion, median rank by deletion.

    The further a curve lies from the random one (below it for deletion, above it for insertion),
    the more its first cells decide.
    """
    if not groups:
        raise InputError("there are no curves to draw")
    with drawing():
        figure = Figure(figsize=(9.6, 2.6 * len(groups) + 0.5), layout="constrained")
        grid = figure.subplots(len(groups), 3, squeeze=False)
        for row, group in zip(grid, groups, strict=True):
            curves = group.curves
            _panel(row[0], curves, curves.deletion, "cells removed (%)", "mean logit")
            _panel(row[1], curves, curves.insertion, "cells present (%)", "mean logit")
            _panel(row[2], curves, curves.deletion_rank, "cells removed (%)", "median rank")
            _rank_scale(row[2])
            row[0].set_title(f"{group.name} ({len(group.pairs)}): deletion", loc="left")
            row[1].set_title("insertion", loc="left")
            row[2].set_title("rank by deletion", loc="left")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", frameon=False, fontsize=8, ncols=3
        )
        return figure


def _rank_scale(axes: Axes) -> None:
    """Ranks from the best at the top, in steps of 1, 2, 5, 10, …"""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    # Our own formatter: the default one writes powers, which need parsed mathematics.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rank, _: f"{rank:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.invert_yaxis()


def _panel(axes: Axes, curves: MeanCurves, values: Float64, along: str, up: str) -> None:
    share = np.linspace(0, 100, values.shape[1])
    for order, curve in zip(curves.orders, values, strict=True):
        axes.plot(
            share,
            curve,
            linestyle=_STYLES.get(order, "-."),
            color=_COLOURS.get(order, SERIES[2]),
            linewidth=1.6,
            label=_NAMES.get(order, order),
        )
    axes.set_xlabel(along)
    axes.set_ylabel(up)
    axes.set_xlim(0, 100)
    tidy_axes(axes)
