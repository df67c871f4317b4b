"""Paints a scene and the boxes of the people on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QImage, QPainter, QPen

from app.items.match_painting import DARK, LIGHT, fitted, paint_tag, rect_of, tag_rect
from app.items.thumbnail import faded
from app.state.framing import Box

GRIP = 7.0
"""Side of the square on a corner or edge that can be dragged, logical pixels."""


@dataclass(frozen=True)
class PersonMark:
    """A box on the screen: whether it is chosen, has the keys, is pointed at; words beside it."""

    rect: QRectF
    chosen: bool = False
    current: bool = False
    pointed: bool = False
    words: str = ""


def place_on(place: Box, size: tuple[int, int], x: float, y: float, w: float, h: float) -> QRectF:
    """Where a box of a scene of ``size`` pixels lies on the screen, the whole at ``place``."""
    scale = place.width / size[0]
    return QRectF(place.x + x * scale, place.y + y * scale, w * scale, h * scale)


def paint_scene(painter: QPainter, image: QImage, place: Box, room: QRectF) -> None:
    """The part of a scene that lies in ``room``; shrunk with care."""
    whole = rect_of(place)
    seen = whole.intersected(room)
    if seen.isEmpty():
        return
    across, down = image.width() / place.width, image.height() / place.height
    part = QRectF(
        (seen.x() - place.x) * across, (seen.y() - place.y) * down,
        seen.width() * across, seen.height() * down,
    )  # fmt: skip
    if across > 1:
        ratio = painter.device().devicePixelRatioF()
        cut = image.copy(part.toAlignedRect())
        pixmap = fitted(cut, seen.width() * ratio, seen.height() * ratio)
        painter.drawPixmap(seen, pixmap, QRectF(pixmap.rect()))
    else:
        painter.setRenderHint(QPainter.SmoothPixmapTransform, across > 0.25)
        painter.drawImage(seen, image, part)


def paint_people(
    painter: QPainter, marks: Sequence[PersonMark], accent: QColor, font: QFont, room: QRectF
) -> None:
    """All boxes; chosen ones in the accent colour, the current one with grips and words."""
    for mark in sorted(marks, key=lambda mark: (mark.chosen, mark.current)):
        _paint_box(painter, mark, accent)
    for mark in marks:
        if mark.current:
            _paint_grips(painter, mark.rect, accent)
    for mark in marks:
        if mark.words and (mark.current or mark.pointed):
            tag = tag_rect(mark.words, mark.rect, room, font, False, QRectF())
            paint_tag(painter, tag, mark.words, font)


def paint_drawn(painter: QPainter, rect: QRectF, accent: QColor) -> None:
    """A box that is being drawn."""
    _paint_box(painter, PersonMark(rect, chosen=True), accent)


def _paint_box(painter: QPainter, mark: PersonMark, accent: QColor) -> None:
    painter.setBrush(faded(accent, 26) if mark.chosen else Qt.NoBrush)
    painter.setPen(Qt.NoPen)
    painter.drawRect(mark.rect)
    painter.setBrush(Qt.NoBrush)
    width = 2.5 if mark.chosen or mark.pointed else 1.5
    for extra, ink in ((2.0, DARK), (0.0, accent if mark.chosen else LIGHT)):
        painter.setPen(QPen(ink, width + extra, Qt.SolidLine, Qt.SquareCap, Qt.MiterJoin))
        painter.drawRect(mark.rect)


def _paint_grips(painter: QPainter, rect: QRectF, accent: QColor) -> None:
    painter.setPen(QPen(accent, 1.5))
    painter.setBrush(Qt.white)
    middle = rect.center()
    xs, ys = (rect.left(), middle.x(), rect.right()), (rect.top(), middle.y(), rect.bottom())
    for x in xs:
        for y in ys:
            on_edge = (x != middle.x()) or (y != middle.y())
            inner = x == middle.x() or y == middle.y()
            if on_edge and not (inner and min(rect.width(), rect.height()) < 5 * GRIP):
                at = QPointF(x - GRIP / 2, y - GRIP / 2)
                painter.drawRect(QRectF(at.x(), at.y(), GRIP, GRIP))
    painter.setBrush(Qt.NoBrush)
