"""Distributions of the scores of true and false pairs, with thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qaconv_core.errors import InputError
from qaconv_core.evaluation.formats import percent
from qaconv_core.figures.style import FALSE, INK, TRUE, drawing, printable, tidy_axes
from qaconv_core.types import Float64

_NEEDED = ("edges", "positive_histogram", "negative_histogram")
_LINES = ("-", "--", "-.", ":")


def score_distribution_figure(separation: Mapping[str, Any], name: str = "logit") -> Figure:
    """Histograms of the scores of true and of false pairs, with the thresholds of the ROC.

    ``separation`` is ``EvaluationReport.separation``, i.e.
    :meth:`qaconv_core.evaluation.Separation.to_dict`: ``edges`` (bins + 1,),
    ``positive_histogram`` and ``negative_histogram`` (bins,), ``roc`` with ``target``, ``tpr`` and
    ``threshold``, ``auc`` and ``eer``. Each histogram shows shares of its own pairs, since false
    pairs outnumber true ones. ``name`` says what the scores are. :class:`InputError` when parts
    are missing or contradict each other.
    """
    edges, positive, negative = _histograms(separation)
    with drawing():
        figure = Figure(figsize=(5.8, 4.3), layout="constrained")
        axes = figure.add_subplot()
        _draw_side(axes, edges, negative, "false pairs", FALSE, "--")
        _draw_side(axes, edges, positive, "true pairs", TRUE, "-")
        _draw_thresholds(axes, separation.get("roc") or ())
        closer = "larger" if separation.get("larger_is_better", True) else "smaller"
        axes.set_xlabel(printable(f"{name} ({closer} is closer)"))
        axes.set_ylabel("share of these pairs (%)")
        margin = 0.02 * (edges[-1] - edges[0])
        axes.set_xlim(edges[0] - margin, edges[-1] + margin)
        axes.set_ylim(bottom=0.0)
        axes.set_title(_summary(separation), loc="left", size=9)
        tidy_axes(axes)
        figure.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=1)
        return figure


def _histograms(separation: Mapping[str, Any]) -> tuple[Float64, Float64, Float64]:
    """Edges and counts as arrays, in fewer bins where there are few true pairs."""
    missing = [key for key in _NEEDED if separation.get(key) is None]
    if missing:
        raise InputError(f"score distributions lack {', '.join(missing)}; evaluate once more")
    edges, positive, negative = (
        np.asarray(separation[key], dtype=np.float64).ravel() for key in _NEEDED
    )
    if not len(edges) - 1 == len(positive) == len(negative) > 0:
        raise InputError(
            f"score distributions have {len(edges)} edges, {len(positive)} and {len(negative)} "
            "bins; expected one edge more than bins"
        )
    # Fewer true pairs than bins would make a comb, not a distribution.
    wanted = min(100.0, max(12.0, 2.0 * math.sqrt(positive.sum())))
    bins = len(positive)
    merged = next(n for n in range(1, bins + 1) if bins % n == 0 and bins / n <= wanted)
    return edges[::merged], *(h.reshape(-1, merged).sum(axis=1) for h in (positive, negative))


def _draw_side(
    axes: Axes, edges: Float64, counts: Float64, name: str, colour: str, line: str
) -> None:
    """One histogram: a pale area, and an outline whose line style differs between the sides."""
    total = float(counts.sum())
    shares = 100.0 * counts / (total or 1.0)
    label = f"{int(total):,} {name}"
    axes.stairs(shares, edges, fill=True, color=colour, alpha=0.22)
    axes.stairs(shares, edges, color=colour, linewidth=1.6, linestyle=line, label=label)


def _draw_thresholds(axes: Axes, roc: Any) -> None:
    """A vertical line for each operating point; its meaning is in the legend."""
    for i, point in enumerate(roc):
        threshold, tpr = point.get("threshold"), point.get("tpr")
        if threshold is None or not math.isfinite(threshold):
            continue
        rate = percent(tpr if tpr is not None else math.nan)
        target = 100 * float(point.get("target", math.nan))
        label = f"FPR ≤ {target:g} %: threshold {threshold:.4g}, TPR {rate} %".replace("-", "−")
        axes.axvline(threshold, color=INK, lw=1.0, linestyle=_LINES[i % len(_LINES)], label=label)


def _summary(separation: Mapping[str, Any]) -> str:
    """``AUC 97.1 %, equal error rate 8.2 %``."""
    parts = []
    for key, text in (("auc", "AUC"), ("eer", "equal error rate")):
        value = separation.get(key)
        if value is not None and math.isfinite(value):
            parts.append(f"{text} {percent(value)} %")
    return ", ".join(parts)
