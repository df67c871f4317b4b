"""The layers of a match: pictures with heat maps, lines, and the matches of one cell.

Each function paints one layer of a :class:`~app.items.match_stage.Stage`. The canvas keeps
pictures, grey pictures and lines as pixmaps and paints the rest whenever the pointer moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QImage, QPainter, QPalette, QPixmap, QRegion

from app.items.adjusted import adjusted
from app.items.captions import paint_caption
from app.items.colours import colour_of, heat_image, line_colour, truth_colour
from app.items.match_painting import (
    between,
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
    width_of,
)
from app.items.match_stage import (
    Mark,
    Stage,
    before_lines,
    mark_rects,
    tags_of,
)
from app.items.part_layers import paint_drawn
from app.state.framing import Box
from app.state.overlay import heat_of
from app.state.values import EACH, Adjustment, Cell
from qaconv_core.caching import LruCache

_adjusted: LruCache[tuple[object, ...], QImage] = LruCache(8)

# ── pictures ────────────────────────────────────────────────────────────────────────────────────


def paint_pictures(
    painter: QPainter, stage: Stage, ratio: float, font: QFont, palette: QPalette
) -> None:
    """Pictures, heat maps, grids, frames and captions. ``ratio``: device pixels per pixel."""
    painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
    regions = stage.scene.drawn.regions
    heat = stage.overlaid and (stage.look.mode == "heat" or regions is not None)
    for number, panel in enumerate(stage.scene.panels):
        painter.save()
        painter.setClipRect(rect_of(stage.panes[number].clip))
        mapped = heat or (panel.side == "query" and stage.overlaid and stage.scene.why is not None)
        _paint_picture(painter, stage, number, ratio, mapped, palette)
        if heat:
            _paint_heat_map(painter, stage, number)
        elif panel.side == "query":
            _paint_difference(painter, stage, number)
        paint_drawn(painter, stage, number)
        _paint_edges(painter, stage, number, palette)
        painter.restore()
        place = rect_of(stage.panes[number].words)
        short = replace(panel, caption=panel.caption[: stage.caption_lines])
        paint_caption(painter, place, short, font, palette)


def _paint_picture(
    painter: QPainter, stage: Stage, number: int, ratio: float, grey: bool, palette: QPalette
) -> None:
    image, box = stage.images[number], stage.boxes[number]
    if image is None:
        _paint_placeholder(painter, stage, number, palette)
        return
    size = box.width * ratio, box.height * ratio
    pixmap = _pixmap(image, *size, grey, stage.look.adjust)
    painter.drawPixmap(rect_of(box), pixmap, QRectF(pixmap.rect()))
    if stage.look.swipe == "original" and stage.look.adjust != Adjustment():
        home = stage.panes[number].home
        painter.save()
        left = QRectF(0.0, 0.0, home.at(stage.swipe_at, 0.0)[0], 1e6)
        painter.setClipRect(left, Qt.IntersectClip)
        plain = _pixmap(image, *size, grey, Adjustment())
        painter.drawPixmap(rect_of(box), plain, QRectF(plain.rect()))
        painter.restore()


def _pixmap(image: QImage, width: float, height: float, grey: bool, adjust: Adjustment) -> QPixmap:
    """A picture for a place of so many device pixels. What is adjusted is kept: a picture is
    painted anew whenever it is zoomed or dragged."""
    if adjust == Adjustment():
        return fitted(greyed(image) if grey else image, width, height)
    key = image.cacheKey(), round(width), round(height), grey, adjust
    found = _adjusted.get(key)
    if found is None:  # at the screen's size, which is the smaller one
        plain = fitted(greyed(image) if grey else image, width, height)
        found = adjusted(plain.toImage(), adjust)
        _adjusted.put(key, found)
    return QPixmap.fromImage(found)


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
    fault = "" if panel.ref is None else stage.faults[number]
    text = panel.hint if panel.ref is None else fault or "Loading…"
    # A fault names a file, which may be one long word.
    flags = int(Qt.AlignCenter) | int(Qt.TextWrapAnywhere if fault else Qt.TextWordWrap)
    painter.drawText(box.adjusted(10, 10, -10, -10), flags, text)


def _paint_heat_map(painter: QPainter, stage: Stage, number: int) -> None:
    panel = stage.scene.panels[number]
    if panel.which < len(stage.scene.pairs) and stage.images[number] is not None:
        regions, scale = stage.scene.drawn.regions, stage.scale
        pair = stage.scene.pairs[panel.which]
        values = (
            heat_of(pair.match, panel.side, scale.kind, pair.relative)
            if regions is None
            else regions.changes.get(panel.key)
        )
        if values is None:
            return
        heat = heat_image(values, scale)
        paint_heat(painter, stage.boxes[number], heat, stage.look.opacity, stage.look.smooth)


def _paint_difference(painter: QPainter, stage: Stage, number: int) -> None:
    """Two candidates compared: red where the query speaks for the first, blue for the second."""
    why = stage.scene.why
    if why is None or not stage.overlaid or stage.images[number] is None:
        return
    scale = stage.legend
    assert scale is not None
    heat = heat_image(why.difference.query, scale)
    paint_heat(painter, stage.boxes[number], heat, stage.look.opacity, stage.look.smooth)


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
    if panel.outlined:
        around = Box(box.x - 5, box.y - 5, box.width + 10, box.height + 10)
        paint_frame(painter, around, palette.color(QPalette.Active, QPalette.Highlight), 2.0)


# ── lines ───────────────────────────────────────────────────────────────────────────────────────


def paint_lines(painter: QPainter, stage: Stage) -> None:
    """All lines, weakest first, then their ends, so that no line covers a dot."""
    painter.setRenderHint(QPainter.Antialiasing)
    scale = stage.scale
    lines, _ = stage.lines_in_sight
    each = stage.look.colour_by == EACH
    looks = [
        (
            line_colour(x.number) if each else colour_of(x.value, scale),
            width_of(float(scale.strength(x.value))),
        )
        for x in lines
    ]
    free = [_behind(painter, stage, pair) for pair in range(len(stage.scene.pairs))]
    for line, look in zip(reversed(lines), reversed(looks), strict=True):
        painter.setClipRegion(free[line.pair])
        paint_line(painter, line.start, line.end, *look)
    painter.setClipping(False)
    for line, look in zip(reversed(lines), reversed(looks), strict=True):
        paint_dot(painter, line.start, *look)
        paint_dot(painter, line.end, *look)


def _behind(painter: QPainter, stage: Stage, pair: int) -> QRegion:
    """Where lines of a pair are seen: behind what stands before them."""
    free = QRegion(painter.viewport())
    for rect in before_lines(stage, pair):
        free = free.subtracted(QRegion(rect.toAlignedRect()))
    return free


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
        both = stage.sees(mark.start, start.center()) and stage.sees(mark.end, end.center())
        if both and not stage.swiped:
            painter.save()
            painter.setClipRegion(_behind(painter, stage, mark.pair), Qt.IntersectClip)
            paint_line(painter, *between(start, end), accent, 2.4)
            painter.restore()
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


def paint_grey(
    painter: QPainter, stage: Stage, number: int, ratio: float, palette: QPalette
) -> None:
    """One picture in grey, as it lies below a heat map."""
    painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
    painter.setClipRect(rect_of(stage.panes[number].clip))
    _paint_picture(painter, stage, number, ratio, True, palette)


def paint_responses(
    painter: QPainter,
    stage: Stage,
    marks: Sequence[Mark],
    grey_of: Callable[[int], QPixmap],
    palette: QPalette,
) -> None:
    """How well every place of the other picture answers to the cell. ``grey_of`` a panel is the
    layer of :func:`paint_grey`."""
    for mark in marks:
        if stage.images[mark.end] is None:
            continue
        painter.save()
        painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
        painter.setClipRect(rect_of(stage.panes[mark.end].clip), Qt.IntersectClip)
        painter.drawPixmap(0, 0, grey_of(mark.end))
        pair, cell = stage.scene.pairs[mark.pair], mark.answer.cell
        heat = heat_image(pair.responses(cell.side, cell.number), stage.scale)
        paint_heat(painter, stage.boxes[mark.end], heat, stage.look.opacity, stage.look.smooth)
        _paint_edges(painter, stage, mark.end, palette)
        painter.restore()
