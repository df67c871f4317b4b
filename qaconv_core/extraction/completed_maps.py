"""Completed feature maps, reported to a callback while others are still computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qaconv_core.extraction.map_writer import MapWriter
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.types import Float16, Int64

OnMaps = Callable[[Int64, Float16], None]
"""Called with completed maps: their positions in the list of files (n,), and maps (n, C, h, w)."""

_PORTION = 256  # stored maps reported at once


class CompletedMaps:
    """Reports maps to ``on_maps`` under all positions that their files have in a list.

    ``file_numbers`` (p,) is the number of the file at each position of the list; −1 where a
    position has none. Without ``on_maps`` nothing is done.
    """

    def __init__(self, file_numbers: Int64, on_maps: OnMaps | None) -> None:
        self._on_maps = on_maps
        self._order = np.argsort(file_numbers, kind="stable")
        self._sorted = file_numbers[self._order]

    def report_stored(self, writer: MapWriter, todo: Int64, cancel: CancelToken | None) -> None:
        """Report the maps that ``writer`` holds already: all files but the numbers ``todo``."""
        if self._on_maps is None:
            return
        stored = np.setdiff1d(self._sorted[self._sorted >= 0], todo)
        bank = writer.bank(stored)
        for start in range(0, len(stored), _PORTION):
            raise_if_cancelled(cancel)
            numbers = stored[start : start + _PORTION]
            self.report(numbers, bank.read(start, start + len(numbers)))

    def report(self, numbers: Int64, maps: Float16) -> None:
        """Report the maps (n, C, h, w) of the files ``numbers`` (n,), once for each position."""
        if self._on_maps is None:
            return
        first = np.searchsorted(self._sorted, numbers)
        times = np.searchsorted(self._sorted, numbers, side="right") - first
        places = [self._order[a : a + n] for a, n in zip(first, times, strict=True)]
        which = np.repeat(np.arange(len(numbers)), times)
        self._on_maps(np.concatenate(places), maps[which])
