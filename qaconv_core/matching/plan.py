"""Cuts a scoring job into blocks that fit the memory and tiles that fit the CPU's cache."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from qaconv_core.device import second_level_cache
from qaconv_core.errors import MemoryLimitError
from qaconv_core.threads import BUDGET, usable_cores

QUERY_BLOCK = 64
GALLERY_BLOCK = 256
DEVICE_QUERY_BLOCK = 2048  # maps cross to a device once for each block of the other side
DEVICE_GALLERY_BLOCK = 1024
CACHE_SHARE = 0.6
"""Share of a core's second-level cache that one tile of inner products may fill."""
LEAST_TILE = 768 << 10
"""The least bytes of a tile: with smaller ones, calls cost more than the cache saves."""


@dataclass(frozen=True)
class ScoringPlan:
    """Sizes of a scoring job's pieces, and the most memory it takes (bytes).

    Blocks are ``query_block`` × ``gallery_block`` pairs; ``pair_chunk`` is a tile's number of maps
    on the CPU, and a chunk's number of pairs on a GPU. ``workers`` threads share the blocks on the
    CPU.
    """

    queries: int
    galleries: int
    query_block: int
    gallery_block: int
    pair_chunk: int
    work_bytes: int
    result_bytes: int
    workers: int = 1

    @property
    def peak_bytes(self) -> int:
        """Working memory and result together."""
        return self.work_bytes + self.result_bytes

    @property
    def pairs(self) -> int:
        """Number of pairs to score."""
        return self.queries * self.galleries


def plan_scoring(
    queries: int,
    galleries: int,
    shape: tuple[int, int, int],
    *,
    available: int,
    device_available: int | None = None,
    result_in_memory: bool = True,
    workers: int | None = None,
) -> ScoringPlan:
    """Cut p × g pairs of maps (C, h, w) so that the work fits.

    ``available`` are bytes of host memory and ``device_available`` bytes on the GPU. Where the
    latter is None the CPU computes, with ``workers`` threads (None: :func:`cpu_workers`). Raises
    :class:`MemoryLimitError` where the smallest pieces or the result do not fit; its message says
    what to do.
    """
    channels, h, w = shape
    cells = h * w
    map_bytes = channels * cells * 4
    query_block = max(1, min(QUERY_BLOCK, queries))
    gallery_block = max(1, min(GALLERY_BLOCK, galleries))
    result = queries * galleries * 4 if result_in_memory else 0
    threads = 1
    if device_available is None:
        threads = cpu_workers() if workers is None else max(1, workers)
        if queries <= query_block:  # a short job: a few blocks for every thread
            few = -(-galleries // (4 * threads))
            gallery_block = min(gallery_block, max(few, tile_maps(cells)))
        chunk = min(gallery_block, tile_maps(cells))
        # Each thread: the queries in float32 and in their storage, a float16 slice of the gallery,
        # one tile of maps in float32 and one of products.
        slices = query_block * map_bytes * 2 + gallery_block * map_bytes // 2
        work = threads * (slices + chunk * map_bytes + tile_bytes())
    else:
        # A third for the maps, float32 and a turned copy; one for the product and, while it is
        # reduced, its two maxima.
        budget = max(1, device_available // 3)
        fitting = max(2, budget // (2 * map_bytes))
        query_block = max(1, min(DEVICE_QUERY_BLOCK, queries, fitting // 2))
        gallery_block = max(1, min(DEVICE_GALLERY_BLOCK, galleries, fitting // 2))
        chunk = max(1, min(query_block * gallery_block, budget // (cells * (cells + 4) * 4)))
        work = (query_block + gallery_block) * map_bytes + 4 * query_block * gallery_block
    plan = ScoringPlan(queries, galleries, query_block, gallery_block, chunk, work, result, threads)
    if plan.peak_bytes > available:
        raise MemoryLimitError(
            f"scoring {queries} × {galleries} pictures needs {_mib(plan.peak_bytes)} of memory, "
            f"{_mib(available)} are free; --on-disk keeps the scores in a file instead"
        )
    return plan


def cpu_workers() -> int:
    """Threads that share work on the CPU: what the calling thread's job may use, outside of jobs
    the usable cores, or fewer where torch is set so."""
    return BUDGET.share() or max(1, min(usable_cores(), torch.get_num_threads()))


def tile_bytes() -> int:
    """Size of one tile of inner products on the CPU."""
    return max(LEAST_TILE, int(CACHE_SHARE * second_level_cache()))


def tile_maps(cells: int) -> int:
    """How many gallery maps one tile takes, at least 1."""
    return max(1, tile_bytes() // (4 * cells * cells))


def cell_spans(cells: int) -> list[tuple[int, int]]:
    """Spans (start, stop) of query cells, so that one map's tile of each stays in the cache."""
    parts = -(-4 * cells * cells // tile_bytes())
    step = -(-cells // max(1, min(parts, cells)))
    return [(a, min(cells, a + step)) for a in range(0, cells, step)]


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
