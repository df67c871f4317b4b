"""Two runs, or two methods, query by query: what was gained and lost leads to the query."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject, QSignalBlocker, Qt, pyqtSignal
from PyQt5.QtWidgets import QHeaderView, QLabel, QWidget

from app.items.row_models import TableModel
from app.state.evaluation import FinishedRun, RunList
from app.state.run_comparison import (
    QueryChange,
    RunResult,
    comparison_words,
    query_changes,
    results_of,
)
from app.state.words import ap_text
from app.views.evaluate.queries_tab import QueriesView
from app.views.widgets.fields import combo_box, line_edit
from app.views.widgets.labels import plain_label
from app.views.widgets.layouts import in_column, in_row

COLUMNS = ("Query", "AP before", "AP after", "Gained")
SIGNS = {"won": "▲", "lost": "▼", "same": "="}
LISTED = (("All queries", ""), ("Gained", "won"), ("Lost", "lost"))
TOO_FEW = "Tick two runs, or choose one with several methods, to see which queries gained and lost."


class ChangesModel(TableModel):
    """Queries in both results, the largest change first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, range(1, len(COLUMNS)), parent)

    def shown(self, row: int, column: int, role: int) -> Any:
        """Words, and what a screen reader says."""
        change: QueryChange = self.rows[row]
        words = (change.name, ap_text(change.before), ap_text(change.after), _gain(change))
        if role == Qt.DisplayRole:
            return words[column]
        if role == Qt.ToolTipRole:
            return change.path
        if role == Qt.AccessibleTextRole:
            return ", ".join(f"{name} {word}" for name, word in zip(COLUMNS, words, strict=True))
        return None


def _gain(change: QueryChange) -> str:
    sign = "" if change.outcome == "same" else "+" if change.gain > 0 else "−"
    return f"{SIGNS[change.outcome]} {sign}{abs(change.gain):.3f}"


class ChangesTab(QWidget):
    """``open_query`` carries the data set and file of the query that was clicked."""

    open_query = pyqtSignal(str, str)

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._shown: tuple[FinishedRun, ...] = ()
        self._results: list[RunResult] = []
        self._changes: tuple[QueryChange, ...] = ()
        self.before = combo_box("Before", "The run and method to compare from")
        self.after = combo_box("After", "The run and method to compare with it")
        self.outcome = combo_box("Which queries are listed", "Queries gained, lost or both", LISTED)
        self.text = line_edit("Files whose name holds", "", "", "File or person")
        self.text.setClearButtonEnabled(True)
        self.verdict = plain_label()
        self.verdict.setAccessibleName("What was gained and lost")
        self.model = ChangesModel(self)
        self.view = QueriesView(self.model)
        self.view.setAccessibleName("Queries, the largest change first")
        self._choice = in_row(
            QLabel("From"), self.before, QLabel("to"), self.after, self.outcome, self.text,
            grows=self.text,
        )  # fmt: skip
        in_column(self._choice, self.verdict, self.view, into=self, grows=self.view, margins=8)
        for box in (self.before, self.after):
            box.currentIndexChanged.connect(lambda _row: self._compare())
        self.outcome.currentIndexChanged.connect(lambda _row: self._list())
        self.text.textChanged.connect(lambda _text: self._list())
        self.view.picked.connect(self._open)
        runs.shown_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Offer the methods of the shown runs; at first the oldest against the newest."""
        shown = tuple(reversed(self._runs.shown))
        if shown == self._shown and self._results:
            return
        self._shown, self._results = shown, results_of(shown)
        places = (0, len(self._results) - 1)
        if len(shown) > 1:  # the same method of the first and the last run, if both have it
            same = [r.result.method for r in self._results if r.run is shown[0]]
            last = [i for i, r in enumerate(self._results) if r.run is shown[-1]
                    and r.result.method == same[0]]  # fmt: skip
            places = (0, last[0] if last else places[1])
        for box, place in zip((self.before, self.after), places, strict=True):
            with QSignalBlocker(box):
                box.clear()
                box.addItems([result.title for result in self._results])
                box.setCurrentIndex(place)
        self._compare()

    def _compare(self) -> None:
        two = len(self._results) > 1
        for widget in (self.before, self.after, self.outcome, self.text, self.view):
            widget.setEnabled(two)
        self._changes = ()
        if two:
            first, second = self.before.currentIndex(), self.after.currentIndex()
            self._changes = query_changes(self._results[first], self._results[second])
        self.verdict.setText(comparison_words(self._changes) if two else TOO_FEW)
        self._list()

    def _list(self) -> None:
        outcome, text = self.outcome.currentData(), self.text.text().strip().lower()
        rows = (c for c in self._changes if not outcome or c.outcome == outcome)
        self.model.show_rows(tuple(c for c in rows if text in c.name.lower()))
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.Stretch)

    def _open(self, row: int) -> None:
        run = self._results[self.before.currentIndex()].run
        self._runs.select(run.id)
        self.open_query.emit(run.report.dataset, self.model.rows[row].path)
