"""Round bodies as clouds of surface points, and their picture: the small renderer.

Every part of a figure is a tube: a line of centres with a width and a depth at each, sampled so
densely that its points can be dropped onto the pixels, farthest first. Lengths are metres; x
points to the person's left, y up, z to where the person looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Surface:
    """A sampled tube.

    ``points`` and ``normals`` (t, n, 3); ``along`` (t, 1) metres from the first centre;
    ``around`` (1, n) angle in radians, π/2 is the front, 0 the left.
    """

    points: Array
    normals: Array
    along: Array
    around: Array


@dataclass(frozen=True)
class Cloud:
    """Coloured surface points: ``points``, ``normals``, ``colours``, each (n, 3)."""

    points: Array
    normals: Array
    colours: Array

    @staticmethod
    def join(clouds: list[Cloud]) -> Cloud:
        """All points of all clouds."""
        return Cloud(
            np.concatenate([c.points for c in clouds]),
            np.concatenate([c.normals for c in clouds]),
            np.concatenate([c.colours for c in clouds]),
        )


def _normals(points: Array, centres: Array) -> Array:
    """Unit normals of a sampled surface, pointing away from its centre line."""
    normal = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    outward = np.sum(normal * (points - centres[:, None]), axis=2, keepdims=True)
    normal = np.where(outward < 0, -normal, normal)
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    return (normal / np.maximum(length, 1e-12)).astype(np.float32)


def _frame(axis: Array) -> tuple[Array, Array]:
    """Two directions across ``axis``: near the person's left, and near the front."""
    left = np.array([1.0, 0.0, 0.0]) - axis[0] * axis
    if np.linalg.norm(left) < 0.2:
        left = np.array([0.0, 1.0, 0.0]) - axis[1] * axis
    left = left / np.linalg.norm(left)
    front = np.cross(left, axis)
    if front[2] < -1e-6 or (abs(front[2]) <= 1e-6 and front[1] > 0):
        front = -front
    return left, front


def tube(centres: Array, width: Array, depth: Array, step: float, square: float = 1.0) -> Surface:
    """A tube through ``centres`` (k, 3) with half axes ``width`` and ``depth`` (k,).

    ``step`` is the distance of the samples in metres. ``square`` below 1 makes the cross-section
    boxy (a superellipse).
    """
    centres = np.asarray(centres, dtype=np.float64)
    pieces = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    knots = np.concatenate([[0.0], np.cumsum(pieces)])
    count = max(4, int(knots[-1] / step) + 1)
    along = np.linspace(0, knots[-1], count)
    line = np.stack([np.interp(along, knots, centres[:, i]) for i in range(3)], axis=1)
    half_w, half_d = np.interp(along, knots, width), np.interp(along, knots, depth)
    turns = max(12, int(2 * np.pi * max(half_w.max(), half_d.max()) / step))
    around = np.linspace(0, 2 * np.pi, turns, endpoint=False)
    cos, sin = np.cos(around), np.sin(around)
    cos = np.sign(cos) * np.abs(cos) ** square
    sin = np.sign(sin) * np.abs(sin) ** square
    left, front = _frame((centres[-1] - centres[0]) / max(knots[-1], 1e-9))
    points = (
        line[:, None]
        + (half_w[:, None] * cos)[..., None] * left
        + (half_d[:, None] * sin)[..., None] * front
    ).astype(np.float32)
    return Surface(points, _normals(points, line), along[:, None], around[None])


def capsule(start: npt.ArrayLike, end: npt.ArrayLike, r0: float, r1: float, step: float) -> Surface:
    """A limb: a tube from ``start`` to ``end`` with rounded ends."""
    first, last = np.asarray(start, float), np.asarray(end, float)
    axis = (last - first) / max(float(np.linalg.norm(last - first)), 1e-9)
    bend = np.sin(np.linspace(0, np.pi / 2, 6))
    back = np.cos(np.linspace(0, np.pi / 2, 6))
    centres = np.concatenate(
        [first - r0 * back[:, None] * axis, last + r1 * back[::-1][:, None] * axis]
    )
    radii = np.concatenate([r0 * bend, r1 * bend[::-1]])
    return tube(centres, radii, radii, step)


def ellipsoid(
    centre: npt.ArrayLike, half: tuple[float, float, float], step: float, square: float = 1.0
) -> Surface:
    """An upright ellipsoid (boxy when ``square`` < 1) with half axes (x, y, z)."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 15)
    rise = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** square
    ring = np.cos(angle) ** square
    centres = np.asarray(centre, float) + half[1] * rise[:, None] * np.array([0, 1.0, 0])
    return tube(centres, half[0] * ring, half[2] * ring, step, square)


def paint(
    surface: Surface, colour: npt.ArrayLike, keep: npt.NDArray[np.bool_] | None = None
) -> Cloud:
    """Colour a surface: one colour (3,) or one per point (t, n, 3); ``keep`` (t, n) cuts it."""
    colours = np.broadcast_to(np.asarray(colour, np.float32), surface.points.shape)
    if keep is None:
        keep = np.ones(surface.points.shape[:2], dtype=bool)
    keep = np.broadcast_to(keep, surface.points.shape[:2])
    return Cloud(surface.points[keep], surface.normals[keep], colours[keep])


def turn(yaw: float, pitch: float) -> Array:
    """Rotation into the camera's view: ``yaw`` 0 sees the front, ``pitch`` > 0 from above."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    spin = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return (tilt @ spin).astype(np.float32)


def _occlusion(depth: Array, mask: Array, radius: float) -> Array:
    """Darkening in [0, 1] of pixels that lie behind their surroundings (soft contact shadows)."""
    weight = cv2.GaussianBlur(mask, (0, 0), radius) + 1e-4
    around = cv2.GaussianBlur(depth * mask, (0, 0), radius) / weight
    return np.clip((around - depth - 0.01) * 3.0, 0, 0.45).astype(np.float32)


def splat(
    cloud: Cloud,
    view: Array,
    size: tuple[int, int],
    origin: tuple[float, float],
    scale: float,
    light: Callable[[Array], Array],
) -> tuple[Array, Array]:
    """Picture (H, W, 3) and coverage (H, W) of a cloud, both in [0, 1].

    ``origin`` is the pixel (x, y) of the point 0, ``scale`` pixels per metre, ``light`` gives the
    brightness (n,) of normals (n, 3) in view coordinates.
    """
    normals = cloud.normals @ view.T
    seen = normals[:, 2] > -0.02
    points, normals = cloud.points[seen] @ view.T, normals[seen]
    x = np.floor(origin[0] + scale * points[:, 0]).astype(np.int64)
    y = np.floor(origin[1] - scale * points[:, 1]).astype(np.int64)
    inside = (x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0])
    order = np.flatnonzero(inside)
    order = order[np.argsort(points[order, 2], kind="stable")]
    cell = y[order] * size[1] + x[order]
    last = np.full(size[0] * size[1], -1, dtype=np.int64)
    last[cell] = order
    hit = last >= 0
    top = last[hit]
    image = np.zeros((size[0] * size[1], 3), np.float32)
    depth = np.zeros(size[0] * size[1], np.float32)
    image[hit] = cloud.colours[seen][top] * light(normals[top])[:, None]
    depth[hit] = points[top, 2]
    mask = hit.reshape(size).astype(np.float32)
    shadow = _occlusion(depth.reshape(size), mask, 0.06 * scale)
    return image.reshape(*size, 3) * (1 - shadow[..., None]), mask
