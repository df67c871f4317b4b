"""How long an adaptation takes and how much memory, before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from qaconv_core.adaptation.neighbours import KEPT, MOST_PAIRWISE
from qaconv_core.device import available_memory, format_bytes
from qaconv_core.errors import MemoryLimitError
from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.checkpoints import Checkpoint
from qaconv_core.progress import CancelToken
from qaconv_core.training.memory import kept_bytes
from qaconv_core.training.pictures import PictureCache

LEARNING_COST = 4.0
"""What a picture costs in training, in forward passes."""
LEARNED_SHARE = 0.8
"""Share of the pictures that are in groups, about."""
SEARCH_GAIN = 4.0
"""How much less the bounded search costs than all pairs in both roles."""
_LIBRARY_BYTES = 700 << 20
_BATCH = 64
_PROBE = 24
_PAIR_BYTES = 32  # logits, N in float64 with its sums, distances
_NEAR_BYTES = 64 * KEPT  # lists, sparse distances and what they are made of, a picture


@dataclass(frozen=True)
class Forecast:
    """Seconds and bytes that an adaptation takes, as measured by a short trial."""

    pictures: int
    rounds: int
    seconds: float
    memory_bytes: int
    available_bytes: int

    def describe(self) -> str:
        """One line for people."""
        minutes = self.seconds / 60
        took = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return (
            f"{rounds}: about {took} at the speed that this machine has now, at most "
            f"{format_bytes(self.memory_bytes)} of memory "
            f"({format_bytes(self.available_bytes)} free)"
        )


def forecast(
    model: Checkpoint,
    book: PictureCache,
    rounds: int,
    epochs: int,
    *,
    device: torch.device,
    cancel: CancelToken | None = None,
) -> Forecast:
    """Measure a few pictures and pairs, and reckon with them.

    Raises :class:`MemoryLimitError` where the work does not fit into the free memory.
    """
    n = len(book.people)
    forward, pair = _rates(model, book, device, cancel)
    pairs = n * n / 2 if n <= MOST_PAIRWISE else n * n / SEARCH_GAIN
    each = n * forward + pairs * pair + LEARNED_SHARE * n * epochs * LEARNING_COST * forward
    memory = memory_of(model, book)
    free = available_memory("cpu")
    if memory > free:
        raise MemoryLimitError(
            f"adapting to {n:,} pictures takes {format_bytes(memory)} of memory and "
            f"{format_bytes(free)} are free; close other programs, or give fewer pictures"
        )
    return Forecast(n, rounds, rounds * each, memory, free)


def memory_of(model: Checkpoint, book: PictureCache) -> int:
    """The most bytes that are needed at once beside the pictures already read."""
    n = len(book.people)
    spec = model.spec
    maps = n * spec.channels * spec.cells * 2
    pairs = _PAIR_BYTES * n * n if n <= MOST_PAIRWISE else maps
    grouping = maps + pairs + _NEAR_BYTES * n
    height, width = book.size
    copied = n * height * width * 3 if book.pixels is not None else 0
    learning = copied + _BATCH * kept_bytes(model.network, book.size)
    return _LIBRARY_BYTES + max(grouping, learning)


def _rates(
    model: Checkpoint, book: PictureCache, device: torch.device, cancel: CancelToken | None
) -> tuple[float, float]:
    """Seconds of one picture's forward pass and of one pair."""
    runner = NetworkRunner(model.network.to(device), device, input_size=book.size)
    count = min(_PROBE, len(book.people))
    pixels = np.stack([book.picture(i) for i in range(count)]).transpose(0, 3, 1, 2)
    pixels = np.ascontiguousarray(pixels)
    runner.maps(pixels[: runner.batch])  # the first pass makes ready
    began = time.perf_counter()
    maps = runner.maps(pixels)
    forward = (time.perf_counter() - began) / count
    gallery = np.concatenate([maps] * 8)
    head = model.matcher.affine()
    score_maps(maps[:4], maps, head, device=device, cancel=cancel)
    began = time.perf_counter()
    score_maps(maps, gallery, head, device=device, cancel=cancel)
    return forward, (time.perf_counter() - began) / (len(maps) * len(gallery))
