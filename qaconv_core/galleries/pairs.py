"""A pair of maps explained, and two pairs of one query compared."""

from __future__ import annotations

from qaconv_core.explaining.difference import difference, normalised_difference, reasons
from qaconv_core.explaining.part import find_part
from qaconv_core.explaining.values import NormalisedBreakdown
from qaconv_core.galleries.values import PairView, Why
from qaconv_core.matching.correspondences import similarity_matrix
from qaconv_core.model import Model
from qaconv_core.types import Bool, Float32, Float64


def explain_pair(
    model: Model,
    query: int,
    candidate: int,
    maps: tuple[Float32, Float32],
    part: Bool | None = None,
) -> PairView:
    """The pair of maps (C, h, w) of a query and a gallery picture, explained.

    With ``part`` (h, w) the match is that of these cells of the query alone.
    """
    similarity = similarity_matrix(*maps)
    if part is None:
        return PairView(query, candidate, model.match(*maps), similarity)
    found = find_part(*maps, model.head, part)
    return PairView(
        query, candidate, found.match, similarity, part, found.full_logit, evidence=found.evidence
    )


def explain_why(first: PairView, second: PairView, average: Float64 | None = None) -> Why:
    """Why two candidates of one query have other logits.

    ``average`` (h, w) are the mean contributions of gallery cells, where known. Where both pairs
    hold the parts of their normalised scores, the difference is that of these.
    """
    one, two = first.relative, second.relative
    if isinstance(one, NormalisedBreakdown) and isinstance(two, NormalisedBreakdown):
        found = normalised_difference((first.match, one), (second.match, two))
    else:
        found = difference(first.match, second.match, average)
    return Why(found, tuple(reasons(found, None)))
