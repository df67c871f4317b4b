"""Upright surfaces behind people: walls with windows, shop fronts, hedges, trees, fences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.people import noise
from qaconv_core.people.arrays import Floats, Mask, Rng
from qaconv_core.people.camera import Camera
from qaconv_core.people.palette import linear


@dataclass(frozen=True)
class Wall:
    """An upright surface from ``start`` (x, z) along ``turn`` (radians; 0 runs to +x), ``wide``
    and ``high`` in m from ``low``; ``kind`` names its painting in :func:`paint_wall`."""

    start: tuple[float, float]
    turn: float
    wide: float
    low: float
    high: float
    kind: str
    colour: Floats
    second: Floats
    seed: int


def grey(rng: Rng, low: float, high: float, tint: float = 0.02) -> Floats:
    """A grey (3,) between two sRGB levels, with a little of some tint; linear."""
    return linear(np.clip(rng.uniform(low, high) + rng.normal(0, tint, 3), 0.05, 0.95))


def leaf(rng: Rng) -> Floats:
    """A muted green (3,); linear."""
    return linear(np.array([0.30, 0.36, 0.20]) * rng.uniform(0.7, 1.3) + rng.normal(0, 0.03, 3))


_WALL_KINDS = {
    "path": (("hedge", 4), ("trees", 4), ("brick", 2), ("fence", 2), ("plaster", 2)),
    "plaza": (("glass", 4), ("plaster", 3), ("panels", 3), ("brick", 2), ("trees", 2)),
    "street": (("plaster", 3), ("brick", 3), ("glass", 2), ("panels", 2), ("hedge", 1)),
    "shop": (("shop", 6), ("glass", 2), ("panels", 2)),
    "corridor": (("inside", 5), ("panels", 2), ("shop", 1)),
}


def draw_walls(camera: Camera, rng: Rng) -> list[Wall]:
    """Upright surfaces, the farthest first."""
    table = _WALL_KINDS[camera.place]
    shares = np.array([share for _, share in table], float)

    def kind() -> str:
        return table[rng.choice(len(table), p=shares / shares.sum())][0]

    walls = []
    back = camera.far + rng.uniform(1.0, 9.0) * (0.4 if camera.place == "corridor" else 1)
    for distance in (back + rng.uniform(4, 15), back):
        turn = float(rng.normal(0, 0.16))
        walls.append(_wall(rng, kind(), (-30.0, distance - 30 * np.sin(turn)), turn, 60.0))
    edge = camera.reach[0] * camera.far
    for side in (-1, 1):
        if rng.random() < (0.95 if camera.place == "corridor" else 0.35):
            x = side * edge * rng.uniform(0.8, 1.15)
            walls.append(_wall(rng, kind(), (float(x), 0.0), np.pi / 2 + rng.normal(0, 0.1), 40.0))
    return walls


def _wall(rng: Rng, kind: str, start: tuple[float, float], turn: float, wide: float) -> Wall:
    high = {"hedge": rng.uniform(0.7, 1.8), "fence": rng.uniform(1.1, 2.2)}.get(kind, 12.0)
    base = {
        "brick": linear(np.array([0.55, 0.40, 0.34]) * rng.uniform(0.75, 1.15)),
        "hedge": leaf(rng), "trees": leaf(rng) * 0.7,
        "glass": linear(np.array([0.33, 0.38, 0.41]) * rng.uniform(0.6, 1.3)),
    }.get(kind)  # fmt: skip
    if base is None:
        base = linear(np.clip(rng.uniform(0.5, 0.85) + rng.normal(0, 0.035, 3), 0.1, 0.92))
    second = grey(rng, 0.15, 0.85, 0.06)
    seed = int(rng.integers(1, 1 << 20))
    return Wall(start, float(turn), wide, 0.0, float(high), kind, base, second, seed)


def paint_wall(wall: Wall, x: Floats, y: Floats) -> tuple[Floats, Mask]:
    """Colour (k, 3) and whether there is anything (k,) at places x along and y up a wall, m."""
    rng = np.random.default_rng(wall.seed)
    cloud = noise.look_up(noise.field(5, 8), x * 20, y * 20 + wall.seed % 300)
    colour = wall.colour * (1 + 0.08 * cloud)[:, None]
    solid = np.ones(len(x), bool)
    if wall.kind == "brick":
        _bricks(colour, x, y)
    elif wall.kind == "hedge":
        leaves = noise.look_up(noise.field(6, 8), x * 50, y * 50)
        colour = wall.colour * np.exp(0.5 * leaves)[:, None]
        solid = y < wall.high * (0.9 + 0.05 * cloud)
    elif wall.kind == "trees":
        leaves = noise.look_up(noise.field(6, 8), x * 24, y * 24)
        colour = wall.colour * np.exp(0.55 * leaves)[:, None]
        trunk = (np.mod(x + 0.05 * cloud, 3.7) < 0.28) & (y < 2.6)
        colour[trunk] = linear([0.3, 0.26, 0.22])
        solid = trunk | (y > 1.7 + 0.5 * cloud)
    elif wall.kind == "fence":
        solid = (np.mod(x, 0.14) < 0.03) | (np.mod(x, 2.2) < 0.08) | (np.abs(y - wall.high) < 0.07)
        colour = np.broadcast_to(wall.second * 0.6, colour.shape).copy()
    elif wall.kind == "inside":
        colour[y < 1.0] = wall.second * 0.5 + wall.colour[None] * 0.3
        colour[(y < 0.12)] = wall.second * 0.4
    if wall.kind in ("brick", "plaster", "glass", "panels", "shop", "inside"):
        _openings(rng, wall, colour, x, y)
    return colour, solid


def _bricks(colour: Floats, x: Floats, y: Floats) -> None:
    row = np.floor(y / 0.085)
    shift = x / 0.26 + (row % 2) * 0.5
    tone = noise.look_up(noise.field(1, 512, 3), np.floor(shift) * 7, row * 13)
    colour *= (1 + 0.10 * tone)[:, None]
    joint = (np.mod(y, 0.085) < 0.012) | (np.mod(shift, 1) < 0.05)
    colour[joint] = 0.6 * colour[joint] + 0.4 * linear([0.6, 0.58, 0.55])


def _openings(rng: Rng, wall: Wall, colour: Floats, x: Floats, y: Floats) -> None:
    """Windows, doors, posters, pillars and panel joints."""
    glass = linear(np.array([0.22, 0.26, 0.29]) * rng.uniform(0.6, 1.6))
    if wall.kind == "glass":
        step, sill, top, width = rng.uniform(1.0, 1.8), 0.15, 11.0, 0.93
    elif wall.kind == "shop":
        step, sill, top, width = rng.uniform(2.2, 3.4), 0.4, 2.5, 0.85
    elif wall.kind == "inside":
        step, sill, top, width = rng.uniform(3.0, 5.0), 0.0, 2.1, 0.25
    elif wall.kind == "panels":
        colour[(np.mod(x, rng.uniform(0.9, 2)) < 0.03) | (np.mod(y, 1.3) < 0.03)] *= 0.6
        step, sill, top, width = rng.uniform(4, 9), 0.0, 2.3, 0.2
    else:
        step, sill, top, width = rng.uniform(2.4, 4.2), 0.9, 2.3, 0.45
    slot = np.mod(x, step) / step
    level = np.mod(y, 3.2)
    pane = (slot < width) & (level > sill) & (level < top)
    cell = noise.look_up(noise.field(1, 512, 3), np.floor(x / step) * 7, np.floor(y / 3.2) * 13)
    blur = noise.look_up(noise.field(4, 8), x * 25, y * 12)
    colour[pane] = glass * np.exp(0.3 * cell[pane] + 0.35 * blur[pane])[:, None]
    frame = pane & ((slot * step < 0.07) | (slot * step > width * step - 0.07)
                    | (level - sill < 0.07) | (top - level < 0.07))  # fmt: skip
    colour[frame] = wall.second
    if wall.kind == "shop":
        _goods(rng, colour, pane & ~frame, x, y)
    if rng.random() < 0.4:
        at = rng.uniform(24, 36)
        poster = (np.abs(x - at) < rng.uniform(0.3, 0.8)) & (np.abs(y - 1.5) < 0.5)
        colour[poster] = wall.second * 0.7 + 0.15


def _goods(rng: Rng, colour: Floats, pane: Mask, x: Floats, y: Floats) -> None:
    """What stands behind a shop's window: muted coloured boxes, posters."""
    cells = np.floor(x[pane] / 0.35).astype(np.int64) % 64, np.floor(y[pane] / 0.3).astype(int) % 16
    table = linear(np.clip(rng.normal(0.42, 0.14, (64, 16, 1)) + rng.normal(0, 0.07, (64, 16, 3)),
                           0.05, 0.9))  # fmt: skip
    shown = (rng.random((64, 16)) < 0.45)[cells]
    where = np.nonzero(pane)[0][shown]
    colour[where] = table[cells][shown] * 0.8
