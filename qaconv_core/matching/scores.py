"""Logits of all query × gallery pairs, exact in float32, in pieces that fit memory and cache.

The head is used in its folded form (:class:`~qaconv_core.models.qaconv.AffineHead`): a tile of
inner products is reduced by two maxima and two weighted sums before the next one is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError
from qaconv_core.matching.cpu import FloatTiles, alone
from qaconv_core.matching.fused import FusedScorer, fused_available
from qaconv_core.matching.gpu import ChunkScorer
from qaconv_core.matching.plan import ScoringPlan, plan_scoring
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker, raise_if_cancelled
from qaconv_core.threads import for_each_thread, in_threads
from qaconv_core.types import FeatureBank, Float32

__all__ = ["Maps", "ScoringPlan", "check_maps", "check_sides", "plan_scoring", "score_maps"]

Maps = FeatureBank | npt.NDArray[np.floating]
Scorer = Callable[[npt.NDArray[np.floating], npt.NDArray[np.floating]], Float32]
Span = tuple[int, int]
Block = tuple[Span, Span]
Scored = tuple[Block, Float32]


class Helpers(Protocol):
    """Other processes that score a part of the blocks."""

    def deal(
        self,
        query: Maps,
        gallery: Maps,
        head: AffineHead,
        plan: ScoringPlan,
        mirror: bool,
        blocks: Sequence[Block],
    ) -> tuple[Sequence[Block], Iterable[Scored]]:
        """The blocks left for this process, and logits of the other blocks as they come in."""


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
    helpers: Helpers | None = None,
) -> Float32:
    """Logits of all pairs, float32 (p, g); larger is closer.

    ``query`` (p, C, h, w) and ``gallery`` (g, C, h, w) are arrays or feature banks of any float
    type; sums are float32. ``out`` (p, g), which may be memory-mapped, receives the result.
    ``symmetric`` says that both sides are the same pictures: only half of the pairs are computed
    then, if the head is symmetric, too. On the CPU a pair's logit does not depend, to the last bit,
    on what else is scored. With ``helpers``, progress counts the pairs scored by this process.
    """
    p, g = query.shape[0], gallery.shape[0]
    if out is None:
        out = np.empty((p, g), dtype=np.float32)
    elif out.shape != (p, g):
        raise InputError(f"the place for the scores has shape {out.shape}, not {(p, g)}")
    plan = plan or _default_plan(query, gallery, device)
    mirror = symmetric and head.symmetric
    own: Sequence[Block] = score_blocks(p, g, plan, mirror)
    others: Iterable[Scored] = ()
    if helpers is not None:
        own, others = helpers.deal(query, gallery, head, plan, mirror, own)
    total = sum(block_pairs(block, mirror) for block in own)
    tracker = Tracker(stage, total, "pairs", progress, cancel)
    for block, logits in scored_blocks(query, gallery, head, plan, device, own, cancel):
        _place(out, block, logits, mirror)
        tracker.advance(block_pairs(block, mirror))
    for block, logits in others:
        _place(out, block, logits, mirror)
    return out


def _default_plan(query: Maps, gallery: Maps, device: torch.device | str) -> ScoringPlan:
    """A plan made without looking at how much memory is free."""
    on_cpu = torch.device(device).type == "cpu"
    return plan_scoring(
        query.shape[0],
        gallery.shape[0],
        query.shape[1:],
        available=1 << 62,
        device_available=None if on_cpu else 1 << 30,
    )


def scored_blocks(
    query: Maps,
    gallery: Maps,
    head: AffineHead,
    plan: ScoringPlan,
    device: torch.device | str,
    blocks: Sequence[Block],
    cancel: CancelToken | None = None,
) -> Iterator[Scored]:
    """Each of ``blocks`` with its logits, in the order in which they are done.

    Raises :class:`~qaconv_core.errors.Cancelled` within a block when asked to stop.
    """
    check_sides(query, gallery, head)
    device = torch.device(device)
    on_cpu = device.type == "cpu"
    if on_cpu:
        score = _cpu_scorer(head, query.shape[1], cancel)
    else:
        score = _device_scorer(query, gallery, head, plan, device)

    def work(block: Block) -> Scored:
        raise_if_cancelled(cancel)
        with torch.inference_mode():
            return block, score(read_maps(query, block[0]), read_maps(gallery, block[1]))

    yield from in_threads(work, blocks, plan.workers, alone if on_cpu and blocks else None)


def _place(out: Float32, block: Block, logits: Float32, mirror: bool) -> None:
    """Put a block into the matrix; in a mirrored job, on both sides of the diagonal."""
    (a, b), (c, d) = block
    out[a:b, c:d] = logits
    if mirror and block[0] != block[1]:
        out[c:d, a:b] = logits.T


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


def _cpu_scorer(head: AffineHead, channels: int, cancel: CancelToken | None) -> Scorer:
    """Scores a block with the calling thread's own tiles."""
    tiles = for_each_thread(lambda: FloatTiles(head, channels, cancel))
    return lambda query, gallery: tiles().score(query, gallery)


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


def score_blocks(p: int, g: int, plan: ScoringPlan, mirror: bool) -> list[Block]:
    """Blocks of p × g pairs; in a mirrored job, square ones on and above the diagonal."""
    blocks: list[Block] = []
    row_step = plan.gallery_block if mirror else plan.query_block
    # The gallery turns slowly: its slices are the large ones and come from disk.
    for k in range(0, g, plan.gallery_block):
        columns = (k, min(k + plan.gallery_block, g))
        for i in range(0, columns[1] if mirror else p, row_step):
            blocks.append(((i, min(i + row_step, p)), columns))
    return blocks


def block_pairs(block: Block, mirror: bool) -> int:
    """How many pairs a block computes; in a mirrored job each pair counts once."""
    rows, columns = block
    n, m = rows[1] - rows[0], columns[1] - columns[0]
    return n * (n + 1) // 2 if mirror and rows == columns else n * m


def read_maps(maps: Maps, span: Span) -> npt.NDArray[np.floating]:
    """Maps ``span`` = (start, stop) of an array or bank; not copied where they lie together."""
    return maps.view(*span) if isinstance(maps, FeatureBank) else maps[span[0] : span[1]]


def pick_maps(maps: Maps, indices: npt.NDArray[np.integer]) -> Maps:
    """The maps at ``indices`` of an array or bank, in that order."""
    if isinstance(maps, FeatureBank):
        return maps.select(np.asarray(indices, dtype=np.int64)).about_to_be_read()
    return maps[indices]
