"""AP of single queries: a chart and a table, both lead to the query itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from matplotlib.figure import Figure
from PyQt5.QtCore import (
    QItemSelectionModel,
    QObject,
    QPoint,
    QPointF,
    QSignalBlocker,
    Qt,
    pyqtSignal,
)
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QPainter, QPalette, QPen, QResizeEvent
from PyQt5.QtWidgets import (
    QHeaderView,
    QLabel,
    QTableView,
    QToolTip,
    QWidget,
)

from app.items.row_models import TableModel
from app.state.evaluation import FinishedRun, RunList
from app.state.words import ap_text
from app.views.widgets.chart import Chart
from app.views.widgets.fields import combo_box
from app.views.widgets.layouts import in_column, in_row, in_splitter
from app.views.widgets.table_style import show_as_rows, space_columns
from qaconv_core.evaluation.reports import method_label
from qaconv_core.figures.queries import ap_figure, worst_first
from qaconv_core.types import MethodResult

EMPTY = "No run is chosen. Start one on the left, or choose one above."
REACH = 14.0
"""Logical pixels within which a point is meant."""
TABLE_EDGE = 24
"""Pixels of the table beside its columns: frame and scroll bar."""


class QueriesModel(TableModel):
    """Valid queries of a run by AP of one method, the worst first; a column for each method."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(("Query",), (), parent)
        self.results: tuple[MethodResult, ...] = ()
        self._paths: tuple[str, ...] = ()

    def show_run(self, run: FinishedRun | None, method: int) -> None:
        """Show another run, or the same by another method."""
        self.beginResetModel()
        self.results = () if run is None else run.report.results
        self._paths = () if run is None else run.query_paths
        self.columns = ("Query", *map(self._title, range(len(self.results))))
        self.numbers = range(1, len(self.columns))
        self.rows = worst_first(self.results[method]).tolist() if self.results else []
        self.endResetModel()

    def path(self, row: int) -> str:
        """The file of a query, "" where the run did not keep it."""
        query = self.rows[row]
        return self._paths[query] if query < len(self._paths) else ""

    def name(self, row: int) -> str:
        """A query's file name, or its number."""
        return PurePath(self.path(row)).name or f"query {self.rows[row] + 1}"

    def _ap(self, row: int, column: int) -> str:
        ap, query = self.results[column - 1].ap, self.rows[row]
        return ap_text(float(ap[query])) if query < len(ap) else "–"

    def shown(self, row: int, column: int, role: int) -> Any:
        """Words, and what a screen reader says."""
        if role == Qt.DisplayRole:
            return self.name(row) if column == 0 else self._ap(row, column)
        if role == Qt.ToolTipRole:
            return self.path(row) or None
        if role == Qt.AccessibleTextRole:
            parts = (
                f"AP by {method_label(result.method)} {self._ap(row, number)}"
                for number, result in enumerate(self.results, start=1)
            )
            return ", ".join((self.name(row), *parts))
        return None

    def _title(self, number: int) -> str:
        """What a method adds: ``+ TLift`` for ``qaconv+rerank+tlift`` after ``qaconv+rerank``."""
        before = self.results[number - 1].method if number else ""
        label = method_label(self.results[number].method)
        return label.removeprefix(method_label(before)).strip() if before else label

    def title_tip(self, column: int) -> str | None:
        """Which AP a column shows."""
        if not column:
            return None
        return f"Average precision by {method_label(self.results[column - 1].method)}, in [0, 1]."


class QueriesChart(Chart):
    """Sorted AP. ``picked`` tells the place of the query whose point was clicked, from 0."""

    picked = pyqtSignal(int)

    def __init__(self, model: QueriesModel, parent: QWidget | None = None) -> None:
        super().__init__("AP of every query, the worst first", EMPTY, parent)
        self._model = model
        self.result: MethodResult | None = None
        self.marked: int | None = None
        self._hovered: int | None = None
        self.setMouseTracking(True)

    def place_at(self, point: QPoint) -> int | None:
        """The place of the query whose point is meant, None where none is."""
        if self.canvas is None or self.result is None or not self._model.rows:
            return None
        nearest = round(self.to_data(QPointF(point))[0]) - 1
        place = min(max(nearest, 0), len(self._model.rows) - 1)
        centre = self.point_of(place)
        across = abs(centre.x() - point.x())
        # The stem below a point belongs to it.
        above = centre.y() - point.y()
        return place if across <= REACH and above <= REACH else None

    def point_of(self, place: int) -> QPointF:
        """Where the point of a query lies in the chart."""
        assert self.result is not None
        return self.to_point(place + 1, float(self.result.ap[self._model.rows[place]]))

    def paint_layer(self, painter: QPainter) -> None:
        """Rings around the chosen point and the one under the mouse."""
        if self.result is None:
            return
        painter.setBrush(Qt.NoBrush)
        for place, width in ((self._hovered, 1.5), (self.marked, 2.5)):
            if place is not None and place < len(self._model.rows):
                painter.setPen(QPen(self.palette().color(QPalette.Highlight), width))
                painter.drawEllipse(self.point_of(place), 6.0, 6.0)

    def mark(self, place: int | None) -> None:
        """Ring the point of a query."""
        self.marked = place
        self.update_layer()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which query lies under the mouse."""
        self._hovered = self.place_at(event.pos())
        self.setCursor(Qt.ArrowCursor if self._hovered is None else Qt.PointingHandCursor)
        if self._hovered is not None and self.result is not None:
            ap = float(self.result.ap[self._model.rows[self._hovered]])
            text = f"{self._model.name(self._hovered)}\nAP {ap_text(ap)}"
            QToolTip.showText(event.globalPos(), text, self)
        else:
            QToolTip.hideText()
        self.update_layer()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open the query."""
        place = self.place_at(event.pos())
        if event.button() == Qt.LeftButton and place is not None:
            self.picked.emit(place)


