"""Commands that save a report on candidates, and the decisions as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QWidget

from app.jobs.blurring import with_blur
from app.jobs.controller import Controller
from app.jobs.decision_jobs import DecisionJobs
from app.jobs.job import Job
from app.jobs.match_reports import ReportRequest
from app.state.export_choices import ExportChoices
from app.state.report_choice import report_choices
from app.views import dialogs
from app.views.widgets.actions import Handler, Handlers
from app.views.widgets.file_dialogs import ask_new_path
from qaconv_core.store.cases import Case


class ReportCommands(QObject):
    """Save reports and decisions.

    ``reported``: a sentence for the bottom line. ``saved`` carries the file of a report.
    ``case`` gives the open case.
    """

    reported = pyqtSignal(str)
    saved = pyqtSignal(object)

    def __init__(
        self,
        controller: Controller,
        decisions: DecisionJobs,
        choices: ExportChoices,
        window: QWidget,
        case: Callable[[], Case | None] = lambda: None,
    ) -> None:
        super().__init__(window)
        self._case = case
        self.controller, self.workspace = controller, controller.workspace
        self._decisions, self._choices, self._window = decisions, choices, window

    def handlers(self) -> Handlers:
        """The commands."""
        return {
            "file.save_report": Handler(
                self.ask_report,
                lambda: (
                    self.controller.matching is not None and bool(report_choices(self.workspace))
                ),
            ),
            "file.save_decisions": Handler(self.ask_csv, lambda: self._decisions.log is not None),
        }

    def ask_report(self) -> dialogs.ReportDialog | None:
        """Ask whom the report is about, as what it is saved, and where."""
        space = self.workspace
        choices, query = report_choices(space), space.selection.query
        if not choices or space.ranking is None or space.data is None or query is None:
            return None
        stem = f"report_{space.data.query[query].path.stem}"
        dialog = dialogs.ReportDialog(choices, space.ranking, stem, self._choices, self._window)
        dialog.wanted.connect(self.save_report)
        dialog.open()
        return dialog

    def save_report(self, path: Path, candidates: tuple[int, ...]) -> Job | None:
        """Write a report on candidates of the shown ranking, in the background."""
        space, matching = self.workspace, self.controller.matching
        if matching is None or space.data is None or space.ranking is None:
            return None
        model = "" if space.model is None else f"{space.model.title}, {space.model.spec.in_full()}"
        request = ReportRequest(
            matching,
            space.data,
            space.ranking,
            candidates,
            dict(space.decided),
            model,
            space.strangers,
            space.labelled_line,
            self._case(),
            space.evidence,
        )
        blur = self._choices.blur

        def done(_nothing: object) -> None:
            self.reported.emit(f"Saved {path.name}")
            self.saved.emit(path)

        return self.controller.runner.start(
            f"Writing {path.name}",
            lambda context: with_blur(blur, lambda: request.write(path, context)),
            lane="files",
            done=done,
        )

    def ask_csv(self) -> None:
        """Ask where the decisions go."""
        ask_new_path(self._window, "Save decisions", self._choices.folder / "decisions.csv",
                     lambda path: self._decisions.save_csv(Path(path)), "CSV (*.csv)",
                     suffix="csv")  # fmt: skip
