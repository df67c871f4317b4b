"""What stands under a picture: title, truth, numbers, who, file."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette

from app.items.colours import truth_colour
from app.state import words
from app.state.scene import Panel

LEADING = 2.0


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
    """Title and truth in the first line, then the rest, centred; long names lose their middle."""
    ink = palette.color(QPalette.Active, QPalette.WindowText)
    faint = QColor(ink)
    faint.setAlphaF(0.72)
    _paint_title(painter, line_rect(area, font, 0), panel, bold(font), ink)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    for number, text in enumerate(panel.caption[1:], start=1):
        rect = line_rect(area, font, number)
        painter.setPen(ink if text.startswith("logit") else faint)
        painter.drawText(
            rect, Qt.AlignCenter, metrics.elidedText(text, Qt.ElideMiddle, rect.width())
        )


def _paint_title(painter: QPainter, rect: QRectF, panel: Panel, font: QFont, ink: QColor) -> None:
    metrics = QFontMetricsF(font)
    title = panel.caption[0] if panel.caption else ""
    colour = None if panel.truth is None else truth_colour(panel.truth)
    badge = "" if colour is None or panel.truth is None else words.truth_text(panel.truth)
    title_width = metrics.horizontalAdvance(title)
    badge_width = metrics.horizontalAdvance(badge) + 14 if badge else 0.0
    if badge and title_width + 8 + badge_width > rect.width():
        badge = badge.split(":")[0]
        badge_width = metrics.horizontalAdvance(badge) + 14
    left = rect.center().x() - (title_width + (8 + badge_width if badge else 0)) / 2
    painter.setFont(font)
    painter.setPen(ink)
    painter.drawText(
        QRectF(left, rect.top(), title_width + 2, rect.height()), Qt.AlignVCenter, title
    )
    if badge and colour is not None:
        place = QRectF(left + title_width + 8, rect.top() + 1, badge_width, rect.height() - 2)
        painter.setPen(Qt.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(place, place.height() / 2, place.height() / 2)
        painter.setBrush(Qt.NoBrush)
        painter.setPen(Qt.white)
        painter.drawText(place, Qt.AlignCenter, badge)
