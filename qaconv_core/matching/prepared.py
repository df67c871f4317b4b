"""A gallery made ready for fast searching: its maps as 8-bit integers, kept beside the store.

Preparing reads every map once; what it gives is half as large as the maps. For maps that lie on a
shelf of the feature store it is kept in two files next to theirs (``….i8`` the integers, ``….lost``
scale, norm and loss), by the same row numbers, so that a grown gallery prepares what is new only.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.cpu import alone
from qaconv_core.matching.plan import cpu_workers
from qaconv_core.matching.quantised import QuantisedMaps, quantise
from qaconv_core.matching.scores import Maps
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.store.atomic import reason
from qaconv_core.store.raw import RowFile
from qaconv_core.threads import in_threads
from qaconv_core.types import FeatureBank, Float32, Int64

log = logging.getLogger(__name__)

_BLOCK = 64  # maps quantised at once: some 6 MB of float32


@dataclass(frozen=True)
class PreparedGallery:
    """Quantised maps of a gallery; picture i is row ``rows[i]`` of ``cells`` and ``stats``.

    ``cells`` int8 (m, h·w, C); ``stats`` float32 (m, 2 + h·w): scale, norm, lost
    (:class:`~qaconv_core.matching.quantised.QuantisedMaps`). Both may be memory-mapped.
    """

    cells: npt.NDArray[np.int8]
    stats: Float32
    rows: Int64

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the gallery's share, on disk or in memory."""
        return len(self) * (self.cells[:1].nbytes + self.stats[:1].nbytes)

    def select(self, indices: npt.NDArray[np.integer] | list[int]) -> PreparedGallery:
        """The pictures at ``indices``, in that order, over the same memory."""
        return PreparedGallery(self.cells, self.stats, self.rows[np.asarray(indices, np.int64)])

    def part(self, start: int, stop: int) -> QuantisedMaps:
        """Pictures ``start`` … ``stop``−1; not copied where they lie one after another."""
        rows = self.rows[start:stop]
        at: Any = rows
        if len(rows) and np.all(np.diff(rows) == 1):
            at = slice(rows[0], rows[-1] + 1)
        stats = np.array(self.stats[at])
        return QuantisedMaps(np.asarray(self.cells[at]), stats[:, 0], stats[:, 1], stats[:, 2:])


def prepare_gallery(
    gallery: Maps,
    *,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> PreparedGallery:
    """Quantise ``gallery`` (n, C, h, w), or take what is already there.

    Maps on a shelf of the store are prepared in files beside it, others in memory; so are those
    whose files cannot be written (one warning is logged). Raises Cancelled between blocks; what
    is done is kept.
    """
    count, channels, h, w = gallery.shape
    files = _files(gallery, h * w, channels)
    if files is None or not isinstance(gallery, FeatureBank):
        return _in_memory(gallery, workers, progress, cancel)
    try:
        missing = np.setdiff1d(gallery.rows, np.flatnonzero(files[1].rows()[:, 0] > 0))
        target = _FileTarget(*files)
        _fill(FeatureBank(gallery.maps, missing), target, count, workers, progress, cancel)
        return PreparedGallery(files[0].rows(), files[1].rows(), gallery.rows)
    except OSError as cause:
        log.warning(
            "%s: cannot be written (%s); the prepared gallery is kept in memory",
            cause.filename or files[0].path,
            reason(cause),
        )
        return _in_memory(gallery, workers, progress, cancel)


def _files(gallery: Maps, cells: int, channels: int) -> tuple[RowFile, RowFile] | None:
    """The two files beside a shelf's maps; None where the maps are on no shelf."""
    maps = gallery.maps if isinstance(gallery, FeatureBank) else gallery
    name = getattr(maps, "filename", None)
    if not name or Path(name).suffix != ".f16":
        return None
    path = Path(name)
    return (
        RowFile(path.with_suffix(".i8"), "i1", (cells, channels)),
        RowFile(path.with_suffix(".lost"), "<f4", (2 + cells,)),
    )


class _FileTarget:
    def __init__(self, cells: RowFile, stats: RowFile) -> None:
        self.cells, self.stats = cells, stats

    def put(self, rows: Int64, found: QuantisedMaps) -> None:
        """The integers first: a row counts as prepared once its scale is there."""
        stats = _stats(found)
        for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
            self.cells.write(int(rows[run[0]]), found.cells[run])
            self.stats.write(int(rows[run[0]]), stats[run])


class _MemoryTarget:
    def __init__(self, shape: tuple[int, int, int, int]) -> None:
        count, channels, h, w = shape
        self.cells = np.empty((count, h * w, channels), dtype=np.int8)
        self.stats = np.empty((count, 2 + h * w), dtype=np.float32)

    def put(self, rows: Int64, found: QuantisedMaps) -> None:
        self.cells[rows], self.stats[rows] = found.cells, _stats(found)


def _stats(found: QuantisedMaps) -> Float32:
    return np.concatenate([found.scale[:, None], found.norm[:, None], found.lost], axis=1)


def _in_memory(
    gallery: Maps,
    workers: int | None,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> PreparedGallery:
    target = _MemoryTarget(gallery.shape)
    numbers = np.arange(gallery.shape[0])
    _fill(gallery, target, len(numbers), workers, progress, cancel)
    return PreparedGallery(target.cells, target.stats, numbers)


def _fill(
    maps: Maps,
    target: _FileTarget | _MemoryTarget,
    total: int,
    workers: int | None,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> None:
    """Quantise ``maps`` into the rows that they have (a bank), or their numbers (an array)."""
    count = maps.shape[0]
    numbered = isinstance(maps, FeatureBank) and isinstance(target, _FileTarget)
    rows = maps.rows if numbered else np.arange(count)  # type: ignore[union-attr]
    tracker = Tracker("preparing", total, "images", progress, cancel, start=total - count)

    def work(start: int) -> int:
        stop = min(count, start + _BLOCK)
        part = maps.view(start, stop) if isinstance(maps, FeatureBank) else maps[start:stop]
        with torch.inference_mode():
            target.put(rows[start:stop], quantise(part))
        return stop - start

    starts = list(range(0, count, _BLOCK))
    for done in in_threads(work, starts, workers or cpu_workers(), alone if starts else None):
        tracker.advance(done)
