"""How well the scores of pairs of the same person separate from those of different people.

A pair is *positive* when its gallery picture is a true match of the query and *negative* when it
is a false one; junk and pictures of unknown identity are left out. A threshold t accepts the pairs
strictly above it: FPR is the share of negatives accepted, TPR that of positives.

- the threshold for a FPR of at most f is the ⌊f·N⌋-th largest (from 0) of the N negatives, an
  exact order statistic: no lower threshold keeps the FPR at or under f;
- AUC is the share of (positive, negative) pairs in the right order, ties counting half;
- EER is where the ROC's straight segments cross FPR = 1 − TPR.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.evaluation.formats import plain
from qaconv_core.evaluation.operating import OperatingCurve, operating_curve
from qaconv_core.ranking.arrays import Ids, id_vector, real_matrix, row_blocks
from qaconv_core.ranking.protocol import Pairs, label_block, leave_out
from qaconv_core.types import Float32, Float64, Int64, RankingResult

FPR_TARGETS = (1e-3, 1e-2, 1e-1)


@dataclass(frozen=True)
class RocPoint:
    """The threshold that holds the FPR at or under ``target``, and what it gives in [0, 1].

    Pairs strictly above ``threshold`` are accepted (strictly below it where smaller is better).
    All NaN where there are no negatives; ``tpr`` is NaN without positives.
    """

    target: float
    fpr: float
    tpr: float
    threshold: float


@dataclass(frozen=True)
class Separation:
    """Distributions of the values of positive and negative pairs, and how far they overlap.

    ``edges`` (bins + 1,) are common to both histograms (bins,), which count pairs. Numbers that
    need a kind of pair that is not there are NaN. ``operating`` says what any threshold accepts.
    """

    positives: int
    negatives: int
    positive_mean: float
    positive_std: float
    negative_mean: float
    negative_std: float
    edges: Float64
    positive_histogram: Int64
    negative_histogram: Int64
    roc: tuple[RocPoint, ...]
    auc: float
    eer: float
    operating: OperatingCurve
    larger_is_better: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers and lists for JSON, None where not a number."""
        record: dict[str, Any] = plain(asdict(self))
        return record


def separation(
    values: npt.ArrayLike,
    query_ids: Ids,
    gallery_ids: Ids,
    query_cams: Ids,
    gallery_cams: Ids,
    junk_rule: bool = True,
    larger_is_better: bool = True,
    bins: int = 100,
    left_out: Pairs | None = None,
) -> Separation:
    """Compare the values of positive and negative pairs of ``values`` (p, g), any real type.

    Ids, cameras and ``left_out`` as in :func:`~qaconv_core.evaluation.ranking_metrics`. Values are
    compared as float32; beyond ``values`` this takes 4 bytes a pair. Raises
    InputError for wrong shapes or options and for values that are not finite.
    """
    matrix = real_matrix(values, "values", (None, None))
    p, g = matrix.shape
    if bins < 1:
        raise InputError(f"bins must be at least 1, not {bins}")
    labels = (
        (id_vector(query_ids, p, "query_ids"), id_vector(query_cams, p, "query_cams")),
        (id_vector(gallery_ids, g, "gallery_ids"), id_vector(gallery_cams, g, "gallery_cams")),
    )
    positive, negative = _split(matrix, *labels, junk_rule, larger_is_better, left_out)
    edges = _edges(positive, negative, bins)
    sign = 1 if larger_is_better else -1
    roc = tuple(roc_point(positive, negative, f, sign) for f in FPR_TARGETS)
    return Separation(
        positives=len(positive),
        negatives=len(negative),
        positive_mean=sign * _mean(positive),
        positive_std=_std(positive),
        negative_mean=sign * _mean(negative),
        negative_std=_std(negative),
        edges=sign * edges[::sign],
        positive_histogram=_histogram(positive, edges)[::sign],
        negative_histogram=_histogram(negative, edges)[::sign],
        roc=roc,
        auc=_auc(positive, negative),
        eer=_eer(positive, negative),
        operating=operating_curve(positive, negative, sign, [p.threshold for p in roc]),
        larger_is_better=larger_is_better,
    )


