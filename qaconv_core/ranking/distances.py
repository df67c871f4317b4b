"""The distances for re-ranking, read in blocks and never copied into one matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.ranking.arrays import Matrix, real_matrix, row_blocks

Index = npt.NDArray[np.int32]

TABLE_BYTES = 64 * 2**20
"""Memory for one block of rows of the distances."""

_PAGE = 4096
_READAHEAD = 8  # pages that the system reads along with each one that is asked for


@dataclass(frozen=True)
class DistanceTable:
    """The matrix [qq qg; qgᵀ gg] by its parts; queries are 0 … p−1, the gallery follows."""

    qg: Matrix
    qq: Matrix
    gg: Matrix
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, qg: npt.ArrayLike, qq: npt.ArrayLike, gg: npt.ArrayLike) -> DistanceTable:
        """Check the three matrices; nothing is copied."""
        first = real_matrix(qg, "dist_qg", (None, None))
        p, g = first.shape
        parts = (first, real_matrix(qq, "dist_qq", (p, p)), real_matrix(gg, "dist_gg", (g, g)))
        wide = any(part.dtype.kind != "b" and part.dtype.itemsize > 4 for part in parts)
        return cls(*parts, np.dtype(np.float64 if wide else np.float32))

    @property
    def p(self) -> int:
        """Number of queries."""
        return int(self.qg.shape[0])

    @property
    def g(self) -> int:
        """Number of gallery pictures."""
        return int(self.qg.shape[1])

    @property
    def n(self) -> int:
        """Number of pictures of both."""
        return self.p + self.g

    def blocks(self, part: Matrix) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """The rows of one of the three matrices in blocks, in order: (first row, block)."""
        row_bytes = part.shape[1] * self.dtype.itemsize
        for start, stop in row_blocks(len(part), row_bytes, TABLE_BYTES):
            yield start, np.asarray(part[start:stop], dtype=self.dtype)

    def original(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Distances of queries ``start`` … ``stop``−1 to the gallery, (stop − start, g)."""
        return np.asarray(self.qg[start:stop], dtype=self.dtype)

    def pairs(self, i: Index, j: Index) -> npt.NDArray[Any]:
        """D[j, i] of each pair in turn."""
        p = self.p
        out = np.empty(len(i), dtype=self.dtype)
        iq, jq = i < p, j < p
        for mask, part, row, column in (
            (iq & jq, self.qq, j, i),
            (iq & ~jq, self.qg, i, j - p),
            (~iq & jq, self.qg, j, i - p),
            (~iq & ~jq, self.gg, j - p, i - p),
        ):
            out[mask] = _picked(part, row[mask], column[mask])
        return out


def _picked(part: Matrix, rows: Index, columns: Index) -> npt.NDArray[Any]:
    """``part[rows, columns]``; of a file in the order of the file, in blocks where that is less."""
    if not isinstance(part, np.memmap) or not len(rows):
        return part[rows, columns]
    order = np.argsort(rows, kind="stable")
    ascending, found = rows[order], np.empty(len(rows), dtype=part.dtype)
    row_bytes = part.shape[1] * part.dtype.itemsize
    for start, stop in row_blocks(len(part), row_bytes, TABLE_BYTES):
        a, b = np.searchsorted(ascending, [start, stop])
        some = order[a:b]
        dense = (b - a) * _PAGE * _READAHEAD > (stop - start) * row_bytes
        block: Matrix = np.array(part[start:stop]) if dense else part[start:stop]
        found[some] = block[rows[some] - start, columns[some]]
    return found
