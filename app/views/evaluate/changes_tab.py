"""Two runs, or two methods, query by query: what was gained and lost leads to the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import QObject, QSignalBlocker, Qt, pyqtSignal
from PyQt5.QtWidgets import QHeaderView, QLabel, QWidget

from app.items.row_models import TableModel
from app.state.evaluation import FinishedRun, RunList
from app.state.run_comparison import (
    QueryCameras,
    QueryChange,
    RunResult,
    comparison_words,
    query_changes,
    results_of,
)
from app.state.words import ap_text
from app.views.evaluate.queries_tab import QueriesView
from app.views.widgets.fields import combo_box, line_edit
from app.views.widgets.filter_choices import CameraChoice, camera_chip
from app.views.widgets.filter_field import ChipText, FilterField
from app.views.widgets.labels import heading, plain_label
from app.views.widgets.layouts import boxed, in_column, in_row
from qaconv_core.types import UNKNOWN

COLUMNS = ("Query", "AP before", "AP after", "Gained")
SIGNS = {"won": "▲", "lost": "▼", "same": "="}
LISTED = (("All queries", ""), ("Gained", "won"), ("Lost", "lost"))
NOT_OPEN = "Open the data set of these runs to filter by camera."
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


class CameraFilter(FilterField):
    """Which queries are listed by cameras: their own, and those of their true matches.

    ``changed``: others were chosen. Both are known once the set is open.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        self.queries, self.matches = CameraChoice(), CameraChoice()
        content = boxed(in_row(
            *(in_column(heading(title), choice, None, spacing=6) for title, choice in (
                ("Cameras of queries", self.queries), ("Cameras of true matches", self.matches))),
            margins=12, spacing=16,
        ))  # fmt: skip
        super().__init__("Choose of which camera pairs queries are listed.", content, parent)
        self._cameras: QueryCameras = {}
        self._chosen: dict[str, frozenset[int] | None] = {"queries": None, "matches": None}
        self.queries.chosen.connect(lambda camids: self._choose("queries", camids))
        self.matches.chosen.connect(lambda camids: self._choose("matches", camids))
        self.removed.connect(lambda key: self._choose(key, None))
        self.know({}, {})

    def know(self, cameras: QueryCameras, names: Mapping[int, str]) -> None:
        """The cameras of the open set's queries, by file, and the names of those that have any."""
        self._cameras, self._names = cameras, names
        self.queries.set_cameras([camera for camera, _others in cameras.values()], names)
        others = [c for _camera, others in cameras.values() for c in others]
        self.matches.set_cameras(others, names)
        self.setEnabled(bool(cameras))
        self.setToolTip("" if cameras else NOT_OPEN)
        for key in self._chosen:
            self._choose(key, None)

    def lists(self, path: str) -> bool:
        """Whether a query is listed."""
        queries, matches = self._chosen["queries"], self._chosen["matches"]
        if queries is None and matches is None:
            return True
        camera, others = self._cameras.get(path, (UNKNOWN, frozenset()))
        fits = queries is None or camera in queries
        return fits and (matches is None or bool(matches & others))

    def _choose(self, key: str, camids: frozenset[int] | None) -> None:
        self._chosen[key] = camids
        (self.queries if key == "queries" else self.matches).show_chosen(camids)
        names = {"queries": "query", "matches": "true match"}
        chips = [(name, chip) for name, chosen in self._chosen.items()
                 for chip in camera_chip(chosen, self._names)]  # fmt: skip
        self.show_chips(tuple(
            ChipText(name, f"{names[name]}: {chip.words}", f"{chip.tip} ({names[name]})")
            for name, chip in chips
        ))  # fmt: skip
        self.changed.emit()


class ChangesTab(QWidget):
    """``opened`` carries the two results (:class:`~app.state.run_comparison.RunResult`) and the
    change of the query that was clicked."""

    opened = pyqtSignal(object, object, object)

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
        self.cameras = CameraFilter()
        self.verdict = plain_label()
        self.verdict.setAccessibleName("What was gained and lost")
        self.model = ChangesModel(self)
        self.view = QueriesView(self.model)
        self.view.setAccessibleName("Queries, the largest change first")
        self._choice = in_row(
            QLabel("From"), self.before, QLabel("to"), self.after, None,
        )  # fmt: skip
        filters = in_row(self.outcome, self.cameras, self.text, grows=self.cameras)
        self.text.setMaximumWidth(240)
        in_column(
            self._choice, filters, self.verdict, self.view, into=self, grows=self.view, margins=8
        )
        for box in (self.before, self.after):
            box.currentIndexChanged.connect(lambda _row: self._compare())
        self.outcome.currentIndexChanged.connect(lambda _row: self._list())
        self.text.textChanged.connect(lambda _text: self._list())
        self.cameras.changed.connect(self._list)
        self.view.picked.connect(self._open)
        runs.shown_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Offer the methods of the shown runs; at first the oldest against the newest.

        Of several runs that is the last method of each; of one run, its first against its last.
        """
        shown = tuple(reversed(self._runs.shown))
        if shown == self._shown and self._results:
            return
        self._shown, self._results = shown, results_of(shown)
        places = (0, len(self._results) - 1)
        if len(shown) > 1:
            places = (len(shown[0].report.results) - 1, places[1])
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
        self._list()

    def _list(self) -> None:
        outcome, text = self.outcome.currentData(), self.text.text().strip().lower()
        rows = (c for c in self._changes if not outcome or c.outcome == outcome)
        listed = tuple(c for c in rows if text in c.name.lower() and self.cameras.lists(c.path))
        self.model.show_rows(listed)
        some = f" {len(listed):,} listed." if len(listed) < len(self._changes) else ""
        two = len(self._results) > 1
        self.verdict.setText(comparison_words(self._changes) + some if two else TOO_FEW)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeToContents)

    def _open(self, row: int) -> None:
        first, second = (self._results[box.currentIndex()] for box in (self.before, self.after))
        self.opened.emit(first, second, self.model.rows[row])
