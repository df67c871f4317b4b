"""How a logit adds up, as bars: the strongest cells, then all terms one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPalette, QPen

from app.items.captions import bold
from app.items.colours import table
from app.state import words
from app.state.overlay import cell_place, matched_cell
from app.state.score_breakdown import BreakdownTerm, ScoreBreakdown
from app.state.values import Cell
from app.state.zones import PairZones
from qaconv_core.galleries.values import PairView
from qaconv_core.types import Grid, Side

ROW, HEAD, GAP = 19.0, 24.0, 7.0
PATCH = 17.0
"""Side of the picture of a cell before its label."""
NARROWEST_AXIS = 56.0
TOTALS = ("logit", "normalised", "difference")
ADDS_STEP, TAKES_STEP = 215, 45  # of the diverging table: clear, but not the darkest


@dataclass(frozen=True)
class BreakdownRow:
    """A bar: ``low`` to ``high`` on its section's axis. ``cells`` are the query's and the
    gallery's, of which pictures stand before the label, ``own`` is the one that contributes."""

    part: BreakdownTerm
    label: str
    low: float
    high: float
    rect: QRectF
    cells: tuple[Cell, Cell] | None = None
    own: Cell | None = None


@dataclass(frozen=True)
class BreakdownSection:
    """A heading and its rows, which share one axis from ``low`` to ``high``."""

    title: str
    top: float
    rows: tuple[BreakdownRow, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Bar:
    """A bar before it has a place."""

    part: BreakdownTerm
    label: str
    start: float = 0.0
    cells: tuple[Cell, Cell] | None = None
    own: Cell | None = None


def sections_of(
    total: ScoreBreakdown,
    pair: PairView,
    zones: Sequence[PairZones],
    by_zone: Sequence[tuple[str, float]],
    width: float,
) -> tuple[BreakdownSection, ...]:
    """Rows with their places, for a chart of that width.

    ``zones`` are those of the pair, and of the second one where two are compared; ``by_zone`` the
    sums of :func:`~app.state.score_breakdown.zone_terms`, none for a difference.
    """
    kinds = {part.kind for part in total.totals}
    above = ", above average" if "usual" in kinds else ""
    above = ", above strangers" if "normalised" in kinds else above
    difference = total.totals[-1].kind == "difference"
    title = "Largest differences" if difference else "Strongest cells"
    bars = [Bar(BreakdownTerm("zone", value, round(value, 2)), name) for name, value in by_zone]
    cells = [_cell_bar(part, pair, zones, difference) for part in total.cells if part.cell]
    terms, sofar = [], 0.0
    for part in total.totals[:-1]:
        terms.append(Bar(part, _name(part), sofar))
        sofar += part.value
    terms.append(Bar(total.totals[-1], _name(total.totals[-1])))
    sections: list[BreakdownSection] = []
    top = 0.0
    for name, group in (
        (f"Zones{above}", bars), (title, cells), ("Sum", terms)
    ):  # fmt: skip
        if group:
            sections.append(_section(name, top, group, width))
            top += HEAD + ROW * len(group) + GAP
    return tuple(sections)


def _section(title: str, top: float, bars: Sequence[Bar], width: float) -> BreakdownSection:
    rows = []
    for number, bar in enumerate(bars):
        low, high = sorted((bar.start, bar.start + bar.part.value))
        rect = QRectF(0, top + HEAD + ROW * number, width, ROW)
        rows.append(BreakdownRow(bar.part, bar.label, low, high, rect, bar.cells, bar.own))
    low = min([0.0, *(row.low for row in rows)])
    high = max([0.0, *(row.high for row in rows)])
    return BreakdownSection(title, top, tuple(rows), low, high if high > low else low + 1.0)


def _cell_bar(
    part: BreakdownTerm, pair: PairView, zones: Sequence[PairZones], difference: bool
) -> Bar:
    """A cell by its zone; with both ends of its match, where it is not a difference of two."""
    cell = part.cell
    assert cell is not None
    if difference:
        number = cell.number if part.own_cell is None else part.own_cell
        side: Side = "query" if part.side == "query" else "gallery"
        of = zones[1 if part.side == "other" and len(zones) > 1 else 0]
        return Bar(part, f"{of.name(Cell(side, number))} ({part.side})")
    best = matched_cell(pair, cell)
    ends = (cell, best) if cell.side == "query" else (best, cell)
    return Bar(part, zones[0].name(cell), 0.0, ends, cell)


def _name(part: BreakdownTerm) -> str:
    if part.kind == "strongest":
        return "this cell" if part.cells == 1 else f"these {part.cells} cells"
    if part.kind == "rest":
        return f"rest of {part.side}"
    return {"usual": "average logit", "normalised": "above strangers"}.get(part.kind, part.kind)


def cell_cutout(image: QImage, number: int, grid: Grid) -> QRectF:
    """A square of the picture around the middle of a cell, as large as the cell's longer side."""
    place = cell_place(number, grid)
    wide, high = place.width * image.width(), place.height * image.height()
    side = min(max(wide, high), image.width(), image.height())
    x = (place.x + place.width / 2) * image.width() - side / 2
    y = (place.y + place.height / 2) * image.height() - side / 2
    return QRectF(
        min(max(x, 0.0), image.width() - side), min(max(y, 0.0), image.height() - side), side, side
    )


def height_of(sections: Sequence[BreakdownSection]) -> float:
    """Of the whole chart."""
    return max((s.top + HEAD + ROW * len(s.rows) for s in sections), default=0.0)


def spoken(sections: Sequence[BreakdownSection]) -> str:
    """The chart for screen readers."""
    return ". ".join(
        f"{section.title}: "
        + ", ".join(f"{row.label} {words.adds_text(row.part.shown)}" for row in section.rows)
        for section in sections
    )


_PATCHES = 2 * PATCH + 8


class BreakdownPainter:
    """Paints the sections with one font and palette. ``images`` are query and candidate, where
    they are loaded; the cells of ``grid`` are cut out of them."""

    def __init__(
        self,
        painter: QPainter,
        font: QFont,
        palette: QPalette,
        images: tuple[QImage | None, QImage | None] = (None, None),
        grid: Grid = (1, 1),
    ) -> None:
        self._images, self._grid = images, grid
        self._painter, self._font = painter, font
        self._ink = palette.color(QPalette.Active, QPalette.WindowText)
        self._faint = QColor(self._ink)
        self._faint.setAlphaF(0.3)
        self._highlight = QColor(palette.color(QPalette.Active, QPalette.Highlight))
        self._highlight.setAlphaF(0.25)

    def paint(
        self, sections: Sequence[BreakdownSection], width: float, marked: Sequence[BreakdownRow]
    ) -> None:
        """All of it; ``marked`` rows are highlighted."""
        metrics = QFontMetricsF(self._font)
        labels = [row.label for section in sections for row in section.rows]
        names = max((metrics.horizontalAdvance(label) for label in labels), default=0.0) + 10
        if any(row.cells for section in sections for row in section.rows):
            names = max(names, metrics.horizontalAdvance("upper body") + 10 + _PATCHES)
        heavy = QFontMetricsF(bold(self._font))
        values = [words.adds_text(row.part.shown) for section in sections for row in section.rows]
        numbers = max(heavy.horizontalAdvance(value) for value in ("+00.00", *values)) + 6
        names = min(names, width - numbers - NARROWEST_AXIS)
        axis = QRectF(names, 0, max(width - names - numbers, 20.0), 0)
        for section in sections:
            self._title(section, width)
            for row in section.rows:
                if row in marked:
                    self._painter.fillRect(row.rect, self._highlight)
                self._row(section, row, axis)
            self._axis(section, axis)

    def _title(self, section: BreakdownSection, width: float) -> None:
        self._painter.setFont(bold(self._font))
        self._painter.setPen(self._ink)
        rect = QRectF(0, section.top, width, HEAD - 4)
        self._painter.drawText(rect, int(Qt.AlignLeft | Qt.AlignVCenter), section.title)

    def _row(self, section: BreakdownSection, row: BreakdownRow, axis: QRectF) -> None:
        last = row.part.kind in TOTALS
        self._painter.setFont(bold(self._font) if last else self._font)
        self._painter.setPen(self._ink)
        middle = int(Qt.AlignVCenter)
        left = self._patches(row) if row.cells else 0.0
        room = axis.left() - 6 - left
        label = QFontMetricsF(self._painter.font()).elidedText(row.label, Qt.ElideRight, room)
        self._painter.drawText(row.rect.adjusted(left, 0, 0, 0), middle | int(Qt.AlignLeft), label)
        value = words.adds_text(row.part.shown)
        self._painter.drawText(row.rect, middle | int(Qt.AlignRight), value)
        left, right = (self._x(section, axis, end) for end in (row.low, row.high))
        bar = QRectF(left, row.rect.top() + 4, max(right - left, 1.0), ROW - 8)
        self._painter.fillRect(bar, self._colour(row))

    def _patches(self, row: BreakdownRow) -> float:
        """Both cells of a match, the one that contributes framed; returns what they take."""
        assert row.cells is not None
        y = row.rect.top() + (ROW - PATCH) / 2
        for number, (cell, image) in enumerate(zip(row.cells, self._images, strict=True)):
            place = QRectF(number * (PATCH + 3), y, PATCH, PATCH)
            if image is None:
                self._painter.fillRect(place, self._faint)
            else:
                self._painter.drawImage(place, image, cell_cutout(image, cell.number, self._grid))
            if cell == row.own:
                self._painter.setPen(QPen(self._ink, 1.5))
                self._painter.setBrush(Qt.NoBrush)
                self._painter.drawRect(place)
        self._painter.setPen(self._ink)
        return _PATCHES

    def _axis(self, section: BreakdownSection, axis: QRectF) -> None:
        """Zero, and steps from one term to the next."""
        zero = self._x(section, axis, 0.0)
        self._painter.setPen(QPen(self._faint, 1))
        top, bottom = section.top + HEAD, section.top + HEAD + ROW * len(section.rows)
        self._painter.drawLine(QPointF(zero, top), QPointF(zero, bottom))
        sofar = 0.0
        for row in section.rows[:-1]:
            if row.part.kind in ("cell", "zone"):
                continue
            sofar += row.part.value
            x = self._x(section, axis, sofar)
            edge = row.rect.bottom()
            self._painter.drawLine(QPointF(x, edge - 4), QPointF(x, edge + 4))

    def _x(self, section: BreakdownSection, axis: QRectF, value: float) -> float:
        share = (value - section.low) / (section.high - section.low)
        return axis.left() + share * axis.width()

    def _colour(self, row: BreakdownRow) -> QColor:
        if row.part.kind in TOTALS:
            return self._ink
        red, green, blue, _ = table("contribution")[
            ADDS_STEP if row.part.value >= 0 else TAKES_STEP
        ]
        return QColor(int(red), int(green), int(blue))
