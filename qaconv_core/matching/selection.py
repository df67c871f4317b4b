"""Choosing the correspondences of one pair that are worth drawing or listing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.types import CorrespondenceMap

DIRECTIONS = ("query", "gallery", "mutual")
ORDERS = ("contribution", "similarity")


class Correspondence(NamedTuple):
    """A query cell and a gallery cell (row-major numbers), their similarity in [−1, 1], and what
    the match adds to the logit."""

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
) -> tuple[list[Correspondence], int]:
    """The strongest correspondences, strongest first, and how many there are in all.

    ``direction``:

    - ``"query"``: each query cell with its best gallery cell; the contribution is the query
      cell's;
    - ``"gallery"``: each gallery cell with its best query cell; the contribution is its own;
    - ``"mutual"``: pairs that are each other's best; the contribution is the sum of both cells'.

    Kept are those with ``similarity >= threshold`` (None: all), of these the first ``top`` (None:
    all). Strongest is the largest contribution (or similarity, by ``order_by``), with its sign:
    what speaks most for the match comes first, what speaks against it last. Ties stand in the
    order of cell numbers (the gallery's for ``"gallery"``, else the query's). The total counts the
    whole direction, before threshold and top. :class:`InputError` for an unknown direction or
    order, a negative ``top`` or a cell outside the grid.
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction {direction!r} is unknown; choose {', '.join(DIRECTIONS)}")
    if order_by not in ORDERS:
        raise InputError(f"order {order_by!r} is unknown; choose {', '.join(ORDERS)}")
    if top is not None and top < 0:
        raise InputError(f"cannot show {top} correspondences; give 0 or more")
    query, gallery, similarity, contribution = _candidates(match, direction)
    own = gallery if direction == "gallery" else query
    strength = contribution if order_by == "contribution" else similarity
    order = np.lexsort((own, -strength))
    if threshold is not None:
        order = order[similarity[order] >= threshold]
    chosen = [
        Correspondence(int(query[i]), int(gallery[i]), float(similarity[i]), float(contribution[i]))
        for i in order[:top]
    ]
    return chosen, len(query)


def _candidates(match: CorrespondenceMap, direction: str) -> tuple[npt.NDArray[Any], ...]:
    """Query cells, gallery cells, similarities and contributions of a whole direction, each (m,).

    Numbers stay float64 where they are added, so that a sum of two contributions is exact.
    """
    cells = np.arange(match.grid[0] * match.grid[1])
    query_best, gallery_best = match.query_best.ravel(), match.gallery_best.ravel()
    for best in (query_best, gallery_best):
        if best.min() < 0 or best.max() >= len(cells):
            raise InputError(f"a correspondence points outside the grid {match.grid}")
    query_adds = match.query_contribution.ravel().astype(np.float64)
    gallery_adds = match.gallery_contribution.ravel().astype(np.float64)
    if direction == "query":
        return cells, query_best, match.query_similarity.ravel(), query_adds
    if direction == "gallery":
        return gallery_best, cells, match.gallery_similarity.ravel(), gallery_adds
    query = cells[gallery_best[query_best] == cells]
    gallery = query_best[query]
    similarity = match.query_similarity.ravel()[query]
    return query, gallery, similarity, query_adds[query] + gallery_adds[gallery]
