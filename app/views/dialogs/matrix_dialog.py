"""Who is confused with whom: first candidates by camera or person; a click opens a query."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QBrush, QColor, QKeyEvent, QResizeEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.items.colours import truth_colour
from app.views.widgets.fields import combo_box
from app.views.widgets.labels import label_of, plain_label
from app.views.widgets.layouts import in_column, in_row, size_on_screen
from qaconv_core.evaluation.match_matrix import (
    MOST_PERSONS,
    FirstCandidates,
    MatchMatrix,
    match_matrix,
)
from qaconv_core.readable import counted
from qaconv_core.types import Int64, RankingResult

NOTHING = {
    "camera": "The cameras of this data set are not known.",
    "person": "No first candidate shows somebody else: nobody is confused with anybody.",
}
HINT = (
    "Rows are queries, columns their first candidates. Numbers are wrong ones / all; a click opens "
    "a query."
)
COUNTED = {
    "camera": "those whose cameras are known",
    "person": f"those of persons confused with somebody, the {MOST_PERSONS} most at most",
}
NARROWEST = 64
"""Pixels of a column: numbers have air around them."""
ROOMY = (NARROWEST, 32)
"""Width and height from which cells share the room."""
PALEST, STRONGEST = 0.12, 0.75


def cell_words(matrix: MatchMatrix, row: int, column: int) -> str:
    """ "12 queries of camera 1 have a first candidate of camera 3; 4 of them are wrong"."""
    count, wrong = int(matrix.counts[row, column]), int(matrix.wrong[row, column])
    who, whom = matrix.words(matrix.rows[row]), matrix.candidate_words(matrix.columns[column])
    queries = counted(count, "query", "queries")
    have = "has" if count == 1 else "have"
    return (
        f"{queries} of {who} {have} {whom}; {wrong:,} of them {'is' if wrong == 1 else 'are'} wrong"
    )


class MatrixView(QTableWidget):
    """The counts; ``chosen`` tells row and column of a cell with queries in it."""

    chosen = pyqtSignal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.setTabKeyNavigation(False)
        self.horizontalHeader().setMinimumSectionSize(NARROWEST)
        self._fit()
        self.cellClicked.connect(self.chosen)

    def show_matrix(self, matrix: MatchMatrix) -> None:
        """Show other counts; the more wrong ones, the stronger the colour."""
        self.clear()
        self.setRowCount(len(matrix.rows))
        self.setColumnCount(len(matrix.columns))
        self.setVerticalHeaderLabels(list(map(matrix.label, matrix.rows)))
        self.setHorizontalHeaderLabels(list(map(matrix.label, matrix.columns)))
        most = max(1, int(matrix.wrong.max(initial=0)))
        for row, column in matrix.members:
            self.setItem(row, column, self._item(matrix, row, column, most))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or less room for the cells."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Few cells share the whole room, many are as small as their numbers."""
        few = (
            self.columnCount() * ROOMY[0] <= self.viewport().width()
            and self.rowCount() * ROOMY[1] <= self.viewport().height()
        )
        mode = QHeaderView.Stretch if few else QHeaderView.ResizeToContents
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSectionResizeMode(mode)

    def _item(self, matrix: MatchMatrix, row: int, column: int, most: int) -> QTableWidgetItem:
        count, wrong = int(matrix.counts[row, column]), int(matrix.wrong[row, column])
        item = QTableWidgetItem(f"{wrong:,} / {count:,}" if wrong else f"{count:,}")
        item.setTextAlignment(int(Qt.AlignCenter))
        item.setToolTip(cell_words(matrix, row, column))
        item.setData(Qt.AccessibleTextRole, cell_words(matrix, row, column))
        colour = truth_colour(RankingResult.FALSE)
        if wrong and colour is not None:
            ground = QColor(colour)
            ground.setAlphaF(PALEST + (STRONGEST - PALEST) * wrong / most)
            item.setBackground(QBrush(ground))
        return item

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens the cell."""
        if event.key() in (Qt.Key_Return, Qt.Key_Enter) and self.currentItem() is not None:
            self.chosen.emit(self.currentRow(), self.currentColumn())
            return
        super().keyPressEvent(event)


class MatrixDialog(QDialog):
    """``opened`` carries a query and its first candidate; another click on a cell, the next one.

    ``distractors``: pid 0 stands for these.
    """

    opened = pyqtSignal(int, int)

    def __init__(
        self,
        firsts: FirstCandidates,
        keys: dict[str, tuple[Int64, Int64]],
        names: dict[str, dict[int, str]],
        distractors: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Who is confused with whom")
        self._firsts, self._keys, self._names = firsts, keys, names
        self._distractors = distractors
        self._turns: dict[tuple[int, int], int] = {}
        self.by = combo_box("Counted by", "", ((name.capitalize(), name) for name in keys))
        self.view = MatrixView()
        self.view.setAccessibleName("Queries by row, first candidates by column")
        self.words = plain_label()
        self.words.setAccessibleName("The cell that was chosen")
        self.hint = plain_label()
        in_column(
            in_row(label_of("&By", self.by), self.by, None),
            self.hint, self.view, self.words, into=self, grows=self.view,
            margins=16,
        )  # fmt: skip
        self.by.currentIndexChanged.connect(lambda _row: self._show_counts())
        self.view.chosen.connect(self._open)
        size_on_screen(self, 760, 560)
        self._show_counts()

    def _show_counts(self) -> None:
        by = self.by.currentData()
        named = self._names[by], self._distractors
        self.matrix = match_matrix(self._firsts, *self._keys[by], by, *named)
        self._turns.clear()
        self.view.show_matrix(self.matrix)
        self.hint.setText(f"{HINT} {_counted_words(self.matrix, len(self._firsts.query))}".strip())
        self.words.setText("" if self.matrix.rows else NOTHING[by])

    def _open(self, row: int, column: int) -> None:
        members = self.matrix.members.get((row, column), ())
        if not members:
            return
        turn = self._turns.get((row, column), -1) + 1
        self._turns[row, column] = turn
        place = members[turn % len(members)]
        self.words.setText(
            f"{cell_words(self.matrix, row, column)}. Open: {turn % len(members) + 1} of "
            f"{len(members):,}."
        )
        self.opened.emit(int(self._firsts.query[place]), int(self._firsts.candidate[place]))


def _counted_words(matrix: MatchMatrix, total: int) -> str:
    """Which queries of ``total`` the matrix counts, where that is not all."""
    count = int(matrix.counts.sum())
    if count in (0, total):
        return ""
    return f"Counted are {count:,} of {counted(total, 'query', 'queries')}: {COUNTED[matrix.by]}."
