"""Search by part: a gallery ranked by some cells of the query alone.

The maxima of the queries last asked about are kept, so that the second part of a query is a matter
of a moment. Everything is exact: see :mod:`qaconv_core.explaining`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qaconv_core.caching import LruCache
from qaconv_core.device import available_memory
from qaconv_core.explaining.maxima import CellSource, GalleryCells, query_maxima
from qaconv_core.explaining.part import find_part, part_scores
from qaconv_core.explaining.values import PartScores, QueryMaxima
from qaconv_core.galleries.values import Found
from qaconv_core.progress import CancelToken
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.types import Bool, Float32

if TYPE_CHECKING:
    from qaconv_core.galleries.search import GallerySearch

KEPT_QUERIES = 4
"""Queries whose maxima are kept: 31 MB each for a gallery of 16,000."""
_SHARE = 0.25  # of the free memory that the gallery's cells may take


class PartSearch:
    """Scores by part for one :class:`~qaconv_core.galleries.search.GallerySearch`."""

    def __init__(self, search: GallerySearch) -> None:
        self._search = search
        self._maxima: LruCache[int, QueryMaxima] = LruCache(KEPT_QUERIES)
        self._cells: CellSource | None = None
        self._lock = threading.Lock()

    def maxima(self, query: int, cancel: CancelToken | None = None) -> QueryMaxima:
        """What all questions about parts of a query are answered from."""
        with self._lock:  # whoever asks for the same waits for it instead of computing it twice
            return self._maxima.get_or_make(
                query,
                lambda: query_maxima(self._search.query_map(query), self._gallery(), cancel=cancel),
            )

    def _gallery(self) -> CellSource:
        """The gallery's cells in memory where there is plenty of it, else as they are stored."""
        if self._cells is None:
            bank = self._search.gallery
            need = 2 * int(np.prod(bank.shape))
            spaced = need < _SHARE * available_memory("cpu")
            self._cells = GalleryCells.load(bank) if spaced else bank
        return self._cells

    def scores(self, query: int, part: Bool, cancel: CancelToken | None = None) -> PartScores:
        """The gallery scored by the cells ``part`` (h, w) of a query."""
        known = self.maxima(query, cancel)
        return part_scores(
            known.query_map, self._gallery(), self._search.model.head, part, known=known,
            cancel=cancel,
        )  # fmt: skip

    def scores_once(
        self, parts: Sequence[Bool], fuse: str = "max", cancel: CancelToken | None = None
    ) -> PartScores:
        """The gallery scored by ``parts`` (h, w) of the queries from the first on; nothing is kept
        for a second question."""
        maps = np.stack([self._search.query_map(query) for query in range(len(parts))])
        return part_scores(
            maps, self._search.gallery, self._search.model.head, list(parts), combine=fuse,
            cancel=cancel,
        )  # fmt: skip

    def found(
        self, query: int, part: Bool, candidates: Sequence[int], cancel: CancelToken | None = None
    ) -> dict[int, Found]:
        """Where the part was found in candidates, and how much of each pair's evidence it holds."""
        out = {}
        for candidate in candidates:
            if cancel is not None:
                cancel.raise_if_cancelled()
            maps = self._search.maps_of(query, candidate)
            match = find_part(*maps, self._search.model.head, part)
            out[candidate] = Found(match.found_mask, match.evidence)
        return out

    def values(
        self,
        queries: tuple[int, ...],
        part: Bool | None,
        fuse: str,
        cancel: CancelToken | None = None,
    ) -> tuple[Float32, float]:
        """What the gallery is ranked by (g,), and the share of the evidence that remains.

        The part is one of the first query; the others take part whole. A first query without any
        cell takes no part.
        """
        if part is None:
            return self._search.joined(queries, "qaconv", fuse), 1.0
        first, *others = queries
        if not part.any() and others:
            return self._search.joined(tuple(others), "qaconv", fuse), 0.0
        scores = self.scores(first, part, cancel)
        rows = [scores.logits, *(self._search.logits(query) for query in others)]
        return fuse_logits(rows, fuse), float(scores.evidence[0])
