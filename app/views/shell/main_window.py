"""The window: pages, menus, toolbar and bottom line put together, and the session kept.

What a command does is defined in the ``handlers()`` of the views; here are only the commands of the
window as a whole.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt5.QtCore import QCoreApplication, QEvent, QPoint, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QShowEvent
from PyQt5.QtWidgets import QApplication, QMainWindow, QMessageBox, QWidget

from app.jobs.controller import Controller
from app.jobs.gallery_jobs import GalleryJobs
from app.jobs.job import Job
from app.jobs.label_jobs import LabelJobs
from app.jobs.reopening import reopen
from app.jobs.runner import JobRunner
from app.state.commands import Command
from app.state.export_choices import ExportChoices
from app.state.gallery import Gallery
from app.state.insights import KINDS
from app.state.requests import DataRequest, ModelRequest
from app.state.session import Session, session_of
from app.state.settings import SettingsFile
from app.state.values import NORMALISED, Method, Problem
from app.state.workspace import Workspace
from app.views import dialogs
from app.views.explore.decision_commands import DecisionCommands
from app.views.explore.export_commands import ExportCommands
from app.views.explore.report_commands import ReportCommands
from app.views.explore.results_header import NORMALISED_IDS
from app.views.gallery.gallery_page import GalleryPage
from app.views.insights.insight_pages import InsightPages
from app.views.shell.case_commands import CaseCommands
from app.views.shell.closing import losing, question
from app.views.shell.context_menus import ContextMenus
from app.views.shell.dialogs import Dialogs
from app.views.shell.file_input import FileInput
from app.views.shell.key_guard import KeyGuard
from app.views.shell.main_bar import MainBar
from app.views.shell.pages import Pages
from app.views.shell.problems import ProblemLog, ProblemsPanel, ProblemStrip
from app.views.shell.recent_menu import RecentMenu
from app.views.shell.scene_commands import SceneCommands
from app.views.shell.session_keeper import SessionKeeper
from app.views.shell.window_layout import keep_layout, restore_layout
from app.views.widgets.actions import Actions, Handler, toggle_of
from app.views.widgets.job_strip import JobStrip
from app.views.widgets.status_line import StatusLine
from app.views.widgets.theme import Theme

SMALLEST = (960, 540)
FIRST_SIZE = (1440, 900)
THEME_IDS = {f"view.theme_{name}": name for name in ("system", "light", "dark")}
MENUS_OF_PAGES = {
    "Query": "explore", "Candidate": "explore", "Match": "explore", "Gallery": "gallery",
}  # fmt: skip


def _application() -> QCoreApplication:
    application = QApplication.instance()
    assert application is not None
    return application


class MainWindow(QMainWindow):
    """The program's window; it owns workspace, jobs, controller and pages.

    ``settings`` outlive it. Nothing is opened by making it: see :meth:`begin`. ``painted``: the
    window is on the screen for the first time.
    """

    painted = pyqtSignal()

    def __init__(
        self,
        settings: SettingsFile | None = None,
        theme: Theme | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.settings = settings or SettingsFile()
        self.theme = theme
        self.setObjectName("main")
        self.setWindowTitle("QAConv Explorer")
        self.setMinimumSize(*SMALLEST)
        self.workspace = Workspace()
        self.runner = JobRunner(self)
        self.controller = Controller(self.workspace, self.runner, self)
        self.problems = ProblemLog(self)
        self.runner.problem.connect(self.problems.add)
        self.commands = Actions(self, self._belongs)
        self._laid_out = self._was_painted = self._closed = self._data_closed = False
        self._question: QMessageBox | None = None
        """Whether to stop jobs and close, while that is asked."""
        choices = ExportChoices()
        self._make_pages(choices)
        self._make_bars()
        self.dialogs = Dialogs(
            self, self.controller, self.settings, self.commands, theme, self.explore.thumbnails
        )
        self.dialogs.lead_to_runs(self.pages.show_run)
        self.file_input = FileInput(
            self,
            self.controller,
            open_data=self.dialogs.open_data,
            open_model=self.dialogs.open_model,
            import_pictures=self.dialogs.import_pictures,
            open_scenes=self.dialogs.open_scenes,
            open_case=lambda path: self.case_commands.open(path),
            open_videos=self.dialogs.open_videos,
            tell=self.problems.add,
            takes_own=self._takes_own,
        )
        self.scene_commands = SceneCommands(self.controller, self.dialogs, self)
        self.export_commands = ExportCommands(
            self.workspace, self.runner, self, choices, lambda: self.controller.matching
        )
        self.decision_commands = DecisionCommands(self.controller, self)
        self.case_commands = CaseCommands(
            self.controller, self.decision_commands.jobs, self.explore, self.settings, choices,
            self.session, self,
        )  # fmt: skip
        self.insights = InsightPages(
            self.controller, self.explore.thumbnails, self.export_commands.choices, self
        )
        self._make_gallery()
        for kind in KINDS:
            self.pages.offer(kind, partial(self.insights.page, kind))
        self.report_commands = ReportCommands(
            self.controller, self.decision_commands.jobs, self.export_commands.choices, self,
            lambda: self.case_commands.jobs.case,
        )  # fmt: skip
        self.report_commands.saved.connect(self.case_commands.jobs.note_saved)
        self.dialogs.case_closing.connect(self.case_commands.jobs.close)
        self._bind()
        menus = self.commands.fill(self.menuBar())
        self.recent = RecentMenu(self.settings, self)
        menus["File"].insertMenu(self.commands.by_id["file.export_match"], self.recent)
        self.context_menus = ContextMenus(
            self.explore, self.gallery, self.case_commands.panel, self.commands
        )
        self.pages.made.connect(self.context_menus.offer_page)
        self._guard = KeyGuard(self)
        _application().installEventFilter(self._guard)
        self._listen()
        self._keeper = self._make_keeper()
        self._show_names()
        self.pages.show_current()
        self.commands.refresh()

    # ── putting together ────────────────────────────────────────────────────────────────────────

    def _make_pages(self, choices: ExportChoices) -> None:
        self.pages = Pages(self.controller, self.settings, choices, self.problems.add, self)
        self.explore, self.welcome = self.pages.explore, self.pages.welcome
        self.setCentralWidget(self.pages)
        self.problems_dock = ProblemsPanel(self.problems, self, self.runner)
        self.problems_dock.setWindowTitle("Jobs and problems")
        self.addDockWidget(Qt.BottomDockWidgetArea, self.problems_dock)
        self.problems_dock.hide()

    def _make_gallery(self) -> None:
        """The page Gallery, which is made at once: its commands are bound from the start."""
        controller, gallery = self.controller, Gallery(self.workspace)
        jobs = GalleryJobs(controller.sources, controller.runner, gallery, self)
        labels = LabelJobs(
            controller.sources, controller.runner, gallery, self.decision_commands.jobs,
            self._show_message, self,
        )  # fmt: skip
        self.gallery = GalleryPage(
            gallery, jobs, labels, self.explore.thumbnails, self.commands,
            self.export_commands.choices, self,
        )  # fmt: skip
        self.gallery.hide()
        self.pages.offer("gallery", lambda: self.gallery)

    def _make_bars(self) -> None:
        self.bar = MainBar(self.commands, self)
        self.addToolBar(self.bar)
        self.job_strip = JobStrip(self.runner, self)
        self.problem_strip = ProblemStrip(self.problems, self)
        self.problem_strip.opened.connect(self._show_problems)
        line = StatusLine(self)
        self.setStatusBar(line)
        line.addWidget(self.problem_strip, 1)
        line.addPermanentWidget(self.job_strip)

    def _bind(self) -> None:
        space, bind = self.workspace, self.commands.bind
        bind(self.pages.handlers())
        bind(self.dialogs.handlers())
        bind(self.file_input.handlers())
        bind(self.scene_commands.handlers())
        bind(self.export_commands.handlers())
        bind(self.decision_commands.handlers())
        bind(self.case_commands.handlers())
        bind(self.insights.handlers())
        bind(self.gallery.handlers())
        undo = self.decision_commands.handlers()["edit.undo"]
        bind(self.report_commands.handlers())
        bind({id: self._theme_handler(name) for id, name in THEME_IDS.items()})
        bind(
            {
                "file.open_demo": Handler(self.open_demo),
                "file.close_data": Handler(self.close_data, lambda: space.data is not None),
                "file.quit": Handler(self.close),
                "evaluate.current": Handler(
                    self.controller.measure,
                    lambda: space.data is not None and space.model is not None,
                ),
                "evaluate.evidence": Handler(
                    self.controller.compare_evidence, lambda: self.controller.can_compare_evidence
                ),
                **{id: self._normalised_handler(method) for method, id in NORMALISED_IDS.items()},
                "edit.undo": Handler(
                    lambda: (self.gallery.labels.undo if self.page == "gallery" else undo.run)(),
                    undo.enabled,
                ),
                "query.answers": Handler(
                    lambda: self.dialogs.compare_answers(self.explore.queries.two),
                    lambda: (
                        self.explore.queries.two is not None
                        and self.controller.matching is not None
                    ),
                    reason=self.explore.queries.why_not_two,
                ),
                "view.back": Handler(space.go_back, lambda: space.can_go_back),
                "view.forward": Handler(space.go_forward, lambda: space.history.can_go_forward),
                "view.problems": toggle_of(self.problems_dock),
                "view.full_screen": Handler(self.switch_full_screen, checked=self.isFullScreen),
                "help.here": Handler(
                    lambda: self.dialogs.open_help(dialogs.help_on(space, self.page))
                ),
            }
        )

    def _normalised_handler(self, method: Method) -> Handler:
        space, header = self.workspace, self.explore.results.header

        def enabled() -> bool:
            there = space.ranking is not None and self.controller.matching is not None
            return there and (method == NORMALISED or method in space.methods)

        return Handler(
            lambda: self.controller.normalise(method),
            enabled,
            lambda: space.method == method,
            lambda: header.reason(method),
        )

    def _theme_handler(self, name: str) -> Handler:
        return Handler(
            lambda: self.use_theme(name), checked=lambda: self.settings.value.theme == name
        )

    def _belongs(self, command: Command) -> bool:
        """Whether a command is about what is shown: those of a page need it, and a set."""
        page = MENUS_OF_PAGES.get(command.menu)
        return page is None or (self.page == page and self.workspace.data is not None)

    def _listen(self) -> None:
        space = self.workspace
        self.commands.watch(
            space.data_changed,
            space.model_changed,
            space.selection_changed,
            space.method_changed,
            space.ranking_changed,
            space.pair_changed,
            space.look_changed,
            space.filters_changed,
            space.measures_changed,
            space.evidence_changed,
            space.decided_changed,
            space.parts.changed,
            self.pages.changed,
            self.gallery.gallery.changed,
            self.gallery.gallery.chosen_changed,
            self.gallery.gallery.people_changed,
            self.gallery.jobs.ready_changed,
        )
        for event in (space.data_changed, space.model_changed):
            event.connect(self._show_names)
        self.welcome.chosen.connect(self.commands.run)
        self.welcome.reopen_data.connect(self.dialogs.open_data)
        self.welcome.reopen_model.connect(lambda request: self.dialogs.open_model(request.path))
        self.welcome.reopen_case.connect(lambda request: self.case_commands.open(request.path))
        self.recent.case_chosen.connect(lambda request: self.case_commands.open(request.path))
        self.case_commands.jobs.changed.connect(self.commands.refresh_later)
        self.case_commands.jobs.withdrawn.connect(self.problems.dismiss)
        self.case_commands.panel.command_wanted.connect(self.commands.run)
        self.recent.data_chosen.connect(self.dialogs.open_data)
        self.recent.model_chosen.connect(lambda request: self.dialogs.open_model(request.path))
        self.explore.results.command_wanted.connect(self.commands.run)
        self.decision_commands.jobs.kept.connect(self.explore.results.leave_hidden)
        self.explore.inspector.command_wanted.connect(self.commands.run)
        self.pages.rankings_wanted.connect(self.dialogs.compare_rankings)
        self.explore.details.evidence.command_wanted.connect(self.commands.run)
        self.dialogs.theme_chosen.connect(self.use_theme)
        self.dialogs.pictures_wanted.connect(self.file_input.search)
        for part in (
            self.scene_commands,
            self.export_commands,
            self.decision_commands,
            self.case_commands,
            self.report_commands,
            self.insights,
        ):
            part.reported.connect(self._show_message)
        self.commands.refused.connect(self._show_message)
        self.gallery.search_wanted.connect(self._search_by)
        self.gallery.data_wanted.connect(lambda: self.dialogs.open_data())
        self.dialogs.pair_wanted.connect(self.insights.open_pair)
        self.insights.failed.connect(self.problems.add)
        self.insights.page_wanted.connect(self.pages.choose)
        self.insights.data_requested.connect(lambda: self.dialogs.open_data())

    def _takes_own(self, at: QPoint) -> bool:
        """Whether a picture of this window that is dropped there is to be a query."""
        explore = self.explore
        return self.page == "explore" and explore.takes_drop(explore.mapFrom(self, at))

    def _search_by(self, picture: Path) -> None:
        """Take a picture of the gallery as the query, and show what is found."""
        self.pages.choose("explore")
        self.controller.add_pictures([picture])

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    def _show_names(self) -> None:
        """Toolbar and title name what is open."""
        data = self.workspace.data
        self.bar.show_place(self.workspace)
        name = "" if data is None else f"{data.name} – "
        self.setWindowTitle(f"{name}QAConv Explorer")

    @property
    def page(self) -> str:
        """One of :data:`~app.state.session.PAGES`."""
        return self.pages.current

    @property
    def evaluate(self) -> QWidget | None:
        """The page Evaluate, once it was wanted."""
        return self.pages.evaluate

    def _show_message(self, words: str) -> None:
        self.statusBar().showMessage(words, 5000)

    def _show_problems(self) -> None:
        self.problems_dock.show()
        self.problems_dock.raise_()

    def use_theme(self, name: str) -> None:
        """Switch to a theme and remember it."""
        if self.theme is not None:
            self.theme.use(name)
        self.settings.change(replace(self.settings.value, theme=name))
        self.commands.refresh_later()

    def switch_full_screen(self) -> None:
        """Take the whole screen, or give it back."""
        self.setWindowState(self.windowState() ^ Qt.WindowFullScreen)
        self.commands.refresh_later()

    # ── beginning and ending ────────────────────────────────────────────────────────────────────

    def begin(
        self,
        data: DataRequest | None = None,
        model: ModelRequest | None = None,
        session: Session | None = None,
        case: Path | None = None,
    ) -> None:
        """Open what was asked for, else what the last session left, else the demo.

        Where the last session had closed its data set, the ways to begin are shown.
        """
        if session is not None:
            self.pages.set_normalise(session.normalise)
        if case is None and session is not None and data is model is None and session.case:
            kept_case = Path(session.case)
            case = kept_case if kept_case.is_file() else None
        if case is not None:
            self.case_commands.open(case)
        elif data is not None or model is not None:
            kept = self.settings.value
            wanted = kept.bundled if model is None else kept.under(model)
            self.controller.open(data or DataRequest(), wanted)
        elif session is not None and session.data is not None:
            for sentence in reopen(self.controller, session):
                self.problems.add(Problem(sentence))
            self.pages.choose(session.page)
        elif session is not None and session.closed:
            self._data_closed = True
            self.controller.open_model(session.model)
        else:
            self.open_demo()

    def close_data(self) -> None:
        """Show the ways to begin, here and at the next start."""
        self.dialogs.close_data()
        self._data_closed = True
        self.pages.choose("explore")

    def open_demo(self) -> None:
        """The bundled people under the bundled model."""
        self.controller.open(DataRequest(), self.settings.value.bundled)

    def event(self, event: QEvent) -> bool:
        """Whoever comes back from a terminal sees what was changed there."""
        if event.type() == QEvent.Paint and not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self.painted.emit)  # its parts are painted after it
        if event.type() == QEvent.WindowActivate and not self._closed:
            self.gallery.labels.follow()
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._laid_out:
            self._laid_out = True
            # Docks can be sized once the window has its own size.
            QTimer.singleShot(0, self._restore_layout)

    def _restore_layout(self) -> None:
        restore_layout(self, self.explore, self.gallery, self.settings)

    def session(self) -> Session:
        """What is shown now, for the next start."""
        controller = self.controller
        shown = session_of(
            self.workspace, controller.data_request, controller.model_request, self.page
        )
        file = self.case_commands.jobs.file
        case = "" if file is None else str(file.path)
        closed = self._data_closed and self.workspace.data is None
        return replace(shown, normalise=self.pages.normalise, case=case, closed=closed)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep layout and session, stop what runs; caches stay whole.

        Where jobs would lose work, this is asked first, once.
        """
        jobs = losing(self.runner.jobs)
        if jobs and not self._closed and self._question is None:
            event.ignore()
            self._ask(jobs)
            return
        if not self._closed:
            self._closed = True
            try:
                self._keep()
            finally:  # whatever happens to that, no thread goes on without its window
                self._stop()
        super().closeEvent(event)

    def _ask(self, jobs: list[Job]) -> None:
        """Close where that is the answer. Another wish to close meanwhile is one, too."""

        def answered(stop: bool) -> None:
            if stop:
                self.close()
            self._question = None

        self._question = question(jobs, self, answered)
        self._question.open()

    def _keep(self) -> None:
        """What is to come back at the next start."""
        if self._laid_out:
            keep_layout(self, self.explore, self.gallery, self.settings)
        self.case_commands.jobs.finish()
        if self._keeper is not None:
            self._keeper.finish()

    def _make_keeper(self) -> SessionKeeper | None:
        path = self.settings.path
        if path is None:
            return None
        return SessionKeeper(self.workspace, self.runner, path.parent, self.session, self)

    def _stop(self) -> None:
        if self._keeper is not None:
            self._keeper.stop()
        _application().removeEventFilter(self._guard)
        if self._question is not None:
            self._question.close()
        try:
            self.dialogs.close_all()
        finally:
            self.controller.close()
            self.explore.close_loaders()
