"""Re-ranking of each query's nearest pictures only, for galleries too large to compare in full.

Full re-ranking needs every gallery-to-gallery distance. Here each query is re-ranked alone among
its N nearest pictures, so that N×N distances a query are enough. This is an approximation, and
:func:`rerank_approximation` says so wherever a result is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.ranking.arrays import Matrix, real_matrix
from qaconv_core.ranking.columns import STRIP_BYTES, check_range
from qaconv_core.ranking.distances import TABLE_BYTES, DistanceTable
from qaconv_core.ranking.order import nearest
from qaconv_core.ranking.rerank import TERMS_AT_ONCE, Encoder, check_options
from qaconv_core.types import Float32, Int64

GalleryDistances = Callable[[Int64, Int64], npt.NDArray[Any]]
"""(rows, columns), gallery indices → distances (len(rows), len(columns)); rows act as queries."""


def rerank_top(
    dist_qg: npt.ArrayLike,
    top_n: int,
    gallery_distances: npt.ArrayLike | GalleryDistances,
    k1: int = 20,
    k2: int = 6,
    lambda_: float = 0.3,
    *,
    self_distance: npt.ArrayLike | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Float32:
    """Distances with each query's ``top_n`` nearest pictures re-ranked, float32 (p, g).

    The head is what :func:`~qaconv_core.ranking.k_reciprocal_rerank` gives for the query alone
    and these pictures. All others get what that formula gives pictures without a common
    neighbour, (1 − λ) + λ·d / max d: they follow behind the head in their old order, ties and
    all (differences that float32 cannot hold are widened by single rounding steps).

    ``dist_qg`` (p, g) is finite and ≥ 0. ``gallery_distances`` is a (g, g) array, perhaps
    memory-mapped, or a function of (rows, columns). ``self_distance`` (p,) is that of each query
    picture to itself (default 0). With ``top_n`` ≥ g the result is exact for a query on its own,
    still without the help of the other queries. Raises InputError and Cancelled as the full
    re-ranking does.
    """
    check_options(k1, k2, lambda_)
    if top_n < 1:
        raise InputError(f"the number of pictures to re-rank must be at least 1, not {top_n}")
    dist = real_matrix(dist_qg, "dist_qg", (None, None))
    p, g = dist.shape
    among = _among(gallery_distances, g)
    own = np.zeros(p) if self_distance is None else np.asarray(self_distance, dtype=np.float64)
    if own.shape != (p,):
        raise InputError(f"self_distance must have {p} entries, one per query, not {own.shape}")
    out = np.empty((p, g), dtype=np.float32)
    tracker = Tracker("re-ranking the nearest", p, "queries", progress, cancel)
    for q in range(p if g else 0):
        row = np.asarray(dist[q : q + 1], dtype=np.float64)
        largest = row.max(axis=1)
        check_range(row.min(axis=1), largest)
        scale = max(float(largest[0]), float(own[q])) or 1.0
        head = nearest(row, top_n)[0]
        table = DistanceTable.of(row[:, head], own[None, q : q + 1], among(head, head))
        jaccard = Encoder(table, k1, k2).encode().jaccard(0, 1)[0]
        out[q] = (1.0 - lambda_) + lambda_ * row[0] / scale
        out[q, head] = (1.0 - lambda_) * jaccard + lambda_ * row[0, head] / scale
        _keep_tail_in_order(out[q], row[0], head)
        tracker.advance()
    return out


def rerank_approximation(top_n: int) -> str:
    """What a result of :func:`rerank_top` is to be labelled with."""
    return (
        f"re-ranking of the {top_n} nearest pictures of each query only "
        "(an approximation; the rest keep their order)"
    )


def rerank_work(p: int, g: int, k1: int = 20, k2: int = 6, *, copied: bool) -> int:
    """Estimated bytes that full re-ranking takes beside its matrices; one thread.

    ``copied`` says that blocks of the distances are copied: they lie in files, or in another type
    than float32.
    """
    n = p + g
    wide = max(k1 + 1, k2)
    heads = 120 * n * wide  # the nearest of each picture, and what waits to be among them
    sparse = 8 * n * (k1 + 1) * (6 + k2)
    blocks = 40 * TERMS_AT_ONCE + 10 * STRIP_BYTES  # a strip's places, rows, columns and values
    if copied:
        blocks += 2 * min(TABLE_BYTES, 4 * max(p, g) * g)
    return max(heads, sparse) + blocks


def _among(source: npt.ArrayLike | GalleryDistances, g: int) -> GalleryDistances:
    """``source`` as a function that answers with checked shapes."""
    if not callable(source):
        matrix: Matrix = real_matrix(source, "gallery distances", (g, g))
        return lambda rows, columns: matrix[np.ix_(rows, columns)]

    def ask(rows: Int64, columns: Int64) -> npt.NDArray[Any]:
        shape = (len(rows), len(columns))
        return real_matrix(source(rows, columns), "gallery distances", shape)

    return ask


def _keep_tail_in_order(values: Float32, original: npt.NDArray[Any], head: Int64) -> None:
    """Make ``values`` (g,) of all but ``head`` rank as ``original`` does, behind the head.

    Rounded to float32, different distances may become one and change their order. Positive
    floats order as their bits do, so each next distance is moved up to at least one bit further.
    """
    tail = np.ones(len(values), dtype=bool)
    tail[head] = False
    where = np.flatnonzero(tail)
    if len(where) == 0:
        return
    where = where[np.argsort(original[where], kind="stable")]
    step = np.concatenate([[0], np.cumsum(np.diff(original[where]) > 0)])
    bits = np.maximum(values[where], 0).view(np.int32).astype(np.int64)
    first = np.maximum(values[head].max(), np.float32(0)).view(np.int32).astype(np.int64) + 1
    bits[0] = max(bits[0], first)
    bits = np.maximum.accumulate(bits - step) + step
    values[where] = bits.astype(np.int32).view(np.float32)
