"""A gallery made ready for fast searching: its maps as 8-bit integers, kept beside the store.

Preparing reads every map once; what it gives is half as large as the maps. For maps that lie on a
shelf of the feature store it is kept in two files next to theirs (``….i8`` the integers, ``….lost``
scale, norm and loss), by the same row numbers, so that a grown gallery prepares what is new only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.cpu import alone
from qaconv_core.matching.plan import cpu_workers
from qaconv_core.matching.scores import Maps
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.searching.quantised import QuantisedMaps, quantise
from qaconv_core.store.atomic import reason
from qaconv_core.store.raw import RowFile
from qaconv_core.threads import in_threads
from qaconv_core.types import FeatureBank, Float32, Int64, as_slice

log = logging.getLogger(__name__)

_BLOCK = 64  # maps quantised at once: some 6 MB of float32


_Rows = TypeVar("_Rows", bound="KeptRows")


@dataclass(frozen=True)
class KeptRows:
    """What is kept of a gallery's maps, some of it in ``cells``; picture i is row ``rows[i]``."""

    cells: npt.NDArray[Any]
    rows: Int64

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the gallery's share, on disk or in memory."""
        return len(self) * self.cells[:1].nbytes

    def select(self: _Rows, indices: npt.NDArray[np.integer] | list[int]) -> _Rows:
        """The pictures at ``indices``, in that order, over the same memory."""
        return replace(self, rows=self.rows[np.asarray(indices, np.int64)])


@dataclass(frozen=True)
class PreparedGallery(KeptRows):
    """Quantised maps of a gallery; picture i is row ``rows[i]`` of ``cells`` and ``stats``.

    ``cells`` int8 (m, h·w, C); ``stats`` float32 (m, 2 + h·w): scale, norm, lost
    (:class:`~qaconv_core.searching.quantised.QuantisedMaps`). Both may be memory-mapped.
    """

    cells: npt.NDArray[np.int8]
    stats: Float32

    @property
    def nbytes(self) -> int:
        """Bytes of the gallery's share, on disk or in memory."""
        return super().nbytes + len(self) * self.stats[:1].nbytes

    def part(self, start: int, stop: int) -> QuantisedMaps:
        """Pictures ``start`` … ``stop``−1; not copied where they lie one after another."""
        at = as_slice(self.rows[start:stop])
        stats = np.array(self.stats[at])
        return QuantisedMaps(np.asarray(self.cells[at]), stats[:, 0], stats[:, 1], stats[:, 2:])


@dataclass(frozen=True)
class Form:
    """What is kept of each map: ``cells`` of ``kind`` (NumPy's name) and ``stats`` numbers, made by
    ``make`` (maps (n, C, h, w) -> (n, *cells), (n, stats), whose first is above 0), in files with
    these ``endings``."""

    endings: tuple[str, str]
    kind: str
    cells: tuple[int, int]
    stats: int
    make: Callable[[npt.NDArray[np.floating]], tuple[npt.NDArray[Any], Float32]]


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
    _, channels, h, w = gallery.shape
    form = Form((".i8", ".lost"), "i1", (h * w, channels), 2 + h * w, _quantised)
    cells, stats, rows = prepared_rows(gallery, form, workers, progress, cancel)
    return PreparedGallery(cells, rows, stats)


def _quantised(maps: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.int8], Float32]:
    found = quantise(maps)
    stats = [found.scale[:, None], found.norm[:, None], found.lost]
    return found.cells, np.concatenate(stats, axis=1)


def prepared_rows(
    gallery: Maps,
    form: Form,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> tuple[npt.NDArray[Any], Float32, Int64]:
    """Cells and stats of a gallery in ``form``, and which row each picture is; see
    :func:`prepare_gallery` for where they are kept."""
    count = gallery.shape[0]
    files = _files(gallery, form)
    if files is None or not isinstance(gallery, FeatureBank):
        return _in_memory(gallery, form, workers, progress, cancel)
    try:
        missing = np.setdiff1d(gallery.rows, np.flatnonzero(files[1].rows()[:, 0] > 0))
        bank = FeatureBank(gallery.maps, missing)
        _fill(bank, missing, form, _FileTarget(*files), count, workers, progress, cancel)
        return files[0].rows(), files[1].rows(), gallery.rows
    except OSError as cause:
        log.warning(
            "%s: cannot be written (%s); the prepared gallery is kept in memory",
            cause.filename or files[0].path,
            reason(cause),
        )
        return _in_memory(gallery, form, workers, progress, cancel)


def _files(gallery: Maps, form: Form) -> tuple[RowFile, RowFile] | None:
    """The two files beside a shelf's maps; None where the maps are on no shelf."""
    maps = gallery.maps if isinstance(gallery, FeatureBank) else gallery
    name = getattr(maps, "filename", None)
    if not name or Path(name).suffix != ".f16":
        return None
    path = Path(name)
    return (
        RowFile(path.with_suffix(form.endings[0]), form.kind, form.cells),
        RowFile(path.with_suffix(form.endings[1]), "<f4", (form.stats,)),
    )


class _FileTarget:
    def __init__(self, cells: RowFile, stats: RowFile) -> None:
        self.cells, self.stats = cells, stats

    def put(self, rows: Int64, cells: npt.NDArray[Any], stats: Float32) -> None:
        """The cells first: a row counts as prepared once its stats are there."""
        for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
            self.cells.write(int(rows[run[0]]), cells[run])
            self.stats.write(int(rows[run[0]]), stats[run])


class _MemoryTarget:
    def __init__(self, count: int, form: Form) -> None:
        self.cells = np.empty((count, *form.cells), dtype=form.kind)
        self.stats = np.empty((count, form.stats), dtype=np.float32)

    def put(self, rows: Int64, cells: npt.NDArray[Any], stats: Float32) -> None:
        self.cells[rows], self.stats[rows] = cells, stats


def _in_memory(
    gallery: Maps,
    form: Form,
    workers: int | None,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> tuple[npt.NDArray[Any], Float32, Int64]:
    numbers = np.arange(gallery.shape[0])
    target = _MemoryTarget(len(numbers), form)
    _fill(gallery, numbers, form, target, len(numbers), workers, progress, cancel)
    return target.cells, target.stats, numbers


def _fill(
    maps: Maps,
    rows: Int64,
    form: Form,
    target: _FileTarget | _MemoryTarget,
    total: int,
    workers: int | None,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> None:
    """Bring every map into ``form`` and put it into its row of ``target``."""
    count = maps.shape[0]
    tracker = Tracker("preparing", total, "images", progress, cancel, start=total - count)

    def work(start: int) -> int:
        stop = min(count, start + _BLOCK)
        part = maps.view(start, stop) if isinstance(maps, FeatureBank) else maps[start:stop]
        with torch.inference_mode():
            target.put(rows[start:stop], *form.make(part))
        return stop - start

    starts = list(range(0, count, _BLOCK))
    for done in in_threads(work, starts, workers or cpu_workers(), alone if starts else None):
        tracker.advance(done)
