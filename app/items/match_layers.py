"""The layers of a match: pictures with heat maps, lines, and what answers to one cell.

Each function paints one layer of a :class:`Stage` with a painter; the canvas keeps the first two
as pixmaps and paints the last one anew whenever the pointer moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QImage, QPainter, QPalette

from app.items.captions import paint_caption
from app.items.colours import colour_of, heat_image, truth_colour
from app.items.match_painting import (
    between,
    cell_point,
    cell_rect,
    fitted,
    greyed,
    paint_cell,
    paint_dot,
    paint_frame,
    paint_grid,
    paint_heat,
    paint_line,
    paint_tag,
    rect_of,
    tag_rect,
    width_of,
)
from app.state import words
from app.state.framing import Box, Pane
from app.state.overlay import (
    SIMILARITIES,
    Answer,
    Lines,
    Scale,
    answer_of,
    heat_of,
    lines_of,
    scale_of,
)
from app.state.scene import Scene
from app.state.values import Cell, Look


@dataclass(frozen=True)
class Stage:
    """Everything that is painted, with its places.

    ``boxes`` are the whole pictures as zoomed, ``images`` None where a picture is still on its
    way, ``faults`` why it cannot be shown.
    """

    scene: Scene
    look: Look
    panes: tuple[Pane, ...]
    boxes: tuple[Box, ...]
    images: tuple[QImage | None, ...]
    faults: tuple[str, ...]

    @property
    def overlaid(self) -> bool:
        """Whether anything is drawn over the pictures."""
        return self.look.overlay and bool(self.scene.pairs)

    @property
    def scale(self) -> Scale:
        """Of the colours now shown: lines, heat maps or responses."""
        if self.look.mode == "hover":
            return SIMILARITIES
        kind = self.look.heat_of if self.look.mode == "heat" else self.look.colour_by
        scale = scale_of(kind, *(pair.match for pair in self.scene.pairs))
        if kind == "contribution" and self.look.mode != "heat" and self.look.direction == "mutual":
            return Scale(kind, 2 * scale.low, 2 * scale.high)  # two cells' contributions together
        return scale

    def lines(self) -> tuple[Lines, ...]:
        """The lines of every pair."""
        return tuple(lines_of(pair.match, self.look) for pair in self.scene.pairs)

    def sees(self, panel: int, at: QPointF) -> bool:
        """Whether a point lies in the visible part of a picture."""
        return self.panes[panel].clip.holds(at.x(), at.y())


@dataclass(frozen=True)
class Mark:
    """An answer on the screen: from a cell in one panel to its best match in another."""

    start: int
    end: int
    pair: int
    answer: Answer


def marks_of(scene: Scene, cell: Cell | None, which: int = 0) -> tuple[Mark, ...]:
    """Where a cell is matched: a query cell in every candidate, a candidate's in the query."""
    if cell is None:
        return ()
    found = []
    pairs = range(len(scene.pairs)) if cell.side == "query" else (which,)
    for number in pairs:
        query, gallery = scene.find(("query", 0)), scene.find(("gallery", number))
        if number >= len(scene.pairs) or query is None or gallery is None:
            continue
        answer = answer_of(scene.pairs[number], cell)
        if answer is not None:
            ends = (query, gallery) if cell.side == "query" else (gallery, query)
            found.append(Mark(*ends, number, answer))
    return tuple(found)


# ── pictures ────────────────────────────────────────────────────────────────────────────────────


def paint_pictures(
    painter: QPainter, stage: Stage, ratio: float, font: QFont, palette: QPalette
) -> None:
    """Pictures, heat maps, grids, frames and captions. ``ratio``: device pixels per pixel."""
    painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
    heat = stage.overlaid and stage.look.mode == "heat"
    for number, panel in enumerate(stage.scene.panels):
        painter.save()
        painter.setClipRect(rect_of(stage.panes[number].clip))
        _paint_picture(painter, stage, number, ratio, heat, palette)
        if heat:
            _paint_heat_map(painter, stage, number)
        _paint_edges(painter, stage, number, palette)
        painter.restore()
        paint_caption(painter, caption_rect(stage.panes[number]), panel, font, palette)


