"""What covering cells of a pair's pictures does to its logit, its rank and its lead over another.

Everything is exact: see :mod:`qaconv_core.explaining.covering`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from qaconv_core.explaining.covering import (
    WINDOW,
    covered_logit,
    covered_match,
    occlusion_map,
    window_mask,
)
from qaconv_core.galleries.search import GallerySearch, parts_of
from qaconv_core.galleries.values import PairView, Regions, WhatIf
from qaconv_core.progress import CancelToken
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.ranking.tracks import BEST, by_tracks
from qaconv_core.types import Bool, Float32, Float64, RankingResult, Side

_SIDES: tuple[Side, Side] = ("query", "gallery")


def pair_logits(
    search: GallerySearch,
    pair: tuple[int, int],
    part: Bool | None,
    hidden: tuple[Bool | None, Bool | None],
    normalised: bool = False,
) -> tuple[WhatIf, PairView]:
    """Logits of (query, candidate) before and after the ``hidden`` cells of either are covered,
    and the pair without them; with ``normalised`` N before and after, too."""
    query_map, gallery_map = search.maps_of(*pair)
    head = search.model.head
    out = None if part is None else ~part
    before = covered_logit(query_map, gallery_map, head, hide_query=out)
    after = covered_match(
        query_map, gallery_map, head,
        hide_query=_either(out, hidden[0]), hide_gallery=hidden[1],
    )  # fmt: skip
    whole = search.explain(*pair, part, normalised)
    covered = replace(whole, match=after, relative=None, hidden=hidden)
    n = None
    if normalised:
        covered = search.with_normalised(covered)
        n = whole.total, covered.total
    return WhatIf(before, after.logit, normalised=n), covered


def what_if_ranks(
    search: GallerySearch,
    ranking: RankingResult,
    candidate: int,
    hidden: tuple[Bool | None, Bool | None],
    fuse: str,
    cancel: CancelToken | None = None,
) -> tuple[int, int]:
    """The candidate's rank before and after cells are covered; (0, 0) where it has none.

    Cells hidden in the query are hidden from the whole gallery, those in the candidate from it
    alone. Ranks are by N where the ranking is, those of tracks by its rule.
    """
    queries, part = ranking.queries, ranking.part
    if not ranking.rank_of(candidate):
        return 0, 0
    left = _left(part, hidden[0])
    own = None
    before: Float32 | Float64
    after: Float32 | Float64
    if "norm" in ranking.method:
        before, after = (
            search.normalised_values(queries, cells, fuse, cancel) for cells in (part, left)
        )
        if hidden[1] is not None:
            own = _fused_n(search, queries, candidate, part, hidden, fuse)
    else:
        before, _ = search.part_values(queries, part, fuse, cancel)
        after, _ = search.part_values(queries, left, fuse, cancel)
        if hidden[1] is not None:
            own = _fused_logit(search, queries, candidate, left, hidden[1], fuse)
    if own is not None:
        after = after.copy()
        after[candidate] = own

    def rank(values: Float32 | Float64) -> int:
        found = search.in_order(queries, values.astype(np.float32))
        return by_tracks(found, ranking.track_rule or BEST).rank_of(candidate)

    return rank(before), rank(after)


def _fused_n(
    search: GallerySearch,
    queries: tuple[int, ...],
    candidate: int,
    part: Bool | None,
    hidden: tuple[Bool | None, Bool | None],
    fuse: str,
) -> float:
    """The covered candidate's N under all queries; cells are hidden in the first one alone."""
    left = _left(part, hidden[0])
    values = []
    for query, mask in parts_of(queries, left):
        shown, out = (None, (None, hidden[1])) if mask is None else (part, hidden)
        values.append(pair_logits(search, (query, candidate), shown, out, True)[1].total)
    return float(fuse_logits(values, fuse))


