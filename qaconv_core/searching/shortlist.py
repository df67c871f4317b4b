"""Galleries too large to score: a small pooled map of each picture makes a shortlist.

A pooled map is the feature map averaged over a grid of at most 6×2 cells, unit norm again: 3 KB a
picture with 128 channels, a sixteenth of a 24×8 map. It is matched by the same rule with the
weights averaged alike, which finds far more of the exact head than comparing pooled cells place by
place. The shortlist is then scored exactly. The result is an approximation and says so: what is
not on the shortlist cannot be found. ``qaconv bench`` measures how often that happens.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError
from qaconv_core.matching.cpu import alone
from qaconv_core.matching.plan import cpu_workers
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.searching.pooling import Float16, pool, pooled_grid, pooled_head
from qaconv_core.searching.top import Prepared, rank_top
from qaconv_core.store.raw import RowFile
from qaconv_core.threads import in_threads
from qaconv_core.types import FeatureBank, Float32, Int64, RankingResult

SHORTLIST = 5000
"""Pictures on a shortlist unless something else is asked for."""
_BLOCK = 256
_WRITTEN = 8 * _BLOCK  # pooled maps written together: each time, the disk is waited for


def pool_gallery(
    gallery: FeatureBank,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> FeatureBank:
    """The pooled maps of a gallery, kept beside its maps where these lie on a shelf.

    Only what is not there yet is computed: a gallery that grows pools its new pictures. Raises
    :class:`InputError` where the files cannot be written, Cancelled between blocks.
    """
    _, channels, h, w = gallery.shape
    shape = (channels, *pooled_grid((h, w)))
    name = getattr(gallery.maps, "filename", None)
    if not name or Path(name).suffix != ".f16":
        kept: Float16 = np.empty((len(gallery), *shape), dtype=np.float16)
        _fill(gallery, kept.__setitem__, len(gallery), progress, cancel, by_number=True)
        return FeatureBank(kept, np.arange(len(gallery)))
    maps, there = _files(Path(name), shape)
    missing = np.setdiff1d(gallery.rows, np.flatnonzero(there.rows()))
    try:
        put = functools.partial(_put, maps, there)
        _fill(FeatureBank(gallery.maps, missing), put, len(gallery), progress, cancel)
    except OSError as cause:
        raise InputError(
            f"{maps.path}: cannot be written ({cause.strerror}); free space"
        ) from cause
    return FeatureBank(maps.rows(), gallery.rows)


def _files(path: Path, shape: tuple[int, int, int]) -> tuple[RowFile, RowFile]:
    """The pooled maps, and a byte for each row that is there."""
    return (
        RowFile(path.with_suffix(".pooled"), "<f2", shape),
        RowFile(path.with_suffix(".there"), "u1", ()),
    )


def _put(maps: RowFile, there: RowFile, rows: npt.NDArray[np.int64], pooled: Float16) -> None:
    for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
        maps.write(int(rows[run[0]]), pooled[run])
        there.write(int(rows[run[0]]), np.ones(len(run), dtype=np.uint8))


def _fill(
    gallery: FeatureBank,
    put: Any,
    total: int,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
    by_number: bool = False,
) -> None:
    """Pool every map of ``gallery`` and hand it to ``put`` with its row (or its number)."""
    count = len(gallery)
    rows = np.arange(count) if by_number else gallery.rows
    tracker = Tracker("pooling", total, "images", progress, cancel, start=total - count)

    def work(start: int) -> int:
        stop = min(count, start + _WRITTEN)
        with torch.inference_mode():
            parts = [
                pool(gallery.view(a, min(stop, a + _BLOCK))) for a in range(start, stop, _BLOCK)
            ]
        put(rows[start:stop], np.concatenate(parts))
        return stop - start

    jobs = range(0, count, _WRITTEN)
    for done in in_threads(work, jobs, cpu_workers(), alone if count else None):
        tracker.advance(done)


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
    shortlist: int = SHORTLIST,
    prepared: Prepared | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> LargeSearch:
    """The ``top`` best of ``gallery`` for one query map (C, h, w), exact among a shortlist.

    ``pooled`` is :func:`pool_gallery` of the same pictures. Only the maps of the ``shortlist``
    best by pooled maps are read.
    """
    if len(pooled) != len(gallery) or shortlist < top:
        raise InputError(
            f"a shortlist of {shortlist} by {len(pooled)} pooled maps does not suit the {top} best "
            f"of {len(gallery)} pictures"
        )
    query = np.asarray(query_map)
    listed, places = _listed(query, pooled, head, shortlist, progress, cancel)
    part = None if prepared is None else prepared.select(listed)
    few = gallery.select(listed).about_to_be_read()
    found = rank_top(query, few, head, top, prepared=part, cancel=cancel)
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
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Int64:
    """Gallery indices of the ``shortlist`` best by pooled maps, ascending."""
    return _listed(query_map, pooled, head, shortlist, progress, cancel)[0]


def _listed(
    query_map: npt.NDArray[np.floating],
    pooled: FeatureBank,
    head: AffineHead,
    shortlist: int,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> tuple[Int64, Int64]:
    """:func:`shortlisted`, and the place of each by pooled maps, from 1."""
    coarse = pool(query_map[None])
    logits: Float32 = score_maps(
        coarse, pooled, pooled_head(head), progress=progress, cancel=cancel, stage="shortlisting"
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

    ``exact`` (p, g) are the logits of all pairs and ``pooled`` the pooled gallery, where they are
    at hand.
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
