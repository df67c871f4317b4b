"""What each body part has for the false match: names, bars around zero, numbers."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette, QPen
from PyQt5.QtWidgets import QSizePolicy, QWidget

from app.items.colours import colour_of
from app.state.overlay import Scale
from app.state.words import adds_text

PAD = 3
MOST = 8
STEP = 0.7
"""Of the colours' ends: clear, but not the darkest."""


class PartBars(QWidget):
    """Bars of the parts that have most to say, whatever for; the part that misleads most first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parts: list[tuple[str, float]] = []
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)

    def show_parts(self, parts: dict[str, float]) -> None:
        """Show other parts."""
        largest = sorted(parts.items(), key=lambda item: -abs(item[1]))[:MOST]
        self.parts = sorted(largest, key=lambda item: -item[1])
        spoken = ", ".join(f"{name} {adds_text(value)}" for name, value in self.parts)
        self.setAccessibleName(f"Body parts: {spoken}" if spoken else "Body parts")
        self.updateGeometry()
        self.update()

    def _line(self) -> int:
        return self.fontMetrics().lineSpacing() + PAD

    def sizeHint(self) -> QSize:
        """A line for each part."""
        return QSize(280, self._line() * len(self.parts))

    def minimumSizeHint(self) -> QSize:
        """Names and numbers, and something of a bar."""
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Names to the left, bars from a common zero, numbers to the right."""
        if not self.parts:
            return
        painter = QPainter(self)
        metrics: QFontMetrics = self.fontMetrics()
        name_width = max(metrics.horizontalAdvance(name) for name, _ in self.parts) + 8
        number_width = metrics.horizontalAdvance("+00.00") + 8
        room = QRectF(name_width, 0, max(24, self.width() - name_width - number_width), 0)
        limit = max(abs(value) for _, value in self.parts) or 1.0
        low = min(0.0, *(value for _, value in self.parts)) / limit
        high = max(0.0, *(value for _, value in self.parts)) / limit
        unit = room.width() / (high - low)
        zero = room.left() - low * unit
        ink = self.palette().color(QPalette.WindowText)
        for row, (name, value) in enumerate(self.parts):
            top = row * self._line()
            line = QRectF(0, top, self.width(), self._line())
            painter.setPen(ink)
            painter.drawText(line, int(Qt.AlignLeft | Qt.AlignVCenter), name)
            painter.drawText(line, int(Qt.AlignRight | Qt.AlignVCenter), adds_text(value))
            reach = value / limit * unit
            bar = QRectF(min(zero, zero + reach), top + PAD, abs(reach), self._line() - 2 * PAD)
            sign = STEP if value > 0 else -STEP
            painter.fillRect(bar, colour_of(sign, Scale("misleads", -1.0, 1.0)))
        painter.setPen(QPen(self.palette().color(QPalette.Mid), 1))
        painter.drawLine(round(zero), 0, round(zero), self._line() * len(self.parts))
