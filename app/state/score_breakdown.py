"""The score breakdown of a pair: its strongest cells, the rest of both pictures, the bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.state.overlay import SIDES, contributions
from app.state.values import Cell
from app.state.zones import PairZones, zone_sums
from qaconv_core.explaining.values import NormalisedBreakdown, Relative
from qaconv_core.explaining.zones import ZONES
from qaconv_core.galleries.values import PairView
from qaconv_core.types import CorrespondenceMap


@dataclass(frozen=True)
class BreakdownTerm:
    """One term of a logit.

    ``kind``: ``zone`` (all cells of a zone of both pictures), ``cell``, ``strongest`` (the cells
    above, together), ``rest`` (all other cells of the picture ``side``), ``bias``, ``usual`` (the
    average logit over the gallery), ``logit``, ``normalised`` (score) or ``difference`` (of two).
    ``value`` is exact, ``shown`` is rounded to hundredths so that the parts shown add up to the
    logit shown. ``cells`` counts them. ``own_cell`` is the number of the cell itself where
    ``cell`` stands for one of another picture.
    """

    kind: str
    value: float
    shown: float
    cell: Cell | None = None
    side: str = ""
    cells: int = 1
    own_cell: int | None = None


@dataclass(frozen=True)
class ScoreBreakdown:
    """``cells``: positive contributions, largest first, then negative ones; ``totals`` end with
    the logit.

    Exact in float64: the values of ``totals`` but the last add up to it, and ``cells`` to the
    first of ``totals``. The same holds for what is shown, in hundredths.
    """

    cells: tuple[BreakdownTerm, ...]
    totals: tuple[BreakdownTerm, ...]

    @property
    def limit(self) -> float:
        """The largest contribution of a cell listed, whatever its sign."""
        return max((abs(part.value) for part in self.cells), default=0.0) or 1.0


def breakdown_of(
    match: CorrespondenceMap,
    positive: int = 6,
    negative: int = 3,
    relative: Relative | None = None,
) -> ScoreBreakdown:
    """The breakdown of a logit, with so many cells of positive and negative contribution named.

    With ``relative``, of contributions above average, and the average logit in place of the bias;
    or of a normalised score, which the cells make up alone.
    """
    total = "logit"
    if relative is not None:
        sides = [side.ravel().astype(np.float64) for side in relative.sides]
        base = BreakdownTerm("usual", relative.base, round(relative.base, 2), cells=0)
        if isinstance(relative, NormalisedBreakdown):
            total = "normalised"
    else:
        sides = [contributions(match, side).ravel().astype(np.float64) for side in SIDES]
        base = BreakdownTerm("bias", match.bias, round(match.bias, 2), cells=0)
    adds, size = np.concatenate(sides), sides[0].size
    order = np.argsort(-adds, kind="stable")
    chosen = [i for i in order[:positive] if adds[i] > 0]
    chosen += [i for i in order[-negative:] if adds[i] < 0] if negative else []
    cells = tuple(_cell_term(int(i), float(adds[i]), size) for i in dict.fromkeys(chosen))
    return ScoreBreakdown(cells, _totals(base, adds, size, cells, total))


def _cell_term(index: int, value: float, size: int) -> BreakdownTerm:
    side = SIDES[index // size]
    return BreakdownTerm("cell", value, round(value, 2), Cell(side, index % size), side)


def _totals(
    base: BreakdownTerm, adds: np.ndarray, size: int, cells: tuple[BreakdownTerm, ...], total: str
) -> tuple[BreakdownTerm, ...]:
    named = np.zeros(len(adds), dtype=bool)
    for part in cells:
        assert part.cell is not None
        named[SIDES.index(part.cell.side) * size + part.cell.number] = True
    strongest = BreakdownTerm(
        "strongest", float(adds[named].sum()), round(sum(part.shown for part in cells), 2),
        cells=len(cells),
    )  # fmt: skip
    rest = [_rest(side, adds, named, SIDES.index(side) * size, size) for side in SIDES]
    logit = strongest.value + sum(part.value for part in rest) + base.value
    shown = round(logit, 2)
    # What rounding took or gave goes to the larger rest, where it matters least.
    off = round(shown - strongest.shown - base.shown - sum(part.shown for part in rest), 2)
    at = int(np.argmax([part.cells for part in rest]))
    rest[at] = BreakdownTerm(
        "rest", rest[at].value, round(rest[at].shown + off, 2), None, rest[at].side, rest[at].cells
    )
    beside = (base,) if total == "logit" else ()
    return (strongest, *rest, *beside, BreakdownTerm(total, logit, shown, cells=0))


def _rest(side: str, adds: np.ndarray, named: np.ndarray, start: int, size: int) -> BreakdownTerm:
    of_side = np.zeros(len(adds), dtype=bool)
    of_side[start : start + size] = True
    value = float(adds[of_side & ~named].sum())
    return BreakdownTerm("rest", value, round(value, 2), None, side, int((of_side & ~named).sum()))


def zone_terms(pair: PairView, zones: PairZones, measure: str) -> tuple[tuple[str, float], ...]:
    """Name and sum of every zone that has cells, from the head down; see :func:`zone_sums`."""
    sums = zone_sums(pair, zones, measure)
    present = {int(zone) for side in (zones.query, zones.gallery) for zone in np.unique(side)}
    return tuple((ZONES[zone], float(sums[zone])) for zone in sorted(present))
