"""What a match adds up to: bars that add up to the logit, and the list of correspondences."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QItemSelection, QModelIndex, QPointF, QSize, Qt
from PyQt5.QtGui import QPainter, QPalette
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableView,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from app.items.correspondences import CorrespondenceModel
from app.items.sum_chart import ChartPainter, Row, Section, height_of, sections_of, spoken
from app.state import words
from app.state.adding_up import sum_of
from app.state.overlay import lines_of
from app.state.scene import scene_of
from app.state.workspace import Workspace
from app.views.veil import Veil

SPACING = 8
EMPTY = "What a match adds up to is shown here once there is one."
_TABLE_KEYS = {
    Qt.Key_Up, Qt.Key_Down, Qt.Key_PageUp, Qt.Key_PageDown, Qt.Key_Home, Qt.Key_End,
}  # fmt: skip
_TIPS = {
    "strongest": "The cells listed above, together.",
    "rest": words.REST,
    "bias": words.BIAS,
    "logit": words.LOGIT,
}


class SumChart(QWidget):
    """Bars: the strongest cells, then every term of the sum. A click on a cell pins it."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.veil = Veil(self)
        self._sections: tuple[Section, ...] = ()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setAccessibleName("How the logit adds up")
        self.setMouseTracking(True)
        workspace.pair_changed.connect(self.refresh)
        workspace.selection_changed.connect(self._on_cell)
        workspace.hover_changed.connect(self._on_cell)
        self.refresh()

    def refresh(self) -> None:
        """Show the workspace's pair."""
        pair = self.workspace.pair
        self._sections = (
            ()
            if pair is None
            else sections_of(sum_of(pair.match), pair.match.grid, float(self.width()))
        )
        self.veil.set(scene_of(self.workspace).stale)
        self.setAccessibleDescription(spoken(self._sections) or EMPTY)
        self.setMinimumHeight(round(height_of(self._sections)) or 96)
        self.updateGeometry()
        self.update()

    def _on_cell(self) -> None:
        self.veil.set(scene_of(self.workspace).stale)
        self.update()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All bars from the top."""
        return tuple(row for section in self._sections for row in section.rows)

    def row_at(self, at: QPointF) -> Row | None:
        """The bar under a point."""
        return next((row for row in self.rows if row.rect.contains(at)), None)

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(280, round(height_of(self._sections)) or 96)

    def paintEvent(self, event) -> None:
        """The sections, or what will stand here."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        if not self._sections:
            painter.setPen(self.palette().color(QPalette.WindowText))
            flags = int(Qt.AlignCenter) | int(Qt.TextWordWrap)
            painter.drawText(self.rect(), flags, EMPTY)
            return
        cell = self.workspace.cell
        marked = [row for row in self.rows if cell is not None and row.part.cell == cell]
        ChartPainter(painter, self.font(), self.palette()).paint(
            self._sections, float(self.width()), marked
        )
        self.veil.paint(painter)

    def resizeEvent(self, event) -> None:
        """Rows are as wide as the chart."""
        self.refresh()
        super().resizeEvent(event)

    def hideEvent(self, event) -> None:
        """Nothing waits for what is not seen."""
        self.veil.stop()
        super().hideEvent(event)

    def mouseReleaseEvent(self, event) -> None:
        """Pin the cell of a bar, or let go of it."""
        row = self.row_at(event.localPos())
        if row is not None and row.part.cell is not None and event.button() == Qt.LeftButton:
            pinned = self.workspace.selection.cell
            self.workspace.pin(None if pinned == row.part.cell else row.part.cell)

    def mouseMoveEvent(self, event) -> None:
        """Pointing at the bar of a cell shows it in the pictures."""
        row = self.row_at(event.localPos())
        self.workspace.set_hover(None if row is None else row.part.cell)

    def leaveEvent(self, event) -> None:
        """Nothing is pointed at any more."""
        self.workspace.set_hover(None)
        super().leaveEvent(event)

    def event(self, event) -> bool:
        """Tooltips with the whole number and the sentence that explains it."""
        if event.type() == QEvent.ToolTip:
            row = self.row_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if row is None else self._tip(row), self)
            return True
        return super().event(event)

    def _tip(self, row: Row) -> str:
        pair = self.workspace.pair
        number = f"{row.label}: {words.decimals(row.part.value, 5, signed=True)}"
        if row.part.cell is not None and pair is not None:
            place = words.cell_sentence(row.part.cell.number, pair.match.grid)
            return f"{number}\n{place}\n{words.ADDS}"
        return f"{number}\n{_TIPS[row.part.kind]}"


class CorrespondenceTable(QTableView):
    """The list of correspondences; ↑↓ walk it while it has the focus."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self._following = False
        self.rows = CorrespondenceModel(self)
        self.setModel(self.rows)
        self.setAccessibleName("Correspondences")
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.Stretch)
        self.horizontalHeader().setHighlightSections(False)
        self.setSortingEnabled(True)
        self.sortByColumn(3, Qt.DescendingOrder)
        self.entered.connect(self._on_entered)
        workspace.pair_changed.connect(self.refresh)
        workspace.look_changed.connect(self.refresh)
        workspace.selection_changed.connect(self.follow)
        self.refresh()

    def refresh(self) -> None:
        """Show the workspace's pair."""
        self._following = True
        self.rows.show(self.workspace.pair, self.workspace.look)
        self._following = False
        self.follow()

    def follow(self) -> None:
        """Select the row of the pinned cell."""
        row = self.rows.row_of(self.workspace.selection.cell)
        chosen = self.currentIndex() if self.selectionModel().hasSelection() else QModelIndex()
        if (chosen.row() if chosen.isValid() else None) == row:
            return
        self._following = True
        if row is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            self.setCurrentIndex(self.rows.index(row, 0))
        self._following = False

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """A row chosen here pins its cell."""
        super().selectionChanged(selected, deselected)
        if not self._following and selected.indexes():
            self.workspace.pin(self.rows.cell_of(selected.indexes()[0].row()))

    def _on_entered(self, index: QModelIndex) -> None:
        self.workspace.set_hover(self.rows.cell_of(index.row()))

    def leaveEvent(self, event) -> None:
        """Nothing is pointed at any more."""
        self.workspace.set_hover(None)
        super().leaveEvent(event)

    def event(self, event) -> bool:
        """The window's shortcuts do not take the keys that walk the list; ← → they may have."""
        if event.type() == QEvent.ShortcutOverride and event.key() in _TABLE_KEYS:
            event.accept()
            return True
        return super().event(event)


class DetailsPanel(QWidget):
    """The sum, the score and what it is, the correspondences."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.chart = SumChart(workspace, self)
        self.score = QLabel(self)
        self.score.setWordWrap(True)
        self.score.setToolTip(words.SCORE)
        self.shown = QLabel(self)
        self.table = CorrespondenceTable(workspace, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACING, SPACING, SPACING, SPACING)
        layout.setSpacing(SPACING)
        for widget in (self.chart, self.score, self.shown):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)
        workspace.pair_changed.connect(self.refresh)
        workspace.look_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the workspace's pair."""
        pair = self.workspace.pair
        for widget in (self.score, self.shown):
            widget.setVisible(pair is not None)
        if pair is None:
            return
        score = words.score_text(pair.match.score)
        self.score.setText(f"score {score} = sigmoid(logit / 10), not a probability")
        lines = lines_of(pair.match, self.workspace.look)
        self.shown.setText(words.shown_text(len(lines.drawn), lines.total))
