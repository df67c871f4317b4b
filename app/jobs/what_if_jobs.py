"""Answers what is drawn: in "what if" the pair's new score at once, then its rank, and the map; in
a search by part where the part was found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qaconv_core.galleries.values import Found, PairView, Regions, WhatIf
from qaconv_core.types import Bool, RankingResult

if TYPE_CHECKING:
    from app.jobs.controller import Controller


class WhatIfJobs:
    """Follows the workspace's parts and pair; its jobs are the controller's."""

    NAMES = ("what_if", "what_if_rank", "regions", "maxima", "found")

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.space = controller.workspace
        self._answered: tuple[object, ...] = ()
        self._sought: tuple[object, ...] = ()
        self._warmed: tuple[object, ...] = ()
        for event in (self.space.parts.changed, self.space.pair_changed):
            event.connect(self._follow)
        for event in (self.space.parts.wanted_changed, self.space.ranking_changed):
            event.connect(self._find)

    def _find(self) -> None:
        """Where the part was found in the candidates that are seen."""
        parts, ranking = self.space.parts, self.space.ranking
        part, matching = parts.part, self.controller.matching
        if part is None or matching is None or ranking is None or ranking.part is not part:
            return
        missing = [c for c in parts.wanted if c not in parts.found]
        if not missing:
            return
        query = ranking.queries[0]

        def work(context) -> dict[int, Found]:
            return matching.parts.found(query, part, missing, context.cancel)

        self.controller.replace_job(
            "found", "Finding the part", work, lambda found: parts.set_found(part, found),
            quiet=True,
        )  # fmt: skip

    def _follow(self) -> None:
        if self.controller.matching is None:
            return
        self._get_ready()
        pair = self._pair()
        if pair is None:
            self._answered = self._sought = ()
            return
        now = self.space.parts.now
        asked = (pair, now.hidden_query, now.hidden_gallery, self.space.ranking)
        if not _same(asked, self._answered):
            self._answered = asked
            self._answer(pair)
        sought = (pair, self.space.other_pair, self._comparing) if now.seeking else ()
        if not _same(sought, self._sought):
            self._sought = sought
            self._seek(pair)

    @property
    def _comparing(self) -> bool:
        return self.space.look.mode == "compare"

    def _pair(self) -> PairView | None:
        """The pair shown, where it and the ranking are what is chosen."""
        space = self.space
        pair, selection, ranking = space.pair, space.selection, space.ranking
        if pair is None or space.pair_stale or ranking is None or space.ranking_stale:
            return None
        chosen = (selection.query, selection.candidate, space.parts.part)
        return pair if _same((pair.query, pair.candidate, pair.part), chosen) else None

    def _get_ready(self) -> None:
        """With a tool in the hand, the maxima will be asked for soon."""
        query, matching = self.space.selection.query, self.controller.matching
        if not self.space.parts.now.tool or query is None or matching is None:
            return
        if _same((matching, query), self._warmed):
            return
        self._warmed = (matching, query)

        def work(context) -> None:
            matching.parts.maxima(query, context.cancel)

        self.controller.replace_job("maxima", "Comparing cells", work, lambda _: None, quiet=True)

    # ── what if ─────────────────────────────────────────────────────────────────────────────────

    def _answer(self, pair: PairView) -> None:
        space, matching = self.space, self.controller.matching
        now = space.parts.now
        for name in ("what_if", "what_if_rank"):
            self.controller.stop_job(name)
        if not now.hiding:
            space.parts.set_what_if(None)
            return
        hidden = (now.hidden_query, now.hidden_gallery)

        def work(_context) -> WhatIf:
            from qaconv_core.galleries.what_if import pair_logits

            return pair_logits(matching, (pair.query, pair.candidate), pair.part, hidden)

        def show(answer: WhatIf) -> None:
            if self._still(pair, hidden):
                space.parts.set_what_if(answer)
                self._rank(pair, hidden, answer)

        self.controller.replace_job("what_if", "What if", work, show, quiet=True)

    def _rank(
        self, pair: PairView, hidden: tuple[Bool | None, Bool | None], answer: WhatIf
    ) -> None:
        space, matching, ranking = self.space, self.controller.matching, self.space.ranking
        fuse = space.look.fuse
        if ranking is None or matching is None or pair.query != ranking.queries[0]:
            return

        def work(context) -> tuple[int, int]:
            from qaconv_core.galleries.what_if import what_if_ranks

            return what_if_ranks(matching, ranking, pair.candidate, hidden, fuse, context.cancel)

        def show(found: tuple[int, int]) -> None:
            if self._still(pair, hidden):
                before, after = found
                space.parts.set_what_if(replace(answer, rank_before=before, rank_after=after))

        self.controller.replace_job("what_if_rank", "What if", work, show, quiet=True)

    def _still(self, pair: PairView, hidden: tuple[Bool | None, Bool | None]) -> bool:
        now = self.space.parts.now
        return self.space.pair is pair and _same(hidden, (now.hidden_query, now.hidden_gallery))

    # ── which region matters ────────────────────────────────────────────────────────────────────

    def _seek(self, pair: PairView) -> None:
        space, matching, sought = self.space, self.controller.matching, self._sought
        self.controller.stop_job("regions")
        if not sought:
            return
        second = space.other_pair if self._comparing else None
        other = None if second is None else second.candidate
        rival = other if other is not None else next_candidate(space.ranking, pair.candidate)
        rank = 0 if rival is None or space.ranking is None else space.ranking.rank_of(rival)
        has_rank = space.ranking is not None and space.ranking.rank_of(pair.candidate) > 0

        def work(context) -> Regions:
            from qaconv_core.galleries.what_if import regions

            return regions(
                matching, pair.query, pair.candidate, other, pair.part, rival, rank, context.cancel
            )

        def show(found: Regions) -> None:
            if sought is self._sought:
                space.parts.set_regions(replace(found, has_rank=has_rank))

        self.controller.replace_job("regions", "Hiding each region", work, show, quiet=True)


def next_candidate(ranking: RankingResult | None, candidate: int) -> int | None:
    """The gallery picture ranked next (the one before for the last); None where there is none."""
    if ranking is None:
        return None
    ranked = [int(c) for c in ranking.order[ranking.truth != RankingResult.JUNK]]
    if candidate not in ranked or len(ranked) < 2:
        return None
    place = ranked.index(candidate)
    return ranked[place + 1] if place + 1 < len(ranked) else ranked[place - 1]


def _same(a: tuple[object, ...], b: tuple[object, ...]) -> bool:
    """Whether these are the very same things (numbers: equal)."""
    return len(a) == len(b) and all(
        x is y or (isinstance(x, int) and isinstance(y, int) and x == y)
        for x, y in zip(a, b, strict=True)
    )
