"""Scoring on the CPU in float32: tiles of inner products that never leave the cache.

A tile is one batched product over a few gallery maps. It is reduced at once by two maxima and two
weighted sums, so that only maps are read from memory. Each map is a product of its own: to the last
bit, a pair's logit does not depend on the tile, block or thread that computes it.

Tiles are too small to be split among threads: waiting for each other would cost more than the work,
and far more on a busy machine. Threads take whole blocks instead, and :func:`alone` keeps torch
from starting threads of its own.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.plan import cell_spans, tile_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.threads import BUDGET
from qaconv_core.types import Float32

_WEIGHTED = 256  # pairs whose maxima are weighted at once


def alone() -> None:
    """Make torch compute in the calling thread only; other threads keep their setting."""
    torch.set_num_threads(1)


def as_tensor(array: npt.NDArray[Any]) -> torch.Tensor:
    """The memory of ``array`` as a tensor, which must not be written to.

    ``array`` must outlive the tensor. Unlike torch's own function this takes read-only memory, such
    as a memory-mapped bank, without a warning.
    """
    whole = np.ascontiguousarray(array)
    if whole.flags.writeable or whole.size == 0:
        return torch.from_numpy(whole if whole.flags.writeable else whole.copy())
    if whole is not array:
        return torch.from_numpy(whole.copy())
    memory = (ctypes.c_byte * whole.nbytes).from_address(whole.ctypes.data)
    return torch.from_numpy(
        np.frombuffer(memoryview(memory), dtype=whole.dtype).reshape(whole.shape)
    )


class HeadWeights:
    """The folded head as float32 tensors, and the sums that turn maxima into logits."""

    def __init__(self, head: AffineHead) -> None:
        self.query = torch.from_numpy(head.query_weights.astype(np.float32))
        self.gallery = torch.from_numpy(head.gallery_weights.astype(np.float32))
        self.bias = float(head.bias)

    def sums(self, best_query: torch.Tensor, best_gallery: torch.Tensor) -> torch.Tensor:
        """Σ wq·a + Σ wg·b of maxima (…, h·w) each, (…).

        A row's sum does not depend on the other rows, unlike that of a BLAS call.
        """
        return (best_query * self.query).sum(-1).add_((best_gallery * self.gallery).sum(-1))


class FloatTiles:
    """Exact float32 logits; each thread has its own, for it owns scratch memory."""

    def __init__(self, head: AffineHead, channels: int, cancel: CancelToken | None = None) -> None:
        self._cancel = cancel
        cells = head.grid[0] * head.grid[1]
        self.weights, self.cells = HeadWeights(head), cells
        self.step, self.spans = tile_maps(cells), cell_spans(cells)
        self.product = torch.empty(self.step * self.spans[0][1] * cells)
        self.maps = torch.empty(self.step, channels, cells)
        self.part = torch.empty(self.step, cells)

    def score(self, query: npt.NDArray[np.floating], gallery: npt.NDArray[np.floating]) -> Float32:
        """Logits (p, g) of maps (p, C, h, w) and (g, C, h, w).

        Raises :class:`~qaconv_core.errors.Cancelled` between tiles when asked to stop.
        """
        columns = as_tensor(query).flatten(2).float().transpose(1, 2).contiguous()
        rows = as_tensor(gallery).flatten(2)
        out = torch.empty(len(columns), len(rows))
        if not out.numel():
            return np.asarray(out.numpy())
        # Maxima of several tiles are weighted at once: fewer calls, each of some microseconds.
        many = self.step * max(1, _WEIGHTED // (self.step * len(columns)))
        best = torch.empty(2, len(columns), min(many, len(rows)), self.cells)
        for k in range(0, len(rows), many):
            raise_if_cancelled(self._cancel)
            part = rows[k : k + many]
            best_query, best_gallery = best[0, :, : len(part)], best[1, :, : len(part)]
            for a in range(0, len(part), self.step):
                tile = part[a : a + self.step]
                maps = self.maps[: len(tile)].copy_(tile)
                for i, column in enumerate(columns):
                    BUDGET.step_aside()
                    at = slice(a, a + len(tile))
                    self._maxima(column, maps, best_query[i, at], best_gallery[i, at])
            out[:, k : k + many] = self.weights.sums(best_query, best_gallery)
        return np.asarray(out.add_(self.weights.bias).numpy())

    def _maxima(
        self,
        query: torch.Tensor,
        maps: torch.Tensor,
        best_query: torch.Tensor,
        best_gallery: torch.Tensor,
    ) -> None:
        """Maxima of query cells (s, C) over ``maps`` (t, C, r), and of these over the query's.

        They are written to ``best_query`` (t, s) and ``best_gallery`` (t, r).
        """
        t, channels, cells = maps.shape
        for number, (a, b) in enumerate(self.spans):
            product = self.product[: t * (b - a) * cells].view(t, b - a, cells)
            torch.bmm(query[a:b].expand(t, b - a, channels), maps, out=product)
            if len(self.spans) == 1:
                torch.amax(product, 2, out=best_query)
            else:
                best_query[:, a:b] = torch.amax(product, 2)
            if number == 0:
                torch.amax(product, 1, out=best_gallery)
            else:
                part = torch.amax(product, 1, out=self.part[:t])
                torch.maximum(best_gallery, part, out=best_gallery)
