"""Contributions above average: a pair's contributions minus this query's mean over the gallery.

Dark trousers, pavement and the border of a picture match nearly every picture alike: they add much
to every logit and do not change the order. Subtracting a cell's mean over the gallery leaves what
distinguishes this pair.

For a *query cell* the mean is over its own contributions to all gallery pictures. A *gallery cell*
belongs to one picture only; its mean is over the cells at the same place in all gallery pictures,
which have the same weight in the head. Both differences are exact: relative contributions and the
mean logit add up to the logit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.explaining.maxima import CellSource, query_maxima
from qaconv_core.explaining.values import QueryMaxima, RelativeMatch
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback
from qaconv_core.ranking.arrays import evenly_spread
from qaconv_core.types import CorrespondenceMap, Float32, Float64, Grid, Int64

SAMPLE = 20_000
"""The most pictures that percentiles are taken over, evenly spread; means are over all pictures."""


@dataclass(frozen=True)
class AverageContributions:
    """Means and distributions of one query's contributions over a gallery of ``pictures``.

    - ``query_mean``, ``query_std`` (h, w): of the query's cells;
    - ``gallery_mean``, ``gallery_std`` (h, w): of the gallery pictures' cells, by place;
    - ``mean_logit``: the mean of all logits (bias and all means together);
    - ``query_sorted``, ``gallery_sorted`` (h·w, m): contributions of each cell in order, of all
      pictures or a sample of :data:`SAMPLE`.
    """

    pictures: int
    query_mean: Float64
    query_std: Float64
    gallery_mean: Float64
    gallery_std: Float64
    mean_logit: float
    query_sorted: Float32
    gallery_sorted: Float32

    @property
    def grid(self) -> Grid:
        """(h, w)."""
        return (self.query_mean.shape[0], self.query_mean.shape[1])


def average_contributions(
    query_map: npt.NDArray[np.floating],
    gallery: CellSource,
    head: AffineHead,
    *,
    leave_out: Sequence[int] | Int64 = (),
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> AverageContributions:
    """Measure the contributions of one query (C, h, w) over a gallery.

    ``leave_out`` are gallery indices that do not count (the query's own file).
    :class:`InputError` where no picture is left.
    """
    known = query_maxima(query_map, gallery, progress=progress, cancel=cancel)
    return averages_of_maxima(known, head, leave_out)


def averages_of_maxima(
    known: QueryMaxima, head: AffineHead, leave_out: Sequence[int] | Int64 = ()
) -> AverageContributions:
    """:func:`average_contributions` from maxima alone."""
    others = np.setdiff1d(np.arange(len(known)), np.asarray(leave_out, dtype=np.int64))
    if not len(others):
        raise InputError("there is no gallery to compare with: it has no other picture")
    rows = slice(None) if len(others) == len(known) else others
    sides = (
        _side(known.query[rows], head.query_weights),
        _side(known.gallery[rows], head.gallery_weights),
    )
    (query_mean, query_std, query_sorted), (gallery_mean, gallery_std, gallery_sorted) = sides
    return AverageContributions(
        pictures=len(others),
        query_mean=query_mean.reshape(head.grid),
        query_std=query_std.reshape(head.grid),
        gallery_mean=gallery_mean.reshape(head.grid),
        gallery_std=gallery_std.reshape(head.grid),
        mean_logit=float(head.bias + query_mean.sum() + gallery_mean.sum()),
        query_sorted=query_sorted,
        gallery_sorted=gallery_sorted,
    )


def _side(similarity: Float32, weights: Float64) -> tuple[Float64, Float64, Float32]:
    """Mean and deviation (h·w,) of contributions, and the contributions in order (h·w, m)."""
    mean = similarity.mean(axis=0, dtype=np.float64)
    # Two passes in float32 over differences: squares of the values themselves would cancel.
    square = np.square(similarity - mean.astype(np.float32)).mean(axis=0, dtype=np.float64)
    m = len(similarity)
    chosen = similarity
    if m > SAMPLE:
        chosen = similarity[evenly_spread(m, SAMPLE)]
    adds = _contributions(np.ascontiguousarray(chosen.T), weights[:, None])
    adds.sort(axis=1)
    return mean * weights, np.sqrt(square) * np.abs(weights), adds


def _contributions(similarity: Float32, weights: Float64) -> Float32:
    """float32(similarity · weight) in float64 first, as the explanation of a match rounds it."""
    return (similarity * weights).astype(np.float32)


def relative(match: CorrespondenceMap, average: AverageContributions) -> RelativeMatch:
    """A match's contributions relative to the averages of its query.

    A match of a picture of that gallery is itself part of the means and percentiles.
    """
    if match.grid != average.grid:
        raise InputError(f"the match has a grid of {match.grid}, the average one of {average.grid}")
    query, gallery = match.query_contribution, match.gallery_contribution
    return RelativeMatch(
        query=query.astype(np.float64) - average.query_mean,
        gallery=gallery.astype(np.float64) - average.gallery_mean,
        query_percentile=percentiles(query, average.query_sorted),
        gallery_percentile=percentiles(gallery, average.gallery_sorted),
        mean_logit=average.mean_logit,
        logit=match.logit,
    )


def percentiles(values: Float32, ordered: Float32) -> Float64:
    """Share in percent of ``ordered`` (h·w, m) below each of ``values`` (h, w); ties count half.

    Contributions of one picture computed alone and within a gallery differ in their last digits, so
    that values within a hundred-thousandth of each other are ties.
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    out = np.empty(len(flat))
    for i, (value, row) in enumerate(zip(flat, ordered, strict=True)):
        slack = 1e-5 * abs(value) + 1e-9
        below = np.searchsorted(row, value - slack, side="left")
        up_to = np.searchsorted(row, value + slack, side="right")
        out[i] = 50.0 * (below + up_to) / len(row)
    return out.reshape(values.shape)
