"""The local maxima of one query against a whole gallery, of which all its logits are sums.

Search by part, averages and removal curves of a query need the same inner products. These are
computed once, tile by tile, and only their maxima are kept. Threads share out slices of the gallery
(:func:`each_slice`); tiles are too small for that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.device import available_memory, format_bytes
from qaconv_core.errors import InputError, MemoryLimitError
from qaconv_core.explaining.values import QueryMaxima
from qaconv_core.matching.cpu import alone, as_tensor
from qaconv_core.matching.plan import cpu_workers, tile_bytes
from qaconv_core.matching.scores import Maps
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.threads import in_threads
from qaconv_core.types import FeatureBank, Float32, Grid

SLICE = 64
"""Gallery pictures taken at a time; between two slices work can be cancelled."""

_SPARE = 0.8  # share of the free memory that a resident gallery may take


@dataclass(frozen=True)
class GalleryCells:
    """A gallery in memory in the order in which cells are compared.

    ``rows`` (g, h·w, C), float16 or float32: one row of C numbers for each cell. Saves reading and
    transposing the maps each time. Takes 48 KB a picture in float16, 0.8 GB for 16,000.
    """

    rows: npt.NDArray[np.floating]
    grid: Grid

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(g, C, h, w), as the maps had it."""
        return (len(self.rows), self.rows.shape[2], *self.grid)

    @classmethod
    def load(
        cls,
        gallery: Maps,
        *,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> GalleryCells:
        """Read ``gallery`` (g, C, h, w) into memory.

        Raises :class:`MemoryLimitError` where it does not fit. All functions here also accept the
        feature bank itself and are a little slower then.
        """
        g, channels, h, w = gallery.shape
        half = isinstance(gallery, FeatureBank) or gallery.dtype == np.float16
        need = g * channels * h * w * (2 if half else 4)
        free = int(_SPARE * available_memory("cpu"))
        if need > free:
            raise MemoryLimitError(
                f"keeping {g:,} feature maps in memory needs {format_bytes(need)}, "
                f"{format_bytes(free)} can be had; search without keeping them"
            )
        rows = np.empty((g, h * w, channels), dtype=np.float16 if half else np.float32)
        tracker = Tracker("bringing the gallery into memory", g, "images", progress, cancel)
        for start in range(0, g, SLICE):
            maps = _slice(gallery, start)
            rows[start : start + len(maps)] = maps.reshape(len(maps), channels, -1).swapaxes(1, 2)
            tracker.advance(len(maps))
        return cls(rows, (h, w))


CellSource = GalleryCells | Maps
"""A gallery: kept in memory, a feature bank, or an array (g, C, h, w)."""


def query_maxima(
    query_map: npt.NDArray[np.floating],
    gallery: CellSource,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    stage: str = "comparing cells",
) -> QueryMaxima:
    """All local maxima of one query map (C, h, w) against a gallery, either side.

    Products are taken in float32. Of equally similar cells the lowest number is the best.
    """
    query = checked_query(query_map, gallery)
    channels, h, w = query.shape
    g, n = len(gallery), h * w
    columns = torch.from_numpy(np.ascontiguousarray(query.reshape(channels, n)))
    a, b = np.empty((g, n), dtype=np.float32), np.empty((g, n), dtype=np.float32)
    best = np.empty((g, n), dtype=np.uint16)
    tracker = Tracker(stage, g, "images", progress, cancel)
    step = tile_pictures(n, n)

    def work(start: int, rows: torch.Tensor) -> None:
        for k in range(0, len(rows), step):
            at = slice(start + k, start + min(k + step, len(rows)))
            product = inner_products(rows[k : k + step], columns)
            a[at] = product.amax(1).numpy()
            inner = product.numpy()
            place = inner.argmax(axis=2)  # many times as fast as torch's
            best[at] = place
            b[at] = np.take_along_axis(inner, place[..., None], axis=2)[..., 0]

    each_slice(gallery, work, tracker)
    return QueryMaxima(query, a, b, best)


def part_maxima(rows: torch.Tensor, columns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Maxima of a slice of pictures (m, h·w, C) against chosen query cells (C, k).

    Returns a (m, k) over the pictures' cells and b (m, h·w) over the query's.
    """
    m, n, _ = rows.shape
    k = columns.shape[1]
    a, b = torch.empty(m, k), torch.empty(m, n)
    step = tile_pictures(n, k)
    for i in range(0, m, step):
        product = inner_products(rows[i : i + step], columns)
        a[i : i + step] = product.amax(1)
        b[i : i + step] = product.amax(2)
    return a, b


def gallery_maxima(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Like :func:`part_maxima`, b (m, h·w) alone."""
    m, n, _ = rows.shape
    b = torch.empty(m, n)
    step = tile_pictures(n, columns.shape[1])
    for i in range(0, m, step):
        b[i : i + step] = inner_products(rows[i : i + step], columns).amax(2)
    return b


def inner_products(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """(m, n, C), (C, k) -> inner products (m, n, k), float32."""
    m, n, channels = rows.shape
    return torch.mm(rows.reshape(m * n, channels).float(), columns).view(m, n, -1)


def tile_pictures(rows: int, columns: int) -> int:
    """How many pictures' products fit into a core's cache at once."""
    return max(1, tile_bytes() // (rows * columns * 4))


def each_slice(
    gallery: CellSource, work: Callable[[int, torch.Tensor], None], tracker: Tracker
) -> None:
    """Call ``work(number of the first picture, rows (m, h·w, C))`` for every slice of a gallery.

    Runs in several threads. The tracker is advanced after each slice, which also stops the work
    when asked to. Calls of ``work`` must write to different places.
    """

    def run(start: int) -> int:
        with torch.inference_mode():
            rows = _rows(gallery, start)
            work(start, rows)
            return len(rows)

    starts = range(0, len(gallery), SLICE)
    for done in in_threads(run, starts, cpu_workers(), alone if starts else None):
        tracker.advance(done)


def _rows(gallery: CellSource, start: int) -> torch.Tensor:
    """One slice as rows (m, h·w, C), to be read only."""
    if isinstance(gallery, GalleryCells):
        return as_tensor(gallery.rows[start : start + SLICE])
    maps = _slice(gallery, start)
    flat = maps.reshape(len(maps), maps.shape[1], -1)
    return torch.from_numpy(np.array(flat.swapaxes(1, 2), order="C"))


def _slice(gallery: Maps, start: int) -> npt.NDArray[np.floating]:
    if isinstance(gallery, FeatureBank):
        return gallery.view(start, min(start + SLICE, len(gallery)))
    return gallery[start : start + SLICE]


def checked_query(query_map: npt.NDArray[np.floating], gallery: CellSource) -> Float32:
    """The query map as float32 (C, h, w); :class:`InputError` where it does not fit the gallery."""
    query = np.asarray(query_map, dtype=np.float32)
    if query.ndim != 3 or query.shape != tuple(gallery.shape)[1:]:
        raise InputError(
            f"query map {query.shape} and gallery maps {tuple(gallery.shape)[1:]} differ; they "
            "must come from one model"
        )
    return query
