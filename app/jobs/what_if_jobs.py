"""Answers what is drawn: a pair's logit and rank with cells hidden, the map of what hiding each
region does, and where a part was found in candidates."""

from __future__ import annotations

from dataclasses import replace

from app.jobs.job import JobContext
from app.jobs.job_slots import JobSlots
from app.jobs.sources import Sources
from app.state.next_step import same
from app.state.workspace import Workspace
from qaconv_core.galleries.values import Found, PairView, Regions, WhatIf
from qaconv_core.types import Bool, RankingResult

Hidden = tuple[Bool | None, Bool | None]
"""The cells hidden in the query and in the candidate, (h, w) each; None: none."""
Values = tuple[object, ...]


class WhatIfJobs:
    """Brings what was computed of the drawing up to date; all maps must be there."""

    NAMES = ("what_if", "what_if_rank", "regions", "maxima", "found")

    def __init__(self, workspace: Workspace, slots: JobSlots, sources: Sources) -> None:
        self.space, self._slots, self._sources = workspace, slots, sources
        self._hidden_for: Values = ()
        self._regions_for: Values = ()
        self._maxima_for: Values = ()
        self._found_for: Values = ()

    def update(self) -> None:
        """Start what the drawing asks for now, and is not computed or under way."""
        if self._sources.matching is None:
            return
        self._find_part()
        self._prepare_maxima()
        pair = self._pair()
        if pair is None:
            self._hidden_for = self._regions_for = ()
            return
        now = self.space.parts.now
        hidden_for = (pair, now.hidden_query, now.hidden_gallery, self.space.ranking)
        if not _same(hidden_for, self._hidden_for):
            self._hidden_for = hidden_for
            self._hide(pair)
        regions_for = (pair, self.space.other_pair, self._comparing) if now.regions_wanted else ()
        if not _same(regions_for, self._regions_for):
            self._regions_for = regions_for
            self._compute_regions(pair)

    def _find_part(self) -> None:
        """Where the part was found in the candidates that are seen."""
        parts, ranking = self.space.parts, self.space.ranking
        part, matching = parts.part, self._sources.matching
        if part is None or matching is None or ranking is None or ranking.part is not part:
            return
        missing = tuple(c for c in parts.wanted if c not in parts.found)
        if not missing or _same((part, missing), self._found_for):
            return
        self._found_for = (part, missing)
        query = ranking.queries[0]

        def work(context: JobContext) -> dict[int, Found]:
            return matching.parts.found(query, part, missing, context.cancel)

        self._slots.replace(
            "found", "Finding the part", work, lambda found: parts.set_found(part, found),
            quiet=True,
        )  # fmt: skip

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

    def _prepare_maxima(self) -> None:
        """Once a tool is chosen, the query's maxima are needed soon."""
        query, matching = self.space.selection.query, self._sources.matching
        if not self.space.parts.now.tool or query is None or matching is None:
            return
        if _same((matching, query), self._maxima_for):
            return
        self._maxima_for = (matching, query)

        def work(context: JobContext) -> None:
            matching.parts.maxima(query, context.cancel)

        self._slots.replace("maxima", "Comparing cells", work, quiet=True)

    # ── what if ─────────────────────────────────────────────────────────────────────────────────

    def _hide(self, pair: PairView) -> None:
        """The pair's logit with cells hidden, then its rank."""
        space, matching = self.space, self._sources.matching
        now = space.parts.now
        self._slots.stop("what_if", "what_if_rank")
        if not now.hiding:
            space.parts.set_what_if(None)
            return
        hidden = (now.hidden_query, now.hidden_gallery)
        assert matching is not None

        normalised = pair.normalised is not None

        def work(_context: JobContext) -> tuple[WhatIf, PairView]:
            from qaconv_core.galleries.what_if import pair_logits

            chosen = pair.query, pair.candidate
            return pair_logits(matching, chosen, pair.part, hidden, normalised)

        def apply(found: tuple[WhatIf, PairView]) -> None:
            answer, covered = found
            if self._is_current(pair, hidden):
                space.parts.set_what_if(answer, covered)
                self._rank(pair, hidden, answer)

        self._slots.replace("what_if", "What if", work, apply, quiet=True)

    def _rank(self, pair: PairView, hidden: Hidden, answer: WhatIf) -> None:
        space, matching, ranking = self.space, self._sources.matching, self.space.ranking
        fuse = space.look.fuse
        if ranking is None or matching is None or pair.query != ranking.queries[0]:
            return

        def work(context: JobContext) -> tuple[int, int]:
            from qaconv_core.galleries.what_if import what_if_ranks

            return what_if_ranks(matching, ranking, pair.candidate, hidden, fuse, context.cancel)

        def apply(found: tuple[int, int]) -> None:
            if self._is_current(pair, hidden):
                before, after = found
                ranked = replace(answer, rank_before=before, rank_after=after)
                space.parts.set_what_if(ranked, space.parts.now.covered)

        self._slots.replace("what_if_rank", "What if", work, apply, quiet=True)

    def _is_current(self, pair: PairView, hidden: Hidden) -> bool:
        now = self.space.parts.now
        return self.space.pair is pair and _same(hidden, (now.hidden_query, now.hidden_gallery))

    # ── which region matters ────────────────────────────────────────────────────────────────────

    def _compute_regions(self, pair: PairView) -> None:
        """What hiding each region of the pair would do."""
        space, matching, wanted = self.space, self._sources.matching, self._regions_for
        self._slots.stop("regions")
        if not wanted:
            return
        assert matching is not None
        second = space.other_pair if self._comparing else None
        other = None if second is None else second.candidate
        rival = other if other is not None else next_candidate(space.ranking, pair.candidate)
        rank = 0 if rival is None or space.ranking is None else space.ranking.rank_of(rival)
        has_rank = space.ranking is not None and space.ranking.rank_of(pair.candidate) > 0

        def work(context: JobContext) -> Regions:
            from qaconv_core.galleries.what_if import regions

            return regions(
                matching, pair.query, pair.candidate, other, pair.part, rival, rank,
                context.cancel, pair.normalised is not None,
            )  # fmt: skip

        def apply(found: Regions) -> None:
            if wanted is self._regions_for:
                space.parts.set_regions(replace(found, has_rank=has_rank))

        self._slots.replace("regions", "Hiding each region", work, apply, quiet=True)


def next_candidate(ranking: RankingResult | None, candidate: int) -> int | None:
    """The gallery picture ranked next (the one before for the last); None where there is none."""
    if ranking is None:
        return None
    ranked = [int(c) for c in ranking.order[ranking.truth != RankingResult.JUNK]]
    if candidate not in ranked or len(ranked) < 2:
        return None
    place = ranked.index(candidate)
    return ranked[place + 1] if place + 1 < len(ranked) else ranked[place - 1]


def _same(first: Values, second: Values) -> bool:
    """Whether these are the very same things (numbers and tuples: equal)."""
    return len(first) == len(second) and all(map(same, first, second))
