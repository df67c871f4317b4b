"""Skirts and the hems of long coats: hulls around both legs, laid anew around every pose.

Skinned to the legs they would split between them; a hull cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.people import mesh
from qaconv_core.people.arrays import Floats, Ints
from qaconv_core.people.figure import Figure

HULL_ROWS, HULL_COLUMNS = 9, 22


@dataclass(frozen=True)
class Hull:
    """A skirt or coat hem around both legs: from ``top`` to ``bottom`` (heights at rest), with
    half widths at the waist and hip and a thigh radius, let out by ``ease`` and ``flare``."""

    top: float
    bottom: float
    waist: tuple[float, float, float]
    hip: tuple[float, float, float]
    ease: float
    flare: float
    material: int


def fit_hull(
    figure: Figure, top: float, bottom: float, ease: float, flare: float, material: int
) -> Hull:
    """A hull for a figure, from height ``top`` down to ``bottom``, dm."""
    return Hull(top, bottom, figure.girth(top), figure.girth(figure.hip), ease, flare,
                int(material))  # fmt: skip


def lay_hull(hull: Hull, figure: Figure, rotation: Floats, shift: Floats) -> Floats:
    """Points (rows, columns, 3) of a hull around the legs of a posed skeleton."""
    skeleton = figure.skeleton

    def posed(bone: str, point: Floats) -> Floats:
        number = skeleton.index(bone)
        return rotation[number] @ point + shift[number]

    pelvis = rotation[skeleton.index("spine05")]
    across, ahead = pelvis[:, 0], pelvis[:, 2]
    middle = figure.head_of("spine04")
    waist = posed("spine05", middle)
    angle = np.linspace(0, 2 * np.pi, HULL_COLUMNS, endpoint=False)[:, None]
    sine, cosine = np.sin(angle), np.cos(angle)
    legs = [_leg_points(figure, side, posed) for side in ("L", "R")]
    rows = []
    for t in np.linspace(0, 1, HULL_ROWS):
        height = hull.top + t * (hull.bottom - hull.top)
        to_hip = np.clip((hull.top - height) / max(hull.top - figure.hip + 0.9, 0.1), 0, 1)
        size = np.array(hull.waist) * (1 - to_hip) + np.array(hull.hip) * to_hip
        above = waist + pelvis @ np.array([0, height - middle[1], 0], np.float32)
        left, right = (_at_height(leg, height) for leg in legs)
        centre = above * (1 - to_hip) + (left + right) / 2 * to_hip
        spread = (left - right) / 2 * to_hip
        let_out = hull.ease + hull.flare * t * t
        side = size[0] - np.abs(spread @ across) * 0.96 + let_out
        side = max(side, 0.72 + let_out)
        reach = np.where(cosine > 0, size[1] + let_out, -size[2] + let_out)
        reach = reach * (1 - 0.18 * to_hip)
        rows.append(
            centre + np.tanh(2.2 * sine) * spread + sine * side * across + cosine * reach * ahead
        )
    return np.array(rows, np.float32)


def _leg_points(figure: Figure, side: str, posed: object) -> tuple[Floats, Floats]:
    """Heights at rest (3,) and posed places (3, 3) of hip, knee and ankle."""
    joints = [(b, figure.head_of(f"{b}.{side}")) for b in ("upperleg01", "lowerleg01", "foot")]
    places = [posed(f"{bone}.{side}", point) for bone, point in joints]  # type: ignore[operator]
    return np.array([p[1] for _, p in joints], np.float32), np.array(places, np.float32)


def _at_height(leg: tuple[Floats, Floats], height: float) -> Floats:
    """The place on a posed leg that is at ``height`` at rest."""
    heights, places = leg
    return np.array([np.interp(-height, -heights, places[:, k]) for k in range(3)], np.float32)


def hull_faces() -> Ints:
    """Triangles over the points of :func:`lay_hull`."""
    grid = np.zeros((HULL_ROWS, HULL_COLUMNS, 3), np.float32)
    return np.ascontiguousarray(mesh.rings(grid)[1][:, ::-1])
