"""Both local maxima of all pairs, with a gradient that keeps no tile of inner products.

The plain formulation (:func:`qaconv_core.models.qaconv.two_way_maxima`) keeps p·g·(h·w)² numbers
for its backward pass and walks over them several times more. Here a tile is reduced where it
arises and only the places of the maxima are kept; the backward pass writes the few gradients into
an empty tile and multiplies. A batch against itself, which all in-batch losses want, is half the
work: S[p, g] is the transpose of S[g, p].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from qaconv_core.models import QAConv
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.threads import BUDGET

CPU_TILE = 2 << 20
GPU_TILE = 256 << 20
"""Bytes of one tile: on a CPU it has to stay in a core's second-level cache."""

Span = tuple[int, int]


class TrainingQAConv(QAConv):
    """:class:`QAConv` whose training forward needs little memory; same numbers, same tensors.

    While ``cancel`` is there, both passes raise :class:`~qaconv_core.errors.Cancelled` between
    two tiles when it is set.
    """

    cancel: CancelToken | None = None

    def forward(self, query_maps: torch.Tensor, gallery_maps: torch.Tensor) -> torch.Tensor:
        """(p, C, h, w), (g, C, h, w) -> logits (p, g), differentiable, in float32."""
        self._check(query_maps, "query")
        self._check(gallery_maps, "gallery")
        best_query, best_gallery = lean_maxima(query_maps, gallery_maps, self.cancel)
        return self.head_logits(best_query, best_gallery)

    def head_logits(self, best_query: torch.Tensor, best_gallery: torch.Tensor) -> torch.Tensor:
        """Both maxima (p, g, h·w) -> logits (p, g); the batch norms run over all pairs."""
        p, g, cells = best_query.shape
        if self.head == "shared":
            both = torch.stack((best_query, best_gallery), dim=2).view(2 * p * g, cells)
        else:
            both = torch.cat((best_gallery, best_query), dim=2).view(p * g, 2 * cells)
        z = functional.linear(_normed(self.bn, both), self.fc.weight, self.fc.bias)
        if self.head == "shared":
            z = z.view(p * g, 2).sum(dim=1)
        return _normed(self.logit_bn, z.reshape(p * g)).view(p, g)


def _normed(norm: nn.BatchNorm1d, values: torch.Tensor) -> torch.Tensor:
    """A one-channel batch norm over all ``values``, whatever their shape."""
    out: torch.Tensor = norm(values.reshape(1, 1, -1)).view(values.shape)
    return out


def lean_maxima(
    query_maps: torch.Tensor, gallery_maps: torch.Tensor, cancel: CancelToken | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Best similarity of every query cell and of every gallery cell, for all pairs, float32.

    (p, C, h, w), (g, C, h, w) -> a (p, g, h·w) over the query's cells and b (p, g, h·w) over the
    gallery's. Where several cells tie, the gradient goes to one of them.
    """
    query, gallery = query_maps.flatten(2).float(), gallery_maps.flatten(2).float()
    if query_maps is gallery_maps:
        a: torch.Tensor = _Maxima.apply(query, query, True, cancel)[0]
        return a, a.transpose(0, 1)
    both: tuple[torch.Tensor, torch.Tensor] = _Maxima.apply(query, gallery, False, cancel)
    return both


class _Maxima(torch.autograd.Function):
    """(p, C, s), (g, C, r), same -> a (p, g, s), b (p, g, r).

    With ``same`` both sides are one batch and only ``a`` is meant: b[p, g] is a[g, p].
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        gallery: torch.Tensor,
        same: bool,
        cancel: CancelToken | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        p, _, s = query.shape
        g, _, r = gallery.shape
        rows = gallery.transpose(1, 2).contiguous()
        a, b = query.new_empty(p, g, s), query.new_empty(*((p, g, r) if not same else (0, 0, 0)))
        best_a = torch.empty(p, g, s, dtype=torch.int64, device=query.device)
        best_b = torch.empty(p, g, r, dtype=torch.int64, device=query.device)
        for (i, j), (k, m) in _tiles(p, g, s, r, query.device, same):
            raise_if_cancelled(cancel)
            BUDGET.step_aside()
            tile = _product(rows[k:m], query[i:j])
            value, place = tile.max(dim=1)
            a[i:j, k:m], best_a[i:j, k:m] = value.transpose(0, 1), place.transpose(0, 1)
            value, place = tile.max(dim=3)
            value, place = value.permute(2, 0, 1), place.permute(2, 0, 1)
            best_b[i:j, k:m] = place
            if same:
                a[k:m, i:j] = value.transpose(0, 1)
            else:
                b[i:j, k:m] = value
        ctx.save_for_backward(query, rows, best_a, best_b)
        ctx.same, ctx.cancel = same, cancel
        return a, b

    @staticmethod
    def backward(
        ctx: Any, grad_a: torch.Tensor, grad_b: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None, None, None]:
        query, rows, best_a, best_b = ctx.saved_tensors
        p, _, s = query.shape
        g, r, _ = rows.shape
        columns = query.transpose(1, 2).contiguous()
        to_columns, to_rows = torch.zeros_like(columns), torch.zeros_like(rows)
        for (i, j), (k, m) in _tiles(p, g, s, r, query.device, ctx.same):
            raise_if_cancelled(ctx.cancel)
            BUDGET.step_aside()
            tile = query.new_zeros(m - k, r, j - i, s)
            part = grad_a[i:j, k:m].transpose(0, 1)
            place = best_a[i:j, k:m].transpose(0, 1)
            tile.scatter_(1, place.unsqueeze(1), part.unsqueeze(1))
            if not ctx.same:
                part = grad_b[i:j, k:m].permute(1, 2, 0)
            elif (i, j) == (k, m) and j - i == 1:
                part = torch.zeros_like(grad_a[i:j, k:m].permute(1, 2, 0))
            else:
                part = grad_a[k:m, i:j].permute(0, 2, 1)
            place = best_b[i:j, k:m].permute(1, 2, 0)
            tile.scatter_add_(3, place.unsqueeze(3), part.unsqueeze(3))
            flat = tile.view((m - k) * r, (j - i) * s)
            to_columns[i:j].flatten(0, 1).addmm_(flat.t(), rows[k:m].flatten(0, 1))
            to_rows[k:m].flatten(0, 1).addmm_(flat, columns[i:j].flatten(0, 1))
        return to_columns.transpose(1, 2), to_rows.transpose(1, 2), None, None


def _product(rows: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """Gallery cells (k, r, C), queries (j, C, s) -> similarities (k, r, j, s)."""
    k, r, channels = rows.shape
    j, _, s = query.shape
    columns = query.transpose(0, 1).reshape(channels, j * s)
    return torch.mm(rows.reshape(k * r, channels), columns).view(k, r, j, s)


def _tiles(
    p: int, g: int, s: int, r: int, device: torch.device, same: bool
) -> Iterator[tuple[Span, Span]]:
    """Blocks of queries × gallery pictures; with ``same`` each unordered pair once.

    Then a block is one query and itself, or one query and pictures behind it.
    """
    budget = CPU_TILE if device.type == "cpu" else GPU_TILE
    pairs = max(1, budget // (s * r * 4))
    if same:
        for i in range(p):
            yield (i, i + 1), (i, i + 1)
            for k in range(i + 1, g, pairs):
                yield (i, i + 1), (k, min(k + pairs, g))
        return
    width = min(g, pairs)
    height = max(1, pairs // width)
    for i in range(0, p, height):
        for k in range(0, g, width):
            yield (i, min(i + height, p)), (k, min(k + width, g))
