"""Orders a gallery by likeness, so that it can be looked at before there is a query.

Pictures stand beside those that look like them, and near-duplicates are folded into one. Both come
from pooled maps (:mod:`qaconv_core.searching.pooling`), compared place by place: what is alike here
looks alike in the same places, which is less than being the same person.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qaconv_core.galleries.values import LikenessOrder
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.searching.shortlist import pool_gallery
from qaconv_core.types import FeatureBank, Float32, Int64

NEAR_DUPLICATE = 0.9
"""Mean similarity of the cells from which neighbours are folded into one.

Of 300 pictures of the demo under the bundled model, copies at half the size have 0.89 and more (19
of 20 have 0.93), copies of JPEG quality 60 0.92 and more, and other pictures of one person at most
0.86.
"""
_BLOCK = 2048


def gallery_likeness(gallery: FeatureBank, *, context: WorkContext = NO_CONTEXT) -> LikenessOrder:
    """The order of a gallery's pictures by their maps, pooled first where they are not yet."""
    pooled = pool_gallery(gallery, progress=context.progress, cancel=context.cancel)
    return likeness_order(pooled.read(0, len(pooled)), context=context)


def likeness_order(
    pooled: npt.NDArray[np.floating],
    *,
    near: float = NEAR_DUPLICATE,
    context: WorkContext = NO_CONTEXT,
) -> LikenessOrder:
    """The order of pooled maps (n, C, h, w), each cell of unit norm.

    Each picture is followed by the one most like it that is left. Beyond 2,048 pictures they are
    first sorted along the direction in which they differ most, and ordered block by block, which
    takes memory for one block alone; alike pictures of two blocks then stand apart.
    """
    count = len(pooled)
    tracker = context.tracker("ordering by likeness", count)
    if not count:
        return LikenessOrder(np.empty(0, np.int64), np.empty(0, np.int64))
    vectors = _vectors(pooled)
    along = np.arange(count) if count <= _BLOCK else _sorted_along(vectors)
    pieces = []
    last: Float32 | None = None
    for start in range(0, count, _BLOCK):
        block = along[start : start + _BLOCK]
        piece = block[_chain(vectors[block], last)]
        last = vectors[piece[-1]]
        pieces.append(piece)
        tracker.advance(len(piece))
    order = np.concatenate(pieces).astype(np.int64)
    alike = np.einsum("nd,nd->n", vectors[order[1:]], vectors[order[:-1]])
    starts = np.concatenate([[0], 1 + np.flatnonzero(alike < near)]).astype(np.int64)
    return LikenessOrder(order, starts)


def _vectors(pooled: npt.NDArray[np.floating]) -> Float32:
    """Maps as vectors whose products are the mean similarity of cells at one place."""
    flat = np.asarray(pooled, np.float32).reshape(len(pooled), -1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, norms, out=np.zeros_like(flat), where=norms > 0)


def _sorted_along(vectors: Float32) -> Int64:
    """Indices sorted along the first principal direction, found by a few power iterations."""
    mean = vectors.mean(axis=0)
    random = np.random.default_rng(0)
    direction = random.standard_normal(vectors.shape[1], dtype=np.float32)
    for _ in range(8):
        along = vectors @ direction - mean @ direction
        direction = along @ vectors - along.sum() * mean
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
    return np.argsort(vectors @ direction, kind="stable")


def _chain(vectors: Float32, last: Float32 | None) -> Int64:
    """Indices such that each is the most alike of those left to the one before it."""
    products = vectors @ vectors.T
    place = int(np.argmax(vectors @ last)) if last is not None else 0
    left = np.ones(len(vectors), dtype=bool)
    order = [place]
    left[place] = False
    for _ in range(len(vectors) - 1):
        row = np.where(left, products[place], -np.inf)
        place = int(np.argmax(row))
        left[place] = False
        order.append(place)
    return np.array(order, dtype=np.int64)
