"""Mouse and touch on the pictures of a match.

Pointing at a cell shows its matches, a click pins it, wheel and drag zoom and move, a drawing tool
draws. What is shown, where, and how it is painted is the work of
:class:`~app.views.explore.match_picture.MatchPicture`; only its public methods are used here.
"""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QPointF, Qt
from PyQt5.QtGui import (
    QDrag,
    QHelpEvent,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QWheelEvent,
)
from PyQt5.QtWidgets import QApplication, QGestureEvent, QPinchGesture, QToolTip, QWidget

from app.items.captions import line_rect
from app.items.dragged import mime_of
from app.items.match_painting import rect_of
from app.items.part_layers import paint_stroke
from app.jobs.images import ImageLoader
from app.state import words
from app.state.framing import CLOSEST
from app.state.workspace import Workspace
from app.views.explore.drawing_tool import DrawingTool
from app.views.explore.match_picture import MatchPicture

STEP = 1.25
DRAGGED = 96
"""Pixels of height of a picture that is dragged."""


class MatchCanvas(MatchPicture):
    """Pointing sets the workspace's ``hover``, clicking pins a cell, the wheel zooms."""

    def __init__(
        self, workspace: Workspace, pictures: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(workspace, pictures, parent)
        self._pressed: QPointF | None = None
        self._dragged_to: QPointF | None = None
        self.drawing = DrawingTool(workspace.parts)
        workspace.parts.changed.connect(self._show_tool)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.ClickFocus)
        self.grabGesture(Qt.PinchGesture)

    def _activate_at(self, at: QPointF) -> None:
        panel = self.panel_at(at)
        if panel is not None:
            self.activate(panel.key)

    # ── mouse, touch ────────────────────────────────────────────────────────────────────────────

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pointing shows a cell; dragging moves a picture that is zoomed."""
        at = event.localPos()
        if self.drawing.down:
            self.drawing.move(self.active_fractions(at))
            self.update()
        elif self._pressed is None:
            self._activate_at(at)
            self.point_at(self.cell_under(at))
        elif self._dragged_to is None and self._far(at) and self._whole:
            self._drag_file()
        elif self._dragged_to is not None or self._far(at):
            self._drag(at)

    @property
    def _whole(self) -> bool:
        """Whether the active picture is seen whole: then there is no other part to drag to."""
        return self.zoom.factor == CLOSEST

    def _drag_file(self) -> None:
        """Drag the file of the picture that was pressed, to a folder or another program."""
        assert self._pressed is not None
        panel = self.panel_at(self._pressed)
        self._pressed = None
        if panel is not None and panel.ref is not None:
            drag = QDrag(self)
            drag.setMimeData(mime_of([panel.ref.path]))
            image = self.pictures.get(panel.ref.path)
            if image is not None:
                small = image.scaledToHeight(DRAGGED, Qt.SmoothTransformation)
                drag.setPixmap(QPixmap.fromImage(small))
            drag.exec_(Qt.CopyAction)

    def _far(self, at: QPointF) -> bool:
        assert self._pressed is not None
        way = (at - self._pressed).manhattanLength()
        return way >= QApplication.startDragDistance()

    def _drag(self, at: QPointF) -> None:
        last = self._dragged_to or self._pressed
        number = self.scene.find(self.active)
        self._dragged_to = at
        if number is None or last is None:
            return
        home = self.stage.panes[number].home
        moved = at - last
        zoom = self.zoom.moved(moved.x() / home.width, moved.y() / home.height)
        if zoom != self.zoom:
            self.set_zoom(zoom)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click or a drag begins."""
        if event.button() == Qt.LeftButton and self._begin_stroke(event):
            return
        if event.button() in (Qt.LeftButton, Qt.MiddleButton):
            self._pressed, self._dragged_to = event.localPos(), None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click pins the cell, or releases it where it was pinned."""
        if self.drawing.down:
            if event.button() == Qt.LeftButton:
                self.drawing.end()
                self.update()
            return
        clicked = self._pressed is not None and self._dragged_to is None
        self._pressed = self._dragged_to = None
        if not clicked or event.button() != Qt.LeftButton:
            return
        under = self.cell_under(event.localPos())
        if under is not None and not under[0][1]:
            cell = under[1]
            self.workspace.pin(None if cell == self.workspace.selection.cell else cell)

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def _begin_stroke(self, event: QMouseEvent) -> bool:
        """Begin to draw where the chosen tool draws on the picture under the pointer."""
        at = event.localPos()
        if not self.scene.pairs or self.scene.stale:
            return False
        panel = self.panel_at(at)
        if panel is None or not self.drawing.draws_on(panel.key):
            return False
        self.activate(panel.key)
        self.point_at(None)
        grid = self.scene.pairs[0].match.grid
        self.drawing.begin(panel.key, grid, self.active_fractions(at), event.modifiers())
        self.update()
        return True

    def drop_stroke(self) -> bool:
        """Cancel what is being drawn; False where nothing is."""
        down = self.drawing.down
        self.drawing.drop()
        self.update()
        return down

    def _show_tool(self) -> None:
        if self.workspace.parts.now.tool:
            self.setCursor(Qt.CrossCursor)
        else:
            self.unsetCursor()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the match, then the stroke over it."""
        super().paintEvent(event)
        number = self.scene.find(self.drawing.key)
        if self.drawing.down and number is not None:
            painter = QPainter(self)
            stroke, clip = self.drawing, rect_of(self.stage.panes[number].clip)
            box = self.stage.boxes[number]
            paint_stroke(painter, box, clip, stroke.tool, stroke.points, stroke.cells)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Treat a double click as two clicks: quick clicks pin and release."""
        self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        self.point_at(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel zooms where the pointer is."""
        turns = event.angleDelta().y() / 120
        if turns:
            self._activate_at(QPointF(event.position()))
            self.zoom_by(STEP**turns, QPointF(event.position()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Pinching zooms; captions have tooltips."""
        if isinstance(event, QGestureEvent) and event.type() == QEvent.Gesture:
            pinch = event.gesture(Qt.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                self.zoom_by(
                    pinch.scaleFactor(), QPointF(self.mapFromGlobal(pinch.hotSpot().toPoint()))
                )
                return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.ToolTip:
            text = self._tip(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def _tip(self, at: QPointF) -> str:
        for panel, pane in zip(self.scene.panels, self.stage.panes, strict=True):
            for number, text in enumerate(panel.caption[: self.stage.caption_lines]):
                if line_rect(rect_of(pane.words), self.font(), number).contains(at):
                    if text.startswith("logit"):
                        return f"{words.LOGIT}\n{words.SCORE}"
                    named = panel.ref is not None and text == panel.ref.path.name
                    return str(panel.ref.path) if named and panel.ref else text
        return ""

    def hideEvent(self, event: QHideEvent) -> None:
        """A hidden picture has no stroke and no cell pointed at."""
        self.stale_overlay.stop()
        self.drop_stroke()
        self.point_at(None)
        super().hideEvent(event)
