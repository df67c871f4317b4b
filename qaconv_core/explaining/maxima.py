"""One query against a whole gallery, cell by cell: the maxima that all its logits are made of.

Every question about one query and a gallery (a part of it, its average, its curves) needs the same
inner products. They are computed once, tile by tile, and only their maxima are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.device import available_memory, format_bytes
from qaconv_core.errors import InputError, MemoryLimitError
from qaconv_core.explaining.values import QueryMaxima
from qaconv_core.matching.plan import tile_bytes
from qaconv_core.matching.scores import Maps
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.types import FeatureBank, Float32, Grid

SLICE = 64
"""Gallery pictures taken at a time; between two slices work can be cancelled."""

_SPARE = 0.8  # share of the free memory that a resident gallery may take


@dataclass(frozen=True)
class GalleryCells:
    """A gallery in memory in the order in which cells are compared.

    ``rows`` (g, h·w, C), float16 or float32: one row of C numbers for each cell. Saves reading and
    turning the maps for every question: 48 KB a picture in float16, 0.8 GB for 16,000.
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
        """Bring ``gallery`` (g, C, h, w) into memory.

        Raises :class:`MemoryLimitError` where it does not fit; everything here also works on the
        feature bank itself, a little more slowly.
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
        for start, maps in _slices(gallery):
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
    with torch.inference_mode():
        for start, rows in cell_rows(gallery):
            step = tile_pictures(n, n)
            for k in range(0, len(rows), step):
                at = slice(start + k, start + min(k + step, len(rows)))
                product = _product(rows[k : k + step], columns)
                a[at] = product.amax(1).numpy()
                inner = product.numpy()
                place = inner.argmax(axis=2)  # many times as fast as torch's
                best[at] = place
                b[at] = np.take_along_axis(inner, place[..., None], axis=2)[..., 0]
            tracker.advance(len(rows))
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
        product = _product(rows[i : i + step], columns)
        a[i : i + step] = product.amax(1)
        b[i : i + step] = product.amax(2)
    return a, b


def _product(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """(m, n, C), (C, k) -> inner products (m, n, k), float32."""
    m, n, channels = rows.shape
    return torch.mm(rows.reshape(m * n, channels).float(), columns).view(m, n, -1)


def tile_pictures(rows: int, columns: int) -> int:
    """How many pictures' products fit into a core's cache at once."""
    return max(1, tile_bytes() // (rows * columns * 4))


def cell_rows(gallery: CellSource) -> Iterator[tuple[int, torch.Tensor]]:
    """(number of the first picture, rows (m, h·w, C)) of one slice after the other."""
    if isinstance(gallery, GalleryCells):
        for start in range(0, len(gallery), SLICE):
            yield start, _tensor(gallery.rows[start : start + SLICE])
        return
    for start, maps in _slices(gallery):
        flat = maps.reshape(len(maps), maps.shape[1], -1)
        yield start, _tensor(np.ascontiguousarray(flat.swapaxes(1, 2)))


def _slices(gallery: Maps) -> Iterator[tuple[int, npt.NDArray[np.floating]]]:
    for start in range(0, gallery.shape[0], SLICE):
        if isinstance(gallery, FeatureBank):
            yield start, gallery.read(start, min(start + SLICE, len(gallery)))
        else:
            yield start, gallery[start : start + SLICE]


def _tensor(array: npt.NDArray[np.floating]) -> torch.Tensor:
    """The array as a tensor; torch wants memory that may be written to."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def checked_query(query_map: npt.NDArray[np.floating], gallery: CellSource) -> Float32:
    """The query map as float32 (C, h, w); :class:`InputError` where it does not fit the gallery."""
    query = np.asarray(query_map, dtype=np.float32)
    if query.ndim != 3 or query.shape != tuple(gallery.shape)[1:]:
        raise InputError(
            f"query map {query.shape} and gallery maps {tuple(gallery.shape)[1:]} differ; they "
            "must come from one model"
        )
    return query
