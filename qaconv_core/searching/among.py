"""The nearest of every picture among the same pictures, without all exact logits.

Maps averaged over a very coarse grid (:mod:`qaconv_core.searching.pooling`) choose a list for each
picture. Its exact logits are computed then. What is not on a picture's list cannot be found for it:
the result is an approximation. A GPU computes all exact logits instead, a block of rows at a time.

Memory grows with the pictures times the length of a list, never with the square of the pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.cpu import FloatTiles, alone
from qaconv_core.matching.few_cells import PlaneTiles
from qaconv_core.matching.plan import cpu_workers
from qaconv_core.matching.scores import check_maps, score_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.searching.pooling import pool, pooled_head
from qaconv_core.threads import for_each_thread, in_threads
from qaconv_core.types import Float16, Float32, Grid

LISTED = 512
"""Pictures on the list of each picture, itself among them."""
GRID = (6, 1)
"""The most cells of the maps that choose the lists."""
LISTING, SCORING = "listing", "scoring lists"
"""What the two passes report as their stages, unless the caller names them."""
_QUERIES = 256  # rows of pooled logits that a thread holds at once
_ROWS = 32  # rows whose best are chosen at once, and rows scored between two reports
_POOLED = 512  # maps averaged at once


@dataclass(frozen=True)
class Listed:
    """``places`` (n, k) int32: pictures on the list of each picture, ascending; ``logits`` (n, k)
    float32, exact, the picture of the row in the query's role."""

    places: npt.NDArray[np.int32]
    logits: Float32


def list_nearest(
    maps: Float16,
    head: AffineHead,
    count: int = LISTED,
    *,
    device: torch.device | str = "cpu",
    work: WorkContext = NO_CONTEXT,
    stages: tuple[str, str] = (LISTING, SCORING),
) -> Listed:
    """The lists of all pictures of ``maps`` (n, C, h, w), of min(``count``, n) pictures each.

    A picture is on its own list. Raises InputError for maps that do not suit the head.
    """
    check_maps(maps, head, "gallery")
    count = min(count, len(maps))
    if torch.device(device).type != "cpu":
        return _by_exact_rows(maps, head, count, device, work, stages[0])
    places = np.empty((len(maps), count), dtype=np.int32)
    if count < len(maps):
        _list(maps, head, places, work, stages[0])
    else:
        places[:] = np.arange(count)
    return Listed(places, _score(maps, head, places, work, stages[1]))


def listing_grid(grid: Grid) -> Grid:
    """The grid (h, w) of the maps that choose the lists, of maps of ``grid``."""
    return min(grid[0], GRID[0]), min(grid[1], GRID[1])


def list_bytes(shape: tuple[int, int, int, int], workers: int, count: int = LISTED) -> int:
    """The most bytes that :func:`list_nearest` takes at once on a CPU, beside maps (n, C, h, w)."""
    n, channels, *grid = shape
    h, w = listing_grid((grid[0], grid[1]))
    # Pooled cells, rows of logits of each thread, the lists and their logits.
    return n * (2 * channels * h * w + 4 * _QUERIES * workers + 8 * min(count, n))


def _list(
    maps: Float16, head: AffineHead, places: npt.NDArray[np.int32], work: WorkContext, stage: str
) -> None:
    """The first pass: fill ``places`` (n, k)."""
    grid = listing_grid(head.grid)
    small, cells = pooled_head(head, grid), _pooled_cells(maps, grid)
    tiles = for_each_thread(lambda: PlaneTiles(small, maps.shape[1], _QUERIES, work.cancel))

    def block(start: int) -> int:
        rows = places[start : start + _QUERIES]
        with torch.inference_mode():
            logits = tiles().score(cells[:, start : start + _QUERIES], cells)
        _best(logits, start, rows)
        return len(rows)

    _all(block, range(0, len(maps), _QUERIES), work, stage, len(maps))


def _score(
    maps: Float16, head: AffineHead, places: npt.NDArray[np.int32], work: WorkContext, stage: str
) -> Float32:
    """The second pass: exact logits (n, k) of the lists."""
    logits = np.empty(places.shape, dtype=np.float32)
    tiles = for_each_thread(lambda: FloatTiles(head, maps.shape[1], work.cancel))

    def block(start: int) -> int:
        stop = min(start + _ROWS, len(maps))
        with torch.inference_mode():
            for i in range(start, stop):
                logits[i] = tiles().score(maps[i : i + 1], maps[places[i]])[0]
        return stop - start

    _all(block, range(0, len(maps), _ROWS), work, stage, len(maps))
    return logits


def _by_exact_rows(
    maps: Float16,
    head: AffineHead,
    count: int,
    device: torch.device | str,
    work: WorkContext,
    stage: str,
) -> Listed:
    """All exact logits, a block of rows at a time, of which the best are kept."""
    n = len(maps)
    found = Listed(np.empty((n, count), dtype=np.int32), np.empty((n, count), dtype=np.float32))
    tracker = work.tracker(stage, n, "images")
    for start in range(0, n, _QUERIES):
        some = maps[start : start + _QUERIES]
        logits = score_maps(some, maps, head, device=device, cancel=work.cancel)
        rows = found.places[start : start + _QUERIES]
        own = logits[np.arange(len(some)), start + np.arange(len(some))].copy()
        _best(logits, start, rows)
        logits[np.arange(len(some)), start + np.arange(len(some))] = own
        found.logits[start : start + _QUERIES] = np.take_along_axis(logits, rows, axis=1)
        tracker.advance(len(some))
    return found


def _best(logits: Float32, start: int, out: npt.NDArray[np.int32]) -> None:
    """Write columns of the largest of each row to ``out`` (r, k), ascending.

    Row i is that of picture ``start`` + i, whose own logit is set to infinity.
    """
    k = out.shape[1]
    logits[np.arange(len(logits)), start + np.arange(len(logits))] = np.inf
    for a in range(0, len(logits), _ROWS):
        rows = -logits[a : a + _ROWS]
        out[a : a + _ROWS] = np.sort(np.argpartition(rows, k - 1, axis=1)[:, :k], axis=1)


def _pooled_cells(maps: Float16, grid: Grid) -> Float16:
    """Cells (h·w, n, C) of the maps averaged over ``grid``."""
    n, channels = maps.shape[:2]
    cells = np.empty((grid[0] * grid[1], n, channels), dtype=np.float16)
    for start in range(0, n, _POOLED):
        small = pool(maps[start : start + _POOLED], grid)
        cells[:, start : start + _POOLED] = small.reshape(*small.shape[:2], -1).transpose(2, 0, 1)
    return cells


def _all(
    block: Callable[[int], int], starts: Sequence[int], work: WorkContext, stage: str, total: int
) -> None:
    """Do all blocks in threads, each of which returns how many pictures it has done."""
    tracker = work.tracker(stage, total, "images")
    for done in in_threads(block, starts, cpu_workers(), alone):
        tracker.advance(done)
