"""Measures of the shown runs side by side, with how they were measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PyQt5.QtCore import QObject, Qt
from PyQt5.QtGui import QFont, QPalette, QResizeEvent
from PyQt5.QtWidgets import (
    QWIDGETSIZE_MAX,
    QAbstractItemView,
    QSizePolicy,
    QWidget,
)

from app.items.row_models import TableModel
from app.state.evaluation import FinishedRun, RunList
from app.views.evaluate.cmc_tab import CmcTab
from app.views.widgets.giving_table import GivingTable
from app.views.widgets.grid_area import GridArea, empty_grid
from app.views.widgets.labels import fold_button, plain_label, sentence_case
from app.views.widgets.layouts import in_column, in_row, in_splitter
from app.views.widgets.run_words import points
from qaconv_core.evaluation.formats import percent
from qaconv_core.evaluation.protocol import origin_facts
from qaconv_core.evaluation.reports import HEADINGS, RANKS, method_label, set_name
from qaconv_core.readable import counted, shown
from qaconv_core.types import MethodResult

WORDS = ("Run", "Data set", "Model", "Method, in %")
METHOD = len(WORDS) - 1
GIVING = (METHOD, METHOD - 1, METHOD - 2)
"""Columns of words that give way to numbers: of the method, the model, the data set."""
CHANGES = ("ΔRank-1", "ΔmAP")
COLUMNS = (*WORDS, *HEADINGS, *CHANGES, "Valid")
LEAST_HEIGHT = 640
"""Pixels from which table, curve and protocol have room below each other."""
LEAST_CHART = 200
LEAST_CURVE = 400
"""Pixels of width that the curve takes beside the table."""
TIPS = {
    "mAP": "Mean over valid queries of the average precision.",
    "mINP": "Mean inverse negative penalty (Ye et al. 2021): true matches over the rank of the "
    "last of them.",
    "ΔRank-1": "Percentage points more than the first shown run of this data set and method.",
    "ΔmAP": "Percentage points more than the first shown run of this data set and method.",
    "Valid": "Queries with a true match left in the gallery: all means run over them.",
}

FACT_NAMES = {
    "ap": "AP",
    "junk": "Same camera (ignored)",
    "rerank": "Re-ranking",
    "tlift": "TLift",
}
"""Of the protocol; others are their keys in words."""


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
        if role == Qt.ToolTipRole and column == METHOD - 1 and self.rows[row].run.model_details:
            return self.rows[row].run.model_details
        if role == Qt.ToolTipRole and column in GIVING:
            return self._cells[row][column]
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


def _fact_name(name: str) -> str:
    """The words of a fact, after the data set that it is about, where there is one."""
    about, colon, key = name.rpartition(": ")
    return about + colon + FACT_NAMES.get(key, sentence_case(key.replace("_", " ")))


class Facts(GridArea):
    """Names and values, one below the other; values can be selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Protocol", parent)
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Ignored)
        self.facts: tuple[tuple[str, str], ...] = ()

    def show_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Show others."""
        if tuple(facts) == self.facts:
            return
        self.facts = tuple(facts)
        inner, grid = empty_grid(right=8, between=4, grows=1)
        for line, (name, value) in enumerate(facts):
            label = plain_label(_fact_name(name), wrap=False)
            label.setForegroundRole(QPalette.PlaceholderText)
            grid.addWidget(label, line, 0, Qt.AlignTop)
            grid.addWidget(plain_label(value), line, 1, Qt.AlignTop)
        grid.setRowStretch(len(facts), 1)
        self.setWidget(inner)


class MeasuresView(GivingTable):
    """The table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(GIVING, parent)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setTextElideMode(Qt.ElideRight)
        self.setAccessibleName("Measures of the shown runs")


class MeasuresTab(QWidget):
    """The table and the CMC curve, beside each other where there is room, else one above the other.

    Footnotes and notes stand below; the protocol folds out.
    """

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self.model = MeasuresModel(self)
        self.view = MeasuresView()
        self.view.setModel(self.model)
        self.cmc = CmcTab(runs)
        self.cmc.setMinimumHeight(LEAST_CHART)
        self.notes = plain_label()
        self.notes.setAccessibleName("Notes")
        self.fold, self.facts = fold_button("Protocol"), Facts()
        self.facts.hide()
        self.fold.toggled.connect(self._fold_out)
        self.splitter = in_splitter(Qt.Vertical, self.view, self.cmc, stretches=(0, 1))
        below = in_column(self.notes, self.fold, margins=(8, 0, 8, 0), spacing=4)
        self._folded = in_row(self.facts, margins=(8, 0, 0, 0))
        self._whole = in_column(self.splitter, below, self._folded, into=self, grows=self.splitter)
        self._whole.setStretchFactor(self.splitter, 2)
        runs.shown_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the runs that are looked at."""
        runs = self._runs.shown
        rows, footnotes = rows_of(runs)
        self.model.show_rows(rows)
        changes = any(row.base is not None for row in rows)
        for name in CHANGES:
            self.view.setColumnHidden(COLUMNS.index(name), not changes)
        lines = [f"≈{i}  an approximation: {shown(t)}" for i, t in enumerate(footnotes, start=1)]
        lines += [f"{run.title}: {run.note}" for run in runs if run.note]
        self.notes.setText("\n".join([*lines, *_notes(runs)]))
        self.notes.setVisible(bool(self.notes.text()))
        self.facts.show_facts(origin_facts([run.named_report(len(runs) > 1) for run in runs]))
        self.fold.setVisible(bool(runs))
        self._share_out()
        self.view.share_width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room out anew."""
        super().resizeEvent(event)
        self._share_out()

    def _fold_out(self, on: bool) -> None:
        """Show the protocol, or hide it."""
        self.facts.setVisible(on)
        self._whole.setStretchFactor(self._folded, int(on))
        self._share_out()

    def _share_out(self) -> None:
        """Beside each other where the table leaves the curve its least width; else the table as
        high as its rows, up to half. The protocol, where it is folded out, has a third; where
        there is little room it takes that of the curve."""
        low = self.height() < LEAST_HEIGHT and self.splitter.orientation() == Qt.Vertical
        alone = low and self.fold.isChecked()
        self.cmc.setHidden(alone)
        lines = self.view.verticalHeader().defaultSectionSize() * (len(self.model.rows) + 1)
        wanted = lines + self.view.horizontalHeader().height()
        self.splitter.setMaximumHeight(wanted if alone else QWIDGETSIZE_MAX)
        wide = sum(self.view.wanted().values()) + 4
        beside = self.width() >= wide + LEAST_CURVE
        orientation = Qt.Horizontal if beside else Qt.Vertical
        if orientation != self.splitter.orientation():
            self.splitter.setOrientation(orientation)
            self.splitter.moved = False
        if self.splitter.moved:
            return
        if beside:
            self.splitter.setSizes([wide, self.width() - wide])
            return
        wanted = min(wanted, self.splitter.height() // 2)
        self.splitter.setSizes([wanted, max(self.splitter.height() - wanted, 1)])


def _notes(runs: Sequence[FinishedRun]) -> list[str]:
    """Each note once; with the runs it is about, unless it is about all of them."""
    about: dict[str, list[str]] = {}
    for run in runs:
        texts = [sentence_case(shown(note)) for note in run.report.notes]
        if run.report.rejected:
            texts.append(f"{counted(len(run.report.rejected), 'file was', 'files were')} left out")
        for text in dict.fromkeys(texts):
            about.setdefault(text, []).append(run.title)
    return [
        text if len(titles) == len(runs) else f"{', '.join(titles)}: {text}"
        for text, titles in about.items()
    ]
