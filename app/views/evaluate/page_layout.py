"""How the evaluate page is laid out: the form, work under way, runs, what they show."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QWidget,
)

from app.state.evaluation import RunList
from app.views.evaluate.cameras_tab import CamerasTab
from app.views.evaluate.changes_tab import ChangesTab
from app.views.evaluate.measures_tab import MeasuresTab
from app.views.evaluate.queries_tab import QueriesTab
from app.views.evaluate.request_form import RequestForm
from app.views.evaluate.runs_list import RunsView
from app.views.evaluate.scores_tab import ScoresTab
from app.views.widgets.fields import line_edit, push_button
from app.views.widgets.labels import heading, quiet_label
from app.views.widgets.layouts import Splitter, boxed, in_column, in_row, in_splitter
from app.views.widgets.work_strip import WorkStrip

NO_RUNS = (
    "No runs yet.\n\nTick data sets on the left and press Start. Each evaluation is kept as a run: "
    "with its table, its CMC curve, the scores of true and false pairs, and the AP of every query. "
    "Tick several runs to compare them."
)


class PageContent(Splitter):
    """Everything on the page; what it does is the page's."""

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Horizontal, parent)
        self.form = RequestForm()
        self.work = WorkStrip()
        self.runs = RunsView(runs)
        self.delete_button = push_button(
            "Delete", "Delete the chosen run from the history.", name="Delete the chosen run"
        )
        self.name_button = push_button(
            "Name…", "Give the chosen run a name and a note.", name="Name the chosen run"
        )
        self.repeat_button = push_button(
            "Repeat", "Choose on the left what the chosen run was made with, to change one thing.",
            name="Repeat the chosen run",
        )  # fmt: skip
        self.filter = line_edit("Runs that hold", "List runs that hold these words.", "", "Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(180)
        self.filter.textChanged.connect(self.runs.filter)
        self.save_button = _menu_button("Save", "Save tables, figures and numbers.")
        self.copy_button = _menu_button("Copy", "Copy the table or the figure to the clipboard.")
        self.table = MeasuresTab(runs)
        self.cmc = self.table.cmc
        self.scores, self.queries = ScoresTab(runs), QueriesTab(runs)
        self.cameras, self.changes = CamerasTab(runs), ChangesTab(runs)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("What the shown runs found")
        for part, title, tip in (
            (self.table, "Measures", "Table and CMC curve of the shown runs."),
            (self.scores, "Scores", "Scores of true and false pairs, and a threshold."),
            (self.queries, "Queries", "AP of every query of the chosen run."),
            (self.changes, "Gains", "Two runs or methods, query by query."),
            (self.cameras, "Cameras", "Scores of strangers between any two cameras."),
        ):
            self.tabs.setTabToolTip(self.tabs.addTab(part, title), tip)
        self.empty = QLabel(NO_RUNS)
        self.empty.setAlignment(Qt.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setMargin(48)
        self.results = QStackedWidget()
        self.results.addWidget(self.empty)
        self.results.addWidget(self._results())
        in_splitter(Qt.Horizontal, self.form, self._right(), stretches=(0, 1), sizes=(320, 960),
                    into=self)  # fmt: skip

    def _right(self) -> QWidget:
        return boxed(in_column(self.work, self.results, grows=self.results, margins=(0, 8, 8, 0)))

    def _results(self) -> QWidget:
        hint = quiet_label("tick to compare, choose to look inside")
        buttons = (
            self.name_button, self.repeat_button, self.delete_button, self.copy_button,
            self.save_button,
        )  # fmt: skip
        head = in_row(heading("Runs"), hint, self.filter, *buttons, grows=hint, spacing=4)
        runs = boxed(in_column(head, self.runs, spacing=4))
        return in_splitter(Qt.Vertical, runs, self.tabs, stretches=(1, 4), sizes=(150, 550))

    def show_results(self, there: bool) -> None:
        """Runs and what they show, or what to do to have some."""
        self.results.setCurrentIndex(1 if there else 0)


def _menu_button(text: str, tip: str) -> QPushButton:
    button = push_button(text, tip, name=tip.rstrip("."))
    button.setMenu(QMenu(button))
    return button
