"""A view of tiles of one size: one strip, or a grid of many rows.

Qt's own list view lays out every row before it shows the first; here the place of a tile follows
from its number, so the cost does not depend on the number of tiles. It is an item view with a
selection model, so keys, clicks and screen readers work as in any list.
"""

from __future__ import annotations

from PyQt5.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    pyqtSignal,
)
from PyQt5.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QScrollBar,
    QSlider,
    QStyle,
    QWidget,
)

from app.items.dragged import DragsFiles
from app.items.result_delegate import (
    MOST,
    SMALLEST,
    SMALLEST_IN_GRID,
    WORDS_FROM,
    ResultDelegate,
)
from app.items.tile_grid import TileGrid

STALE_OPACITY = 0.4
SLIM = 10
"""Thickness of a strip's scroll bar: the wheel and the keys move it, the bar shows where it is."""
SIZE_STEP = 1.15
"""How much larger a notch of the wheel with Ctrl makes the tiles of a grid."""
_POINTING = (QEvent.MouseMove, QEvent.MouseButtonPress, QEvent.Wheel)


class SlimBar(QScrollBar):
    """A scroll bar that takes little height."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), SLIM)


class SizeSlider(QSlider):
    """Chooses the height of a grid's pictures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Horizontal, parent)
        self.setRange(SMALLEST_IN_GRID, MOST)
        self.setFixedWidth(96)
        self.setFocusPolicy(Qt.TabFocus)
        self.setAccessibleName("Size of the pictures")
        self.setToolTip("Size of the pictures (Ctrl and the wheel)")


