"""Weights of networks: what comes with the program, lies on this disk, or can be downloaded."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import (
    QDialogButtonBox,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.jobs.keeping import WeightsLists, WeightsRow, fetch_weights, list_weights
from app.jobs.runner import JobRunner
from app.state.values import Problem
from app.views.dialogs.job_dialog import JobDialog, dialog_buttons
from app.views.widgets.fields import named, push_button
from app.views.widgets.labels import MessageLine, plain_label
from app.views.widgets.layouts import in_column, in_row, size_on_screen
from app.views.widgets.table_style import space_columns
from app.views.widgets.work_strip import WorkStrip

COLUMNS = ("Name", "Size", "State", "Good for")
SIZE = COLUMNS.index("Size")
NUMBER = int(Qt.AlignRight | Qt.AlignVCenter)
NO_NETWORK = (
    "Nothing is fetched before you press Download. A file is checked against the publisher's "
    "SHA-256; a download that broke off goes on where it stopped."
)


class WeightsDialog(JobDialog):
    """The list, and a button that downloads the chosen weights.

    When the dialog closes, a download stops, and what has arrived stays.
    """

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__("Weights", runner, parent)
        size_on_screen(self, 920, 560)
        self.list = named(QTreeWidget(), "Weights", "What each is good for stands beside it.")
        self.list.setHeaderLabels(COLUMNS)
        self.list.setUniformRowHeights(True)
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(12)
        space_columns(self.list)
        titles = self.list.headerItem()
        assert titles is not None
        titles.setTextAlignment(SIZE, NUMBER)
        for column in range(3):
            self.list.header().setSectionResizeMode(column, QHeaderView.ResizeToContents)
        self.words = named(plain_label(), "What the chosen weights are good for")
        self.words.setMinimumHeight(2 * self.words.fontMetrics().lineSpacing())
        self.work = WorkStrip()
        self.message = MessageLine()
        self.download = push_button(
            "&Download", "Fetch the chosen weights from the internet.", self.fetch
        )
        self.download.setEnabled(False)
        self.buttons = dialog_buttons(self, QDialogButtonBox.Close)
        self.buttons.button(QDialogButtonBox.Close).setAutoDefault(False)  # Return downloads
        in_column(
            plain_label(NO_NETWORK), self.list, self.words, self.work, self.message,
            in_row(self.download, None, self.buttons), into=self, grows=self.list, margins=16,
        )  # fmt: skip
        self.list.currentItemChanged.connect(lambda *_: self._show_button())
        self.list.itemActivated.connect(lambda *_: self.fetch())
        self._list()

    # ── the list ────────────────────────────────────────────────────────────────────────────────

    def _list(self) -> None:
        self._jobs.replace(
            "list", "Looking for weights", list_weights, self._show, lane="files", quiet=True
        )

    def _show(self, lists: WeightsLists) -> None:
        chosen = self.chosen
        self.list.clear()
        for title, rows in lists:
            head = QTreeWidgetItem(self.list, [title if rows else f"{title}: nothing else"])
            font = QFont(self.font())
            font.setBold(True)
            head.setFont(0, font)
            head.setFlags(Qt.ItemIsEnabled)
            head.setFirstColumnSpanned(True)
            for row in rows:
                self._add(head, row, chosen)
        self.list.expandAll()
        self._show_button()

    def _add(self, head: QTreeWidgetItem, row: WeightsRow, chosen: WeightsRow | None) -> None:
        item = QTreeWidgetItem(head, [row.name, row.size, row.state, row.good_for])
        item.setData(0, Qt.UserRole, row)
        item.setTextAlignment(SIZE, NUMBER)
        for column in range(len(COLUMNS)):
            item.setToolTip(column, row.good_for if column == 3 else row.tip)
        if chosen is not None and chosen.weights is not None and row.name == chosen.name:
            self.list.setCurrentItem(item)

    @property
    def chosen(self) -> WeightsRow | None:
        """The line that is chosen; None for a heading."""
        item = self.list.currentItem()
        return None if item is None else item.data(0, Qt.UserRole)

    def _show_button(self) -> None:
        row = self.chosen
        self.words.setText("" if row is None else f"{row.name}: {row.good_for}.")
        can = row is not None and row.weights is not None and not self._jobs.has("fetch")
        self.download.setEnabled(can)
        resumes = row is not None and row.weights is not None and row.state == "broken off"
        self.download.setText("&Go on" if resumes else "&Download")

    # ── downloading ─────────────────────────────────────────────────────────────────────────────

    def fetch(self) -> None:
        """Download the chosen weights."""
        row = self.chosen
        if row is None or row.weights is None or self._jobs.has("fetch"):
            return
        weights = row.weights
        self.message.say("")

        def done(path: Path) -> None:
            self.message.say(
                f"{path}: whole, SHA-256 begins with {weights.sha256}, as published. Good for: "
                f"{weights.good_for}."
            )

        job = self._jobs.replace(
            "fetch", f"Downloading {weights.file_name}",
            lambda context: fetch_weights(weights, context), done, failed=self._failed,
            ended=self._list, lane="files",
        )  # fmt: skip
        self.work.add_job(job.title, job)
        self._show_button()

    def _failed(self, problem: Problem) -> bool:
        self.message.say(problem.message, warning=True)
        return True
