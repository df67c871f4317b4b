"""Temporal lifting: people seen together at one camera tend to be seen together at the next.

Liao and Shao, *Interpretable and Generalizable Person Re-Identification with Query-Adaptive
Convolution and Temporal Lifting*, ECCV 2020, section 4. For a query q and the gallery pictures a
of one camera:

1. A(q) = the queries of q's camera within less than τ seconds of q, q itself among them;
2. of all scores of A(q) to that gallery camera, the K largest (and whatever equals the K-th) give
   the pivots P: gallery pictures, each as often as it was found;
3. w(q, a) = mean over k in P of exp(−(t_k − t_a)² / σ²);
4. lifted score = (w(q, a) + α) · score(q, a).

As published, the query's own camera is a gallery camera like the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.ranking import sparse
from qaconv_core.ranking.arrays import (
    BLOCK_BYTES,
    Ids,
    Matrix,
    Times,
    id_vector,
    real_matrix,
    row_blocks,
    time_vector,
    working_dtype,
)
from qaconv_core.types import UNKNOWN, Float32, Float64, Int64

Array = npt.NDArray[Any]
SLACK = 1e-3
"""The largest negative score that counts as rounding."""
_LIFTED_BYTES = 4 * BLOCK_BYTES


def temporal_lift(
    score: npt.ArrayLike,
    query_cams: Ids,
    gallery_cams: Ids,
    query_times: Times,
    gallery_times: Times,
    tau: float = 100.0,
    sigma: float = 200.0,
    k: int = 10,
    alpha: float = 0.2,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    out: Float32 | None = None,
) -> Float32:
    """Scores lifted by when people were seen, float32 (p, g), larger is closer.

    ``score`` (p, g) is ≥ 0, larger closer, any real type (QAConv: sigmoid(logit / 10), or
    1 − re-ranked distance). Cameras are ids (−1 or None: not known), times are seconds (NaN or
    None: not known) on one clock; τ and σ are seconds.

    What is not known does no harm: a query without camera or time keeps its scores as they are
    (its order stays) and is nobody's neighbour; a gallery picture without camera or time is no
    pivot and gets the mean weight w of the other pictures for that query. Where no picture of
    the gallery is known, or no query, the result is a copy of ``score``. ``out`` (p, g) receives
    the result; like ``score`` it may be memory-mapped, and may be ``score`` itself.

    Raises InputError for wrong shapes, options, NaN or negative scores, and Cancelled.
    """
    matrix = real_matrix(score, "score", (None, None))
    p, g = matrix.shape
    _check_options(tau, sigma, k, alpha)
    query = Sightings.of(query_cams, query_times, p, "query")
    gallery = Sightings.of(gallery_cams, gallery_times, g, "gallery")
    out = _checked_copy(matrix, out)
    order, cameras = gallery.by_place()
    tracker = Tracker(
        "temporal lifting", len(query.known) * len(cameras), "rankings", progress, cancel
    )
    weight_sum, back = np.zeros(p), np.argsort(order)
    for rows in query.by_camera():
        begin, end = _nearby(query.times[rows], tau)
        pivots = [
            found.pivots(begin, end, k) for found in _candidates(matrix, rows, order, cameras, k)
        ]
        for a, b in row_blocks(len(rows), 12 * g, _LIFTED_BYTES):
            some = rows[a:b]
            lifted = _ordered(matrix, some, order, np.dtype(np.float32))
            for (first, last), pivot in zip(cameras, pivots, strict=True):
                times = gallery.times[order[first:last]]
                for part, weight in _weights(pivot[a:b], times, sigma):
                    weight_sum[some] += weight.sum(axis=1)
                    weight += np.float32(alpha)
                    lifted[:, first:last][:, part] *= weight
            if len(order) == g:
                out[some] = lifted.take(back, axis=1)
            else:
                out[np.ix_(some, order)] = lifted
            tracker.advance(len(some) * len(cameras))
    if len(order):
        cells = np.ix_(query.known, np.setdiff1d(np.arange(g), gallery.known))
        mean = weight_sum[query.known] / len(order)
        out[cells] *= (mean + alpha).astype(np.float32)[:, None]
    return out


def tlift_available(query_times: Times, gallery_times: Times) -> str:
    """Why TLift cannot be applied, in words; "" when it can."""
    for name, times in (("query", query_times), ("gallery", gallery_times)):
        known = 0 if times is None else int(np.isfinite(time_vector(times, len(times), name)).sum())
        if not known:
            return f"TLift needs the times of the pictures, but no {name} picture has one"
    return ""


@dataclass(frozen=True)
class Sightings:
    """Camera and time of pictures; ``known`` are the indices where neither is missing."""

    cams: Int64
    times: Float64
    known: Int64

    @classmethod
    def of(cls, cams: Ids, times: Times, size: int, name: str) -> Sightings:
        """From what the caller gave."""
        camera = id_vector(cams, size, f"{name}_cams")
        seconds = time_vector(times, size, f"{name}_times")
        known = np.flatnonzero((camera != UNKNOWN) & ~np.isnan(seconds))
        return cls(camera, seconds, known)

    def by_camera(self) -> Iterator[Int64]:
        """Indices of the known pictures of each camera, in order of time."""
        ordered = self.known[np.argsort(self.times[self.known], kind="stable")]
        for camera in np.unique(self.cams[self.known]):
            yield ordered[self.cams[ordered] == camera]

    def by_place(self) -> tuple[Int64, list[tuple[int, int]]]:
        """Indices of the known pictures, camera by camera, and where in it each camera lies."""
        groups = list(self.by_camera())
        ends = np.cumsum([0, *map(len, groups)]).tolist()
        order = np.concatenate([*groups, np.empty(0, dtype=np.int64)])
        return order.astype(np.int64), list(itertools.pairwise(ends))


@dataclass(frozen=True)
class _Candidates:
    """The gallery pictures of one camera that may become pivots of the queries of another.

    Those of query r lie at ``start[r]`` … ``start[r + 1]`` of ``column`` and ``score``: its K best
    and whatever equals the K-th. The K best of several queries are among them.
    """

    start: Int64
    column: Int64
    score: Array
    size: int

    def pivots(self, begin: Int64, end: Int64, k: int) -> Any:
        """CSR (queries, gallery pictures): each pivot's share of the mean in step 3.

        Query r's neighbours are the queries ``begin[r]`` … ``end[r]``−1.
        """
        columns, counts = [], []
        for a, b in zip(self.start[begin], self.start[end], strict=True):
            score = self.score[a:b]
            last = max(0, len(score) - k)
            chosen = score >= np.partition(score, last)[last]
            columns.append(self.column[a:b][chosen])
            counts.append(len(columns[-1]))
        size = np.array(counts, dtype=np.int64)
        start = np.concatenate([[0], np.cumsum(size)])
        share = np.repeat(np.float32(1) / size.astype(np.float32), size)
        shape = (len(size), self.size)
        return sparse.csr_array((share, np.concatenate(columns), start), shape=shape)


def _ordered(matrix: Matrix, rows: Int64, order: Int64, dtype: np.dtype[Any]) -> Array:
    """``matrix[rows][:, order]``: whole rows first, then within the row, several times as fast as
    both at once."""
    return np.asarray(matrix[rows]).astype(dtype, copy=False).take(order, axis=1)


def _candidates(
    matrix: Matrix, rows: Int64, order: Int64, cameras: list[tuple[int, int]], k: int
) -> Iterator[_Candidates]:
    """For each of ``cameras``, (start, stop) in ``order``, the candidates of queries ``rows``."""
    dtype = working_dtype(matrix)
    found: list[list[tuple[Int64, Int64, Array]]] = [[] for _ in cameras]
    for a, b in row_blocks(len(rows), 4 * matrix.shape[1] * dtype.itemsize):
        block = _ordered(matrix, rows[a:b], order, dtype)
        for parts, (first, last) in zip(found, cameras, strict=True):
            scores = block[:, first:last]
            place = max(0, last - first - k)
            limit = np.partition(scores, place, axis=1)[:, place, None]
            row, column = np.divmod(np.flatnonzero(scores >= limit), last - first)
            parts.append((np.bincount(row, minlength=b - a), column, scores[row, column]))
    for parts, (first, last) in zip(found, cameras, strict=True):
        counts, columns, values = (np.concatenate(some) for some in zip(*parts, strict=True))
        start = np.concatenate([[0], np.cumsum(counts)])
        yield _Candidates(start, columns, values, last - first)


def _nearby(times: Float64, tau: float) -> tuple[Int64, Int64]:
    """Where each picture's neighbours in time begin and end, in ``times`` that ascend."""
    begin, end = np.empty((2, len(times)), dtype=np.int64)
    for i, time in enumerate(times):
        # The published test on the difference, so that pictures exactly τ apart fall alike.
        inside = np.abs(times - time) < tau
        begin[i] = np.argmax(inside)
        end[i] = begin[i] + np.count_nonzero(inside)
    return begin, end


