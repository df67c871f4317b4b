"""The state of the window: what is open, what is chosen, what was computed, how it is shown.

Views read it and listen to its events; commands and the controller change it through its methods.
It knows nothing of Qt, of jobs or of the engine's models.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from app.state.drawn_parts import DrawnParts
from app.state.events import Event, EventQueue
from app.state.history import History
from app.state.measure_table import MeasureTable
from app.state.values import (
    LINES,
    METHODS,
    MOST_COMPARED,
    NORMALISED,
    Cell,
    Look,
    Measures,
    Method,
    ModelInfo,
    QueryFilter,
    ResultFilter,
    Selection,
)
from app.state.zones import PairZones
from qaconv_core.evaluation.labelled_line import LabelledLine, LabelledPairs
from qaconv_core.explaining.evidence import SetEvidence
from qaconv_core.explaining.zones import ZoneMap, zones_by_height
from qaconv_core.galleries.truth import truth_by_labels
from qaconv_core.galleries.values import OpenSet, PairView, Why
from qaconv_core.ranking.strangers import Strangers
from qaconv_core.ranking.tracks import MEAN
from qaconv_core.store.decisions import Decision
from qaconv_core.types import Grid, ImageRef, ImageSet, RankingResult

MOST_ZONES = 64
"""Pictures whose zones are kept."""

Change = TypeVar("Change", bound=Callable[..., None])


def after_delivery(change: Change) -> Change:
    """A method that changes the workspace; requested by a listener, it runs after the delivery."""

    @functools.wraps(change)
    def postponed(self: Workspace, *arguments: Any, **named: Any) -> None:
        if self.queue.delivering:
            self.queue.postpone(lambda: change(self, *arguments, **named))
        else:
            change(self, *arguments, **named)

    return cast(Change, postponed)


class Workspace:
    """Everything that the window shows. All methods are called in the window's thread.

    Events carry no values: listeners read the attributes. They are delivered one after another
    (:class:`~app.state.events.EventQueue`), and ``settled`` after all of them. A change of
    selection, method or look that a listener requests is made after the delivery.

    ``ranking_stale`` and ``pair_stale`` say that what is shown was chosen before and the new is
    being computed. Where the pair shown stays, ``pair_stale_changed`` alone tells of it.
    ``pair_provisional``: the pair was explained before all maps were there.
    ``ranking_fuse`` is how several queries were joined for the ranking shown, ``ranking_exact``
    whether everything that can be was scored exactly for it, ``strangers`` how its
    candidates stand among strangers, ``labelled`` are logits of pairs that persons were given to.
    ``pending_method`` is that of a session that was restored, to be ranked by once it can be;
    ``awaited_method`` is one that was chosen and is being prepared.
    ``evidence`` is that of the set's pairs, once it was measured.
    ``map_precision`` is
    the arithmetic of the maps in use: better than the model's where such maps were stored.
    """

    def __init__(self) -> None:
        self.data: OpenSet | None = None
        self.model: ModelInfo | None = None
        self.map_precision = ""
        self.model_loading = False
        self.selection = Selection()
        self.method: Method = "qaconv"
        self.methods: tuple[Method, ...] = ("qaconv",)
        self.method_notes: dict[str, str] = {}
        self.pending_method = ""
        self.awaited_method: Method | None = None
        self.ranking: RankingResult | None = None
        self._ranked: RankingResult | None = None
        """The ranking shown, without labels."""
        self.ranking_stale = False
        self.ranking_fuse = ""
        self.ranking_exact = False
        self.strangers: Strangers | None = None
        self.labelled: LabelledPairs | None = None
        self.pair: PairView | None = None
        self.others: tuple[PairView, ...] = ()
        self.why: Why | None = None
        self.decided: dict[int, Decision] = {}
        self.pair_stale = False
        self.pair_provisional = False
        self.measures = MeasureTable()
        self.measures_complete: frozenset[str] = frozenset()
        self.evidence: SetEvidence | None = None
        self.evidence_running = False
        self.look = Look()
        self.query_filter = QueryFilter()
        self.result_filter = ResultFilter()
        self.hover: Cell | None = None
        self.pointed_at = -math.inf
        self._auto_selection: Selection | None = None
        self._best_chosen: tuple[int, ...] = ()
        self.history: History[Selection] = History()

        self.queue = EventQueue()
        self.data_changed = Event(self.queue)
        self.model_changed = Event(self.queue)
        self.selection_changed = Event(self.queue)
        self.method_changed = Event(self.queue)
        self.ranking_changed = Event(self.queue)
        self.pair_changed = Event(self.queue)
        self.pair_stale_changed = Event(self.queue)
        self.measures_changed = Event(self.queue)
        self.evidence_changed = Event(self.queue)
        self.look_changed = Event(self.queue)
        self.labelled_changed = Event(self.queue)
        self.filters_changed = Event(self.queue)
        self.hover_changed = Event(self.queue, settles=False)  # nothing is computed for it
        self.decided_changed = Event(self.queue)
        self.parts = DrawnParts(self.queue)
        self._zones: dict[Path, ZoneMap] = {}

    @property
    def settled(self) -> Event:
        """Emitted after changes, once every listener of every other event has been called."""
        return self.queue.settled

    def batch(self) -> AbstractContextManager[None]:
        """Several changes that listeners hear of together."""
        return self.queue.batch()

    # ── what is open ────────────────────────────────────────────────────────────────────────────

    def open_data(self, data: OpenSet | None) -> None:
        """Show another data set; what was chosen and computed belongs to the old one."""
        self.data = data
        self.pending_method = ""
        self.history = History()
        self.query_filter = replace(self.query_filter, text="", pid=None, camids=None)
        self.result_filter = replace(self.result_filter, camids=None, time_range=None)
        if self.look.mode == "compare":  # nobody has chosen two candidates of this set
            self.look = replace(self.look, mode="lines")
            self.look_changed.emit()
        self._forget_results()
        with self.batch():
            # First of all the lists must be those of the new set: everything else refers to them.
            self.data_changed.emit()
            self._emit_results()
            self.filters_changed.emit()
            self._set_selection(Selection())

    def extend_data(self, data: OpenSet) -> None:
        """The same set with more added queries at its end: nothing else changes."""
        former, self.data = self.data, data
        if former is not None and former.unlabelled is not None:
            added = data.query[len(former.query) :]  # as they were read, until labels are read
            query = ImageSet((*former.query, *added), data.query.name)
            self.data = data.called(query, former.gallery)
        self.measures.grow(len(data.query))
        self.data_changed.emit()

    def call_by_labels(self, data: OpenSet) -> None:
        """The same set, its pictures called by other persons: so is the ranking shown."""
        self.data = data
        if self._ranked is not None:
            self.ranking = self.by_labels(self._ranked)
        with self.batch():
            self.data_changed.emit()
            self.ranking_changed.emit()

    def set_model(self, model: ModelInfo | None) -> None:
        """Another model: rankings and explanations of the old one are gone, the selection stays."""
        self.model = model
        self.map_precision = "" if model is None else model.precision
        self._forget_results()
        with self.batch():
            self._emit_results()
            self.model_changed.emit()
            self._update_drawing()

    def set_map_precision(self, precision: str) -> None:
        """What the maps that are used were computed in; nothing else changes."""
        if precision != self.map_precision:
            self.map_precision = precision
            self.model_changed.emit()

    def set_model_loading(self, on: bool) -> None:
        """Whether a model is on its way; the present one, if any, stays in use until then."""
        if on != self.model_loading:
            self.model_loading = on
            self.model_changed.emit()

    def _forget_results(self) -> None:
        self.ranking = self._ranked = None
        self.pair, self.others, self.why = None, (), None
        self.strangers = self.labelled = None
        self.ranking_stale = self.pair_stale = self.pair_provisional = False
        self.measures = MeasureTable(0 if self.data is None else len(self.data.query))
        self.measures_complete = frozenset()
        self.evidence, self.evidence_running = None, False
        self.methods, self.method_notes = ("qaconv",), {}
        self.method, self.awaited_method = "qaconv", None
        self.hover = None

    def _emit_results(self) -> None:
        self.ranking_changed.emit()
        self.pair_changed.emit()
        self.measures_changed.emit()
        self.evidence_changed.emit()
        self.method_changed.emit()

    # ── what is chosen ──────────────────────────────────────────────────────────────────────────

    @after_delivery
    def select_queries(self, queries: tuple[int, ...]) -> None:
        """Select queries; a candidate is selected anew once their ranking is there."""
        if queries != self.selection.queries:
            self._select(Selection(queries))

    def select_candidate(self, candidate: int | None) -> None:
        """Select one gallery picture alone; a pinned cell stays pinned."""
        self.choose_candidates(candidate, frozenset())

    @after_delivery
    def choose_candidates(self, candidate: int | None, more: frozenset[int]) -> None:
        """Select a gallery picture to look at, and others besides, to compare or for a report."""
        self._auto_selection = None
        other = None if more - {candidate} else self.selection.other
        chosen = replace(self.selection, candidate=candidate, other=other, more=more - {candidate})
        if chosen != self.selection:
            self._select(chosen)

    @after_delivery
    def auto_select(self, candidate: int) -> None:
        """Select a gallery picture where no person has chosen one; it may change until one does."""
        selection = replace(self.selection, candidate=candidate)
        if self.auto_selected:
            self.history.replace(selection)
        self._auto_selection = selection
        self._select(selection)

    @property
    def auto_selected(self) -> bool:
        """Whether the candidate was not chosen by a person, who does not look into it either."""
        return self._auto_selection is self.selection and self.hover is None

    def point_at_list(self, now: float) -> None:
        """The pointer moves over the ranking at ``now``, in seconds of a steady clock."""
        self.pointed_at = now

    @after_delivery
    def compare_with(self, other: int | None) -> None:
        """Select a second candidate to compare the first one with."""
        if other != self.selection.other:
            self._select(replace(self.selection, other=other))

    @property
    def compared(self) -> tuple[int, ...]:
        """In the mode *Compare* the candidates that the one shown is compared with: the second one,
        where there is one; else those chosen besides, as many as can be compared, best first.

        Best is meant by the ranking in which they were chosen: those compared stay when another
        one, that of a part, takes its place.
        """
        if self.look.mode != "compare":
            return ()
        return self._best_chosen if self.selection.other is None else (self.selection.other,)

    @after_delivery
    def look_at(self, selection: Selection) -> None:
        """Select a query, a candidate and perhaps a second one in a single step."""
        if selection != self.selection:
            self._select(selection)

    @after_delivery
    def pin(self, cell: Cell | None) -> None:
        """Pin a cell, so that it is explained while the pointer is elsewhere (None: unpin)."""
        if cell != self.selection.cell:
            self._set_selection(replace(self.selection, cell=cell))

    def set_hover(self, cell: Cell | None) -> None:
        """The cell under the pointer."""
        if cell != self.hover:
            self.hover = cell
            self.hover_changed.emit()

    @property
    def cell(self) -> Cell | None:
        """The cell to explain: the one under the pointer, else the pinned one."""
        return self.hover if self.hover is not None else self.selection.cell

    @after_delivery
    def go_back(self) -> None:
        """To what was looked at before; a part that was cleared here comes back first."""
        if self.parts.can_restore:
            self.parts.restore()
        else:
            self._travel(self.history.back())

    @property
    def has_tracks(self) -> bool:
        """Whether pictures of the gallery are those of people followed through videos."""
        return self.data is not None and self.data.gallery_tracks is not None

    @property
    def tracks_by_mean(self) -> bool:
        """Whether tracks are ranked by the mean of their pictures."""
        return self.has_tracks and self.look.tracks == MEAN

    @property
    def can_go_back(self) -> bool:
        """Whether there is anything to go back to."""
        return self.history.can_go_back or self.parts.can_restore

    @after_delivery
    def go_forward(self) -> None:
        """To what was looked at before going back."""
        self._travel(self.history.forward())

    def _travel(self, place: Selection | None) -> None:
        if place is not None:
            self._set_selection(place)

    def _select(self, selection: Selection) -> None:
        if selection.candidate is not None:
            self.history.visit(replace(selection, cell=None, more=frozenset()))
        self._set_selection(selection)

    def _set_selection(self, selection: Selection) -> None:
        if (selection.queries, selection.more) != (self.selection.queries, self.selection.more):
            place = None if self.ranking is None else self.ranking.place_of
            self._best_chosen = tuple(sorted(selection.more, key=place)[: MOST_COMPARED - 1])
        self.selection = selection
        with self.batch():
            self._update_drawing()
            self.selection_changed.emit()

    def _update_drawing(self) -> None:
        """Forget what was drawn on pictures that are not shown any more."""
        chosen = self.selection
        self.parts.belong_to((chosen.queries, self.model), (chosen.candidate, *self.compared))

    # ── what was computed ───────────────────────────────────────────────────────────────────────

    @after_delivery
    def set_method(self, method: Method) -> None:
        """Rank by another method; only those in ``methods`` can be chosen."""
        if method in self.methods and (method, None) != (self.method, self.awaited_method):
            self.method, self.awaited_method = method, None
            self.method_changed.emit()

    def await_method(self, method: Method | None) -> None:
        """A method was chosen and is being prepared; None: not any more."""
        if method != self.awaited_method:
            self.awaited_method = method
            self.method_changed.emit()

    def set_methods(self, methods: tuple[Method, ...], notes: dict[str, str]) -> None:
        """Which methods can be ranked by; ``notes`` says why the others cannot."""
        self.methods, self.method_notes = methods, dict(notes)
        if self.method not in methods:
            self.method = "qaconv"
        self.method_changed.emit()

    def offer_normalised(self) -> None:
        """What normalised scores need is there: they can be ranked by."""
        self.set_methods(tuple(dict.fromkeys((*self.methods, NORMALISED))), self.method_notes)

    def set_ranking(
        self,
        ranking: RankingResult | None,
        fuse: str = "",
        strangers: Strangers | None = None,
        exact: bool = False,
    ) -> None:
        """A ranking has been computed; ``fuse`` says how several queries were joined,
        ``strangers`` how candidates stand among these, where they are normalised, ``exact`` that
        no score is estimated that can be computed."""
        self.ranking, self._ranked = ranking and self.by_labels(ranking), ranking
        self.ranking_stale, self.ranking_fuse = False, fuse
        self.ranking_exact = exact
        self.strangers = strangers
        self.ranking_changed.emit()

    def by_labels(self, ranking: RankingResult) -> RankingResult:
        """A ranking of the open set with the truth that its labels say."""
        return ranking if self.data is None else truth_by_labels(ranking, self.data)

    def set_labelled(self, pairs: LabelledPairs | None) -> None:
        """Logits of labelled pairs are known, or those known are none any more."""
        if pairs is not self.labelled:
            self.labelled = pairs
            self.labelled_changed.emit()

    @property
    def lines(self) -> dict[str, Strangers | LabelledLine]:
        """The lines that can be drawn in the ranking shown, by their names in
        :data:`~app.state.values.LINES`."""
        found: dict[str, Strangers | LabelledLine] = {}
        if self.strangers is not None:
            found[LINES[0]] = self.strangers
        if (labelled := self.labelled_line) is not None:
            found[LINES[1]] = labelled
        return found

    @property
    def labelled_line(self) -> LabelledLine | None:
        """The line of labelled pairs in the ranking shown, which is one of whole pictures."""
        whole = self.ranking is not None and self.ranking.part is None
        if not whole or self.labelled is None or not self.labelled.enough:
            return None
        return self.labelled.line(self.look.false_pairs)

    @property
    def line(self) -> Strangers | LabelledLine | None:
        """The line that is drawn in the ranking shown: the one chosen, else the other one."""
        lines = self.lines
        return lines.get(self.look.line) or next(iter(lines.values()), None)

    def keep_ranking(self) -> None:
        """The ranking shown stays: no other one is on its way any more."""
        self.ranking_stale = False
        self.ranking_changed.emit()

    def set_ranking_stale(self) -> None:
        """The ranking shown is not that of the selection any more; the new one is on its way."""
        self.ranking_stale = True
        self.ranking_changed.emit()

    def set_pair(
        self,
        pair: PairView | None,
        others: tuple[PairView, ...] = (),
        why: Why | None = None,
        provisional: bool = False,
    ) -> None:
        """A pair has been explained (and, to compare, others; and the difference of two).

        ``provisional``: not all maps were there.
        """
        self.pair, self.others, self.why = pair, others, why
        self.pair_stale, self.pair_provisional = False, provisional
        self.pair_changed.emit()

    def add_zones(self, zones: dict[Path, ZoneMap]) -> None:
        """Zones read from label maps, by picture; those of the last pictures are kept."""
        for path, found in zones.items():
            self._zones.pop(path, None)
            self._zones[path] = found
        for path in list(self._zones)[:-MOST_ZONES]:
            del self._zones[path]

    def zones_of(self, pair: PairView) -> PairZones:
        """The zones of both pictures of a pair: from label maps where known, else by height."""
        assert self.data is not None
        refs = (self.data.query[pair.query], self.data.gallery[pair.candidate])
        return PairZones(*(self.zones_of_picture(ref, pair.match.grid) for ref in refs))

    def zones_of_picture(self, ref: ImageRef, grid: Grid) -> ZoneMap:
        """The zones of a picture: from its label map where that is read, else by height."""
        found = self._zones.get(ref.path)
        return found if found is not None and found.shape == grid else zones_by_height(grid)

    def keep_pair(self) -> None:
        """The pair shown stays: no other one is on its way any more."""
        self.pair_stale = False
        self.pair_stale_changed.emit()

    def set_pair_stale(self) -> None:
        """The pair shown is not that of the selection any more; the new one is on its way."""
        self.pair_stale = True
        self.pair_stale_changed.emit()

    def set_decided(self, decided: dict[int, Decision]) -> None:
        """What was decided about candidates of the query shown, by gallery index."""
        if decided != self.decided:
            self.decided = decided
            self.decided_changed.emit()

    def set_measures(self, method: str, measures: Measures) -> None:
        """What is known of the queries under a method."""
        self.measures.put(method, measures)
        self.measures_changed.emit()

    def set_measured(self, measures: dict[str, Measures], notes: dict[str, str]) -> None:
        """The whole set has been measured: its methods can be ranked by.

        ``notes`` says of methods that are not among them why.
        """
        for method, known in measures.items():
            self.measures.put(method, known)
        self.measures_complete = frozenset(measures)
        with self.batch():
            self.measures_changed.emit()
            kept = {*measures, *(name for name in self.methods if name == NORMALISED)}
            self.set_methods(tuple(name for name in METHODS if name in kept), notes)

    def set_evidence(self, found: SetEvidence | None, running: bool = False) -> None:
        """The evidence of the set's pairs, as far as it is known; whether it is being measured."""
        self.evidence, self.evidence_running = found, running
        self.evidence_changed.emit()

    @property
    def can_compare_evidence(self) -> bool:
        """Whether a query of the set has a person who is known in the gallery."""
        return self.data is not None and self.data.knows_matches

    @property
    def other_pair(self) -> PairView | None:
        """The second pair, where there are two."""
        return self.others[0] if len(self.others) == 1 else None

    @property
    def shown_pair(self) -> PairView | None:
        """The pair, without its hidden cells where cells are hidden and that was computed."""
        covered, pair = self.parts.now.covered, self.pair
        if covered is None or pair is None:
            return pair
        same = (covered.query, covered.candidate) == (pair.query, pair.candidate)
        return covered if same and covered.part is pair.part else pair

    @property
    def shown_why(self) -> Why | None:
        """The difference of the two candidates, where they are compared."""
        return self.why if self.look.mode == "compare" else None

    @property
    def current_measures(self) -> Measures:
        """Of the method that is ranked by; unknown where nothing was computed."""
        return self.measures.of(self.method)

    # ── how it is shown ─────────────────────────────────────────────────────────────────────────

    @after_delivery
    def change_look(self, **changes: Any) -> None:
        """Change fields of :attr:`look`."""
        look = replace(self.look, **changes)
        if look != self.look:
            self._auto_selection = None
            self.look = look
            with self.batch():
                self._update_drawing()
                self.look_changed.emit()

    def change_query_filter(self, **changes: Any) -> None:
        """Change fields of :attr:`query_filter`."""
        chosen = replace(self.query_filter, **changes)
        if chosen != self.query_filter:
            self.query_filter = chosen
            self.filters_changed.emit()

    def change_result_filter(self, **changes: Any) -> None:
        """Change fields of :attr:`result_filter`."""
        chosen = replace(self.result_filter, **changes)
        if chosen != self.result_filter:
            self.result_filter = chosen
            self.filters_changed.emit()
