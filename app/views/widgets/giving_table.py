"""A table whose numbers stay whole: where there is too little width, columns of words give way."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QHeaderView, QTableView, QWidget

from app.views.widgets.table_style import show_as_rows, space_columns

LEAST_WORDS, STEP = 88, 8
"""Pixels that a column of words keeps, and in which steps the widest one gives."""


class GivingTable(QTableView):
    """Rows to be read. ``giving`` are the columns of words; of equally wide ones the first gives
    first. Call :meth:`share_width` when other rows are shown."""

    def __init__(self, giving: Sequence[int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._giving = tuple(giving)
        show_as_rows(self)
        space_columns(self)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.Fixed)
        self.horizontalHeader().setMinimumSectionSize(24)

    def wanted(self) -> dict[int, int]:
        """Pixels that each column that is shown needs for all its words."""
        header = self.horizontalHeader()
        return {
            column: min(
                max(self.sizeHintForColumn(column), header.sectionSizeHint(column)),
                header.maximumSectionSize(),
            )
            for column in range(self.model().columnCount())
            if not self.isColumnHidden(column)
        }

    def share_width(self) -> None:
        """Give each column what it needs, and take what is missing from the widest words."""
        wanted = self.wanted()
        missing = sum(wanted.values()) - self.viewport().width()
        while missing > 0:
            column = max(self._giving, key=lambda column: wanted[column])
            taken = min(missing, wanted[column] - LEAST_WORDS, STEP)
            if taken <= 0:
                break
            wanted[column] -= taken
            missing -= taken
        for column, width in wanted.items():
            self.setColumnWidth(column, width)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width out anew."""
        super().resizeEvent(event)
        self.share_width()
