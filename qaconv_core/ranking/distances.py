"""The distances that re-ranking works on, read in blocks and never put into one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.ranking.arrays import Matrix, real_matrix, row_blocks

_ROWS_TURNED = 256

Index = npt.NDArray[np.int32]

SLACK = 1e-3
"""How far below zero rounding may bring a distance, relative to the largest one."""

TABLE_BYTES = 128 * 2**20
"""Memory for one block of distances. Its columns are read, so narrow blocks would read every page
of a memory-mapped matrix many times over."""


def check_distances(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The largest distance of each row, (b,); InputError unless all are finite and ≥ 0."""
    top, bottom = block.max(axis=1), block.min(axis=1)
    if not (np.isfinite(top).all() and np.isfinite(bottom).all()):
        raise InputError("distances to re-rank must be finite, but some are NaN or infinite")
    if (bottom < -SLACK * np.abs(top)).any():
        raise InputError(
            "distances to re-rank must not be negative; for QAConv pass 1 − sigmoid(logit / 10)"
        )
    return top


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

    def blocks(self) -> list[tuple[int, int]]:
        """(start, stop) of blocks of pictures, none of them holding queries and gallery."""
        row_bytes = 3 * self.n * self.dtype.itemsize
        gallery = ((self.p + a, self.p + b) for a, b in row_blocks(self.g, row_bytes, TABLE_BYTES))
        return [*row_blocks(self.p, row_bytes, TABLE_BYTES), *gallery]

    def columns(self, start: int, stop: int) -> npt.NDArray[Any]:
        """D[:, start:stop] transposed, (stop − start, n): distances *to* these pictures."""
        out = np.empty((stop - start, self.n), dtype=self.dtype)
        if stop <= self.p:
            _turn(self.qq, start, stop, out[:, : self.p])
            out[:, self.p :] = self.qg[start:stop]
        else:
            a, b = start - self.p, stop - self.p
            _turn(self.qg, a, b, out[:, : self.p])
            _turn(self.gg, a, b, out[:, self.p :])
        return out

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
            out[mask] = part[row[mask], column[mask]]
        return out


def _turn(part: Matrix, start: int, stop: int, out: npt.NDArray[Any]) -> None:
    """``part[:, start:stop]`` transposed into ``out``, a few rows at a time for the cache's sake:
    several times as fast as at once."""
    for i in range(0, len(part), _ROWS_TURNED):
        out[:, i : i + _ROWS_TURNED] = part[i : i + _ROWS_TURNED, start:stop].T
