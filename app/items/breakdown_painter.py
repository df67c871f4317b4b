"""How a logit adds up, as bars: the strongest cells, then all terms one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen

from app.items.captions import bold
from app.items.colours import table
from app.state import words
from app.state.score_breakdown import BreakdownTerm, ScoreBreakdown
from qaconv_core.types import Grid

ROW, HEAD, GAP = 22.0, 26.0, 8.0
NARROWEST_AXIS = 56.0
ADDS_STEP, TAKES_STEP = 215, 45  # of the diverging table: clear, but not the darkest


@dataclass(frozen=True)
class BreakdownRow:
    """A bar: ``low`` to ``high`` on its section's axis."""

    part: BreakdownTerm
    label: str
    low: float
    high: float
    rect: QRectF


@dataclass(frozen=True)
class BreakdownSection:
    """A heading and its rows, which share one axis from ``low`` to ``high``."""

    title: str
    note: str
    top: float
    rows: tuple[BreakdownRow, ...]
    low: float
    high: float


def sections_of(total: ScoreBreakdown, grid: Grid, width: float) -> tuple[BreakdownSection, ...]:
    """Rows with their places, for a chart of that width."""
    cells = [(part, _cell_name(part, grid)) for part in total.cells if part.cell]
    beyond = any(part.kind == "usual" for part in total.totals)
    title = "Strongest cells, beyond the usual" if beyond else "Strongest cells"
    if total.totals[-1].kind == "difference":
        title = "Largest differences"
    first = _section(title, "", 0.0, cells, [0.0] * len(cells), width)
    starts, sofar = [], 0.0
    for part in total.totals[:-1]:
        starts.append(sofar)
        sofar += part.value
    terms = [(part, _name(part)) for part in total.totals]
    top = HEAD + ROW * len(cells) + GAP
    return first, _section("All together", "", top, terms, [*starts, 0.0], width)


def _section(
    title: str,
    note: str,
    top: float,
    parts: Sequence[tuple[BreakdownTerm, str]],
    starts: Sequence[float],
    width: float,
) -> BreakdownSection:
    rows = []
    for number, ((part, label), start) in enumerate(zip(parts, starts, strict=True)):
        ends = sorted((start, start + part.value))
        rect = QRectF(0, top + HEAD + ROW * number, width, ROW)
        rows.append(BreakdownRow(part, label, ends[0], ends[1], rect))
    low = min([0.0, *(row.low for row in rows)])
    high = max([0.0, *(row.high for row in rows)])
    return BreakdownSection(title, note, top, tuple(rows), low, high if high > low else low + 1.0)


def _cell_name(part: BreakdownTerm, grid: Grid) -> str:
    assert part.cell is not None
    if part.own_cell is None:
        return words.cell_words(part.cell, grid)
    return f"{part.side} {words.cell_name(part.own_cell, grid)}"


def _name(part: BreakdownTerm) -> str:
    if part.kind == "strongest":
        return f"these {part.cells} cells"
    if part.kind == "rest":
        return f"rest of {part.side}"
    return "usual logit" if part.kind == "usual" else part.kind


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


class BreakdownPainter:
    """Paints the sections with one font and palette."""

    def __init__(self, painter: QPainter, font: QFont, palette: QPalette) -> None:
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
        numbers = QFontMetricsF(bold(self._font)).horizontalAdvance("+00.00") + 6
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
        last = row.part.kind in ("logit", "difference")
        self._painter.setFont(bold(self._font) if last else self._font)
        self._painter.setPen(self._ink)
        middle = int(Qt.AlignVCenter)
        room = axis.left() - 6
        label = QFontMetricsF(self._painter.font()).elidedText(row.label, Qt.ElideMiddle, room)
        self._painter.drawText(row.rect, middle | int(Qt.AlignLeft), label)
        value = words.adds_text(row.part.shown)
        self._painter.drawText(row.rect, middle | int(Qt.AlignRight), value)
        left, right = (self._x(section, axis, end) for end in (row.low, row.high))
        bar = QRectF(left, row.rect.top() + 4, max(right - left, 1.0), ROW - 8)
        self._painter.fillRect(bar, self._colour(row))

    def _axis(self, section: BreakdownSection, axis: QRectF) -> None:
        """Zero, and steps from one term to the next."""
        zero = self._x(section, axis, 0.0)
        self._painter.setPen(QPen(self._faint, 1))
        top, bottom = section.top + HEAD, section.top + HEAD + ROW * len(section.rows)
        self._painter.drawLine(QPointF(zero, top), QPointF(zero, bottom))
        sofar = 0.0
        for row in section.rows[:-1]:
            if row.part.kind == "cell":
                continue
            sofar += row.part.value
            x = self._x(section, axis, sofar)
            edge = row.rect.bottom()
            self._painter.drawLine(QPointF(x, edge - 4), QPointF(x, edge + 4))

    def _x(self, section: BreakdownSection, axis: QRectF, value: float) -> float:
        share = (value - section.low) / (section.high - section.low)
        return axis.left() + share * axis.width()

    def _colour(self, row: BreakdownRow) -> QColor:
        if row.part.kind in ("logit", "difference"):
            return self._ink
        red, green, blue, _ = table("contribution")[
            ADDS_STEP if row.part.value >= 0 else TAKES_STEP
        ]
        return QColor(int(red), int(green), int(blue))
