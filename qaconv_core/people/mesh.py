"""Triangle meshes: making them coarser, cutting them, smoothing them, and simple solids.

Points are (n, 3) float32, faces (m, 3) vertex numbers, counter-clockwise seen from outside.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from qaconv_core.people.arrays import Floats, Ints

Solid = tuple[Floats, Ints]


def simplify(points: Floats, faces: Ints, cell: Floats | float) -> tuple[Ints, Ints]:
    """Vertex clustering (Rossignac & Borrel 1993) that keeps one vertex of each cube of side
    ``cell`` (a number, or one per vertex): returns the kept vertices' numbers (k,) and the faces
    over them. Keeping vertices, not means, lets a body be changed after the choice."""
    used = np.unique(faces)
    sides = np.broadcast_to(np.asarray(cell, np.float32), (len(points),))[used]
    place = np.floor(points[used] / sides[:, None]).astype(np.int64)
    key = np.concatenate([place, np.round(sides * 1e4).astype(np.int64)[:, None]], axis=1)
    _, cluster = np.unique(key, axis=0, return_inverse=True)
    cluster = cluster.reshape(-1)
    count = int(cluster.max()) + 1 if len(cluster) else 0
    size = np.bincount(cluster, minlength=count)
    mean = np.stack([np.bincount(cluster, points[used, k], count) for k in range(3)], 1)
    away = ((points[used] - (mean / size[:, None])[cluster]) ** 2).sum(1)
    order = np.lexsort((away, cluster))
    first = order[np.searchsorted(cluster[order], np.arange(count))]
    number = np.full(len(points), -1, np.int64)
    number[used] = cluster
    coarse = number[faces]
    whole = (
        (coarse[:, 0] != coarse[:, 1])
        & (coarse[:, 1] != coarse[:, 2])
        & (coarse[:, 2] != coarse[:, 0])
    )
    coarse = coarse[whole]
    _, once = np.unique(np.sort(coarse, axis=1), axis=0, return_index=True)
    return used[first], coarse[np.sort(once)]


def cut(field: Floats, faces: Ints) -> tuple[Ints, Floats, Ints]:
    """Keep the part of a mesh where ``field`` (n,) > 0, with a clean edge at 0.

    Returns ``pairs`` (k, 2), ``share`` (k,) and ``faces``: new vertex i lies between old vertices
    ``pairs[i]``, at ``share[i]`` of the way, so that any attribute can be carried over
    (:func:`carry`).
    """
    inside = field > 0
    count = inside[faces].sum(1)
    triangles: list[Ints] = []
    pairs = [np.repeat(np.arange(len(field))[:, None], 2, axis=1)]
    triangles.append(faces[count == 3])
    base = len(field)
    for kept in (1, 2):
        some = faces[count == kept]
        if not len(some):
            continue
        odd = inside[some] if kept == 1 else ~inside[some]
        corner = odd.argmax(1)
        a, b, c = (np.take_along_axis(some, ((corner + k) % 3)[:, None], 1)[:, 0] for k in range(3))
        ab = base + np.arange(len(some))
        ac = ab + len(some)
        base += 2 * len(some)
        pairs += [np.stack([a, b], 1), np.stack([a, c], 1)]
        if kept == 1:
            triangles.append(np.stack([a, ab, ac], 1))
        else:
            triangles += [np.stack([ab, b, c], 1), np.stack([ab, c, ac], 1)]
    pair = np.concatenate(pairs)
    first, second = field[pair[:, 0]], field[pair[:, 1]]
    gap = np.where(np.abs(first - second) < 1e-9, 1.0, first - second)
    share = np.where(pair[:, 0] == pair[:, 1], 0.0, first / gap).astype(np.float32)
    kept_faces = np.concatenate(triangles)
    used, flat = np.unique(kept_faces, return_inverse=True)
    return pair[used], share[used], flat.reshape(-1, 3)


def carry(values: Floats, pairs: Ints, share: Floats) -> Floats:
    """Values (n, …) of a mesh's vertices at the vertices that :func:`cut` made."""
    part = share.reshape(-1, *([1] * (values.ndim - 1)))
    return values[pairs[:, 0]] * (1 - part) + values[pairs[:, 1]] * part


def compact(faces: Ints) -> tuple[Ints, Ints]:
    """The vertices in use (k,) and the faces numbered over them."""
    used, flat = np.unique(faces, return_inverse=True)
    return used, flat.reshape(-1, 3)


