"""A pair of maps explained, two of them compared, several queries joined; in worker threads."""

from __future__ import annotations

import numpy as np

from app.state.values import PairView
from app.state.why import Why
from qaconv_core.explaining.difference import difference, reasons
from qaconv_core.explaining.part import find_part
from qaconv_core.matching.correspondences import similarity_matrix
from qaconv_core.model import Model
from qaconv_core.types import Bool, Float32


def explained(
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


def why(first: PairView, second: PairView | None, usual: Float32 | None) -> Why | None:
    """Why two candidates of one query have other logits, beyond the ``usual`` where known."""
    if second is None:
        return None
    found = difference(first.match, second.match, usual)
    return Why(found, tuple(reasons(found, None)))


def fused(rows: list[Float32], fuse: str) -> Float32:
    """Values of several queries (g,) as one: the best or the mean."""
    joined = np.max(rows, axis=0) if fuse == "max" else np.mean(rows, axis=0)
    return np.asarray(joined, dtype=np.float32)
