"""The nearest rows of every column of a matrix that is read once, row by row, in the file's order.

Distances *to* a picture are a column. Reading single columns of a matrix on disk would read every
page of it many times. Here the rows are read once, and only values smaller than the k-th smallest
of their column so far are kept. After the first few rows these are very few.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.ranking.order import nearest, padded
from qaconv_core.types import Int64

Array = npt.NDArray[Any]
Index = npt.NDArray[np.int32]

SLACK = 1e-3
"""The largest negative value that counts as rounding, relative to the largest distance."""

STRIP_BYTES = 2**20
"""Bytes of the matrix handled at once, about as many as stay in a core's cache."""

_AT_ONCE = 64  # candidates of one column that are merged in one go: they are laid out as a table


class ColumnHeads:
    """The ``k`` smallest values of each of ``columns`` columns, ties by row, and the largest.

    Rows come in ascending order, by :meth:`take` or :meth:`add`. ``least`` is kept for
    :meth:`check`. ``signed`` values may be negative.
    """

    def __init__(self, columns: int, k: int, dtype: np.dtype[Any], signed: bool = False) -> None:
        self.k, self.signed = k, signed
        self.largest: Array = np.full(columns, -np.inf, dtype=dtype)
        self.least: Array = np.full(columns, np.inf, dtype=dtype)
        self._values: Array = np.full((columns, k), np.inf, dtype=dtype)
        self._rows: Index = np.zeros((columns, k), dtype=np.int32)
        self._limit: Array = np.full(columns, np.inf, dtype=dtype)
        self._waiting: list[tuple[Index, Index, Array]] = []
        self._count = 0

    def take(self, block: Array, first: int) -> None:
        """Look at all of ``block`` (b, columns), whose rows are numbered ``first`` and on."""
        columns = block.shape[1]
        step = max(1, STRIP_BYTES // max(1, block[:1].nbytes))
        for start in range(0, len(block) if columns else 0, step):
            strip = block[start : start + step]
            np.maximum(self.largest, strip.max(axis=0), out=self.largest)
            np.minimum(self.least, strip.min(axis=0), out=self.least)
            row, column = np.divmod(np.flatnonzero(strip < self._limit), columns)
            self._keep(column, first + start + row, strip[row, column])

    def add(self, first: int, rows: Int64, block: Array) -> None:
        """Take ``block`` (b, m), all further values of the columns ``first`` and on, one a row.

        ``rows`` (m,) are their row numbers in the matrix.
        """
        step = max(1, 8 * STRIP_BYTES // max(1, block[:1].nbytes))
        for start in range(0, len(block), step):
            part = block[start : start + step]
            some = slice(first + start, first + start + len(part))
            np.maximum(self.largest[some], part.max(axis=1), out=self.largest[some])
            np.minimum(self.least[some], part.min(axis=1), out=self.least[some])
            self.check()  # sorting needs numbers
            best = nearest(part, self.k)
            columns = np.repeat(np.arange(some.start, some.stop), best.shape[1])
            values = np.take_along_axis(part, best, axis=1)
            self._keep(columns, rows[best.ravel()], values.ravel())

    def _keep(self, columns: Int64, rows: Int64, values: Array) -> None:
        if not len(columns):
            return
        self._waiting.append((columns.astype(np.int32), rows.astype(np.int32), values))
        self._count += len(columns)
        if self._count >= self._rows.size:
            self._merge_waiting()

    def _merge_waiting(self) -> None:
        """Merge the waiting candidates, and lower the limits."""
        if not self._waiting:
            return
        columns, rows, values = (np.concatenate(v) for v in zip(*self._waiting, strict=True))
        self._waiting, self._count = [], 0
        while len(columns):
            order = np.argsort(columns, kind="stable")
            columns, rows, values = columns[order], rows[order], values[order]
            first = np.searchsorted(columns, columns)
            now = np.arange(len(columns)) - first < _AT_ONCE
            self._merge(columns[now], rows[now], values[now])
            columns, rows, values = columns[~now], rows[~now], values[~now]

    def _merge(self, columns: Index, rows: Index, values: Array) -> None:
        """Take candidates whose columns ascend; of equal values, the earlier row stays first."""
        touched, place = np.unique(columns, return_inverse=True)
        more, where = padded(values, place, len(touched))
        wide = np.concatenate([self._values[touched], more], axis=1)
        numbers = np.concatenate([self._rows[touched], rows[where].reshape(more.shape)], axis=1)
        best = np.argsort(wide, axis=1, kind="stable")[:, : self.k]
        self._values[touched] = np.take_along_axis(wide, best, axis=1)
        self._rows[touched] = np.take_along_axis(numbers, best, axis=1)
        self._limit[touched] = self._values[touched, -1]

    def check(self) -> None:
        """InputError unless all values so far are finite and, but for rounding, ≥ 0 or signed."""
        seen = self.largest != -np.inf
        check_range(self.least[seen], self.largest[seen], self.signed)

    def rows(self) -> Index:
        """Rows of the smallest values of each column, smallest first, (columns, k)."""
        self._merge_waiting()
        return self._rows


def check_range(least: Array, largest: Array, signed: bool = False) -> None:
    """InputError unless distances between ``least`` and ``largest`` are finite and, but for
    rounding, not negative, where they are not ``signed``. NaN among them makes both NaN."""
    if not (np.isfinite(largest).all() and np.isfinite(least).all()):
        raise InputError("distances to re-rank must be finite, but some are NaN or infinite")
    if not signed and (least < -SLACK * np.abs(largest)).any():
        raise InputError(
            "distances to re-rank must not be negative; for QAConv pass 1 − sigmoid(logit / 10)"
        )


def stripes(columns: int, number: int) -> list[tuple[int, int]]:
    """(start, stop) of at most ``number`` stripes of columns of about one width."""
    step = max(1, -(-columns // max(1, number)))
    return [(a, min(columns, a + step)) for a in range(0, columns, step)]
