"""Scores of true and false pairs, and what a threshold between them accepts."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from matplotlib.figure import Figure
from PyQt5.QtCore import QEvent, QPointF, QRectF, QSignalBlocker, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QPainter, QPalette, QPen
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.state.evaluation import FinishedRun, RunList
from app.state.words import decimals, score_text
from app.views.widgets.chart import Chart
from app.views.widgets.fields import decimal_number, push_button
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.evaluation.formats import percent
from qaconv_core.evaluation.operating import OperatingPoint
from qaconv_core.figures.distributions import score_distribution_figure
from qaconv_core.types import score_of_logit

EMPTY = "No run is chosen. Start one on the left, or choose one above."
WITHOUT = "This run kept no score distributions. Evaluate once more to see them."
GRIP = 12.0
"""Logical pixels around the line within which the mouse takes hold of it."""
_STEPS: dict[int, int] = {
    Qt.Key_Left: -1, Qt.Key_Right: 1, Qt.Key_Down: -1, Qt.Key_Up: 1,
    Qt.Key_PageDown: -10, Qt.Key_PageUp: 10,
}  # fmt: skip


class ScoresChart(Chart):
    """Two histograms and a threshold line. ``moved`` tells where the line was dragged to."""

    moved = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Score distributions with a threshold", EMPTY, parent)
        self.threshold = 0.0
        self.caption = ""
        self.ends = (0.0, 1.0)
        self._dragging = False
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMouseTracking(True)
        self.setToolTip(
            "Drag the line, or move it with the arrow keys (Shift: finer; Page Up and Down: "
            "further; Home and End: to the ends)."
        )

    def show_threshold(self, threshold: float, caption: str) -> None:
        """Put the line elsewhere; ``caption`` stands beside it."""
        self.threshold, self.caption = threshold, caption
        self.update_layer()

    def paint_layer(self, painter: QPainter) -> None:
        """The line with its grip."""
        colour = self.palette().color(QPalette.Highlight)
        assert self.canvas is not None
        low, high = self.canvas.figure.axes[0].get_ylim()
        foot, top = self.to_point(self.threshold, low), self.to_point(self.threshold, high)
        painter.setPen(QPen(colour, 3.0 if self.hasFocus() else 2.0))
        painter.drawLine(foot, top)
        painter.setBrush(colour)
        painter.setPen(Qt.NoPen)
        painter.drawRoundedRect(QRectF(foot.x() - 5, (foot.y() + top.y()) / 2 - 12, 10, 24), 4, 4)
        self._paint_caption(painter, top)

    def _paint_caption(self, painter: QPainter, top: QPointF) -> None:
        metrics = painter.fontMetrics()
        size = QRectF(0, 0, metrics.horizontalAdvance(self.caption) + 12, metrics.height() + 4)
        right = top.x() + 8 + size.width() < self.width()
        size.moveTopLeft(QPointF(top.x() + 8 if right else top.x() - 8 - size.width(), top.y() + 2))
        painter.setBrush(self.palette().color(QPalette.Base))
        painter.setPen(QPen(self.palette().color(QPalette.Highlight), 1.0))
        painter.drawRoundedRect(size, 4, 4)
        painter.setPen(self.palette().color(QPalette.Text))
        painter.drawText(size, Qt.AlignCenter, self.caption)

    # ── mouse and keys ──────────────────────────────────────────────────────────────────────────

    def _near(self, event: QMouseEvent) -> bool:
        if self.canvas is None:
            return False
        return abs(self.to_point(self.threshold, 0).x() - event.pos().x()) <= GRIP

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line; a click elsewhere brings it there."""
        if event.button() == Qt.LeftButton and self.canvas is not None:
            self._dragging = True
            if not self._near(event):
                self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the line, or show that it can be."""
        if self._dragging and event.buttons() & Qt.LeftButton:
            self._drag(event)
        else:
            self.setCursor(Qt.SplitHCursor if self._near(event) else Qt.ArrowCursor)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go."""
        self._dragging = False

    def _drag(self, event: QMouseEvent) -> None:
        self._move(self.to_data(QPointF(event.pos()))[0])

    def _move(self, threshold: float) -> None:
        low, high = self.ends
        self.moved.emit(min(high, max(low, threshold)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line by a two-hundredth of the range, or a two-thousandth with Shift."""
        low, high = self.ends
        if event.key() in _STEPS:
            share = 2000 if event.modifiers() & Qt.ShiftModifier else 200
            self._move(self.threshold + _STEPS[event.key()] * (high - low) / share)
        elif event.key() in (Qt.Key_Home, Qt.Key_End):
            self._move(low if event.key() == Qt.Key_Home else high)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Focus is seen in the line's width."""
        if event.type() in (QEvent.FocusIn, QEvent.FocusOut):
            self.update_layer()
        return bool(super().event(event))


class ScoresTab(QWidget):
    """The chart, and below it the threshold as a number, what it accepts, and marks to jump to."""

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self.run: FinishedRun | None = None
        self.point: OperatingPoint | None = None
        self.chart = ScoresChart()
        self.chart.moved.connect(self.set_threshold)
        tip = "Pairs with a larger logit are accepted as the same person."
        self.number = decimal_number("Threshold", tip, 0.0, 1e6, 1.0, digits=3, least=-1e6)
        self.number.setKeyboardTracking(False)
        self.number.valueChanged.connect(self.set_threshold)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.words.setAccessibleName("What the threshold accepts")
        self.marks = QHBoxLayout()
        self.mark_buttons: list[QPushButton] = []
        self.controls = QWidget()
        self._lay_out()
        runs.shown_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        self.marks.setContentsMargins(8, 0, 0, 0)
        row = in_row(QLabel("Threshold"), self.number, self.marks, None, spacing=-1)
        in_column(row, self.words, into=self.controls, margins=(8, 0, 8, 8), spacing=-1)
        in_column(self.chart, self.controls, into=self, grows=self.chart, spacing=-1)

    def refresh(self) -> None:
        """Show the current run."""
        run = self._runs.current
        if run is self.run and run is not None:
            return
        self.run, self.point = run, None
        self.chart.empty = EMPTY if run is None else WITHOUT
        self._rebuild_marks()
        operating = None if run is None else run.operating
        self.controls.setVisible(operating is not None)
        if operating is not None:
            ends = float(operating.thresholds[0]), float(operating.thresholds[-1])
            self.chart.ends = min(ends), max(ends)
            span = self.chart.ends[1] - self.chart.ends[0]
            self.number.setSingleStep(span / 200 or 0.1)
        self.chart.draw(self.maker())
        if operating is not None:
            self.set_threshold(self._first_threshold())

    def maker(self) -> Callable[[], Figure] | None:
        """What draws the distributions, in any thread; None where there are none."""
        if self.run is None or self.run.operating is None:
            return None
        separation, kind = self.run.report.separation, self._kind
        return lambda: score_distribution_figure(separation, kind)

    @property
    def _kind(self) -> str:
        return "logit" if self.run is not None and self.run.kind == "evaluate" else "score"

    def _roc(self) -> list[tuple[float, float]]:
        """(FPR target, threshold) of the marks that exist."""
        given = [] if self.run is None else self.run.report.separation.get("roc") or []
        pairs = [(point.get("target"), point.get("threshold")) for point in given]
        return [(float(f), float(t)) for f, t in pairs if f is not None and t is not None]

    def _first_threshold(self) -> float:
        middle = [threshold for target, threshold in self._roc() if math.isclose(target, 1e-2)]
        return middle[0] if middle else sum(self.chart.ends) / 2

    def _rebuild_marks(self) -> None:
        for button in self.mark_buttons:
            self.marks.removeWidget(button)
            button.deleteLater()
        self.mark_buttons = []
        for target, threshold in self._roc():
            button = push_button(
                f"FPR ≤ {100 * target:g} %",
                f"The lowest threshold that keeps the FPR at or under {target:g}.",
                partial(self.set_threshold, threshold),
            )
            self.marks.addWidget(button)
            self.mark_buttons.append(button)

    def set_threshold(self, threshold: float) -> None:
        """Accept pairs above another threshold."""
        if self.run is None or self.run.operating is None:
            return
        point = self.run.operating.at(threshold)
        self.point = point
        with QSignalBlocker(self.number):
            self.number.setValue(threshold)
        self.chart.show_threshold(
            threshold, f"TPR {percent(point.tpr)} %   FPR {_small_percent(point.fpr)} %"
        )
        self.words.setText(self._sentence(point))

    def _sentence(self, point: OperatingPoint) -> str:
        assert self.run is not None
        operating = self.run.operating
        assert operating is not None
        above = "above" if operating.larger_is_better else "below"
        nearly = "" if point.exact else "≈ "
        value = decimals(point.threshold, 3, signed=True)
        if self._kind == "logit":
            value = f"logit {value} (score {score_text(score_of_logit(point.threshold))})"
        return (
            f"{above.capitalize()} {value}: TPR {nearly}{percent(point.tpr)} % "
            f"({point.true_accepted:,} of {operating.positives:,} true pairs accepted), "
            f"FPR {nearly}{_small_percent(point.fpr)} % "
            f"({point.false_accepted:,} of {operating.negatives:,} false pairs accepted)."
        )


def _small_percent(share: float) -> str:
    """Percent with as many decimals as a small share needs."""
    if not math.isfinite(share) or share >= 0.01:
        return percent(share)
    return f"{100 * share:.3f}"
