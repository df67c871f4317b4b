"""Where a normalised score comes from: N as a sum over cells, exactly.

N is affine in the logit, and the logit is a sum of contributions. So each cell's part of N is

    ½ · ((its contribution − its mean over Z's cohort) / std Z + (… over T's cohort) / std T)

In Z the cohort's pictures take the gallery's role: a query cell's mean is over its own
contributions, a gallery cell's over the cells at the same place in the cohort's pictures. In T they
take the query's role, the other way round. The bias falls out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.explaining.maxima import CellSource, query_maxima
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken
from qaconv_core.types import CorrespondenceMap, Float64


@dataclass(frozen=True, eq=False)
class NormalisedBreakdown:
    """Parts of N in standard deviations: ``query`` and ``gallery`` (h, w) add up to ``n``.

    ``z`` and ``t`` are its halves before they are halved. ``slope`` is dN/dlogit.
    """

    n: float
    z: float
    t: float
    slope: float
    query: Float64
    gallery: Float64


@dataclass(frozen=True)
class _Half:
    """Means (h·w,) of one cohort's contributions, and mean and deviation of its logits."""

    query: Float64
    gallery: Float64
    mean: float
    std: float


def normalised_breakdown(
    match: CorrespondenceMap,
    query_map: npt.NDArray[np.floating],
    gallery_map: npt.NDArray[np.floating],
    z_cohort: CellSource,
    t_cohort: CellSource,
    head: AffineHead,
    *,
    cancel: CancelToken | None = None,
) -> NormalisedBreakdown:
    """The breakdown of a pair with ``match``; both maps are (C, h, w).

    ``z_cohort`` and ``t_cohort`` are maps (n, C, h, w) of the strangers of either half, without the
    pair's own pictures. A half without spread is zero. Raises InputError without any stranger.
    """
    z = _half(query_map, z_cohort, head.query_weights, head.gallery_weights, head, cancel)
    # The same maxima, seen from the gallery picture.
    turned = _half(gallery_map, t_cohort, head.gallery_weights, head.query_weights, head, cancel)
    t = _Half(turned.gallery, turned.query, turned.mean, turned.std)
    halves = [half for half in (z, t) if half.std > 0]
    shape = head.grid
    query, gallery = np.zeros(shape), np.zeros(shape)
    for half in halves:
        query += (match.query_contribution - half.query.reshape(shape)) / (2 * half.std)
        gallery += (match.gallery_contribution - half.gallery.reshape(shape)) / (2 * half.std)
    scores = [(match.logit - half.mean) / half.std if half.std > 0 else 0.0 for half in (z, t)]
    slope = sum(1 / half.std for half in halves) / 2
    return NormalisedBreakdown(
        sum(scores) / 2, float(scores[0]), float(scores[1]), float(slope), query, gallery
    )


def _half(
    own_map: npt.NDArray[np.floating],
    cohort: CellSource,
    own_weights: Float64,
    other_weights: Float64,
    head: AffineHead,
    cancel: CancelToken | None,
) -> _Half:
    if not cohort.shape[0]:
        raise InputError("there are no strangers between these two cameras to compare with")
    found = query_maxima(own_map, cohort, cancel=cancel)
    own, other = found.query.astype(np.float64), found.gallery.astype(np.float64)
    logits = head.bias + own @ own_weights + other @ other_weights
    std = float(logits.std())
    spread = std > 1e-6 * max(1.0, float(np.abs(logits).max()))
    return _Half(
        own.mean(axis=0) * own_weights,
        other.mean(axis=0) * other_weights,
        float(logits.mean()),
        std if spread else 0.0,
    )
