"""Zones of a person, so that evidence is read as parts of a body and not as cells of a grid.

Where a picture has a label map, a cell's zone is what most of its pixels show. Elsewhere it follows
from the cell's height in the person's box, which is a guess about somebody who stands upright.
NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qaconv_core.data.label_maps import LABELS, Labels, cell_labels, label_path, read_label_map
from qaconv_core.errors import ImageError
from qaconv_core.types import Float64, Grid, ImageRef

ZONES = ("head", "upper body", "lower body", "feet", "bag", "carried thing", "beside")
"""``bag`` and ``carried thing`` are known from label maps alone; ``beside`` is not the person."""
HEAD, UPPER, LOWER, FEET, BAG, THING, BESIDE = range(len(ZONES))
HEIGHTS = (0.19, 0.52, 0.88)
"""Where head, upper and lower body end, in shares of the box."""
MARGIN = 0.1
"""Cells whose middle is nearer to the left or right edge lie beside the person."""
NAMED = 0.2
"""The share of the evidence from which a second zone leads, too."""
_OF_LABEL = {
    "face": HEAD, "hair": HEAD, "hat": HEAD, "upper garment": UPPER, "arm": UPPER,
    "lower garment": LOWER, "leg": LOWER, "shoes": FEET, "bag": BAG, "thing": THING,
}  # fmt: skip
_TABLE = np.array([_OF_LABEL.get(label, BESIDE) for label in LABELS], dtype=np.uint8)

ZoneMap = npt.NDArray[np.int8]
"""(h, w): the number of each cell's zone."""


def zones_by_height(grid: Grid) -> ZoneMap:
    """(h, w) zones of an upright person who fills the box."""
    rows, columns = grid
    heights = (np.arange(rows) + 0.5) / rows
    sides = (np.arange(columns) + 0.5) / columns
    out = np.repeat(np.searchsorted(HEIGHTS, heights)[:, None], columns, axis=1).astype(np.int8)
    out[:, (sides < MARGIN) | (sides > 1 - MARGIN)] = BESIDE
    return out


def zones_of_labels(labels: Labels, grid: Grid) -> ZoneMap:
    """(h, w) zones of a label map (H, W): of each cell the zone that most of its pixels show."""
    return cell_labels(_TABLE[labels], grid).astype(np.int8)


def labelled_zones(ref: ImageRef, grid: Grid) -> ZoneMap | None:
    """The zones of a picture's label map; None where there is none that can be read."""
    if not label_path(ref.path).is_file():
        return None
    try:
        return zones_of_labels(read_label_map(ref), grid)
    except ImageError:
        return None  # by height then, as for pictures without one


def zones_of_picture(ref: ImageRef, grid: Grid) -> ZoneMap:
    """The zones of a picture: of its label map, else by height."""
    found = labelled_zones(ref, grid)
    return zones_by_height(grid) if found is None else found


def sums_by_zone(sides: Sequence[npt.NDArray[np.floating]], zones: Sequence[ZoneMap]) -> Float64:
    """(zones,): what the cells (h, w) of the pictures ``sides`` add up to in each zone."""
    out = np.zeros(len(ZONES))
    for cells, values in zip(zones, sides, strict=True):
        np.add.at(out, cells.ravel(), np.asarray(values, dtype=np.float64).ravel())
    return out


def zone_shares(sums: Float64) -> Float64:
    """(zones,): shares of what the zones that speak for the match contribute; negative against."""
    positive = float(sums[sums > 0].sum())
    return sums / positive if positive > 0 else np.zeros_like(sums)


def leading_zones(sums: Float64) -> tuple[int, ...]:
    """The zone with most of the evidence, and the second where it holds :data:`NAMED` of it.

    None where no zone speaks for the match.
    """
    shares = zone_shares(sums)
    first, second = (int(i) for i in np.argsort(-shares, kind="stable")[:2])
    if shares[first] <= 0:
        return ()
    return (first, second) if shares[second] >= NAMED else (first,)
