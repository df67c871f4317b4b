"""Deletion and insertion curves: whether the strongest cells decide the logit and the rank.

*Deletion* removes the query's cells one after the other, strongest first, and records logit and
rank of the candidate. *Insertion* begins with no cell and adds them in the same order. Both are
compared with random orders. All steps are exact: cells are taken out of the matching rule, the
picture is not painted over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError
from qaconv_core.explaining.maxima import (
    CellSource,
    checked_query,
    each_slice,
    inner_products,
    tile_pictures,
)
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.types import Bool, Float32, Float64, Int64

RANDOM = "random"
REPEATS = 5
"""Random orders that are averaged."""


@dataclass(frozen=True)
class RemovalCurves:
    """Logit and rank of one pair while query cells are removed or added, for several orders.

    ``orders`` names the k orders, the last of which is ``"random"`` (a mean over several). Arrays
    are (k, n + 1) over 0 … n = h·w cells removed (deletion) or present (insertion):

    - ``deletion``, ``insertion``: logits;
    - ``deletion_rank``, ``insertion_rank``: ranks of the candidate, from 1, in the gallery ranked
      by the same cells; the middle rank among equals.
    """

    orders: tuple[str, ...]
    deletion: Float64
    insertion: Float64
    deletion_rank: Float64
    insertion_rank: Float64
    bias: float

    @property
    def logit(self) -> float:
        """The plain logit of the pair."""
        return float(self.deletion[0, 0])

    def area(self, order: str, kind: str = "deletion") -> float:
        """Area between an order's curve and the random one, as a share of |logit − bias|.

        Positive where the order's first cells matter: its deletion curve lies below the random one,
        its insertion curve above. 0 where logit and bias are equal.
        """
        if order not in self.orders or kind not in ("deletion", "insertion"):
            raise InputError(f"there is no {kind} curve in the order of {order!r}")
        curves = self.deletion if kind == "deletion" else self.insertion
        between = float((curves[self.orders.index(order)] - curves[-1]).mean())
        height = abs(self.logit - self.bias)
        sign = -1.0 if kind == "deletion" else 1.0
        return sign * between / height if height > 1e-9 else 0.0


def nested_logits(
    query_map: npt.NDArray[np.floating],
    gallery: CellSource,
    head: AffineHead,
    orders: npt.ArrayLike,
    *,
    context: WorkContext = NO_CONTEXT,
) -> Float32:
    """Logits of a gallery by the first 0, 1, … n cells of each order, float32 (k, n + 1, g).

    ``orders`` (k, n) are permutations of the query's cell numbers. One pass over the gallery serves
    all orders: the products are the same, only their running maxima differ.
    """
    query = checked_query(query_map, gallery)
    cells = head.grid[0] * head.grid[1]
    ordered = np.asarray(orders, dtype=np.int64).reshape(-1, cells)
    if not (np.sort(ordered, axis=1) == np.arange(cells)).all():
        raise InputError(f"an order must name each of the {cells} cells once")
    columns = torch.from_numpy(np.ascontiguousarray(query.reshape(len(query), cells)))
    out = np.empty((len(ordered), cells + 1, len(gallery)), dtype=np.float32)
    out[:, 0] = head.bias
    tracker = context.tracker("removal curves", len(gallery))
    step = tile_pictures(cells, cells)

    def work(start: int, rows: torch.Tensor) -> None:
        for k in range(0, len(rows), step):
            product = inner_products(rows[k : k + step], columns).numpy()
            at = slice(start + k, start + k + len(product))
            for number, order in enumerate(ordered):
                out[number, 1:, at] = _running(product, order, head).T

    each_slice(gallery, work, tracker)
    return out


def _running(product: Float32, order: Int64, head: AffineHead) -> Float32:
    """Logits (m, n) of products (m, gallery cells, query cells) by ever more query cells."""
    best = np.maximum.accumulate(product[:, :, order], axis=2)
    gallery_side = np.einsum("mrs,r->ms", best, head.gallery_weights.astype(np.float32))
    terms = product.max(axis=1)[:, order] * head.query_weights[order]
    query_side = np.cumsum(terms, axis=1, dtype=np.float64)
    return np.asarray(gallery_side + query_side + head.bias, dtype=np.float32)


def removal_curves(
    query_map: npt.NDArray[np.floating],
    gallery: CellSource,
    head: AffineHead,
    candidate: int,
    strengths: Sequence[tuple[str, npt.NDArray[np.floating]]],
    *,
    counted: Bool | None = None,
    repeats: int = REPEATS,
    seed: int = 0,
    context: WorkContext = NO_CONTEXT,
) -> RemovalCurves:
    """Deletion and insertion curves of one query and gallery picture number ``candidate``.

    ``strengths`` are (name, (h, w)) by which cells are ordered, strongest first: contributions,
    relative contributions, similarities. ``counted`` (g,) says which gallery pictures are
    ranked (junk is not); the candidate always is. ``repeats`` random orders from ``seed`` are
    averaged.
    """
    if not 0 <= candidate < len(gallery):
        raise InputError(f"the gallery has {len(gallery)} pictures, none of number {candidate}")
    if repeats < 1:
        raise InputError("at least one random order is needed to compare with")
    cells = head.grid[0] * head.grid[1]
    rng = np.random.default_rng(seed)
    named = [np.argsort(-np.ravel(values), kind="stable") for _, values in strengths]
    orders = np.stack([*named, *(rng.permutation(cells) for _ in range(repeats))])
    # Keeping the last n − j of an order is removing its first j.
    both = np.concatenate([orders, orders[:, ::-1]])
    logits = nested_logits(query_map, gallery, head, both, context=context)
    mine = logits[:, :, candidate].astype(np.float64)
    ranks = _ranks(logits, candidate, counted)
    count = len(named)
    return RemovalCurves(
        orders=(*(name for name, _ in strengths), RANDOM),
        deletion=_with_random(mine[len(orders) :, ::-1], count),
        insertion=_with_random(mine[: len(orders)], count),
        deletion_rank=_with_random(ranks[len(orders) :, ::-1], count),
        insertion_rank=_with_random(ranks[: len(orders)], count),
        bias=head.bias,
    )


def _ranks(logits: Float32, candidate: int, counted: Bool | None) -> Float64:
    """Rank of the candidate at every step, (k, n + 1), the middle one among equals.

    Without any cell all pictures are equal, and the rank is the middle of the gallery.
    """
    others = np.ones(logits.shape[2], dtype=np.bool_) if counted is None else counted.copy()
    others[candidate] = False
    mine = logits[:, :, candidate, None]
    above, equal = (logits > mine) & others, (logits == mine) & others
    return np.asarray(1.0 + above.sum(axis=2) + 0.5 * equal.sum(axis=2), dtype=np.float64)


def _with_random(curves: Float64, named: int) -> Float64:
    """The named orders' curves, and the mean of the random ones."""
    return np.concatenate([curves[:named], curves[named:].mean(axis=0, keepdims=True)])
