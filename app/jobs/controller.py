"""Keeps the workspace true: what is chosen there is ranked and explained here, in the background.

Views and commands change the :class:`~app.state.workspace.Workspace`; the controller hears it,
starts jobs and puts their results back. Answers that come too late, for what is not chosen any
more, are dropped. What was on the screen stays, marked as stale, until the new is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs import engine
from app.jobs.engine import Inspected, LoadedModel
from app.jobs.job import Job, JobContext, Work
from app.jobs.runner import JobRunner
from app.jobs.what_if import WhatIfJobs
from app.state.requests import DataRequest, ModelRequest
from app.state.values import (
    Measures,
    ModelInfo,
    OpenSet,
    PairView,
    Problem,
    Ranking,
    Selection,
)
from app.state.why import Why
from app.state.workspace import Workspace
from qaconv_core.types import Dataset, ImageRef, RankingResult

if TYPE_CHECKING:
    from app.jobs.matching_set import MatchingSet, Measured
    from qaconv_core.model import Model

Explained = tuple[PairView, PairView | None, Why | None]

QUICK_SECONDS = 60.0
"""A whole set is measured unasked when that is estimated to take no longer."""


class Controller(QObject):
    """The one that starts jobs for what is chosen.

    ``ready`` tells that maps of a set are there and rankings are quick from now on; ``settled``
    that nothing chosen waits for an answer any more.
    """

    ready = pyqtSignal()
    settled = pyqtSignal()

    def __init__(
        self, workspace: Workspace, runner: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.runner = workspace, runner
        self.model: Model | None = None
        self.matching: MatchingSet | None = None
        self.data_request: DataRequest | None = None
        self.model_request = ModelRequest()
        self.measure_unasked = True
        self._pending_own: list[ImageRef] = []
        self._jobs: dict[str, Job] = {}
        self._fused = workspace.look.fuse
        workspace.selection_changed.connect(self._follow)
        workspace.method_changed.connect(self._follow)
        workspace.look_changed.connect(self._follow)
        workspace.parts.changed.connect(self._follow)
        self.what_if = WhatIfJobs(self)

    # ── opening ─────────────────────────────────────────────────────────────────────────────────

    def open(
        self,
        data: DataRequest,
        model: ModelRequest | None = None,
        restore: Callable[[], None] | None = None,
    ) -> None:
        """Open a data set (and a model, where another one is wanted) without asking anything.

        What is shown stays until the new set is read; ``restore`` is called then, before the
        first query is chosen.
        """
        if model is not None:
            self.open_model(model)

        def show(found: Inspected) -> None:
            self.use_data(found.dataset, restore, found.request)

        self.inspect_data(data, show)

    def inspect_data(
        self,
        request: DataRequest,
        then: Callable[[Inspected], None],
        failed: Callable[[Problem], bool | None] | None = None,
        decode: bool = False,
    ) -> Job:
        """Read a data set and check it; nothing that is shown changes."""
        title = f"Reading {request.gallery or request.root or request.name}"
        return self.replace_job(
            "inspect", title, lambda c: engine.inspect_data(request, c, decode), then,
            failed=failed, lane="long" if decode else "files",
        )  # fmt: skip

    def use_data(
        self,
        dataset: Dataset,
        restore: Callable[[], None] | None = None,
        request: DataRequest | None = None,
    ) -> None:
        """Show a data set that was read, and prepare its maps.

        Raises :class:`~qaconv_core.errors.InputError`, and changes nothing, where there is nothing
        to search.
        """
        data = engine.open_set(dataset)
        self._forget_matching()
        if self.workspace.data is not None:
            self._pending_own = []
        self.data_request = request
        self.workspace.open_data(data)
        if restore is not None:
            restore()
        if not self.workspace.selection.queries and len(data.query):
            self.workspace.select_queries((0,))
        self._prepare()

    def open_model(
        self,
        request: ModelRequest,
        failed: Callable[[Problem], bool | None] | None = None,
        then: Callable[[ModelInfo], None] | None = None,
    ) -> Job:
        """Load a checkpoint and use it; the present one stays until the new one is whole."""

        def use(loaded: LoadedModel) -> None:
            self.workspace.set_model_loading(False)
            self.use_model(loaded)
            if then is not None:
                then(loaded.info)

        job = self.inspect_model(request, use, failed)
        self.workspace.set_model_loading(True)
        job.ended.connect(lambda: self._model_ended(job))
        return job

    def _model_ended(self, job: Job) -> None:
        if self._jobs.get("model") in (None, job):
            self.workspace.set_model_loading(False)

    def inspect_model(
        self,
        request: ModelRequest,
        then: Callable[[LoadedModel], None],
        failed: Callable[[Problem], bool | None] | None = None,
    ) -> Job:
        """Load a checkpoint without using it yet: ``then`` gets what was read from it."""
        return self.replace_job(
            "model", f"Loading {request.title}", lambda c: engine.inspect_model(request, c), then,
            failed=failed,
        )  # fmt: skip

    def use_model(self, loaded: LoadedModel) -> None:
        """Match with a loaded model from now on; maps of the open set are prepared for it."""
        self.model = loaded.model
        self.model_request = loaded.request
        self._forget_matching()
        self.workspace.set_model(loaded.info)
        self._prepare()

    def add_pictures(self, paths: Sequence[Path]) -> None:
        """Take pictures as further queries; the first of them is chosen."""
        refs = tuple(self._known(path) for path in paths)
        if not refs:
            return
        if self.matching is None:
            self._pending_own += refs
            return
        matching = self.matching

        def show(data: OpenSet) -> None:
            first = len(data.query) - len(refs)
            self.workspace.extend_data(data)
            self.workspace.select_queries((first,))

        names = ", ".join(ref.path.name for ref in refs[:2])
        self.runner.start(f"Reading {names}", lambda _c: matching.add_own(refs), done=show)

    def _known(self, path: Path) -> ImageRef:
        """A picture of the user; where the set knows the very file, with its person and camera."""
        path = path.expanduser().absolute()
        data = self.workspace.data
        if data is not None:
            for side in (data.query, data.gallery):
                for ref in side:
                    if ref.path == path:
                        return ref
        return ImageRef(path)

    # ── maps ────────────────────────────────────────────────────────────────────────────────────

    def _forget_matching(self) -> None:
        for name in ("prepare", "rank", "explain", "crowd", "measure", *WhatIfJobs.NAMES):
            self.stop_job(name)
        if self.matching is not None:
            self.matching.close()
            self.matching = None

    def _prepare(self) -> None:
        """Maps of the open set under the loaded model, once both are there."""
        data, model = self.workspace.data, self.model
        if data is None or model is None:
            return
        self.workspace.set_ranking_stale()

        def work(context: JobContext) -> MatchingSet:
            from app.jobs.matching_set import prepare

            return prepare(model, data, context, engine.feature_store())[0]

        self.replace_job("prepare", f"Feature maps of {data.name}", work, self._use_matching)

    def _use_matching(self, matching: MatchingSet) -> None:
        self.matching = matching
        shown = self.workspace.data
        if shown is None:
            return
        if (len(shown.query), len(shown.gallery)) != (
            len(matching.data.query),
            len(matching.data.gallery),
        ):
            self._swap_data(shown, matching.data)
        self.ready.emit()
        if self._pending_own:
            paths = [ref.path for ref in self._pending_own]
            self._pending_own = []
            self.add_pictures(paths)
        self._follow()
        if self.measure_unasked and engine.measuring_seconds(matching) <= QUICK_SECONDS:
            self.measure()

    def _swap_data(self, shown: OpenSet, readable: OpenSet) -> None:
        """Some files could not be read: show the set without them, with the same query chosen."""
        chosen = [shown.query[i].path for i in self.workspace.selection.queries]
        self.workspace.open_data(readable)
        places = {ref.path: i for i, ref in enumerate(readable.query)}
        kept = tuple(places[path] for path in chosen if path in places)
        if kept or len(readable.query):
            self.workspace.select_queries(kept or (0,))

    # ── following the selection ─────────────────────────────────────────────────────────────────

    def _follow(self) -> None:
        """Rank and explain what is chosen, unless that is already shown."""
        if self.matching is None:
            return
        selection = self.workspace.selection
        if not selection.queries:
            return
        if not self._ranking_is_current():
            self._rank(selection)
            return
        space = self.workspace
        if space.ranking_stale:  # chosen again while another one was on its way
            self.stop_job("rank")
            space.set_ranking(space.ranking)
        if selection.candidate is None:
            self._choose_candidate()
        elif not self._pair_is_current():
            self._explain(selection)
        else:
            if space.pair_stale:  # likewise
                self.stop_job("explain")
                space.set_pair(space.pair, space.other_pair, space.why)
            self._compare_with_crowd()

    def _ranking_is_current(self) -> bool:
        space = self.workspace
        ranking = space.ranking
        if ranking is None or ranking.queries != space.selection.queries:
            return False
        if len(ranking.queries) > 1 and self._fused != space.look.fuse:
            return False
        if ranking.part is not space.parts.part:
            return False
        data = space.data
        own = data is not None and any(data.is_own(q) for q in ranking.queries)
        return own or ranking.part is not None or ranking.method == space.method

    def _rank(self, selection: Selection) -> None:
        matching, space = self.matching, self.workspace
        assert matching is not None
        method, fuse, part = space.method, space.look.fuse, space.parts.part
        self.stop_job("crowd")
        if not space.ranking_stale:
            space.set_ranking_stale()

        def show(ranking: Ranking) -> None:
            self._fused = fuse
            if ranking.queries != space.selection.queries or part is not space.parts.part:
                return
            space.set_ranking(ranking)
            self._note_measures(ranking)
            if part is not None:
                self._choose_candidate()  # a search has a first result
            self._follow()

        def work(context: JobContext) -> Ranking:
            if part is not None:
                return matching.rank_by_part(selection.queries, part, fuse, context.cancel)
            return matching.rank(selection.queries, method, fuse)

        self.replace_job("rank", "Ranking", work, show, quiet=True)

    def _note_measures(self, ranking: Ranking) -> None:
        """AP and first true rank of the query just ranked."""
        if len(ranking.queries) != 1 or ranking.method in self.workspace.measures_complete:
            return
        if ranking.part is not None:  # AP is that of the whole query
            return
        data = self.workspace.data
        assert data is not None
        known = self.workspace.measures.get(ranking.method) or Measures.unknown(len(data.query))
        known = Measures(known.ap.copy(), known.first_true.copy(), known.top.copy())
        query = ranking.queries[0]
        known.ap[query], known.first_true[query], known.top[query] = engine.one_query_measures(
            ranking
        )
        self.workspace.set_measures(ranking.method, known)

    def _choose_candidate(self) -> None:
        """The best picture that is not junk."""
        ranking = self.workspace.ranking
        if ranking is None:
            return
        kept = (ranking.truth != RankingResult.JUNK).nonzero()[0]
        if len(kept):
            self.workspace.select_candidate(int(ranking.order[kept[0]]))

    def _pair_is_current(self) -> bool:
        pair, selection = self.workspace.pair, self.workspace.selection
        if pair is None or (pair.query, pair.candidate) != (selection.query, selection.candidate):
            return False
        if pair.part is not self.workspace.parts.part:
            return False
        other = self.workspace.other_pair
        return (None if other is None else other.candidate) == selection.other

    def _explain(self, selection: Selection) -> None:
        matching, space = self.matching, self.workspace
        query, candidate, other = selection.query, selection.candidate, selection.other
        part = space.parts.part
        assert matching is not None
        assert query is not None
        assert candidate is not None
        self.stop_job("crowd")  # what is waited for comes first; it begins again afterwards
        space.set_pair_stale()

        def work(_context: JobContext) -> Explained:
            second = None if other is None else matching.explain(query, other, part)
            first = matching.explain(query, candidate, part)
            return first, second, matching.why(first, second)

        def show(pairs: Explained) -> None:
            now = space.selection
            same = (now.query, now.candidate, now.other) == (query, candidate, other)
            if same and part is space.parts.part:
                space.set_pair(*pairs)
                self.settled.emit()
                self._compare_with_crowd()

        self.replace_job("explain", "Explaining", work, show, quiet=True)

    def _compare_with_crowd(self) -> None:
        """Once a pair is shown: what its query gets from everybody, to tell what is unusual."""
        matching, space = self.matching, self.workspace
        pair, other = space.pair, space.other_pair
        if matching is None or pair is None or "crowd" in self._jobs:
            return
        if pair.relative is not None or matching.knows_crowd(pair.query):
            return
        if pair.part is not None:  # the usual is that of the whole query
            return

        def work(context: JobContext) -> Explained:
            matching.measure_crowd(pair.query, context.cancel)
            second = None if other is None else matching.against_crowd(other)
            return matching.against_crowd(pair), second, matching.why(pair, second)

        def show(pairs: Explained) -> None:
            if space.pair is pair and space.other_pair is other and not space.pair_stale:
                space.set_pair(*pairs)

        self.replace_job("crowd", "Comparing with the gallery", work, show, quiet=True)

    # ── measuring the whole set ─────────────────────────────────────────────────────────────────

    def measure(self) -> None:
        """AP of all queries, re-ranking and TLift of the open set."""
        matching = self.matching
        if matching is None or not matching.data.own_from:
            return

        def show(measured: Measured) -> None:
            if matching is not self.matching:
                return
            matching.measured = measured
            self.workspace.set_measured(measured.measures, measured.notes)

        self.replace_job(
            "measure", f"Measuring {matching.data.name}",
            lambda c: engine.measure(matching, c), show, lane="long",
        )  # fmt: skip

    # ── jobs ────────────────────────────────────────────────────────────────────────────────────

    def replace_job(
        self, name: str, title: str, work: Work, done: Callable[[Any], None], **more: Any
    ) -> Job:
        """Start a job in place of the one of the same kind that may still be under way."""
        self.stop_job(name)

        def forget() -> None:
            if self._jobs.get(name) is job:
                del self._jobs[name]

        job: Job = self.runner.start(title, work, done=done, ended=forget, **more)
        self._jobs[name] = job
        return job

    def stop_job(self, name: str) -> None:
        """Cancel the job of a kind, where there is one."""
        job = self._jobs.pop(name, None)
        if job is not None:
            job.cancel()

    def close(self) -> None:
        """Stop everything and give the feature store back."""
        self.runner.close()
        if self.matching is not None:
            self.matching.close()
            self.matching = None
