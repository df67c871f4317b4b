"""Finished feature maps, handed over while others are still computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from qaconv_core.extraction.map_writer import MapWriter
from qaconv_core.progress import CancelToken
from qaconv_core.types import Int64

Float16 = npt.NDArray[np.float16]
Arrived = Callable[[Int64, Float16], None]
"""Told of finished maps: their positions in the list of files, (n,), and the maps (n, C, h, w)."""

_SLICE = 256  # stored maps handed over at once


class Delivery:
    """Hands maps to whoever waits for them, under the positions that their files have."""

    def __init__(self, number: Int64, arrived: Arrived | None) -> None:
        self._arrived = arrived
        if arrived is not None:
            self._order = np.argsort(number, kind="stable")
            self._sorted = number[self._order]

    def stored(self, sink: MapWriter, todo: Int64, cancel: CancelToken | None) -> None:
        """Hand over what was there before, all but the numbers ``todo``."""
        if self._arrived is None:
            return
        there = np.setdiff1d(self._sorted[self._sorted >= 0], todo)
        bank = sink.bank(there)
        for start in range(0, len(there), _SLICE):
            if cancel is not None:
                cancel.raise_if_cancelled()
            numbers = there[start : start + _SLICE]
            self(numbers, bank.read(start, start + len(numbers)))

    def __call__(self, numbers: Int64, maps: Float16) -> None:
        """Hand over the maps (n, C, h, w) of the files ``numbers``, once for each position."""
        if self._arrived is None:
            return
        first = np.searchsorted(self._sorted, numbers)
        times = np.searchsorted(self._sorted, numbers, side="right") - first
        places = [self._order[a : a + n] for a, n in zip(first, times, strict=True)]
        which = np.repeat(np.arange(len(numbers)), times)
        self._arrived(np.concatenate(places), maps[which])