class TileView(QAbstractItemView):
    """Tiles in reading order. ``opened``: a double click or Enter on a tile; ``pointed``: the
    pointer is used here.

    One tile is current, more may be selected. ``added``: a click with Ctrl; ``extended``: a click
    with Shift. The listener changes the selection. ``resized``: the wheel with Ctrl asks for
    pictures of that height in a grid. ``focus_chooses``: whether the focus makes a tile current
    where none is.
    """

    opened = pyqtSignal(QModelIndex)
    pointed = pyqtSignal()
    added = pyqtSignal(QModelIndex)
    extended = pyqtSignal(QModelIndex)
    resized = pyqtSignal(int)

    def __init__(self, delegate: ResultDelegate, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = delegate
        self.waiting = ""
        self.is_strip = self.focus_chooses = True
        self._picture = SMALLEST
        self._pointed = -1
        self._in_view: dict[object, list[int]] | None = None
        """The rows that show a file. Kept until the next painting: what moves rows paints, too."""
        self.setItemDelegate(delegate)
        self.setHorizontalScrollBar(SlimBar(Qt.Horizontal, self))
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setDragDropMode(QAbstractItemView.DragOnly)
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WA_Hover)
        self._keep_room()

    def set_waiting(self, words: str) -> None:
        """Grey what is shown and say what it waits for; empty: it is current."""
        if words != self.waiting:
            self.waiting = words
            self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() in _POINTING:
            self.pointed.emit()
        return super().viewportEvent(event)

    # ── geometry ────────────────────────────────────────────────────────────────────────────────

    def show_as_strip(self) -> None:
        """One row that runs on to the right, as high as there is room."""
        self.is_strip = self._tiles.beside = self._tiles.wordy = True
        self._rearranged()

    def show_as_grid(self, picture: int) -> None:
        """Rows of pictures so many pixels high; without words where they are small."""
        self.is_strip = self._tiles.beside = False
        self._picture = min(max(picture, SMALLEST_IN_GRID), MOST)
        self._tiles.wordy = self._picture >= WORDS_FROM
        self._rearranged()

    def _rearranged(self) -> None:
        self.measure_tiles()
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex(), QAbstractItemView.PositionAtCenter)

    def _keep_room(self) -> None:
        """At least one row with all its words."""
        height = self._tiles.tile_size(self.font(), SMALLEST).height()
        self.setMinimumHeight(height + SLIM + 2 * self.frameWidth())

    def grid(self) -> TileGrid:
        """Where the tiles stand at the present size."""
        count = 0 if self.model() is None else self.model().rowCount(self.rootIndex())
        if self.is_strip:
            # The room of the scroll bar is always kept, so that none comes and goes.
            height = max(1, self.height() - 2 * self.frameWidth() - SLIM)
            picture = self._tiles.picture_height(self.font(), height)
            size = self._tiles.tile_size(self.font(), picture)
            return TileGrid(count, size.width(), size.height(), max(1, count))
        bar = self.style().pixelMetric(QStyle.PM_ScrollBarExtent, None, self)
        room = max(1, self.width() - 2 * self.frameWidth() - bar)
        size = self._tiles.tile_size(self.font(), self._picture)
        columns = max(1, room // size.width())
        wide = room // columns if count > columns else size.width()
        return TileGrid(count, wide, size.height(), columns)

    def _offset(self) -> QPoint:
        return QPoint(self.horizontalOffset(), self.verticalOffset())

    def visible_rows(self) -> list[int]:
        """The rows of which something can be seen."""
        at, size = self._offset(), self.viewport().size()
        return self.grid().covered(at.x(), at.y(), size.width(), size.height())

    def show_arrived(self, path: object) -> None:
        """Paint the tiles in view again that show this picture, which is loaded now."""
        model = self.model()
        if not isinstance(model, DragsFiles):
            self.viewport().update()
            return
        if self._in_view is None:
            self._in_view = {}
            for row in self.visible_rows():
                self._in_view.setdefault(model.file_of(row), []).append(row)
        for row in self._in_view.get(path, ()):
            self.update(model.index(row, 0, self.rootIndex()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.FontChange, QEvent.StyleChange):
            self.measure_tiles()

    def measure_tiles(self) -> None:
        """The tiles may be of another size or number."""
        self._keep_room()
        self.updateGeometries()
        self.viewport().update()

    def updateGeometries(self) -> None:
        grid, room = self.grid(), self.viewport().size()
        width, height = grid.extent
        strip = self.is_strip
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        across.setSingleStep(grid.width)
        across.setPageStep(max(grid.width, room.width() - grid.width))
        across.setRange(0, max(0, width - room.width()) if strip else 0)
        down.setSingleStep(max(1, grid.height // 3))
        down.setPageStep(max(grid.height, room.height() - grid.height))
        down.setRange(0, 0 if strip else max(0, height - room.height()))
        super().updateGeometries()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometries()
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    def visualRect(self, index: QModelIndex) -> QRect:
        if not index.isValid():
            return QRect()
        return self._rect(self.grid(), index.row())

    def _rect(self, grid: TileGrid, row: int) -> QRect:
        x, y = grid.corner(row)
        return QRect(
            x - self.horizontalOffset(), y - self.verticalOffset(), grid.width, grid.height
        )

    def indexAt(self, point: QPoint) -> QModelIndex:
        at = point + self._offset()
        row = self.grid().tile_at(at.x(), at.y())
        return QModelIndex() if row is None else self.model().index(row, 0, self.rootIndex())

    def scrollTo(
        self,
        index: QModelIndex,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.EnsureVisible,
    ) -> None:
        """Show a tile whole, in a strip with its neighbour on either side."""
        if not index.isValid():
            return
        rect, room = self.visualRect(index), self.viewport().rect()
        spare = rect.width() if self.is_strip and room.width() > 3 * rect.width() else 0
        wanted = rect.adjusted(-spare, 0, spare, 0)
        for bar, low, high, end in (
            (self.horizontalScrollBar(), wanted.left(), wanted.right(), room.right()),
            (self.verticalScrollBar(), wanted.top(), wanted.bottom(), room.bottom()),
        ):
            if hint == QAbstractItemView.PositionAtCenter:
                bar.setValue(bar.value() + (low + high - end) // 2)
            elif low < 0:
                bar.setValue(bar.value() + low)
            elif high > end:
                bar.setValue(bar.value() + min(high - end, low))

    def horizontalOffset(self) -> int:
        return self.horizontalScrollBar().value()

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move what is painted; only what comes into view is painted anew."""
        if self.waiting:  # the plate with the words stays where it is
            self.viewport().update()
            return
        self.viewport().scroll(dx, dy)
        if self._pointed >= 0:  # the pointer stays: what it stood on is no longer pointed at
            self.viewport().update(self._rect(self.grid(), self._pointed))

    def isIndexHidden(self, index: QModelIndex) -> bool:
        return False

    # ── keys and selection ──────────────────────────────────────────────────────────────────────

    def moveCursor(
        self,
        action: QAbstractItemView.CursorAction,
        modifiers: Qt.KeyboardModifiers | Qt.KeyboardModifier,
    ) -> QModelIndex:
        grid = self.grid()
        if not grid.count:
            return QModelIndex()
        page = (
            max(1, len(self.visible_rows()) - grid.columns)
            if not self.is_strip
            else max(1, self.viewport().width() // grid.width - 1)
        )
        here = self.currentIndex().row()
        if here < 0:
            return self.model().index(0, 0, self.rootIndex())
        target = {
            QAbstractItemView.MoveLeft: grid.step(here, -1, 0),
            QAbstractItemView.MovePrevious: grid.step(here, -1, 0),
            QAbstractItemView.MoveRight: grid.step(here, 1, 0),
            QAbstractItemView.MoveNext: grid.step(here, 1, 0),
            QAbstractItemView.MoveUp: grid.step(here, 0, -1),
            QAbstractItemView.MoveDown: grid.step(here, 0, 1),
            QAbstractItemView.MoveHome: 0,
            QAbstractItemView.MoveEnd: grid.count - 1,
            QAbstractItemView.MovePageUp: max(0, here - page),
            QAbstractItemView.MovePageDown: min(grid.count - 1, here + page),
        }[action]
        return self.model().index(target, 0, self.rootIndex())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Choose the first tile where none is chosen, unless the focus alone is to choose none."""
        if self.focus_chooses or self.currentIndex().isValid():
            super().focusInEvent(event)
        else:
            QAbstractScrollArea.focusInEvent(self, event)
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
            event.accept()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """With Ctrl or Shift, several tiles are chosen."""
        index, keys = self.indexAt(event.pos()), event.modifiers()
        with_keys = keys & (Qt.ControlModifier | Qt.ShiftModifier)
        if not (index.isValid() and with_keys and event.button() == Qt.LeftButton):
            super().mousePressEvent(event)
            return
        self.setFocus(Qt.MouseFocusReason)
        (self.extended if keys & Qt.ShiftModifier else self.added).emit(index)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        index = self.indexAt(event.pos())
        if index.isValid() and event.button() == Qt.LeftButton:
            self.opened.emit(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel moves a strip sideways; with Ctrl it makes the tiles of a grid larger."""
        if event.modifiers() & Qt.ControlModifier and not self.is_strip:
            turns = event.angleDelta().y() / 120
            self.resized.emit(round(self._picture * SIZE_STEP**turns))
            event.accept()
        elif self.is_strip:
            QApplication.sendEvent(self.horizontalScrollBar(), event)
        else:
            super().wheelEvent(event)

    def setSelection(
        self,
        rect: QRect,
        command: QItemSelectionModel.SelectionFlags | QItemSelectionModel.SelectionFlag,
    ) -> None:
        index = self.indexAt(rect.bottomRight() if rect.isValid() else rect.topLeft())
        if index.isValid():
            self.selectionModel().select(index, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        grid, region = self.grid(), QRegion()
        for row in self.visible_rows():
            if selection.contains(self.model().index(row, 0, self.rootIndex())):
                region = region.united(QRegion(self._rect(grid, row)))
        return region

    # ── painting ────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        self._in_view = None
        if self.waiting:
            painter.setOpacity(STALE_OPACITY)
        grid, at, dirty = self.grid(), self._offset(), event.rect()
        option = self.viewOptions()
        pointed = self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos())).row()
        pointed = self._pointed = pointed if self.underMouse() else -1
        plain = QStyle.State_MouseOver | QStyle.State_Selected | QStyle.State_HasFocus
        base, current = option.state & ~plain, self.currentIndex().row()
        # Pictures arrive here and there: the tiles between them are not painted again.
        region, model, root = event.region(), self.model(), self.rootIndex()
        chosen, delegate = self.selectionModel(), self.itemDelegate()
        for row in grid.covered(
            dirty.x() + at.x(), dirty.y() + at.y(), dirty.width(), dirty.height()
        ):
            option.rect = self._rect(grid, row)
            if not region.intersects(option.rect):
                continue
            index = model.index(row, 0, root)
            option.state = base
            if chosen.isSelected(index):
                option.state |= QStyle.State_Selected
                if row == current:
                    option.state |= QStyle.State_HasFocus
            if row == pointed:
                option.state |= QStyle.State_MouseOver
            delegate.paint(painter, option, index)
        painter.setOpacity(1.0)
        if self.waiting:
            self._draw_waiting(painter)

    def _draw_waiting(self, painter: QPainter) -> None:
        """A quiet plate with what is waited for, where it will appear."""
        painter.setRenderHint(QPainter.Antialiasing)
        words = painter.fontMetrics().boundingRect(self.waiting).adjusted(-16, -8, 16, 8)
        words.moveCenter(self.viewport().rect().center())
        painter.setPen(self.palette().color(QPalette.Mid))
        painter.setBrush(self.palette().color(QPalette.Window))
        painter.drawRoundedRect(words, 4, 4)
        painter.setPen(self.palette().color(QPalette.WindowText))
        painter.drawText(words, Qt.AlignCenter, self.waiting)
