"""Selects the strongest correspondences of one pair, for drawings and lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.matching.cells import kept_cells
from qaconv_core.types import CorrespondenceMap, Float64, Grid

DIRECTIONS = ("query", "gallery", "mutual")
ORDERS = ("contribution", "similarity")
RELATIVE = "relative"
"""The third order: by what a match contributes above the average contribution of its cells."""

BothSides = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]
"""A value for every query cell and every gallery cell, each (h, w)."""


class Correspondence(NamedTuple):
    """A query cell and a gallery cell (row-major numbers), their similarity in [−1, 1], and the
    contribution of the match to the logit."""

    query_cell: int
    gallery_cell: int
    similarity: float
    contribution: float


def select_correspondences(
    match: CorrespondenceMap,
    threshold: float | None = None,
    top: int | None = 12,
    direction: str = "query",
    order_by: str = "contribution",
    *,
    relative: BothSides | None = None,
    among: npt.ArrayLike | None = None,
    among_gallery: npt.ArrayLike | None = None,
    contribution: float | None = None,
) -> tuple[list[Correspondence], int]:
    """The strongest correspondences, strongest first, and how many there are in all.

    ``direction``:

    - ``"query"``: each query cell with its best gallery cell; the contribution is the query
      cell's;
    - ``"gallery"``: each gallery cell with its best query cell; the contribution is its own;
    - ``"mutual"``: pairs that are each other's best; the contribution is the sum of both cells'.

    Selected are those with ``similarity >= threshold`` and a contribution of at least
    ``contribution`` (None: all), and of these the first ``top`` (None: all). They are ordered by
    ``order_by``, the largest signed value first: contribution, similarity or relative contribution.
    Ties stand in the order of cell numbers (the gallery's for ``"gallery"``, else the query's). The
    total counts the whole direction, before thresholds and top.

    ``relative`` are relative contributions of all cells (as
    :attr:`~qaconv_core.explaining.values.RelativeMatch.sides`); ``order_by="relative"`` needs them.
    ``among`` and ``among_gallery`` (h, w) restrict both result and total to some cells of query and
    gallery picture, as in a search by part, or where others are hidden.
    Raises :class:`InputError` for an unknown direction or order, a negative ``top`` or a cell
    outside the grid.
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction {direction!r} is unknown; choose {', '.join(DIRECTIONS)}")
    if order_by not in (*ORDERS, RELATIVE):
        raise InputError(f"order {order_by!r} is unknown; choose {', '.join(ORDERS)}")
    if order_by == RELATIVE and relative is None:
        raise InputError("an order by relative contribution needs something to be relative to")
    if top is not None and top < 0:
        raise InputError(f"cannot show {top} correspondences; give 0 or more")
    query, gallery, similarity, contributions = _candidates(match, direction)
    beyond = None if relative is None else _added(relative, query, gallery, direction, match.grid)
    strengths = {"contribution": contributions, "similarity": similarity, RELATIVE: beyond}
    strength = strengths[order_by]
    assert strength is not None
    order = np.lexsort((gallery if direction == "gallery" else query, -strength))
    if among is not None:
        order = order[kept_cells(among, match.grid)[query[order]]]
    if among_gallery is not None:
        order = order[kept_cells(among_gallery, match.grid)[gallery[order]]]
    total = len(order)
    if threshold is not None:
        order = order[similarity[order] >= threshold]
    if contribution is not None:
        order = order[contributions[order] >= contribution]
    chosen = [
        Correspondence(
            int(query[i]), int(gallery[i]), float(similarity[i]), float(contributions[i])
        )
        for i in order[:top]
    ]
    return chosen, total


def worth(lines: Sequence[Correspondence], values: BothSides, direction: str) -> Float64:
    """The sum of ``values`` (say, relative contributions) for each of ``lines``, (n,).

    As in :func:`select_correspondences`: the value of the query cell or of the gallery cell, by
    ``direction``, and the sum of both for ``"mutual"``.
    """
    query = np.array([line.query_cell for line in lines], dtype=np.int64)
    gallery = np.array([line.gallery_cell for line in lines], dtype=np.int64)
    shape = np.shape(values[0])
    return _added(values, query, gallery, direction, (shape[0], shape[1]))


def _added(
    values: BothSides,
    query: npt.NDArray[Any],
    gallery: npt.NDArray[Any],
    direction: str,
    grid: Grid,
) -> Float64:
    """The value of each pair's cell on the side of ``direction``, or the sum of both."""
    sides = [np.asarray(side, dtype=np.float64) for side in values]
    if any(side.shape != grid for side in sides):
        shapes = " and ".join(str(side.shape) for side in sides)
        raise InputError(f"relative contributions have shapes {shapes}; the grid is {grid}")
    if direction == "query":
        return sides[0].ravel()[query]
    if direction == "gallery":
        return sides[1].ravel()[gallery]
    return np.asarray(sides[0].ravel()[query] + sides[1].ravel()[gallery], dtype=np.float64)


def _candidates(match: CorrespondenceMap, direction: str) -> tuple[npt.NDArray[Any], ...]:
    """Query cells, gallery cells, similarities and contributions of a whole direction, each (m,).

    Numbers stay float64 where they are added, so that a sum of two contributions is exact.
    """
    cells = np.arange(match.grid[0] * match.grid[1])
    query_best, gallery_best = match.query_best.ravel(), match.gallery_best.ravel()
    for best in (query_best, gallery_best):
        if best.min() < 0 or best.max() >= len(cells):
            raise InputError(f"a correspondence points outside the grid {match.grid}")
    query, gallery, similarity = cells, query_best, match.query_similarity.ravel()
    if direction == "gallery":
        query, gallery, similarity = gallery_best, cells, match.gallery_similarity.ravel()
    elif direction == "mutual":
        query = cells[gallery_best[query_best] == cells]
        gallery, similarity = query_best[query], similarity[query]
    adds = match.query_contribution, match.gallery_contribution
    return query, gallery, similarity, _added(adds, query, gallery, direction, match.grid)
