"""Which cells a box, a lasso or a stroke in the picture means.

Places are fractions of the picture: x from 0 (left) to 1 (right), y from 0 (top) to 1 (bottom).
What lies outside the picture is ignored. Every mask is bool (h, w), True for the cells meant.

A cell is taken when at least half of its area lies inside. A shape so small that it has half of no
cell takes the one cell it covers most; one without area (a click, a line) the cells it touches.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.types import Bool, Float64, Grid

Point = tuple[float, float]
BoxFractions = tuple[float, float, float, float]

SHARE = 0.5
"""The part of a cell's area that has to lie inside for the cell to be taken."""

_SAMPLES = 8  # a side: places in a cell at which a lasso is tested


def cells_in_box(box: BoxFractions, grid: Grid, share: float = SHARE) -> Bool:
    """Cells (h, w) under the box (x0, y0, x1, y1), corners in any order.

    :class:`InputError` for numbers that are not finite. A box wholly outside takes no cell.
    """
    x0, y0, x1, y1 = _finite(box, 4)
    if x0 == x1 or y0 == y1:
        return cells_on_stroke([(x0, y0), (x1, y1)], grid)
    covered = np.outer(_overlap(y0, y1, grid[0]), _overlap(x0, x1, grid[1]))
    return _taken(covered, share) if covered.max() > 0 else np.zeros(grid, dtype=np.bool_)


def cells_in_lasso(points: Sequence[Point], grid: Grid, share: float = SHARE) -> Bool:
    """Cells (h, w) inside the polygon with these corners, closed by itself (even-odd rule).

    Areas are measured on 8 × 8 places in each cell. :class:`InputError` for no point at all.
    """
    corners = _points(points)
    h, w = grid
    ys = (np.arange(h * _SAMPLES) + 0.5) / (h * _SAMPLES)
    xs = (np.arange(w * _SAMPLES) + 0.5) / (w * _SAMPLES)
    inside = _inside(corners, xs[None, :], ys[:, None])
    covered = inside.reshape(h, _SAMPLES, w, _SAMPLES).mean(axis=(1, 3))
    if covered.max() > 0:
        return _taken(covered, share)
    return cells_on_stroke([*map(tuple, corners), tuple(corners[0])], grid)


def cells_on_stroke(points: Sequence[Point], grid: Grid) -> Bool:
    """Cells (h, w) that the line through ``points`` passes; one point is the cell under it."""
    corners = _points(points)
    out = np.zeros(grid, dtype=np.bool_)
    for begin, end in itertools.pairwise(np.vstack([corners, corners[-1:]])):
        reach = np.abs(end - begin) * (grid[1], grid[0])
        steps = int(min(4 * reach.max(), 1e5)) + 2  # four places in a cell's width
        places = begin + np.linspace(0.0, 1.0, steps)[:, None] * (end - begin)
        within = places[((places >= 0) & (places <= 1)).all(axis=1)]
        columns = np.minimum((within[:, 0] * grid[1]).astype(int), grid[1] - 1)
        rows = np.minimum((within[:, 1] * grid[0]).astype(int), grid[0] - 1)
        out[rows, columns] = True
    return out


def _finite(values: Sequence[float], count: int) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise InputError(f"a region needs {count} finite numbers (fractions of the picture)")
    return numbers


def _points(points: Sequence[Point]) -> Float64:
    corners = np.array([_finite(point, 2) for point in points], dtype=np.float64)
    if not len(corners):
        raise InputError("a lasso needs at least one point")
    return corners


def _overlap(begin: float, end: float, count: int) -> Float64:
    """Share of each of ``count`` equal stretches of [0, 1] that [begin, end] covers."""
    low, high = min(begin, end), max(begin, end)
    edges = np.linspace(0.0, 1.0, count + 1)
    covered = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.asarray(np.clip(covered * count, 0.0, 1.0), dtype=np.float64)


def _taken(covered: Float64, share: float) -> Bool:
    """Cells covered to ``share`` at least, or the one covered most."""
    taken = covered >= share - 1e-9
    if not taken.any():
        taken.flat[covered.argmax()] = True
    return np.asarray(taken, dtype=np.bool_)


def _inside(corners: Float64, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> Bool:
    """Even-odd rule for all places (x broadcast with y): edges crossed on the way to the right."""
    crossings = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        between = (y0 > y) != (y1 > y)
        crossings ^= between & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return crossings
