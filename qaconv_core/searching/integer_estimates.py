"""Estimated logits from 8-bit integers: many times the rate of float32 where a processor has it.

Products of integers are exact in 32 bits. So an estimate differs from the exact logit only by the
rounding of the maps (:mod:`qaconv_core.searching.quantised`). Whether this processor and this torch
compute such products fast and right is tried out once: older processors have no instruction for
them, or one whose partial sums overflow 16 bits.
"""

from __future__ import annotations

import functools
import time

import numpy as np
import torch

from qaconv_core.matching.cpu import HeadWeights, alone, as_tensor
from qaconv_core.matching.plan import cell_spans, tile_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.searching.choice import LIMITS
from qaconv_core.searching.quantised import LEVELS, QuantisedMaps
from qaconv_core.threads import in_threads
from qaconv_core.types import Float32

_TRIALS = 12  # the best counts: other programs may be at work
_BLOCK = 128  # maps whose maxima are weighted at once


class ByteTiles:
    """Estimates logits tile by tile; each thread has its own, for it owns scratch memory."""

    def __init__(self, head: AffineHead) -> None:
        self.cells = head.grid[0] * head.grid[1]
        self.weights = HeadWeights(head)
        self.step, self.spans = tile_maps(self.cells), cell_spans(self.cells)
        rows = self.step * self.cells
        self.product = torch.empty(rows * self.spans[0][1], dtype=torch.int32)
        self.best_query = torch.empty(_BLOCK, self.cells, dtype=torch.int32)
        self.best_gallery, self.part = torch.empty(2, _BLOCK, self.cells, dtype=torch.int32)

    def estimate(self, query: QuantisedMaps, gallery: QuantisedMaps) -> Float32:
        """Logits (g,) of one query map against ``gallery``."""
        cells, scale = as_tensor(gallery.cells), as_tensor(gallery.scale) * float(query.scale[0])
        column = as_tensor(query.cells)[0].t()
        columns = [column[:, a:b].contiguous() for a, b in self.spans]
        out = torch.empty(len(gallery))
        for start in range(0, len(gallery), _BLOCK):
            block = cells[start : start + _BLOCK]
            for k in range(0, len(block), self.step):
                self._maxima(block[k : k + self.step], columns, k)
            best = (part[: len(block)].float() for part in (self.best_query, self.best_gallery))
            out[start : start + len(block)] = self.weights.sums(*best)
        return np.asarray((out * scale + self.weights.bias).numpy())

    def _maxima(self, maps: torch.Tensor, columns: list[torch.Tensor], at: int) -> None:
        """Put the maxima of ``maps`` (t, r, C) over the query's cells into scratch rows ``at`` …"""
        t, cells, channels = maps.shape
        best_gallery = self.best_gallery[at : at + t]
        for (a, b), column in zip(self.spans, columns, strict=True):
            product = self.product[: t * cells * (b - a)].view(t * cells, b - a)
            torch._int_mm(maps.view(t * cells, channels), column, out=product)
            pairs = product.view(t, cells, b - a)
            if len(columns) == 1:
                torch.amax(pairs, 1, out=self.best_query[at : at + t])
                torch.amax(pairs, 2, out=best_gallery)
                continue
            self.best_query[at : at + t, a:b] = torch.amax(pairs, 1)
            part = torch.amax(pairs, 2, out=self.part[:t])
            best_gallery.copy_(part if a == 0 else torch.maximum(best_gallery, part))


@functools.lru_cache(maxsize=16)
def fast_bytes(channels: int) -> bool:
    """Whether 8-bit products are right, and faster than float32 by ``LIMITS.byte_gain``, here.

    The trial takes some milliseconds, once for each number of channels (few channels gain little),
    in a thread that computes alone.
    """
    return next(iter(in_threads(_tried, [channels], 1, alone)))


def _tried(channels: int) -> bool:
    if not hasattr(torch, "_int_mm"):
        return False
    try:
        with torch.inference_mode():
            return _exact() and _gain(channels) > LIMITS.byte_gain
    except RuntimeError:
        return False


def _exact() -> bool:
    """Whether products of the largest numbers are right, whose sums overflow 16 bits."""
    sign = torch.where(torch.arange(48 * 128).view(48, 128) % 3 == 0, -LEVELS, LEVELS)
    one, other = sign.to(torch.int8), sign.flip(0)[:32].t().contiguous().to(torch.int8)
    expected = one.double() @ other.double()
    return bool((torch._int_mm(one, other).double() == expected).all())


def _gain(channels: int) -> float:
    """Time of a float32 product divided by that of the same one in 8 bits, best of a few."""
    one = torch.ones(4 * 192, channels, dtype=torch.int8)
    other = torch.ones(channels, 192, dtype=torch.int8)
    wide, whole = torch.empty(4 * 192, 192), torch.empty(4 * 192, 192, dtype=torch.int32)
    floats = one.float(), other.float()
    slow, fast = [], []
    for _ in range(_TRIALS):
        begun = time.perf_counter()
        torch.mm(*floats, out=wide)
        between = time.perf_counter()
        torch._int_mm(one, other, out=whole)
        fast.append(time.perf_counter() - between)
        slow.append(between - begun)
        if slow[-1] < fast[-1] / 50:  # the plain loops of a torch without the instruction
            return 0.0
    return min(slow) / min(fast)
