"""The shadows that people cast on the ground, on each other and on themselves."""

from __future__ import annotations

import numpy as np

from qaconv_core.people.arrays import Floats, Ints
from qaconv_core.people.light import Light
from qaconv_core.people.rasteriser import rasterise

SHADOW_CELLS = 150


class Shadow:
    """What the actors' bodies leave of the sun, as a map over the ground along the sun's rays."""

    def __init__(
        self, points: Floats, faces: Ints, light: Light, place: tuple[float, float]
    ) -> None:
        way = light.sun_way
        self.active = float(light.sun.max()) > 0.25 * float(light.sky.max())
        if not self.active:
            return
        self.slope = way[[0, 2]] / way[1]
        flat = self._flat(points)
        centre = np.array(place, np.float32)
        reach = min(1.2 + 1.7 * float(np.hypot(*self.slope)) * 0.6, 3.2)
        self.centre = (centre - self.slope * 0.75).astype(np.float32)
        self.cell = 2 * reach / SHADOW_CELLS
        xy = (flat - self.centre) / self.cell + SHADOW_CELLS / 2
        size = (SHADOW_CELLS, SHADOW_CELLS)
        both = np.ones(len(faces), bool)
        found = rasterise(xy.astype(np.float32), -points[:, 1], faces, size, both)
        height = np.full(SHADOW_CELLS**2, -1.0, np.float32)
        height[found.pixel] = -found.depth
        self.height = height.reshape(size)

    def _flat(self, points: Floats) -> Floats:
        """Where the sun's ray through a point meets the ground, (n, 2)."""
        return points[:, [0, 2]] - points[:, 1:2] * self.slope

    def open_at(self, points: Floats, slack: float) -> Floats:
        """Share of the sun (n,) that reaches points (n, 3); ``slack`` m against self-shadowing."""
        if not self.active or not len(points):
            return np.ones(len(points), np.float32)
        at = (self._flat(points) - self.centre) / self.cell + SHADOW_CELLS / 2
        total = np.zeros(len(points), np.float32)
        for dx, dy in ((0, 0), (1.3, 0.4), (-1.3, -0.4), (-0.4, 1.3), (0.4, -1.3)):
            column = np.floor(at[:, 0] + dx).astype(np.int64)
            row = np.floor(at[:, 1] + dy).astype(np.int64)
            inside = (row >= 0) & (row < SHADOW_CELLS) & (column >= 0) & (column < SHADOW_CELLS)
            top = self.height[row.clip(0, SHADOW_CELLS - 1), column.clip(0, SHADOW_CELLS - 1)]
            total += ~(inside & (top > points[:, 1] + slack))
        return total / 5