def normals(points: Floats, faces: Ints) -> tuple[Floats, Floats]:
    """Unit vertex normals (n, 3), weighted by area, and raw face normals (m, 3)."""
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    u, v = b - a, c - a
    face = np.empty_like(u)
    face[:, 0] = u[:, 1] * v[:, 2] - u[:, 2] * v[:, 1]
    face[:, 1] = u[:, 2] * v[:, 0] - u[:, 0] * v[:, 2]
    face[:, 2] = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    flat = faces.T.reshape(-1)
    out = np.stack([np.bincount(flat, np.tile(face[:, k], 3), len(points)) for k in range(3)], 1)
    length = np.sqrt((out * out).sum(1, keepdims=True))
    return (out / np.maximum(length, 1e-9)).astype(np.float32), face


def smooth(points: Floats, faces: Ints, rounds: int, strength: float = 0.5) -> Floats:
    """Laplacian smoothing: each vertex moves towards its neighbours' mean, ``rounds`` times."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = np.concatenate([edges, edges[:, ::-1]])
    link = sparse.csr_matrix(
        (np.ones(len(both), np.float32), (both[:, 0], both[:, 1])), shape=(len(points),) * 2
    )
    link.data[:] = 1.0
    total = np.maximum(np.asarray(link.sum(1)), 1)
    for _ in range(rounds):
        points = points + strength * ((link @ points) / total - points)
    return points.astype(np.float32)


def join(*solids: Solid) -> Solid:
    """One mesh out of several."""
    start = np.cumsum([0] + [len(points) for points, _ in solids[:-1]])
    faces = [f + s for (_, f), s in zip(solids, start, strict=True)]
    return np.concatenate([p for p, _ in solids]), np.concatenate(faces)


def moved(solid: Solid, shift: tuple[float, float, float] | Floats) -> Solid:
    """The solid, ``shift`` (3,) further."""
    return (solid[0] + np.asarray(shift, np.float32)).astype(np.float32), solid[1]


def _grid_faces(rows: int, columns: int, closed: bool) -> Ints:
    """Triangles of a grid of points (rows, columns), each row a ring where ``closed``."""
    across = columns if closed else columns - 1
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(across), indexing="ij")
    a, b = r * columns + c, r * columns + (c + 1) % columns
    lower, upper = np.stack([a, b, a + columns], -1), np.stack([b, b + columns, a + columns], -1)
    return np.concatenate([lower.reshape(-1, 3), upper.reshape(-1, 3)]).astype(np.int64)


def rounded_box(
    half: tuple[float, float, float], square: float = 4.0, around: int = 16, high: int = 9
) -> Solid:
    """A superellipsoid with half axes ``half``; ``square`` 2 is an ellipsoid, 8 nearly a box."""
    u = np.linspace(-np.pi, np.pi, around, endpoint=False)
    w = np.linspace(-np.pi / 2, np.pi / 2, high)

    def bent(x: Floats) -> Floats:
        return np.sign(x) * np.abs(x) ** (2 / square)

    cw, sw = bent(np.cos(w))[:, None], bent(np.sin(w))[:, None]
    shape = (high, around)
    points = np.stack(
        [
            half[0] * cw * bent(np.sin(u)),
            np.broadcast_to(half[1] * sw, shape),
            half[2] * cw * bent(np.cos(u)),
        ],
        -1,
    )
    return points.reshape(-1, 3).astype(np.float32), _grid_faces(high, around, True)


def tube(path: Floats, radius: float | Floats, sides: int = 6, flat: float = 1.0) -> Solid:
    """A pipe along ``path`` (n, 3); ``flat`` < 1 presses it into a strap that lies on its side."""
    path = np.asarray(path, np.float32)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    hint = np.array([0.95, 0.2, 0.25], np.float32)
    across = np.cross(along, hint)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    third = np.cross(along, across)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None, :, None]
    size = np.broadcast_to(np.asarray(radius, np.float32), (len(path),))[:, None, None]
    ring = flat * np.cos(angle) * across[:, None] + np.sin(angle) * third[:, None]
    points = path[:, None] + size * ring
    faces = _grid_faces(len(path), sides, True)[:, ::-1]
    return points.reshape(-1, 3).astype(np.float32), np.ascontiguousarray(faces)


def ring(radius: float, thick: float, around: int = 24, sides: int = 5) -> Solid:
    """A torus around the x axis (a wheel that rolls along z)."""
    angle = np.linspace(0, 2 * np.pi, around + 1)
    path = np.stack([0 * angle, radius * np.sin(angle), radius * np.cos(angle)], 1)
    return tube(path, thick, sides)


def sheet(points: Floats) -> Solid:
    """A surface through a grid of points (rows, columns, 3)."""
    rows, columns = points.shape[:2]
    return points.reshape(-1, 3).astype(np.float32), _grid_faces(rows, columns, False)


def rings(points: Floats) -> Solid:
    """A surface through closed rings of points (rows, columns, 3)."""
    rows, columns = points.shape[:2]
    return points.reshape(-1, 3).astype(np.float32), _grid_faces(rows, columns, True)
