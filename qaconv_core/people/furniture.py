"""What stands about in front of cameras: posts, bicycles, cars, bins, prams, plants, signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.people import mesh
from qaconv_core.people.arrays import Floats, Ints, Rng
from qaconv_core.people.camera import Camera
from qaconv_core.people.carried import bicycle
from qaconv_core.people.palette import linear
from qaconv_core.people.parts import Material

_DARK = linear([0.12, 0.12, 0.13])


@dataclass(frozen=True)
class Model:
    """An object: ``points`` (n, 3) m in the camera's world, ``faces`` (m, 3), ``colours`` (m, 3)
    linear reflectance."""

    points: Floats
    faces: Ints
    colours: Floats


Piece = tuple[mesh.Solid, Floats]


def draw_models(camera: Camera, rng: Rng) -> list[Model]:
    """The standing objects of a camera's place; a few may stand before passing people."""
    half = camera.reach[0]
    models = []
    counts = {"path": 4, "plaza": 5, "street": 7, "shop": 8, "corridor": 2}[camera.place]
    kinds = {
        "path": ("post", "bicycle", "bush", "bin", "bench"),
        "plaza": ("post", "bicycle", "bush", "bin", "bench", "sign"),
        "street": ("car", "car", "bicycle", "post", "sign", "bin"),
        "shop": ("bicycle", "bicycle", "bicycle", "sign", "bin", "pram", "bush"),
        "corridor": ("bin", "bush", "sign", "pram"),
    }[camera.place]
    for _ in range(rng.poisson(counts) + 1):
        kind = str(rng.choice(kinds))
        if rng.random() < 0.7 or kind in ("car", "bush", "bench", "bin"):
            z = camera.far * 1.15 + rng.uniform(0.5, 7) + 1.5 * (kind == "car")
        else:
            z = camera.near * rng.uniform(0.7, 1.1)
        x = rng.uniform(-1, 1) * half * z
        repeat = int(rng.integers(2, 7)) if kind == "bicycle" and rng.random() < 0.6 else 1
        yaw = rng.uniform(-np.pi, np.pi)
        for number in range(repeat):
            pieces = furnish(kind, rng)
            shift = np.array([x + number * 0.65, 0, z + rng.normal(0, 0.08)])
            models.append(place(pieces, shift.astype(np.float32), yaw + rng.normal(0, 0.06)))
    return models


def place(pieces: list[Piece], shift: Floats, yaw: float) -> Model:
    """Pieces in dm around the origin, turned by ``yaw``, as one object at ``shift`` (m)."""
    points, faces = mesh.join(*[solid for solid, _ in pieces])
    colours = np.concatenate([np.repeat(c[None], len(s[1]), 0) for s, c in pieces])
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    return Model((points * np.float32(0.1) @ turn.T + shift).astype(np.float32), faces, colours)


def _muted(rng: Rng, spread: float = 0.06) -> Floats:
    return linear(np.clip(rng.uniform(0.15, 0.7) + rng.normal(0, spread * 0.8, 3), 0.06, 0.9))


def furnish(kind: str, rng: Rng) -> list[Piece]:
    """The pieces of one object by name, dm."""
    return _FURNITURE[kind](rng)


def _post(rng: Rng) -> list[Piece]:
    high = float(rng.choice([9.0, 10.0, 40.0], p=[0.3, 0.2, 0.5]))
    thick = float(rng.uniform(0.4, 1.4))
    stem = mesh.tube(np.array([[0, 0, 0], [0, high / 2, 0], [0, high, 0]], np.float32), thick, 8)
    return [(stem, _muted(rng, 0.02))]


def _bicycle(rng: Rng) -> list[Piece]:
    colour, tyre = _muted(rng, 0.12), _DARK
    table = {int(Material.THING): colour, int(Material.METAL): linear([0.5, 0.5, 0.52])}
    return [(solid, table.get(int(kind), tyre)) for solid, kind in bicycle(float(rng.random()))]


