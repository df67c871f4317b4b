"""The list of correspondences: sortable, and selecting a row pins its cell."""

from __future__ import annotations

import math

from PyQt5.QtCore import QEvent, QItemSelection, QModelIndex, Qt
from PyQt5.QtGui import QFontMetricsF, QKeyEvent, QResizeEvent
from PyQt5.QtWidgets import QHeaderView, QTableView, QWidget

from app.items.correspondences import CorrespondenceModel
from app.state.workspace import Workspace
from app.views.widgets.table_style import show_as_rows

ARROW = 20
"""Pixels of the arrow beside the title of the column that is sorted by, its margins included."""
_TABLE_KEYS = {
    Qt.Key_Up, Qt.Key_Down, Qt.Key_PageUp, Qt.Key_PageDown, Qt.Key_Home, Qt.Key_End,
}  # fmt: skip


class CorrespondenceTable(QTableView):
    """The list of correspondences; ↑↓ walk it while it has the focus."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self._updating = False
        self._around: dict[int, int] = {}
        """Pixels of the columns around their words."""
        self.rows = CorrespondenceModel(self)
        self.setModel(self.rows)
        self.setAccessibleName("Correspondences")
        show_as_rows(self)
        self.setAlternatingRowColors(True)
        self.setMouseTracking(True)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.horizontalHeader().setMinimumSectionSize(24)
        self.setSortingEnabled(True)
        self.sortByColumn(4, Qt.DescendingOrder)
        self.entered.connect(self._on_entered)
        workspace.pair_changed.connect(self.refresh)
        workspace.look_changed.connect(self.refresh)
        workspace.parts.changed.connect(self._on_drawn)
        workspace.selection_changed.connect(self.select_shown_cell)
        self.refresh()

    def refresh(self) -> None:
        """Show the workspace's pair."""
        self._updating = True
        pair = self.workspace.shown_pair
        zones = None if pair is None else self.workspace.zones_of(pair)
        if self.rows.set_pair(pair, self.workspace.look, zones):
            self._share_width()
        self._updating = False
        self.select_shown_cell()

    def _on_drawn(self) -> None:
        if not self.rows.shows(self.workspace.shown_pair):
            self.refresh()

    def select_shown_cell(self) -> None:
        """Select the row of the pinned cell."""
        row = self.rows.row_of(self.workspace.selection.cell)
        chosen = self.currentIndex() if self.selectionModel().hasSelection() else QModelIndex()
        if (chosen.row() if chosen.isValid() else None) == row:
            return
        self._updating = True
        if row is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            self.setCurrentIndex(self.rows.index(row, 0))
        self._updating = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Columns share the width."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Every column what its words need, and an equal part of what remains (or is missing)."""
        columns = range(self.rows.columnCount())
        needed = [max(self._words_width(column), self._title_width(column)) for column in columns]
        spare = (self.viewport().width() - sum(needed)) // len(needed)
        for column, width in zip(columns, needed, strict=True):
            self.setColumnWidth(column, width + spare)

    def _words_width(self, column: int) -> int:
        """As ``sizeHintForColumn``, which asks for every row and takes far longer: the style is
        asked once what it puts around words."""
        wide, metrics = self.rows.wide_rows(column), QFontMetricsF(self.font())
        if not wide:
            return 0
        texts = (self.rows.shown(row, column, Qt.DisplayRole) for row in wide)
        widths = [math.ceil(metrics.horizontalAdvance(text)) for text in texts]
        if column not in self._around:
            hint = self.sizeHintForIndex(self.rows.index(wide[0], column))
            self._around[column] = hint.width() - widths[0]
        return max(widths) + self._around[column]

    def changeEvent(self, event: QEvent) -> None:
        """Another font or style puts other room around words."""
        self._around.clear()
        super().changeEvent(event)

    def _title_width(self, column: int) -> int:
        header = self.horizontalHeader()
        title = self.rows.headerData(column, Qt.Horizontal, Qt.DisplayRole)
        arrow = ARROW if header.sortIndicatorSection() == column else 0
        lines = str(title).splitlines()
        return max(map(header.fontMetrics().horizontalAdvance, lines)) + 6 + arrow

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """A row chosen here pins its cell."""
        super().selectionChanged(selected, deselected)
        if not self._updating and selected.indexes():
            self.workspace.pin(self.rows.cell_of(selected.indexes()[0].row()))

    def _on_entered(self, index: QModelIndex) -> None:
        self.workspace.set_hover(self.rows.cell_of(index.row()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        self.workspace.set_hover(None)
        super().leaveEvent(event)

    def event(self, event: QEvent) -> bool:
        """The window's shortcuts do not take the keys that walk the list; ← → they may have."""
        if event.type() == QEvent.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            if event.key() in _TABLE_KEYS:
                event.accept()
                return True
        return super().event(event)
