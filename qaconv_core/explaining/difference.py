"""Why one candidate has a larger logit than another for one query: an exact difference.

The query's cells are the same for both candidates, so their contributions are subtracted cell by
cell. The candidates' own cells show different things, so their terms stay separate. The bias
cancels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.explaining.values import (
    ContributionDifference,
    NormalisedBreakdown,
    Reason,
)
from qaconv_core.types import CorrespondenceMap, Float64


def difference(
    a: CorrespondenceMap, b: CorrespondenceMap, average: npt.NDArray[np.floating] | None = None
) -> ContributionDifference:
    """Why two matches A and B of one query have different logits.

    ``average`` (h, w) is the mean contribution of the gallery's cells
    (:attr:`~qaconv_core.explaining.average.AverageContributions.gallery_mean`). It is subtracted
    from the contributions of both candidates' own cells. It cancels in the sum, which stays exact.
    Raises :class:`InputError` for matches of different models.
    """
    if a.grid != b.grid or a.bias != b.bias:
        raise InputError("only matches of one query by one model can be compared")
    own = np.zeros(a.grid) if average is None else np.asarray(average, dtype=np.float64)
    if own.shape != a.grid:
        raise InputError(f"usual contributions have shape {own.shape}, the grid is {a.grid}")
    return ContributionDifference(
        a=a,
        b=b,
        query=a.query_contribution.astype(np.float64) - b.query_contribution,
        gallery_a=a.gallery_contribution.astype(np.float64) - own,
        gallery_b=own - b.gallery_contribution.astype(np.float64),
    )


def normalised_difference(
    a: tuple[CorrespondenceMap, NormalisedBreakdown],
    b: tuple[CorrespondenceMap, NormalisedBreakdown],
) -> ContributionDifference:
    """Why two matches of one query have different normalised scores, in standard deviations.

    Each cell's term is its part of N; those of the query's cells are subtracted one from another.
    """
    (match_a, parts_a), (match_b, parts_b) = a, b
    if match_a.grid != match_b.grid:
        raise InputError("only matches of one query by one model can be compared")
    return ContributionDifference(
        match_a, match_b, parts_a.query - parts_b.query, parts_a.gallery, -parts_b.gallery,
        (parts_a.n, parts_b.n),
    )  # fmt: skip


def reasons(found: ContributionDifference, top: int | None = 12, speaks: str = "") -> list[Reason]:
    """The terms of a difference, largest absolute value first; all amounts add up to the total.

    ``speaks`` keeps only terms in favour of ``"a"`` or of ``"b"``, ``top`` only the first ones.
    """
    if speaks not in ("", "a", "b"):
        raise InputError(f"reasons speak for 'a' or 'b', not for {speaks!r}")
    amounts = np.concatenate([part.ravel() for part in _parts(found)])
    order = np.argsort(-np.abs(amounts), kind="stable")
    if speaks:
        order = order[amounts[order] > 0 if speaks == "a" else amounts[order] < 0]
    cells = found.query.size
    return [_reason(found, int(i) // cells, int(i) % cells, amounts[i]) for i in order[:top]]


def _parts(found: ContributionDifference) -> tuple[Float64, Float64, Float64]:
    return found.query, found.gallery_a, found.gallery_b


def _reason(found: ContributionDifference, part: int, cell: int, amount: float) -> Reason:
    a, b = found.a, found.b
    if part == 0:
        places = (int(a.query_best.flat[cell]), int(b.query_best.flat[cell]))
        alike = (float(a.query_similarity.flat[cell]), float(b.query_similarity.flat[cell]))
        return Reason("query", float(amount), cell, *places, *alike)
    match = a if part == 1 else b
    partner = int(match.gallery_best.flat[cell])
    alike_one = float(match.gallery_similarity.flat[cell])
    if part == 1:
        return Reason("a", float(amount), partner, cell, None, alike_one, None)
    return Reason("b", float(amount), partner, None, cell, None, alike_one)
