"""Reading the arrays of .npz and .mat files of scores; headers are checked before the numbers.

This module knows the names in such files, ours and upstream's. What the numbers mean is decided
in :mod:`qaconv_core.evaluation.saved_scores`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.device import available_memory, format_bytes
from qaconv_core.errors import InputError, MemoryLimitError, QAConvError
from qaconv_core.evaluation.mat_files import MatFile
from qaconv_core.files import check_input
from qaconv_core.readable import shown

Shapes = dict[str, tuple[int, ...]]
Arrays = dict[str, npt.NDArray[Any]]
Sizes = dict[str, tuple[int, int]]
Reader = Callable[[Sequence[str]], Arrays]

MATRICES = {
    "score": "pg",
    "score_rerank": "pg",
    "score_tlift": "pg",
    "score_norm": "pg",
    "score_norm_rerank": "pg",
    "score_norm_tlift": "pg",
    "score_qq": "pp",
    "score_gg": "gg",
    "dist_qq": "pp",
    "dist_gg": "gg",
}
"""Which of our names are matrices, and their axes: p queries, g gallery pictures."""

_SIDES = {"query": ("query", "prob", "probe", "q"), "gallery": ("gallery", "gal", "g")}
_FIELDS = {
    "ids": ("ids", "pids", "id", "pid", "labels", "label"),
    "cams": ("cams", "camids", "cam", "camid", "cameras", "camera"),
    "times": ("times", "time"),
    "paths": ("paths", "list", "names"),
}
_ALIASES: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in (*MATRICES, "kind", "inner_rows")},
    "dist": ("dist", "distance", "distmat"),
    **{
        f"{side}_{name}": tuple(f"{s}_{n}" for s in sides for n in names)
        for side, sides in _SIDES.items()
        for name, names in _FIELDS.items()
    },
}


def expect_shape(source: str, key: str, expected: tuple[int, ...], found: tuple[int, ...]) -> None:
    """Raise :class:`InputError` naming file and key when an array has a wrong shape."""
    if expected != found:
        where = f"{source}: " if source else ""
        hint = (
            " (transposed? queries are rows)" if len(found) == 2 and expected == found[::-1] else ""
        )
        raise InputError(
            f"{where}'{key}' has shape {found}, expected {expected} from the query and gallery "
            f"ids{hint}"
        )


_LARGE = 64 << 20
_DENSEST = 100
"""A large array that was compressed more than this holds hardly any numbers of its own."""


def check_room(path: Path, stored: Mapping[str, tuple[int, int]], names: Sequence[str]) -> None:
    """Raise where reading these arrays cannot be meant, or would not fit into memory.

    ``stored`` has each array's (bytes in memory, bytes in the file). Besides the arrays there are
    a copy in float32 and a mask of the numbers that are none.
    """
    for name in names:
        size, packed = stored[name]
        if size > _LARGE and size > _DENSEST * max(packed, 1):
            raise InputError(
                f"{path}: '{name}' unpacks to {format_bytes(size)} from {format_bytes(packed)}; "
                "that is hardly scores: save it uncompressed if it is"
            )
    needed, room = 2 * sum(stored[name][0] for name in names), available_memory()
    if needed > room:
        raise MemoryLimitError(
            f"{path}: reading its scores takes {format_bytes(needed)} of memory, "
            f"{format_bytes(room)} are free; save float32 and fewer matrices"
        )


def read_arrays(path: Path) -> tuple[dict[str, str], Arrays]:
    """The known arrays of a score file: (our name → key of the file, arrays by key).

    Raises :class:`InputError`, one line naming the file and, where there is one, the key.
    """
    check_input(path, ".npz or .mat file of saved scores")
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".mat"):
        raise InputError(f"{path}: saved scores are .npz or .mat files")
    try:
        shapes, stored, read = _open_npz(path) if suffix == ".npz" else _open_mat(path)
        names = _choose_names(path, shapes)
        _check_shapes(path, names, shapes)
        check_room(path, stored, list(names.values()))
        return names, read(list(names.values()))
    except QAConvError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except MemoryError as error:
        raise InputError(f"{path}: does not fit into memory") from error
    except Exception as error:  # the readers raise a dozen kinds on damaged files
        reason = shown(error) or type(error).__name__
        raise InputError(f"{path}: damaged or not a {suffix} file ({reason})") from error


def _open_npz(path: Path) -> tuple[Shapes, Sizes, Reader]:
    """Shapes and sizes of the arrays in the file, and a reader for those that are wanted."""
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: is not a .npz file (not a zip archive, or cut short)")
    shapes: Shapes = {}
    stored: Sizes = {}
    known = {alias for aliases in _ALIASES.values() for alias in aliases}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            # Other arrays are only listed; their headers are not read.
            shapes[name] = _npy_shape(path, name, archive, info) if name in known else ()
            stored[name] = info.file_size, info.compress_size

    def read(names: Sequence[str]) -> Arrays:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}

    return shapes, stored, read


def _npy_shape(
    path: Path, name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> tuple[int, ...]:
    """The shape in the header of one array, without its numbers; checked against its size."""
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
        begin = stream.tell()
    if dtype.hasobject:
        raise InputError(
            f"{path}: '{name}' holds Python objects, which are not read from files; save numbers, "
            "or texts as a text array"
        )
    expected = int(np.prod([int(n) for n in shape], dtype=object)) * dtype.itemsize
    if info.file_size - begin != expected:
        raise InputError(
            f"{path}: '{name}' promises {expected} bytes and holds {info.file_size - begin}"
        )
    return tuple(int(n) for n in shape)


def _open_mat(path: Path) -> tuple[Shapes, Sizes, Reader]:
    """Shapes and sizes of the arrays in the file, and a reader for those that are wanted."""
    with path.open("rb") as stream:
        head = stream.read(520)
    if head.startswith(b"\x89HDF") or head[512:].startswith(b"\x89HDF") or b"MATLAB 7.3" in head:
        raise InputError(
            f"{path}: is a MATLAB v7.3 (HDF5) file, which is not read; save it with '-v7'"
        )
    file = MatFile(path)
    return (
        dict(file.shapes),
        dict(file.sizes),
        lambda names: {name: file.read(name) for name in names},
    )


def _choose_names(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Which key of the file stands for which of our names."""
    names = {}
    for ours, aliases in _ALIASES.items():
        found = next((alias for alias in aliases if alias in shapes), None)
        if found is not None:
            names[ours] = found
    if "score" in names:
        names.pop("dist", None)
    for needed in ("score", "query_ids", "gallery_ids"):
        if needed not in names and not (needed == "score" and "dist" in names):
            wanted = _ALIASES[needed] + (_ALIASES["dist"] if needed == "score" else ())
            keys = ", ".join(shown(name) for name in sorted(shapes)[:12]) or "nothing"
            raise InputError(
                f"{path}: has no '{needed}' (looked for {', '.join(wanted)}); found: {keys}"
            )
    return names


def _vector_length(shape: tuple[int, ...]) -> int:
    """Length of a vector that may be stored as 1×n or n×1; −1 when it is no vector."""
    long = [n for n in shape if n != 1]
    return -1 if len(long) > 1 or not shape else (long[0] if long else 1)


def _check_shapes(path: Path, names: dict[str, str], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Compare all shapes before any number is read; forget optional arrays that are empty."""
    sizes = {}
    for axis, side in (("p", "query"), ("g", "gallery")):
        name = names[f"{side}_ids"]
        sizes[axis] = _vector_length(shapes[name])
        if sizes[axis] < 1:
            raise InputError(
                f"{path}: '{name}' has shape {shapes[name]}, expected a vector of pids"
            )
    for ours in list(names):
        axes = MATRICES.get("score" if ours == "dist" else ours)
        shape = shapes[names[ours]]
        if axes is None:
            continue
        expected = (sizes[axes[0]], sizes[axes[1]])
        # Upstream writes [] or 1×1 for a method that was not run.
        if ours not in ("score", "dist") and expected != shape and np.prod(shape) <= 1:
            del names[ours]
        else:
            expect_shape(str(path), names[ours], expected, shape)
