"""Adapts the open model to the open pictures in the background, and stops to let a person look."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs import engine
from app.jobs.controller import Controller
from app.jobs.job import KEPT, Job, JobContext
from app.jobs.job_slots import JobSlots
from app.state.adaptation import Adaptation, AdaptationRequest, default_out
from app.state.requests import DEMO, DataRequest, ModelRequest
from app.state.stored import read_record, write_record
from app.state.values import Problem
from qaconv_core.data.resources import resource_path
from qaconv_core.errors import StoreError
from qaconv_core.progress import PhasedProgress, ProgressCallback
from qaconv_core.readable import counted
from qaconv_core.store.folders import ADAPTATION, data_dir
from qaconv_core.types import Dataset

if TYPE_CHECKING:
    from qaconv_core.adaptation import AdaptationJob, AdaptationResult, FoundGroups
    from qaconv_core.adaptation.forecast import Forecast
    from qaconv_core.adaptation.pictures import Pictures
    from qaconv_core.adaptation.state import Unfinished

ADAPT, FORECAST = "adapt", "adaptation forecast"


class _Reviewing(Exception):
    """The groups shall be looked at before anything is learned from them."""


def _note_begun(out: Path, root: Path, model: ModelRequest) -> None:
    """Remember where the new model goes, for the dialog of another day; not where nothing can be
    written."""
    with suppress(StoreError):
        record = {"root": str(root), "model": model.path, "out": str(out)}
        write_record(data_dir() / ADAPTATION, record)


def pictures_to_adapt(data: DataRequest | Dataset) -> Pictures:
    """The pictures of a set that a model can learn from."""
    from qaconv_core.adaptation import pictures_of

    return pictures_of(data if isinstance(data, Dataset) else engine.dataset_of(data))


def adaptation_job(
    pictures: Pictures, model: ModelRequest, request: AdaptationRequest
) -> AdaptationJob:
    """The engine's job for what the window asks for."""
    from qaconv_core.adaptation import AdaptationJob

    bundled = model.path == DEMO
    return AdaptationJob(
        pictures=pictures,
        start=resource_path("model", "checkpoint.pth.tar") if bundled else Path(model.path),
        out=request.out,
        name="the bundled model" if bundled else model.title,
        rounds=request.rounds,
        device=model.device,
        input_size=model.input_size,
        overwrite=request.anew,
        workers=0,
    )


