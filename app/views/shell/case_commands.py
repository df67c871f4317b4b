"""Commands about cases, and the panel that shows the open one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QWidget

from app.jobs.case_jobs import CaseJobs
from app.jobs.controller import Controller
from app.jobs.decision_jobs import DecisionJobs
from app.state.export_choices import ExportChoices
from app.state.requests import CaseRequest
from app.state.session import Session
from app.state.settings import SettingsFile
from app.views import dialogs
from app.views.explore.case_panel import CasePanel
from app.views.explore.explore_page import ExplorePage
from app.views.widgets.actions import Handler, Handlers, toggle_of
from app.views.widgets.file_dialogs import CASES, ask_new_path, ask_path

NO_CASE = "No case is open."


class CaseCommands(QObject):
    """``reported``: a sentence for the bottom line."""

    reported = pyqtSignal(str)

    def __init__(
        self,
        controller: Controller,
        decisions: DecisionJobs,
        explore: ExplorePage,
        settings: SettingsFile,
        choices: ExportChoices,
        session: Callable[[], Session],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._window, self._settings, self._choices = window, settings, choices
        self.jobs = CaseJobs(controller, decisions, session, self)
        self._explore = explore
        self.panel = CasePanel(self.jobs, explore.thumbnails)
        self.dock = explore.add_panel("Case", self.panel)
        self._shown: Path | None = None
        self.jobs.reported.connect(self.reported)
        self.jobs.changed.connect(self._case_changed)

    def handlers(self) -> Handlers:
        """The commands answered here."""
        space = self.jobs.workspace

        def with_case(work: Callable[[], object]) -> Handler:
            return Handler(work, lambda: self.jobs.case is not None, reason=lambda: NO_CASE)

        return {
            "file.new_case": Handler(
                self.ask_new, lambda: space.data is not None,
                reason=lambda: "Open a data set first: a case is about its pictures.",
            ),
            "file.open_case": Handler(self.ask_open),
            "file.describe_case": with_case(self.ask_words),
            "file.save_case_log": with_case(self.ask_log),
            "file.close_case": with_case(self.jobs.close),
            "query.to_case": with_case(self.jobs.add_queries),
            "query.case_all": with_case(self.jobs.search_by_all),
            "view.case": toggle_of(self.dock),
        }  # fmt: skip

    def open(self, path: Path) -> None:
        """Open a case."""
        self.jobs.open(path)

    def _case_changed(self) -> None:
        path = None if self.jobs.file is None else self.jobs.file.path
        if path == self._shown:
            return
        self._shown = path
        self._explore.show_panel(self.dock, path is not None)
        if path is not None:
            self._choices.folder = path.parent
            self._settings.change(self._settings.value.with_case(CaseRequest(path)))

    def ask_new(self) -> dialogs.CaseDialog:
        """Ask what a new case is about, and where it is kept."""
        dialog = dialogs.CaseDialog(self._choices.folder, None, self._window)
        dialog.wanted.connect(self.jobs.create)
        dialog.open()
        return dialog

    def ask_words(self) -> dialogs.CaseDialog:
        """Ask for other words."""
        dialog = dialogs.CaseDialog(self._choices.folder, self.jobs.case, self._window)
        dialog.wanted.connect(lambda _path, *words: self.jobs.describe(*words))
        dialog.open()
        return dialog

    def ask_open(self) -> None:
        """Choose a case."""
        ask_path(self._window, "Open case", str(self._choices.folder),
                 lambda path: self.open(Path(path)), CASES)  # fmt: skip

    def ask_log(self) -> None:
        """Ask where the log goes."""
        ask_new_path(self._window, "Save log", self._choices.folder / "case_log.csv",
                     lambda path: self.jobs.save_log(Path(path)), "CSV (*.csv)",
                     suffix="csv")  # fmt: skip
