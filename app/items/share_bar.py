"""A share as a thin bar on a faint ground."""

from __future__ import annotations

from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QColor, QPainter

from app.items.thumbnail import faded

BAR = 4
"""Pixels of height."""


def paint_share(
    painter: QPainter, room: QRectF, share: float | None, ink: QColor, colour: QColor
) -> None:
    """Along the foot of ``room``, ``share`` of it (in [0, 1]) in ``colour``, at least a pixel where
    it is more than nothing; the ground is ``ink``, faded."""
    bar = QRectF(room.left(), room.bottom() - BAR, room.width(), BAR)
    painter.fillRect(bar, faded(ink, 28))
    if share:
        bar.setWidth(max(1.0, share * room.width()))
        painter.fillRect(bar, colour)