class AdaptationJobs(QObject):
    """Starts and stops the work on an :class:`Adaptation`.

    ``started`` carries the job, ``failed`` a :class:`~app.state.values.Problem`.
    """

    started = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(self, controller: Controller, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.controller, self.adaptation = controller, Adaptation()
        self.job: Job | None = None
        self._slots = JobSlots(controller.runner, self)

    @property
    def _data(self) -> DataRequest | Dataset | None:
        opened = self.controller.workspace.data
        if opened is None:
            return None
        return self.controller.data_request or opened.dataset

    def why_not(self) -> str:
        """Why nothing can be adapted now; "" where it can."""
        space = self.controller.workspace
        if space.data is None:
            return "No data set is open."
        return "No model is loaded yet." if space.model is None else ""

    def proposed_out(self) -> Path:
        """Where the new model goes, unless a person says otherwise; first of all where one was
        begun from the open model and set and is not finished."""
        space = self.controller.workspace
        begun = None if space.data is None else self._begun(space.data.root)
        if begun is not None:
            return begun
        data = "own" if space.data is None else space.data.name
        model = "" if space.model is None else space.model.title
        return default_out(data_dir(write=False) / "models", data, model)

    def _begun(self, root: Path) -> Path | None:
        """The file of the last adaptation, where it is unfinished and of the open ones."""
        known = read_record(data_dir(write=False) / ADAPTATION)
        if (known.get("root"), known.get("model")) != (
            str(root),
            self.controller.model_request.path,
        ):
            return None
        out = Path(str(known.get("out")))
        return out if self.unfinished(out) is not None and not out.exists() else None

    def unfinished(self, out: Path) -> Unfinished | None:
        """What was begun for the file ``out`` and is not finished."""
        from qaconv_core.adaptation.state import unfinished

        return unfinished(out)

    def forecast(self, rounds: int) -> None:
        """Find out how long it takes and how much memory."""
        data, model = self._data, self.controller.model_request
        if data is None:
            return

        def work(context: JobContext) -> str:
            from qaconv_core.adaptation.forecast import forecast_job

            pictures = pictures_to_adapt(data)
            job = adaptation_job(pictures, model, AdaptationRequest(Path("model"), rounds))
            found = forecast_job(job, context.cancel)
            cameras = f" of {counted(pictures.cameras, 'camera')}" if pictures.cameras else ""
            return f"{len(pictures):,} pictures{cameras}.\n{found.describe()}."

        self._slots.replace(
            FORECAST, "Estimating", work, self.adaptation.set_forecast, failed=self._not_forecast,
            lane="files", quiet=True,
        )  # fmt: skip

    def _not_forecast(self, problem: Problem) -> bool:
        self.failed.emit(problem)
        return True

    def start(self, request: AdaptationRequest) -> None:
        """Begin, or go on where an equal adaptation was stopped."""
        if self._data is not None and not self.adaptation.running:
            self.adaptation.forget()
            self._run(request, self.controller.model_request)

    def go_on(self) -> None:
        """Learn from the groups that were looked at, without what was taken out."""
        known = self.adaptation
        if known.waiting and known.request is not None and known.old is not None:
            self._run(replace(known.request, anew=False), known.old)

    def cancel(self) -> None:
        """Stop after the batch in hand; what was done is kept."""
        self._slots.cancel(ADAPT)

    def _run(self, request: AdaptationRequest, model: ModelRequest) -> None:
        known, data, opened = self.adaptation, self._data, self.controller.workspace.data
        assert data is not None
        assert opened is not None
        looked_at = known.found.round if known.waiting and known.found is not None else 0
        groups, pictures = frozenset(known.groups_out), frozenset(known.pictures_out)

        def work(context: JobContext) -> AdaptationResult | None:
            from qaconv_core.adaptation import Wrong, adapt

            request.out.parent.mkdir(parents=True, exist_ok=True)
            _note_begun(request.out, opened.root, model)

            def look(found: FoundGroups) -> Wrong | None:
                if found.round == looked_at:
                    return Wrong(groups, pictures)
                context.tell(found)
                if request.review and not found.learning:
                    raise _Reviewing
                return None

            job = adaptation_job(pictures_to_adapt(data), model, request)
            tell: ProgressCallback = context.progress

            def plan(found: Forecast) -> None:
                nonlocal tell
                tell = PhasedProgress(found.phases(job.epochs), context.progress)

            try:
                return adapt(
                    job,
                    progress=lambda progress: tell(progress),
                    cancel=context.cancel,
                    on_groups=look,
                    on_plan=plan,
                )
            except _Reviewing:
                return None

        def done(result: AdaptationResult | None) -> None:
            if result is None:
                known.wait()
            else:
                known.finish(result)

        def failed(problem: Problem) -> bool:
            self.failed.emit(problem)
            return True

        known.begin(request, model)
        self.job = self._slots.replace(
            ADAPT, f"Adapting to {opened.name}", work, done,
            failed=failed, ended=self._ended, reported=known.show_groups, lane="long",
            loss=KEPT,
        )  # fmt: skip
        self.started.emit(self.job)

    def _ended(self) -> None:
        self.job = None
        if self.adaptation.running:
            self.adaptation.stop()

    # ── the new model and the old one ───────────────────────────────────────────────────────────

    def use_new(self) -> None:
        """Match with the adapted model from now on."""
        known = self.adaptation
        if known.request is not None and known.old is not None:
            self.controller.open_model(replace(known.old, path=str(known.request.out)))

    def use_old(self) -> None:
        """Match with the model as it was."""
        if self.adaptation.old is not None:
            self.controller.open_model(self.adaptation.old)

    @property
    def new_in_use(self) -> bool:
        """Whether the adapted model is the one that is open."""
        request = self.adaptation.request
        return request is not None and self.controller.model_request.path == str(request.out)
