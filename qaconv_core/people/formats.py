"""Readers of the geometry formats of MakeHuman's CC0 assets: .obj, .target and .mhclo.

The files are text made by others, so sizes, numbers and indices are checked, and what is wrong is
said in one line with the file's name. Lengths are decimetres, y points up, a person faces +z and
has the left hand at +x. Everything is 0-based after reading.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.files import check_input
from qaconv_core.people.arrays import Floats, Ints, Mask

MAX_BYTES = 64 << 20
MAX_VERTICES = 1_000_000


@dataclass(frozen=True)
class ObjMesh:
    """Triangles of an .obj file: ``points`` (n, 3) in dm, ``faces`` (m, 3), group per face."""

    points: Floats
    faces: Ints
    groups: Ints
    group_names: tuple[str, ...]

    def faces_of(self, name: str) -> Ints:
        """The triangles of one group, shape (k, 3); none if the group does not exist."""
        if name not in self.group_names:
            return self.faces[:0]
        return self.faces[self.groups == self.group_names.index(name)]


@dataclass(frozen=True)
class Target:
    """A morph: vertex ``index`` (k,) moves by ``offset`` (k, 3) dm at weight 1."""

    index: Ints
    offset: Floats


@dataclass(frozen=True)
class Clothes:
    """A garment bound to the base body: see :meth:`fit`.

    ``index`` (n, 3) base vertices and ``weight`` (n, 3) of every garment vertex, ``offset`` (n, 3)
    on top, scaled along x, y, z by ``scales`` (axis, base vertex, base vertex, length);
    ``hidden`` lists the base vertices that the garment covers.
    """

    mesh: ObjMesh
    index: Ints
    weight: Floats
    offset: Floats
    scales: tuple[tuple[int, int, int, float], ...]
    hidden: Ints

    def fit(self, body: Floats) -> Floats:
        """The garment's vertices (n, 3) on a ``body`` (vertices of the base mesh, (N, 3))."""
        scale = np.ones(3, np.float32)
        for axis, first, second, length in self.scales:
            scale[axis] = abs(body[first, axis] - body[second, axis]) / length
        return (body[self.index] * self.weight[:, :, None]).sum(1) + self.offset * scale


def read_lines(path: Path) -> list[str]:
    """The lines of a text file of bounded size; :class:`InputError` otherwise."""
    try:
        if check_input(path, "file of the assets").st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MB; not a file of the assets")
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as cause:
        raise InputError(f"{path}: cannot be read ({cause.strerror}); unpack the assets") from cause


def read_obj(path: Path) -> ObjMesh:
    """Read vertices, faces (fanned into triangles) and groups; texture coordinates are skipped."""
    points: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    groups: list[int] = []
    names: dict[str, int] = {}
    group = names.setdefault("", 0)
    for number, line in enumerate(read_lines(path), 1):
        try:
            if line.startswith("v "):
                points.append([float(word) for word in line.split()[1:4]])
            elif line.startswith("g"):
                words = line.split()
                group = names.setdefault(words[1] if len(words) > 1 else "", len(names))
            elif line.startswith("f "):
                corners = [int(word.split("/", 1)[0]) - 1 for word in line.split()[1:]]
                for second, third in itertools.pairwise(corners[1:]):
                    faces.append((corners[0], second, third))
                    groups.append(group)
        except ValueError as cause:
            raise InputError(f"{path}, line {number}: not a line of an .obj file") from cause
    return ObjMesh(
        _points(points, path),
        _indices(np.array(faces, np.int64).reshape(-1, 3), len(points), path),
        np.array(groups, np.int64),
        tuple(names),
    )


def read_target(path: Path, vertices: int) -> Target:
    """Read a morph of a body with ``vertices`` vertices (lines ``vertex dx dy dz``)."""
    rows = [line.split() for line in read_lines(path) if line and not line.startswith("#")]
    if any(len(row) != 4 for row in rows):
        raise InputError(f"{path}: a target's lines are 'vertex dx dy dz'")
    try:
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    except ValueError as cause:
        raise InputError(f"{path}: a target's lines hold numbers only") from cause
    index = _indices(table[:, 0].astype(np.int64), vertices, path)
    return Target(index, _finite(table[:, 1:].astype(np.float32), path))


