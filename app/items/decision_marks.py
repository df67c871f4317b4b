"""The sign of a decision about a candidate: a round badge with signs of its own.

The truth is a square ✓ or ✕ on the picture's frame; a decision says "the same person" (=),
"somebody else" (≠) or "unsure" (?), so that a rejected true match can be read. It is drawn from
lines and does not depend on the font.
"""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPainterPath, QPen

from qaconv_core.figures.colours import DECISIONS

_EQUAL = (((0.3, 0.4), (0.7, 0.4)), ((0.3, 0.6), (0.7, 0.6)))
_STROKES = {"confirm": _EQUAL, "reject": (*_EQUAL, ((0.6, 0.24), (0.4, 0.76)))}


def paint_decided(painter: QPainter, place: QRectF, verdict: str) -> None:
    """A filled badge with a white sign, in the square ``place``; nothing for no verdict."""
    if verdict not in DECISIONS:
        return
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setPen(QPen(Qt.white, max(1.0, place.width() / 12)))
    painter.setBrush(QColor(DECISIONS[verdict]))
    painter.drawEllipse(place)
    paint_sign(painter, place, verdict, QColor(Qt.white))
    painter.restore()


def paint_sign(painter: QPainter, place: QRectF, verdict: str, ink: QColor) -> None:
    """The sign alone: equal, not equal, a question mark."""
    pen = QPen(ink, place.width() / 9, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.NoBrush)
    path = QPainterPath()
    for stroke in _STROKES.get(verdict, ()):
        points = [_at(place, *point) for point in stroke]
        path.moveTo(points[0])
        for point in points[1:]:
            path.lineTo(point)
    if verdict == "unsure":
        path = _question(place)
    painter.drawPath(path)
    if verdict == "unsure":
        painter.setPen(Qt.NoPen)
        painter.setBrush(ink)
        dot = place.width() / 14
        painter.drawEllipse(_at(place, 0.5, 0.75), dot, dot)


def _question(place: QRectF) -> QPainterPath:
    """The hook of a question mark; its dot is painted apart."""
    path = QPainterPath(_at(place, 0.36, 0.38))
    path.cubicTo(_at(place, 0.36, 0.18), _at(place, 0.66, 0.2), _at(place, 0.64, 0.39))
    path.cubicTo(_at(place, 0.63, 0.49), _at(place, 0.5, 0.48), _at(place, 0.5, 0.61))
    return path


def _at(place: QRectF, x: float, y: float) -> QPointF:
    return QPointF(place.x() + x * place.width(), place.y() + y * place.height())
