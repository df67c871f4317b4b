"""What scores mean between any two cameras, and who stands first in rankings.

A network that has not seen a camera gives strangers of the same or a similar camera high logits.
The matrix of cameras × cameras shows it: mean and deviation of strangers' values, and the TPR at
one FPR for each pair of cameras by a threshold of its own. Where these thresholds differ, no single
one serves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qaconv_core.evaluation.formats import ABSENT, percent, text_table
from qaconv_core.evaluation.methods import Labels, Matrix
from qaconv_core.naming import camera_words
from qaconv_core.ranking.arrays import row_blocks
from qaconv_core.ranking.protocol import label_block, leave_out
from qaconv_core.store.records import is_number
from qaconv_core.types import UNKNOWN, Float64, Int64, RankingResult

FPR = 1e-2
"""The FPR of every pair of cameras at which its TPR is given."""


def camera_report(
    values: Matrix,
    labels: Labels,
    junk_rule: bool = True,
    names: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """The per-camera report of ``values`` (p, g), larger is closer, as JSON has it.

    ``pairs`` are those of cameras with any stranger. Camids are 0-based, −1: not known.
    ``first_from_own_camera`` is the share of queries of known camera whose first candidate, junk
    left out, is of the query's own camera; ``own_camera_in_gallery`` the share that an order by
    chance has. Both are None without such queries. ``names`` are those of camids, where there are
    any. Empty where no camera is known.
    """
    if not labels.cameras_known:
        return {}
    pairs = [
        _pair(values, labels, int(first), int(second), junk_rule)
        for first in np.unique(labels.query_cams)
        for second in np.unique(labels.gallery_cams)
    ]
    own, chance = _first(values, labels, junk_rule)
    return {
        "fpr": FPR,
        "pairs": [pair for pair in pairs if pair is not None],
        "first_from_own_camera": own,
        "own_camera_in_gallery": chance,
        **({"names": {str(camid): name for camid, name in names.items()}} if names else {}),
    }


def _pair(
    values: Matrix, labels: Labels, first: int, second: int, junk_rule: bool
) -> dict[str, Any] | None:
    rows = np.flatnonzero(labels.query_cams == first)
    columns = np.flatnonzero(labels.gallery_cams == second)
    strangers, matches = [], []
    for start, stop in row_blocks(len(rows), 8 * len(columns)):
        some = rows[start:stop]
        truth = truth_of(labels, some, junk_rule)[:, columns]
        block = np.asarray(values[some][:, columns], dtype=np.float64)
        strangers.append(block[truth == RankingResult.FALSE])
        matches.append(block[truth == RankingResult.TRUE])
    false, true = np.concatenate(strangers), np.concatenate(matches)
    if not len(false):
        return None
    threshold = strictest(false, FPR)
    return {
        "query_camera": first,
        "gallery_camera": second,
        "strangers": len(false),
        "mean": float(false.mean()),
        "std": float(false.std()),
        "matches": len(true),
        "threshold": threshold,
        "tpr": float((true > threshold).mean()) if len(true) else None,
    }


def strictest(strangers: Float64, share: float) -> float:
    """The value above which at most ``share`` of the strangers lie, one of theirs."""
    kept = min(int(share * len(strangers)), len(strangers) - 1)
    place = len(strangers) - 1 - kept
    return float(np.partition(strangers, place)[place])


def truth_of(labels: Labels, rows: Int64, junk_rule: bool) -> Matrix:
    """Labels (n, g) of chosen queries."""
    truth = label_block(
        labels.query_ids[rows],
        labels.query_cams[rows],
        labels.gallery_ids,
        labels.gallery_cams,
        junk_rule,
    )
    if labels.left_out is not None:
        place = np.full(len(labels.query_ids), -1)
        place[rows] = np.arange(len(rows))
        here = place[labels.left_out[0]] >= 0
        moved = place[labels.left_out[0][here]], labels.left_out[1][here]
        leave_out(truth, 0, len(rows), moved)
    return truth


def _first(values: Matrix, labels: Labels, junk_rule: bool) -> tuple[float | None, float | None]:
    own: list[bool] = []
    chance: list[float] = []
    for start, stop in row_blocks(len(values), 8 * values.shape[1]):
        rows = np.arange(start, stop)
        counted = truth_of(labels, rows, junk_rule) >= RankingResult.FALSE
        block = np.where(counted, values[start:stop], -np.inf)
        same = (labels.query_cams[rows, None] == labels.gallery_cams) & counted
        for row, camera in enumerate(labels.query_cams[rows]):
            if camera != UNKNOWN and counted[row].any():
                own.append(bool(same[row, np.argmax(block[row])]))
                chance.append(float(same[row].sum() / counted[row].sum()))
    if not own:
        return None, None
    return float(np.mean(own)), float(np.mean(chance))


# ── for people ──────────────────────────────────────────────────────────────────────────────────


def first_line(report: Mapping[str, Any]) -> str:
    """Who stands first, in one line; "" where it is not known."""
    own: Any = report.get("first_from_own_camera")
    chance: Any = report.get("own_camera_in_gallery")
    if not (is_number(own) and is_number(chance)):
        return ""
    return (
        f"first candidates from the query's own camera: {percent(float(own))} % "
        f"({percent(float(chance))} % of the pictures are from there)"
    )


def matrix_lines(report: Mapping[str, Any]) -> list[str]:
    """Cameras × cameras as a table, cameras as people count them, from 1."""
    columns, rows = camera_matrix(report)
    if not rows:
        return ["no cameras are known"]
    return [
        matrix_title(report),
        *text_table(("", *columns), rows),
        *filter(None, [first_line(report)]),
    ]


def matrix_title(report: Mapping[str, Any]) -> str:
    """What stands in :func:`camera_matrix`."""
    fpr: Any = report.get("fpr")
    share = f"{100 * float(fpr):g} %" if is_number(fpr) else ABSENT
    return f"strangers' mean ± deviation, TPR at a FPR of {share}; rows: the query's camera"


def camera_matrix(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and rows that begin with their name; cameras without a name are
    counted from 1.

    Pairs of a report out of an old file that lack a number are left out.
    """
    pairs: Any = report.get("pairs")
    whole = [pair for pair in pairs if _is_whole(pair)] if isinstance(pairs, list) else []
    columns = sorted({int(pair["gallery_camera"]) for pair in whole})
    cells: dict[int, dict[int, str]] = {}
    for pair in whole:
        tpr = f"{percent(pair['tpr'])} %" if is_number(pair.get("tpr")) else ABSENT
        text = f"{pair['mean']:.1f} ± {pair['std']:.1f}, {tpr}"
        cells.setdefault(int(pair["query_camera"]), {})[int(pair["gallery_camera"])] = text
    names: Any = report.get("names")

    def words(camera: int) -> str:
        name = names.get(str(camera), "") if isinstance(names, Mapping) else ""
        return camera_words(camera, str(name)) or "unknown"

    rows = [
        [words(camera), *(row.get(other, ABSENT) for other in columns)]
        for camera, row in sorted(cells.items())
    ]
    return [words(camera) for camera in columns], rows


def _is_whole(pair: Any) -> bool:
    names = ("query_camera", "gallery_camera", "mean", "std")
    return isinstance(pair, Mapping) and all(is_number(pair.get(name)) for name in names)
