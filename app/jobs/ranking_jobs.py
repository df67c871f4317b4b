"""Ranks the gallery for the queries that are chosen, and notes what their ranking measures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PyQt5.QtCore import QTimer

from app.jobs import engine
from app.jobs.job import JobContext
from app.state.values import Measures, Selection
from qaconv_core.types import RankingResult

if TYPE_CHECKING:
    from app.jobs.controller import Controller
    from qaconv_core.galleries.partial import PartialGallery

POINTING = 1.0
"""Seconds after the pointer moved over the ranking in which nothing moves under it."""


class RankingJobs:
    """Keeps the workspace's ranking that of its selection; its jobs are the controller's."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.space = controller.workspace
        self._fused = self.space.look.fuse
        self._later = QTimer(controller)
        self._later.setSingleShot(True)
        self._later.setInterval(300)
        self._later.timeout.connect(self.grow)

    @property
    def current(self) -> bool:
        """Whether the ranking shown is that of what is chosen."""
        space = self.space
        ranking = space.ranking
        if ranking is None or ranking.queries != space.selection.queries:
            return False
        if not ranking.whole and self.controller.matching is not None:
            return False
        if len(ranking.queries) > 1 and self._fused != space.look.fuse:
            return False
        if ranking.part is not space.parts.part:
            return False
        if ranking.exact_to is not None and space.look.exact:
            return False
        data = space.data
        own = data is not None and any(data.is_added(q) for q in ranking.queries)
        return own or ranking.part is not None or ranking.method == space.method

    def settle(self) -> None:
        """Drop another ranking that is on its way: what is shown was chosen again."""
        if self.space.ranking_stale:
            self.controller.stop_job("rank")
            self.space.set_ranking(self.space.ranking)

    def start(self, selection: Selection) -> None:
        """Rank the gallery for the queries of ``selection``."""
        controller, space = self.controller, self.space
        matching = controller.matching
        if matching is None:
            self._rank_so_far(selection)
            return
        method, fuse, part = space.method, space.look.fuse, space.parts.part
        exact = space.look.exact
        controller.stop_job("crowd")
        self._mark_stale(selection)

        def show(ranking: RankingResult) -> None:
            self._fused = fuse
            if ranking.queries != space.selection.queries or part is not space.parts.part:
                return
            self._show(ranking)
            self._note_measures(ranking)
            if part is not None:
                self.choose_candidate()  # a search has a first result
            controller.follow()

        def work(context: JobContext) -> RankingResult:
            if part is not None:
                return matching.rank_by_part(selection.queries, part, fuse, context.cancel)
            return matching.rank(selection.queries, method, fuse, exact, context.cancel)

        controller.replace_job("rank", "Ranking", work, show, quiet=True)

    def grow(self) -> None:
        """More of the gallery has arrived: rank it too, unless that makes tiles jump."""
        controller, space = self.controller, self.space
        if controller.growing is None or controller.source is None or not space.selection.queries:
            return
        pointing = time.monotonic() - space.pointed_at < POINTING
        if controller.has_job("rank") or (pointing and self.current):
            self._later.start()
        else:
            self._rank_so_far(space.selection)

    def _rank_so_far(self, selection: Selection) -> None:
        """Rank what has arrived of the gallery."""
        controller, space = self.controller, self.space
        growing: PartialGallery | None = controller.growing
        assert growing is not None
        fuse = space.look.fuse
        self._mark_stale(selection)

        def show(ranking: RankingResult) -> None:
            self._fused = fuse
            if ranking.queries == space.selection.queries and growing is controller.growing:
                self._show(ranking)
                controller.follow()

        def work(_context: JobContext) -> RankingResult:
            return growing.rank(selection.queries, fuse)

        controller.replace_job("rank", "Ranking", work, show, quiet=True)

    def _mark_stale(self, selection: Selection) -> None:
        """The ranking shown is another one; that of a part of the gallery is only not finished."""
        shown, space = self.space.ranking, self.space
        grows = shown is not None and not shown.whole and shown.queries == selection.queries
        if not grows and not space.ranking_stale:
            space.set_ranking_stale()

    def _show(self, ranking: RankingResult) -> None:
        """Show a ranking; its best candidate, where the one shown was nobody's choice."""
        before = self.space.ranking
        grew = before is not None and not before.whole and before.queries == ranking.queries
        self.space.set_ranking(ranking)
        if grew and self.space.auto_selected:
            self.choose_candidate()

    def choose_candidate(self) -> None:
        """The best picture that is not junk."""
        ranking = self.space.ranking
        if ranking is None:
            return
        kept = (ranking.truth != RankingResult.JUNK).nonzero()[0]
        if len(kept) and ranking.order[kept[0]] != self.space.selection.candidate:
            self.space.auto_select(int(ranking.order[kept[0]]))

    def _note_measures(self, ranking: RankingResult) -> None:
        """AP and first true rank of the query just ranked."""
        if len(ranking.queries) != 1 or ranking.method in self.space.measures_complete:
            return
        if ranking.part is not None or ranking.exact_to is not None:
            return  # AP is that of the whole query, and of exact logits
        data = self.space.data
        assert data is not None
        known = self.space.measures.get(ranking.method) or Measures.unknown(len(data.query))
        known = Measures(known.ap.copy(), known.first_true.copy(), known.top.copy())
        query = ranking.queries[0]
        known.ap[query], known.first_true[query], known.top[query] = engine.one_query_measures(
            ranking
        )
        self.space.set_measures(ranking.method, known)
