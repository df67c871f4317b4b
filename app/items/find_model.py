"""What was found in the gallery for a person, a camera or a part of a file name."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt5.QtCore import Qt

from app.items.row_models import ListModel
from app.items.row_texts import count_text, who_sentence
from app.state.listing import listed_places, search_texts, text_hits
from app.state.values import ResultFilter
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import Int64, RankingResult

NONE: Int64 = np.array([], dtype=np.int64)
MOST = 200
"""Hits that are listed; their number is told in full."""


class FindModel(ListModel):
    """Hits, as gallery indices, in the order of the ranking (of the gallery without one)."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.total = 0
        self.hidden: frozenset[int] = frozenset()
        self._data: OpenSet | None = None
        self._ranking: RankingResult | None = None

    def search(
        self, data: OpenSet | None, ranking: RankingResult | None, chosen: ResultFilter, text: str
    ) -> None:
        """Find anew."""
        self.beginResetModel()
        self._data, self._ranking = data, ranking
        hits = np.flatnonzero(text_hits(search_texts(data.gallery), text)) if data else NONE
        if ranking is not None:
            places = ranking.places[hits]
            hits = hits[np.lexsort((places, places < 0))]  # those not ranked yet at the end
        self.total, self.rows = len(hits), hits[:MOST].tolist()
        self.hidden = frozenset()
        if data is not None and ranking is not None and self.rows:
            listed = ranking.order[listed_places(data, ranking, chosen)]
            ranked = hits[ranking.places[hits] >= 0]
            self.hidden = frozenset(ranked[~np.isin(ranked, listed)].tolist())
        self.endResetModel()

    def shown(self, row: int, role: int) -> Any:
        assert self._data is not None
        hit = self.rows[row]
        ref = self._data.gallery[hit]
        if role == Qt.DisplayRole:
            words = [self._rank(hit), ref.path.name]
            return "   ".join([*words, "hidden"] if hit in self.hidden else words)
        if role in (Qt.ToolTipRole, Qt.AccessibleTextRole):
            said = [self._rank(hit), who_sentence(ref), ref.path.name]
            return ", ".join([*said, "hidden by filters"] if hit in self.hidden else said)
        return None

    def _rank(self, hit: int) -> str:
        if self._ranking is None:
            return "not ranked"
        if self._ranking.place_of(hit) < 0:
            return "not ranked yet"
        rank = self._ranking.rank_of(hit)
        return f"rank {count_text(rank)}" if rank else "same camera (ignored), no rank"
