"""Galleries in which every picture gets an estimate and only the best are scored exactly.

See :mod:`qaconv_core.searching.top`. A ranking says up to which place it is exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qaconv_core.caching import LruCache
from qaconv_core.model import Model
from qaconv_core.progress import CancelToken
from qaconv_core.ranking import rank_gallery
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.searching.top import Prepared
from qaconv_core.types import Certainty, FeatureBank, Float32, RankingResult

KEPT = 32
"""Queries whose rankings are kept: 0.8 MB each for 100,000 pictures."""


class Estimates:
    """Estimated rankings of ``gallery``; ``prepared`` is :meth:`.Model.prepare` of it."""

    def __init__(self, model: Model, gallery: FeatureBank, prepared: Prepared) -> None:
        self.model, self.gallery, self.prepared = model, gallery, prepared
        self._found: LruCache[tuple[int, int], RankingResult] = LruCache(KEPT)

    def rank(
        self,
        maps: dict[int, Float32],
        fuse: str,
        head: int,
        cancel: CancelToken | None = None,
    ) -> RankingResult:
        """The gallery in order for queries, by their numbers, together; the truth is left open.

        Of a single query, the ``head`` best are exact. Of several, the best of each are, which
        makes no place of the joint order certain.
        """
        found = [self._one(query, each, head, cancel) for query, each in maps.items()]
        if len(found) == 1:
            return found[0]
        rows = np.stack([one.gallery_values for one in found])
        certainty = _weakest(found)
        if certainty == "exact":
            return rank_gallery(fuse_logits(rows, fuse))
        best = np.unique(np.concatenate([one.order[:head] for one in found]))
        rows[:, best] = self.model.score(
            np.stack(list(maps.values())), self.gallery.select(best), cancel=cancel
        )
        return replace(
            rank_gallery(fuse_logits(rows, fuse)),
            certainty=certainty,
            exact_to=0,
            approximation=(
                f"the best {min(head, len(self.gallery)):,} of each query are exact, the scores of "
                "others are estimates"
            ),
        )

    def _one(
        self, query: int, query_map: Float32, head: int, cancel: CancelToken | None
    ) -> RankingResult:
        def ranked() -> RankingResult:
            return self.model.rank_top(
                query_map, self.gallery, head, prepared=self.prepared, cancel=cancel
            )

        return self._found.get_or_make((query, head), ranked)


def _weakest(found: list[RankingResult]) -> Certainty:
    kinds = {one.certainty for one in found}
    return "measured" if "measured" in kinds else "proved" if "proved" in kinds else "exact"


def estimate_words(ranking: RankingResult) -> str:
    """What is not exact about a whole gallery in order, in words; "" where all is."""
    if ranking.certainty == "exact" or ranking.bounds is None:
        return ranking.approximation
    off = float(ranking.bounds.max())
    if ranking.certainty == "proved":
        certain, least = "exact", f"which are at most {off:.2g} off"
    else:
        certain = "exact, which is measured and not proved"
        least = f"which were measured to be at most {off:.2g} too low"
    return f"the best {ranking.exact_to:,} are {certain}; scores of others are estimates, {least}"


def head_words(ranking: RankingResult) -> str:
    """What is not exact about the head of ``ranking`` alone, in words; "" where it is proved."""
    if ranking.certainty == "proved" and ranking.bounds is not None:
        return ""
    if ranking.certainty != "measured" or ranking.bounds is None:
        return ranking.approximation
    return (
        f"exact scores of {ranking.scored:,} of {ranking.size:,} pictures, chosen by coarse maps; "
        "that no other belongs among the best is measured, not proved"
    )
