"""Paints over the pictures: lines, dots, cells, tags, grids, frames.

What must be seen on any picture has a dark edge around a light one. Widths are logical pixels.
"""

from __future__ import annotations

from PyQt5.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPixmap

from app.state.framing import Box
from app.state.overlay import cell_centre, cell_place
from qaconv_core.types import Grid

DARK, LIGHT = QColor(0, 0, 0, 165), QColor(255, 255, 255, 225)
THIN, THICK = 1.4, 4.4
FINER = 16
"""Points along a cell of a smooth heat map."""
PALE, PALENESS = QColor(228, 228, 228), 0.373  # grey pictures from 85 to 245, as in figures


def rect_of(box: Box) -> QRectF:
    """A box as Qt's rectangle."""
    return QRectF(box.x, box.y, box.width, box.height)


def cell_rect(box: Box, number: int, grid: Grid) -> QRectF:
    """Where a cell of a picture lies on the screen."""
    place = cell_place(number, grid)
    left, top = box.at(place.x, place.y)
    return QRectF(left, top, place.width * box.width, place.height * box.height)


def cell_point(box: Box, number: int, grid: Grid) -> QPointF:
    """The middle of a cell on the screen."""
    return QPointF(*box.at(*cell_centre(number, grid)))


def width_of(strength: float) -> float:
    """How wide a line of that strength (0 to 1) is."""
    return THIN + (THICK - THIN) * strength


def greyed(image: QImage) -> QImage:
    """A picture without colour and paler, so that a heat map alone has colour."""
    grey = image.convertToFormat(QImage.Format_Grayscale8).convertToFormat(QImage.Format_RGB32)
    painter = QPainter(grey)
    painter.setOpacity(PALENESS)
    painter.fillRect(grey.rect(), PALE)
    painter.end()
    return grey


def fitted(image: QImage, width: float, height: float) -> QPixmap:
    """A picture for a place of so many device pixels; shrunk with care, enlarged by the painter."""
    columns, rows = max(1, round(width)), max(1, round(height))
    if columns < image.width() or rows < image.height():
        image = image.scaled(columns, rows, Qt.IgnoreAspectRatio, Qt.SmoothTransformation)
    return QPixmap.fromImage(image)


def paint_heat(
    painter: QPainter, box: Box, heat: QImage, opacity: float, smooth: bool = False
) -> None:
    """A heat map over a picture, one flat rectangle for each cell; ``smooth`` interpolates between
    the middles of cells."""
    painter.save()
    painter.setRenderHint(QPainter.SmoothPixmapTransform, False)
    painter.setOpacity(painter.opacity() * opacity)
    if smooth:
        heat = heat.scaled(
            heat.width() * FINER, heat.height() * FINER, Qt.IgnoreAspectRatio,
            Qt.SmoothTransformation,
        )  # fmt: skip
    painter.drawImage(rect_of(box), heat)
    painter.restore()


def paint_grid(painter: QPainter, box: Box, grid: Grid) -> None:
    """The model's grid: hairlines, light beside dark."""
    rows, columns = grid
    lines = [
        QLineF(QPointF(*box.at(0, r / rows)), QPointF(*box.at(1, r / rows))) for r in range(1, rows)
    ]
    lines += [
        QLineF(QPointF(*box.at(c / columns, 0)), QPointF(*box.at(c / columns, 1)))
        for c in range(1, columns)
    ]
    for colour, shift in ((QColor(0, 0, 0, 90), 0.5), (QColor(255, 255, 255, 120), -0.5)):
        painter.setPen(QPen(colour, 1.0))
        painter.drawLines([line.translated(shift, shift) for line in lines])


def paint_line(
    painter: QPainter, start: QPointF, end: QPointF, colour: QColor, width: float
) -> None:
    """A line with a dark and a light edge."""
    for extra, ink in ((3.0, DARK), (1.5, LIGHT), (0.0, colour)):
        # Flat ends: four times as fast as round ones, and dots or squares cover them.
        painter.setPen(QPen(ink, width + extra, Qt.SolidLine, Qt.FlatCap))
        painter.drawLine(start, end)


