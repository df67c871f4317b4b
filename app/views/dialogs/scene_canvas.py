"""A scene under mouse and keys: its people are chosen, and their boxes corrected."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPixmap,
    QWheelEvent,
)
from PyQt5.QtWidgets import QApplication, QSizePolicy, QWidget

from app.items.scene_painting import PersonMark, paint_drawn, paint_people, paint_scene, place_on
from app.items.selection import draw_focus
from app.state.framing import Box, Zoom
from app.state.scene_boxes import (
    INSIDE,
    LEAST_DRAWN,
    Handle,
    SceneBoxes,
    dragged,
    drawn,
    handle_at,
)
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.readable import counted

STEP = 1.25
REACH = 6.0
"""Logical pixels around an edge in which it can be dragged."""
FAST = 10
EMPTY = "The picture appears here once it is read."
_CURSORS = {
    "n": Qt.SizeVerCursor, "s": Qt.SizeVerCursor, "w": Qt.SizeHorCursor, "e": Qt.SizeHorCursor,
    "nw": Qt.SizeFDiagCursor, "se": Qt.SizeFDiagCursor, "ne": Qt.SizeBDiagCursor,
    "sw": Qt.SizeBDiagCursor, INSIDE: Qt.SizeAllCursor,
}  # fmt: skip
_ARROWS: dict[int, tuple[int, int]] = {
    Qt.Key_Left: (-1, 0), Qt.Key_Right: (1, 0), Qt.Key_Up: (0, -1), Qt.Key_Down: (0, 1),
}  # fmt: skip


TOO_SMALL = (
    "This box is too small: {:.0f} × {:.0f} pixels of the scene are the least. On fewer nobody can "
    "be told from others."
).format(*LEAST_DRAWN)


class SceneCanvas(QWidget):
    """Shows one scene. ``changed``: boxes or the choice of them; ``opened``: a double click on a
    person; ``refused``: a box was drawn that is too small, in words."""

    changed = pyqtSignal()
    opened = pyqtSignal()
    refused = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scene: SceneBoxes | None = None
        self.zoom = Zoom()
        self._image: QImage | None = None
        self._ground: tuple[object, QPixmap] | None = None
        self._pressed: QPointF | None = None
        self._start: PersonBox | None = None
        self._handle: Handle = ""
        self._moved = False
        self._drawing: tuple[QPointF, QPointF] | None = None
        self._panned: QPointF | None = None
        self._pointed: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMinimumSize(320, 240)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setAccessibleName("Scene")

    def sizeHint(self) -> QSize:
        return QSize(720, 540)

    def show_scene(self, scene: SceneBoxes | None, image: QImage | None = None) -> None:
        """Show another scene, or the picture of the same once it is there."""
        if scene is not self.scene:
            self.zoom = Zoom()
            self._pointed = None
            self._drop()
        self.scene, self._image, self._ground = scene, image, None
        self.refresh()

    def refresh(self) -> None:
        """Boxes have changed from outside."""
        scene = self.scene
        if scene is not None:
            people, chosen = len(scene.boxes), len(scene.chosen)
            words = self._words(scene.current) if scene.current is not None else ""
            self.setAccessibleDescription(
                f"{counted(people, 'box', 'boxes')}, {chosen} chosen. {words}"
            )
        self.update()

    # ── geometry ────────────────────────────────────────────────────────────────────────────────

    @property
    def _size(self) -> tuple[int, int] | None:
        if self._image is None or self.scene is None:
            return None
        return self._image.width(), self._image.height()

    def place(self) -> Box:
        """Where the whole scene lies on the widget."""
        return self.zoom.box(self._home())

    def _home(self) -> Box:
        size = self._size or (4, 3)
        scale = min(self.width() / size[0], self.height() / size[1])
        width, height = size[0] * scale, size[1] * scale
        return Box((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def on_screen(self, x: float, y: float) -> QPointF:
        """A point of the scene on the widget."""
        size = self._size
        assert size is not None
        return place_on(self.place(), size, x, y, 0, 0).topLeft()

    def _on_scene(self, at: QPointF) -> tuple[float, float]:
        place, size = self.place(), self._size
        assert size is not None
        x, y = place.fractions(at.x(), at.y())
        return x * size[0], y * size[1]

    @property
    def _reach(self) -> float:
        size = self._size
        return REACH if size is None else REACH * size[0] / self.place().width

    def _hit(self, at: QPointF) -> tuple[int | None, Handle]:
        """The box under a point and the part of it; the current one comes first."""
        scene = self.scene
        if scene is None or self._size is None:
            return None, ""
        x, y = self._on_scene(at)
        if scene.current is not None:
            handle = handle_at(scene.boxes[scene.current], x, y, self._reach)
            if handle and (handle != INSIDE or scene.at(x, y) in (None, scene.current)):
                return scene.current, handle
        number = scene.at(x, y)
        return number, INSIDE if number is not None else ""

    # ── mouse ───────────────────────────────────────────────────────────────────────────────────

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a person, take hold of a box, begin to draw one, or move the picture."""
        scene, at = self.scene, event.localPos()
        if event.button() == Qt.MiddleButton:
            self._panned = at
            self.setCursor(Qt.ClosedHandCursor)
            return
        if event.button() != Qt.LeftButton or scene is None or self._size is None:
            return
        more = bool(event.modifiers() & (Qt.ControlModifier | Qt.ShiftModifier))
        number, handle = self._hit(at)
        self._pressed, self._moved, self._start = at, False, None
        if number is None:
            if not more:
                scene.choose(None)
            self._drawing = (at, at)
        elif more:
            scene.choose(number, more=True)
        else:
            if number not in scene.chosen or scene.current != number:
                scene.choose(number)
            self._start, self._handle = scene.boxes[number], handle
        self._tell()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag what was taken hold of; else show what a press would take."""
        at = event.localPos()
        if self._panned is not None:
            home, moved = self._home(), at - self._panned
            self.zoom = self.zoom.moved(moved.x() / home.width, moved.y() / home.height)
            self._panned = at
            self.update()
        elif self._drawing is not None:
            self._drawing = (self._drawing[0], at)
            self.update()
        elif self._start is not None:
            self._drag(at)
        else:
            number, handle = self._hit(at)
            current = self.scene is not None and number == self.scene.current
            shown = handle if current else ""
            if number is None:
                self.setCursor(Qt.CrossCursor)
            else:
                self.setCursor(_CURSORS.get(shown, Qt.PointingHandCursor))
            if number != self._pointed:
                self._pointed = number
                self.update()

    def _drag(self, at: QPointF) -> None:
        scene, start, pressed, size = self.scene, self._start, self._pressed, self._size
        assert scene is not None
        assert start is not None
        assert pressed is not None
        assert size is not None
        way = (at - pressed).manhattanLength()
        if not self._moved and way < QApplication.startDragDistance():
            return
        (from_x, from_y), (x, y) = self._on_scene(pressed), self._on_scene(at)
        box = dragged(start, self._handle, x - from_x, y - from_y, size)
        scene.put(box, anew=not self._moved)
        self._moved = True
        self._tell()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A drag ends; a box that was drawn is added."""
        if event.button() == Qt.MiddleButton:
            self._panned = None
            self.unsetCursor()
            return
        scene, size, drawing = self.scene, self._size, self._drawing
        if self._start is not None:
            self._drag(event.localPos())
        self._drop()
        if drawing is not None and scene is not None and size is not None:
            begun, at = drawing[0], event.localPos()
            far = (at - begun).manhattanLength()
            box = drawn(*self._on_scene(begun), *self._on_scene(at), size)
            dragged_far = far >= QApplication.startDragDistance()
            if box is not None and dragged_far:
                scene.add(box)
            self._tell()
            if box is None and dragged_far:
                self.refused.emit(TOO_SMALL)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click on a person asks for what Enter does."""
        self.mousePressEvent(event)
        self._drop()
        if event.button() == Qt.LeftButton and self._hit(event.localPos())[0] is not None:
            self.opened.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel zooms where the pointer is."""
        turns = event.angleDelta().y() / 120
        if turns:
            self.zoom_by(STEP**turns, QPointF(event.position()))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        self._pointed = None
        self.update()
        super().leaveEvent(event)

    def _drop(self) -> None:
        self._pressed = self._start = self._drawing = None
        self._moved = False

    def zoom_by(self, times: float, at: QPointF | None = None) -> None:
        """Closer or further; the point ``at`` stays where it is."""
        x, y = (0.5, 0.5) if at is None else self._home().fractions(at.x(), at.y())
        self.zoom = self.zoom.by(times, min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
        self.update()

    def zoom_fit(self) -> None:
        """Show the whole scene."""
        self.zoom = Zoom()
        self.update()

    def zoom_to(self, number: int) -> None:
        """Show a box in the middle, a third of the room high, if it is smaller than that."""
        scene, size = self.scene, self._size
        if scene is not None and size is not None:
            share = scene.boxes[number].h / size[1]
            self.zoom = _centred(scene.boxes[number], size, max(1.0, min(0.33 / share, 8.0)))
            self.update()

    # ── keys ────────────────────────────────────────────────────────────────────────────────────

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys for all that the mouse does."""
        if self.scene is None or self._size is None or not self._run_key(self.scene, event):
            super().keyPressEvent(event)

    def _run_key(self, scene: SceneBoxes, event: QKeyEvent) -> bool:
        key, held = event.key(), event.modifiers() & ~Qt.KeypadModifier
        ctrl, shift = bool(held & Qt.ControlModifier), bool(held & Qt.ShiftModifier)
        if key in _ARROWS:
            self._arrow(scene, *_ARROWS[key], ctrl, bool(held & Qt.AltModifier), shift)
        elif key == Qt.Key_N and not ctrl:
            scene.step(-1 if shift else 1)
            self._reveal(scene)
        elif key == Qt.Key_A and ctrl:
            scene.choose_all()
        elif key in (Qt.Key_Delete, Qt.Key_Backspace):
            scene.delete()
        elif key == Qt.Key_Insert or (key == Qt.Key_B and not ctrl):
            scene.add(self._new_box())
        elif key == Qt.Key_Z and ctrl:
            (scene.redo if shift else scene.undo)()
        elif key == Qt.Key_Y and ctrl:
            scene.redo()
        elif key in (Qt.Key_Plus, Qt.Key_Equal):
            self.zoom_by(STEP)
        elif key == Qt.Key_Minus:
            self.zoom_by(1 / STEP)
        elif key == Qt.Key_0:
            self.zoom_fit()
        elif key == Qt.Key_Escape and (self._drawing is not None or scene.chosen):
            self._drop()
            scene.choose(None)
        else:
            return False
        self._tell()
        return True

    def _arrow(
        self, scene: SceneBoxes, dx: int, dy: int, ctrl: bool, alt: bool, fast: bool
    ) -> None:
        """Move the box; with Ctrl its right and lower edge, with Alt the left and upper one.

        Without a box, the picture is moved.
        """
        step = FAST if fast else 1
        if scene.current is None:
            self.zoom = self.zoom.moved(-0.1 * dx, -0.1 * dy)
            return
        handle: Handle = INSIDE
        if ctrl:
            handle = "e" if dx else "s"
        elif alt:
            handle = "w" if dx else "n"
        scene.nudge(handle, step * dx, step * dy)

    def _reveal(self, scene: SceneBoxes) -> None:
        """Move the zoomed picture so that the current box is seen whole."""
        size = self._size
        if scene.current is None or size is None:
            return
        box = scene.boxes[scene.current]
        seen = place_on(self.place(), size, box.x, box.y, box.w, box.h)
        if not QRectF(self.rect()).contains(seen):
            self.zoom = _centred(box, size, self.zoom.factor)

    def _new_box(self) -> PersonBox:
        """A person's box in the middle of what is seen, half as high."""
        place, size = self.place(), self._size
        assert size is not None
        x, y = self._on_scene(QPointF(self.width() / 2, self.height() / 2))
        tall = min(self.height() / place.height, 1.0) * size[1] / 2
        made = drawn(x - tall / 5, y - tall / 2, x + tall / 5, y + tall / 2, size)
        return made or PersonBox(0.0, 0.0, float(size[0]), float(size[1]))

    def _tell(self) -> None:
        self.refresh()
        self.changed.emit()

    # ── painting ────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._paint_scene(painter)
        if self.hasFocus():
            draw_focus(painter, self.rect(), self.palette())

    def _paint_scene(self, painter: QPainter) -> None:
        room = QRectF(self.rect())
        painter.fillRect(room, self.palette().color(QPalette.Window))
        scene, image, size = self.scene, self._image, self._size
        if scene is None or image is None or size is None:
            painter.setPen(self.palette().color(QPalette.Text))
            words = EMPTY if scene is None or not scene.fault else scene.fault
            painter.drawText(room, int(Qt.AlignCenter | Qt.TextWordWrap), words)
            return
        painter.drawPixmap(0, 0, self._painted_ground(image))
        painter.setRenderHint(QPainter.Antialiasing)
        accent = self.palette().color(QPalette.Active, QPalette.Highlight)
        place = self.place()
        marks = [
            PersonMark(
                place_on(place, size, box.x, box.y, box.w, box.h), number in scene.chosen,
                number == scene.current, number == self._pointed, self._words(number),
            )
            for number, box in enumerate(scene.boxes)
        ]  # fmt: skip
        paint_people(painter, marks, accent, self.font(), room)
        if self._drawing is not None:
            paint_drawn(painter, QRectF(*self._drawing).normalized(), accent)

    def _painted_ground(self, image: QImage) -> QPixmap:
        """The scene as it is shown now; painted again only where that changes."""
        ratio = self.devicePixelRatioF()
        colour = self.palette().color(QPalette.Window)
        key = (self.place(), self.size(), ratio, colour.rgba())
        if self._ground is None or self._ground[0] != key:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(colour)
            painter = QPainter(pixmap)
            paint_scene(painter, image, self.place(), QRectF(self.rect()))
            painter.end()
            self._ground = (key, pixmap)
        return self._ground[1]

    def _words(self, number: int) -> str:
        assert self.scene is not None
        box = self.scene.boxes[number]
        sure = "drawn" if box.score is None else f"detector {box.score:.2f}"
        return f"{box.w:.0f} × {box.h:.0f} · {sure}"


def _centred(box: PersonBox, size: tuple[int, int], factor: float) -> Zoom:
    """A box in the middle, as far as the picture stays in its room."""
    x, y = (box.x + box.w / 2) / size[0], (box.y + box.h / 2) / size[1]
    return Zoom(factor, x, y).moved(0, 0)