def _fused_logit(
    search: GallerySearch,
    queries: tuple[int, ...],
    candidate: int,
    left: Bool | None,
    hidden: Bool,
    fuse: str,
) -> float:
    """The covered candidate's value under all queries."""
    logits = []
    for query, mask in parts_of(queries, left):
        out = None if mask is None else ~mask
        query_map, gallery_map = search.maps_of(query, candidate)
        logits.append(
            covered_logit(
                query_map, gallery_map, search.model.head, hide_query=out, hide_gallery=hidden
            )
        )
    return float(fuse_logits(logits, fuse))


def _left(part: Bool | None, hidden: Bool | None) -> Bool | None:
    """The cells of ``part`` that are not hidden; None: all."""
    if hidden is None:
        return part
    return ~hidden if part is None else part & ~hidden


def _either(a: Bool | None, b: Bool | None) -> Bool | None:
    if a is None or b is None:
        return b if a is None else a
    return a | b


# ── which region matters ────────────────────────────────────────────────────────────────────────


def regions(
    search: GallerySearch,
    query: int,
    candidate: int,
    other: int | None,
    part: Bool | None,
    rival: int | None,
    rival_rank: int,
    cancel: CancelToken,
    normalised: bool = False,
) -> Regions:
    """What hiding every window does to a pair, or (``other``) to its lead over another candidate.

    ``rival`` is the candidate whose order against the first is watched; the other one where there
    is one. ``normalised``: what it does to N, whose strangers stay as they are.
    """
    found = _regions(
        _Ranked(search, query, part, normalised), candidate, other, rival, rival_rank, cancel
    )
    return replace(found, normalised=normalised)


@dataclass(frozen=True)
class _Ranked:
    """What candidates of a query, or of its ``part``, are ranked by with cells hidden: the logit,
    or N."""

    search: GallerySearch
    query: int
    part: Bool | None
    normalised: bool
    _explained: dict[int, PairView] = field(default_factory=dict)

    def base(self, candidate: int) -> float:
        """With nothing hidden."""
        return float(self._value(candidate, np.array(_base(self.search, *self._pair(candidate)))))

    def hidden(self, candidate: int, side: Side, cancel: CancelToken) -> Float64:
        """(h, w): with the window around each cell of one picture hidden."""
        logits = _hidden(self.search, *self._pair(candidate), side, cancel)
        return self._value(candidate, logits)

    def _pair(self, candidate: int) -> tuple[int, int, Bool | None]:
        return self.query, candidate, self.part

    def _value(self, candidate: int, logits: Float64) -> Float64:
        if not self.normalised:
            return logits
        if candidate not in self._explained:
            self._explained[candidate] = self.search.explain(*self._pair(candidate), True)
        pair = self._explained[candidate]
        assert pair.normalised is not None
        return pair.normalised.n + pair.normalised.slope * (logits - pair.match.logit)


def _regions(
    ranked: _Ranked,
    candidate: int,
    other: int | None,
    rival: int | None,
    rival_rank: int,
    cancel: CancelToken,
) -> Regions:
    against = rival if other is None else other
    a = {side: ranked.hidden(candidate, side, cancel) for side in _SIDES}
    base = ranked.base(candidate)
    grid = ranked.search.model.head.grid
    nothing = np.zeros(grid, dtype=np.bool_)
    changes: dict[tuple[Side, int], Float64] = {(side, 0): a[side] - base for side in _SIDES}
    if against is None:
        flips = {(side, 0): nothing for side in _SIDES}
        return Regions(changes, flips, WINDOW)
    b = {side: ranked.hidden(against, side, cancel) for side in _SIDES}
    base_b = ranked.base(against)
    lead = base - base_b
    leads: dict[tuple[Side, int], Float64] = {
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


def _base(search: GallerySearch, query: int, candidate: int, part: Bool | None) -> float:
    out = None if part is None else ~part
    return covered_logit(*search.maps_of(query, candidate), search.model.head, hide_query=out)


def _hidden(
    search: GallerySearch,
    query: int,
    candidate: int,
    part: Bool | None,
    side: Side,
    cancel: CancelToken,
) -> Float64:
    """The logit (h, w) of a pair with the window around each cell of one picture hidden."""
    query_map, gallery_map = search.maps_of(query, candidate)
    head = search.model.head
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
