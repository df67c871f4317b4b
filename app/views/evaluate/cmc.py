"""CMC curves of the shown runs."""

from __future__ import annotations

from matplotlib.figure import Figure
from PyQt5.QtWidgets import QWidget

from app.state.evaluating import RunsBook
from app.views.evaluate.chart import Chart
from qaconv_core.figures.curves import cmc_figure

EMPTY = (
    "No run is shown. Start one on the left, or choose one above; tick several to see their "
    "curves together."
)


class CmcTab(Chart):
    """Share of valid queries found within the first k, one curve for each run and method."""

    def __init__(self, book: RunsBook, parent: QWidget | None = None) -> None:
        super().__init__("CMC curve", EMPTY, parent)
        self._book = book
        book.shown_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the runs that are looked at."""
        self.draw(self.figure)

    def figure(self) -> Figure | None:
        """The curves on white, as they are saved; None where no run is shown."""
        runs = self._book.shown
        if not runs:
            return None
        return cmc_figure([run.named_report(len(runs) > 1) for run in runs])
