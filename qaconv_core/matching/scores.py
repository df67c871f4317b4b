"""Logits of all query × gallery pairs, exact in float32, in pieces that fit memory and cache.

The head is used in its folded form (:class:`~qaconv_core.models.qaconv.AffineHead`), so that one
tile of inner products is reduced by two maxima and two weighted sums before the next one is made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError
from qaconv_core.matching.cpu import FloatTiles, alone
from qaconv_core.matching.fused import FusedScorer, fused_available
from qaconv_core.matching.gpu import ChunkScorer
from qaconv_core.matching.plan import ScoringPlan, plan_scoring
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.threads import in_threads
from qaconv_core.types import FeatureBank, Float32

__all__ = ["Maps", "ScoringPlan", "check_maps", "check_sides", "plan_scoring", "score_maps"]

Maps = FeatureBank | npt.NDArray[np.floating]
Scorer = Callable[[npt.NDArray[np.floating], npt.NDArray[np.floating]], Float32]
Span = tuple[int, int]
Block = tuple[Span, Span]


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
    summed in float32 whatever they are stored in. ``out`` (p, g) receives the result (it may be
    memory-mapped). ``symmetric`` says that both sides are the same pictures: with a symmetric
    head only half of the pairs are computed then. On the CPU a pair's logit is the same to the
    last bit whatever else is scored beside it.
    """
    check_sides(query, gallery, head)
    p, g = query.shape[0], gallery.shape[0]
    if out is None:
        out = np.empty((p, g), dtype=np.float32)
    elif out.shape != (p, g):
        raise InputError(f"the place for the scores has shape {out.shape}, not {(p, g)}")
    device = torch.device(device)
    on_cpu = device.type == "cpu"
    plan = plan or plan_scoring(
        p, g, query.shape[1:], available=1 << 62, device_available=None if on_cpu else 1 << 30
    )
    mirror = symmetric and head.symmetric
    total = p * (p + 1) // 2 if mirror else p * g
    tracker = Tracker(stage, total, "pairs", progress, cancel)
    if on_cpu:
        score = _cpu_scorer(head, query.shape[1])
    else:
        score = _device_scorer(query, gallery, head, plan, device)

    def fill(block: Block) -> int:
        rows, columns = block
        with torch.inference_mode():
            logits = score(_read(query, rows), _read(gallery, columns))
        out[rows[0] : rows[1], columns[0] : columns[1]] = logits
        if mirror and rows != columns:
            out[columns[0] : columns[1], rows[0] : rows[1]] = logits.T
        return _distinct_pairs(rows, columns) if mirror else logits.size

    blocks = list(_blocks(p, g, plan, mirror))
    for done in in_threads(fill, blocks, plan.workers, alone if on_cpu and blocks else None):
        tracker.advance(done)
    return out


def check_sides(query: Maps, gallery: Maps, head: AffineHead) -> None:
    """Raise :class:`InputError` unless both sides are maps of one model with this head."""
    check_maps(query, head, "query")
    check_maps(gallery, head, "gallery")
    if query.shape[1] != gallery.shape[1]:
        raise InputError(
            f"query maps have {query.shape[1]} channels, gallery maps {gallery.shape[1]}; "
            "they must come from one model"
        )


def check_maps(maps: Maps, head: AffineHead, side: str) -> None:
    """Raise :class:`InputError` unless ``maps`` has shape (n, C, h, w) on the head's grid."""
    shape = tuple(maps.shape)
    if len(shape) != 4 or shape[2:] != head.grid:
        raise InputError(
            f"{side} maps have shape {shape}; this model needs (n, C, {head.grid[0]}, "
            f"{head.grid[1]})"
        )


def _cpu_scorer(head: AffineHead, channels: int) -> Scorer:
    """Scores a block with the calling thread's own tiles."""
    own = threading.local()

    def score(query: npt.NDArray[np.floating], gallery: npt.NDArray[np.floating]) -> Float32:
        if not hasattr(own, "tiles"):
            own.tiles = FloatTiles(head, channels)
        tiles: FloatTiles = own.tiles
        return tiles.score(query, gallery)

    return score


def _device_scorer(
    query: Maps, gallery: Maps, head: AffineHead, plan: ScoringPlan, device: torch.device
) -> Scorer:
    """The fused kernel for maps stored in float16 where it can run, else plain PyTorch."""
    halves = all(
        (maps.maps if isinstance(maps, FeatureBank) else maps).dtype == np.float16
        for maps in (query, gallery)
    )
    if halves and fused_available(device):
        return FusedScorer(head, device).score
    return ChunkScorer(head, plan, device).score


def _blocks(p: int, g: int, plan: ScoringPlan, mirror: bool) -> Iterator[Block]:
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
    return maps.view(*span) if isinstance(maps, FeatureBank) else maps[span[0] : span[1]]
