"""The list of runs: tick several to compare them, choose one to look inside."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QItemSelectionModel, QModelIndex, QObject, Qt
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QWidget

from app.items.row_models import TableModel
from app.state.evaluation import FinishedRun, RunList
from app.views.widgets.giving_table import GivingTable
from app.views.widgets.run_words import local_time
from qaconv_core.evaluation.formats import percent
from qaconv_core.evaluation.reports import method_label, set_name

COLUMNS = ("Run", "Data set", "Model", "Method, in %", "Rank-1", "mAP", "When")
NUMBERS = (4, 5)
WORDS = (0, 3, 2, 1)
"""Columns of words that give way to numbers and the time."""
TICK = "Tick runs to compare them; choose one to see its scores and queries."
LONGEST = 320
"""Pixels that a column takes at most; longer names are cut in their middle."""


def cells(run: FinishedRun) -> tuple[str, ...]:
    """A run in the words of :data:`COLUMNS`."""
    last = run.last
    number = str(run.id) if run.id >= 0 else "not kept"
    number += f" · {run.name}" if run.name else ""
    counts = run.report.counts
    size = f"{set_name(run.report)} · {counts.query:,} × {counts.gallery:,}"
    head = (number, size, run.model)
    if last is None:
        return (*head, "–", "–", "–", local_time(run.created))
    measures = (method_label(last.method), percent(last.rank(1)), percent(last.mAP))
    return (*head, *measures, local_time(run.created))


class RunsModel(TableModel):
    """Runs of a :class:`~app.state.evaluation.RunList`, newest first, with ticks."""

    def __init__(self, runs: RunList, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, NUMBERS, parent)
        self._runs = runs
        self._words: list[str] = []
        self._reload()
        runs.changed.connect(self._reload)
        runs.shown_changed.connect(self._ticks_changed)

    def shown(self, row: int, column: int, role: int) -> Any:
        """Words, ticks, and what a screen reader says."""
        run, words = self.rows[row], self._cells[row]
        if role == Qt.DisplayRole:
            return words[column]
        if role == Qt.CheckStateRole and column == 0:
            return Qt.Checked if run.id in self._runs.compared else Qt.Unchecked
        if role == Qt.AccessibleTextRole:
            return ", ".join(f"{name} {word}" for name, word in zip(COLUMNS, words, strict=True))
        if role == Qt.ToolTipRole:
            if column == 2:
                return run.model_details or None
            tip = run.note or TICK
            return f"{words[column]}\n{tip}" if column in WORDS else tip
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.EditRole) -> bool:
        """Tick or untick."""
        if role != Qt.CheckStateRole or not index.isValid() or index.column() != 0:
            return False
        self._runs.tick(self.rows[index.row()].id, value == Qt.Checked)
        return True

    def flags(self, index: QModelIndex) -> Qt.ItemFlags:
        """The first column can be ticked."""
        plain = super().flags(index)
        return plain | Qt.ItemIsUserCheckable if index.isValid() and index.column() == 0 else plain

    def filter(self, text: str) -> None:
        """List only runs that hold all these words."""
        self._words = text.lower().split()
        self._reload()

    def _reload(self) -> None:
        listed = [run for run in self._runs.runs if all(w in run.words for w in self._words)]
        self._cells = [cells(run) for run in listed]
        self.show_rows(listed)

    def _ticks_changed(self) -> None:
        self.tell_changed(0, Qt.CheckStateRole)


class RunsView(GivingTable):
    """The list. Space ticks, arrows choose, Delete is the page's."""

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(WORDS, parent)
        self._runs = runs
        self._rows = RunsModel(runs, self)
        self.setModel(self._rows)
        self.setAccessibleName("Runs")
        self.setTextElideMode(Qt.ElideMiddle)
        self.horizontalHeader().setMaximumSectionSize(LONGEST)
        self.horizontalHeader().setStretchLastSection(True)
        self.selectionModel().currentRowChanged.connect(self._chosen)
        self._rows.modelReset.connect(self.share_width)
        runs.changed.connect(self._show_current)
        runs.shown_changed.connect(self._show_current)
        self._show_current()

    def filter(self, text: str) -> None:
        """List only runs that hold all these words."""
        self._rows.filter(text)
        self._show_current()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space ticks the run wherever in its row the cursor is."""
        index = self.currentIndex()
        if event.key() == Qt.Key_Space and index.isValid():
            first = index.siblingAtColumn(0)
            ticked = first.data(Qt.CheckStateRole) == Qt.Checked
            self.model().setData(first, Qt.Unchecked if ticked else Qt.Checked, Qt.CheckStateRole)
            return
        super().keyPressEvent(event)

    def _chosen(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self._runs.select(self._rows.rows[current.row()].id)

    def _show_current(self) -> None:
        ids = [run.id for run in self._rows.rows]
        if self._runs.current_id not in ids:
            return
        row = ids.index(self._runs.current_id)
        if self.currentIndex().row() != row or not self.selectionModel().hasSelection():
            index = self.model().index(row, 0)
            self.selectionModel().setCurrentIndex(
                index, QItemSelectionModel.ClearAndSelect | QItemSelectionModel.Rows
            )
