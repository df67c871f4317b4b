"""A data set under a model: maps of its pictures, rankings and explanations out of them.

Everything here runs in worker threads. The maps are memory-mapped where the feature store has
them; logits of the queries looked at are kept, so that going back costs nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.jobs.growing_set import GrowingSet, begin
from app.jobs.job import JobContext
from app.jobs.large_gallery import Estimated, LargeGallery, prepare_large
from app.jobs.pairs import explained, fused, why
from app.jobs.part_search import PartSearch
from app.jobs.truths import Truths
from app.state.values import Measures, Method, OpenSet, PairView, Ranking
from app.state.why import Why
from qaconv_core.errors import InputError
from qaconv_core.evaluation.evaluator import Evaluation
from qaconv_core.explaining.average import AverageContributions, average_contributions, relative
from qaconv_core.model import Model
from qaconv_core.progress import CancelToken
from qaconv_core.ranking.order import nearest
from qaconv_core.store.features import FeatureShelf, FeatureStore
from qaconv_core.types import (
    Bool,
    FeatureBank,
    Float32,
    ImageRef,
    ImageSet,
    Rejected,
)

KEPT_ROWS = 256
"""Queries whose logits are kept: 64 KB each for a gallery of 16,000."""


KEPT_CROWDS = 8
"""Queries whose crowd is kept: 25 MB each for a gallery of 16,000 on a 24×8 grid."""


@dataclass(frozen=True)
class Measured:
    """The scores of all queries of a set, by method, and what they measure."""

    scores: dict[str, Float32]
    measures: dict[str, Measures]
    notes: dict[str, str]
    evaluation: Evaluation


class MatchingSet:
    """Query and gallery maps of ``data`` under ``model``; made by :func:`prepare`."""

    def __init__(
        self,
        model: Model,
        data: OpenSet,
        query: FeatureBank,
        gallery: FeatureBank,
        shelf: FeatureShelf | None,
    ) -> None:
        self.model, self.data = model, data
        self.gallery = gallery
        self._query, self._shelf = query, shelf
        self._own: list[Float32] = []
        self._rows: OrderedDict[int, Float32] = OrderedDict()
        self._crowds: OrderedDict[int, AverageContributions | None] = OrderedDict()
        self._lock = threading.Lock()
        self._truths = Truths(data.gallery)
        self.large: LargeGallery | None = None
        self.measured: Measured | None = None
        self.parts = PartSearch(self)

    def close(self) -> None:
        """Give the feature store back."""
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None

    def query_map(self, query: int) -> Float32:
        """(C, h, w) of a query, own pictures included."""
        if self.data.is_added(query):
            return self._own[query - self.data.added_from]
        return np.asarray(self._query[query], dtype=np.float32)

    def add_queries(self, refs: tuple[ImageRef, ...]) -> OpenSet:
        """Take pictures of the user as further queries; returns the set with them at its end."""
        self._keep_own(refs, list(self.model.extract([ref.path for ref in refs])))
        return self.data

    def take_added(self, growing: GrowingSet) -> None:
        """Take over the user's pictures that were added while maps were computed."""
        self._keep_own(*growing.own())

    def _keep_own(self, refs: tuple[ImageRef, ...], maps: list[Float32]) -> None:
        self._own.extend(maps)
        queries = ImageSet((*self.data.query.refs, *refs), self.data.query.name)
        self.data = replace(self.data, query=queries)

    # ── rankings ────────────────────────────────────────────────────────────────────────────────

    def logits(self, query: int) -> Float32:
        """Logits of a query to the whole gallery, (g,)."""
        if self.measured is not None and not self.data.is_added(query):
            return self.measured.scores["qaconv"][query]
        with self._lock:
            if query in self._rows:
                self._rows.move_to_end(query)
                return self._rows[query]
        row = self.model.score(self.query_map(query)[None], self.gallery)[0]
        with self._lock:
            self._rows[query] = row
            while len(self._rows) > KEPT_ROWS:
                self._rows.popitem(last=False)
        return row

    def values(self, query: int, method: Method) -> Float32:
        """What the gallery is ranked by, (g,), larger is closer."""
        if method == "qaconv":
            return self.logits(query)
        if self.measured is None or method not in self.measured.scores:
            raise InputError(f"{method} needs the scores of the whole set; measure it first")
        return self.measured.scores[method][query]

    def rank(
        self,
        queries: tuple[int, ...],
        method: Method,
        fuse: str = "max",
        exact: bool = False,
        cancel: CancelToken | None = None,
    ) -> Ranking:
        """The gallery in order for one query, or for several of one person joined by ``fuse``.

        In a large gallery only the best are exact, unless ``exact``; the ranking says so.
        """
        if any(self.data.is_added(query) for query in queries):
            method = "qaconv"
        found = None if exact or method != "qaconv" else self._estimated(queries, fuse, cancel)
        if found is not None:
            ranking = self._ordered(queries, found.values, method)
            return replace(ranking, exact_to=found.exact_to, approximation=found.told)
        values = self.joined(queries, method, fuse)
        ranking = self._ordered(queries, values, method)
        if method == "qaconv":
            return ranking
        plain = self.rank(queries, "qaconv", fuse)
        return replace(
            ranking,
            kind="score",
            before=plain.places[ranking.order],
            approximation=self._approximation(method),
        )

    def _estimated(
        self, queries: tuple[int, ...], fuse: str, cancel: CancelToken | None
    ) -> Estimated | None:
        """What a large gallery is ranked by; None where all logits are known or quickly made."""
        if self.large is None:
            return None
        measured = self.measured is not None
        known = {q for q in queries if q in self._rows or (measured and not self.data.is_added(q))}
        if known == set(queries):
            return None
        maps = {query: self.query_map(query) for query in queries}
        return self.large.estimated(maps, fuse, cancel)

    def rank_by_part(
        self,
        queries: tuple[int, ...],
        part: Bool,
        fuse: str = "max",
        cancel: CancelToken | None = None,
    ) -> Ranking:
        """The gallery in order by the cells ``part`` (h, w) of the first query, by plain QAConv.

        Further queries of the person take part whole.
        """
        values, evidence = self.parts.values(queries, part, fuse, cancel)
        return replace(self._ordered(queries, values, "qaconv"), part=part, evidence=evidence)

    def _ordered(self, queries: tuple[int, ...], values: Float32, method: Method) -> Ranking:
        truth = self.truth(queries)
        order = nearest(-values[None], len(values))[0].astype(np.int64)
        return Ranking(queries, method, order, values[order], truth[order])

    def joined(self, queries: tuple[int, ...], method: Method, fuse: str) -> Float32:
        """What the gallery is ranked by, (g,), for one query or several joined by ``fuse``."""
        if not queries:
            raise InputError("choose a query first")
        rows = [self.values(query, method) for query in queries]
        if len(rows) == 1:
            return np.asarray(rows[0])
        return fused(rows, fuse)

    def truth(self, queries: tuple[int, ...]) -> npt.NDArray[np.int8]:
        """(g,) truth; junk for any of several queries is junk. A query's own file is junk too."""
        return self._truths.of(self.data, queries)

    def _approximation(self, method: str) -> str:
        if self.measured is None:
            return ""
        results = self.measured.evaluation.report.results
        return next((r.approximation for r in results if r.method == method), "")

    # ── explanations ────────────────────────────────────────────────────────────────────────────

    def maps_of(self, query: int, candidate: int) -> tuple[Float32, Float32]:
        """Both maps (C, h, w) of a pair."""
        return self.query_map(query), np.asarray(self.gallery[candidate], dtype=np.float32)

    def explain(self, query: int, candidate: int, part: Bool | None = None) -> PairView:
        """One pair, with the similarity of every cell to every cell.

        With ``part`` (h, w) the match is that of these cells of the query alone; what is usual is
        then not known.
        """
        maps = self.maps_of(query, candidate)
        return self.against_crowd(explained(self.model, query, candidate, maps, part))

    def why(self, first: PairView, second: PairView | None) -> Why | None:
        """Why two candidates of one query have other logits, beyond the usual where known."""
        crowd = None if first.part is not None else self.crowd(first.query)
        return why(first, second, None if crowd is None else crowd.gallery_mean)

    def knows_crowd(self, query: int) -> bool:
        """Whether :meth:`measure_crowd` has been done for a query."""
        with self._lock:
            return query in self._crowds

    def measure_crowd(self, query: int, cancel: CancelToken | None = None) -> None:
        """What the query's cells contribute over the whole gallery; kept for a few queries."""
        if self.knows_crowd(query):
            return
        own = self._truths.own_file(self.data.query[query])
        crowd = None
        if len(own) < len(self.gallery):  # else there is nobody to compare with
            crowd = average_contributions(
                self.query_map(query), self.gallery, self.model.head, leave_out=own, cancel=cancel
            )
        with self._lock:
            self._crowds[query] = crowd
            while len(self._crowds) > KEPT_CROWDS:
                self._crowds.popitem(last=False)

    def against_crowd(self, pair: PairView) -> PairView:
        """The pair with contributions beyond the usual, where the crowd has been measured."""
        with self._lock:
            crowd = None if pair.part is not None else self._crowds.get(pair.query)
        return pair if crowd is None else replace(pair, relative=relative(pair.match, crowd))

    def crowd(self, query: int) -> AverageContributions | None:
        """What :meth:`measure_crowd` found; None where it was not done."""
        with self._lock:
            return self._crowds.get(query)


