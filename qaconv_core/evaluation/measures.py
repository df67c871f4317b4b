"""Rank-k, mAP and mINP of a distance matrix.

With r_1 < … < r_n the ranks (from 1) of a query's n true matches, counted after junk and pictures
of unknown identity are left out (see :mod:`qaconv_core.ranking.protocol`):

- CMC at k is the share of queries with r_1 ≤ k;
- AP, step-wise (scikit-learn, the upstream evaluators) = mean over i of i / r_i;
- AP, trapezoidal (Market-1501's own tool) = mean over i of ½·(i / r_i + (i − 1) / (r_i − 1)), the
  second term being 1 for r_i = 1;
- INP (Ye et al., *Deep Learning for Person Re-Identification*, 2021) = n / r_n.

Hits at ranks 1, 2, 4, 7 give AP 0.830 step-wise and 0.811 trapezoidal, and INP 4/7. Means run
over valid queries: those with at least one true match left. Ties rank in gallery order
(scikit-learn instead takes all of a tie at once).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.ranking.arrays import Ids, id_vector, real_matrix, row_blocks, working_dtype
from qaconv_core.ranking.protocol import Labels, Pairs, label_block, leave_out
from qaconv_core.types import Float64, Int64, RankingResult

AP_KINDS = ("step", "trapezoid")


@dataclass(frozen=True)
class RankingMetrics:
    """Measures of one distance matrix; all fractions in [0, 1], NaN without any valid query.

    ``cmc`` (topk,): cmc[0] is Rank-1; longer than the gallery, it goes on at its last value.
    Per query (p,): ``ap`` and ``inp`` (NaN where not valid), ``first_match_rank`` (from 1, among
    the pictures kept) and ``true_matches`` (both 0 where not valid).
    """

    cmc: Float64
    mAP: float
    mINP: float
    ap: Float64
    inp: Float64
    first_match_rank: Int64
    true_matches: Int64
    valid_queries: int
    ap_kind: str = "step"
    junk_rule: bool = True

    def rank(self, k: int) -> float:
        """Share of valid queries with a true match among the first ``k`` (1 ≤ k ≤ topk)."""
        return float(self.cmc[k - 1])


def ranking_metrics(
    dist: npt.ArrayLike,
    query_ids: Ids,
    gallery_ids: Ids,
    query_cams: Ids,
    gallery_cams: Ids,
    *,
    junk_rule: bool = True,
    ap: str = "step",
    topk: int = 50,
    left_out: Pairs | None = None,
    larger_is_closer: bool = False,
) -> RankingMetrics:
    """Measure a ranking by ``dist`` (p, g), any real type, smaller is closer.

    Ids and cameras are (p,) and (g,), −1 or None where not known; cameras may be None altogether
    (then nothing is junk). ``ap`` is "step" or "trapezoid", ``junk_rule`` leaves out gallery
    pictures with the query's pid and camid, ``left_out`` single pairs besides (query indices,
    gallery indices), ``topk`` is the length of the CMC. With ``larger_is_closer`` the numbers are
    similarities. ``dist`` may be memory-mapped; memory beyond it is bounded. Raises InputError for
    wrong shapes or options and for NaN.
    """
    matrix = real_matrix(dist, "dist", (None, None))
    p, g = matrix.shape
    if ap not in AP_KINDS:
        raise InputError(f"ap must be one of {', '.join(AP_KINDS)}, not {ap!r}")
    if topk < 1:
        raise InputError(f"topk must be at least 1, not {topk}")
    pids, camids = id_vector(query_ids, p, "query_ids"), id_vector(query_cams, p, "query_cams")
    others = id_vector(gallery_ids, g, "gallery_ids"), id_vector(gallery_cams, g, "gallery_cams")
    values, inp = np.full(p, np.nan), np.full(p, np.nan)
    first, matches = np.zeros(p, dtype=np.int64), np.zeros(p, dtype=np.int64)
    for start, stop in row_blocks(p, 8 * g):
        block = _read(matrix, start, stop)
        if larger_is_closer:
            block = -block
        labels = label_block(pids[start:stop], camids[start:stop], *others, junk_rule)
        leave_out(labels, start, stop, left_out)
        for q in range(start, stop):
            ranks = match_ranks(block[q - start], labels[q - start])
            if len(ranks):
                values[q] = average_precision(ranks, ap)
                inp[q] = len(ranks) / ranks[-1]
                first[q], matches[q] = ranks[0], len(ranks)
    valid = first > 0
    return RankingMetrics(
        cmc=_cmc(first[valid], topk),
        mAP=_mean(values[valid]),
        mINP=_mean(inp[valid]),
        ap=values,
        inp=inp,
        first_match_rank=first,
        true_matches=matches,
        valid_queries=int(valid.sum()),
        ap_kind=ap,
        junk_rule=junk_rule,
    )


def match_ranks(row: npt.NDArray[Any], labels: Labels) -> Int64:
    """Ranks (from 1, ascending) of the true matches in one row of distances (g,) without NaN.

    ``labels`` (g,) as from :func:`~qaconv_core.ranking.truth_labels`; junk and unknown pictures
    do not count. Equal distances rank in gallery order. Only where a true match has an equal is
    anything but the true matches sorted.
    """
    true = labels == RankingResult.TRUE
    if not true.any():
        return np.empty(0, dtype=np.int64)
    kept, hits = labels >= RankingResult.FALSE, np.sort(row[true])
    near = row[kept & (row <= hits[-1])]
    place = np.searchsorted(hits, near, side="right")  # how many hits are not farther away
    alone = np.count_nonzero(hits[place - 1] == near) == len(hits)
    if alone and (hits[1:] > hits[:-1]).all():
        nearer = np.cumsum(np.bincount(place, minlength=len(hits)))[: len(hits)]
        return 1 + nearer
    order = np.argsort(row[kept], kind="stable")
    return np.flatnonzero(true[kept][order]) + 1


def average_precision(ranks: Int64, kind: str = "step") -> float:
    """AP of true matches at ``ranks`` (n,), n ≥ 1, ascending from 1; formulas in the module."""
    found = np.arange(1, len(ranks) + 1)
    precision = found / ranks
    if kind == "trapezoid":
        earlier = np.where(ranks > 1, (found - 1) / np.maximum(ranks - 1, 1), 1.0)
        precision = (precision + earlier) / 2
    return float(precision.mean())


def _read(matrix: npt.NDArray[Any], start: int, stop: int) -> npt.NDArray[Any]:
    block = np.asarray(matrix[start:stop]).astype(working_dtype(matrix), copy=False)
    if block.dtype.kind == "f" and np.isnan(block).any():
        bad = start + int(np.flatnonzero(np.isnan(block).any(axis=1))[0])
        raise InputError(f"distances cannot be ranked: the row of query {bad} contains NaN")
    return block


def _cmc(first: Int64, topk: int) -> Float64:
    if len(first) == 0:
        return np.full(topk, np.nan)
    hits = np.bincount(first[first <= topk] - 1, minlength=topk)
    return np.cumsum(hits) / len(first)


def _mean(values: Float64) -> float:
    return float(values.mean()) if len(values) else float("nan")
