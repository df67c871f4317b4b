"""The match under the pointer: pointing shows a cell, clicking pins it, wheel and drag zoom."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QPointF, Qt
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QApplication, QToolTip, QWidget

from app.items.captions import line_rect
from app.items.match_painting import rect_of
from app.items.match_stage import caption_rect
from app.items.part_layers import paint_stroke
from app.jobs.images import ImageLoader
from app.state import words
from app.state.overlay import cell_at
from app.state.values import Cell
from app.state.workspace import Workspace
from app.views.explore.drawing_tool import DrawingTool
from app.views.explore.match_picture import Key, MatchPicture

STEP = 1.25


class MatchCanvas(MatchPicture):
    """Pointing sets the workspace's ``hover``, clicking pins a cell, the wheel zooms."""

    def __init__(
        self, workspace: Workspace, pictures: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(workspace, pictures, parent)
        self._pressed: QPointF | None = None
        self._dragged_to: QPointF | None = None
        self.pen = DrawingTool(workspace.parts)
        workspace.parts.changed.connect(self._show_tool)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.ClickFocus)
        self.grabGesture(Qt.PinchGesture)

    def cell_under(self, at: QPointF) -> tuple[Key, Cell] | None:
        """Which picture, and which cell of it, lies under a point of the widget."""
        if not self.scene.pairs:
            return None
        grid = self.scene.pairs[0].match.grid
        for panel, pane, box in zip(
            self.scene.panels, self.stage.panes, self.stage.boxes, strict=True
        ):
            if panel.which >= len(self.scene.pairs) or not pane.clip.holds(at.x(), at.y()):
                continue
            number = cell_at(*box.fractions(at.x(), at.y()), grid)
            if number is not None:
                return panel.key, Cell(panel.side, number)
        return None

    def _point_at(self, at: QPointF) -> None:
        for panel, pane in zip(self.scene.panels, self.stage.panes, strict=True):
            if pane.clip.holds(at.x(), at.y()) and panel.key != self._active:
                self._active = panel.key
                self.zoomed.emit()

    # ── mouse, touch ────────────────────────────────────────────────────────────────────────────

    def mouseMoveEvent(self, event) -> None:
        """Pointing shows a cell; dragging moves a picture that is zoomed."""
        at = event.localPos()
        if self.pen.down:
            self.pen.move(self._fractions(at))
            self.update()
        elif self._pressed is None:
            self._point_at(at)
            self._hover(self.cell_under(at))
        elif self._dragged_to is not None or self._far(at):
            self._drag(at)

    def _far(self, at: QPointF) -> bool:
        assert self._pressed is not None
        way = (at - self._pressed).manhattanLength()
        return way >= QApplication.startDragDistance()

    def _drag(self, at: QPointF) -> None:
        last = self._dragged_to or self._pressed
        number = self.scene.find(self._active)
        self._dragged_to = at
        if number is None or last is None:
            return
        home = self.stage.panes[number].home
        moved = at - last
        zoom = self.zoom.moved(moved.x() / home.width, moved.y() / home.height)
        if zoom != self.zoom:
            self._set_zoom(zoom)

    def _hover(self, under: tuple[Key, Cell] | None) -> None:
        second = under[1] if under is not None and under[0] == ("gallery", 1) else None
        changed = second != self._second_hover
        self._second_hover = second
        self.workspace.set_hover(None if under is None or second is not None else under[1])
        if changed:
            self._mark_again()
            self.scene_changed.emit()

    def mousePressEvent(self, event) -> None:
        """A click or a drag begins."""
        if event.button() == Qt.LeftButton and self._begin_stroke(event):
            return
        if event.button() in (Qt.LeftButton, Qt.MiddleButton):
            self._pressed, self._dragged_to = event.localPos(), None

    def mouseReleaseEvent(self, event) -> None:
        """A click pins the cell, or lets go of it where it was pinned."""
        if self.pen.down:
            if event.button() == Qt.LeftButton:
                self.pen.end()
                self.update()
            return
        clicked = self._pressed is not None and self._dragged_to is None
        self._pressed = self._dragged_to = None
        if not clicked or event.button() != Qt.LeftButton:
            return
        under = self.cell_under(event.localPos())
        if under is not None and under[0] != ("gallery", 1):
            cell = under[1]
            self.workspace.pin(None if cell == self.workspace.selection.cell else cell)

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def _begin_stroke(self, event) -> bool:
        """Begin to draw where the tool in the hand draws on the picture under the pointer."""
        at = event.localPos()
        if not self.scene.pairs or self.scene.stale:
            return False
        for panel, pane in zip(self.scene.panels, self.stage.panes, strict=True):
            if pane.clip.holds(at.x(), at.y()) and self.pen.draws_on(panel.key):
                self._active = panel.key
                self._hover(None)
                grid = self.scene.pairs[0].match.grid
                self.pen.begin(panel.key, grid, self._fractions(at), event.modifiers())
                self.update()
                return True
        return False

    def _fractions(self, at: QPointF) -> tuple[float, float]:
        number = self.scene.find(self._active)
        assert number is not None
        return self.stage.boxes[number].fractions(at.x(), at.y())

    def drop_stroke(self) -> bool:
        """Give up what is being drawn; False where nothing is."""
        down = self.pen.down
        self.pen.drop()
        self.update()
        return down

    def _show_tool(self) -> None:
        if self.workspace.parts.now.tool:
            self.setCursor(Qt.CrossCursor)
        else:
            self.unsetCursor()

    def paintEvent(self, event) -> None:
        """What is being drawn lies over everything."""
        super().paintEvent(event)
        number = self.scene.find(self.pen.key)
        if self.pen.down and number is not None:
            painter = QPainter(self)
            pen, clip = self.pen, rect_of(self.stage.panes[number].clip)
            paint_stroke(
                painter, self.stage.boxes[number], clip, pen.tool, pen.points, pen.cells
            )  # fmt: skip

    def mouseDoubleClickEvent(self, event) -> None:
        """As a second click: nothing of its own, so that quick clicks pin and let go."""
        self.mousePressEvent(event)

    def leaveEvent(self, event) -> None:
        """Nothing is pointed at any more."""
        self._hover(None)
        super().leaveEvent(event)

    def wheelEvent(self, event) -> None:
        """The wheel zooms where the pointer is."""
        turns = event.angleDelta().y() / 120
        if turns:
            self._point_at(QPointF(event.position()))
            self.zoom_by(STEP**turns, QPointF(event.position()))
        event.accept()

    def event(self, event) -> bool:
        """Pinching zooms; captions have tooltips."""
        if event.type() == QEvent.Gesture:
            pinch = event.gesture(Qt.PinchGesture)
            if pinch is not None:
                self.zoom_by(
                    pinch.scaleFactor(), QPointF(self.mapFromGlobal(pinch.hotSpot().toPoint()))
                )
                return True
        if event.type() == QEvent.ToolTip:
            text = self._tip(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def _tip(self, at: QPointF) -> str:
        for panel, pane in zip(self.scene.panels, self.stage.panes, strict=True):
            for number, text in enumerate(panel.caption[: self.stage.caption_lines]):
                if line_rect(caption_rect(pane), self.font(), number).contains(at):
                    if text.startswith("logit"):
                        return f"{words.LOGIT}\n{words.SCORE}"
                    named = panel.ref is not None and text == panel.ref.path.name
                    return str(panel.ref.path) if named and panel.ref else text
        return ""

    def hideEvent(self, event) -> None:
        """What is not seen is not pointed at."""
        self.veil.stop()
        self.drop_stroke()
        self._hover(None)
        super().hideEvent(event)