def _split(
    matrix: npt.NDArray[Any],
    query: tuple[Int64, Int64],
    gallery: tuple[Int64, Int64],
    junk_rule: bool,
    larger_is_better: bool,
    left_out: Pairs | None,
) -> tuple[Float32, Float32]:
    """Values of positive and negative pairs, each ascending, negated where smaller is better.

    Both lie in one buffer, negatives from its beginning and positives from its end.
    """
    p, g = matrix.shape
    buffer = np.empty(p * g, dtype=np.float32)
    left, right = 0, p * g
    for a, b in row_blocks(p, 8 * g):
        block = np.asarray(matrix[a:b], dtype=np.float32)
        if not np.isfinite(block).all():
            raise InputError("values of pairs must be finite, but some are NaN or infinite")
        labels = label_block(query[0][a:b], query[1][a:b], *gallery, junk_rule)
        leave_out(labels, a, b, left_out)
        negative = block[labels == RankingResult.FALSE]
        positive = block[labels == RankingResult.TRUE]
        buffer[left : left + len(negative)] = negative
        buffer[right - len(positive) : right] = positive
        left, right = left + len(negative), right - len(positive)
    if not larger_is_better:
        np.negative(buffer, out=buffer)
    buffer[:left].sort()
    buffer[right:].sort()
    return buffer[right:], buffer[:left]


def _edges(positive: Float32, negative: Float32, bins: int) -> Float64:
    ends = [float(v) for side in (positive, negative) if len(side) for v in (side[0], side[-1])]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


def _histogram(ascending: Float32, edges: Float64) -> Int64:
    """Counts in [edge, next edge), the last bin with its right edge."""
    # The next float32 from each edge on: looking up float64 would convert (copy) all values.
    rounded = edges.astype(np.float32)
    rounded = np.where(rounded < edges, np.nextafter(rounded, np.float32(np.inf)), rounded)
    below = np.searchsorted(ascending, rounded, side="left")
    below[-1] = len(ascending)
    return np.diff(below)


def roc_point(positive: Float32, negative: Float32, target: float, sign: int = 1) -> RocPoint:
    """The point of an FPR of at most ``target`` for values (n,) and (m,), each ascending in
    closeness (``sign`` −1: negated)."""
    n = len(negative)
    if n == 0:
        return RocPoint(target, math.nan, math.nan, math.nan)
    threshold = negative[n - 1 - int(target * n)]
    fpr = _above(negative, threshold) / n
    tpr = _above(positive, threshold) / len(positive) if len(positive) else math.nan
    return RocPoint(target, fpr, tpr, sign * float(threshold))


def _above(ascending: Float32, threshold: np.float32) -> int:
    return len(ascending) - int(np.searchsorted(ascending, threshold, side="right"))


def _auc(positive: Float32, negative: Float32) -> float:
    if len(positive) == 0 or len(negative) == 0:
        return math.nan
    below = int(np.searchsorted(negative, positive, side="left").sum())
    upto = int(np.searchsorted(negative, positive, side="right").sum())
    return (below + upto) / 2 / len(positive) / len(negative)


def _eer(positive: Float32, negative: Float32) -> float:
    """Walk the ROC's corners, just before and at each positive value, to where FNR meets FPR."""
    if len(positive) == 0 or len(negative) == 0:
        return math.nan
    corners = np.unique(positive)
    miss = _two_sided(positive, corners) / len(positive)
    false = 1.0 - _two_sided(negative, corners) / len(negative)
    miss, false = np.concatenate([[0.0], miss, [1.0]]), np.concatenate([[1.0], false, [0.0]])
    gap = miss - false
    i = int(np.argmax(gap >= 0))
    share = gap[i] / (gap[i] - gap[i - 1])
    return float(miss[i] + share * (miss[i - 1] - miss[i]))


def _two_sided(ascending: Float32, at: Float32) -> Int64:
    """How many lie below each value and how many up to it, interleaved."""
    sides = [np.searchsorted(ascending, at, side=side) for side in ("left", "right")]
    return np.stack(sides, axis=1).ravel()


def _mean(values: Float32) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else math.nan


def _std(values: Float32) -> float:
    if len(values) == 0:
        return math.nan
    mean = values.mean(dtype=np.float64)
    parts = (values[a:b] - mean for a, b in row_blocks(len(values), 8))
    return math.sqrt(sum(float(np.dot(part, part)) for part in parts) / len(values))
