"""What is painted of a match, and where on the widget it lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from PyQt5.QtCore import QPointF, QRectF
from PyQt5.QtGui import QFont, QImage

from app.items.match_painting import cell_point, cell_rect, rect_of, tag_rect
from app.state import words
from app.state.framing import Box, Pane
from app.state.overlay import SIMILARITIES, Answer, Lines, Scale, answer_of, lines_of, scale_of
from app.state.scene import Scene
from app.state.values import EACH, Cell, Look


@dataclass(frozen=True)
class Stage:
    """Everything that is painted, with its places.

    ``boxes`` are the whole pictures as zoomed. ``images`` are None where a picture is not loaded
    yet; ``faults`` say why one cannot be shown. Other widgets hide ``covered``. ``swipe_at`` is
    where the line of swiping stands, in fractions of the pictures' width.
    """

    scene: Scene
    look: Look
    panes: tuple[Pane, ...]
    boxes: tuple[Box, ...]
    images: tuple[QImage | None, ...]
    faults: tuple[str, ...]
    caption_lines: int = 4
    swipe_at: float = 0.5
    covered: QRectF = field(default_factory=QRectF)

    @property
    def overlaid(self) -> bool:
        """Whether anything is drawn over the pictures."""
        return self.look.overlay and bool(self.scene.pairs)

    @property
    def swiped(self) -> bool:
        """Whether query and candidate lie one over the other."""
        return swipes_pair(self.scene, self.look)

    @property
    def draws_lines(self) -> bool:
        """Whether lines are seen: at one place there is no way between two pictures."""
        lines = self.look.mode in ("lines", "compare") and not self.swiped
        return lines and self.scene.drawn.regions is None

    @cached_property
    def scale(self) -> Scale:
        """Of the colours now shown: lines, heat maps or responses."""
        regions = self.scene.drawn.regions
        if regions is not None:
            return Scale("lead" if regions.lead else "hiding", -regions.limit, regions.limit)
        if self.look.mode == "hover":
            return SIMILARITIES
        pairs = self.scene.pairs
        relatives = [pair.relative for pair in pairs]
        scale = scale_of(self.look.measure, *(pair.match for pair in pairs), relatives=relatives)
        mutual = self.look.mode != "heat" and self.look.direction == "mutual"
        if mutual and scale.kind != "similarity":  # two cells' contributions together
            scale = Scale(scale.kind, 2 * scale.low, 2 * scale.high)
        return scale

    @cached_property
    def legend(self) -> Scale | None:
        """What the colour bar explains: the map over the pictures, else the lines."""
        if not self.overlaid or (self.draws_lines and self.look.colour_by == EACH):
            return None
        if self.swiped and self.look.mode == "lines" and self.scene.drawn.regions is None:
            return None
        why = self.scene.why
        if why is None or self.scene.drawn.regions is not None:
            return self.scale
        limit = float(abs(why.difference.query).max()) or 1.0
        return Scale("difference", -limit, limit)

    @cached_property
    def lines(self) -> tuple[Lines, ...]:
        """The lines of every pair."""
        return tuple(lines_of(pair, self.look) for pair in self.scene.pairs)

    @cached_property
    def lines_in_sight(self) -> tuple[list[Drawn], int]:
        """Lines of all pairs, strongest first, and how many have an end out of sight."""
        return _lines_in_sight(self)

    def sees(self, panel: int, at: QPointF) -> bool:
        """Whether a point lies in the visible part of a picture."""
        return self.panes[panel].clip.holds(at.x(), at.y())


def swipes_pair(scene: Scene, look: Look) -> bool:
    """Whether query and candidate are to lie one over the other: where nothing is compared."""
    return look.swipe == "pair" and len(scene.panels) == 2


@dataclass(frozen=True)
class Mark:
    """An answer on the screen: from a cell in one panel to its best match in another."""

    start: int
    end: int
    pair: int
    answer: Answer


def marks_of(scene: Scene, cell: Cell | None, which: int = 0) -> tuple[Mark, ...]:
    """Where a cell is matched: a query cell in every candidate, a candidate's in the query.

    Among several candidates, the query's cell is marked in the other ones, too.
    """
    if cell is None:
        return ()
    if cell.side == "query":
        return _marks(scene, cell, range(len(scene.pairs)))
    found = _marks(scene, cell, (which,))
    if scene.in_columns and found:
        others = [number for number in range(len(scene.pairs)) if number != which]
        found += _marks(scene, found[0].answer.best, others)
    return found


def _marks(scene: Scene, cell: Cell, pairs: Iterable[int]) -> tuple[Mark, ...]:
    found = []
    for number in pairs:
        query, gallery = scene.find(("query", 0)), scene.find(("gallery", number))
        if number >= len(scene.pairs) or query is None or gallery is None:
            continue
        answer = answer_of(scene.pairs[number], cell)
        if answer is not None:
            ends = (query, gallery) if cell.side == "query" else (gallery, query)
            found.append(Mark(*ends, number, answer))
    return tuple(found)


def before_lines(stage: Stage, pair: int) -> list[QRectF]:
    """What stands before the lines of a pair: words, and pictures of other candidates."""
    if not stage.scene.in_columns:
        return []
    covered = []
    for panel, pane in zip(stage.scene.panels, stage.panes, strict=True):
        if panel.key not in (("query", 0), ("gallery", pair)):
            covered.append(rect_of(pane.home).adjusted(-4, -4, 4, 4))
        covered.append(
            rect_of(pane.words).intersected(rect_of(pane.home).adjusted(-24, 0, 24, 1_000))
        )
    return covered


class Drawn(NamedTuple):
    """A line on the screen."""

    start: QPointF
    end: QPointF
    value: float
    pair: int
    number: int
    """Its place among the lines of its pair, strongest first."""


def _lines_in_sight(stage: Stage) -> tuple[list[Drawn], int]:
    seen: list[Drawn] = []
    hidden = 0
    if not stage.draws_lines:
        return seen, hidden
    for number, lines in enumerate(stage.lines):
        query, gallery = stage.scene.find(("query", 0)), stage.scene.find(("gallery", number))
        if query is None or gallery is None:
            continue
        grid = stage.scene.pairs[number].match.grid
        for place, (line, value) in enumerate(zip(lines.drawn, lines.values(), strict=True)):
            start = cell_point(stage.boxes[query], line.query_cell, grid)
            end = cell_point(stage.boxes[gallery], line.gallery_cell, grid)
            if stage.sees(query, start) and stage.sees(gallery, end):
                seen.append(Drawn(start, end, float(value), number, place))
            else:
                hidden += 1
    return seen, hidden


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
        else:  # several candidates: each says what the cell adds there
            candidate = (mark.end, end) if mark.answer.cell.side == "query" else (mark.start, start)
            texts = [(*candidate, f"{similarity}  {adds}")]
        for panel, rect, text in texts:
            bounds = rect_of(stage.panes[panel].clip)
            middle = (start.center().x() + end.center().x()) / 2
            outward = rect.center().x() < middle  # away from the line
            tags.append((panel, tag_rect(text, rect, bounds, font, outward, stage.covered), text))
    return tags
