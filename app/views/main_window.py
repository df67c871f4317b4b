"""The window: pages, menus and toolbar put together, and the session kept.

It owns the workspace, the jobs and the controller. What a command does is in the views' own
``handlers()``; here stands only what concerns the window as a whole.
"""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QCloseEvent, QShowEvent
from PyQt5.QtWidgets import QLabel, QMainWindow, QSizePolicy, QStackedWidget, QToolBar, QWidget

from app.jobs.controller import Controller
from app.jobs.engine import DataRequest, ModelRequest
from app.jobs.runner import JobRunner
from app.state.values import Problem
from app.state.workspace import Workspace
from app.views.actions import Actions
from app.views.explore_page import ExplorePage

PAGES = ("explore", "evaluate")
SMALLEST = (1024, 640)


class MainWindow(QMainWindow):
    """The program's window. ``settle_layout`` waits until it has its first size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("main")
        self.setWindowTitle("QAConv Explorer")
        self.setMinimumSize(*SMALLEST)
        self.workspace = Workspace()
        self.runner = JobRunner(self)
        self.controller = Controller(self.workspace, self.runner, self)
        self.actions_ = Actions(self)
        self.explore = ExplorePage(self.workspace, self)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.explore)
        self.setCentralWidget(self.pages)
        self._bind()
        self._make_toolbar()
        self.actions_.fill(self.menuBar())
        self._listen()
        self._refresh()

    # ── putting together ────────────────────────────────────────────────────────────────────────

    def _bind(self) -> None:
        space = self.workspace
        self.actions_.bind(self.explore.handlers())
        self.actions_.bind(
            {
                "file.open_demo": self.open_demo,
                "file.quit": self.close,
                "evaluate.current": self.controller.measure,
                "view.explore": lambda: self.show_page("explore"),
                "view.back": space.go_back,
                "view.forward": space.go_forward,
            }
        )

    def _make_toolbar(self) -> None:
        bar = QToolBar("Main", self)
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        for id in ("view.explore", "view.evaluate"):
            bar.addAction(self.actions_.by_id[id])
        bar.addSeparator()
        for id in ("view.back", "view.forward", "file.open_data", "file.open_query"):
            bar.addAction(self.actions_.by_id[id])
        gap = QWidget(bar)
        gap.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Preferred)
        bar.addWidget(gap)
        self.place = QLabel(bar)
        self.place.setObjectName("what is open")
        self.place.setAccessibleName("What is open: data set, model, device")
        bar.addWidget(self.place)
        self.addToolBar(bar)

    def _listen(self) -> None:
        space = self.workspace
        for event in (
            space.data_changed,
            space.model_changed,
            space.selection_changed,
            space.method_changed,
            space.ranking_changed,
            space.pair_changed,
            space.look_changed,
            space.filters_changed,
        ):
            event.connect(self._refresh)

    def _refresh(self) -> None:
        """Menus, toolbar and title as the workspace is now."""
        space = self.workspace
        self.explore.refresh_actions(self.actions_)
        self.actions_.enable("view.back", space.history.can_go_back)
        self.actions_.enable("view.forward", space.history.can_go_forward)
        parts = [] if space.data is None else [space.data.name]
        if space.model is not None:
            parts += [space.model.title, space.model.device]
        self.place.setText(" · ".join(parts))
        name = "" if space.data is None else f"{space.data.name} – "
        self.setWindowTitle(f"{name}QAConv Explorer")

    # ── commands ────────────────────────────────────────────────────────────────────────────────

    def open_demo(self) -> None:
        """The bundled people under the bundled model."""
        self.controller.open(DataRequest(), ModelRequest())

    def show_page(self, name: str) -> None:
        """Explore or Evaluate."""
        self.pages.setCurrentIndex(PAGES.index(name))
        self._refresh()
