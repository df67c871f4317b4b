"""The mean map of a group, large: point at a cell to read it, click to order examples by it."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QPoint, QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PyQt5.QtWidgets import QSizePolicy, QWidget

from app.items.mean_map_image import paint_mark, paint_mean
from app.items.thumbnail import fitted
from app.state.insights import Insights, mean_scale
from app.state.overlay import cell_at

ASPECT = QSize(1, 2)
STEPS = {Qt.Key_Left: (0, -1), Qt.Key_Right: (0, 1), Qt.Key_Up: (-1, 0), Qt.Key_Down: (1, 0)}
KEYS = (*STEPS, Qt.Key_Escape, Qt.Key_Home, Qt.Key_End)


class MapView(QWidget):
    """Arrows walk the cells, Esc releases. ``pointed`` carries the cell under the mouse, or −1."""

    pointed = pyqtSignal(int)

    def __init__(self, insights: Insights, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._insights = insights
        self._picture: QImage | None = None
        self.hovered: int | None = None
        self.setMinimumSize(160, 240)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CrossCursor)
        self.setAccessibleName("Mean map of the group")
        self.setToolTip("Click a cell to order the examples by it; arrows walk, Esc releases.")

    def show_picture(self, picture: QImage | None) -> None:
        """The average picture below the map of the group that is looked at."""
        self._picture = picture
        self.update()

    @property
    def room(self) -> QRect:
        """Where the map lies."""
        size = ASPECT if self._picture is None else self._picture.size()
        return fitted(size, self.rect())

    def cell_under(self, point: QPoint) -> int | None:
        """The cell at a place of this widget."""
        group, room = self._insights.group, self.room
        if group is None:
            return None
        x = (point.x() - room.x()) / room.width()
        y = (point.y() - room.y()) / room.height()
        return cell_at(x, y, group.mean.shape)

    def centre_of(self, cell: int) -> QPoint:
        """The middle of a cell, in this widget."""
        group, room = self._insights.group, self.room
        assert group is not None
        h, w = group.mean.shape
        row, column = divmod(cell, w)
        return QPoint(
            room.x() + round((column + 0.5) / w * room.width()),
            room.y() + round((row + 0.5) / h * room.height()),
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Picture, map, the cell pointed at, the chosen one."""
        group = self._insights.group
        if group is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
        room, grid = self.room, group.mean.shape
        paint_mean(painter, room, group.mean, mean_scale(group), self._picture, self.palette())
        if self.hovered is not None:
            paint_mark(painter, room, self.hovered, grid, pinned=False)
        if self._insights.cell is not None:
            paint_mark(painter, room, self._insights.cell, grid, pinned=True)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().color(QPalette.Highlight), 2))
            painter.drawRect(room.adjusted(-1, -1, 1, 1).intersected(self.rect()))

    def _hover(self, cell: int | None) -> None:
        if cell != self.hovered:
            self.hovered = cell
            self.pointed.emit(-1 if cell is None else cell)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the cell under the mouse."""
        self._hover(self.cell_under(event.pos()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        super().leaveEvent(event)
        self._hover(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a cell; the chosen one again lets go."""
        cell = self.cell_under(event.pos())
        if event.button() == Qt.LeftButton and cell is not None:
            self._insights.choose_cell(None if cell == self._insights.cell else cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the cells; Esc releases."""
        group = self._insights.group
        if group is None or event.key() not in KEYS:
            super().keyPressEvent(event)
            return
        self._insights.choose_cell(self._stepped(event.key(), *group.mean.shape))

    def _stepped(self, key: int, h: int, w: int) -> int | None:
        if key == Qt.Key_Escape:
            return None
        if key in (Qt.Key_Home, Qt.Key_End):
            return 0 if key == Qt.Key_Home else h * w - 1
        if self._insights.cell is None:
            return (h // 2) * w + w // 2
        row, column = divmod(self._insights.cell, w)
        down, right = STEPS[Qt.Key(key)]
        return min(max(row + down, 0), h - 1) * w + min(max(column + right, 0), w - 1)
