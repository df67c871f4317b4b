"""Estimated logits from coarse maps, for processors without fast 8-bit products.

A coarse map is a feature map averaged over a grid of at most 12×4 cells, each of unit norm again. A
pair costs a sixteenth of the products of a 24×8 grid. How far an estimate can be from the exact
logit is not proved but measured (:mod:`qaconv_core.searching.measured_margin`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.cpu import HeadWeights, alone, as_tensor
from qaconv_core.matching.plan import cpu_workers, tile_bytes
from qaconv_core.matching.scores import Maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.searching.choice import coarse_grid
from qaconv_core.searching.pooling import pool, pooled_head
from qaconv_core.searching.prepared import Form, KeptRows, prepared_rows
from qaconv_core.threads import for_each_thread, in_threads
from qaconv_core.types import Float16, Float32, Grid, as_slice

_BLOCK = 512  # pictures estimated by a thread between two looks at the cancel token


@dataclass(frozen=True)
class CoarseGallery(KeptRows):
    """Coarse maps of a gallery on ``grid``; picture i is row ``rows[i]`` of ``cells`` float16
    (m, h·w, C), which may be memory-mapped."""

    cells: Float16
    grid: Grid

    def part(self, start: int, stop: int) -> Float16:
        """Cells of pictures ``start`` … ``stop``−1; not copied where they lie one after another."""
        return np.asarray(self.cells[as_slice(self.rows[start:stop])])


def prepare_coarse(
    gallery: Maps,
    *,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> CoarseGallery:
    """The coarse maps of ``gallery`` (n, C, h, w); only missing ones are computed.

    They are kept and grow as those of :func:`~qaconv_core.searching.prepared.prepare_gallery` do.
    """
    grid = coarse_grid((gallery.shape[2], gallery.shape[3]))

    def make(maps: npt.NDArray[np.floating]) -> tuple[Float16, Float32]:
        return _cells(pool(maps, grid)), np.ones((len(maps), 1), dtype=np.float32)

    form = Form((".coarse", ".averaged"), "<f2", (grid[0] * grid[1], gallery.shape[1]), 1, make)
    cells, _, rows = prepared_rows(gallery, form, workers, progress, cancel)
    return CoarseGallery(cells, rows, grid)


def _cells(maps: Float16) -> Float16:
    """(n, C, h, w) -> (n, h·w, C)."""
    return np.ascontiguousarray(maps.reshape(*maps.shape[:2], -1).transpose(0, 2, 1))


class CoarseTiles:
    """Logits of coarse maps; each thread has its own, for it owns scratch memory."""

    def __init__(self, head: AffineHead, channels: int) -> None:
        self.weights = HeadWeights(head)
        self.cells = head.grid[0] * head.grid[1]
        self.step = max(1, tile_bytes() // (4 * self.cells * (self.cells + channels)))
        self.maps = torch.empty(self.step, self.cells, channels)
        self.product = torch.empty(self.step * self.cells, self.cells)

    def estimate(self, query: torch.Tensor, gallery: Float16) -> Float32:
        """Logits (g,) of query cells (C, s) against gallery maps (g, r, C)."""
        rows, out = as_tensor(gallery), torch.empty(len(gallery))
        for k in range(0, len(rows), self.step):
            part = rows[k : k + self.step]
            maps = self.maps[: len(part)].copy_(part)
            table = self.product[: len(part) * self.cells]
            torch.mm(maps.flatten(0, 1), query, out=table)
            pairs = table.view(len(part), self.cells, self.cells)
            sums = self.weights.sums(torch.amax(pairs, 1), torch.amax(pairs, 2))
            out[k : k + len(part)] = sums.add_(self.weights.bias)
        return np.asarray(out.numpy())


def coarse_logits(
    query: npt.NDArray[np.floating],
    gallery: CoarseGallery,
    head: AffineHead,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Float32:
    """Logits (g,) of one query map (1, C, h, w) by coarse maps and averaged weights.

    They serve to order pictures only: their scale is not that of exact logits.
    """
    columns = torch.from_numpy(_cells(pool(query, gallery.grid))[0]).float().t().contiguous()
    small, count = pooled_head(head, gallery.grid), len(gallery)
    out = np.empty(count, dtype=np.float32)
    tiles = for_each_thread(lambda: CoarseTiles(small, len(columns)))
    tracker = Tracker("searching", count, "pairs", progress, cancel)

    def work(start: int) -> int:
        part = gallery.part(start, start + _BLOCK)
        with torch.inference_mode():
            out[start : start + _BLOCK] = tiles().estimate(columns, part)
        return len(part)

    blocks = range(0, count, _BLOCK)
    for done in in_threads(work, blocks, workers or cpu_workers(), alone if count else None):
        tracker.advance(done)
    return out