def prepare(
    model: Model,
    data: OpenSet,
    context: JobContext,
    store: FeatureStore | None,
    growing: GrowingSet | None = None,
    chosen: tuple[int, ...] = (),
) -> tuple[MatchingSet, tuple[Rejected, ...]]:
    """Maps of all pictures of ``data``, from the store where it has them.

    Returns the set of what could be read (``.data``) and the files that could not. Where many
    maps are missing, ``growing`` gets those of the ``chosen`` queries first, then the gallery's as
    they arrive, and is told in ``context``.
    """
    shelf = model.open_shelf(store) if store is not None else None
    try:
        own = data.query[data.added_from :]
        on_maps = None if growing is None else begin(growing, chosen, shelf, context)
        sides = []
        for stage, refs, listen in (
            ("gallery features", data.gallery, on_maps),
            ("query features", data.query[: data.added_from], None),
        ):
            found = model.extract_set(
                refs,
                shelf=shelf,
                progress=context.progress,
                cancel=context.cancel,
                on_maps=listen,
                stage=stage,
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
        made = MatchingSet(model, readable, query.bank, gallery.bank, shelf)
        made.large = prepare_large(model, gallery.bank, context)
        if len(own):
            made.add_queries(own.refs)
        return made, rejected
    except BaseException:
        if shelf is not None:
            shelf.close()
        raise
