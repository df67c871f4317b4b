"""CMC curves of one or several evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qaconv_core.errors import InputError
from qaconv_core.evaluation.formats import percent
from qaconv_core.evaluation.reports import method_label
from qaconv_core.figures.distributions import score_distribution_figure
from qaconv_core.figures.style import SERIES, drawing, printable, text_width, tidy_axes
from qaconv_core.types import EvaluationReport, MethodResult

__all__ = ["cmc_figure", "legend_beside", "score_distribution_figure"]

_LINES = ("-", "--", "-.", ":")
_SIGNS = ("o", "s", "^", "D", "v", "P")
_MARKED = (1, 5, 10, 20, 50)
_LEGEND_SIZE = 8
_LEAST_AXES = (2.6, 1.6)
"""Inches of width and height that axes take with their labels."""
_HANDLE = 0.7
"""Inches of the line before a name in the legend, with what lies around it."""

Curves = EvaluationReport | MethodResult | Sequence[EvaluationReport | MethodResult]


def legend_beside(reports_or_methods: Curves, width: float, height: float) -> bool:
    """Whether the legend of :func:`cmc_figure` has to stand beside the axes in so many inches:
    below them it leaves no height, and beside them it leaves the width."""
    curves = _curves(reports_or_methods)
    widths = (text_width(_label(name, result), _LEGEND_SIZE) for name, result in curves)
    low = height < _LEAST_AXES[1] + 0.2 * len(curves)
    return low and width >= _LEAST_AXES[0] + _HANDLE + max(widths, default=0.0)


def cmc_figure(reports_or_methods: Curves, ranks: int = 20, beside: bool = False) -> Figure:
    """Cumulative match characteristic: share of valid queries found within the first k.

    One curve for each method of each report (or each :class:`MethodResult`), up to rank
    ``ranks``, in percent. The legend stands below the axes, or ``beside`` them.
    :class:`InputError` when there is nothing to draw.
    """
    curves = _curves(reports_or_methods)
    if not curves:
        raise InputError("there is no CMC curve to draw: no method has a valid query")
    with drawing():
        figure = Figure(figsize=(5.4, 3.5 + 0.2 * len(curves)), layout="constrained")
        axes = figure.add_subplot()
        lowest = min(_plot_cmc(axes, i, name, r, ranks) for i, (name, r) in enumerate(curves))
        axes.set_ylim(max(0.0, 10.0 * np.floor(lowest / 10.0 - 0.5)), 101.0)
        last = max(2, min(ranks, max(len(result.cmc) for _, result in curves)))
        axes.set_xlim(0.7, last + 0.3)
        axes.set_xticks([k for k in (1, 5, 10, 15, 20, 30, 40, 50) if k <= last])
        axes.set_xlabel("rank k")
        axes.set_ylabel("queries with a true match\namong the first k (%)")
        tidy_axes(axes)
        figure.legend(
            loc="outside right center" if beside else "outside lower center",
            frameon=False,
            fontsize=_LEGEND_SIZE,
            ncols=1,
            handlelength=3.2,
        )
        return figure


def _curves(given: Curves) -> list[tuple[str, MethodResult]]:
    """(name, result) of everything that has a curve; names tell data sets apart if there are
    several."""
    several = [given] if isinstance(given, EvaluationReport | MethodResult) else list(given)
    datasets = {item.dataset for item in several if isinstance(item, EvaluationReport)}
    curves: list[tuple[str, MethodResult]] = []
    for item in several:
        results = item.results if isinstance(item, EvaluationReport) else (item,)
        before = f"{item.dataset}: " if isinstance(item, EvaluationReport) else ""
        before = before if len(datasets) > 1 else ""
        curves += [(before + method_label(result.method), result) for result in results]
    return [(name, r) for name, r in curves if len(r.cmc) and np.isfinite(r.cmc).all()]


def _label(name: str, result: MethodResult) -> str:
    """What the legend says of a curve."""
    label = f"{name}: Rank-1 {percent(result.rank(1))} %, mAP {percent(result.mAP)} %"
    return label + (" (approximate)" if result.approximation else "")


def _plot_cmc(axes: Axes, i: int, name: str, result: MethodResult, ranks: int) -> float:
    """Draw one curve; returns its lowest value in percent."""
    values = 100.0 * np.asarray(result.cmc, dtype=np.float64)[:ranks]
    axes.plot(
        np.arange(1, len(values) + 1),
        values,
        linestyle=_LINES[i % len(_LINES)],
        color=SERIES[i % len(SERIES)],
        marker=_SIGNS[i % len(_SIGNS)],
        markersize=5,
        markevery=[k - 1 for k in _MARKED if k <= len(values)],
        linewidth=1.6,
        label=printable(_label(name, result)),
        clip_on=False,
    )
    return float(values.min())
