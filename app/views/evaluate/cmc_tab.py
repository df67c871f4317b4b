"""CMC curves of the shown runs."""

from __future__ import annotations

from dataclasses import replace

from PyQt5.QtCore import QSignalBlocker
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QLabel, QWidget

from app.state.evaluation import RunList
from app.views.widgets.chart import Chart
from app.views.widgets.fields import combo_box
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.evaluation.reports import method_label
from qaconv_core.figures.curves import cmc_figure, legend_beside
from qaconv_core.types import EvaluationReport

EMPTY = (
    "No run is shown. Start one on the left, or choose one above; tick several to see their "
    "curves together."
)
ALL = "all methods"
FIGURE_DPI = 100
"""Logical pixels of the chart to an inch of the figure."""
HEAD = 40
"""Pixels of height above the chart."""


class CmcTab(QWidget):
    """Share of valid queries found within the first k, one curve for each run and method."""

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._beside = False
        self.chart = Chart("CMC curve", EMPTY)
        tip = "Show the curves of all methods, or of one only."
        self.method = combo_box("Methods whose curves are shown", tip)
        self.method.currentIndexChanged.connect(lambda _row: self._draw())
        margins = (8, 8, 8, 0)
        head = in_row(QLabel("Curves of"), self.method, None, margins=margins, spacing=-1)
        in_column(head, self.chart, into=self, grows=self.chart, spacing=-1)
        runs.shown_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the runs that are looked at."""
        wanted = self.method.currentData()
        results = (result for run in self._runs.shown for result in run.report.results)
        methods = dict.fromkeys(result.method for result in results)
        with QSignalBlocker(self.method):
            self.method.clear()
            self.method.addItem(ALL, None)
            for method in methods:
                self.method.addItem(method_label(method), method)
            self.method.setCurrentIndex(max(0, self.method.findData(wanted)))
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move the legend where there is room."""
        super().resizeEvent(event)
        if self._fits_beside() != self._beside:
            self._draw()

    def _fits_beside(self) -> bool:
        """Whether the legend is to stand beside the axes."""
        width, height = self.width() / FIGURE_DPI, (self.height() - HEAD) / FIGURE_DPI
        return legend_beside(self.reports(), width, height)

    def _draw(self) -> None:
        self._beside = beside = self._fits_beside()
        reports = self.reports()
        self.chart.draw((lambda: cmc_figure(reports, beside=beside)) if reports else None)

    def reports(self) -> list[EvaluationReport]:
        """What is drawn: the shown runs with the chosen methods."""
        method, runs = self.method.currentData(), self._runs.shown
        reports = [run.named_report(len(runs) > 1) for run in runs]
        if method is None:
            return reports
        return [
            replace(report, results=tuple(r for r in report.results if r.method == method))
            for report in reports
        ]
