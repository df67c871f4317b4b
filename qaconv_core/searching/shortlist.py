"""Galleries too large to score: pooled maps choose a shortlist, which is scored exactly.

A pooled map is a feature map averaged over a grid of at most 6×2 cells, each of unit norm again. It
takes 3 KB a picture with 128 channels, a sixteenth of a 24×8 map. Pooled maps are matched by the
same rule as feature maps, with averaged weights: that finds far more of the exact head than
comparing pooled cells place by place. The result is an approximation and says so: a picture that
is not on the shortlist cannot be found. ``qaconv bench`` measures how often that happens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback
from qaconv_core.searching.choice import LIMITS
from qaconv_core.searching.pooling import pool, pooled_grid, pooled_head
from qaconv_core.searching.prepared import Form, prepared_rows
from qaconv_core.searching.top import rank_top
from qaconv_core.types import FeatureBank, Float16, Float32, Int64, RankingResult

_PORTION = 2048  # pooled maps written together: each time, the disk is waited for


def pool_gallery(
    gallery: FeatureBank,
    *,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> FeatureBank:
    """The pooled maps of ``gallery``; only missing ones are computed.

    They are kept and grow as those of :func:`~qaconv_core.searching.prepared.prepare_gallery` do.
    """
    _, channels, h, w = gallery.shape
    shape = (channels, *pooled_grid((h, w)))
    form = Form((".pooled", ".there"), "<f2", shape, 1, _pooled, "u1", _PORTION, "pooling")
    maps, _, rows = prepared_rows(gallery, form, workers, progress, cancel)
    return FeatureBank(maps, rows)


def _pooled(maps: npt.NDArray[np.floating]) -> tuple[Float16, npt.NDArray[np.uint8]]:
    """Pooled maps, and a byte for each that marks its row as there."""
    return pool(maps), np.ones((len(maps), 1), dtype=np.uint8)


@dataclass(frozen=True)
class LargeSearch:
    """The pictures of a shortlist in order. ``ranking`` says in words that it is one, and
    ``places`` where on the list, from 1, each of its best stood: when all stood near its
    beginning, a longer list would hardly have found more."""

    ranking: RankingResult
    places: Int64

    @property
    def shortlist(self) -> int:
        """The length of the list."""
        return len(self.ranking.order)


def search_large(
    query_map: npt.NDArray[np.floating],
    gallery: FeatureBank,
    head: AffineHead,
    top: int,
    *,
    pooled: FeatureBank,
    shortlist: int = LIMITS.shortlist,
    cancel: CancelToken | None = None,
) -> LargeSearch:
    """The ``top`` best of ``gallery`` for one query map (C, h, w), exact among a shortlist.

    ``pooled`` is :func:`pool_gallery` of the same pictures. Only the feature maps of the
    ``shortlist`` best by pooled maps are read. Raises InputError where ``pooled`` has another
    length, or where the list is shorter than ``top``.
    """
    if len(pooled) != len(gallery) or shortlist < top:
        raise InputError(
            f"a shortlist of {shortlist} by {len(pooled)} pooled maps does not suit the {top} best "
            f"of {len(gallery)} pictures"
        )
    query = np.asarray(query_map)
    listed, places = shortlisted(query, pooled, head, shortlist, cancel)
    few = gallery.select(listed).about_to_be_read()
    found = rank_top(query, few, head, top, cancel=cancel)
    ranking = found
    if len(listed) < len(gallery):
        ranking = replace(
            found,
            order=listed[found.order],
            gallery=len(gallery),
            certainty="shortlist",
            exact_to=len(listed) if found.exact_to is None else found.exact_to,
            approximation=(
                f"through a shortlist of {len(listed):,} of {len(gallery):,} pictures by pooled "
                "maps (an approximation; what is not on it cannot be found)"
            ),
        )
    return LargeSearch(ranking, places[found.order[:top]])


def shortlisted(
    query_map: npt.NDArray[np.floating],
    pooled: FeatureBank,
    head: AffineHead,
    shortlist: int,
    cancel: CancelToken | None = None,
) -> tuple[Int64, Int64]:
    """The ``shortlist`` best by pooled maps: gallery indices, ascending, and ranks, from 1."""
    coarse = pool(query_map[None])
    logits: Float32 = score_maps(
        coarse, pooled, pooled_head(head), cancel=cancel, stage="shortlisting"
    )[0]
    count = min(shortlist, len(logits))
    listed = np.arange(count)
    if count < len(logits):
        listed = np.sort(np.argpartition(-logits, count - 1)[:count])
    places = np.empty(count, dtype=np.int64)
    places[np.argsort(-logits[listed], kind="stable")] = np.arange(1, count + 1)
    return listed, places


def shortlist_recall(
    query_maps: npt.NDArray[np.floating],
    gallery: FeatureBank,
    head: AffineHead,
    top: int,
    sizes: tuple[int, ...],
    *,
    exact: Float32 | None = None,
    pooled: FeatureBank | None = None,
) -> dict[int, float]:
    """Share of the exact ``top`` that a shortlist of each size holds, mean over the queries.

    ``query_maps`` has shape (p, C, h, w). ``exact`` (p, g), the logits of all pairs, and
    ``pooled``, the pooled gallery, are computed where they are not given.
    """
    if exact is None:
        exact = score_maps(query_maps, gallery, head)
    if pooled is None:
        pooled = pool_gallery(gallery)
    coarse = score_maps(pool(query_maps), pooled, pooled_head(head))
    best = np.argsort(-exact, axis=1, kind="stable")[:, :top]
    place = np.empty_like(coarse, dtype=np.int64)
    order = np.argsort(-coarse, axis=1, kind="stable")
    np.put_along_axis(place, order, np.arange(coarse.shape[1])[None], axis=1)
    ranks = np.take_along_axis(place, best, axis=1)
    return {size: float((ranks < size).mean()) for size in sizes}
