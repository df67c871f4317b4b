"""The pages of the window: which one is shown, and the way from an evaluation to a query."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QStackedWidget, QWidget

from app.jobs.controller import Controller
from app.state.export_choices import ExportChoices
from app.state.session import PAGES
from app.state.settings import SettingsFile
from app.state.values import Problem
from app.views.explore.explore_page import ExplorePage
from app.views.explore.welcome import WelcomePage
from app.views.widgets.actions import Handler, Handlers

if TYPE_CHECKING:
    from app.state.evaluation import FinishedRun
    from app.state.run_comparison import QueryChange, RunResult
    from app.views.evaluate import EvaluatePage


class Pages(QStackedWidget):
    """Explore (or the welcome, while nothing is open), and others that are made when first wanted.

    ``changed`` tells that another page was chosen, ``made`` carries name and page of one that is
    shown for the first time. ``tell`` shows a problem. ``rankings_wanted`` asks to show a query as
    two results rank it.
    """

    changed = pyqtSignal()
    made = pyqtSignal(str, object)
    rankings_wanted = pyqtSignal(int, object, object)

    def __init__(
        self,
        controller: Controller,
        settings: SettingsFile,
        choices: ExportChoices,
        tell: Callable[[Problem], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.controller, self.workspace = controller, controller.workspace
        self.settings, self._choices, self._tell = settings, choices, tell
        self.current = PAGES[0]
        self.explore = ExplorePage(self.workspace, self)
        self.welcome = WelcomePage(self)
        self.welcome.show_recent(settings.value)
        self.evaluate: EvaluatePage | None = None
        self._normalise = False
        self._makers: dict[str, Callable[[], QWidget]] = {"evaluate": self._make_evaluate}
        self._made: dict[str, QWidget] = {}
        for page in (self.explore, self.welcome):
            self.addWidget(page)
        self.explore.hint.show_unless_seen(settings.value)
        self.explore.hint.dismissed.connect(self._hint_dismissed)
        self.workspace.data_changed.connect(self.show_current)

    def handlers(self) -> Handlers:
        """Commands that lead to a page, and those of the first page."""
        return {
            **self.explore.handlers(),
            **{
                f"view.{name}": Handler(
                    partial(self.choose, name),
                    checked=partial(self._is_current, name),
                )
                for name in PAGES
            },
            "evaluate.show": Handler(lambda: self.choose("evaluate")),
            "file.export_cmc": Handler(
                self._export_cmc, lambda: self.evaluate is None or bool(self.evaluate.runs.shown)
            ),
        }

    def offer(self, name: str, make: Callable[[], QWidget]) -> None:
        """Add the page ``name``, made at its first choice."""
        self._makers[name] = make

    def choose(self, name: str) -> None:
        """One of :data:`~app.state.session.PAGES`."""
        if name in self._makers and name not in self._made:
            self._made[name] = self._makers[name]()
            self.addWidget(self._made[name])
            self.made.emit(name, self._made[name])
        self.current = name
        self.show_current()
        self.changed.emit()

    @property
    def normalise(self) -> bool:
        """Whether evaluations measure normalised scores, too."""
        return self._normalise if self.evaluate is None else self.evaluate.normalise

    def set_normalise(self, on: bool) -> None:
        """Choose this, as the last session had it."""
        self._normalise = on
        if self.evaluate is not None:
            self.evaluate.set_normalise(on)

    def show_current(self) -> None:
        """The page that was chosen, as far as there is something to show on it."""
        if self.current in self._made:
            self.setCurrentWidget(self._made[self.current])
            return
        page = self.welcome if self.workspace.data is None else self.explore
        if page is not self.currentWidget():
            if page is self.welcome:
                self.welcome.show_recent(self.settings.value)
            self.setCurrentWidget(page)
            page.setFocus()

    def _make_evaluate(self) -> EvaluatePage:
        from app.views.evaluate import EvaluatePage  # with matplotlib, which takes its time

        page = EvaluatePage(self.workspace, self.controller.runner, self, self._choices)
        if self.settings.value.data_folder:
            page.set_data_folder(self.settings.value.data_folder)
        page.set_normalise(self._normalise)
        self.controller.sources.changed.connect(page.estimate_again)
        page.open_query.connect(self._open_query)
        page.open_rankings.connect(self._open_rankings)
        self.evaluate = page
        return page

    def show_run(self, id: int) -> None:
        """Look at a run of the history, as soon as that has been read."""
        self.choose("evaluate")
        page = self.evaluate
        assert page is not None
        page.build()
        if page.runs.find(id) is not None:
            page.runs.select(id)
        else:
            page.select_when_read = id

    def _open_query(self, run: FinishedRun, path: str) -> None:
        """Show a query of an evaluation in the browser; its data set is opened if need be."""
        if self._choose_query(path):
            self.choose("explore")
            return
        request = run.data_request
        if request is None:
            words = f"{path}: open the data set {run.report.dataset} to look at this query"
            self._tell(Problem(words))
            return
        self.choose("explore")
        self.controller.open(request, restore=lambda: self._choose_query(path))

    def _open_rankings(self, before: RunResult, after: RunResult, change: QueryChange) -> None:
        """Show a query as two results rank it; its data set is opened first if need be."""
        data = self.workspace.data
        files = [] if data is None else [str(file) for file in data.query.paths]
        if change.path in files and self.controller.matching is not None:
            self.rankings_wanted.emit(files.index(change.path), (before, after), change)
        else:
            self._open_query(before.run, change.path)

    def _is_current(self, name: str) -> bool:
        return self.current == name

    def _choose_query(self, path: str) -> bool:
        """Choose the query with that file; False where the open set has none."""
        data = self.workspace.data
        files = [] if data is None else [str(file) for file in data.query.paths]
        if path in files:
            self.workspace.select_queries((files.index(path),))
        return path in files

    def _export_cmc(self) -> None:
        self.choose("evaluate")
        if self.evaluate is not None:
            self.evaluate.export_cmc()

    def _hint_dismissed(self, name: str) -> None:
        self.settings.change(self.settings.value.with_hint_seen(name))
