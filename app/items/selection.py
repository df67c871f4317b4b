"""Outlines of what is chosen and of what has the focus, which leave the eye to pictures."""

from __future__ import annotations

from PyQt5.QtCore import QRect, QRectF, Qt
from PyQt5.QtGui import QPainter, QPalette, QPen
from PyQt5.QtWidgets import QStyle, QStyleOptionViewItem

from app.items.thumbnail import faded

ROUND, INSET = 4, 2
TINT, HOVER = 26, 20
"""How much of 255 the accent covers: where the keys are, and under the pointer."""


def draw_ground(
    painter: QPainter,
    option: QStyleOptionViewItem,
    current: bool = True,
    room: QRect | None = None,
) -> None:
    """Outline what is chosen in the accent colour; thinner where it is chosen besides another
    (not ``current``). It is tinted while its list has the keys. ``room`` is the place of the whole
    row or tile, unless it is that of the option."""
    chosen = bool(option.state & QStyle.State_Selected)
    pointed = bool(option.state & QStyle.State_MouseOver)
    if not (chosen or pointed):
        return
    accent = option.palette.color(QPalette.Active, QPalette.Highlight)
    keys = chosen and option.widget is not None and option.widget.hasFocus()
    painter.setPen(QPen(accent, 2 if current else 1) if chosen else Qt.NoPen)
    covers = TINT if keys else HOVER if pointed else 0
    painter.setBrush(faded(accent, covers) if covers else Qt.NoBrush)
    painter.drawRoundedRect(
        (room or option.rect).adjusted(INSET, INSET, -INSET, -INSET), ROUND, ROUND
    )


def draw_focus(painter: QPainter, room: QRect, palette: QPalette, width: int = 2) -> None:
    """Outline what has the focus, inside of its ``room``, by a line so many pixels wide."""
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setPen(QPen(palette.color(QPalette.Active, QPalette.Link), width))
    painter.setBrush(Qt.NoBrush)
    inset = width / 2
    painter.drawRoundedRect(QRectF(room).adjusted(inset, inset, -inset, -inset), width, width)
