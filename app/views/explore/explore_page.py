"""The page Explore: queries, ranking, match and score breakdown.

A QMainWindow of its own, so that its docks are shown and hidden with the page.
"""

from __future__ import annotations

from PyQt5.QtCore import QByteArray, Qt
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import (
    QWIDGETSIZE_MAX,
    QDockWidget,
    QMainWindow,
    QSplitter,
    QWidget,
)

from app.jobs.images import ImageLoader
from app.state.workspace import Workspace
from app.views.explore.details_panel import DetailsPanel
from app.views.explore.inspector import Inspector
from app.views.explore.queries_panel import QueriesPanel
from app.views.explore.results_panel import ResultsPanel
from app.views.explore.welcome import HintStrip
from app.views.widgets.actions import Handler, Handlers, toggle_of
from app.views.widgets.layouts import boxed, in_column

THUMBNAIL_HEIGHT = 160
"""Pixels to which pictures of the lists are decoded: enough for 2× screens."""
NARROWEST = {"Queries": 216, "What it adds up to": 316}
ROOM_FOR_HINT = 560
HINT_IN_A_COLUMN = 112
"""Pixels that the hint takes where its words are broken into several lines."""
RANKING_HEIGHT = 256
"""One row of tiles with its captions, and what stands above it."""


class ExplorePage(QMainWindow):
    """Queries on the left, the ranking above the match, what it adds up to on the right."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowFlags(Qt.Widget)
        self.setObjectName("explore")
        self.thumbnails = ImageLoader(THUMBNAIL_HEIGHT, parent=self)
        self.pictures = ImageLoader(None, parent=self)
        self.queries = QueriesPanel(workspace, self.thumbnails, self)
        self.results = ResultsPanel(workspace, self.thumbnails, self)
        self.inspector = Inspector(workspace, self.pictures, self)
        self.details = DetailsPanel(workspace, self)
        self.splitter = QSplitter(Qt.Vertical, self)
        self.splitter.setObjectName("ranking and match")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.results)
        self.splitter.addWidget(self.inspector)
        self.splitter.setStretchFactor(1, 1)
        self.hint = HintStrip()
        self.setCentralWidget(
            boxed(in_column(self.hint, self.splitter, grows=self.splitter, spacing=0))
        )
        self.setDockNestingEnabled(True)
        self.queries_dock = self._dock("Queries", self.queries, Qt.LeftDockWidgetArea)
        self.details_dock = self._dock("What it adds up to", self.details, Qt.RightDockWidgetArea)
        self.setCorner(Qt.BottomLeftCorner, Qt.LeftDockWidgetArea)
        self.setCorner(Qt.BottomRightCorner, Qt.RightDockWidgetArea)
        self.results.opened.connect(lambda _candidate: self.inspector.setFocus())
        self.setFocusProxy(self.queries.list)  # not a text field, where single keys are letters

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the hint where ranking and match need its height."""
        needed = self.splitter.minimumSizeHint().height() + HINT_IN_A_COLUMN
        room = self.height() >= max(ROOM_FOR_HINT, needed)
        self.hint.setMaximumHeight(QWIDGETSIZE_MAX if room else 0)
        super().resizeEvent(event)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        dock.setWidget(widget)
        widget.setMinimumWidth(NARROWEST[title])
        dock.setAccessibleName(title)
        self.addDockWidget(area, dock)
        return dock

    def arrange(self) -> None:
        """The layout of a first start."""
        for dock, area in (
            (self.queries_dock, Qt.LeftDockWidgetArea),
            (self.details_dock, Qt.RightDockWidgetArea),
        ):
            dock.setFloating(False)
            self.addDockWidget(area, dock)
            dock.show()
        width = self.width()
        self.resizeDocks(
            [self.queries_dock, self.details_dock],
            [max(240, width // 6), max(344, width // 5)],
            Qt.Horizontal,
        )
        height = self.splitter.height()
        ranking = max(RANKING_HEIGHT, height // 4)
        self.splitter.setSizes([ranking, max(ranking, height - ranking)])

    def layout_to_keep(self) -> tuple[dict[str, tuple[int, ...]], str]:
        """Sizes of the splitter, and where the docks are, as base64 text."""
        state = bytes(self.saveState().toBase64()).decode()
        return {self.splitter.objectName(): tuple(self.splitter.sizes())}, state

    def restore(self, splitters: dict[str, tuple[int, ...]], docks: str) -> None:
        """The layout that was kept; that of a first start where none was."""
        if not docks or not self.restoreState(QByteArray.fromBase64(docks.encode())):
            self.arrange()
        sizes = splitters.get(self.splitter.objectName())
        if sizes and len(sizes) == self.splitter.count() and min(sizes) > 0:
            self.splitter.setSizes(list(sizes))

    def handlers(self) -> Handlers:
        """Commands of the panels, and of the docks."""
        return {
            **self.queries.handlers(),
            **self.results.handlers(),
            **self.inspector.handlers(),
            "view.queries": toggle_of(self.queries_dock),
            "view.details": toggle_of(self.details_dock),
            "view.reset": Handler(self.arrange),
        }

    def close_loaders(self) -> None:
        """Stop reading pictures."""
        self.thumbnails.close()
        self.pictures.close()
