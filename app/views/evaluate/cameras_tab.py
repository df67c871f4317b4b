"""What scores mean between any two cameras, and how sure a first candidate is."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.state.evaluation import RunList
from app.views.widgets.labels import plain_label, sentence_case
from app.views.widgets.layouts import in_column
from app.views.widgets.table_style import show_as_rows, space_columns
from qaconv_core.evaluation.camera_report import camera_matrix, first_line, matrix_title
from qaconv_core.evaluation.open_set import open_set_lines

WITHOUT = "This run knows no cameras. Runs of data sets whose cameras are known show them here."
OPEN_SET_TIP = (
    "Every query is asked twice: with its true matches in the gallery, and without them. Without "
    "them, a first candidate above the threshold is a false alarm."
)


class CamerasTab(QWidget):
    """The per-camera report and the open-set rates of the chosen run."""

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self.rates, self.title = plain_label(), plain_label()
        self.rates.setToolTip(OPEN_SET_TIP)
        self.rates.setAccessibleName("Detection and identification")
        self.view = QTableWidget()
        show_as_rows(self.view)
        space_columns(self.view)
        self.view.setAccessibleName("Scores of strangers between any two cameras")
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        parts = self.rates, self.title, self.view
        in_column(*parts, into=self, grows=self.view, margins=8)
        runs.shown_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the run that is looked at."""
        run = self._runs.current
        cameras = {} if run is None else run.report.cameras
        columns, rows = camera_matrix(cameras)
        lines = [] if run is None else [first_line(cameras), *open_set_lines(run.report.open_set)]
        self.rates.setText("\n".join(sentence_case(line) for line in lines if line))
        self.rates.setVisible(bool(self.rates.text()))
        self.title.setText(f"Logits: {matrix_title(cameras)}" if rows else WITHOUT)
        self.view.setVisible(bool(rows))
        self.view.setColumnCount(len(columns) + 1)
        for column, name in enumerate(["", *columns]):
            self.view.setHorizontalHeaderItem(column, _item(name, column))
        self.view.setRowCount(len(rows))
        for place, row in enumerate(rows):
            for column, text in enumerate(row):
                words = text.replace("-", "−") if column else text
                self.view.setItem(place, column, _item(words, column))


def _item(text: str, column: int) -> QTableWidgetItem:
    """A title stands where its numbers do."""
    item = QTableWidgetItem(text)
    side = Qt.AlignRight if column else Qt.AlignLeft
    item.setTextAlignment(int(side | Qt.AlignVCenter))
    return item
