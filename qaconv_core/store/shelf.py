"""The feature maps of one model on disk: a data file that only grows, and an index of its rows.

A map counts as stored once its row is in the index. Rows are indexed only after the data are
flushed to the disk. A process killed at any moment therefore leaves at most unused bytes at the
end of the data file, which the next writer overwrites. Data are written with plain writes: a full
disk then raises an error, where a write through a memory map would end the process.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import random
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import StoreError
from qaconv_core.store.atomic import reason
from qaconv_core.store.index import INDEX_NAME, DamagedIndex, MapIndex, MapShape, is_damage
from qaconv_core.store.keys import FileKey
from qaconv_core.store.raw import BINARY, sync, write_all
from qaconv_core.types import FeatureBank, Float16, Int64

log = logging.getLogger(__name__)

CHECKED_BYTES = 16 << 20
"""Of the maps looked up, so much is compared with its checksums: some hundredths of a second."""
DAMAGED_NAME = "index-damaged.sqlite"


class FeatureShelf:
    """Maps of shape (C, h, w), float16, keyed by :class:`FileKey`.

    Several processes and threads may use one shelf at once. Trouble with the files raises
    :class:`StoreError`, one line that names the file; a damaged index is renamed and a new one
    begun, with a logged warning.
    """

    def __init__(self, folder: Path, shape: MapShape) -> None:
        self.folder, self.shape = folder, shape
        self.row_bytes = 2 * int(np.prod(shape))
        self._lock = threading.RLock()
        try:
            self._index = _open_index(folder, shape)
        except (OSError, sqlite3.Error) as cause:
            raise _store_error(cause, folder) from cause

    @property
    def data_path(self) -> Path:
        """The file that holds the maps, row after row, as raw little-endian float16."""
        return self.folder / self._index.data_name

    def __len__(self) -> int:
        """Pictures that have a map."""
        with self._guard():
            return self._index.count()

    def lookup(self, keys: Sequence[FileKey]) -> Int64:
        """The rows of these files' maps, shape (n,); −1 where there is none, or a damaged one.

        Of many maps only some are compared with their checksums (:data:`CHECKED_BYTES`); where one
        is damaged, all are.
        """
        with self._guard():
            return self._without_damaged(self._rows(keys))

    def _without_damaged(self, rows: Int64) -> Int64:
        there = rows[rows >= 0]
        step = -(-len(there) * self.row_bytes // CHECKED_BYTES) or 1
        if not self._damaged(there[random.randrange(step) :: step]):
            return rows
        damaged = self._damaged(there)
        log.warning(
            "%s: %d stored feature maps are damaged; they are computed again",
            self.data_path, len(damaged),
        )  # fmt: skip
        return np.where(np.isin(rows, damaged), -1, rows)

    def _damaged(self, rows: Int64) -> list[int]:
        """Those of ``rows`` whose maps are not those that were stored."""
        known = self._index.checksums(rows.tolist())
        if not known:
            return []
        maps = np.memmap(self.data_path, np.uint8, "r")
        size = self.row_bytes
        return [
            row
            for row, checksum in known.items()
            if zlib.crc32(maps[row * size : (row + 1) * size].tobytes()) != checksum
        ]

    def _rows(self, keys: Sequence[FileKey]) -> Int64:
        with self._index.reading():
            rows = np.fromiter((self._index.row(k) for k in keys), dtype=np.int64, count=len(keys))
            rows[(rows < 0) | (rows >= self._whole_rows())] = -1
        return rows

    def _whole_rows(self) -> int:
        """Rows assigned and present: a power cut may have shortened the data file."""
        return min(self._index.next_row, _size(self.data_path) // self.row_bytes)

    def append(self, keys: Sequence[FileKey], maps: npt.NDArray[np.floating]) -> Int64:
        """Store ``maps`` (n, C, h, w) as those of ``keys``; their rows, shape (n,).

        All or nothing. Raises :class:`StoreError` (full disk, no right to write, …); what was
        stored before is then untouched.
        """
        if maps.shape != (len(keys), *self.shape):
            raise ValueError(f"{len(keys)} maps of shape {self.shape} expected, not {maps.shape}")
        data = np.ascontiguousarray(maps, dtype="<f2")
        with self._guard():
            return self._append(keys, data)

    def _append(self, keys: Sequence[FileKey], data: Float16) -> Int64:
        if not len(keys):
            return np.empty(0, dtype=np.int64)
        with self._index.writing():
            first = self._forget_lost()
            handle = os.open(self.data_path, os.O_RDWR | os.O_CREAT | BINARY, 0o666)
            try:
                self._write(handle, data, first * self.row_bytes)
            finally:
                os.close(handle)
            self._index.add(keys, first, [zlib.crc32(row.view(np.uint8)) for row in data])
        return np.arange(first, first + len(keys), dtype=np.int64)

    def _forget_lost(self) -> int:
        """Drop entries whose rows are not in the data file; the next free row."""
        rows, there = self._index.next_row, self._whole_rows()
        if there < rows:
            gone = self._index.forget_from(there)
            log.warning("%s: %d stored feature maps were lost", self.data_path, gone)
        return there

    def _write(self, handle: int, data: Float16, offset: int) -> None:
        try:
            write_all(handle, data.reshape(-1).view(np.uint8).data, offset)
            sync(handle)
        except OSError:
            # Nobody maps bytes beyond the indexed rows; a full disk needs them back.
            os.ftruncate(handle, offset)
            raise

    def bank(self, rows: Int64) -> FeatureBank:
        """The maps in ``rows`` (as :meth:`lookup` or :meth:`append` gave them), memory-mapped."""
        rows = np.asarray(rows, dtype=np.int64)
        count = int(rows.max()) + 1 if len(rows) else 0
        maps: Float16 = np.empty((0, *self.shape), dtype=np.float16)
        with self._guard():
            if _size(self.data_path) < count * self.row_bytes:
                raise StoreError(f"{self.data_path}: feature maps were lost meanwhile; try again")
            if count:  # no further than needed: a file without content cannot be mapped
                maps = np.memmap(self.data_path, "<f2", "r", shape=(count, *self.shape))
        return FeatureBank(maps, rows)

    def close(self) -> None:
        """Close the index; banks obtained before stay usable."""
        with self._lock:
            self._index.close()

    def __enter__(self) -> FeatureShelf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Hold the shelf's lock, and raise :class:`StoreError` for errors of its files."""
        with self._lock:
            try:
                yield
            except (OSError, sqlite3.Error) as cause:
                raise _store_error(cause, self.data_path) from cause