class QueriesView(QTableView):
    """The table. ``picked`` tells the row that was clicked or entered."""

    picked = pyqtSignal(int)

    def __init__(self, model: TableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setAccessibleName("Queries, the worst first")
        show_as_rows(self)
        space_columns(self)
        self.setToolTip("Click a query, or press Return, to open it.")
        self.setTextElideMode(Qt.ElideMiddle)
        self.clicked.connect(lambda index: self.picked.emit(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens the query."""
        if event.key() in (Qt.Key_Return, Qt.Key_Enter) and self.currentIndex().isValid():
            self.picked.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)


class QueriesTab(QWidget):
    """Chart and table of the current run. ``open_query`` carries the run and the file."""

    open_query = pyqtSignal(object, str)

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self.run: FinishedRun | None = None
        self.model = QueriesModel(self)
        self.chart = QueriesChart(self.model)
        self.view = QueriesView(self.model)
        tip = "Queries are sorted by their AP under this method."
        self.method = combo_box("Method whose AP is shown", tip)
        self.note = QLabel()
        self._lay_out()
        self.method.currentIndexChanged.connect(lambda _row: self._show())
        for part in (self.chart, self.view):
            part.picked.connect(self._open)
        self.view.selectionModel().currentRowChanged.connect(
            lambda now, _before: self.chart.mark(now.row() if now.isValid() else None)
        )
        runs.shown_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        head = in_row(QLabel("By"), self.method, self.note,
                      grows=self.note, margins=(8, 8, 8, 0), spacing=-1)  # fmt: skip
        self.parts = in_splitter(Qt.Horizontal, self.chart, self.view, sizes=(500, 500))
        in_column(head, self.parts, into=self, grows=self.parts, spacing=-1)

    def _share_out(self) -> None:
        """The table as wide as its columns, up to half; the chart takes the rest."""
        if not self.parts.moved:
            wide = self.view.horizontalHeader().length() + TABLE_EDGE
            right = min(wide, self.parts.width() // 2)
            self.parts.setSizes([self.parts.width() - right, right])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room out anew."""
        super().resizeEvent(event)
        self._share_out()

    def refresh(self) -> None:
        """Show the current run."""
        run = self._runs.current
        if run is self.run and run is not None:
            return
        wanted = self.method.currentData()
        self.run = run
        methods = [] if run is None else [result.method for result in run.report.results]
        with QSignalBlocker(self.method):
            self.method.clear()
            for method in methods:
                self.method.addItem(method_label(method), method)
            self.method.setCurrentIndex(max(0, self.method.findData(wanted)))
        self._show()

    def _show(self) -> None:
        row = max(0, self.method.currentIndex())
        self.model.show_run(self.run, row)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeToContents)
        self._share_out()
        results = self.model.results
        self.chart.result = results[row] if results else None
        self.chart.mark(None)
        self.chart.draw(self.maker())
        kept = self.run is None or bool(self.run.query_paths)
        self.note.setText(
            "Click a query to open it." if kept else "This run did not keep its queries' files."
        )

    def maker(self) -> Callable[[], Figure] | None:
        """What draws the chart, in any thread; None where there is nothing to draw."""
        result = self.chart.result
        return None if result is None else lambda: ap_figure(result)

    def _open(self, row: int) -> None:
        index = self.model.index(row, 0)
        self.view.selectionModel().setCurrentIndex(
            index, QItemSelectionModel.ClearAndSelect | QItemSelectionModel.Rows
        )
        path = self.model.path(row)
        if self.run is not None and path:
            self.open_query.emit(self.run, path)
