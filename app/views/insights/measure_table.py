"""Measures of the explanation checks: name, a number for each group, a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QPainter, QPaintEvent, QPalette
from PyQt5.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from app.items.share_bar import BAR, paint_share
from app.items.thumbnail import faded
from app.state.check_measures import MeasureRow
from app.views.widgets.grid_area import GridArea, empty_grid
from app.views.widgets.labels import heading, plain_label

WIDE = 80


class ValueBar(QWidget):
    """A number over a bar from 0 to 1; the first group's in the accent colour."""

    def __init__(self, text: str, share: float | None, first: bool, spoken: str) -> None:
        super().__init__()
        self._text, self._share, self._first = text, share, first
        self.setAccessibleName(spoken)
        self.setToolTip(spoken)
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)

    def sizeHint(self) -> QSize:
        """A line and the bar below it."""
        return QSize(WIDE, self.fontMetrics().height() + BAR + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The number to the right, the bar from the left."""
        painter = QPainter(self)
        palette = self.palette()
        ink = palette.color(QPalette.WindowText)
        painter.setPen(ink)
        line = QRectF(0, 0, self.width(), self.height() - BAR - 2)
        painter.drawText(line, int(Qt.AlignRight | Qt.AlignVCenter), self._text)
        if self._share is None:
            return
        colour = palette.color(QPalette.Highlight) if self._first else faded(ink, 130)
        paint_share(painter, QRectF(self.rect()), self._share, ink, colour)


class MeasureTable(GridArea):
    """All rows; the columns are the groups of pairs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Measures", parent)
        self.rows: Sequence[MeasureRow] = ()

    def show_rows(
        self, groups: Sequence[str], rows: Sequence[MeasureRow], note: str, limits: str
    ) -> None:
        """Show other measures under the names of their groups, between a note and the limits."""
        self.rows = rows
        inner, grid = empty_grid(right=16, between=2, grows=0)
        line = 0
        if note:
            grid.addWidget(plain_label(note), line, 0, 1, 1 + len(groups))
            grid.setRowMinimumHeight(line + 1, 8)
            line += 2
        for column, name in enumerate(groups, start=1):
            grid.addWidget(_right(name), line, column)
        for row in rows:
            line = self._add(grid, line + 1, row, groups)
        grid.setRowMinimumHeight(line + 1, 16)
        grid.addWidget(plain_label(limits), line + 2, 0, 1, 1 + len(groups))
        grid.setRowStretch(line + 3, 1)
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(inner.minimumSizeHint().width() + bar)
        at = self.verticalScrollBar().value()
        self.setWidget(inner)
        self.verticalScrollBar().setValue(at)

    def _add(self, grid: QGridLayout, line: int, row: MeasureRow, groups: Sequence[str]) -> int:
        grid.setRowMinimumHeight(line, 8)
        grid.addWidget(heading(row.name), line + 1, 0, Qt.AlignBottom)
        for place, group in enumerate(groups):
            spoken = f"{row.name}, {group}: {row.text(place)}"
            bar = ValueBar(row.text(place), row.share(place), place == 0, spoken)
            grid.addWidget(bar, line + 1, place + 1, Qt.AlignRight | Qt.AlignBottom)
        if row.sentence:
            sentence = plain_label(row.sentence)
            sentence.setForegroundRole(QPalette.PlaceholderText)
            grid.addWidget(sentence, line + 2, 0, 1, 1 + len(groups))
        return line + 2


def _right(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setFixedWidth(WIDE)
    label.setAlignment(Qt.AlignRight | Qt.AlignBottom)
    return label