def _open_index(folder: Path, shape: MapShape) -> MapIndex:
    """The folder's index; a new one, with a data file of its own, where it is damaged."""
    before = _identity(folder / INDEX_NAME)
    try:
        index = MapIndex(folder, shape)
        index.check()
    except (DamagedIndex, sqlite3.Error) as cause:
        if not is_damage(cause):
            raise
        _set_aside(folder, before, cause)
        index = MapIndex(folder, shape)
    for data in folder.glob("maps-*"):
        if data.stem != Path(index.data_name).stem:
            with contextlib.suppress(OSError):  # Windows keeps what somebody has mapped
                data.unlink()
    return index


def _set_aside(folder: Path, found: tuple[int, int] | None, cause: BaseException) -> None:
    path = folder / INDEX_NAME
    if _identity(path) != found:
        return  # another process has just done it
    log.warning("%s: damaged (%s); set aside, its feature maps are computed again", path, cause)
    path.replace(path.with_name(DAMAGED_NAME))
    for leftover in folder.glob(f"{INDEX_NAME}-*"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _store_error(cause: OSError | sqlite3.Error, path: Path) -> StoreError:
    """The error for the user about the shelf's files."""
    if isinstance(cause, OSError):
        path, why = cause.filename or path, reason(cause)
    else:
        why = f"{INDEX_NAME}: {cause}"
    return StoreError(f"{path}: the feature store cannot be used ({why}); {_way_out(cause)}")


def _way_out(cause: BaseException) -> str:
    full = getattr(cause, "errno", None) in _FULL or "full" in str(cause)
    if full:
        return "free some space, clear the cache, or set QACONV_CACHE_DIR to a roomier disk"
    if "locked" in str(cause):
        return "another process keeps it locked; try again later"
    return "set QACONV_CACHE_DIR to a folder of your own, or clear the cache"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
