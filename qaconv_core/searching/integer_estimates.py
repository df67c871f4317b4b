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
from qaconv_core.threads import BUDGET, in_threads
from qaconv_core.types import Float32

_TRIALS = 12  # the best counts: other programs may be at work
_BLOCK = 128  # maps whose maxima are weighted at once
_TILES = 3  # cache-sized tiles multiplied by one call: a call costs more than the cache saves
_TOGETHER = 4  # queries multiplied at once: the gallery's cells are put in order once for all


class ByteTiles:
    """Estimates logits tile by tile; each thread has its own, for it owns scratch memory.

    :meth:`estimate` takes any number of queries, and is quickest with a multiple of ``together``.
    """

    def __init__(self, head: AffineHead) -> None:
        self.cells = head.grid[0] * head.grid[1]
        self.weights = HeadWeights(head)
        self.spans = cell_spans(self.cells)
        self.together = _TOGETHER if len(self.spans) == 1 else 1
        # Pairs of one product, as many maps as queries or more.
        self.step = self.together * -(-_TILES * tile_maps(self.cells) // self.together)
        self.product = torch.empty(self.step * self.cells * self.spans[0][1], dtype=torch.int32)
        self.best_query = torch.empty(_BLOCK, self.together, self.cells, dtype=torch.int32)
        self.best_gallery = torch.empty(_BLOCK, self.cells, self.together, dtype=torch.int32)

    def estimate(self, query: QuantisedMaps, gallery: QuantisedMaps) -> Float32:
        """Logits (p, g) of ``query`` maps against ``gallery``."""
        out = torch.empty(len(query), len(gallery))
        cells, scale = as_tensor(gallery.cells), as_tensor(gallery.scale)
        for a in range(0, len(query), self.together):
            some = query.part(a, a + self.together)
            columns = as_tensor(some.cells)
            parts = [columns[:, b:c].flatten(0, 1).t().contiguous() for b, c in self.spans]
            rows = out[a : a + len(some)]
            for start in range(0, len(gallery), _BLOCK):
                self._block(cells[start : start + _BLOCK], parts, rows[:, start : start + _BLOCK])
            rows *= as_tensor(some.scale)[:, None]
        return np.asarray(out.mul_(scale).add_(self.weights.bias).numpy())

    def _block(self, maps: torch.Tensor, columns: list[torch.Tensor], out: torch.Tensor) -> None:
        """Sums (k, n) of the maxima of ``maps`` (n, r, C), before scales and bias, into ``out``."""
        step = max(1, self.step // len(out))
        for k in range(0, len(maps), step):
            BUDGET.step_aside()
            self._maxima(maps[k : k + step], columns, k, len(out))
        sums = self.best_query[: len(maps), : len(out)].float() @ self.weights.query
        sums += self.weights.gallery @ self.best_gallery[: len(maps), :, : len(out)].float()
        out.copy_(sums.t())

    def _maxima(
        self, maps: torch.Tensor, columns: list[torch.Tensor], at: int, queries: int
    ) -> None:
        """Put the maxima of ``maps`` (t, r, C) over the queries' cells into scratch rows ``at`` …

        The one column (C, queries · s) holds all cells of some queries, or the columns are spans of
        the cells of one query.
        """
        t, cells, channels = maps.shape
        best_query = self.best_query[at : at + t, :queries]
        best_gallery = self.best_gallery[at : at + t, :, :queries]
        for (a, b), column in zip(self.spans, columns, strict=True):
            product = self.product[: t * cells * column.shape[1]].view(t * cells, -1)
            torch._int_mm(maps.view(t * cells, channels), column, out=product)
            pairs = product.view(t, cells, queries, b - a)
            torch.amax(pairs, 1, out=best_query[..., a:b])
            if a == 0:
                torch.amax(pairs, 3, out=best_gallery)
            else:
                torch.maximum(best_gallery, torch.amax(pairs, 3), out=best_gallery)


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
