"""Checks of the matrices, ids and times of callers, and their conversion to one form.

Scores and distances may be float16, float32, float64, integers or memory-mapped; they are never
copied whole but read in blocks of rows. Ids and times may be lists with None where not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.types import UNKNOWN, Float64, Int64

Matrix = npt.NDArray[Any]
Ids = Sequence[int | None] | npt.NDArray[Any] | None
Times = Sequence[float | None] | npt.NDArray[Any] | None

BLOCK_BYTES = 32 * 2**20
"""About how much of a matrix is held in memory at once."""


def real_matrix(values: Any, name: str, shape: tuple[int | None, int | None]) -> Matrix:
    """``values`` as a two-dimensional array of real numbers, not copied.

    ``shape`` is what it must be; None leaves an axis free. Raises InputError otherwise.
    """
    array = np.asanyarray(values)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must hold real numbers, not {array.dtype}")
    wanted = ", ".join("any" if n is None else str(n) for n in shape)
    fits = array.ndim == 2 and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
    if not fits:
        raise InputError(f"{name} must have shape ({wanted}), not {array.shape}")
    return array


def working_dtype(array: Matrix) -> np.dtype[Any]:
    """The type to compute in without losing order: float16 widened, bytes in native order."""
    if array.dtype.kind == "b":
        return np.dtype(np.int8)
    if array.dtype == np.float16:
        return np.dtype(np.float32)
    return array.dtype.newbyteorder("=")


def id_vector(values: Ids, length: int, name: str) -> Int64:
    """Person or camera ids as int64 (length,); None, and None within, become ``UNKNOWN`` (−1)."""
    if values is None:
        return np.full(length, UNKNOWN, dtype=np.int64)
    array = np.asarray(values)
    if array.dtype == object:
        array = np.array([UNKNOWN if v is None else v for v in array.tolist()])
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind == "f" and np.array_equal(array, np.rint(array)):
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise InputError(f"{name} must be whole numbers (−1 or None where not known)")
    return _of_length(array.astype(np.int64), length, name)


def time_vector(values: Times, length: int, name: str) -> Float64:
    """Times in seconds as float64 (length,); None, and None within, become NaN; so does ±inf."""
    if values is None:
        return np.full(length, np.nan)
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be seconds (NaN or None where not known)") from None
    array[~np.isfinite(array)] = np.nan
    return _of_length(array, length, name)


def _of_length(array: npt.NDArray[Any], length: int, name: str) -> npt.NDArray[Any]:
    if array.shape != (length,):
        raise InputError(f"{name} must have {length} entries, one per picture, not {array.shape}")
    return array


def evenly_spread(count: int, most: int) -> Int64:
    """At most ``most`` of the indices below ``count``, ascending and evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def row_blocks(rows: int, row_bytes: int, budget: int = BLOCK_BYTES) -> Iterator[tuple[int, int]]:
    """(start, stop) of consecutive blocks of rows that hold about ``budget`` bytes each."""
    step = max(1, budget // max(1, row_bytes))
    for start in range(0, rows, step):
        yield start, min(rows, start + step)
