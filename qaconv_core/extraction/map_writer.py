"""Where extracted feature maps go: onto a shelf of the store, or into memory where that fails.

Nothing already computed is lost when the store fails half-way (a full disk): the rest is kept in
memory and the result is put together there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np

from qaconv_core.device import available_memory, format_bytes
from qaconv_core.errors import MemoryLimitError, StoreError
from qaconv_core.store.keys import FileKey
from qaconv_core.store.shelf import FeatureShelf
from qaconv_core.types import FeatureBank, Float16, Float32, Int64

log = logging.getLogger(__name__)

_FLUSH_BYTES = 16 * 2**20
_FLUSH_SECONDS = 1.0  # what a power cut may cost; each flush waits for the disk
_SPARE = 0.9  # share of the free memory that maps may take
_SLICE = 256  # maps read at once when they are brought into memory

MapShape = tuple[int, int, int]


class MapWriter:
    """Keeps one map for each of ``keys`` (distinct files); a file's number is its place there.

    ``notes`` says what went wrong with the store.
    """

    def __init__(
        self, keys: Sequence[FileKey], shape: MapShape, shelf: FeatureShelf | None
    ) -> None:
        if shelf is not None and tuple(shelf.shape) != tuple(shape):
            raise ValueError(f"a shelf for maps of shape {shelf.shape} cannot take {shape}")
        self.notes: list[str] = []
        self.shape = shape
        self._keys, self._shelf = keys, shelf
        self._rows = np.full(len(keys), -1, dtype=np.int64)  # on the shelf
        self._held = np.zeros(len(keys), dtype=np.bool_)  # in memory
        self._maps: Float16 | None = None
        self._pending: list[tuple[Int64, Float16]] = []
        self._flushed = time.monotonic()
        self._writable = shelf is not None
        self._look_up()

    def _look_up(self) -> None:
        if self._shelf is None:
            self._use_memory()
            return
        try:
            self._rows = self._shelf.lookup(self._keys)
        except StoreError as cause:
            self._store_failed(cause)

    def missing(self) -> Int64:
        """Numbers of the files that have no map yet."""
        return np.flatnonzero((self._rows < 0) & ~self._held)

    def add(self, numbers: Int64, maps: Float32 | Float16) -> None:
        """Keep the maps (n, C, h, w) of the files ``numbers``; they are written in portions."""
        half = maps.astype(np.float16)
        if not self._writable:
            self._hold(numbers, half)
            return
        self._pending.append((numbers, half))
        waiting = sum(part.nbytes for _, part in self._pending)
        if waiting >= _FLUSH_BYTES or time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write all maps that are not on the shelf yet."""
        if self._pending and self._writable and self._shelf is not None:
            numbers = np.concatenate([part for part, _ in self._pending])
            maps = np.concatenate([part for _, part in self._pending])
            try:
                self._rows[numbers] = self._shelf.append([self._keys[i] for i in numbers], maps)
            except StoreError as cause:
                self._store_failed(cause)
                return
            self._pending.clear()
        self._flushed = time.monotonic()

    def bank(self, numbers: Int64) -> FeatureBank:
        """The maps of the files ``numbers``, in that order: on disk, or all in memory."""
        self.flush()
        if self._maps is None and self._shelf is not None:
            return self._shelf.bank(self._rows[numbers])
        self._fetch(np.unique(numbers))
        assert self._maps is not None
        return FeatureBank(self._maps, np.asarray(numbers, dtype=np.int64))

    def _fetch(self, numbers: Int64) -> None:
        """Read maps from the shelf into memory, beside those that are there."""
        stored = numbers[~self._held[numbers]]
        if len(stored) and self._shelf is not None:
            bank = self._shelf.bank(self._rows[stored])
            for start in range(0, len(stored), _SLICE):
                part = stored[start : start + _SLICE]
                self._hold(part, bank.read(start, start + len(part)))

    def _hold(self, numbers: Int64, maps: Float16) -> None:
        assert self._maps is not None
        self._maps[numbers] = maps
        self._held[numbers] = True

    def _store_failed(self, cause: StoreError) -> None:
        """Keep all further maps in memory. The note is made once: the shelf is not tried again."""
        self._writable = False
        self._use_memory(cause)
        note = f"{cause}; the feature maps of this run are kept in memory"
        log.warning("%s", note)
        self.notes.append(note)
        for numbers, maps in self._pending:
            self._hold(numbers, maps)
        self._pending.clear()

    def _use_memory(self, cause: StoreError | None = None) -> None:
        need = 2 * len(self._keys) * int(np.prod(self.shape))
        free = int(_SPARE * available_memory("cpu"))
        if need > free:
            problem = (
                f"{len(self._keys)} feature maps need {format_bytes(need)} of memory, "
                f"of which {format_bytes(free)} can be had"
            )
            way_out = f"({cause})" if cause else "keep them on disk, in a feature store"
            raise MemoryLimitError(f"{problem}; {way_out}") from cause
        self._maps = np.empty((len(self._keys), *self.shape), dtype=np.float16)
