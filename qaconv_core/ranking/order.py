"""The nearest columns of each row, ties by position, without sorting the rows.

The result is exactly the head of the full stable sort. A partial sort with another order of ties
would make results depend on how many columns are requested.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.types import Int64

_SAMPLE = 8
"""A first limit is taken from one column in so many; about so many times k columns pass it."""


def nearest(block: npt.NDArray[Any], k: int) -> Int64:
    """Columns of the ``k`` smallest values of each row, smallest first, ties by column.

    ``block`` is (b, n) without NaN. Returns (b, min(k, n)), equal to
    ``np.argsort(block, axis=1, kind="stable")[:, :k]`` at a fraction of its cost.
    """
    rows, n = block.shape
    k = min(k, n)
    if k == n or k == 0 or rows == 0:
        return np.argsort(block, axis=1, kind="stable")[:, :k]
    few = max(k, n // _SAMPLE)
    row, column = _up_to_kth(block, block[:, :few], k)
    if len(row) > 4 * _SAMPLE * k * rows:  # the first columns are the farthest ones
        row, column = _up_to_kth(block, block, k)
    values, place = padded(block[row, column], row, rows)
    best = np.argsort(values, axis=1, kind="stable")[:, :k]
    return column[place[best + np.arange(0, values.size, values.shape[1])[:, None]]]


def _up_to_kth(block: npt.NDArray[Any], some: npt.NDArray[Any], k: int) -> tuple[Int64, Int64]:
    """Rows and columns, in order, of values up to their row's k-th smallest of ``some``."""
    limit = np.partition(some, k - 1, axis=1)[:, k - 1]
    row, column = np.divmod(np.flatnonzero(block <= limit[:, None]), block.shape[1])
    return row, column


def padded(values: npt.NDArray[Any], row: Int64, rows: int) -> tuple[npt.NDArray[Any], Int64]:
    """``values`` as a table (rows, w), and flat (rows·w,) where in ``values`` each entry stood.

    ``row`` ascends. Rows are filled from the left in order; the largest number there is fills the
    rest, behind everything in a stable sort.
    """
    count = np.bincount(row, minlength=rows)
    width = int(count.max(initial=1))
    start = np.cumsum(count) - count
    cell = row * width + np.arange(len(row)) - np.repeat(start, count)
    top = np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).max
    table = np.full(rows * width, top, dtype=values.dtype)
    place = np.zeros(rows * width, dtype=np.int64)
    table[cell], place[cell] = values, np.arange(len(row))
    return table.reshape(rows, width), place