def read_clothes(path: Path, vertices: int) -> Clothes:
    """Read an .mhclo and the .obj beside it, for a body with ``vertices`` vertices."""
    reader = _ClothesReader(path)
    for number, line in enumerate(read_lines(path), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.take(words)
        except (ValueError, IndexError) as cause:
            raise InputError(f"{path}, line {number}: not a line of an .mhclo file") from cause
    return reader.finish(vertices)


class _ClothesReader:
    """Collects the sections of an .mhclo file line by line."""

    def __init__(self, path: Path) -> None:
        self.path, self.section = path, ""
        self.obj: Path | None = None
        self.rows: list[list[float]] = []
        self.scales: list[tuple[int, int, int, float]] = []
        self.hidden: list[int] = []

    def take(self, words: list[str]) -> None:
        key = words[0]
        if key in ("verts", "delete_verts", "weights"):
            self.section = key
        elif key in ("x_scale", "y_scale", "z_scale"):
            self.scales.append(("xyz".index(key[0]), int(words[1]), int(words[2]), float(words[3])))
        elif key == "obj_file":
            self.obj = self.path.parent / Path(words[1]).name
        elif self.section == "verts" and (key[0].isdigit() or key[0] == "-"):
            self.rows.append(_binding(words))
        elif self.section == "delete_verts":
            self.hidden += number_ranges(words)

    def finish(self, vertices: int) -> Clothes:
        if self.obj is None or not self.rows:
            raise InputError(f"{self.path}: no obj_file or no verts; not an .mhclo file")
        mesh = read_obj(self.obj)
        if len(mesh.points) != len(self.rows):
            raise InputError(
                f"{self.path}: binds {len(self.rows)} vertices, "
                f"{self.obj.name} has {len(mesh.points)}"
            )
        table = np.array(self.rows, np.float64)
        for axis, first, second, length in self.scales:
            if not (0 <= first < vertices and 0 <= second < vertices and abs(length) > 1e-9):
                raise InputError(f"{self.path}: {'xyz'[axis]}_scale is out of range")
        return Clothes(
            mesh,
            _indices(table[:, :3].astype(np.int64), vertices, self.path),
            _finite(table[:, 3:6].astype(np.float32), self.path),
            _finite(table[:, 6:9].astype(np.float32), self.path),
            tuple(self.scales),
            _indices(np.array(sorted(set(self.hidden)), np.int64), vertices, self.path),
        )


def _binding(words: list[str]) -> list[float]:
    """Three vertices, three weights, an offset; a single number binds to that vertex alone."""
    numbers = [float(word) for word in words]
    if len(numbers) == 1:
        return [*([numbers[0]] * 3), 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    if len(numbers) not in (6, 9):
        raise ValueError("a binding has 1, 6 or 9 numbers")
    return (numbers + [0.0] * 3)[:9]


def number_ranges(words: list[str]) -> list[int]:
    """``["3", "5", "-", "7"]`` → [3, 5, 6, 7]. Raises ValueError where that is not the form."""
    out: list[int] = []
    position = 0
    while position < len(words):
        first = int(words[position])
        if words[position + 1 : position + 2] == ["-"]:
            last = int(words[position + 2])
            if not 0 <= last - first <= MAX_VERTICES:
                raise ValueError("a range that runs backwards")
            out += range(first, last + 1)
            position += 3
        else:
            out.append(first)
            position += 1
    return out


def mask_of(index: Ints, count: int) -> Mask:
    """A (count,) mask that is true at ``index``."""
    mask = np.zeros(count, bool)
    mask[index] = True
    return mask


def _points(rows: list[list[float]], path: Path) -> Floats:
    if not 0 < len(rows) <= MAX_VERTICES or any(len(row) != 3 for row in rows):
        raise InputError(f"{path}: needs 1 to {MAX_VERTICES:,} vertices of three numbers")
    return _finite(np.array(rows, np.float32), path)


def _finite(values: Floats, path: Path) -> Floats:
    if not np.isfinite(values).all():
        raise InputError(f"{path}: holds numbers that are not finite")
    return values


def _indices(index: Ints, count: int, path: Path) -> Ints:
    if index.size and not (index.min() >= 0 and index.max() < count):
        raise InputError(f"{path}: names vertices outside 0 … {count - 1}")
    return index
