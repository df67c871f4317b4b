"""Search by part: a gallery ranked by some cells of the query alone.

The maxima of the queries last asked about are kept, so that the second part of a query is a matter
of a moment. Everything is exact: see :mod:`qaconv_core.explaining`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from qaconv_core.caching import LruCache
from qaconv_core.device import available_memory
from qaconv_core.explaining.maxima import CellSource, GalleryCells, query_maxima
from qaconv_core.explaining.part import find_part, part_scores, plain_logits
from qaconv_core.explaining.values import PartScores, QueryMaxima
from qaconv_core.galleries.values import Found
from qaconv_core.model import Model
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.types import Bool, FeatureBank, Float32

KEPT_QUERIES = 4
"""Queries whose maxima are kept: 31 MB each for a gallery of 16,000."""
_SHARE = 0.25  # of the free memory that the gallery's cells may take


class PartSearch:
    """Scores a gallery by part for queries, by their numbers; ``query_map`` gives (C, h, w)."""

    def __init__(
        self, model: Model, gallery: FeatureBank, query_map: Callable[[int], Float32]
    ) -> None:
        self._head, self._bank, self._query_map = model.head, gallery, query_map
        self._maxima: LruCache[int, QueryMaxima] = LruCache(KEPT_QUERIES)
        self._cells: CellSource | None = None
        self._lock = threading.Lock()

    def maxima(self, query: int, cancel: CancelToken | None = None) -> QueryMaxima:
        """What all questions about parts of a query are answered from."""
        with self._lock:  # whoever asks for the same waits for it instead of computing it twice
            return self._maxima.get_or_make(
                query,
                lambda: query_maxima(self._query_map(query), self._gallery(), cancel=cancel),
            )

    def _gallery(self) -> CellSource:
        """The gallery's cells in memory where there is plenty of it, else as they are stored."""
        if self._cells is None:
            need = 2 * int(np.prod(self._bank.shape))
            spaced = need < _SHARE * available_memory("cpu")
            self._cells = GalleryCells.load(self._bank) if spaced else self._bank
        return self._cells

    def scores(self, query: int, part: Bool, cancel: CancelToken | None = None) -> PartScores:
        """The gallery scored by the cells ``part`` (h, w) of a query."""
        known = self.maxima(query, cancel)
        return part_scores(
            known.query_map, self._gallery(), self._head, part, known=known,
            cancel=cancel,
        )  # fmt: skip

    def whole_logits(self, query: int, cancel: CancelToken | None = None) -> Float32:
        """Logits (g,) of the whole query, from what its parts are scored by."""
        return plain_logits(self.maxima(query, cancel), self._head)

    def scores_once(
        self, parts: Sequence[Bool], fuse: str = "max", cancel: CancelToken | None = None
    ) -> PartScores:
        """The gallery scored by ``parts`` (h, w) of the queries from the first on; nothing is kept
        for a second question."""
        maps = np.stack([self._query_map(query) for query in range(len(parts))])
        return part_scores(
            maps, self._bank, self._head, list(parts), combine=fuse,
            cancel=cancel,
        )  # fmt: skip

    def rows(self, maps: FeatureBank, part: Bool, cancel: CancelToken | None = None) -> Float32:
        """Logits (n, g) of other pictures in the query's role, by the cells ``part`` (h, w)."""
        queries = maps.read(0, len(maps)).astype(np.float32)
        found = part_scores(
            queries, self._gallery(), self._head, [part] * len(queries), cancel=cancel
        )
        return found.by_query

    def found(
        self, query: int, part: Bool, candidates: Sequence[int], cancel: CancelToken | None = None
    ) -> dict[int, Found]:
        """Where the part was found in candidates, and how much of each pair's evidence it holds."""
        out = {}
        for candidate in candidates:
            raise_if_cancelled(cancel)
            gallery_map = np.asarray(self._bank[candidate], dtype=np.float32)
            match = find_part(self._query_map(query), gallery_map, self._head, part)
            out[candidate] = Found(match.found_mask, match.evidence)
        return out
