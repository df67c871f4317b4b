"""Opens data sets and models, and takes the next step each time that the workspace changed.

Views and commands change the :class:`~app.state.workspace.Workspace`. Once all listeners have been
notified, the controller calls :func:`~app.state.next_step.next_step` and starts a job for the step
that it names. A job's result changes the workspace, so that the step after it follows. What was on
the screen stays, marked as stale, until the result is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs import engine
from app.jobs.added_pictures import AddedPictures
from app.jobs.engine import Inspected, LoadedModel
from app.jobs.inspections import DATA, MODEL, Failed, inspect_data, inspect_model
from app.jobs.job import LOST, Job, JobContext
from app.jobs.job_slots import JobSlots, tell_stopped
from app.jobs.pair_jobs import PairJobs
from app.jobs.ranking_jobs import RankingJobs
from app.jobs.runner import JobRunner
from app.jobs.sources import Sources
from app.jobs.what_if_jobs import WhatIfJobs
from app.state.next_step import (
    Available,
    ChooseCandidate,
    ChooseSecond,
    CompareWithAverage,
    Done,
    Explain,
    KeepPair,
    KeepRanking,
    Rank,
    Step,
    Wait,
    next_step,
)
from app.state.requests import DataRequest, ModelRequest
from app.state.values import NORMALISED, Method, ModelInfo, Problem, Selection
from app.state.workspace import Workspace
from qaconv_core.galleries.values import OpenSet
from qaconv_core.readable import counted, shown
from qaconv_core.types import Dataset, RankingResult, Rejected

if TYPE_CHECKING:
    from app.jobs.engine import Measured
    from qaconv_core.galleries.partial import PartialGallery
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.model import Model

QUICK_SECONDS = 60.0
"""A whole set is measured unasked when that is estimated to take no longer."""
NEEDS_MAPS = (
    "prepare",
    "rank",
    "explain",
    "average",
    "measure",
    "evidence",
    "cohorts",
    *WhatIfJobs.NAMES,
)
"""The jobs that are of no use once the maps are forgotten."""


@dataclass(frozen=True)
class PreviousSet:
    """The set that was open before, to come back to where the new one cannot be used."""

    data: OpenSet
    request: DataRequest | None
    selection: Selection


class Controller(QObject):
    """Starts jobs for what is chosen. ``settled``: the pair that is chosen is shown."""

    settled = pyqtSignal()

    def __init__(
        self, workspace: Workspace, runner: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.runner = workspace, runner
        self.sources, self.slots = Sources(workspace.queue), JobSlots(runner, self)
        self.model: Model | None = None
        self.data_request: DataRequest | None = None
        self.model_request = ModelRequest()
        self.measure_unasked = True
        self._previous: PreviousSet | None = None
        self._measuring_on_request = False
        self._step: Step = Done()
        self._added = AddedPictures(workspace, runner, self.sources)
        self._ranking = RankingJobs(workspace, self.slots, self.sources, self)
        self._pair = PairJobs(workspace, self.slots, self.sources)
        self._what_if = WhatIfJobs(workspace, self.slots, self.sources)
        workspace.settled.connect(self._take_next_step)

    @property
    def matching(self) -> GallerySearch | None:
        """The open set with all its maps; None until they are there."""
        return self.sources.matching

    # ── the next step ───────────────────────────────────────────────────────────────────────────

    def _take_next_step(self) -> None:
        """Do what is to be done for what is chosen, unless it is under way."""
        pair, matching = self.workspace.pair, self.sources.matching
        step = next_step(
            self.workspace,
            Available(
                growing=self.sources.growing is not None,
                whole=matching is not None,
                average_known=matching is not None
                and pair is not None
                and matching.knows_average(pair.query),
            ),
        )
        before, self._step = self._step, step
        if step != before:
            self._take(step)
            explained = isinstance(before, (Explain, KeepPair))
            if explained and isinstance(step, (CompareWithAverage, Done)):
                self.settled.emit()
        self._what_if.update()

    def _take(self, step: Step) -> None:
        space = self.workspace
        if isinstance(step, Wait):
            if step.outdated:
                space.set_ranking_stale()
        elif isinstance(step, Rank):
            self._ranking.rank(step)
        elif isinstance(step, KeepRanking):
            self._ranking.keep()
        elif isinstance(step, ChooseCandidate):
            space.auto_select(step.candidate)
        elif isinstance(step, ChooseSecond):
            space.compare_with(step.candidate)
        elif isinstance(step, Explain):
            self._pair.explain(step)
        elif isinstance(step, KeepPair):
            self._pair.keep()
        elif isinstance(step, CompareWithAverage):
            self._pair.compare_with_average(step)

    # ── opening ─────────────────────────────────────────────────────────────────────────────────

    def open(
        self,
        data: DataRequest,
        model: ModelRequest | None = None,
        restore: Callable[[], object] | None = None,
    ) -> None:
        """Open a data set (and a model, where another one is wanted) without a dialog.

        What is shown stays until the new set is read; ``restore`` is called then, before the
        first query is selected.
        """
        if model is not None:
            self.open_model(model)

        def use(found: Inspected) -> None:
            self.use_data(found.dataset, restore, found.request)
            if found.scenes:
                self.runner.problem.emit(Problem(f"{found.dataset.name}: {found.scenes}"))

        inspect_data(self.slots, data, use)

    def use_data(
        self,
        dataset: Dataset,
        restore: Callable[[], object] | None = None,
        request: DataRequest | None = None,
    ) -> None:
        """Show a data set that was read, and prepare its maps.

        Raises :class:`~qaconv_core.errors.InputError`, and changes nothing, where there is nothing
        to search.
        """
        data = engine.open_set(dataset)
        space = self.workspace
        self.slots.stop(DATA)
        if self.matching is not None and space.data is not None:
            self._previous = PreviousSet(space.data.as_read, self.data_request, space.selection)
        self._forget_maps()
        if space.data is not None:
            self._added.forget_waiting()
        self.data_request = request
        space.open_data(data)
        if restore is not None:
            restore()
        if not space.selection.queries and len(data.query):
            space.select_queries((0,))
        self._prepare()

    def close_data(self) -> None:
        """Show no data set, and give its maps back."""
        self.slots.stop(DATA)
        self._previous = None
        self._forget_maps()
        self._added.forget_waiting()
        self.data_request = None
        self.workspace.open_data(None)

    def open_model(
        self,
        request: ModelRequest,
        failed: Failed | None = None,
        then: Callable[[ModelInfo], None] | None = None,
    ) -> Job:
        """Load a checkpoint and use it; the present one stays until the new one is whole."""

        def use(loaded: LoadedModel) -> None:
            self.use_model(loaded)
            if then is not None:
                then(loaded.info)

        job = inspect_model(self.slots, request, use, failed, self._model_ended)
        self.workspace.set_model_loading(True)
        return job

    def _model_ended(self) -> None:
        self.workspace.set_model_loading(self.slots.has(MODEL))

    def use_model(self, loaded: LoadedModel) -> None:
        """Match with a loaded model from now on; maps of the open set are prepared for it."""
        self.slots.stop(MODEL)
        self.workspace.set_model_loading(False)
        self.model = loaded.model
        self.model_request = loaded.request
        self._forget_maps()
        self.workspace.set_model(loaded.info)
        self._prepare()

    def add_pictures(
        self, paths: Sequence[Path], candidates: tuple[Path, ...] = (), together: bool = False
    ) -> None:
        """Add pictures as further queries; the first of them is selected, or all ``together``.

        ``candidates`` are gallery pictures: the one to show beside it, else it is the best one, and
        those to compare that one with.
        """
        self._added.add(paths, candidates, together)

    # ── maps ────────────────────────────────────────────────────────────────────────────────────

    def _forget_maps(self) -> None:
        if self._measuring_on_request:
            tell_stopped(self.slots, "measure")
        self.slots.stop(*NEEDS_MAPS)
        self.sources.close()
        self._step = Done()

    def _prepare(self) -> None:
        """Maps of the open set under the loaded model, once both are there."""
        data, model = self.workspace.data, self.model
        if data is None or model is None:
            return
        data = data.as_read
        self.workspace.set_ranking_stale()
        chosen = self.workspace.selection.queries

        def work(context: JobContext) -> GallerySearch:
            return engine.search_partly(model, data, chosen, context)

        self.slots.replace(
            "prepare", f"Feature maps of {data.name}", work, self._use_matching,
            reported=self._use_growing, failed=self._return_to_previous, lane="maps",
        )  # fmt: skip

    def _return_to_previous(self, _problem: Problem) -> None:
        """There are no maps of the open set: open the one before, where there was one."""
        space, previous = self.workspace, self._previous
        self._previous = None
        if previous is None:
            space.keep_ranking()  # nothing is on its way any more
            return
        self._added.forget_waiting()
        self._forget_maps()
        self.data_request = previous.request
        space.open_data(previous.data)
        space.look_at(previous.selection)
        self._prepare()

    def _use_growing(self, growing: PartialGallery) -> None:
        """More of the gallery can be ranked than before."""
        if self.sources.growing is growing:
            self._ranking.grow()
            return
        with self.workspace.batch():
            self.sources.begin(growing)
            self.workspace.set_map_precision(growing.model.precision)
            self._added.add_waiting()

    def _use_matching(self, matching: GallerySearch) -> None:
        """All maps are there."""
        if self.sources.growing is not None:
            matching.take_added(self.sources.growing)
        self._previous = None
        with self.workspace.batch():
            self.sources.use(matching)
            self.workspace.set_map_precision(matching.model.precision)
            self._show_readable(matching.data)
            self._added.add_waiting()
        pending, self.workspace.pending_method = self.workspace.pending_method, ""
        if pending == NORMALISED:
            self.normalise()
        if self.measure_unasked and engine.measuring_seconds(matching) <= QUICK_SECONDS:
            self.measure(unasked=True)

    def _show_readable(self, readable: OpenSet) -> None:
        """Where files could not be read: show the set without them, with the same selection."""
        space, opened, before = self.workspace, self.workspace.data, self.workspace.selection
        assert opened is not None
        if (opened.added_from, len(opened.gallery)) == (readable.added_from, len(readable.gallery)):
            return
        self._tell_left_out(readable, set(opened.rejected))
        chosen = [opened.query[i].path for i in before.queries]
        places = {ref.path: i for i, ref in enumerate(readable.query)}
        kept = tuple(places[path] for path in chosen if path in places)
        space.open_data(readable)
        if kept or len(readable.query):
            space.select_queries(kept or (0,))
        if kept and before.candidate is not None:
            path = opened.gallery[before.candidate].path
            found = (i for i, ref in enumerate(readable.gallery) if ref.path == path)
            space.select_candidate(next(found, None))

    def _tell_left_out(self, data: OpenSet, known: set[Rejected]) -> None:
        """Say which pictures could not be read, besides those that are ``known``."""
        left = [item for item in data.rejected if item not in known]
        if left:
            more = ", …" if len(left) > 1 else ""
            self.runner.problem.emit(Problem(
                f"{counted(len(left), 'picture')} of {data.name} cannot be read and "
                f"{'is' if len(left) == 1 else 'are'} left out: {shown(left[0].path.name)} "
                f"({left[0].reason}){more}",
                "\n".join(map(str, left)),
            ))  # fmt: skip

    # ── measuring the whole set ─────────────────────────────────────────────────────────────────

    def measure(self, *, unasked: bool = False) -> None:
        """AP of all queries, re-ranking and TLift of the open set."""
        self._measuring_on_request = not unasked
        matching = self.matching
        if matching is None or not matching.data.added_from:
            return

        def apply(measured: Measured) -> None:
            matching.measured = measured
            self.workspace.set_measured(measured.measures, measured.notes)
            self.compare_evidence(unasked=True)

        self.slots.replace(
            "measure", f"Measuring {matching.data.name}",
            lambda context: engine.measure(matching, context), apply, lane="long",
            loss="" if unasked else LOST,
        )  # fmt: skip

    @property
    def can_compare_evidence(self) -> bool:
        """Whether the evidence of the set's pairs can be measured, and was not yet."""
        space = self.workspace
        known = space.evidence is not None or space.evidence_running
        return self.matching is not None and space.can_compare_evidence and not known

    def compare_evidence(self, *, unasked: bool = False) -> None:
        """The evidence of the set's pairs, to say how that of a pair stands among it."""
        matching, space = self.matching, self.workspace
        if matching is None or not self.can_compare_evidence:
            return

        def ended() -> None:
            if matching is self.matching and space.evidence is None:
                space.set_evidence(None)

        self.slots.replace(
            "evidence", f"Comparing the evidence of pairs of {matching.data.name}",
            lambda context: engine.compare_evidence(matching, context), space.set_evidence,
            failed=lambda _problem: unasked, ended=ended, lane="long",
        )  # fmt: skip
        space.set_evidence(None, running=True)

    def rank_both(
        self, queries: tuple[int, int], apply: Callable[[tuple[RankingResult, ...]], None]
    ) -> None:
        """Rank two queries, each alone, by the method chosen; hand over both rankings."""
        self._ranking.rank_both(queries, apply)

    def normalise(self, method: Method = NORMALISED) -> None:
        """Rank by normalised scores, or by what re-ranking and TLift make of them, once the
        gallery's strangers have been measured."""
        matching = self.matching
        if matching is None or matching.cohorts is not None:
            self.workspace.set_method(method)
            return
        self.workspace.await_method(method)
        if self.slots.has("cohorts"):
            return

        def apply(_found: None) -> None:
            space = self.workspace
            space.offer_normalised()
            if space.awaited_method is not None:  # no other one was chosen meanwhile
                space.set_method(space.awaited_method)

        self.slots.replace(
            "cohorts", f"Measuring strangers of {matching.data.name}",
            lambda context: engine.measure_cohorts(matching, context), apply, lane="long",
            ended=lambda: self.workspace.await_method(None),
        )  # fmt: skip

    def close(self) -> None:
        """Stop everything and give the feature store back."""
        self.runner.close()
        self.sources.close()
