"""What is drawn over two pictures, as numbers: lines, heat maps, the sum, and where cells lie.

No Qt: a view asks here what to draw, and paints it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.state.values import EACH, Cell, Look
from qaconv_core.explaining.values import NormalisedBreakdown, Relative
from qaconv_core.galleries.values import PairView
from qaconv_core.matching.strongest import (
    RELATIVE,
    Correspondence,
    select_correspondences,
    worth,
)
from qaconv_core.types import CorrespondenceMap, Float32, Float64, Grid, Side

SIDES: tuple[Side, Side] = ("query", "gallery")
STRANGERS = "strangers"
"""The kind of a scale of parts of normalised scores."""


@dataclass(frozen=True)
class Scale:
    """Which values the two ends of a colour map stand for.

    ``kind`` ``"similarity"`` (0 to 1; what is below is shown as 0), or what is counted from zero to
    both sides: ``"contribution"``, that above average (``"relative"``) or above strangers
    (``"strangers"``, in standard deviations), or what hiding a region does to what is ranked by
    (``"hiding"``) or to the lead of one candidate over another (``"lead"``), what a query cell adds
    for the candidate minus for the compared one (``"difference"``), or what a cell has on average
    for the false match over the true one (``"misleads"``).
    """

    kind: str
    low: float
    high: float

    @property
    def diverging(self) -> bool:
        """Whether zero is in the middle."""
        return self.kind != "similarity"

    def position(self, values: npt.ArrayLike) -> Float64:
        """Where values stand between the ends, in [0, 1]."""
        span = self.high - self.low
        return np.clip((np.asarray(values, dtype=np.float64) - self.low) / span, 0.0, 1.0)

    def strength(self, values: npt.ArrayLike) -> Float64:
        """How far values are from nothing, in [0, 1]."""
        largest = max(abs(self.low), abs(self.high))
        return np.clip(np.abs(np.asarray(values, dtype=np.float64)) / largest, 0.0, 1.0)


SIMILARITIES = Scale("similarity", 0.0, 1.0)


def kind_of(wanted: str, relative: Relative | None) -> str:
    """What can be shown of what is wanted: plain contributions until the gallery is known."""
    wanted = RELATIVE if wanted in (EACH, STRANGERS) else wanted
    return "contribution" if wanted == RELATIVE and relative is None else wanted


def scale_of(
    kind: str, *matches: CorrespondenceMap, relatives: Sequence[Relative | None] = ()
) -> Scale:
    """One scale for all heat maps and lines of these matches.

    ``relatives`` are their contributions above average; where one is not known, the scale is
    that of plain contributions.
    """
    if kind == "similarity":
        return SIMILARITIES
    known = [found for found in relatives if found is not None]
    beyond = kind == RELATIVE and len(known) == len(matches) > 0
    parts = [
        values
        for found in (known if beyond else matches)
        for values in (
            (found.query_contribution, found.gallery_contribution)
            if isinstance(found, CorrespondenceMap)
            else found.sides
        )
    ]
    limit = max((float(np.abs(values).max()) for values in parts), default=0.0) or 1.0
    if beyond and isinstance(known[0], NormalisedBreakdown):
        return Scale(STRANGERS, -limit, limit)
    return Scale(RELATIVE if beyond else "contribution", -limit, limit)


def contributions(match: CorrespondenceMap, side: Side) -> Float32:
    """(h, w): what each cell of one picture adds to the logit."""
    return match.query_contribution if side == "query" else match.gallery_contribution


def similarities(match: CorrespondenceMap, side: Side) -> Float32:
    """(h, w): how similar each cell of one picture is to its best match, in [−1, 1]."""
    return match.query_similarity if side == "query" else match.gallery_similarity


def heat_of(
    match: CorrespondenceMap, side: Side, kind: str, relative: Relative | None = None
) -> npt.NDArray[np.floating]:
    """(h, w): what the heat map over one picture shows."""
    kind = kind_of(kind, relative)
    if kind == RELATIVE and relative is not None:
        return relative.sides[SIDES.index(side)]
    return contributions(match, side) if kind == "contribution" else similarities(match, side)


# ── lines ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Lines:
    """The correspondences that are drawn, strongest first; ``total`` there are in the direction.

    ``beyond`` holds their contributions above average, where ``kind`` is ``"relative"``.
    """

    drawn: tuple[Correspondence, ...]
    total: int
    kind: str
    beyond: tuple[float, ...] = ()

    def values(self) -> Float64:
        """(n,) what colours and widths are made of."""
        if self.kind == RELATIVE:
            return np.array(self.beyond, dtype=np.float64)
        return np.array([getattr(line, self.kind) for line in self.drawn], dtype=np.float64)


def lines_of(pair: PairView, look: Look) -> Lines:
    """The lines of a pair that a look asks for, of the cells that take part."""
    relative = pair.relative
    kind = kind_of(look.colour_by, relative)
    among, among_gallery = pair.taking_part
    drawn, total = select_correspondences(
        pair.match,
        look.threshold,
        look.count,
        look.direction,
        order_by=kind,
        relative=None if relative is None else relative.sides,
        among=among,
        among_gallery=among_gallery,
    )
    beyond = beyond_usual(drawn, look.direction, relative) if kind == RELATIVE else ()
    return Lines(tuple(drawn), total, kind, tuple(beyond))


def beyond_usual(
    lines: Sequence[Correspondence], direction: str, relative: Relative | None
) -> list[float]:
    """What each correspondence contribution above average; NaN where that is not known."""
    if relative is None:
        return [float("nan")] * len(lines)
    return [float(value) for value in worth(lines, relative.sides, direction)]


def all_correspondences(pair: PairView, direction: str) -> list[Correspondence]:
    """Every correspondence of a direction, of the cells that take part, by contribution."""
    among, among_gallery = pair.taking_part
    return select_correspondences(
        pair.match, None, None, direction, among=among, among_gallery=among_gallery
    )[0]


def own_cell(line: Correspondence, direction: str) -> Cell:
    """The cell that a correspondence starts from."""
    if direction == "gallery":
        return Cell("gallery", line.gallery_cell)
    return Cell("query", line.query_cell)


@dataclass(frozen=True)
class Answer:
    """One cell explained: its best match, how similar, what it adds to the logit and, where the
    pair is explained by these, its part of the normalised score."""

    cell: Cell
    best: Cell
    similarity: float
    adds: float
    normalised: float | None = None


def matched_cell(pair: PairView, cell: Cell) -> Cell:
    """The cell of the other picture that a cell is matched with."""
    return Cell("gallery" if cell.side == "query" else "query", pair.best(cell.side, cell.number))


def answer_of(pair: PairView, cell: Cell) -> Answer | None:
    """What a cell is matched with; None where the grid has no such cell."""
    match = pair.match
    if not 0 <= cell.number < match.grid[0] * match.grid[1]:
        return None
    return Answer(
        cell,
        matched_cell(pair, cell),
        float(similarities(match, cell.side).ravel()[cell.number]),
        float(contributions(match, cell.side).ravel()[cell.number]),
        None
        if pair.normalised is None
        else float(pair.normalised.sides[SIDES.index(cell.side)].ravel()[cell.number]),
    )


# ── where cells lie ─────────────────────────────────────────────────────────────────────────────


class Place(NamedTuple):
    """A rectangle in fractions of a picture, from its top left."""

    x: float
    y: float
    width: float
    height: float


def cell_place(number: int, grid: Grid) -> Place:
    """Where a cell lies in its picture."""
    row, column = divmod(number, grid[1])
    return Place(column / grid[1], row / grid[0], 1 / grid[1], 1 / grid[0])


def cell_centre(number: int, grid: Grid) -> tuple[float, float]:
    """The middle of a cell, (x, y) in fractions of its picture."""
    place = cell_place(number, grid)
    return place.x + place.width / 2, place.y + place.height / 2


def cell_at(x: float, y: float, grid: Grid) -> int | None:
    """The cell under a point in fractions of a picture; None outside of it."""
    if not (0 <= x < 1 and 0 <= y < 1):
        return None
    return int(y * grid[0]) * grid[1] + int(x * grid[1])
