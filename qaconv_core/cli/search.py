"""How ``qaconv rank`` searches: whole pictures, several together, a shortlist, or by parts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qaconv_core.cli.regions import add_places, describe_part, region_mask
from qaconv_core.cli.terminal import ProgressShower
from qaconv_core.errors import InputError
from qaconv_core.evaluation.ranked_lists import ranked_item
from qaconv_core.progress import CancelToken
from qaconv_core.searching.choice import POOLED, Wish
from qaconv_core.types import ImageRef, ImageSet, Int64, RankingResult, score_of_logit

if TYPE_CHECKING:
    from qaconv_core.model import Model
    from qaconv_core.searching.shortlist import LargeSearch
    from qaconv_core.searching.top import Prepared
    from qaconv_core.types import Bool, FeatureBank, Float32

WITHIN = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


@dataclass(frozen=True)
class Search:
    """What is searched for, and where; ``arguments`` are those of ``qaconv rank``.

    ``query_maps`` (p, C, h, w) belong to ``queries``, ``bank`` to ``gallery``.
    """

    arguments: argparse.Namespace
    model: Model
    queries: list[ImageRef]
    query_maps: Float32
    gallery: ImageSet
    bank: FeatureBank
    cancel: CancelToken

    def rankings(self) -> list[dict[str, Any]]:
        """One ranking for each query picture, or one for all of them."""
        asked = self.arguments
        mask = region_mask(asked.part, asked.ignore, self.model.spec.grid)
        if asked.shortlist is not None and (mask is not None or asked.joint):
            raise InputError(
                "--shortlist ranks by whole single pictures: leave out --joint and parts"
            )
        if mask is not None:
            return self._by_part(mask)
        if asked.joint:
            return [self._together()]
        if self.model.plan_search(self.bank, "best", shortlist=asked.shortlist).path == POOLED:
            return self._shortlisted()
        return self._whole()

    def _ranked(self, queries: Sequence[ImageRef], logits: Float32) -> dict[str, Any]:
        top, junk_rule = self.arguments.top, not self.arguments.no_junk
        return rank_together(list(queries), logits, self.gallery, top, junk_rule)

    def _wanted(self, query: ImageRef) -> int:
        """How many must be exact so that ``top`` are left without the query's own file."""
        return int(self.arguments.top) + len(own_places([query], self.gallery))

    def _whole(self) -> list[dict[str, Any]]:
        prepared = self._prepared()
        rankings = []
        for ref, query_map in zip(self.queries, self.query_maps, strict=True):
            found = self.model.rank_top(
                query_map, self.bank, self._wanted(ref), prepared=prepared, cancel=self.cancel
            )
            # What was not scored exactly lies below all that is shown.
            exact = np.where(found.bounds == 0, found.estimates, np.float32(-np.inf))
            ranking = self._ranked([ref], exact)
            if found.certainty:
                ranking["approximation"] = f"{found.certainty} (--exact scores everything)"
            rankings.append(ranking)
        return rankings

    def _prepared(self) -> Prepared | None:
        """The gallery prepared for searching, where that pays; what is prepared stays on disk."""
        wish: Wish = "exact" if self.arguments.exact else "best"
        with ProgressShower(self.arguments.quiet) as progress:
            return self.model.prepare(self.bank, wish=wish, progress=progress, cancel=self.cancel)

    def _together(self) -> dict[str, Any]:
        logits = self.model.score(self.query_maps, self.bank)
        by_max = self.arguments.joint == "max"
        return self._ranked(self.queries, logits.max(axis=0) if by_max else logits.mean(axis=0))

    def _shortlisted(self) -> list[dict[str, Any]]:
        """Through a shortlist by pooled maps, which every ranking says."""
        from qaconv_core.searching.shortlist import pool_gallery, search_large

        with ProgressShower(self.arguments.quiet) as progress:
            pooled = pool_gallery(self.bank, progress=progress, cancel=self.cancel)
        rankings = []
        for ref, query_map in zip(self.queries, self.query_maps, strict=True):
            wanted = self._wanted(ref)
            found = search_large(
                query_map,
                self.bank,
                self.model.head,
                wanted,
                pooled=pooled,
                shortlist=max(self.arguments.shortlist, wanted),
                cancel=self.cancel,
            )
            ranking = self._ranked([ref], found.ranking.estimates)
            told: dict[str, Any] = {"approximation": found.approximation}
            if found.approximation:
                told["shortlist"] = shortlist_record(found)
            rankings.append({**ranking, **told})
        return rankings

    def _by_part(self, mask: Bool) -> list[dict[str, Any]]:
        """By the cells of ``mask`` alone."""
        from qaconv_core.explaining.part import part_scores

        asked, queries = self.arguments, self.queries
        found = part_scores(
            self.query_maps,
            self.bank,
            self.model.head,
            [mask] * len(queries),
            combine=asked.joint or "max",
            cancel=self.cancel,
        )
        groups = [(-1, queries, found.logits)]
        if not asked.joint:
            groups = [(i, [query], found.by_query[i]) for i, query in enumerate(queries)]
        rankings = []
        for number, members, logits in groups:
            ranking = self._ranked(members, logits)
            ranking["part"] = describe_part(found, number, asked)
            add_places(ranking, self.model, self.query_maps, self.bank, found, number)
            rankings.append(ranking)
        return rankings


