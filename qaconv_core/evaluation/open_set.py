"""Is anybody there? Detection and identification where a query may have no match.

Every query of known person is asked twice: with its true matches in the gallery, and without them.
Without them, whoever stands first is a stranger; above a threshold that is a *false alarm*. With
them, a query is *detected and identified* where its first candidate is a true match above the
threshold. Junk is left out. Queries that have no match anyway count among the false alarms alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qaconv_core.evaluation.camera_report import strictest, truth_of
from qaconv_core.evaluation.formats import method_label, percent
from qaconv_core.evaluation.methods import Labels, Matrix
from qaconv_core.ranking.arrays import row_blocks
from qaconv_core.ranking.line import default_line
from qaconv_core.store.records import is_number
from qaconv_core.types import Float64, RankingResult

FALSE_ALARMS = (0.01, 0.1)
"""Shares of queries with a false alarm for which the rate is given."""
_SHOWN = ("dir", "false_alarms", "threshold")


def open_set(
    values: Matrix, labels: Labels, junk_rule: bool = True, line: float | None = None
) -> dict[str, Any]:
    """Detection and identification rates of ``values`` (p, g), larger is closer, as JSON has them.

    Each of ``points`` has the ``threshold`` that holds false alarms at or under ``target``, the
    measured ``false_alarms`` and the rate ``dir``. With ``line`` there is a point of this
    threshold, chosen without labels, too. Empty where no query can be counted.
    """
    best_false, best_true = _best(values, labels, junk_rule)
    alarms = best_false[np.isfinite(best_false)]
    matched = np.isfinite(best_true)
    if not len(alarms) or not matched.any():
        return {}

    def point(threshold: float) -> dict[str, float]:
        found = (best_true > threshold) & (best_true > best_false)
        return {
            "threshold": threshold,
            "false_alarms": float((alarms > threshold).mean()),
            "dir": float(found[matched].mean()),
        }

    points = [{"target": t, **point(strictest(alarms, t))} for t in FALSE_ALARMS]
    record = {"queries": len(alarms), "matched": int(matched.sum()), "points": points}
    return record if line is None else {**record, "line": point(line)}


def open_sets(
    logits: Matrix,
    normalised: Matrix | None,
    labels: Labels,
    junk_rule: bool = True,
    largest: Float64 | None = None,
) -> dict[str, Any]:
    """:func:`open_set` by method; of normalised scores also at the default line, which rests on
    ``largest`` (:func:`~qaconv_core.ranking.line.default_line`)."""
    found = {"qaconv": open_set(logits, labels, junk_rule)}
    if normalised is not None:
        line = default_line(normalised.shape[1], largest=largest)
        found["qaconv+norm"] = open_set(normalised, labels, junk_rule, line.value)
    return {method: measured for method, measured in found.items() if measured}


def open_set_lines(report: Mapping[str, Any]) -> list[str]:
    """The measure for people, a line for each method; ``report`` may come from an old file."""
    lines = []
    for method, found in report.items():
        if not isinstance(found, Mapping):
            continue
        points = found.get("points")
        listed = [*(points if isinstance(points, list) else []), found.get("line")]
        parts = [
            f"{percent(p['dir'])} % at {percent(p['false_alarms'])} % false alarms"
            + ("" if "target" in p else f" (default line, {p['threshold']:.2f})")
            for p in listed
            if isinstance(p, Mapping) and all(is_number(p.get(name)) for name in _SHOWN)
        ]
        lines.append(
            f"detected and identified, {method_label(method)}: {', '.join(dict.fromkeys(parts))}"
        )
    return lines


def _best(values: Matrix, labels: Labels, junk_rule: bool) -> tuple[Matrix, Matrix]:
    """(p,) the best stranger's and the best true match's value of each query; −∞ without one."""
    false, true = np.full(len(values), -np.inf), np.full(len(values), -np.inf)
    for start, stop in row_blocks(len(values), 8 * values.shape[1]):
        truth = truth_of(labels, np.arange(start, stop), junk_rule)
        for kind, best in ((RankingResult.FALSE, false), (RankingResult.TRUE, true)):
            best[start:stop] = np.where(truth == kind, values[start:stop], -np.inf).max(
                axis=1, initial=-np.inf
            )
    return false, true
