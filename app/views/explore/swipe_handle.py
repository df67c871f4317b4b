"""A line over a picture, with a grip: what is left of it is seen in another way than the rest."""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PyQt5.QtWidgets import QWidget

from app.items.match_painting import DARK, LIGHT
from app.state.framing import Box
from app.views.explore.match_controls import KeepsArrows

WIDTH, GRIP = 24, 10
STEP, FINE = 0.05, 0.01
"""Of the picture's width: how far a key moves the line, and how far with Shift."""
TIP = "Drag the line, or move it with the comma and the full stop."


class SwipeHandle(KeepsArrows, QWidget):
    """Stands over a place of the widget that it is on; ``moved`` tells the wanted fraction of the
    place's width."""

    moved = pyqtSignal(float)

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._place = Box(0.0, 0.0, 1.0, 1.0)
        self._at = 0.5
        self.setCursor(Qt.SplitHCursor)
        self.setFocusPolicy(Qt.TabFocus)  # a drag leaves the arrows to the window
        self.setAccessibleName(name)
        self.setToolTip(TIP)

    def sizeHint(self) -> QSize:
        """As wide as the grip."""
        return QSize(WIDTH, 4 * WIDTH)

    def stand(self, place: Box, at: float) -> None:
        """Over another place, at a fraction of its width."""
        self._place, self._at = place, at
        self.setAccessibleDescription(f"{round(100 * at)} %")
        x = place.at(at, 0.0)[0]
        self.setGeometry(round(x - WIDTH / 2), round(place.y), WIDTH, round(place.height))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Dragging moves the line."""
        if event.buttons() & Qt.LeftButton:
            at = QPointF(self.mapToParent(event.pos()))
            self.moved.emit(self._place.fractions(at.x(), at.y())[0])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press here is none of the picture."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Nor is its end."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the line, in small steps with Shift."""
        steps: dict[int, int] = {Qt.Key_Left: -1, Qt.Key_Right: 1}
        step = FINE if event.modifiers() & Qt.ShiftModifier else STEP
        if event.key() in steps:
            self.moved.emit(self._at + step * steps[event.key()])
        elif event.key() in (Qt.Key_Home, Qt.Key_End):
            self.moved.emit(float(event.key() == Qt.Key_End))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line with a dark and a light edge, and a grip with two arrows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        middle = QRectF(self.rect()).center()
        focused = self.palette().color(QPalette.Highlight) if self.hasFocus() else LIGHT
        for ink, width in ((DARK, 4.0), (focused, 2.0)):
            painter.setPen(QPen(ink, width))
            painter.drawLine(QPointF(middle.x(), 0.0), QPointF(middle.x(), float(self.height())))
        painter.setPen(QPen(DARK, 1.5))
        painter.setBrush(focused)
        painter.drawEllipse(middle, GRIP, GRIP)
        painter.setPen(QPen(DARK, 1.5))
        for side in (-1, 1):
            tip = QPointF(middle.x() + 7 * side, middle.y())
            for rise in (-3, 3):
                painter.drawLine(tip, QPointF(middle.x() + 4 * side, middle.y() + rise))
