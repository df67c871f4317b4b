"""A gallery under a model: maps of its pictures, rankings and explanations out of them.

The maps are memory-mapped where the feature store has them; logits of the queries looked at are
kept, so that going back costs nothing. All methods may be called from several threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from qaconv_core.caching import LruCache
from qaconv_core.errors import InputError
from qaconv_core.evaluation.formats import method_label
from qaconv_core.explaining.average import AverageContributions, average_contributions, relative
from qaconv_core.explaining.normalised import normalised_breakdown
from qaconv_core.explaining.values import NormalisedBreakdown
from qaconv_core.galleries.cohorts import (
    Asked,
    GalleryCohorts,
    NormalisedRanking,
    asked_of,
    normalised_ranking,
    normalised_together,
    normalised_values,
    open_cohorts,
)
from qaconv_core.galleries.estimates import Estimates, estimate_words, head_words
from qaconv_core.galleries.pairs import explain_pair, explain_why
from qaconv_core.galleries.partial import PartialGallery, deliver_partly
from qaconv_core.galleries.parts import PartSearch
from qaconv_core.galleries.truth import GroundTruth
from qaconv_core.galleries.values import MethodScores, OpenSet, PairView, Why
from qaconv_core.model import Model
from qaconv_core.progress import CancelToken, ProgressCallback, WorkContext
from qaconv_core.ranking import rank_gallery
from qaconv_core.ranking.cohorts import CohortRule
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.ranking.line import FALSE_ALARMS
from qaconv_core.searching import choice
from qaconv_core.searching.choice import Wish
from qaconv_core.searching.shortlist import LargeSearch, search_large
from qaconv_core.store.features import FeatureShelf, FeatureStore
from qaconv_core.types import (
    Bool,
    CorrespondenceMap,
    FeatureBank,
    Float32,
    Float64,
    ImageRef,
    Int64,
    RankingResult,
    Rejected,
)

KEPT_ROWS = 256
"""Queries whose logits are kept: 64 KB each for a gallery of 16,000."""
KEPT_AVERAGES = 8
"""Queries whose averages are kept: 25 MB each for a gallery of 16,000 on a 24×8 grid."""
NORMALISED_ESTIMATES = (
    "the best candidates have exact logits; what strangers look like rests on estimates"
)
"""What is not exact about a ranking by normalised scores in a gallery that was prepared."""


class GallerySearch:
    """Searches ``data`` under ``model``; ``query`` (p, C, h, w) and ``gallery`` are its maps.

    :func:`open_search` makes one of pictures.
    """

    def __init__(
        self,
        model: Model,
        data: OpenSet,
        query: FeatureBank | Float32,
        gallery: FeatureBank,
        shelf: FeatureShelf | None = None,
    ) -> None:
        self.model, self.data = model, data
        self.gallery = gallery
        self._query, self._shelf = query, shelf
        self._added: list[Float32] = []
        self._rows: LruCache[int, Float32] = LruCache(KEPT_ROWS)
        self._averages: LruCache[int, tuple[AverageContributions | None]] = LruCache(KEPT_AVERAGES)
        self._truth = GroundTruth(data.gallery, data.junk_rule)
        self.estimates: Estimates | None = None
        self.measured: MethodScores | None = None
        self.cohorts: GalleryCohorts | None = None
        self.parts = PartSearch(model, gallery, self.query_map)

    def close(self) -> None:
        """Give the feature store back."""
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None

    def query_map(self, query: int) -> Float32:
        """(C, h, w) of a query, added ones included."""
        known = len(self._query)
        if query >= known:
            return self._added[query - known]
        return np.asarray(self._query[query], dtype=np.float32)

    def add_queries(self, refs: tuple[ImageRef, ...]) -> OpenSet:
        """Take pictures of the user as further queries; returns the set with them at its end."""
        self._add(refs, list(self.model.extract([ref.path for ref in refs])))
        return self.data

    def take_added(self, partial: PartialGallery) -> None:
        """Take over the user's pictures that were added while maps were computed."""
        self._add(*partial.added())

    def _add(self, refs: tuple[ImageRef, ...], maps: list[Float32]) -> None:
        self._added.extend(maps)
        self.data = self.data.with_queries(refs)

    # ── which search is used ────────────────────────────────────────────────────────────────────

    def prepare(
        self,
        wish: Wish,
        *,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        """Rank by estimates and exact heads from now on, where that pays for ``wish``.

        ``"best"``: the best pictures are wanted, once; ``"ranking"``: whole galleries in order,
        for one query after another. Nothing changes where it does not pay: all pictures are scored
        then.
        """
        prepared = self.model.prepare(self.gallery, wish=wish, progress=progress, cancel=cancel)
        if prepared is not None:
            self.estimates = Estimates(self.model, self.gallery, prepared)

    def _estimated(self, queries: tuple[int, ...], method: str) -> Estimates | None:
        """What ranks these queries; None where all logits are known or are to be computed."""
        if method != "qaconv" or all(self._knows(query) for query in queries):
            return None
        return self.estimates

    @staticmethod
    def _head(wanted: int | None) -> int:
        """How many of the best pictures get exact logits."""
        return wanted or choice.LIMITS.ranking_head

    def _knows(self, query: int) -> bool:
        return query in self._rows or self._measured_logits(query) is not None

    # ── rankings ────────────────────────────────────────────────────────────────────────────────

    def _measured_logits(self, query: int) -> Float32 | None:
        if self.measured is None or self.data.is_added(query):
            return None
        return self.measured.scores["qaconv"][query]

    def logits(self, query: int, cancel: CancelToken | None = None) -> Float32:
        """Logits of a query to the whole gallery, (g,)."""
        known = self._measured_logits(query)
        if known is not None:
            return known

        def scored() -> Float32:
            return self.model.score(self.query_map(query)[None], self.gallery, cancel=cancel)[0]

        return self._rows.get_or_make(query, scored)

    def values(self, query: int, method: str, cancel: CancelToken | None = None) -> Float32:
        """What the gallery is ranked by, (g,), larger is closer."""
        if method == "qaconv":
            return self.logits(query, cancel)
        if self.measured is None or method not in self.measured.scores:
            raise InputError(
                f"{method_label(method)} needs the scores of the whole set; evaluate this data set "
                "first"
            )
        return self.measured.scores[method][query]

    def joined(
        self, queries: tuple[int, ...], method: str, fuse: str, cancel: CancelToken | None = None
    ) -> Float32:
        """What the gallery is ranked by, (g,), for one query or several joined by ``fuse``."""
        return fuse_logits([self.values(query, method, cancel) for query in queries], fuse)

    def rank(
        self,
        queries: tuple[int, ...],
        method: str = "qaconv",
        fuse: str = "max",
        exact: bool = False,
        cancel: CancelToken | None = None,
        head: int | None = None,
    ) -> RankingResult:
        """The gallery in order for one query, or for several joined by ``fuse``.

        Queries' own files are in it as junk. In a gallery that was prepared only the ``head`` best
        (:data:`~qaconv_core.searching.choice.LIMITS` where None) are exact, unless ``exact``; the
        ranking says so.
        """
        if any(self.data.is_added(query) for query in queries):
            method = "qaconv"
        estimates = None if exact else self._estimated(queries, method)
        if estimates is not None:
            maps = {query: self.query_map(query) for query in queries}
            found = estimates.rank(maps, fuse, self._head(head), cancel)
            words = estimate_words(found)
            return replace(self._labelled(found, queries), approximation=words)
        ranking = self.in_order(queries, self.joined(queries, method, fuse, cancel), method)
        if method == "qaconv":
            return ranking
        plain = self.rank(queries, "qaconv", fuse, cancel=cancel)
        assert self.measured is not None
        return replace(
            ranking,
            kind="score",
            before=plain.places[ranking.order],
            whole_logits=plain.gallery_values[ranking.order],
            approximation=self.measured.approximations.get(method, ""),
        )

    def measure_cohorts(self, rule: CohortRule, context: WorkContext) -> GalleryCohorts:
        """How the gallery looks to pictures of each camera; from the store where it was measured.

        Needed before :meth:`rank_normalised`.
        """
        data = self.data
        self.cohorts = open_cohorts(
            self.gallery, data.gallery_camids, data.gallery_times, rule, self.model.head,
            lambda picture: self._gallery_logits(picture, context.cancel), context,
        )  # fmt: skip
        return self.cohorts

    def _gallery_logits(self, picture: int, cancel: CancelToken | None) -> Float32:
        """Logits (g,) of a gallery picture in the query's role, estimated where that is proved."""
        maps = np.asarray(self.gallery[picture], dtype=np.float32)
        if self.estimates is not None:
            found = self.model.rank_top(
                maps, self.gallery, 1, prepared=self.estimates.prepared, cancel=cancel
            )
            if found.certainty != "measured":
                return found.gallery_values
        return self.model.score(maps[None], self.gallery, cancel=cancel)[0]

    def rank_normalised(
        self,
        queries: tuple[int, ...],
        fuse: str = "max",
        head: int | None = None,
        false_alarms: float = FALSE_ALARMS,
        cancel: CancelToken | None = None,
        part: Bool | None = None,
        everywhere: bool = False,
        exact: bool = False,
    ) -> NormalisedRanking:
        """The gallery in order of scores normalised by camera: N of one query, or N of each of
        several joined by ``fuse``.

        The ``head`` best of one query have exact logits, as in :meth:`rank`; of several, or
        ``exact``, all have. With ``part`` (h, w) N is that of these cells of the first query
        (``everywhere``: of all), among strangers of whom the same cells take part.
        """
        taking_part = parts_of(queries, part, everywhere)
        together = len(taking_part) > 1
        found = [
            self._rank_one_normalised(query, mask, head, false_alarms, together or exact, cancel)
            for query, mask in taking_part
        ]
        joined = found[0]
        if together:
            asked = [self._asked(query) for query, _mask in taking_part]
            joined = normalised_together(found, fuse, self._known_cohorts, asked, false_alarms)
        ranking = self._labelled(joined.ranking, queries)
        if part is not None:
            shares = [one.ranking.evidence for one, (_query, mask)
                      in zip(found, taking_part, strict=True) if mask is not None]  # fmt: skip
            ranking = replace(ranking, part=part, evidence=float(np.mean(shares or [0.0])))
        if self.estimates is not None:
            ranking = replace(
                ranking, certainty="measured", exact_to=0, approximation=NORMALISED_ESTIMATES
            )
        return replace(joined, ranking=ranking)

    def _rank_one_normalised(
        self,
        query: int,
        part: Bool | None,
        head: int | None,
        false_alarms: float,
        exact: bool,
        cancel: CancelToken | None,
    ) -> NormalisedRanking:
        cohorts = self._known_cohorts
        wanted = self._head(head)
        sums = None
        if part is None:
            base = self.rank((query,), exact=exact, cancel=cancel, head=wanted)
        else:
            base, sums = (
                self.rank_by_part((query,), part, cancel=cancel),
                self._part_sums(query, part, cancel),
            )
        query_map = self.query_map(query)[None]

        def scored(some: Int64) -> Float32:
            return self.model.score(query_map, self.gallery.select(some), cancel=cancel)[0]

        found = normalised_ranking(
            base, cohorts, self._asked(query), wanted, scored, false_alarms, sums
        )
        return replace(found, ranking=replace(found.ranking, evidence=base.evidence))

    def normalised_values(
        self,
        queries: tuple[int, ...],
        part: Bool | None,
        fuse: str = "max",
        cancel: CancelToken | None = None,
    ) -> Float64:
        """N (g,) of one query, by the cells ``part`` (h, w) of it, or N of each of several joined
        by ``fuse``; those after the first take part whole."""
        rows = []
        for query, mask in parts_of(queries, part):
            values, _evidence = self.part_values((query,), mask, fuse, cancel)
            sums = None if mask is None else self._part_sums(query, mask, cancel)
            rows.append(normalised_values(self._known_cohorts, self._asked(query), values, sums))
        return rows[0] if len(rows) == 1 else fuse_logits(rows, fuse).astype(np.float64)

    @property
    def _known_cohorts(self) -> GalleryCohorts:
        if self.cohorts is None:
            raise InputError("the gallery's cohorts are not measured yet")
        return self.cohorts

    def _asked(self, query: int) -> Asked:
        return asked_of(self.data.query[query], self.own_files((query,)))

    def _part_sums(self, query: int, part: Bool, cancel: CancelToken | None) -> Float64:
        """T's sums (3, g) by part: strangers take the query's place with the same cells."""
        cohorts, asked = self._known_cohorts, self._asked(query)
        strangers = cohorts.part_strangers(asked)
        maps = self.gallery.select(cohorts.sample.rows[strangers])
        logits = self.parts.rows(maps, part, cancel)
        return cohorts.part_sums(strangers, logits)

    def rank_by_part(
        self,
        queries: tuple[int, ...],
        part: Bool,
        fuse: str = "max",
        cancel: CancelToken | None = None,
    ) -> RankingResult:
        """The gallery in order by the cells ``part`` (h, w) of the first query, by plain QAConv.

        Further queries of the person take part whole.
        """
        values, evidence = self.part_values(queries, part, fuse, cancel)
        first, *others = queries
        rows = [self.parts.whole_logits(first), *(self.logits(query) for query in others)]
        ranking = self.in_order(queries, values)
        whole = fuse_logits(rows, fuse)[ranking.order]
        return replace(ranking, part=part, evidence=evidence, whole_logits=whole)

    def part_values(
        self,
        queries: tuple[int, ...],
        part: Bool | None,
        fuse: str,
        cancel: CancelToken | None = None,
    ) -> tuple[Float32, float]:
        """What the gallery is ranked by (g,), and the share of the evidence that remains.

        The part is one of the first query; the others take part whole. A first query without any
        cell takes no part.
        """
        if part is None:
            return self.joined(queries, "qaconv", fuse), 1.0
        first, *others = queries
        if not part.any() and others:
            return self.joined(tuple(others), "qaconv", fuse), 0.0
        scores = self.parts.scores(first, part, cancel)
        rows = [scores.logits, *(self.logits(query) for query in others)]
        return fuse_logits(rows, fuse), float(scores.evidence[0])

    def rank_shortlisted(
        self,
        query: int,
        top: int,
        shortlist: int,
        pooled: FeatureBank,
        cancel: CancelToken | None = None,
    ) -> LargeSearch:
        """The ``shortlist`` best of the gallery by ``pooled`` maps
        (:func:`~qaconv_core.searching.shortlist.pool_gallery`) in order."""
        found = search_large(
            self.query_map(query), self.gallery, self.model.head, top, pooled=pooled,
            shortlist=shortlist, cancel=cancel,
        )  # fmt: skip
        return replace(found, ranking=self._labelled(found.ranking, (query,)))

    def in_order(
        self, queries: tuple[int, ...], values: Float32, method: str = "qaconv"
    ) -> RankingResult:
        """The gallery in order of ``values`` (g,), with its truth for ``queries``."""
        return self._labelled(rank_gallery(values, method=method), queries)

    def _labelled(self, ranking: RankingResult, queries: tuple[int, ...]) -> RankingResult:
        """The ranking with what is known of its pictures for ``queries``: truth and tracks."""
        tracks = self.data.gallery_tracks
        return replace(
            ranking,
            queries=queries,
            truth=self.truth(queries)[ranking.order],
            tracks=None if tracks is None else tracks[ranking.order],
        )

    def listed(self, ranking: RankingResult, top: int) -> RankingResult:
        """The first ``top`` ranks, with the junk among them and without the queries' own files.

        Of a track only the best picture is listed.
        """
        own = np.isin(ranking.order, self.own_files(ranking.queries))
        others = np.flatnonzero(~own & ranking.leads)
        counted = ranking.truth[others] != RankingResult.JUNK
        head = ranking.select(others[np.cumsum(counted) - counted < top])
        return replace(head, approximation=head_words(ranking))

    def truth(self, queries: tuple[int, ...]) -> npt.NDArray[np.int8]:
        """(g,) truth for one query or several together: see :class:`.GroundTruth`."""
        return self._truth.of([self.data.query[query] for query in queries])

    def own_files(self, queries: tuple[int, ...]) -> Int64:
        """Gallery indices of the pictures that are a query's own file, ascending."""
        return self._truth.own_files([self.data.query[query] for query in queries])

    # ── explanations ────────────────────────────────────────────────────────────────────────────

    def maps_of(self, query: int, candidate: int) -> tuple[Float32, Float32]:
        """Both maps (C, h, w) of a pair."""
        return self.query_map(query), np.asarray(self.gallery[candidate], dtype=np.float32)

    def explain(
        self,
        query: int,
        candidate: int,
        part: Bool | None = None,
        normalised: bool = False,
        cancel: CancelToken | None = None,
    ) -> PairView:
        """One pair, with the similarity of every cell to every cell.

        With ``part`` (h, w) the match is that of these cells of the query alone; no average is
        known then. With ``normalised`` the pair's ``relative`` are the parts of its normalised
        score, which holds by part, too.
        """
        maps = self.maps_of(query, candidate)
        pair = explain_pair(self.model, query, candidate, maps, part)
        return self.with_normalised(pair, cancel) if normalised else self.with_average(pair)

    def with_normalised(self, pair: PairView, cancel: CancelToken | None = None) -> PairView:
        """The pair with the parts of its normalised score, of the cells that take part in it.

        Cells hidden in the query are hidden in strangers who take its place, too; those hidden in
        the candidate are hidden from everybody who is compared with it.
        """
        found = self._breakdown(
            pair.query, pair.candidate, pair.match, pair.taking_part,
            pair.taking_part[0] is not None, cancel,
        )  # fmt: skip
        return replace(pair, relative=found)

    def _breakdown(
        self,
        query: int,
        candidate: int,
        match: CorrespondenceMap,
        keep: tuple[Bool | None, Bool | None],
        by_part: bool,
        cancel: CancelToken | None,
    ) -> NormalisedBreakdown:
        z, t = self._known_cohorts.pair(self._asked(query), candidate, by_part)
        return normalised_breakdown(
            match, *self.maps_of(query, candidate), self.gallery.select(z), self.gallery.select(t),
            self.model.head, keep=keep, cancel=cancel,
        )  # fmt: skip

    def why(self, first: PairView, second: PairView) -> Why:
        """Why two candidates of one query have other logits, above average where that is known;
        why they have other normalised scores, where the pairs hold the parts of these."""
        average = None if first.part is not None else self.average(first.query)
        return explain_why(first, second, None if average is None else average.gallery_mean)

    def knows_average(self, query: int) -> bool:
        """Whether :meth:`measure_average` has been done for a query."""
        return query in self._averages

    def measure_average(self, query: int, cancel: CancelToken | None = None) -> None:
        """What the query's cells contribute over the whole gallery; kept for a few queries."""
        if self.knows_average(query):
            return
        own = self.own_files((query,))
        found = None
        if len(own) < len(self.gallery):  # else there is nobody to compare with
            found = average_contributions(
                self.query_map(query), self.gallery, self.model.head, leave_out=own, cancel=cancel
            )
        self._averages.put(query, (found,))

    def with_average(self, pair: PairView) -> PairView:
        """The pair with contributions above average, where the average has been measured."""
        average = None if pair.part is not None else self.average(pair.query)
        return pair if average is None else replace(pair, relative=relative(pair.match, average))

    def average(self, query: int) -> AverageContributions | None:
        """What :meth:`measure_average` found; None where it was not done."""
        kept = self._averages.get(query)
        return None if kept is None else kept[0]


def parts_of(
    queries: tuple[int, ...], part: Bool | None, everywhere: bool = False
) -> list[tuple[int, Bool | None]]:
    """The queries that take part in a search by ``part`` of the first one (``everywhere``: of all),
    and by which cells. A first query without any cell takes no part beside others."""
    found = [(query, part if everywhere or not place else None)
             for place, query in enumerate(queries)]  # fmt: skip
    if part is not None and not part.any() and len(found) > 1 and not everywhere:
        del found[0]
    return found


def open_search(
    model: Model,
    data: OpenSet,
    store: FeatureStore | None,
    *,
    first: tuple[int, ...] = (),
    report: Callable[[PartialGallery], None] | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> tuple[GallerySearch, tuple[Rejected, ...]]:
    """Maps of all pictures of ``data``, from the store where it has them.

    Returns the search of what could be read (``.data``) and the files that could not. Where many
    maps are missing, those of the ``first`` queries are computed first, then ``report`` gets the
    gallery as far as it is there, now and then. The search is prepared for rankings of the whole
    gallery (:meth:`GallerySearch.prepare`).
    """
    shelf = model.open_shelf(store) if store is not None else None
    try:
        added = data.query[data.added_from :]
        on_maps = None
        if report is not None:
            on_maps = deliver_partly(PartialGallery(model, data), first, shelf, report, cancel)
        sides = []
        for stage, refs, listen in (
            ("gallery features", data.gallery, on_maps),
            ("query features", data.query[: data.added_from], None),
        ):
            found = model.extract_set(
                refs, shelf=shelf, progress=progress, cancel=cancel, on_maps=listen, stage=stage
            )
            sides.append((found, refs.select(found.kept)))
        (gallery, gallery_refs), (query, query_refs) = sides
        if not len(gallery_refs):
            raise InputError(f"{data.root}: none of the gallery pictures can be read")
        rejected = (*query.rejected, *gallery.rejected)
        readable = replace(
            data,
            query=query_refs,
            gallery=gallery_refs,
            added_from=len(query_refs),
            rejected=tuple(dict.fromkeys((*data.rejected, *rejected))),
        )
        made = GallerySearch(model, readable, query.bank, gallery.bank, shelf)
        made.prepare("ranking", progress=progress, cancel=cancel)
        if len(added):
            made.add_queries(added.refs)
        return made, rejected
    except BaseException:
        if shelf is not None:
            shelf.close()
        raise
