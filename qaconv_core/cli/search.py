"""What ``qaconv rank`` lists: whole pictures, several together, a shortlist, or by parts."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from qaconv_core.cli.evaluate import cohort_rule
from qaconv_core.cli.regions import describe_part, find_parts, place_record, region_mask
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.errors import InputError
from qaconv_core.evaluation.ranked_lists import LABELLED, cells_text, ranked_item, ranking_record
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.ranking.line import FALSE_ALARMS
from qaconv_core.ranking.tracks import BEST, RULE_WORDS, by_tracks
from qaconv_core.searching.choice import POOLED, Wish
from qaconv_core.types import UNKNOWN, ImageRef, ImageSet, RankingResult

if TYPE_CHECKING:
    from qaconv_core.evaluation.labelled_line import LabelledLine
    from qaconv_core.explaining.values import PartMatch, PartScores
    from qaconv_core.galleries.cohorts import NormalisedRanking
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.searching.shortlist import LargeSearch
    from qaconv_core.types import Bool, ImageSet

WITHIN = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


@dataclass(frozen=True)
class Listing:
    """A ``ranking`` as it is shown and written: the first places of the ``whole`` one, without the
    queries' own files.

    ``others`` is how many gallery pictures are not a query's own file. ``shortlist`` is the search
    of a shortlist; ``part`` and ``found`` (by place) are what a search by part found,
    ``normalised`` what one by normalised scores did, ``labelled`` the line of labelled pairs.
    """

    queries: tuple[ImageRef, ...]
    gallery: ImageSet
    whole: RankingResult
    ranking: RankingResult
    others: int
    shortlist: LargeSearch | None = None
    part: dict[str, Any] | None = None
    found: tuple[tuple[int, PartMatch], ...] = ()
    normalised: NormalisedRanking | None = None
    labelled: LabelledLine | None = None

    @property
    def cells(self) -> Bool | None:
        """(h, w) the query cells that were searched by; None: all."""
        return None if self.part is None else np.array(self.part["mask"], dtype=np.bool_)

    @property
    def record(self) -> dict[str, Any]:
        """The ranking as plain values, as JSON and CSV have it."""
        results = [self._item(place) for place in range(len(self.ranking.order))]
        record = {**ranking_record(self.queries, self.others), "results": results}
        words = self.ranking.approximation
        if self.ranking.track_rule:
            record["tracks"] = self.ranking.track_rule
        if words or self.shortlist is not None:
            record["approximation"] = words
        if words and self.shortlist is not None:
            record["shortlist"] = shortlist_record(self.shortlist)
        if self.part is not None and self.cells is not None:
            record |= {"part": self.part, "part_cells": cells_text(self.cells)}
        if self.normalised is not None:
            record["normalised"] = self.normalised.line_record(self.normalised.ranking)
        if self.labelled is not None:
            record["labelled_line"] = self.labelled.record(self.whole)
        return record

    def logit(self, place: int) -> float:
        """The whole pictures' logit of the candidate at ``place``."""
        return float(self.ranking.logit_at(place) or 0.0)

    def score(self, place: int) -> float:
        """The score of the candidate at ``place``, in (0, 1)."""
        return self.ranking.score_at(place)

    def _item(self, place: int) -> dict[str, Any]:
        item = ranked_item(self.gallery, self.ranking, place)
        if self.normalised is not None:
            index = item["gallery_index"]
            item |= self.normalised.record(index)
            if self.normalised.best is not None:
                item["by_query"] = int(self.normalised.best[index])
        if self.labelled is not None:
            item[LABELLED] = self.labelled.above_at(self.ranking, place)
        if self.found and self.normalised is not None:
            item["part_logit"] = self.found[place][1].match.logit
        return {**item, **place_record(*self.found[place])} if self.found else item

    @property
    def notes(self) -> list[str]:
        """For people: the lines, what is not exact about the ranking, what tracks are ranked by."""
        return [*([] if self.line is None else [self.line[1]]), *self.more_notes]

    @property
    def line(self) -> tuple[Bool, str] | None:
        """Which places are above the line that says whether anybody is there, and its words: that
        of normalised scores, else that of labelled pairs."""
        if self.normalised is not None:
            found = self.normalised
            return found.above_places(self.ranking), found.line_words(found.ranking)
        if self.labelled is None:
            return None
        return self.labelled.above_places(self.ranking), self.labelled.line_words(self.whole)

    @property
    def more_notes(self) -> list[str]:
        """All notes but the one about :attr:`line`."""
        rule = self.ranking.track_rule
        tracks = [RULE_WORDS[rule]] if rule else []
        if self.normalised is not None and self.labelled is not None:
            tracks.insert(0, self.labelled.line_words(self.whole))
        words = self.ranking.approximation
        if not words or self.shortlist is None:
            return [*([words] if words else []), *tracks]
        listed = shortlist_record(self.shortlist)
        shares = listed["share_of_the_head_within"]
        steps = [f"{share:.0%} within {int(n):,}" for n, share in shares.items() if share < 1]
        steps.append(f"all within {listed['deepest']:,} of {listed['length']:,}")
        head = f"of the {listed['head']} best, by their place on the shortlist: "
        return [words, head + ", ".join(steps), *tracks]