def shortlist_record(found: LargeSearch) -> dict[str, Any]:
    """How far down the shortlist the pictures of the head stood: whether it was long enough."""
    shown = len(found.places)
    return {
        "length": found.shortlist,
        "deepest": int(found.places.max(initial=0)),
        "head": shown,
        "share_of_the_head_within": {
            str(n): float((found.places <= n).sum()) / max(1, shown)
            for n in (*WITHIN, found.shortlist)
            if n <= found.shortlist
        },
    }


def approximation_lines(ranking: dict[str, Any]) -> list[str]:
    """What is not exact about a ranking of :meth:`Search.rankings`, for people; none: it is."""
    lines = [ranking["approximation"]] if ranking.get("approximation") else []
    listed = ranking.get("shortlist")
    if listed:
        shares = listed["share_of_the_head_within"]
        steps = [f"{share:.0%} within {int(n):,}" for n, share in shares.items() if share < 1]
        lines.append(
            f"of the {listed['head']} best, by their place on the shortlist: "
            + ", ".join([*steps, f"all within {listed['deepest']:,} of {listed['length']:,}"])
        )
    return lines


def own_places(queries: list[ImageRef], gallery: ImageSet) -> Int64:
    """Where the queries' own files stand in the gallery."""
    from qaconv_core.evaluation.evaluator import same_files

    own = same_files(ImageSet(tuple(queries)), gallery)
    return np.empty(0, dtype=np.int64) if own is None else own[1]


def rank_together(
    queries: list[ImageRef], logits: Float32, gallery: ImageSet, top: int, junk_rule: bool
) -> dict[str, Any]:
    """The ranking of one query or of several together; their own files are left out of it."""
    from qaconv_core.ranking import rank_gallery

    others = np.setdiff1d(np.arange(len(gallery)), own_places(queries, gallery))
    truth = _joint_truth(queries, gallery, junk_rule)
    ranking = rank_gallery(logits[others], truth[others], top=top)
    counted = ranking.truth != RankingResult.JUNK
    ranks = np.where(counted, np.cumsum(counted), 0)  # junk has none
    results = []
    for rank, index, logit, label in zip(
        ranks, ranking.order, ranking.values, ranking.truth, strict=True
    ):
        place, value = int(others[index]), float(logit)
        results.append(
            ranked_item(int(rank), place, gallery[place], value, score_of_logit(value), int(label))
        )
    pids, camids = {q.pid for q in queries}, {q.camid for q in queries}
    return {
        "query": " + ".join(str(query.path) for query in queries),
        "query_paths": [str(query.path) for query in queries],
        "pid": pids.pop() if len(pids) == 1 else None,
        "camid": camids.pop() if len(camids) == 1 else None,
        "gallery": len(others),
        "results": results,
    }


def _joint_truth(
    queries: list[ImageRef], gallery: ImageSet, junk_rule: bool
) -> npt.NDArray[np.int8]:
    """Labels (g,): junk for one of the queries is junk; unknown where they are different people."""
    from qaconv_core.ranking import truth_labels

    labels = np.stack(
        [
            truth_labels(query.pid, query.camid, gallery.pids, gallery.camids, junk_rule)
            for query in queries
        ]
    )
    if len({query.pid for query in queries}) > 1:
        return np.full(labels.shape[1], RankingResult.NOT_KNOWN, dtype=np.int8)
    junk = (labels == RankingResult.JUNK).any(axis=0)
    return np.where(junk, np.int8(RankingResult.JUNK), labels[0])
