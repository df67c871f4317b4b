"""What stands under a picture: title, truth, numbers, who, file."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette

from app.items.colours import truth_colour
from app.items.decision_marks import paint_decided
from app.items.fitted_text import fitted
from app.state import words
from app.state.scene import Panel

LEADING = 2.0
GAP = 8.0


def bold(font: QFont) -> QFont:
    """The same font, heavier."""
    heavy = QFont(font)
    heavy.setBold(True)
    return heavy


def caption_height(font: QFont, lines: int = 4) -> float:
    """Room for captions under the pictures."""
    return lines * (QFontMetricsF(bold(font)).height() + LEADING)


def line_rect(area: QRectF, font: QFont, number: int) -> QRectF:
    """Where a line of the caption stands."""
    height = QFontMetricsF(bold(font)).height() + LEADING
    return QRectF(area.left(), area.top() + number * height, area.width(), height)


def paint_caption(
    painter: QPainter, area: QRectF, panel: Panel, font: QFont, palette: QPalette
) -> None:
    """Title and truth in the first line, then the rest, centred. Where there is no room parts of a
    line go, and the middle of a name."""
    ink = palette.color(QPalette.Active, QPalette.WindowText)
    faint = QColor(ink)
    faint.setAlphaF(0.72)
    _paint_title(painter, line_rect(area, font, 0), panel, bold(font), ink)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    for number, text in enumerate(panel.caption[1:], start=1):
        rect = line_rect(area, font, number)
        painter.setPen(ink if text.startswith("logit") else faint)
        named = panel.ref is not None and text == panel.ref.path.name
        short = (
            metrics.elidedText(text, Qt.ElideMiddle, rect.width())
            if named
            else fitted(text, metrics, rect.width())
        )
        painter.drawText(rect, Qt.AlignCenter, short)


def _paint_title(painter: QPainter, rect: QRectF, panel: Panel, font: QFont, ink: QColor) -> None:
    """Title, badge of the decision, plate of the truth; words give way where there is no room."""
    metrics = QFontMetricsF(font)
    title = panel.caption[0] if panel.caption else ""
    colour = None if panel.truth is None else truth_colour(panel.truth)
    plate = "" if colour is None or panel.truth is None else words.truth_text(panel.truth)
    side = rect.height() if panel.decided else -GAP
    widths = (metrics.horizontalAdvance(title) + 2, side, _plate_width(plate, metrics))
    for shorter in (plate.split(":")[0], plate[:1]):
        if sum(widths) + 2 * GAP > rect.width() and plate:
            plate = shorter
            widths = (*widths[:2], _plate_width(plate, metrics))
    left = rect.center().x() - (sum(widths) + 2 * GAP) / 2
    painter.setFont(font)
    painter.setPen(ink)
    place = QRectF(left, rect.top(), widths[0], rect.height())
    painter.drawText(place, Qt.AlignVCenter, title)
    place = QRectF(place.right() + GAP, rect.top(), side, rect.height())
    if panel.decided:
        paint_decided(painter, place, panel.decided)
    if plate and colour is not None:
        place = QRectF(place.right() + GAP, rect.top() + 1, widths[2], rect.height() - 2)
        _paint_plate(painter, place, plate, colour)


def _plate_width(words: str, metrics: QFontMetricsF) -> float:
    return metrics.horizontalAdvance(words) + 14 if words else -GAP


def _paint_plate(painter: QPainter, place: QRectF, words: str, colour: QColor) -> None:
    painter.setPen(Qt.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(place, place.height() / 2, place.height() / 2)
    painter.setBrush(Qt.NoBrush)
    painter.setPen(Qt.white)
    painter.drawText(place, Qt.AlignCenter, words)
