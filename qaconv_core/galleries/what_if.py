"""What covering cells of a pair's pictures does to its logit, its rank and its lead over another.

Everything is exact: see :mod:`qaconv_core.explaining.covering`.
"""

from __future__ import annotations

import numpy as np

from qaconv_core.explaining.covering import (
    WINDOW,
    covered_logit,
    covered_match,
    occlusion_map,
    window_mask,
)
from qaconv_core.explaining.part import rank_of
from qaconv_core.galleries.search import GallerySearch
from qaconv_core.galleries.values import Regions, WhatIf
from qaconv_core.progress import CancelToken
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.types import Bool, Float64, RankingResult, Side

_SIDES: tuple[Side, Side] = ("query", "gallery")


def pair_logits(
    search: GallerySearch,
    pair: tuple[int, int],
    part: Bool | None,
    hidden: tuple[Bool | None, Bool | None],
) -> WhatIf:
    """Logits of (query, candidate) before and after the ``hidden`` cells of either are covered."""
    query_map, gallery_map = search.maps_of(*pair)
    head = search.model.head
    out = None if part is None else ~part
    before = covered_logit(query_map, gallery_map, head, hide_query=out)
    after = covered_match(
        query_map, gallery_map, head,
        hide_query=_either(out, hidden[0]), hide_gallery=hidden[1],
    )  # fmt: skip
    return WhatIf(before, after.logit, match=after)


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
    alone.
    """
    queries, part = ranking.queries, ranking.part
    counted = np.sort(ranking.order[ranking.truth != RankingResult.JUNK])
    place = int(np.searchsorted(counted, candidate))
    if place == len(counted) or counted[place] != candidate:
        return 0, 0
    before, _ = search.part_values(queries, part, fuse, cancel)
    left = part if hidden[0] is None else ~hidden[0] if part is None else part & ~hidden[0]
    after, _ = search.part_values(queries, left, fuse, cancel)
    own = None
    if hidden[1] is not None:
        own = _fused_logit(search, queries, candidate, left, hidden[1], fuse)
    return rank_of(before[counted], place), rank_of(after[counted], place, own)


def _fused_logit(
    search: GallerySearch,
    queries: tuple[int, ...],
    candidate: int,
    left: Bool | None,
    hidden: Bool,
    fuse: str,
) -> float:
    """The covered candidate's value under all queries."""
    taking_part = queries if left is None or left.any() or len(queries) == 1 else queries[1:]
    logits = []
    for query in taking_part:
        out = None if left is None or query != queries[0] else ~left
        query_map, gallery_map = search.maps_of(query, candidate)
        logits.append(
            covered_logit(
                query_map, gallery_map, search.model.head, hide_query=out, hide_gallery=hidden
            )
        )
    return float(fuse_logits(logits, fuse))


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
) -> Regions:
    """What hiding every window does to a pair, or (``other``) to its lead over another candidate.

    ``rival`` is the candidate whose order against the first is watched; the other one where there
    is one.
    """
    against = rival if other is None else other
    a = {side: _hidden(search, query, candidate, part, side, cancel) for side in _SIDES}
    base = _base(search, query, candidate, part)
    grid = search.model.head.grid
    nothing = np.zeros(grid, dtype=np.bool_)
    changes: dict[tuple[Side, int], Float64] = {(side, 0): a[side] - base for side in _SIDES}
    if against is None:
        flips = {(side, 0): nothing for side in _SIDES}
        return Regions(changes, flips, WINDOW)
    b = {side: _hidden(search, query, against, part, side, cancel) for side in _SIDES}
    base_b = _base(search, query, against, part)
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
