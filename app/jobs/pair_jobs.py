"""Explains the pair that is chosen: at once by itself, then beside what is usual in the gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.jobs.job import JobContext
from app.state.values import Selection
from qaconv_core.galleries.values import PairView, Why

if TYPE_CHECKING:
    from app.jobs.controller import Controller

Explained = tuple[PairView, PairView | None, Why | None]


class PairJobs:
    """Keeps the workspace's pair that of its selection; its jobs are the controller's."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.space = controller.workspace
        self.outdated = False
        """The pair shown was explained before all maps were there: explain it again, quietly."""

    @property
    def current(self) -> bool:
        """Whether the pair shown (and the second one) is what is chosen."""
        space = self.space
        pair, selection = space.pair, space.selection
        if pair is None or (pair.query, pair.candidate) != (selection.query, selection.candidate):
            return False
        if self.outdated or pair.part is not space.parts.part:
            return False
        other = space.other_pair
        return (None if other is None else other.candidate) == selection.other

    def settle(self) -> None:
        """Drop another explanation that is on its way; finish that of the pair shown."""
        space = self.space
        if space.pair_stale:
            self.controller.stop_job("explain")
            space.set_pair(space.pair, space.other_pair, space.why)
        self._compare_with_crowd()

    def start(self, selection: Selection) -> None:
        """Explain query and candidate of ``selection``, and the second candidate."""
        controller, space = self.controller, self.space
        source = controller.source
        query, candidate, other = selection.query, selection.candidate, selection.other
        part = space.parts.part
        assert source is not None
        assert query is not None
        assert candidate is not None
        controller.stop_job("crowd")  # what is waited for comes first; it begins again afterwards
        quietly, self.outdated = self.outdated, False

        def work(_context: JobContext) -> Explained:
            second = None if other is None else source.explain(query, other, part)
            first = source.explain(query, candidate, part)
            return first, second, source.why(first, second)

        def show(pairs: Explained) -> None:
            now = space.selection
            same = (now.query, now.candidate, now.other) == (query, candidate, other)
            if same and part is space.parts.part:
                space.set_pair(*pairs)
                controller.settled.emit()
                self._compare_with_crowd()

        controller.replace_job("explain", "Explaining", work, show, quiet=True)
        if not quietly:  # last: who hears it may choose otherwise, and that is explained instead
            space.set_pair_stale()

    def _compare_with_crowd(self) -> None:
        """Once a pair is shown: what its query gets from everybody, to tell what is unusual."""
        controller, space = self.controller, self.space
        matching, pair, other = controller.matching, space.pair, space.other_pair
        if matching is None or pair is None or controller.has_job("crowd"):
            return
        if pair.relative is not None or matching.knows_average(pair.query):
            return
        if pair.part is not None:  # the usual is that of the whole query
            return

        def work(context: JobContext) -> Explained:
            matching.measure_average(pair.query, context.cancel)
            second = None if other is None else matching.with_average(other)
            return matching.with_average(pair), second, matching.why(pair, second)

        def show(pairs: Explained) -> None:
            if space.pair is pair and space.other_pair is other and not space.pair_stale:
                space.set_pair(*pairs)

        controller.replace_job("crowd", "Comparing with the gallery", work, show, quiet=True)
