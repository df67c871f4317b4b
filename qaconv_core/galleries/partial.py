"""A gallery whose maps are still being computed: ranked and explained as far as they are there.

The thread that computes maps adds them; another one ranks and explains meanwhile. Maps are those
that the whole gallery will have (float16), so that what is shown early has its final numbers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qaconv_core.errors import StoreError
from qaconv_core.extraction.completed_maps import OnMaps
from qaconv_core.galleries.pairs import explain_pair, explain_why
from qaconv_core.galleries.truth import GroundTruth
from qaconv_core.galleries.values import OpenSet, PairView, Why
from qaconv_core.model import Model
from qaconv_core.progress import CancelToken
from qaconv_core.ranking import rank_gallery
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.store.features import FeatureShelf, FileKey
from qaconv_core.store.keys import file_keys
from qaconv_core.types import Bool, Float16, Float32, ImageRef, ImageSet, Int64, RankingResult

MOST_BYTES = 2**30
"""Maps kept in memory: 21,000 pictures at 48 KB. Later ones wait for the whole gallery."""
FEWEST = 64
"""Where fewer maps are missing, the whole gallery is there in a moment."""
PAUSE = 0.4
"""Seconds between two reports of what has arrived: more often is a flicker."""


class PartialGallery:
    """The gallery maps of ``data`` under ``model`` that are there, and queries' as requested."""

    def __init__(self, model: Model, data: OpenSet) -> None:
        self.model, self.data = model, data
        self._lock = threading.Lock()
        self._positions: list[Int64] = []
        self._maps: list[Float16] = []
        self._bytes = 0
        self._queries: dict[int, Float32] = {}
        self._rows: dict[int, list[Float32]] = {}
        self._opened = len(data.query)
        self._truth = GroundTruth(data.gallery, data.junk_rule)

    # ── what arrives ────────────────────────────────────────────────────────────────────────────

    def add(self, positions: Int64, maps: Float16) -> None:
        """More of the gallery: indices (n,) and maps (n, C, h, w)."""
        with self._lock:
            if self._bytes + maps.nbytes <= MOST_BYTES:
                self._positions.append(positions)
                self._maps.append(maps)
                self._bytes += maps.nbytes

    def add_query(self, query: int, feature_map: Float16) -> None:
        """The map (C, h, w) of a query."""
        with self._lock:
            self._queries[query] = np.asarray(feature_map, dtype=np.float32)

    def add_queries(self, refs: tuple[ImageRef, ...]) -> OpenSet:
        """Take pictures of the user as further queries; returns the set with them at its end."""
        first = len(self.data.query)
        for query, found in enumerate(self._extract(refs), first):
            self.add_query(query, found)
        self.data = self.data.with_queries(refs)
        return self.data

    def added(self) -> tuple[tuple[ImageRef, ...], list[Float32]]:
        """The pictures that were added, and their maps."""
        refs = self.data.query.refs[self._opened :]
        with self._lock:
            return refs, [self._queries[self._opened + i] for i in range(len(refs))]

    # ── rankings and explanations ───────────────────────────────────────────────────────────────

    def rank(self, queries: tuple[int, ...], fuse: str = "max") -> RankingResult:
        """What has arrived of the gallery in order, by plain QAConv."""
        with self._lock:
            portions = len(self._positions)
            positions = np.concatenate([np.empty(0, np.int64), *self._positions])
        values = fuse_logits([self._row(query, portions) for query in queries], fuse)
        by_index = np.argsort(positions)  # ties rank in gallery order
        positions = positions[by_index]
        truth = self._truth.of([self.data.query[query] for query in queries])
        ranking, tracks = rank_gallery(values[by_index], truth[positions]), self.data.gallery_tracks
        return replace(
            ranking,
            queries=queries,
            order=positions[ranking.order],
            tracks=None if tracks is None else tracks[positions[ranking.order]],
            gallery=len(self.data.gallery),
        )

    def _row(self, query: int, portions: int) -> Float32:
        """Logits of a query to what is in the first ``portions``; only new ones are computed."""
        known = self._rows.setdefault(query, [])
        with self._lock:
            new = self._maps[len(known) : portions]
        if new:
            sizes = np.cumsum([len(maps) for maps in new])
            logits = self.model.score(self._query_map(query)[None], np.concatenate(new))[0]
            known += np.split(logits, sizes[:-1])
        return np.concatenate([np.empty(0, np.float32), *known[:portions]])

    def explain(self, query: int, candidate: int, part: Bool | None = None) -> PairView:
        """One pair, with the similarity of every cell to every cell."""
        maps = self._query_map(query), self._gallery_map(candidate)
        return explain_pair(self.model, query, candidate, maps, part)

    def why(self, first: PairView, second: PairView) -> Why:
        """Why two candidates of one query have other logits."""
        return explain_why(first, second)

    def _query_map(self, query: int) -> Float32:
        with self._lock:
            known = self._queries.get(query)
        if known is None:
            self.add_query(query, self._extract((self.data.query[query],))[0])
            return self._query_map(query)
        return known

    def _gallery_map(self, candidate: int) -> Float32:
        with self._lock:
            for positions, maps in zip(self._positions, self._maps, strict=True):
                found = np.flatnonzero(positions == candidate)
                if len(found):
                    return maps[found[0]].astype(np.float32)
        return self._extract((self.data.gallery[candidate],))[0].astype(np.float32)

    def _extract(self, refs: tuple[ImageRef, ...]) -> Float16:
        """Maps of single pictures that somebody waits for, before their turn comes."""
        return self.model.extract([ref.path for ref in refs]).astype(np.float16)


def deliver_partly(
    partial: PartialGallery,
    first: tuple[int, ...],
    shelf: FeatureShelf | None,
    report: Callable[[PartialGallery], None],
    cancel: CancelToken | None = None,
) -> OnMaps | None:
    """Compute the maps of the ``first`` queries; what to do with those of the gallery.

    That is to add them, and to ``report`` the partial gallery now and then. None where so few are
    missing that it is not worth while.
    """
    if _missing(partial.data.gallery, shelf) < FEWEST:
        return None
    refs = partial.data.query.select(first)
    found = partial.model.extract_set(refs, shelf=shelf, cancel=cancel)
    for place, kept in enumerate(found.kept):
        partial.add_query(first[kept], found.bank[place])
    last = -PAUSE

    def on_maps(positions: Int64, maps: Float16) -> None:
        nonlocal last
        partial.add(positions, maps)
        if time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            report(partial)

    return on_maps


def _missing(gallery: ImageSet, shelf: FeatureShelf | None) -> int:
    """How many pictures have no map yet."""
    if shelf is None:
        return len(gallery)
    keys = [key for key in file_keys(gallery.paths) if isinstance(key, FileKey)]
    try:
        return int(np.count_nonzero(shelf.lookup(keys) < 0))
    except StoreError:  # whoever computes the maps reports it
        return len(gallery)
