"""Ranks the gallery for the queries that are chosen, and notes what their ranking measures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject

from app.jobs import engine
from app.jobs.job import JobContext
from app.jobs.job_slots import JobSlots
from app.jobs.sources import Sources
from app.jobs.timers import pause_timer
from app.state.next_step import Rank, candidate_of_new_ranking, rank_step, ranking_is_current
from app.state.values import normalises
from app.state.workspace import Workspace
from qaconv_core.ranking.strangers import Strangers
from qaconv_core.ranking.tracks import by_tracks
from qaconv_core.types import RankingResult

if TYPE_CHECKING:
    from qaconv_core.galleries.search import GallerySearch

POINTING = 1.0
"""Seconds after the pointer moved over the ranking in which nothing moves under it."""
PAUSE_MS = 300
"""How long a ranking that may not change now waits."""

Ranked = tuple[RankingResult, Strangers | None]


def ranked(matching: GallerySearch, step: Rank, context: JobContext) -> Ranked:
    """The whole gallery in order, in a worker thread."""
    fuse = step.fuse or "max"
    if normalises(step.method):
        return engine.rank_normalised(matching, step, context)
    if step.part is not None:
        ranking = matching.rank_by_part(step.queries, step.part, fuse, context.cancel)
    else:
        ranking = matching.rank(step.queries, step.method, fuse, step.exact, context.cancel)
    return by_tracks(ranking, step.tracks), None


class RankingJobs:
    """Takes the step :class:`~app.state.next_step.Rank`; ``parent`` owns its timer."""

    def __init__(
        self, workspace: Workspace, slots: JobSlots, sources: Sources, parent: QObject
    ) -> None:
        self._workspace, self._slots, self._sources = workspace, slots, sources
        self._later = pause_timer(parent, PAUSE_MS, self.grow)

    def rank(self, step: Rank) -> None:
        """Rank the gallery, or as much of it as there are maps of."""
        self._slots.stop("average")  # what is waited for comes first; it begins again afterwards
        self._mark_stale(step)
        if step.whole:
            self._rank_whole(step)
        else:
            self._rank_so_far(step)

    def _rank_whole(self, step: Rank) -> None:
        matching = self._sources.matching
        assert matching is not None

        def apply(found: Ranked) -> None:
            ranking, strangers = found
            self._apply(ranking, step, strangers)
            self._note_measures(ranking)

        self._slots.replace(
            "rank", "Ranking", lambda context: ranked(matching, step, context), apply, quiet=True
        )

    def _rank_so_far(self, step: Rank) -> None:
        growing = self._sources.growing
        assert growing is not None
        self._slots.replace(
            "rank", "Ranking",
            lambda _context: by_tracks(
                growing.rank(step.queries, step.fuse or "max"), step.tracks
            ),
            lambda ranking: self._apply(ranking, step), quiet=True,
        )  # fmt: skip

    def grow(self) -> None:
        """More of the gallery can be ranked: do so, unless tiles would move under the pointer."""
        space = self._workspace
        if self._sources.growing is None or not space.selection.queries:
            return
        if space.parts.part is not None:  # a search by part waits for all maps
            return
        pointing = time.monotonic() - space.pointed_at < POINTING
        if self._slots.has("rank") or (pointing and ranking_is_current(space, whole=False)):
            self._later.start()
        else:
            self.rank(rank_step(space, whole=False))

    def keep(self) -> None:
        """Keep the ranking shown: drop another one that is being computed."""
        self._slots.stop("rank")
        self._workspace.keep_ranking()

    def _mark_stale(self, step: Rank) -> None:
        """The ranking shown is another one; that of a part of the gallery is only not finished."""
        space = self._workspace
        shown = space.ranking
        grows = shown is not None and not shown.whole and shown.queries == step.queries
        if not grows and not space.ranking_stale:
            space.set_ranking_stale()

    def _apply(
        self, ranking: RankingResult, step: Rank, strangers: Strangers | None = None
    ) -> None:
        """Show a ranking, and select its best candidate where no person has chosen one."""
        space = self._workspace
        if step.queries != space.selection.queries:
            return
        candidate = candidate_of_new_ranking(space, space.by_labels(ranking))
        with space.batch():
            space.set_ranking(ranking, step.fuse, strangers, step.exact)
            if candidate is not None:
                space.auto_select(candidate)

    def _note_measures(self, ranking: RankingResult) -> None:
        """AP and first true rank of the query just ranked."""
        space = self._workspace
        if len(ranking.queries) != 1 or ranking.method in space.measures_complete:
            return
        if ranking.part is not None or ranking.exact_to is not None:
            return  # AP is that of the whole query, and of exact logits
        known = space.measures.of(ranking.method)
        found = engine.one_query_measures(ranking)
        space.set_measures(ranking.method, known.with_query(ranking.queries[0], *found))

    def rank_both(
        self, queries: tuple[int, int], apply: Callable[[tuple[RankingResult, ...]], None]
    ) -> None:
        """As :meth:`~app.jobs.controller.Controller.rank_both`."""
        matching = self._sources.matching
        if matching is None:
            return
        step = replace(rank_step(self._workspace, whole=True), fuse="", part=None)

        def work(context: JobContext) -> tuple[RankingResult, ...]:
            return tuple(
                ranked(matching, replace(step, queries=(query,)), context)[0] for query in queries
            )

        def show(found: tuple[RankingResult, ...]) -> None:
            apply(tuple(map(self._workspace.by_labels, found)))

        self._slots.replace("answers", "Ranking two queries", work, show)
