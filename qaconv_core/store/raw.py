"""Plain files of rows of equal size, written in place and flushed to the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BINARY = getattr(os, "O_BINARY", 0)


def write_all(handle: int, data: memoryview, offset: int) -> None:
    """Write every byte at ``offset``; the system may take them in several portions."""
    while len(data):
        if hasattr(os, "pwrite"):
            done = os.pwrite(handle, data, offset)
        else:
            os.lseek(handle, offset, os.SEEK_SET)
            done = os.write(handle, data)
        data, offset = data[done:], offset + done


def sync(handle: int) -> None:
    """Wait until the file's data are on the disk."""
    getattr(os, "fdatasync", os.fsync)(handle)


class RowFile:
    """Rows of ``dtype`` and ``shape`` (of one row), by number; rows never written are zero.

    For values that can be computed again: writing the same rows twice writes the same bytes.
    """

    def __init__(self, path: Path, dtype: str, shape: tuple[int, ...]) -> None:
        self.path, self.dtype, self.shape = path, np.dtype(dtype), shape
        self.row_bytes = self.dtype.itemsize * int(np.prod(shape))

    def write(self, first: int, rows: npt.NDArray[Any]) -> None:
        """Put ``rows`` (n, *shape) at ``first`` …; raises OSError (full disk, no right to)."""
        if rows.shape[1:] != self.shape:
            raise ValueError(f"rows of shape {self.shape} expected, not {rows.shape[1:]}")
        data = np.ascontiguousarray(rows, dtype=self.dtype)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | BINARY, 0o666)
        try:
            write_all(handle, data.reshape(-1).view(np.uint8).data, first * self.row_bytes)
            sync(handle)
        finally:
            os.close(handle)

    def rows(self) -> npt.NDArray[Any]:
        """All whole rows, memory-mapped, to be read only."""
        count = self.path.stat().st_size // self.row_bytes if self.path.exists() else 0
        if not count:
            return np.empty((0, *self.shape), dtype=self.dtype)
        return np.memmap(self.path, self.dtype, "r", shape=(count, *self.shape))