def caption_rect(pane: Pane) -> QRectF:
    """The room for a caption: under the clip, as wide as it, around the picture's middle."""
    middle = pane.home.x + pane.home.width / 2
    half = min(middle - pane.clip.x, pane.clip.x + pane.clip.width - middle) - 6
    top = pane.clip.y + pane.clip.height
    return QRectF(middle - half, top, 2 * half, 10_000)


def _paint_picture(
    painter: QPainter, stage: Stage, number: int, ratio: float, grey: bool, palette: QPalette
) -> None:
    image, box = stage.images[number], stage.boxes[number]
    if image is None:
        _paint_placeholder(painter, stage, number, palette)
        return
    picture = greyed(image) if grey else image
    pixmap = fitted(picture, box.width * ratio, box.height * ratio)
    painter.drawPixmap(rect_of(box), pixmap, QRectF(pixmap.rect()))


def _paint_placeholder(painter: QPainter, stage: Stage, number: int, palette: QPalette) -> None:
    """Where a picture will be, or why it will not."""
    panel, box = stage.scene.panels[number], rect_of(stage.panes[number].home)
    ink = palette.color(QPalette.Active, QPalette.WindowText)
    fill, faint = QColor(ink), QColor(ink)
    fill.setAlphaF(0.07)
    faint.setAlphaF(0.7)
    painter.setPen(Qt.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(box, 6, 6)
    painter.setBrush(Qt.NoBrush)
    painter.setPen(faint)
    text = panel.hint if panel.ref is None else stage.faults[number] or "Loading…"
    flags = int(Qt.AlignCenter) | int(Qt.TextWrapAnywhere)
    painter.drawText(box.adjusted(10, 10, -10, -10), flags, text)


def _paint_heat_map(painter: QPainter, stage: Stage, number: int) -> None:
    panel = stage.scene.panels[number]
    if panel.which < len(stage.scene.pairs) and stage.images[number] is not None:
        match = stage.scene.pairs[panel.which].match
        heat = heat_image(heat_of(match, panel.side, stage.look.heat_of), stage.scale)
        paint_heat(painter, stage.boxes[number], heat, stage.look.opacity)


def _paint_edges(painter: QPainter, stage: Stage, number: int, palette: QPalette) -> None:
    """The model's grid, and the frame that tells the truth."""
    panel, box = stage.scene.panels[number], stage.boxes[number]
    if panel.ref is None:
        return
    if stage.look.grid and stage.scene.pairs:
        paint_grid(painter, box, stage.scene.pairs[0].match.grid)
    colour = None if panel.truth is None else truth_colour(panel.truth)
    if colour is not None:
        paint_frame(painter, box, colour, 3.0)
    else:
        quiet = palette.color(QPalette.Active, QPalette.Mid)
        paint_frame(painter, box, quiet, 1.0)


# ── lines ───────────────────────────────────────────────────────────────────────────────────────


class Drawn(NamedTuple):
    """A line on the screen."""

    start: QPointF
    end: QPointF
    value: float


def lines_in_sight(stage: Stage) -> tuple[list[Drawn], int]:
    """Lines of all pairs, strongest first, and how many have an end out of sight."""
    seen: list[Drawn] = []
    hidden = 0
    for number, lines in enumerate(stage.lines()):
        query, gallery = stage.scene.find(("query", 0)), stage.scene.find(("gallery", number))
        if query is None or gallery is None:
            continue
        grid = stage.scene.pairs[number].match.grid
        for line, value in zip(lines.drawn, lines.values(), strict=True):
            start = cell_point(stage.boxes[query], line.query_cell, grid)
            end = cell_point(stage.boxes[gallery], line.gallery_cell, grid)
            if stage.sees(query, start) and stage.sees(gallery, end):
                seen.append(Drawn(start, end, float(value)))
            else:
                hidden += 1
    return seen, hidden


def paint_lines(painter: QPainter, stage: Stage) -> None:
    """All lines, weakest first, then their ends, so that no line covers a dot."""
    painter.setRenderHint(QPainter.Antialiasing)
    scale = stage.scale
    lines, _ = lines_in_sight(stage)
    looks = [(colour_of(x.value, scale), width_of(float(scale.strength(x.value)))) for x in lines]
    for line, look in zip(reversed(lines), reversed(looks), strict=True):
        paint_line(painter, line.start, line.end, *look)
    for line, look in zip(reversed(lines), reversed(looks), strict=True):
        paint_dot(painter, line.start, *look)
        paint_dot(painter, line.end, *look)


# ── what answers to a cell ──────────────────────────────────────────────────────────────────────


def paint_marks(
    painter: QPainter,
    stage: Stage,
    marks: Sequence[Mark],
    pinned: Cell | None,
    font: QFont,
    accent: QColor,
) -> None:
    """Squares of a cell and of its best matches, lines between them, and the numbers."""
    painter.setRenderHint(QPainter.Antialiasing)
    for mark in marks:
        start, end = mark_rects(stage, mark)
        if stage.sees(mark.start, start.center()) and stage.sees(mark.end, end.center()):
            paint_line(painter, *between(start, end), accent, 2.4)
    for mark in marks:
        start, end = mark_rects(stage, mark)
        for panel, rect, cell in (
            (mark.start, start, mark.answer.cell),
            (mark.end, end, mark.answer.best),
        ):
            painter.save()
            painter.setClipRect(rect_of(stage.panes[panel].clip))
            paint_cell(painter, rect, pinned == cell)
            painter.restore()
    for panel, rect, text in tags_of(stage, marks, font):
        if stage.sees(panel, rect.center()):
            paint_tag(painter, rect, text, font)


def mark_rects(stage: Stage, mark: Mark) -> tuple[QRectF, QRectF]:
    """The two cells of a mark on the screen."""
    grid = stage.scene.pairs[mark.pair].match.grid
    return (
        cell_rect(stage.boxes[mark.start], mark.answer.cell.number, grid),
        cell_rect(stage.boxes[mark.end], mark.answer.best.number, grid),
    )


def tags_of(stage: Stage, marks: Sequence[Mark], font: QFont) -> list[tuple[int, QRectF, str]]:
    """What the cell adds beside it, how similar the match is beside that: panel, place, text."""
    tags = []
    for mark in marks:
        start, end = mark_rects(stage, mark)
        similarity = words.similarity_text(mark.answer.similarity)
        adds = words.adds_text(mark.answer.adds)
        if len(marks) == 1:
            texts = [(mark.end, end, similarity), (mark.start, start, adds)]
        else:  # one query cell, two candidates: each says what the cell adds there
            texts = [(mark.end, end, f"{similarity}  {adds}")]
        for panel, rect, text in texts:
            bounds = rect_of(stage.panes[panel].clip)
            middle = (start.center().x() + end.center().x()) / 2
            outward = rect.center().x() < middle  # away from the line
            tags.append((panel, tag_rect(text, rect, bounds, font, outward), text))
    return tags


def paint_responses(
    painter: QPainter, stage: Stage, marks: Sequence[Mark], ratio: float, palette: QPalette
) -> None:
    """How well every place of the other picture answers to the cell."""
    for mark in marks:
        if stage.images[mark.end] is None:
            continue
        painter.save()
        painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
        painter.setClipRect(rect_of(stage.panes[mark.end].clip), Qt.IntersectClip)
        _paint_picture(painter, stage, mark.end, ratio, True, palette)
        heat = heat_image(stage.scene.pairs[mark.pair].responses(mark.answer.cell), stage.scale)
        paint_heat(painter, stage.boxes[mark.end], heat, stage.look.opacity)
        _paint_edges(painter, stage, mark.end, palette)
        painter.restore()
