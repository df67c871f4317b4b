"""A z-buffer in vectorised NumPy: which triangle each pixel shows.

Every triangle is laid out as the pixels of its bounding box, all triangles in one flat array, and
the pixel keeps the nearest. Meant for some thousand small triangles on small pictures.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from qaconv_core.people.arrays import Floats, Ints, Mask

CANDIDATES = 1_500_000
"""Pixels of bounding boxes looked at together; bounds the memory (about 100 bytes each)."""


@dataclass(frozen=True)
class Fragments:
    """The covered pixels: ``pixel`` (k,) row-major numbers, ``face`` (k,) triangle numbers and
    ``weights`` (k, 3), the barycentric weights on the screen; ``depth`` (k,) as handed in."""

    pixel: Ints
    face: Ints
    weights: Floats
    depth: Floats


def rasterise(
    xy: Floats, depth: Floats, faces: Ints, size: tuple[int, int], two_sided: Mask | None = None
) -> Fragments:
    """Find the nearest triangle at every pixel centre.

    ``xy`` (n, 2) are pixels (x right, y down; the first pixel's centre is (0.5, 0.5)), ``depth``
    (n,) grows away from the eye and is linear on the screen (e.g. −1/distance), ``size`` is
    (height, width). Triangles that turn clockwise on the screen in y-up terms show their back and
    are skipped unless ``two_sided`` (m,) says otherwise.
    """
    setup = _setup(xy, depth, faces, size, two_sided)
    parts = [_cover(setup, chunk, size) for chunk in _chunks(setup.area)]
    pixel, face, w0, w1, z = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(-z, kind="stable")
    nearest = np.full(size[0] * size[1], -1, np.int64)
    nearest[pixel[order]] = order  # the last assignment to a pixel stays: the nearest
    kept = nearest[nearest >= 0]
    w0, w1 = w0[kept], w1[kept]
    weights = np.stack([w0, w1, 1 - w0 - w1], 1)
    return Fragments(pixel[kept], face[kept], weights, z[kept])


@dataclass(frozen=True)
class _Setup:
    face: Ints
    left: Ints
    top: Ints
    wide: Ints
    area: Ints
    planes: Floats  # (m, 9): w0, w1 and depth as a·x + b·y + c


def _setup(
    xy: Floats, depth: Floats, faces: Ints, size: tuple[int, int], two_sided: Mask | None
) -> _Setup:
    x, y = xy[:, 0][faces], xy[:, 1][faces]
    doubled = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    shown = doubled < -1e-5  # y points down: a front face turns the other way round
    if two_sided is not None:
        shown |= two_sided & (doubled > 1e-5)
    left = np.maximum(np.ceil(x.min(1) - 0.5), 0)
    top = np.maximum(np.ceil(y.min(1) - 0.5), 0)
    wide = np.minimum(np.floor(x.max(1) - 0.5), size[1] - 1) - left + 1
    high = np.minimum(np.floor(y.max(1) - 0.5), size[0] - 1) - top + 1
    keep = np.nonzero(shown & (wide > 0) & (high > 0))[0]
    x, y, z = (a.astype(np.float64) for a in (x[keep], y[keep], depth[faces[keep]]))
    inverse = 1.0 / doubled[keep]
    a0, b0 = (y[:, 1] - y[:, 2]) * inverse, (x[:, 2] - x[:, 1]) * inverse
    a1, b1 = (y[:, 2] - y[:, 0]) * inverse, (x[:, 0] - x[:, 2]) * inverse
    c0 = -(a0 * x[:, 2] + b0 * y[:, 2])
    c1 = -(a1 * x[:, 2] + b1 * y[:, 2])
    z0, z1 = z[:, 0] - z[:, 2], z[:, 1] - z[:, 2]
    plane = [a0, b0, c0, a1, b1, c1]
    plane += [a0 * z0 + a1 * z1, b0 * z0 + b1 * z1, c0 * z0 + c1 * z1 + z[:, 2]]
    left, top, wide, high = (a[keep].astype(np.int64) for a in (left, top, wide, high))
    return _Setup(keep, left, top, wide, wide * high, np.stack(plane, 1).astype(np.float32))


def _chunks(area: Ints) -> list[slice]:
    """Runs of triangles with at most about :data:`CANDIDATES` pixels in their boxes."""
    total = np.cumsum(area)
    if not len(total) or total[-1] <= CANDIDATES:
        return [slice(0, len(area))]
    cuts = np.searchsorted(total, np.arange(CANDIDATES, total[-1], CANDIDATES), side="right")
    edges = np.unique(np.concatenate([[0], cuts, [len(area)]]))
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def _cover(
    setup: _Setup, chunk: slice, size: tuple[int, int]
) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Pixels inside the triangles of a chunk: pixel, face, two weights, depth."""
    area, wide = setup.area[chunk], setup.wide[chunk].astype(np.int32)
    owner = np.repeat(np.arange(len(area), dtype=np.int32), area)
    start = np.cumsum(area) - area
    within = (np.arange(len(owner)) - start[owner]).astype(np.int32)
    width = wide[owner]
    row = within // width
    column = within - row * width
    px = setup.left[chunk].astype(np.int32)[owner] + column
    py = setup.top[chunk].astype(np.int32)[owner] + row
    x, y = px.astype(np.float32) + 0.5, py.astype(np.float32) + 0.5
    planes = setup.planes[chunk]
    p = [planes[:, k][owner] for k in range(6)]
    w0 = p[0] * x + p[1] * y + p[2]
    w1 = p[3] * x + p[4] * y + p[5]
    inside = np.nonzero((w0 >= 0) & (w1 >= 0) & (w0 + w1 <= 1))[0]
    owner, x, y = owner[inside], x[inside], y[inside]
    z = planes[:, 6][owner] * x + planes[:, 7][owner] * y + planes[:, 8][owner]
    pixel = py[inside].astype(np.int64) * size[1] + px[inside]
    return pixel, setup.face[chunk][owner], w0[inside], w1[inside], z


def interpolate(values: Floats, faces: Ints, found: Fragments, weights: Floats) -> Floats:
    """Vertex ``values`` (n, …) at the covered pixels, shape (k, …), with ``weights`` (k, 3)."""
    corner = faces[found.face]
    part = weights.reshape(-1, 3, *([1] * (values.ndim - 1)))
    out = values[corner[:, 0]] * part[:, 0]
    out += values[corner[:, 1]] * part[:, 1]
    out += values[corner[:, 2]] * part[:, 2]
    return out


def perspective(found: Fragments, faces: Ints, inverse_depth: Floats) -> Floats:
    """Weights (k, 3) that interpolate on the surface, from those on the screen.

    ``inverse_depth`` (n,) is 1/distance along the optical axis of each vertex.
    """
    weights = found.weights * inverse_depth[faces[found.face]]
    return weights / weights.sum(1, keepdims=True)
