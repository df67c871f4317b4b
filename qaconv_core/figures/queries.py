"""Average precision of single queries."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from qaconv_core.errors import InputError
from qaconv_core.evaluation.formats import percent
from qaconv_core.evaluation.reports import method_label
from qaconv_core.figures.style import FAINT, SERIES, drawing, printable, tidy_axes
from qaconv_core.types import Int64, MethodResult


def worst_first(result: MethodResult) -> Int64:
    """Indices of the valid queries (n,) by AP, the worst first; equal ones in their own order."""
    order = np.argsort(result.ap, kind="stable")
    return order[np.isfinite(result.ap[order])].astype(np.int64)


def ap_figure(result: MethodResult, colour: str = SERIES[0]) -> Figure:
    """AP of every valid query, the worst first, with their mean.

    The query at place i of :func:`worst_first` stands at x = i + 1. :class:`InputError` where no
    AP is known.
    """
    order = worst_first(result)
    if not len(order):
        raise InputError("there is no AP to draw: no valid query, or the run did not keep them")
    values = result.ap[order]
    with drawing():
        figure = Figure(figsize=(5.8, 3.8), layout="constrained")
        axes = figure.add_subplot()
        places = np.arange(1, len(order) + 1)
        axes.vlines(places, 0, values, color=colour, linewidth=0.6, alpha=0.35)
        axes.plot(places, values, "o", color=colour, markersize=3.5, clip_on=False)
        axes.axhline(result.mAP, color=FAINT, linestyle="--", linewidth=1.0)
        title = f"{method_label(result.method)}: mAP {percent(result.mAP)} % (dashed)"
        axes.set_title(printable(title), loc="left", size=9)
        axes.set_xlim(0.0, len(order) + 1.0)
        axes.set_ylim(0.0, 1.02)
        axes.set_xlabel(f"{len(order):,} valid queries, the worst first")
        axes.set_ylabel("average precision")
        tidy_axes(axes)
        return figure
