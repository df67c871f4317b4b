"""The page Explore: queries, ranking, match and score breakdown.

A QMainWindow of its own, so that its docks are shown and hidden with the page.
"""

from __future__ import annotations

from dataclasses import replace

from PyQt5.QtCore import QByteArray, QChildEvent, QEvent, QObject, QPoint, QPointF, Qt
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QDockWidget, QMainWindow, QSizePolicy, QSplitter, QTabBar, QWidget

from app.items.result_delegate import MOST, SMALLEST_IN_GRID
from app.jobs.images import ImageLoader
from app.state.settings import Settings
from app.state.values import CANDIDATE_VIEWS, CandidateView
from app.state.workspace import Workspace
from app.views.explore.details_panel import DetailsPanel
from app.views.explore.inspector import Inspector
from app.views.explore.queries_panel import QueriesPanel
from app.views.explore.results_panel import ResultsPanel
from app.views.explore.welcome import HintStrip
from app.views.widgets.actions import Handler, Handlers, toggle_of

THUMBNAIL_HEIGHT = 160
"""Pixels to which pictures of the lists are decoded: enough for 2× screens."""
NARROWEST = {"Queries": 208, "Score breakdown": 328, "Case": 328}
ROOM_FOR_BOTH = 1160
"""Pixels of width from which grid and match stand side by side."""
STRIP_SHARE = 0.17
"""Of the height, for the ranking: the rest is the match's."""


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
        self.details = DetailsPanel(workspace, self.pictures, self)
        self.splitter = QSplitter(Qt.Vertical, self)
        self.splitter.setObjectName("ranking and match")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.results)
        self.splitter.addWidget(self.inspector)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.splitterMoved.connect(self._handle_moved)
        self._moved = False
        """Whether somebody has moved the handle between ranking and match."""
        self._least = 0
        """Pixels of height that the ranking needed when the room was shared out."""
        self.results.installEventFilter(self)
        self.setCentralWidget(self.splitter)
        self.setDockNestingEnabled(True)
        self.queries_dock = self._dock("Queries", self.queries, Qt.LeftDockWidgetArea)
        self.details_dock = self._dock("Score breakdown", self.details, Qt.RightDockWidgetArea)
        self.docks: tuple[QDockWidget, ...] = (self.queries_dock, self.details_dock)
        self.setCorner(Qt.BottomLeftCorner, Qt.LeftDockWidgetArea)
        self.setCorner(Qt.BottomRightCorner, Qt.RightDockWidgetArea)
        self.view: CandidateView = "strip"
        self.tile_size = Settings().tile_size
        self._sizes: dict[str, list[int]] = {}
        self._before: tuple[QByteArray, CandidateView] | None = None
        """The layout before all panels were hidden; None while they are not."""
        self._on_return: dict[QDockWidget, bool] = {}
        """Panels to show (True) or close when all come back."""
        self.results.opened.connect(self._look_at)
        self.results.header.view_chosen.connect(self.show_candidates)
        self.results.header.size_chosen.connect(self.resize_tiles)
        self.results.view.resized.connect(self.resize_tiles)
        self.setFocusProxy(self.queries.list)  # not a text field, where single keys are letters
        self.results.show_as(self.view, self.tile_size)

    @property
    def hint(self) -> HintStrip:
        """The line for the first time."""
        return self.inspector.hint

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        dock.setWidget(widget)
        widget.setMinimumWidth(NARROWEST[title])
        dock.setAccessibleName(title)
        self.addDockWidget(area, dock)
        return dock

    def childEvent(self, event: QChildEvent) -> None:
        """Qt makes the tabs of panels behind each other by itself: they get a spoken name."""
        child = event.child()
        if event.polished() and isinstance(child, QTabBar):
            child.setAccessibleName("Panels")
        super().childEvent(event)

    def add_panel(self, title: str, widget: QWidget) -> QDockWidget:
        """A further panel behind the score breakdown, closed at first."""
        dock = self._dock(title, widget, Qt.RightDockWidgetArea)
        self.tabifyDockWidget(self.details_dock, dock)
        dock.hide()
        self.docks = (*self.docks, dock)
        return dock

    def takes_drop(self, at: QPoint) -> bool:
        """Whether a picture of this window, dropped at a point of the page, is to be a query: on
        the list of queries, or on the query's picture."""
        panel = self.inspector.canvas.panel_at(QPointF(self.inspector.canvas.mapFrom(self, at)))
        on_query = panel is not None and panel.side == "query"
        at_list = self.queries.rect().contains(self.queries.mapFrom(self, at))
        seen = self.inspector.canvas.isVisible(), self.queries.isVisible()
        return (on_query and seen[0]) or (at_list and seen[1])

    # ── candidates: strip, grid or closed ───────────────────────────────────────────────────────

    def show_candidates(self, view: CandidateView) -> None:
        """One of :data:`~app.state.values.CANDIDATE_VIEWS`."""
        self._sizes[self.view] = self.splitter.sizes()
        self.view = view
        self.results.show_as(view, self.tile_size)
        self._share_out()
        kept = self._sizes.get(view)
        if kept and min(kept) > 0 and (self._moved or view != "strip"):
            self.splitter.setSizes(kept)
        if view == "grid":
            self.results.view.setFocus()

    def _share_out(self) -> None:
        """Orientation and room of ranking and match."""
        grid = self.view == "grid"
        beside = grid and self.splitter.width() >= ROOM_FOR_BOTH
        self.splitter.setOrientation(Qt.Horizontal if beside else Qt.Vertical)
        self.inspector.setVisible(not grid or beside)
        # The header alone asks for no more than its lines.
        self.results.setSizePolicy(
            QSizePolicy.Preferred,
            QSizePolicy.Maximum if self.view == "closed" else QSizePolicy.Preferred,
        )
        if beside:
            self.splitter.setSizes([self.splitter.width() // 2] * 2)
        elif self.view == "closed":
            self.splitter.setSizes([1, self.splitter.height()])
        elif self.view == "strip":
            height = self.splitter.height()
            self._least = self.results.minimumSizeHint().height()
            ranking = max(self._least, round(STRIP_SHARE * height))
            self.splitter.setSizes([ranking, max(ranking, height - ranking)])

    def resize_tiles(self, picture: int) -> None:
        """Pictures of the grid so many pixels high."""
        self.tile_size = min(max(picture, SMALLEST_IN_GRID), MOST)
        if self.view == "grid":
            self.results.show_as("grid", self.tile_size)

    def _look_at(self, _candidate: int) -> None:
        """A candidate was opened: where the grid has the whole room, the match takes its place."""
        if self.inspector.isHidden():
            self.show_candidates("strip")
        self.inspector.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A grid beside the match needs width. Panels and strip that nobody has given another size
        grow and shrink with the page."""
        docks = [self.queries_dock, self.details_dock]
        before = [dock.width() for dock in docks]
        super().resizeEvent(event)
        if before == list(self._dock_widths(event.oldSize().width())):
            self.resizeDocks(docks, list(self._dock_widths(self.width())), Qt.Horizontal)
        beside = self.splitter.width() >= ROOM_FOR_BOTH
        grid_moves = self.view == "grid" and self.inspector.isHidden() == beside
        if grid_moves or (self.view == "strip" and not self._moved):
            self._share_out()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The match has back what a line above the strip took, once that is closed."""
        asks = watched is self.results and event.type() == QEvent.LayoutRequest
        ours = self.view == "strip" and not (self._moved or self.panels_hidden)
        if asks and ours and self._least != self.results.minimumSizeHint().height():
            self._share_out()
        return super().eventFilter(watched, event)

    @staticmethod
    def _dock_widths(width: int) -> tuple[int, int]:
        """Pixels that queries and score breakdown get of a page so wide."""
        return (
            max(NARROWEST["Queries"], width // 9), max(NARROWEST["Score breakdown"], width // 6),
        )  # fmt: skip

    def _handle_moved(self, _place: int, _handle: int) -> None:
        self._moved = self._moved or self.view == "strip"

    # ── panels ──────────────────────────────────────────────────────────────────────────────────

    @property
    def panels_hidden(self) -> bool:
        """Whether all panels were hidden."""
        return self._before is not None

    def show_panel(self, dock: QDockWidget, on: bool) -> None:
        """Show a panel in front of those behind it, or close it; while all are hidden, this waits
        until they come back."""
        if self.panels_hidden:
            self._on_return[dock] = on
            return
        dock.setVisible(on)
        if on:
            dock.raise_()

    def hide_panels(self, on: bool) -> None:
        """Leave the match the whole page, or bring back what there was."""
        if on == self.panels_hidden:
            return
        if on:
            self._before = (self.saveState(), self.view)
            self.show_candidates("closed")
            for dock in self.docks:
                dock.hide()
            self.results.hide()
            self.inspector.setFocus()
            return
        assert self._before is not None
        state, view = self._before
        self._before = None
        self.results.show()
        self.restoreState(state)
        self.show_candidates(view)
        wanted, self._on_return = self._on_return, {}
        for dock, there in wanted.items():
            self.show_panel(dock, there)

    def arrange(self) -> None:
        """The layout of a first start."""
        self.hide_panels(False)
        first = (self.queries_dock, self.details_dock)
        for dock in self.docks:
            left = dock is self.queries_dock
            dock.setFloating(False)
            self.addDockWidget(Qt.LeftDockWidgetArea if left else Qt.RightDockWidgetArea, dock)
            if dock in first:
                dock.show()
            else:
                self.tabifyDockWidget(self.details_dock, dock)
        self.details_dock.raise_()
        width = self.width()
        self.resizeDocks(list(first), list(self._dock_widths(width)), Qt.Horizontal)
        self._sizes.clear()
        self._moved = False
        self.view = "strip"
        self.results.show_as(self.view, self.tile_size)
        self._share_out()

    # ── kept ────────────────────────────────────────────────────────────────────────────────────

    def layout_to_keep(self, settings: Settings) -> Settings:
        """The settings with the layout as it is now."""
        state, view = self._before or (self.saveState(), self.view)
        now = self.splitter.sizes() if self.view == "strip" else self._sizes.get("strip", [])
        sizes = now if self._moved else []
        return replace(
            settings,
            splitters={**settings.splitters, self.splitter.objectName(): tuple(sizes)},
            docks=bytes(state.toBase64()).decode(),
            candidates=view,
            tile_size=self.tile_size,
            panels_hidden=self.panels_hidden,
        )

    def restore(self, settings: Settings) -> None:
        """The layout that was kept; that of a first start where none was."""
        docks = settings.docks.encode()
        self.tile_size = settings.tile_size
        if not docks or not self.restoreState(QByteArray.fromBase64(docks)):
            self.arrange()
        sizes = settings.splitters.get(self.splitter.objectName())
        if sizes and len(sizes) == self.splitter.count() and min(sizes) > 0:
            self._sizes["strip"] = list(sizes)
            self._moved = True
            self.splitter.setSizes(list(sizes))
        if settings.candidates in CANDIDATE_VIEWS and settings.candidates != self.view:
            self.show_candidates(settings.candidates)
        self.hide_panels(settings.panels_hidden)

    def handlers(self) -> Handlers:
        """Commands of the panels, and of the docks."""

        def shown_as(view: CandidateView) -> Handler:
            return Handler(lambda: self.show_candidates(view), checked=lambda: self.view == view)

        return {
            **self.queries.handlers(),
            **self.results.handlers(),
            **self.inspector.handlers(),
            **{f"view.candidates_{view}": shown_as(view) for view in CANDIDATE_VIEWS},
            "view.queries": toggle_of(self.queries_dock),
            "view.details": toggle_of(self.details_dock),
            "view.panels": Handler(
                lambda: self.hide_panels(not self.panels_hidden),
                checked=lambda: self.panels_hidden,
            ),
            "view.reset": Handler(self.arrange),
        }

    def close_loaders(self) -> None:
        """Stop reading pictures."""
        self.thumbnails.close()
        self.pictures.close()
