"""A flat colour bar with the numbers of its ends."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QImage, QPainter, QPaintEvent, QPalette, QPen
from PyQt5.QtWidgets import QSizePolicy, QWidget

from app.items.colours import STEPS, table
from app.state import words
from app.state.overlay import Scale

NAMES = {
    "contribution": "adds to the logit",
    "relative": "contribution above average",
    "strangers": "deviations above strangers",
    "similarity": "similarity",
    "hiding": "change if hidden",
    "lead": "lead if hidden",
    "misleads": "false − true",
    "difference": "difference over the query",
}
TIPS = {
    "contribution": words.ADDS,
    "relative": words.BEYOND,
    "strangers": words.ABOVE_STRANGERS,
    "similarity": words.SIMILARITY,
    "hiding": words.HIDING,
    "lead": words.HIDING,
    "misleads": words.MISLEADS,
    "difference": words.COMPARED,
}
BAR_WIDTH, BAR_HEIGHT = 88, 10


class ColourBar(QWidget):
    """Lower end, colours, upper end, in one line; contributions have a tick at zero.

    ``named`` puts the name of what is coloured before it; it is in the tooltip in any case.
    """

    def __init__(self, parent: QWidget | None = None, named: bool = True) -> None:
        super().__init__(parent)
        self._scale: Scale | None = None
        self._named = named
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)

    def show_scale(self, scale: Scale | None) -> None:
        """Show another scale; None: nothing has colours now."""
        if scale == self._scale:
            return
        self._scale = scale
        if scale is not None:
            low, high = self.ends
            self.setAccessibleName(f"Colours: {NAMES[scale.kind]}, from {low} to {high}")
            self.setToolTip(f"Colours: {NAMES[scale.kind]}.\n{TIPS[scale.kind]}")
        self.updateGeometry()
        self.update()

    @property
    def ends(self) -> tuple[str, str]:
        """The numbers at the two ends."""
        if self._scale is None:
            return "", ""
        if self._scale.kind == "similarity":
            return "≤ 0", "1"
        return words.adds_text(self._scale.low), words.adds_text(self._scale.high)

    def sizeHint(self) -> QSize:
        """Room for name, numbers and colours."""
        metrics = self.fontMetrics()
        if self._scale is None:
            return QSize(0, metrics.height() + 2)
        name = metrics.horizontalAdvance(NAMES[self._scale.kind]) + 10 if self._named else 0
        low, _ = self.ends
        width = name + metrics.horizontalAdvance(low) + 6 + BAR_WIDTH + 6 + self._upper()
        return QSize(width, metrics.height() + 2)

    def _upper(self) -> int:
        """Pixels of the number at the upper end, or of a usual one where that is shorter."""
        return max(map(self.fontMetrics().horizontalAdvance, ("+00.00", self.ends[1])))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Right-aligned, so that the bar stays where it is when the numbers change."""
        if self._scale is None:
            return
        painter = QPainter(self)
        metrics, (low, high) = self.fontMetrics(), self.ends
        right = self.width() - self._upper() - 6
        bar = QRectF(right - BAR_WIDTH, (self.height() - BAR_HEIGHT) / 2, BAR_WIDTH, BAR_HEIGHT)
        colours = table(self._scale.kind)
        image = QImage(colours.data, STEPS, 1, 4 * STEPS, QImage.Format_RGBA8888)  # type: ignore[call-overload]  # stub: bytes only
        painter.drawImage(bar, image)
        ink = self.palette().color(QPalette.WindowText)
        painter.setPen(QPen(ink, 1))
        if self._scale.diverging:
            middle = round(bar.center().x())
            painter.drawLine(middle, int(bar.top()) - 2, middle, int(bar.bottom()) + 2)
        centre = int(Qt.AlignVCenter)
        painter.drawText(QRectF(right + 6, 0, 200, self.height()), centre, high)
        left = bar.left() - 6
        painter.drawText(QRectF(0, 0, left, self.height()), centre | int(Qt.AlignRight), low)
        if not self._named:
            return
        left -= metrics.horizontalAdvance(low) + 10
        ink.setAlphaF(0.72)
        painter.setPen(ink)
        name = NAMES[self._scale.kind]
        painter.drawText(QRectF(0, 0, left, self.height()), centre | int(Qt.AlignRight), name)
