"""The fused kernel: one program computes a pair's similarities and reduces them to its logit.

Only p·g logits are written to memory, and none of the p·g·(h·w)² similarities. The matrix of
similarities is computed in tiles of ``BM`` gallery cells by ``BN`` query cells. A gallery cell's
maximum is complete after one row of tiles, and is weighted then. The maxima of query cells stay in
``best_query``, one row for each column of tiles, until the last tile.

This module imports triton. :mod:`qaconv_core.matching.fused` imports it when it is needed.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _cells(maps, cell, channel, CELLS: tl.constexpr, CHANNELS: tl.constexpr):  # type: ignore[no-untyped-def]
    """Numbers of the map at ``maps`` for broadcastable ``cell`` and ``channel``, 0 outside."""
    inside = (cell < CELLS) & (channel < CHANNELS)
    return tl.load(maps + cell * CHANNELS + channel, mask=inside, other=0.0)


@triton.jit
def two_way_logits(  # type: ignore[no-untyped-def]
    query,
    gallery,
    query_weights,
    gallery_weights,
    out,
    galleries,
    bias,
    CELLS: tl.constexpr,
    CHANNELS: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    ACROSS: tl.constexpr,
    WIDE: tl.constexpr,
):
    """Maps (p, CELLS, CHANNELS), (g, CELLS, CHANNELS) -> logits (p, g), a program for each pair.

    ``ACROSS`` is the number of tiles across the query cells, rounded up to a power of two. ``WIDE``
    multiplies in float32: Triton's interpreter cannot multiply bfloat16. Where all channels fit
    into ``BK``, a row of tiles reads its gallery cells once.
    """
    pair = tl.program_id(0).to(tl.int64)
    query += pair // galleries * (CELLS * CHANNELS)
    gallery += pair % galleries * (CELLS * CHANNELS)
    lowest = -float("inf")
    column = tl.arange(0, ACROSS)
    first = tl.arange(0, BK)
    best_query = tl.full((ACROSS, BN), lowest, dtype=tl.float32)
    logit = 0.0
    for top in range(0, CELLS, BM):
        r = top + tl.arange(0, BM)
        best_gallery = tl.full((BM,), lowest, dtype=tl.float32)
        rows = _cells(gallery, r[:, None], first[None, :], CELLS, CHANNELS)
        if WIDE:
            rows = rows.to(tl.float32)
        for left in range(0, CELLS, BN):
            s = left + tl.arange(0, BN)
            columns = _cells(query, s[None, :], first[:, None], CELLS, CHANNELS)
            if WIDE:
                columns = columns.to(tl.float32)
            tile = tl.dot(rows, columns)
            for k in range(BK, CHANNELS, BK):
                c = k + first
                more = _cells(gallery, r[:, None], c[None, :], CELLS, CHANNELS)
                columns = _cells(query, s[None, :], c[:, None], CELLS, CHANNELS)
                if WIDE:
                    more, columns = more.to(tl.float32), columns.to(tl.float32)
                tile = tl.dot(more, columns, acc=tile)
            inside = (r[:, None] < CELLS) & (s[None, :] < CELLS)
            tile = tl.where(inside, tile, lowest)
            best_gallery = tl.maximum(best_gallery, tl.max(tile, axis=1))
            found = tl.maximum(best_query, tl.max(tile, axis=0)[None, :])
            best_query = tl.where(column[:, None] == left // BN, found, best_query)
        weight = tl.load(gallery_weights + r, mask=r < CELLS, other=0.0)
        logit += tl.sum(tl.where(r < CELLS, weight * best_gallery, 0.0))
    s = column[:, None] * BN + tl.arange(0, BN)[None, :]
    weight = tl.load(query_weights + s, mask=s < CELLS, other=0.0)
    logit += tl.sum(tl.where(s < CELLS, weight * best_query, 0.0))
    tl.store(out + pair, logit + bias)
