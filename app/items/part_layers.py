"""What was drawn on the pictures: the part searched by and where it was found, what is hidden."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from app.items.match_painting import DARK
from app.items.match_stage import Stage
from app.state.framing import Box
from qaconv_core.types import Bool

PART, PLAIN = QColor("#ffd23f"), QColor(255, 255, 255)
HIDDEN = QColor(24, 24, 26, 215)
HATCH = QColor(255, 255, 255, 70)
DIM = QColor(0, 0, 0, 140)


def paint_drawn(painter: QPainter, stage: Stage, number: int) -> None:
    """Over one picture: the rest of a part dimmed, its edge, hidden cells, cells that decide."""
    panel, box = stage.scene.panels[number], stage.boxes[number]
    if not stage.overlaid or panel.which >= len(stage.scene.pairs):
        return
    pair, drawn = stage.scene.pairs[panel.which], stage.scene.drawn
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing, False)
    shown = pair.part if panel.side == "query" else pair.found
    if shown is not None:
        if panel.side == "query":
            fill_cells(painter, box, ~shown, DIM)
        paint_outline(painter, box, shown, PART)
    hidden = drawn.hidden(panel.side) if not panel.which else None
    if hidden is not None:
        paint_hidden(painter, box, hidden)
    flips = None if drawn.regions is None else drawn.regions.flips.get(panel.key)
    if flips is not None:
        paint_outline(painter, box, flips, PLAIN)
    painter.restore()


def fill_cells(painter: QPainter, box: Box, cells: Bool, colour: QColor | QBrush) -> None:
    """One flat colour over cells (h, w)."""
    for rect in rects_of(cells, box):
        painter.fillRect(rect, QBrush(colour))


def rects_of(cells: Bool, box: Box) -> list[QRectF]:
    """The cells on the screen, on whole pixels, so that neighbours leave no seam."""
    rows, columns = cells.shape
    xs = [round(box.x + box.width * c / columns) for c in range(columns + 1)]
    ys = [round(box.y + box.height * r / rows) for r in range(rows + 1)]
    return [
        QRectF(QPointF(xs[column], ys[row]), QPointF(xs[column + 1], ys[row + 1]))
        for row, column in zip(*np.nonzero(cells), strict=True)
    ]


def paint_hidden(painter: QPainter, box: Box, cells: Bool) -> None:
    """Cells covered in dark, hatched: not to be taken for a dark piece of the picture."""
    fill_cells(painter, box, cells, HIDDEN)
    hatch = QBrush(HATCH, Qt.BDiagPattern)
    hatch.setTransform(QTransform.fromScale(1.2, 1.2))
    fill_cells(painter, box, cells, hatch)
    paint_outline(painter, box, cells, PLAIN)


def paint_outline(
    painter: QPainter, box: Box, cells: Bool, colour: QColor, width: float = 2.0
) -> None:
    """The edge around cells, with a dark rim so that it is seen on any picture."""
    path = QPainterPath()
    for rect in rects_of(cells, box):
        path.addRect(rect)
    edge = path.simplified()
    for ink, wide in ((DARK, width + 2.0), (colour, width)):
        painter.strokePath(edge, QPen(ink, wide, Qt.SolidLine, Qt.SquareCap, Qt.MiterJoin))


def paint_stroke(
    painter: QPainter,
    box: Box,
    clip: QRectF,
    tool: str,
    points: Sequence[tuple[float, float]],
    cells: Bool,
) -> None:
    """What is being drawn: the cells that it takes, and the line of the pointer."""
    painter.save()
    painter.setClipRect(clip)
    painter.setRenderHint(QPainter.Antialiasing, False)
    colour = PLAIN if tool == "hide" else PART
    faint = QColor(colour)
    faint.setAlpha(80)
    fill_cells(painter, box, cells, faint)
    paint_outline(painter, box, cells, colour)
    painter.setRenderHint(QPainter.Antialiasing)
    places = [QPointF(*box.at(*point)) for point in points]
    for ink, width in ((DARK, 3.0), (PLAIN, 1.2)):
        painter.setPen(QPen(ink, width, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
        if tool in ("box", "hide"):
            painter.drawRect(QRectF(places[0], places[-1]).normalized())
        elif tool == "lasso":
            painter.drawPolygon(QPolygonF(places))
        else:
            painter.drawPolyline(QPolygonF(places))
    painter.restore()
