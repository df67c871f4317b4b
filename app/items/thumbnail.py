"""A small picture in a row or tile: undistorted, or what stands for it until it is there."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QRect, QSize, Qt
from PyQt5.QtGui import QColor, QImage, QPainter, QPalette, QPen

from app.jobs.images import ImageLoader


def fitted(size: QSize, room: QRect) -> QRect:
    """Where a picture of ``size`` stands in ``room``: as large as fits, centred."""
    scaled = size.scaled(room.size(), Qt.KeepAspectRatio)
    place = QRect(room.topLeft(), scaled)
    place.moveCenter(room.center())
    return place


def faded(colour: QColor, alpha: int) -> QColor:
    """The colour, let through by so much of 255."""
    out = QColor(colour)
    out.setAlpha(alpha)
    return out


def draw_thumbnail(
    painter: QPainter, room: QRect, path: Path, thumbnails: ImageLoader, palette: QPalette
) -> QRect:
    """Draw the picture of ``path``, or a placeholder; returns the rectangle that it covers.

    A picture that is not loaded yet is asked for; the caller paints again on ``loaded``.
    """
    image: QImage | None = thumbnails.get(path)
    if image is not None:
        place = fitted(image.size(), room)
        painter.drawImage(place, image)
        return place
    place = fitted(QSize(1, 2), room)
    painter.fillRect(place, faded(palette.color(QPalette.Text), 24))
    if thumbnails.fault(path):
        _draw_fault(painter, place, palette)
    return place


def _draw_fault(painter: QPainter, place: QRect, palette: QPalette) -> None:
    painter.setPen(QPen(faded(palette.color(QPalette.Text), 110), 1, Qt.DashLine))
    painter.drawRect(place.adjusted(0, 0, -1, -1))
    painter.setPen(faded(palette.color(QPalette.Text), 200))
    painter.drawText(place, Qt.AlignCenter | Qt.TextWordWrap, "not\nread")