def _weights(pivots: Any, times: Float64, sigma: float) -> Iterator[tuple[slice, Float32]]:
    """Step 3 in blocks of gallery pictures: (which, weights (queries, block))."""
    used, place = np.unique(pivots.indices, return_inverse=True)
    shape = (pivots.shape[0], len(used))
    compact = sparse.csr_array((pivots.data, place, pivots.indptr), shape=shape)
    for a, b in row_blocks(len(times), 8 * max(shape)):
        apart = (times[used, None] - times[a:b]).astype(np.float32) / np.float32(sigma)
        yield slice(a, b), compact @ np.exp(-apart * apart)


def _checked_copy(matrix: Matrix, out: Float32 | None) -> Float32:
    """The scores as float32, in ``out``; InputError unless they are finite and ≥ 0."""
    if out is None:
        out = np.empty(matrix.shape, dtype=np.float32)
    elif out.shape != matrix.shape:
        raise InputError(f"the place for lifted scores has shape {out.shape}, not {matrix.shape}")
    for a, b in row_blocks(matrix.shape[0], 8 * matrix.shape[1], BLOCK_BYTES):
        out[a:b] = matrix[a:b]
        if not np.isfinite(out[a:b]).all():
            raise InputError("scores for TLift must be finite, but some are NaN or infinite")
        if (out[a:b] < -SLACK).any():
            raise InputError(
                "scores for TLift must not be negative, as they are multiplied; for QAConv pass "
                "sigmoid(logit / 10)"
            )
    return out


def _check_options(tau: float, sigma: float, k: int, alpha: float) -> None:
    if not (tau > 0 and sigma > 0):
        raise InputError(f"tau and sigma of TLift must be above 0 s, not {tau!r} and {sigma!r}")
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise InputError(f"K of TLift must be a whole number from 1, not {k!r}")
    if not alpha >= 0:
        raise InputError(f"alpha of TLift must not be below 0, not {alpha!r}")
