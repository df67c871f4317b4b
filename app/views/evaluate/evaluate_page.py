"""The page Evaluate: starts evaluations and estimates, lists runs, exports results.

Its widgets, and Matplotlib, are loaded when the page is first shown.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtGui import QShowEvent
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from app.jobs import evaluation_jobs as evaluating
from app.jobs.job import LOST, Job, JobContext, Work
from app.jobs.job_slots import JobSlots
from app.jobs.runner import JobRunner
from app.jobs.timers import pause_timer
from app.state.evaluation import (
    Estimate,
    EvaluationRequest,
    FinishedRun,
    RunList,
    SetChoice,
)
from app.state.export_choices import ExportChoices
from app.state.requests import DEMO
from app.state.run_comparison import cameras_of_queries
from app.state.values import Failure, Problem
from app.state.workspace import Workspace
from qaconv_core.paths import typed_path

if TYPE_CHECKING:
    from app.views.evaluate.exports import Exports
    from app.views.evaluate.name_dialog import NameDialog
    from app.views.evaluate.page_layout import PageContent

PAUSE_MS = 250
"""How long the form rests before an estimate is made."""


class EvaluatePage(QWidget):
    """Choose, start, watch, compare.

    ``open_query`` asks to open a query in the browser: the run, and the query's file.
    ``open_rankings`` asks to show a query as two results rank it: both, and its change.
    """

    open_query = pyqtSignal(object, str)
    open_rankings = pyqtSignal(object, object, object)

    def __init__(
        self,
        workspace: Workspace,
        runner: JobRunner,
        parent: QWidget | None = None,
        choices: ExportChoices | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace, self.runner = workspace, runner
        self._choices = choices or ExportChoices()
        self.runs = RunList()
        self.jobs = evaluating.EvaluationJobs()
        self.content: PageContent | None = None
        self.exports: Exports | None = None
        self._data_folder: str | None = None
        self._normalise = False
        self._slots = JobSlots(runner, self)
        self._export_when_read = False
        self.select_when_read: int | None = None
        self._rest = pause_timer(self, PAUSE_MS, self._forecast)
        self.setAccessibleName("Evaluate")
        QVBoxLayout(self).setContentsMargins(0, 0, 0, 0)
        self.runs.shown_changed.connect(self._runs_shown)

    # ── first shown ─────────────────────────────────────────────────────────────────────────────

    def showEvent(self, event: QShowEvent) -> None:
        """Build the page when it is first seen; look at the history each time."""
        super().showEvent(event)
        known = self.content is not None
        self.build()
        if known:
            self._form_changed()
        self.load_runs()

    def hideEvent(self, event: Any) -> None:
        """Nobody sees an estimate now."""
        super().hideEvent(event)
        self._rest.stop()

    def build(self) -> PageContent:
        """The page's content, made at the first call."""
        if self.content is not None:
            return self.content
        from app.views.evaluate.exports import Exports
        from app.views.evaluate.page_layout import PageContent

        content = self.content = PageContent(self.runs)
        self.layout().addWidget(content)
        self.exports = Exports(self.runs, content, self.runner, self._choices, self)
        if self._data_folder is not None:
            content.form.folder.setText(self._data_folder)
        form = content.form
        form.methods.normalise.setChecked(self._normalise)
        form.changed.connect(self._form_changed)
        form.folder_changed.connect(self.find_sets)
        form.browsed.connect(self._identify)
        form.start_requested.connect(self.start)
        content.queries.open_query.connect(self.open_query)
        content.changes.opened.connect(self.open_rankings)
        self.workspace.data_changed.connect(self._know_cameras)
        self._know_cameras()
        content.delete_button.clicked.connect(lambda _on: self.delete_current())
        content.name_button.clicked.connect(lambda _on: self.name_current())
        content.repeat_button.clicked.connect(lambda _on: self.repeat_current())
        self.workspace.data_changed.connect(self.find_sets)
        self.workspace.model_changed.connect(self._take_model)
        self._take_model()
        self.find_sets()
        self._runs_shown()
        return content

    def _know_cameras(self) -> None:
        if self.content is not None:
            data = self.workspace.data
            names = {} if data is None else data.camera_names
            self.content.changes.cameras.know(cameras_of_queries(data), names)

    def set_data_folder(self, folder: str | Path) -> None:
        """The folder of the data sets, as the settings have it."""
        self._data_folder = str(folder)
        if self.content is not None:
            self.content.form.set_folder(str(folder))

    @property
    def normalise(self) -> bool:
        """Whether normalised scores are measured, too."""
        if self.content is None:
            return self._normalise
        return self.content.form.methods.normalise.isChecked()

    def set_normalise(self, on: bool) -> None:
        """Choose this."""
        self._normalise = on
        if self.content is not None:
            self.content.form.methods.normalise.setChecked(on)

    def _take_model(self) -> None:
        """Offer the checkpoint that is open in the window, and take it."""
        model = self.workspace.model
        if model is not None and self.content is not None:
            self.content.form.add_checkpoint(model.source, choose=True)

    # ── data sets ───────────────────────────────────────────────────────────────────────────────

    def find_sets(self) -> None:
        """Look for the data sets below the data folder."""
        if self.content is None:
            return
        text = self.content.form.folder.text().strip()
        folder = typed_path(text).absolute() if text else None
        data = self.workspace.data
        opened = None if data is None else data.dataset
        if opened is not None and not (len(opened.query) and len(opened.gallery)):
            opened = None

        def work(context: JobContext) -> tuple[SetChoice, ...]:
            return evaluating.find_sets(folder, opened, context)

        self._replace("sets", "Looking for data sets", work, self.content.form.sets.show_choices)

    def _identify(self, path: Path) -> None:
        def work(context: JobContext) -> SetChoice:
            return evaluating.identify(path, context)

        assert self.content is not None
        self._replace("identify", f"Reading {path.name}", work, self.content.form.sets.add_browsed)

    # ── what it will take ───────────────────────────────────────────────────────────────────────

    def _form_changed(self) -> None:
        assert self.content is not None
        form = self.content.form
        asked = bool(form.sets.ticked)
        form.start_button.setEnabled(asked)
        if not asked:
            self._rest.stop()
            self._slots.stop("forecast")
            form.say("Tick at least one data set.")
            return
        form.say("Estimating time and memory…")
        if self.isVisible():
            self._rest.start()

    @property
    def estimating(self) -> bool:
        """Whether an estimate of time and memory is on its way."""
        return self._rest.isActive() or self._slots.has("forecast")

    def estimate_again(self) -> None:
        """Feature maps may have been stored meanwhile: bring the estimate up to date."""
        if self.content is not None and self.content.form.sets.ticked and self.isVisible():
            self._rest.start()

    def _forecast(self) -> None:
        assert self.content is not None
        requests = self.content.form.requests()

        def work(context: JobContext) -> Estimate:
            return self.jobs.forecast(requests, context)

        def failed(problem: Problem) -> bool:
            assert self.content is not None
            self.content.form.say(problem.message)
            return True

        self._replace("forecast", "Estimating", work, self.content.form.show_estimate, failed)

    # ── evaluating ──────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Evaluate every ticked data set, one after another."""
        for request in self.build().form.requests():
            self.evaluate(request)

    def evaluate(self, request: EvaluationRequest) -> Job:
        """Evaluate one data set in the background; others go on where it fails."""
        content, title = self.build(), request.choice.title

        def failed(problem: Problem) -> bool:
            content.work.fail(Failure(title, problem), lambda: self.evaluate(request))
            return self.isVisible()

        job = self.runner.start(
            f"Evaluating {title}",
            lambda context: self.jobs.run(request, context),
            lane="long",
            loss=LOST,
            done=self._slots.alive(self.runs.add),
            failed=self._slots.alive(failed),
            ended=self._slots.alive(self.estimate_again),
        )
        content.work.add_job(f"{title} · {_model_name(request)}", job)
        return job

    def cancel(self) -> None:
        """Stop every evaluation of this page."""
        if self.content is not None:
            for row in list(self.content.work.rows):
                row.cancel_button.click()

    # ── runs ────────────────────────────────────────────────────────────────────────────────────

    def load_runs(self) -> None:
        """Read the history, which other programs write too."""
        self._replace("runs", "Reading the run history", evaluating.stored_runs, self._put_runs)

    def _put_runs(self, runs: tuple[FinishedRun, ...]) -> None:
        known = [(run.id, run.created) for run in self.runs.runs if run.id >= 0]
        if known != [(run.id, run.created) for run in runs]:
            self.runs.put(runs)
        if self.select_when_read is not None:
            self.runs.select(self.select_when_read)
            self.select_when_read = None
        if self._export_when_read:
            self._export_when_read = False
            assert self.exports is not None
            self.exports.save_cmc()

    def delete_current(self) -> None:
        """Delete the run that is looked at from the history."""
        run = self.runs.current
        if run is None:
            return
        self._replace(
            "delete", f"Deleting {run.title}",
            lambda context: evaluating.delete_runs((run.id,), context), self.runs.remove,
        )  # fmt: skip

    def name_current(self) -> NameDialog | None:
        """Ask for a name and a note of the run that is looked at."""
        from app.views.evaluate.name_dialog import NameDialog

        run = self.runs.current
        if run is None or run.id < 0:
            return None
        dialog = NameDialog(run, self)
        dialog.wanted.connect(self._describe)
        dialog.open()
        return dialog

    def _describe(self, id: int, name: str, note: str) -> None:
        self._replace(
            "describe", "Keeping a name",
            lambda context: evaluating.describe_run(id, name, note, context),
            lambda _nothing: self.runs.describe(id, name, note),
        )  # fmt: skip

    def repeat_current(self) -> None:
        """Choose in the form what the run that is looked at was made with."""
        run = self.runs.current
        if run is None:
            return
        form = self.build().form
        self._replace(
            "repeat", f"Reading {run.title}", lambda _context: evaluating.request_of_run(run),
            form.take,
        )  # fmt: skip

    def _runs_shown(self) -> None:
        if self.content is not None:
            self.content.show_results(bool(self.runs.runs))
            current = self.runs.current
            content = self.content
            content.delete_button.setEnabled(current is not None)
            content.name_button.setEnabled(current is not None and current.id >= 0)
            content.repeat_button.setEnabled(current is not None and bool(current.command))

    # ── commands ────────────────────────────────────────────────────────────────────────────────

    def export_cmc(self) -> None:
        """Ask where to save the CMC curve of the shown runs, once the history has been read."""
        self.build()
        assert self.exports is not None
        if self._slots.has("runs") and not self.runs.runs:
            self._export_when_read = True
        else:
            self.exports.save_cmc()

    # ── jobs ────────────────────────────────────────────────────────────────────────────────────

    def _replace(
        self,
        name: str,
        title: str,
        work: Work,
        done: Callable[[Any], None],
        failed: Callable[[Problem], bool | None] | None = None,
    ) -> None:
        """Start a quiet job in place of the one of the same kind that may be under way."""
        self._slots.replace(name, title, work, done, failed=failed, lane="files", quiet=True)


def _model_name(request: EvaluationRequest) -> str:
    return "bundled model" if request.checkpoint == DEMO else Path(request.checkpoint).name
