"""Search by part, and what hiding cells does, with the maps of an opened set; in worker threads.

The maxima of the queries last asked about are kept, so that the second part of a query is a matter
of a moment. Everything is exact: see :mod:`qaconv_core.explaining`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from app.jobs.pairs import fused
from app.state.drawn_parts import Found, Regions, WhatIf
from app.state.overlay import SIDES
from app.state.values import Ranking, Side
from qaconv_core.device import available_memory
from qaconv_core.explaining.covering import WINDOW, covered_logit, occlusion_map, window_mask
from qaconv_core.explaining.maxima import CellSource, GalleryCells, query_maxima
from qaconv_core.explaining.part import find_part, part_scores, rank_of
from qaconv_core.explaining.values import PartScores, QueryMaxima
from qaconv_core.progress import CancelToken
from qaconv_core.types import Bool, Float32, Float64, RankingResult

if TYPE_CHECKING:
    from app.jobs.matching_set import MatchingSet

KEPT_QUERIES = 4
"""Queries whose maxima are kept: 31 MB each for a gallery of 16,000."""
_SHARE = 0.25  # of the free memory that the gallery's cells may take


class PartSearch:
    """Scores by part for one :class:`~app.jobs.matching_set.MatchingSet`."""

    def __init__(self, matching: MatchingSet) -> None:
        self._matching = matching
        self._maxima: OrderedDict[int, QueryMaxima] = OrderedDict()
        self._cells: CellSource | None = None
        self._lock = threading.Lock()

    @property
    def kept(self) -> tuple[int, ...]:
        """The queries whose maxima are known."""
        return tuple(self._maxima)

    def maxima(self, query: int, cancel: CancelToken | None = None) -> QueryMaxima:
        """What all questions about parts of a query are answered from."""
        with self._lock:  # whoever asks for the same waits for it instead of computing it twice
            if query not in self._maxima:
                query_map = self._matching.query_map(query)
                self._maxima[query] = query_maxima(query_map, self._gallery(), cancel=cancel)
            self._maxima.move_to_end(query)
            while len(self._maxima) > KEPT_QUERIES:
                self._maxima.popitem(last=False)
            return self._maxima[query]

    def _gallery(self) -> CellSource:
        """The gallery's cells in memory where there is plenty of it, else as they are stored."""
        if self._cells is None:
            bank = self._matching.gallery
            need = 2 * int(np.prod(bank.shape))
            spaced = need < _SHARE * available_memory("cpu")
            self._cells = GalleryCells.load(bank) if spaced else bank
        return self._cells

    def scores(self, query: int, part: Bool, cancel: CancelToken | None = None) -> PartScores:
        """The gallery scored by the cells ``part`` (h, w) of a query."""
        known = self.maxima(query, cancel)
        return part_scores(
            known.query_map, self._gallery(), self._matching.model.head, part, known=known,
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
            maps = self._matching.maps_of(query, candidate)
            match = find_part(*maps, self._matching.model.head, part)
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
            return self._matching.joined(queries, "qaconv", fuse), 1.0
        first, *others = queries
        if not part.any() and others:
            return self._matching.joined(tuple(others), "qaconv", fuse), 0.0
        scores = self.scores(first, part, cancel)
        rows = [scores.logits, *(self._matching.logits(query) for query in others)]
        return fused(rows, fuse), float(scores.evidence[0])


# ── what if ─────────────────────────────────────────────────────────────────────────────────────


def pair_logits(
    matching: MatchingSet,
    pair: tuple[int, int],
    part: Bool | None,
    hidden: tuple[Bool | None, Bool | None],
) -> WhatIf:
    """Logits of (query, candidate) before and after the ``hidden`` cells of either are covered."""
    query_map, gallery_map = matching.maps_of(*pair)
    head = matching.model.head
    out = None if part is None else ~part
    before = covered_logit(query_map, gallery_map, head, hide_query=out)
    after = covered_logit(
        query_map, gallery_map, head,
        hide_query=_either(out, hidden[0]), hide_gallery=hidden[1],
    )  # fmt: skip
    return WhatIf(before, after)


def ranks(
    matching: MatchingSet,
    ranking: Ranking,
    candidate: int,
    hidden: tuple[Bool | None, Bool | None],
    fuse: str,
    cancel: CancelToken | None = None,
) -> tuple[int, int]:
    """The candidate's rank before and after cells are covered; (0, 0) where it has none.

    Cells hidden in the query are hidden from the whole gallery, those in the candidate from it
    alone.
    """
    queries, part = ranking.queries, ranking.part
    counted = np.sort(ranking.order[ranking.truth != RankingResult.JUNK])
    place = int(np.searchsorted(counted, candidate))
    if place == len(counted) or counted[place] != candidate:
        return 0, 0
    before, _ = matching.parts.values(queries, part, fuse, cancel)
    left = part if hidden[0] is None else ~hidden[0] if part is None else part & ~hidden[0]
    after, _ = matching.parts.values(queries, left, fuse, cancel)
    own = None
    if hidden[1] is not None:
        own = _fused_logit(matching, queries, candidate, left, hidden[1], fuse)
    return rank_of(before[counted], place), rank_of(after[counted], place, own)


def _fused_logit(
    matching: MatchingSet,
    queries: tuple[int, ...],
    candidate: int,
    left: Bool | None,
    hidden: Bool,
    fuse: str,
) -> float:
    """The candidate's own value once it is covered, under all queries."""
    taking_part = queries if left is None or left.any() or len(queries) == 1 else queries[1:]
    logits = []
    for query in taking_part:
        out = None if left is None or query != queries[0] else ~left
        query_map, gallery_map = matching.maps_of(query, candidate)
        logits.append(
            covered_logit(
                query_map, gallery_map, matching.model.head, hide_query=out, hide_gallery=hidden
            )
        )
    return float(np.float32(max(logits) if fuse == "max" else np.mean(logits)))


def _either(a: Bool | None, b: Bool | None) -> Bool | None:
    if a is None or b is None:
        return b if a is None else a
    return a | b


# ── which region matters ────────────────────────────────────────────────────────────────────────


def regions(
    matching: MatchingSet,
    query: int,
    candidate: int,
    other: int | None,
    part: Bool | None,
    rival: int | None,
    rival_rank: int,
    cancel: CancelToken,
) -> Regions:
    """What hiding every window does to a pair, or (``other``) to its lead over another candidate.

    ``rival`` is the candidate whose order against the first is watched; the other one where there
    is one.
    """
    against = rival if other is None else other
    a = {side: _hidden(matching, query, candidate, part, side, cancel) for side in SIDES}
    base = _base(matching, query, candidate, part)
    grid = matching.model.head.grid
    nothing = np.zeros(grid, dtype=np.bool_)
    changes = {(side, 0): a[side] - base for side in SIDES}
    if against is None:
        flips = {(side, 0): nothing for side in SIDES}
        return Regions(changes, flips, WINDOW)
    b = {side: _hidden(matching, query, against, part, side, cancel) for side in SIDES}
    base_b = _base(matching, query, against, part)
    lead = base - base_b
    leads = {
        ("query", 0): a["query"] - b["query"],
        ("gallery", 0): a["gallery"] - base_b,
        ("gallery", 1): base - b["gallery"],
    }
    flips = {key: np.sign(value) != np.sign(lead) for key, value in leads.items()}
    if other is None:
        del flips["gallery", 1]
        return Regions(changes, flips, WINDOW, rival=against, rival_rank=rival_rank)
    of_lead = {key: value - lead for key, value in leads.items()}
    return Regions(of_lead, flips, WINDOW, lead=True, rival=against, rival_rank=rival_rank)


def _base(matching: MatchingSet, query: int, candidate: int, part: Bool | None) -> float:
    out = None if part is None else ~part
    return covered_logit(*matching.maps_of(query, candidate), matching.model.head, hide_query=out)


def _hidden(
    matching: MatchingSet,
    query: int,
    candidate: int,
    part: Bool | None,
    side: Side,
    cancel: CancelToken,
) -> Float64:
    """The logit (h, w) of a pair with the window around each cell of one picture hidden."""
    query_map, gallery_map = matching.maps_of(query, candidate)
    head = matching.model.head
    if part is None:
        return occlusion_map(query_map, gallery_map, head, WINDOW, side).hidden_logit
    logits = np.empty(head.grid)
    for cell in range(logits.size):
        cancel.raise_if_cancelled()
        window = window_mask(cell, WINDOW, head.grid)
        logits.flat[cell] = covered_logit(
            query_map, gallery_map, head,
            hide_query=~part | window if side == "query" else ~part,
            hide_gallery=window if side == "gallery" else None,
        )  # fmt: skip
    return logits
