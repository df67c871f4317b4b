"""Zones of a person, so that evidence is read as parts of a body and not as cells of a grid.

Where a picture has a label map, a cell's zone is what most of its pixels show. Elsewhere it follows
from the cell's height in the person's box, which is a guess about somebody who stands upright.
No Qt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.state.values import Cell
from qaconv_core.data.label_maps import LABELS
from qaconv_core.galleries.values import PairView
from qaconv_core.types import Float64, Grid

ZONES = ("head", "upper body", "lower body", "feet", "bag", "carried thing", "beside")
"""``bag`` and ``carried thing`` are known from label maps alone; ``beside`` is not the person."""
SHORT = ("head", "upper", "lower", "feet", "bag", "thing", "beside")
HEAD, UPPER, LOWER, FEET, BAG, THING, BESIDE = range(len(ZONES))
HEIGHTS = (0.19, 0.52, 0.88)
"""Where head, upper and lower body end, in shares of the box."""
MARGIN = 0.1
"""Cells whose middle is nearer to the left or right edge lie beside the person."""
_OF_LABEL = {
    "face": HEAD, "hair": HEAD, "hat": HEAD, "upper garment": UPPER, "arm": UPPER,
    "lower garment": LOWER, "leg": LOWER, "shoes": FEET, "bag": BAG, "thing": THING,
}  # fmt: skip
_TABLE = np.array([_OF_LABEL.get(label, BESIDE) for label in LABELS], dtype=np.int8)
_PLURAL = {FEET}
_IN_A_SENTENCE = tuple(
    "what is beside the person" if zone == "beside" else f"the {zone}" for zone in ZONES
)
MOSTLY, NAMED, AGAINST = 0.5, 0.2, 0.05
"""Shares from which a zone is most of the evidence, is named second, and speaks against."""

ZoneMap = npt.NDArray[np.int8]


def zones_by_height(grid: Grid) -> ZoneMap:
    """(h, w) zones of an upright person who fills the box."""
    rows, columns = grid
    heights = (np.arange(rows) + 0.5) / rows
    sides = (np.arange(columns) + 0.5) / columns
    out = np.repeat(np.searchsorted(HEIGHTS, heights)[:, None], columns, axis=1).astype(np.int8)
    out[:, (sides < MARGIN) | (sides > 1 - MARGIN)] = BESIDE
    return out


def zones_of_labels(labels: npt.NDArray[np.uint8], grid: Grid) -> ZoneMap:
    """(h, w) zones of a label map (H, W): of each cell the zone that most of its pixels show."""
    zones = _TABLE[labels]
    down, across = (
        np.linspace(0, size, cells + 1).round().astype(int)
        for size, cells in zip(zones.shape, grid, strict=True)
    )
    out = np.full(grid, BESIDE, dtype=np.int8)
    for row in range(grid[0]):
        for column in range(grid[1]):
            seen = zones[down[row] : down[row + 1], across[column] : across[column + 1]]
            if seen.size:
                out[row, column] = np.bincount(seen.ravel(), minlength=len(ZONES)).argmax()
    return out


@dataclass(frozen=True, eq=False)
class PairZones:
    """Zones (h, w) of both pictures of a pair."""

    query: ZoneMap
    gallery: ZoneMap

    def of(self, cell: Cell) -> int:
        """The number of a cell's zone."""
        zones = self.query if cell.side == "query" else self.gallery
        return int(zones.flat[cell.number])

    def name(self, cell: Cell) -> str:
        """ "upper body"."""
        return ZONES[self.of(cell)]

    def words(self, cell: Cell) -> str:
        """ "upper body (gallery)"."""
        return f"{self.name(cell)} ({cell.side})"


def zone_sums(pair: PairView, zones: PairZones, measure: str) -> Float64:
    """(zones,): what the cells of each zone of both pictures contribute together.

    Above average where ``measure`` is ``relative`` and the average is known. All zones add up to
    the logit minus the bias (or minus the average logit).
    """
    match, known = pair.match, pair.relative if measure == "relative" else None
    sides = (match.query_contribution, match.gallery_contribution) if known is None else known.sides
    out = np.zeros(len(ZONES))
    for cells, values in zip((zones.query, zones.gallery), sides, strict=True):
        np.add.at(out, cells.ravel(), np.asarray(values, dtype=np.float64).ravel())
    return out


def zone_shares(sums: Float64) -> Float64:
    """(zones,): shares of what the zones that speak for the match contribute; negative against."""
    positive = float(sums[sums > 0].sum())
    return sums / positive if positive > 0 else np.zeros_like(sums)


def evidence_words(sums: Float64) -> str:
    """ "Mostly the upper body (62 %) and the bag (21 %); the feet speak against it."

    Made from :func:`zone_sums` alone.
    """
    shares = zone_shares(sums)
    order = [int(i) for i in np.argsort(-shares, kind="stable")]
    if shares[order[0]] <= 0:
        return "No zone speaks for this match."
    first, second = order[:2]
    share = f"{_IN_A_SENTENCE[first]} ({percent(shares[first])})"
    text = f"Mostly {share}" if shares[first] >= MOSTLY else share.capitalize()
    if shares[second] >= NAMED:
        text += f" and {_IN_A_SENTENCE[second]} ({percent(shares[second])})"
    against = [i for i in reversed(order) if shares[i] <= -AGAINST][:2]
    if not against:
        return f"{text}."
    names = " and ".join(_IN_A_SENTENCE[i] for i in against)
    verb = "speak" if len(against) > 1 or against[0] in _PLURAL else "speaks"
    return f"{text}; {names} {verb} against it."


def percent(share: float) -> str:
    """ "62 %"."""
    return f"{round(100 * share)} %"