@dataclass(frozen=True)
class RankCommand:
    """The search that ``qaconv rank`` was asked for; ``arguments`` are its options.
    ``labelled`` is the line of labelled pairs, where it is asked for."""

    arguments: argparse.Namespace
    search: GallerySearch
    cancel: CancelToken
    labelled: LabelledLine | None = None

    def listings(self) -> list[Listing]:
        """One ranking for each query picture, or one for all of them."""
        asked, search = self.arguments, self.search
        mask = region_mask(asked.part, asked.ignore, search.model.spec.grid)
        if asked.shortlist is not None and self._by_means:
            raise InputError("--tracks mean needs all scores: leave out --shortlist")
        if asked.normalise:
            return self._normalised(mask)
        if mask is not None:
            return self._by_part(mask)
        if asked.joint:
            ranking = search.rank(self._all, fuse=asked.joint, exact=True, cancel=self.cancel)
            return [self._listed(ranking)]
        plan = search.model.plan_search(search.gallery, "best", shortlist=asked.shortlist)
        if plan.path == POOLED:
            return self._shortlisted()
        self._prepare()
        return [self._whole(query) for query in self._all]

    @property
    def _by_means(self) -> bool:
        """Whether tracks are ranked by means, for which every picture is scored exactly."""
        return self.arguments.tracks != BEST and self.search.data.gallery_tracks is not None

    @property
    def _all(self) -> tuple[int, ...]:
        return tuple(range(len(self.search.data.query)))

    def _listed(self, ranking: RankingResult, **more: Any) -> Listing:
        data = self.search.data
        ranking = by_tracks(ranking, self.arguments.tracks)
        return Listing(
            queries=tuple(data.query[query] for query in ranking.queries),
            gallery=data.gallery,
            whole=ranking,
            ranking=self.search.listed(ranking, self.arguments.top),
            others=len(data.gallery) - len(self.search.own_files(ranking.queries)),
            labelled=self.labelled,
            **more,
        )

    def _wanted(self, query: int) -> int:
        """How many must be exact so that ``top`` are left without junk and the query's own file."""
        junk = np.count_nonzero(self.search.truth((query,)) == RankingResult.JUNK)
        return int(self.arguments.top) + max(int(junk), len(self.search.own_files((query,))))

    def _prepare(self) -> None:
        """Prepare the gallery for searching, where that pays."""
        wish: Wish = "exact" if self.arguments.exact or self._by_means else "best"
        with ProgressShower(self.arguments.quiet) as progress:
            self.search.prepare(wish, progress=progress, cancel=self.cancel)

    def _whole(self, query: int) -> Listing:
        ranking = self.search.rank(
            (query,), exact=self._by_means, cancel=self.cancel, head=self._wanted(query)
        )
        listing = self._listed(ranking)
        words = listing.ranking.approximation
        if not words:
            return listing
        words += " (--exact scores everything)"
        return replace(listing, ranking=replace(listing.ranking, approximation=words))

    def _normalised(self, mask: Bool | None) -> list[Listing]:
        """By scores normalised by camera; by the cells of ``mask`` alone where it is given."""
        self._prepare()
        from qaconv_core.galleries.cohorts import normalised_by_tracks

        rule = cohort_rule(self.arguments)
        with ProgressShower(self.arguments.quiet) as progress:
            cohorts = self.search.measure_cohorts(rule, WorkContext(progress, self.cancel))
        data = self.search.data
        known = bool(np.isfinite(data.gallery_times).any())
        if (data.query_camids == UNKNOWN).any() and (data.gallery_camids != UNKNOWN).any():
            say("the camera of a query is not known (--query-camera names it)")
        cameras = [data.query_camids, data.gallery_camids]
        for note in cohorts.whole.notes(cameras, known, data.camera_names):
            say(note)
        given = self.arguments.false_alarms
        share = FALSE_ALARMS if given is None else given
        joint = self.arguments.joint
        asked = [self._all] if joint else [(query,) for query in self._all]
        listings = []
        for queries in asked:
            found = self.search.rank_normalised(
                queries, joint or "max", max(map(self._wanted, queries)), share, self.cancel,
                mask, everywhere=True, exact=self._by_means,
            )  # fmt: skip
            found = normalised_by_tracks(found, self.arguments.tracks)
            listing = self._listed(found.ranking, normalised=found)
            if mask is not None:
                listing = self._with_places(listing, mask)
            listings.append(listing)
        return listings

    def _with_places(self, listing: Listing, mask: Bool) -> Listing:
        """The listing with where the part was found in its pictures, each by its best query."""
        from qaconv_core.explaining.part import find_part

        search, ranking, head = self.search, listing.ranking, self.search.model.head
        best = None if listing.normalised is None else listing.normalised.best
        by = [ranking.queries[0 if best is None else int(best[i])] for i in ranking.order]
        found = tuple(
            (query, find_part(*search.maps_of(query, int(index)), head, mask))
            for query, index in zip(by, ranking.order, strict=True)
        )
        return replace(
            listing, part=describe_part(mask, ranking.evidence, self.arguments), found=found
        )

    def _shortlisted(self) -> list[Listing]:
        """Through a shortlist by pooled maps, which every ranking says."""
        from qaconv_core.searching.shortlist import pool_gallery

        with ProgressShower(self.arguments.quiet) as progress:
            pooled = pool_gallery(self.search.gallery, progress=progress, cancel=self.cancel)
        listings = []
        for query in self._all:
            wanted = self._wanted(query)
            length = max(self.arguments.shortlist, wanted)
            found = self.search.rank_shortlisted(query, wanted, length, pooled, self.cancel)
            listings.append(self._listed(found.ranking, shortlist=found))
        return listings

    def _by_part(self, mask: Bool) -> list[Listing]:
        """By the cells of ``mask`` alone."""
        search, joint = self.search, self.arguments.joint
        masks = [mask] * len(self._all)
        found = search.parts.scores_once(masks, joint or "max", self.cancel)
        if joint:
            return [self._by_part_of(found, self._all, -1)]
        return [self._by_part_of(found, (query,), query) for query in self._all]

    def _by_part_of(self, found: PartScores, queries: tuple[int, ...], number: int) -> Listing:
        logits = found.logits if number < 0 else found.by_query[number]
        ranking = self.search.in_order(queries, logits)
        evidence = found.joint_evidence if number < 0 else float(found.evidence[number])
        part = describe_part(found.masks[number], evidence, self.arguments)
        listing = self._listed(ranking, part=part)
        places = find_parts(self.search, found, listing.ranking.order, number)
        whole = np.array([part.full_logit for _query, part in places], dtype=np.float32)
        shown = replace(listing.ranking, whole_logits=whole)
        return replace(listing, ranking=shown, found=places)


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
