"""Logits of all query × gallery pairs, in pieces that fit memory and, on the CPU, the cache.

The head is used in its folded form (:class:`~qaconv_core.models.qaconv.AffineHead`), so that one
tile of inner products is reduced by two maxima and two weighted sums before the next one is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError, MemoryLimitError
from qaconv_core.models.qaconv import AffineHead, two_way_maxima
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.types import FeatureBank, Float32

Maps = FeatureBank | npt.NDArray[np.floating]

TILE_BYTES = 2 << 20
"""Size of one tile of inner products on the CPU: it has to stay in a core's second-level cache."""

QUERY_BLOCK = 64
GALLERY_BLOCK = 256


@dataclass(frozen=True)
class ScoringPlan:
    """How a scoring job is cut up, and the most memory it takes (bytes)."""

    queries: int
    galleries: int
    query_block: int
    gallery_block: int
    pair_chunk: int
    work_bytes: int
    result_bytes: int

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
) -> ScoringPlan:
    """Cut p × g pairs of maps (C, h, w) so that the work fits.

    ``available`` are bytes of host memory, ``device_available`` bytes on the GPU (None: the CPU
    computes). Raises :class:`MemoryLimitError` when even the smallest cut, or the result itself,
    does not fit; its message says what would.
    """
    channels, h, w = shape
    cells = h * w
    map_bytes = channels * cells * 4
    query_block = max(1, min(QUERY_BLOCK, queries))
    gallery_block = max(1, min(GALLERY_BLOCK, galleries))
    result = queries * galleries * 4 if result_in_memory else 0
    if device_available is None:
        chunk = max(1, min(gallery_block, TILE_BYTES // (cells * cells * 4)))
        tile = chunk * cells * cells * 4
        # float16 slice, its float32 copy and the transposed one.
        work = (query_block + gallery_block) * map_bytes * 5 // 2 + tile
    else:
        # The product and, while it is reduced, its two maxima.
        budget = max(1, device_available // 3)
        chunk = max(1, min(query_block * gallery_block, budget // (cells * (cells + 4) * 4)))
        work = (query_block + gallery_block) * map_bytes * 3 // 2
    plan = ScoringPlan(queries, galleries, query_block, gallery_block, chunk, work, result)
    if plan.peak_bytes > available:
        raise MemoryLimitError(
            f"scoring {queries} × {galleries} pictures needs {_mib(plan.peak_bytes)} of memory, "
            f"{_mib(available)} are free; --on-disk keeps the scores in a file instead"
        )
    return plan


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"


def score_maps(
    query: Maps,
    gallery: Maps,
    head: AffineHead,
    *,
    plan: ScoringPlan | None = None,
    device: torch.device | str = "cpu",
    out: Float32 | None = None,
    symmetric: bool = False,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    stage: str = "scoring",
) -> Float32:
    """Logits of all pairs, float32 (p, g); larger is closer.

    ``query`` (p, C, h, w) and ``gallery`` (g, C, h, w) are arrays or feature banks; products are
    taken in float32 whatever they are stored in. ``out`` (p, g) receives the result (it may be
    memory-mapped). ``symmetric`` says that both sides are the same pictures: with a symmetric
    head only half of the pairs are computed then.
    """
    check_maps(query, head, "query")
    check_maps(gallery, head, "gallery")
    if query.shape[1] != gallery.shape[1]:
        raise InputError(
            f"query maps have {query.shape[1]} channels, gallery maps {gallery.shape[1]}; "
            "they must come from one model"
        )
    p, g = query.shape[0], gallery.shape[0]
    if out is None:
        out = np.empty((p, g), dtype=np.float32)
    elif out.shape != (p, g):
        raise InputError(f"the place for the scores has shape {out.shape}, not {(p, g)}")
    device = torch.device(device)
    if plan is None:
        plan = plan_scoring(
            p,
            g,
            query.shape[1:],
            available=1 << 62,
            device_available=(None if device.type == "cpu" else 1 << 30),
        )
    mirror = symmetric and head.symmetric
    total = p * (p + 1) // 2 if mirror else p * g
    tracker = Tracker(stage, total, "pairs", progress, cancel)
    scorer = (_CpuScorer if device.type == "cpu" else _ChunkScorer)(head, plan, device)
    with torch.inference_mode():
        for rows, columns in _blocks(p, g, plan, mirror):
            block = scorer.score(_read(query, rows), _read(gallery, columns))
            out[rows[0] : rows[1], columns[0] : columns[1]] = block
            if mirror and rows != columns:
                out[columns[0] : columns[1], rows[0] : rows[1]] = block.T
            tracker.advance(_distinct_pairs(rows, columns) if mirror else block.size)
    return out


def check_maps(maps: Maps, head: AffineHead, side: str) -> None:
    """Raise :class:`InputError` unless ``maps`` has shape (n, C, h, w) on the head's grid."""
    shape = tuple(maps.shape)
    if len(shape) != 4 or shape[2:] != head.grid:
        raise InputError(
            f"{side} maps have shape {shape}; this model needs (n, C, {head.grid[0]}, "
            f"{head.grid[1]})"
        )


Span = tuple[int, int]


def _blocks(p: int, g: int, plan: ScoringPlan, mirror: bool) -> Iterator[tuple[Span, Span]]:
    """Blocks of pairs; on a mirrored job the square ones on and above the diagonal."""
    row_step = plan.gallery_block if mirror else plan.query_block
    # The gallery turns slowly: its slices are the large ones and come from disk.
    for k in range(0, g, plan.gallery_block):
        columns = (k, min(k + plan.gallery_block, g))
        for i in range(0, columns[1] if mirror else p, row_step):
            yield (i, min(i + row_step, p)), columns


def _distinct_pairs(rows: Span, columns: Span) -> int:
    n, m = rows[1] - rows[0], columns[1] - columns[0]
    return n * (n + 1) // 2 if rows == columns else n * m


def _read(maps: Maps, span: Span) -> npt.NDArray[np.floating]:
    if isinstance(maps, FeatureBank):
        return maps.read(*span)
    return maps[span[0] : span[1]]


def _tensor(maps: npt.NDArray[np.floating]) -> torch.Tensor:
    """(n, C, h, w) as float32 (n, C, h·w); torch wants memory that may be written to."""
    whole = np.ascontiguousarray(maps)
    return torch.from_numpy(whole if whole.flags.writeable else whole.copy()).float().flatten(2)


class _CpuScorer:
    """One query against a few gallery pictures at a time: the tile of products stays in cache."""

    def __init__(self, head: AffineHead, plan: ScoringPlan, device: torch.device) -> None:
        self.query_weights = torch.from_numpy(head.query_weights.astype(np.float32))
        self.gallery_weights = torch.from_numpy(head.gallery_weights.astype(np.float32))
        self.bias = float(head.bias)
        cells = head.grid[0] * head.grid[1]
        self.step = plan.pair_chunk
        self.product = torch.empty(self.step * cells, cells)
        self.best = torch.empty(self.step, cells)

    def score(self, query: npt.NDArray, gallery: npt.NDArray) -> Float32:
        """(p, C, h, w), (g, C, h, w) -> logits (p, g)."""
        p, g = len(query), len(gallery)
        columns = _tensor(query)
        rows = _tensor(gallery)
        rows = rows.transpose(1, 2).contiguous()
        out = torch.empty(p, g)
        for i in range(p):
            for k in range(0, g, self.step):
                out[i, k : k + self.step] = self._tile(columns[i], rows[k : k + self.step])
        return np.asarray(out.numpy())

    def _tile(self, query: torch.Tensor, gallery: torch.Tensor) -> torch.Tensor:
        """(C, s), (t, r, C) -> (t,)."""
        t, r, _ = gallery.shape
        product = self.product[: t * r]
        torch.mm(gallery.view(t * r, -1), query, out=product)
        pairs = product.view(t, r, -1)
        best = self.best[:t]
        torch.amax(pairs, 1, out=best)
        logits = torch.mv(best, self.query_weights)
        torch.amax(pairs, 2, out=best)
        return logits.add_(torch.mv(best, self.gallery_weights)).add_(self.bias)


class _ChunkScorer:
    """All pairs of a chunk at once, as large as the device's memory allows."""

    def __init__(self, head: AffineHead, plan: ScoringPlan, device: torch.device) -> None:
        self.device = device
        self.query_weights = torch.tensor(head.query_weights, dtype=torch.float32, device=device)
        self.gallery_weights = torch.tensor(
            head.gallery_weights, dtype=torch.float32, device=device
        )
        self.bias = float(head.bias)
        self.chunk = plan.pair_chunk

    def score(self, query: npt.NDArray, gallery: npt.NDArray) -> Float32:
        """(p, C, h, w), (g, C, h, w) -> logits (p, g)."""
        queries = _tensor(query).to(self.device)
        pictures = _tensor(gallery).to(self.device)
        out = torch.empty(len(queries), len(pictures), device=self.device)
        g_step = max(1, min(len(pictures), self.chunk))
        p_step = max(1, self.chunk // g_step)
        for i in range(0, len(queries), p_step):
            for k in range(0, len(pictures), g_step):
                a, b = two_way_maxima(queries[i : i + p_step], pictures[k : k + g_step])
                out[i : i + p_step, k : k + g_step] = (
                    a @ self.query_weights + b @ self.gallery_weights + self.bias
                )
        return np.asarray(out.cpu().numpy())
