"""Prepared galleries: a smaller form of every map, kept in files beside the feature store's.

Preparing reads every map once. There are three forms (:class:`Form`): 8-bit integers, made here,
coarse maps (:mod:`qaconv_core.searching.coarse_estimates`) and pooled maps
(:mod:`qaconv_core.searching.shortlist`). For maps on a shelf of the feature store a form is kept in
two files beside theirs, under the same row numbers. So a grown gallery prepares only new pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

_BLOCK = 64  # maps prepared at once: some 6 MB of float32


@dataclass(frozen=True)
class KeptRows:
    """A prepared gallery; picture i is row ``rows[i]`` of ``cells`` (m, …)."""

    cells: npt.NDArray[Any]
    rows: Int64

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes that these pictures take, on disk or in memory."""
        return len(self) * self.cells[:1].nbytes


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
        """Bytes that these pictures take, on disk or in memory."""
        return super().nbytes + len(self) * self.stats[:1].nbytes

    def part(self, start: int, stop: int) -> QuantisedMaps:
        """Pictures ``start`` … ``stop``−1; not copied where they lie one after another."""
        at = as_slice(self.rows[start:stop])
        stats = np.array(self.stats[at])
        return QuantisedMaps(np.asarray(self.cells[at]), stats[:, 0], stats[:, 1], stats[:, 2:])


@dataclass(frozen=True)
class Form:
    """One way to prepare maps: what is kept of each, and in which files.

    ``make`` turns maps (n, C, h, w) into cells (n, ``cells``) of type ``kind`` and numbers
    (n, ``stats``) of type ``stats_kind`` (both NumPy's names). The first number of a picture is
    above 0, which marks its row as prepared. ``endings`` are those of the files of cells and
    numbers, ``portion`` the pictures written at once, ``stage`` the name for progress.
    """

    endings: tuple[str, str]
    kind: str
    cells: tuple[int, ...]
    stats: int
    make: Callable[[npt.NDArray[np.floating]], tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    stats_kind: str = "<f4"
    portion: int = _BLOCK
    stage: str = "preparing"


def prepare_gallery(
    gallery: Maps,
    *,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> PreparedGallery:
    """The maps of ``gallery`` (n, C, h, w) as 8-bit integers; only missing ones are computed.

    They are kept in files where the maps are on a shelf of the store. Otherwise they are kept in
    memory; also, with one logged warning, where the files cannot be written. Raises Cancelled
    between blocks; what is done is kept.
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
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Int64]:
    """Cells (m, …) and numbers (m, stats) of a gallery in ``form``, and its pictures' rows (n,).

    Kept as :func:`prepare_gallery` says.
    """
    count = gallery.shape[0]
    files = _files(gallery, form)
    if files is None or not isinstance(gallery, FeatureBank):
        return _in_memory(gallery, form, workers, progress, cancel)
    try:
        marks = files[1].rows()[: len(files[0].rows()), 0]
        missing = np.setdiff1d(gallery.rows, np.flatnonzero(marks > 0))
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
        RowFile(path.with_suffix(form.endings[1]), form.stats_kind, (form.stats,)),
    )


class _FileTarget:
    def __init__(self, cells: RowFile, stats: RowFile) -> None:
        self.cells, self.stats = cells, stats

    def put(self, rows: Int64, cells: npt.NDArray[Any], stats: npt.NDArray[Any]) -> None:
        """Write the cells first: a row counts as prepared once its numbers are there."""
        for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
            self.cells.write(int(rows[run[0]]), cells[run])
            self.stats.write(int(rows[run[0]]), stats[run])


class _MemoryTarget:
    def __init__(self, count: int, form: Form) -> None:
        self.cells = np.empty((count, *form.cells), dtype=form.kind)
        self.stats = np.empty((count, form.stats), dtype=form.stats_kind)

    def put(self, rows: Int64, cells: npt.NDArray[Any], stats: npt.NDArray[Any]) -> None:
        self.cells[rows], self.stats[rows] = cells, stats


def _in_memory(
    gallery: Maps,
    form: Form,
    workers: int | None,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Int64]:
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
    """Prepare ``maps`` in ``form`` and put each into its row of ``target``."""
    count = maps.shape[0]
    tracker = Tracker(form.stage, total, "images", progress, cancel, start=total - count)

    def work(start: int) -> int:
        stop = min(count, start + form.portion)
        made = []
        with torch.inference_mode():
            for a in range(start, stop, _BLOCK):
                b = min(stop, a + _BLOCK)
                made.append(
                    form.make(maps.view(a, b) if isinstance(maps, FeatureBank) else maps[a:b])
                )
        cells, stats = (np.concatenate(parts) for parts in zip(*made, strict=True))
        target.put(rows[start:stop], cells, stats)
        return stop - start

    starts = list(range(0, count, form.portion))
    for done in in_threads(work, starts, workers or cpu_workers(), alone if starts else None):
        tracker.advance(done)
