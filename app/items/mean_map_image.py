"""A mean map over the average picture it belongs to: in lists, and large."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PyQt5.QtCore import QRect, QRectF, Qt
from PyQt5.QtGui import QImage, QPainter, QPalette, QPen

from app.items.colours import heat_image
from app.items.match_painting import cell_rect, fitted, greyed, paint_cell, paint_heat
from app.items.thumbnail import faded
from app.jobs.images import image_of as pixels_image
from app.state.framing import Box
from app.state.insights import Picture
from app.state.overlay import Scale
from qaconv_core.types import Grid

OPACITY = 0.7


def image_of(picture: Picture) -> QImage:
    """A picture (H, W, 3) for painting, greyed so that the map alone has colour."""
    return greyed(pixels_image(picture))


def paint_mean(
    painter: QPainter,
    room: QRect,
    values: npt.NDArray[np.floating],
    scale: Scale,
    picture: QImage | None,
    palette: QPalette,
) -> None:
    """The map in ``room``; a plain ground stands for a picture that is not there."""
    box = Box(room.x(), room.y(), room.width(), room.height())
    if picture is None:
        painter.fillRect(room, faded(palette.color(QPalette.Text), 24))
    else:
        ratio = painter.device().devicePixelRatioF()
        pixmap = fitted(picture, room.width() * ratio, room.height() * ratio)
        painter.drawPixmap(QRectF(room), pixmap, QRectF(pixmap.rect()))
    paint_heat(painter, box, heat_image(values, scale), OPACITY)
    painter.setPen(QPen(palette.color(QPalette.Mid), 1))
    painter.setBrush(Qt.NoBrush)
    painter.drawRect(room.adjusted(0, 0, -1, -1))


def paint_mark(painter: QPainter, room: QRect, cell: int, grid: Grid, pinned: bool) -> None:
    """The square of a cell."""
    box = Box(room.x(), room.y(), room.width(), room.height())
    paint_cell(painter, cell_rect(box, cell, grid), pinned)
