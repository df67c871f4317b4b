"""Galleries too large to be scored in whole for every query; in worker threads.

Every picture gets an estimate, and what can be among the best is scored exactly
(:mod:`qaconv_core.searching.top`). The ranking says up to which rank that goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.jobs.job import JobContext
from app.jobs.pairs import fused
from qaconv_core.caching import LruCache
from qaconv_core.model import Model
from qaconv_core.progress import CancelToken
from qaconv_core.searching.choice import BYTES
from qaconv_core.searching.top import Prepared, TopRanking
from qaconv_core.types import FeatureBank, Float32

KEPT = 32
"""Queries whose estimates are kept: 0.8 MB each for 100,000 pictures."""


@dataclass(frozen=True)
class Estimated:
    """What a gallery is ranked by (g,), up to which rank that is exact, and what to say of it."""

    values: Float32
    exact_to: int
    told: str


class LargeGallery:
    """Estimated rankings of ``gallery``, which was made ready by :func:`prepare_large`."""

    def __init__(self, model: Model, gallery: FeatureBank, prepared: Prepared) -> None:
        self.model, self.gallery, self.prepared = model, gallery, prepared
        self._found: LruCache[int, TopRanking] = LruCache(KEPT)

    def estimated(
        self, maps: dict[int, Float32], fuse: str, cancel: CancelToken | None = None
    ) -> Estimated | None:
        """For queries, by their numbers, joined by ``fuse``; None where all came out exact."""
        found = [self._one(query, each, cancel) for query, each in maps.items()]
        if all(one.exact for one in found):
            return None
        if len(found) == 1:
            return Estimated(found[0].estimates, len(found[0].order), _told(found[0]))
        return self._joined(list(maps.values()), found, fuse, cancel)

    def _one(self, query: int, query_map: Float32, cancel: CancelToken | None) -> TopRanking:
        top = self.model.plan_search(self.gallery, "ranking").head or len(self.gallery)
        return self._found.get_or_make(
            query,
            lambda: self.model.rank_top(
                query_map, self.gallery, top, prepared=self.prepared, cancel=cancel
            ),
        )

    def _joined(
        self, maps: list[Float32], found: list[TopRanking], fuse: str, cancel: CancelToken | None
    ) -> Estimated:
        """The best of each query are scored exactly under all of them."""
        best = np.unique(np.concatenate([one.order for one in found]))
        logits = self.model.score(np.stack(maps), self.gallery.select(best))
        rows = [one.estimates.copy() for one in found]
        for row, exact in zip(rows, logits, strict=True):
            row[best] = exact
        told = (
            f"the best {len(found[0].order):,} of each query are exact, the scores of others are "
            "estimates"
        )
        return Estimated(fused(rows, fuse), 0, told)


def prepare_large(model: Model, gallery: FeatureBank, context: JobContext) -> LargeGallery | None:
    """Make a large gallery ready; None for others, and where everything can as well be scored."""
    prepared = model.prepare(
        gallery, wish="ranking", progress=context.progress, cancel=context.cancel
    )
    return None if prepared is None else LargeGallery(model, gallery, prepared)


def _told(found: TopRanking) -> str:
    off = float(found.bounds.max())
    if found.arithmetic == BYTES:
        certain, least = "exact", f"which are at most {off:.2g} off"
    else:
        certain = "exact, which is measured and not proved"
        least = f"which were measured to be at most {off:.2g} too low"
    return f"the best {len(found.order):,} are {certain}; scores of others are estimates, {least}"
