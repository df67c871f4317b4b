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

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
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
"""How far below zero rounding may bring a score."""


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
) -> Float32:
    """Scores lifted by when people were seen, float32 (p, g), larger is closer.

    ``score`` (p, g) is ≥ 0, larger closer, any real type (QAConv: sigmoid(logit / 10), or
    1 − re-ranked distance). Cameras are ids (−1 or None: not known), times are seconds (NaN or
    None: not known) on one clock; τ and σ are seconds.

    What is not known does no harm: a query without camera or time keeps its scores as they are
    (its order stays) and is nobody's neighbour; a gallery picture without camera or time is no
    pivot and gets the mean weight w of the other pictures for that query. Where no picture of
    the gallery is known, or no query, the result is a copy of ``score``.

    Raises InputError for wrong shapes, options, NaN or negative scores, and Cancelled.
    """
    matrix = real_matrix(score, "score", (None, None))
    p, g = matrix.shape
    _check_options(tau, sigma, k, alpha)
    query = Sightings.of(query_cams, query_times, p, "query")
    gallery = Sightings.of(gallery_cams, gallery_times, g, "gallery")
    out = _checked_copy(matrix)
    cameras = list(gallery.by_camera())
    total = len(query.known) * len(cameras)
    tracker = Tracker("temporal lifting", total, "rankings", progress, cancel)
    weight_sum = np.zeros(p)
    for rows in query.by_camera():
        begin, end = _nearby(query.times[rows], tau)
        for columns in cameras:
            found = _Candidates.of(matrix, rows, columns, k)
            pivots = found.pivots(begin, end, k)
            for part, weight in _weights(pivots, gallery.times[columns], sigma):
                cells = np.ix_(rows, columns[part])
                weight_sum[rows] += weight.sum(axis=1)
                out[cells] *= weight + np.float32(alpha)
            tracker.advance(len(rows))
    if len(gallery.known):
        cells = np.ix_(query.known, np.setdiff1d(np.arange(g), gallery.known))
        mean = weight_sum[query.known] / len(gallery.known)
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

    @classmethod
    def of(cls, matrix: Matrix, rows: Int64, columns: Int64, k: int) -> _Candidates:
        """Candidates of the queries ``rows`` in the gallery pictures ``columns``."""
        dtype, m = working_dtype(matrix), len(columns)
        counts, where, scores = [], [], []
        for a, b in row_blocks(len(rows), 4 * m * dtype.itemsize):
            block = matrix[np.ix_(rows[a:b], columns)].astype(dtype, copy=False)
            last = max(0, m - k)
            limit = np.partition(block, last, axis=1)[:, last, None]
            chosen = block >= limit
            counts.append(np.count_nonzero(chosen, axis=1))
            where.append(np.flatnonzero(chosen) % m)
            scores.append(block[chosen])
        start = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
        return cls(start, np.concatenate(where), np.concatenate(scores), m)

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


def _checked_copy(matrix: Matrix) -> Float32:
    """The scores as float32; InputError unless they are finite and ≥ 0."""
    out = np.empty(matrix.shape, dtype=np.float32)
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
