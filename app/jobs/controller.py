"""Keeps the workspace true: what is chosen there is ranked and explained here, in the background.

Views and commands change the :class:`~app.state.workspace.Workspace`; the controller hears it,
starts jobs and puts their results back. Answers that come too late, for what is not chosen any
more, are dropped. What was on the screen stays, marked as stale, until the new is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs import engine
from app.jobs.added_pictures import AddedPictures
from app.jobs.engine import Inspected, LoadedModel
from app.jobs.job import Job, JobContext, Work
from app.jobs.pair_jobs import PairJobs
from app.jobs.ranking_jobs import RankingJobs
from app.jobs.runner import JobRunner
from app.jobs.what_if_jobs import WhatIfJobs
from app.state.requests import DataRequest, ModelRequest
from app.state.values import ModelInfo, Problem, Selection
from app.state.workspace import Workspace
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import Dataset

if TYPE_CHECKING:
    from app.jobs.engine import Measured
    from qaconv_core.galleries.partial import PartialGallery
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.model import Model

QUICK_SECONDS = 60.0
"""A whole set is measured unasked when that is estimated to take no longer."""


@dataclass(frozen=True)
class Left:
    """A set that was left for another one: to come back to where that cannot be used."""

    data: OpenSet
    request: DataRequest | None
    selection: Selection


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
        self.matching: GallerySearch | None = None
        self.growing: PartialGallery | None = None
        self.data_request: DataRequest | None = None
        self.model_request = ModelRequest()
        self.measure_unasked = True
        self._jobs: dict[str, Job] = {}
        self._left: Left | None = None
        self._own = AddedPictures(self)
        self._ranking, self._pair = RankingJobs(self), PairJobs(self)
        for event in (
            workspace.selection_changed,
            workspace.method_changed,
            workspace.look_changed,
            workspace.parts.changed,
        ):
            event.connect(self.follow)
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
        space = self.workspace
        if self.matching is not None and space.data is not None:
            self._left = Left(space.data, self.data_request, space.selection)
        self._forget_matching()
        if space.data is not None:
            self._own.forget()
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

    def add_pictures(
        self, paths: Sequence[Path], candidate: Path | None = None, together: bool = False
    ) -> None:
        """Take pictures as further queries; the first of them is chosen, or all ``together``.

        ``candidate`` is the gallery picture to show beside it; else it is the best one.
        """
        self._own.add(paths, candidate, together)

    # ── maps ────────────────────────────────────────────────────────────────────────────────────

    def _forget_matching(self) -> None:
        for name in ("prepare", "rank", "explain", "crowd", "measure", *WhatIfJobs.NAMES):
            self.stop_job(name)
        if self.matching is not None:
            self.matching.close()
            self.matching = None
        self.growing = None

    def _prepare(self) -> None:
        """Maps of the open set under the loaded model, once both are there."""
        data, model = self.workspace.data, self.model
        if data is None or model is None:
            return
        self.workspace.set_ranking_stale()
        chosen = self.workspace.selection.queries

        def work(context: JobContext) -> GallerySearch:
            return engine.search_partly(model, data, chosen, context)

        self.replace_job(
            "prepare", f"Feature maps of {data.name}", work, self._use_matching,
            told=self._use_growing, failed=self._go_back, lane="maps",
        )  # fmt: skip

    def _go_back(self, _problem: Problem) -> None:
        """No maps of the open set can be had: the one before comes back, where there was one."""
        space, left = self.workspace, self._left
        self._left = None
        if left is None:
            space.set_ranking(space.ranking)  # nothing is on its way any more
            return
        self._own.forget()
        self.growing, self.data_request = None, left.request
        space.open_data(left.data)
        space.look_at(left.selection)
        self._prepare()

    def _use_growing(self, growing: PartialGallery) -> None:
        """More of the gallery can be ranked than before."""
        begins = self.growing is None
        self.growing = growing
        if begins:
            self._own.add_waiting()
            self.follow()
        else:
            self._ranking.grow()

    def _use_matching(self, matching: GallerySearch) -> None:
        if self.growing is not None:
            matching.take_added(self.growing)
            self._pair.outdated = self.workspace.pair is not None
        self.matching, self.growing, self._left = matching, None, None
        shown = self.workspace.data
        if shown is None:
            return
        readable = matching.data
        if (shown.added_from, len(shown.gallery)) != (readable.added_from, len(readable.gallery)):
            self._swap_data(shown, readable)
        self.ready.emit()
        self._own.add_waiting()
        self.follow()
        if self.measure_unasked and engine.measuring_seconds(matching) <= QUICK_SECONDS:
            self.measure()

    def _swap_data(self, shown: OpenSet, readable: OpenSet) -> None:
        """Some files could not be read: show the set without them, with the same query chosen."""
        space, before = self.workspace, self.workspace.selection
        chosen = [shown.query[i].path for i in before.queries]
        space.open_data(readable)
        places = {ref.path: i for i, ref in enumerate(readable.query)}
        kept = tuple(places[path] for path in chosen if path in places)
        if kept or len(readable.query):
            space.select_queries(kept or (0,))
        if kept and before.candidate is not None:
            path = shown.gallery[before.candidate].path
            found = next((i for i, ref in enumerate(readable.gallery) if ref.path == path), None)
            space.select_candidate(found)

    @property
    def source(self) -> GallerySearch | PartialGallery | None:
        """What can be ranked and explained: all of the set, or what has arrived of it.

        A search by part needs all.
        """
        if self.matching is None and self.workspace.parts.part is not None:
            return None
        return self.matching or self.growing

    # ── following the selection ─────────────────────────────────────────────────────────────────

    def follow(self) -> None:
        """Rank and explain what is chosen, unless that is already shown."""
        selection = self.workspace.selection
        if not selection.queries or (self.matching or self.growing) is None:
            return
        if self.source is None:
            self.workspace.set_ranking_stale()
            return
        if not self._ranking.current:
            self._ranking.start(selection)
            return
        self._ranking.settle()
        if selection.candidate is None:
            self._ranking.choose_candidate()
        elif not self._pair.current:
            self._pair.start(selection)
        else:
            self._pair.settle()

    # ── measuring the whole set ─────────────────────────────────────────────────────────────────

    def measure(self) -> None:
        """AP of all queries, re-ranking and TLift of the open set."""
        matching = self.matching
        if matching is None or not matching.data.added_from:
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

    def has_job(self, name: str) -> bool:
        """Whether a job of a kind is under way."""
        return name in self._jobs

    def close(self) -> None:
        """Stop everything and give the feature store back."""
        self.runner.close()
        if self.matching is not None:
            self.matching.close()
            self.matching = None