def paint_dot(painter: QPainter, at: QPointF, colour: QColor, width: float) -> None:
    """The end of a line, in the middle of its cell."""
    radius = 2.0 + width / 2
    painter.setPen(Qt.NoPen)
    for extra, ink in ((2.0, DARK), (1.2, LIGHT), (0.0, colour)):
        painter.setBrush(ink)
        painter.drawEllipse(at, radius + extra, radius + extra)
    painter.setBrush(Qt.NoBrush)


def paint_cell(painter: QPainter, rect: QRectF, pinned: bool = False) -> None:
    """The square of a cell; a pinned one is drawn heavier."""
    width = 2.5 if pinned else 1.5
    painter.setBrush(Qt.NoBrush)
    for grown, ink in ((width / 2 + 0.75, DARK), (0.0, LIGHT)):
        painter.setPen(QPen(ink, width, Qt.SolidLine, Qt.SquareCap, Qt.MiterJoin))
        painter.drawRect(rect.adjusted(-grown, -grown, grown, grown))


def tag_rect(
    text: str, at: QRectF, bounds: QRectF, font: QFont, leftward: bool, covered: QRectF
) -> QRectF:
    """Where a tag stands: beside a cell, on the other side where there is no room.

    Below what is ``covered`` by something else, where it would reach into that, or further in.
    """
    metrics = QFontMetricsF(font)
    width, height = metrics.horizontalAdvance(text) + 10, metrics.height() + 4
    right, left = at.right() + 6, at.left() - 6 - width
    if leftward:
        x = left if left >= bounds.left() else right
    else:
        x = right if right + width <= bounds.right() else left
    x = min(max(x, bounds.left() + 2), max(bounds.right() - width - 2, bounds.left() + 2))
    y = min(max(at.center().y() - height / 2, bounds.top()), bounds.bottom() - height)
    rect = QRectF(x, y, width, height)
    if not rect.intersects(covered):
        return rect
    if covered.bottom() + 2 + height <= bounds.bottom():
        rect.moveTop(covered.bottom() + 2)
    elif covered.center().x() > at.center().x():
        rect.moveRight(covered.left() - 2)
    else:
        rect.moveLeft(covered.right() + 2)
    return rect


def between(first: QRectF, second: QRectF) -> tuple[QPointF, QPointF]:
    """From the edge of one square to the edge of another, on the way between their middles."""
    return _edge(first, second.center()), _edge(second, first.center())


def _edge(rect: QRectF, towards: QPointF) -> QPointF:
    way = towards - rect.center()
    shares = [
        half / abs(part)
        for half, part in ((rect.width() / 2, way.x()), (rect.height() / 2, way.y()))
        if part
    ]
    return rect.center() + way * min([*shares, 1.0])


def paint_tag(painter: QPainter, rect: QRectF, text: str, font: QFont) -> None:
    """A number beside a cell: white on dark on any picture."""
    painter.setPen(Qt.NoPen)
    painter.setBrush(QColor(20, 20, 22, 215))
    painter.drawRoundedRect(rect, 4, 4)
    painter.setBrush(Qt.NoBrush)
    painter.setPen(Qt.white)
    painter.setFont(font)
    painter.drawText(rect, Qt.AlignCenter, text)


def paint_frame(painter: QPainter, box: Box, colour: QColor, width: float) -> None:
    """A frame just outside of a picture."""
    painter.setBrush(Qt.NoBrush)
    painter.setPen(QPen(colour, width, Qt.SolidLine, Qt.SquareCap, Qt.MiterJoin))
    grown = width / 2
    painter.drawRect(rect_of(box).adjusted(-grown, -grown, grown, grown))