def _car(rng: Rng) -> list[Piece]:
    paint = [linear([0.8] * 3), linear([0.15] * 3), linear([0.5] * 3), linear([0.3, 0.12, 0.12]),
             linear([0.18, 0.22, 0.32])][rng.integers(0, 5)]  # fmt: skip
    body = mesh.moved(mesh.rounded_box((8.8, 4.0, 21), 6, 20, 9), (0, 5.4, 0))
    cabin = mesh.moved(mesh.rounded_box((7.6, 3.6, 11.5), 4, 20, 9), (0, 10.6, -1.5))
    glass = mesh.moved(mesh.rounded_box((7.8, 2.0, 11.2), 4.5, 20, 7), (0, 11.0, -1.5))
    wheels = [mesh.moved(mesh.rounded_box((1.0, 3.1, 3.1), 2, 12, 7), (x, 3.1, z))
              for x in (-8.2, 8.2) for z in (-13, 13)]  # fmt: skip
    return [(body, paint), (cabin, paint), (glass, linear([0.16, 0.18, 0.2])),
            (mesh.join(*wheels), _DARK)]  # fmt: skip


def _bin(rng: Rng) -> list[Piece]:
    return [(mesh.moved(mesh.rounded_box((2.4, 4.6, 2.4), 7, 12, 7), (0, 4.6, 0)), _muted(rng))]


def _bench(rng: Rng) -> list[Piece]:
    seat = mesh.moved(mesh.rounded_box((8, 0.4, 2.2), 9, 12, 5), (0, 4.4, 0))
    back = mesh.moved(mesh.rounded_box((8, 1.6, 0.3), 9, 12, 5), (0, 7, -2.2))
    feet = [mesh.moved(mesh.rounded_box((0.4, 2.2, 1.8), 8, 8, 5), (x, 2.1, 0)) for x in (-6, 6)]
    wood = linear(np.array([0.42, 0.33, 0.25]) * rng.uniform(0.7, 1.2))
    return [(mesh.join(seat, back), wood), (mesh.join(*feet), _DARK)]


def _bush(rng: Rng) -> list[Piece]:
    size = rng.uniform(2.4, 5)
    points, faces = mesh.rounded_box((size, size * 0.8, size), 2.2, 22, 13)
    points = points * (1 + 0.09 * rng.standard_normal((len(points), 1))).astype(np.float32)
    leaf = linear(np.array([0.28, 0.34, 0.19]) * rng.uniform(0.7, 1.2))
    solid = mesh.moved((points.astype(np.float32), faces), (0, size * 0.7, 0))
    if rng.random() < 0.4:
        pot = mesh.moved(mesh.rounded_box((size * 0.6, 3, size * 0.6), 6, 12, 5), (0, 3, 0))
        return [(mesh.moved(solid, (0, 5, 0)), leaf), (pot, _muted(rng))]
    return [(solid, leaf)]


def _sign(rng: Rng) -> list[Piece]:
    high = float(rng.uniform(13, 24))
    board = mesh.moved(
        mesh.rounded_box((float(rng.uniform(1.2, 2.6)), 1.8, 0.2), 9, 12, 5), (0, high, 0)
    )
    stem = mesh.tube(np.array([[0, 0, 0], [0, high / 2, 0], [0, high, 0]], np.float32), 0.35, 6)
    return [(board, _muted(rng, 0.1)), (stem, linear([0.4] * 3))]


def _pram(rng: Rng) -> list[Piece]:
    seat = mesh.moved(mesh.rounded_box((2.0, 1.7, 3.2), 4, 14, 7), (0, 5.6, 0))
    roof = mesh.moved(mesh.rounded_box((2.1, 1.7, 1.8), 2.6, 14, 7), (0, 7.4, 1.6))
    bar = mesh.tube(np.array([[-2.3, 2.5, 2], [-2.3, 10, -4.5], [2.3, 10, -4.5], [2.3, 2.5, 2]],
                             np.float32), 0.18, 5)  # fmt: skip
    wheels = [mesh.moved(mesh.ring(1.4, 0.2, 14, 4), (x, 1.5, z))
              for x in (-2.4, 2.4) for z in (-3, 3)]  # fmt: skip
    colour = linear(np.clip(rng.uniform(0.12, 0.4) + rng.normal(0, 0.05, 3), 0.06, 0.5))
    return [(seat, colour), (roof, colour * 0.8), (bar, linear([0.4] * 3)),
            (mesh.join(*wheels), _DARK)]  # fmt: skip


_FURNITURE = {
    "post": _post, "bicycle": _bicycle, "car": _car, "bin": _bin, "bench": _bench, "bush": _bush,
    "sign": _sign, "pram": _pram,
}  # fmt: skip

IN_FRONT = ("post", "post", "bicycle", "bicycle", "bush", "sign", "pram")
"""Objects that may stand between camera and person."""
