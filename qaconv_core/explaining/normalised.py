"""Where a normalised score comes from: N as a sum over cells, exactly.

N is affine in the logit, and the logit is a sum of contributions. So each cell's part of N is

    ½ · ((its contribution − its mean over Z's cohort) / std Z + (… over T's cohort) / std T)

In Z the cohort's pictures take the gallery's role: a query cell's mean is over its own
contributions, a gallery cell's over the cells at the same place in the cohort's pictures. In T they
take the query's role, the other way round. The bias falls out.

Cells may be left out. Those of the query are left out of T's strangers, too, who take its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.explaining.maxima import CellSource, GalleryCells, query_maxima
from qaconv_core.explaining.values import NormalisedBreakdown
from qaconv_core.matching.cells import kept_cells
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken
from qaconv_core.types import Bool, CorrespondenceMap, FeatureBank, Float64

Kept = tuple[npt.ArrayLike | None, npt.ArrayLike | None]
"""The cells of query and gallery picture that take part, (h, w) each; None: all."""


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
    keep: Kept = (None, None),
    cancel: CancelToken | None = None,
) -> NormalisedBreakdown:
    """The breakdown of a pair with ``match``; both maps are (C, h, w).

    ``z_cohort`` and ``t_cohort`` are maps (n, C, h, w) of the strangers of either half, without the
    pair's own pictures. ``keep`` are the cells that the match is made of. A half without spread is
    zero. Raises InputError without any stranger.
    """
    kept = kept_cells(keep[0], head.grid, "query"), kept_cells(keep[1], head.grid, "gallery")
    wq, wg = head.query_weights * kept[0], head.gallery_weights * kept[1]
    silent = not kept[0].any()
    whole = np.zeros_like(wg) if silent else head.gallery_weights
    z = _half(_without(query_map, kept[0]), z_cohort, wq, whole, head.bias, cancel)
    if silent or not kept[1].any():
        wq, wg = np.zeros_like(wq), np.zeros_like(wg)
    # The same maxima, seen from the gallery picture.
    strangers = t_cohort if kept[0].all() else _without(_in_memory(t_cohort), kept[0])
    turned = _half(_without(gallery_map, kept[1]), strangers, wg, wq, head.bias, cancel)
    t = _Half(turned.gallery, turned.query, turned.mean, turned.std)
    return _assembled(match, z, t)


def _assembled(match: CorrespondenceMap, z: _Half, t: _Half) -> NormalisedBreakdown:
    halves = [half for half in (z, t) if half.std > 0]
    query, gallery = np.zeros(match.grid), np.zeros(match.grid)
    for half in halves:
        query += (match.query_contribution - half.query.reshape(match.grid)) / (2 * half.std)
        gallery += (match.gallery_contribution - half.gallery.reshape(match.grid)) / (2 * half.std)
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
    bias: float,
    cancel: CancelToken | None,
) -> _Half:
    if not cohort.shape[0]:
        raise InputError("there are no strangers between these two cameras to compare with")
    found = query_maxima(own_map, cohort, cancel=cancel)
    own, other = found.query.astype(np.float64), found.gallery.astype(np.float64)
    logits = bias + own @ own_weights + other @ other_weights
    std = float(logits.std())
    spread = std > 1e-6 * max(1.0, float(np.abs(logits).max()))
    return _Half(
        own.mean(axis=0) * own_weights,
        other.mean(axis=0) * other_weights,
        float(logits.mean()),
        std if spread else 0.0,
    )


def _without(maps: npt.NDArray[np.floating], kept: Bool) -> npt.NDArray[np.floating]:
    """Maps (…, C, h, w) that hold the ``kept`` cells alone.

    In the place of each other cell stands the first of them once more: maxima over all cells are
    then those over the kept ones.
    """
    if kept.all() or not kept.any():
        return maps
    flat = np.array(maps).reshape(*maps.shape[:-2], -1)
    flat[..., ~kept] = flat[..., np.flatnonzero(kept)[:1]]
    return flat.reshape(maps.shape)


def _in_memory(cohort: CellSource) -> npt.NDArray[np.floating]:
    if isinstance(cohort, FeatureBank):
        return cohort.read(0, len(cohort))
    if isinstance(cohort, GalleryCells):
        return cohort.rows.swapaxes(1, 2).reshape(cohort.shape)
    return cohort
