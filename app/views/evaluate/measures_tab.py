"""Measures of the shown runs side by side, with how they were measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PyQt5.QtCore import QObject, Qt
from PyQt5.QtGui import QFont, QResizeEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPlainTextEdit,
    QSplitter,
    QTableView,
    QWidget,
)

from app.items.row_models import TableModel
from app.state.evaluation import FinishedRun, RunList
from app.views.widgets.layouts import in_splitter
from app.views.widgets.run_words import points
from app.views.widgets.table_style import show_as_rows, space_columns
from qaconv_core.evaluation.formats import percent
from qaconv_core.evaluation.protocol import origin_lines
from qaconv_core.evaluation.reports import HEADINGS, RANKS, method_label, set_name
from qaconv_core.readable import counted, shown
from qaconv_core.types import MethodResult

WORDS = ("Run", "Data set", "Model", "Method, in %")
METHOD = len(WORDS) - 1
CHANGES = ("ΔRank-1", "ΔmAP")
COLUMNS = (*WORDS, *HEADINGS, *CHANGES, "Valid")
TIPS = {
    "mAP": "Mean over valid queries of the average precision.",
    "mINP": "Mean inverse negative penalty (Ye et al. 2021): true matches over the rank of the "
    "last of them.",
    "ΔRank-1": "Percentage points more than the first shown run of this data set and method.",
    "ΔmAP": "Percentage points more than the first shown run of this data set and method.",
    "Valid": "Queries with a true match left in the gallery: all means run over them.",
}


@dataclass(frozen=True)
class Row:
    """One method of one run; ``base`` is what its changes refer to, ``mark`` its footnote."""

    run: FinishedRun
    result: MethodResult
    base: MethodResult | None
    mark: str

    @property
    def measures(self) -> list[float]:
        """In the order of the headings."""
        return [*(self.result.rank(k) for k in RANKS), self.result.mAP, self.result.mINP]

    def cells(self) -> list[str]:
        """In words."""
        base, report = self.base, self.run.report
        label = method_label(self.result.method) + (f" ≈{self.mark}" if self.mark else "")
        number = str(self.run.id) if self.run.id >= 0 else "not kept"
        changes = ["", ""]
        if base is not None:
            pairs = ((self.result.rank(1), base.rank(1)), (self.result.mAP, base.mAP))
            changes = [points(value - old) for value, old in pairs]
        valid = report.counts.valid_queries, report.counts.query
        return [
            number, set_name(report), self.run.model, label, *map(percent, self.measures), *changes,
            f"{valid[0]:,} of {valid[1]:,}",
        ]  # fmt: skip


def rows_of(runs: Sequence[FinishedRun]) -> tuple[list[Row], list[str]]:
    """A row for each run and method, and the texts of the footnotes."""
    notes: list[str] = []
    first: dict[tuple[str, str], MethodResult] = {}
    rows = []
    for run in runs:
        for result in run.report.results:
            mark = ""
            if result.approximation:
                if result.approximation not in notes:
                    notes.append(result.approximation)
                mark = str(notes.index(result.approximation) + 1)
            base = first.setdefault((run.report.dataset, result.method), result)
            rows.append(Row(run, result, None if base is result else base, mark))
    return rows, notes


class MeasuresModel(TableModel):
    """Rows of :func:`rows_of`; the best measure of each data set is bold where several compete."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, range(len(WORDS), len(COLUMNS)), parent)
        self._cells: list[list[str]] = []
        self._best: set[tuple[int, int]] = set()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other methods of runs."""
        self._cells, self._best = [row.cells() for row in rows], _best_cells(rows)
        super().show_rows(rows)

    def shown(self, row: int, column: int, role: int) -> Any:
        """Words, and what a screen reader says."""
        if role == Qt.DisplayRole:
            return self._words(row, column)
        if role == Qt.FontRole and (row, column) in self._best:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.AccessibleTextRole:
            return f"{COLUMNS[column]} {self._cells[row][column]}"
        if role == Qt.ToolTipRole and self.rows[row].mark and column == METHOD:
            return f"An approximation: {self.rows[row].result.approximation}"
        if role == Qt.ToolTipRole and column == 2:
            return self.rows[row].run.model_details or None
        return None

    def _words(self, row: int, column: int) -> str:
        """The words of a cell, less what the row above says already of the same run."""
        words = self._cells[row][column]
        if row == 0 or column >= len(WORDS) or self.rows[row].run is not self.rows[row - 1].run:
            return words
        above = method_label(self.rows[row - 1].result.method)
        return words.removeprefix(above).strip() if column == METHOD else ""

    def title_tip(self, column: int) -> str | None:
        """What a measure means."""
        name, share = COLUMNS[column], None
        if name.startswith("Rank"):
            share = "Share of valid queries with a true match among the first so many."
        return TIPS.get(name, share)


def _best_cells(rows: Sequence[Row]) -> set[tuple[int, int]]:
    best: set[tuple[int, int]] = set()
    for dataset in {row.run.report.dataset for row in rows}:
        places = [i for i, row in enumerate(rows) if row.run.report.dataset == dataset]
        if len(places) < 2:
            continue
        for column in range(len(HEADINGS)):
            values = {i: rows[i].measures[column] for i in places}
            known = [value for value in values.values() if math.isfinite(value)]
            if known and min(known) < max(known):
                top = round(max(known), 3)
                best |= {
                    (i, len(WORDS) + column)
                    for i, value in values.items()
                    if math.isfinite(value) and round(value, 3) == top
                }
    return best


class MeasuresTab(QSplitter):
    """The table over footnotes, notes and protocol."""

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Vertical, parent)
        self._runs = runs
        self.model = MeasuresModel(self)
        self.view = QTableView()
        show_as_rows(self.view)
        self.view.setSelectionMode(QAbstractItemView.ExtendedSelection)
        space_columns(self.view)
        self.view.setModel(self.model)
        self.view.setAccessibleName("Measures of the shown runs")
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        self.words = QPlainTextEdit()
        self.words.setReadOnly(True)
        self.words.setAccessibleName("Notes and protocol")
        self.words.setFrameShape(QPlainTextEdit.NoFrame)
        in_splitter(Qt.Vertical, self.view, self.words, stretches=(3, 2), into=self)
        self._moved = False
        self.splitterMoved.connect(self._remember)
        runs.shown_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the runs that are looked at."""
        rows, notes = rows_of(self._runs.shown)
        self.model.show_rows(rows)
        changes = any(row.base is not None for row in rows)
        for name in CHANGES:
            self.view.setColumnHidden(COLUMNS.index(name), not changes)
        self.words.setPlainText("\n".join(explanation(self._runs.shown, notes)))
        self._share_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room out anew."""
        super().resizeEvent(event)
        self._share_out()

    def _remember(self, _place: int, _handle: int) -> None:
        """Somebody has moved the handle: it stays where it is."""
        self._moved = True

    def _share_out(self) -> None:
        """The table as high as its rows, up to three fifths; how it was measured has the rest."""
        if self._moved:
            return
        lines = self.view.verticalHeader().defaultSectionSize() * (len(self.model.rows) + 2)
        wanted = min(lines + self.view.horizontalHeader().height(), 3 * self.height() // 5)
        self.setSizes([wanted, max(self.height() - wanted, 1)])


def explanation(runs: Sequence[FinishedRun], footnotes: Sequence[str]) -> list[str]:
    """Footnotes, the runs' notes, and how the numbers were measured."""
    lines = [f"≈{i}  an approximation: {shown(t)}" for i, t in enumerate(footnotes, start=1)]
    several = len(runs) > 1
    lines += _notes(runs)
    lines += [""] if lines and runs else []
    return lines + origin_lines([run.named_report(several) for run in runs])


def _notes(runs: Sequence[FinishedRun]) -> list[str]:
    """Each note once; with the runs it is about, unless it is about all of them."""
    about: dict[str, list[str]] = {}
    for run in runs:
        texts = [shown(note) for note in run.report.notes]
        if run.report.rejected:
            texts.append(f"{counted(len(run.report.rejected), 'file was', 'files were')} left out")
        for text in dict.fromkeys(texts):
            about.setdefault(text, []).append(run.title)
    return [
        text if len(titles) == len(runs) else f"{', '.join(titles)}: {text}"
        for text, titles in about.items()
    ]
