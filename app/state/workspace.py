"""The state of the window: what is open, what is chosen, how it is shown, and who is told.

Views read it and listen to its events; commands and the controller change it through its methods.
It knows nothing of Qt, of jobs or of the engine's models.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from app.state.drawn_parts import Parts
from app.state.events import Event
from app.state.history import History
from app.state.values import (
    METHODS,
    Cell,
    Look,
    Measures,
    Method,
    ModelInfo,
    QueryFilter,
    ResultFilter,
    Selection,
)
from qaconv_core.galleries.values import OpenSet, PairView, Why
from qaconv_core.store.decisions import Decision
from qaconv_core.types import RankingResult


class Workspace:
    """Everything that the window shows. All methods are called in the window's thread.

    Events carry no values: listeners read the attributes. ``stale`` says that ranking and pair
    still show what was chosen before, because the new ones are being computed.
    """

    def __init__(self) -> None:
        self.data: OpenSet | None = None
        self.model: ModelInfo | None = None
        self.model_loading = False
        self.selection = Selection()
        self.method: Method = "qaconv"
        self.methods: tuple[Method, ...] = ("qaconv",)
        self.method_notes: dict[str, str] = {}
        self.ranking: RankingResult | None = None
        self.ranking_stale = False
        self.pair: PairView | None = None
        self.other_pair: PairView | None = None
        self.why: Why | None = None
        self.decided: dict[int, Decision] = {}
        self.pair_stale = False
        self.measures: dict[str, Measures] = {}
        self.measures_complete: frozenset[str] = frozenset()
        self.look = Look()
        self.query_filter = QueryFilter()
        self.result_filter = ResultFilter()
        self.hover: Cell | None = None
        self.pointed_at = -math.inf
        self._led: Selection | None = None
        self.history: History[Selection] = History()

        self.data_changed = Event()
        self.model_changed = Event()
        self.selection_changed = Event()
        self.method_changed = Event()
        self.ranking_changed = Event()
        self.pair_changed = Event()
        self.measures_changed = Event()
        self.look_changed = Event()
        self.filters_changed = Event()
        self.hover_changed = Event()
        self.decided_changed = Event()
        self.parts = Parts()
        self.parts.follow(self)

    # ── what is open ────────────────────────────────────────────────────────────────────────────

    def open_data(self, data: OpenSet | None) -> None:
        """Show another data set; what was chosen and computed belongs to the old one."""
        self.data = data
        self.history = History()
        self.selection = Selection()
        self.query_filter = replace(self.query_filter, text="", pid=None, camids=None)
        self.result_filter = replace(self.result_filter, camids=None, time_range=None)
        self._forget_results()
        # First of all the lists must be those of the new set: everything else refers to them.
        self.data_changed.emit()
        self._tell_results()
        self.filters_changed.emit()
        self.selection_changed.emit()

    def extend_data(self, data: OpenSet) -> None:
        """The same set with more own queries at its end: nothing else changes."""
        self.data = data
        size = len(data.query)
        self.measures = {name: _grown(known, size) for name, known in self.measures.items()}
        self.data_changed.emit()

    def set_model(self, model: ModelInfo | None) -> None:
        """Another model: rankings and explanations of the old one are gone, the choice stays."""
        self.model = model
        self._forget_results()
        self._tell_results()
        self.model_changed.emit()

    def set_model_loading(self, on: bool) -> None:
        """Whether a model is on its way; the present one, if any, stays in use until then."""
        if on != self.model_loading:
            self.model_loading = on
            self.model_changed.emit()

    def _forget_results(self) -> None:
        self.ranking, self.pair, self.other_pair, self.why = None, None, None, None
        self.ranking_stale = self.pair_stale = False
        self.measures, self.measures_complete = {}, frozenset()
        self.methods, self.method_notes = ("qaconv",), {}
        self.method = "qaconv"
        self.hover = None

    def _tell_results(self) -> None:
        self.ranking_changed.emit()
        self.pair_changed.emit()
        self.measures_changed.emit()
        self.method_changed.emit()

    # ── what is chosen ──────────────────────────────────────────────────────────────────────────

    def select_queries(self, queries: tuple[int, ...]) -> None:
        """Choose queries; the candidate is chosen anew once their ranking is there."""
        if queries != self.selection.queries:
            self._choose(Selection(queries))

    def select_candidate(self, candidate: int | None) -> None:
        """Choose one gallery picture alone; a pinned cell stays pinned."""
        self.choose_candidates(candidate, frozenset())

    def choose_candidates(self, candidate: int | None, more: frozenset[int]) -> None:
        """Choose a gallery picture to look at, and others besides, for a report."""
        self._led = None
        chosen = replace(self.selection, candidate=candidate, more=more - {candidate})
        if chosen != self.selection:
            self._choose(chosen)

    def auto_select(self, candidate: int) -> None:
        """Show a gallery picture to somebody who has chosen none; until then it may change."""
        selection = replace(self.selection, candidate=candidate)
        if self.auto_selected:
            self.history.replace(selection)
        self._led = selection
        self._choose(selection)

    @property
    def auto_selected(self) -> bool:
        """Whether the candidate was not chosen by a person, who does not look into it either."""
        return self._led is self.selection and self.hover is None

    def point_at_list(self, now: float) -> None:
        """The pointer moves over the ranking at ``now``, in seconds of a steady clock."""
        self.pointed_at = now

    def compare_with(self, other: int | None) -> None:
        """Choose a second candidate to compare the first one with."""
        if other != self.selection.other:
            self._choose(replace(self.selection, other=other))

    def look_at(self, selection: Selection) -> None:
        """Choose a query, a candidate and perhaps a second one in a single step."""
        if selection != self.selection:
            self._choose(selection)

    def pin(self, cell: Cell | None) -> None:
        """Keep a cell chosen (None: let go)."""
        if cell != self.selection.cell:
            self.selection = replace(self.selection, cell=cell)
            self.selection_changed.emit()

    def set_hover(self, cell: Cell | None) -> None:
        """The cell under the pointer."""
        if cell != self.hover:
            self.hover = cell
            self.hover_changed.emit()

    @property
    def cell(self) -> Cell | None:
        """The cell to explain: the one pointed at, else the pinned one."""
        return self.hover if self.hover is not None else self.selection.cell

    def go_back(self) -> None:
        """To what was looked at before."""
        self._travel(self.history.back())

    def go_forward(self) -> None:
        """To what was looked at before going back."""
        self._travel(self.history.forward())

    def _travel(self, place: Selection | None) -> None:
        if place is not None:
            self.selection = place
            self.selection_changed.emit()

    def _choose(self, selection: Selection) -> None:
        self.selection = selection
        if selection.candidate is not None:
            self.history.visit(replace(selection, cell=None, more=frozenset()))
        self.selection_changed.emit()

    # ── what was computed ───────────────────────────────────────────────────────────────────────

    def set_method(self, method: Method) -> None:
        """Rank by another method; only those in ``methods`` can be chosen."""
        if method != self.method and method in self.methods:
            self.method = method
            self.method_changed.emit()

    def set_methods(self, methods: tuple[Method, ...], notes: dict[str, str]) -> None:
        """Which methods can be ranked by; ``notes`` says why the others cannot."""
        self.methods, self.method_notes = methods, dict(notes)
        if self.method not in methods:
            self.method = "qaconv"
        self.method_changed.emit()

    def set_ranking(self, ranking: RankingResult | None) -> None:
        """A ranking has been computed."""
        self.ranking, self.ranking_stale = ranking, False
        self.ranking_changed.emit()

    def set_ranking_stale(self) -> None:
        """The ranking shown is not that of the selection any more; the new one is on its way."""
        self.ranking_stale = True
        self.ranking_changed.emit()

    def set_pair(
        self, pair: PairView | None, other: PairView | None = None, why: Why | None = None
    ) -> None:
        """A pair has been explained (and, to compare, the second one, and their difference)."""
        self.pair, self.other_pair, self.pair_stale = pair, other, False
        self.why = why
        self.pair_changed.emit()

    def set_pair_stale(self) -> None:
        """The pair shown is not that of the selection any more; the new one is on its way."""
        self.pair_stale = True
        self.pair_changed.emit()

    def set_decided(self, decided: dict[int, Decision]) -> None:
        """What was decided about candidates of the query shown, by gallery index."""
        if decided != self.decided:
            self.decided = decided
            self.decided_changed.emit()

    def set_measures(self, method: str, measures: Measures) -> None:
        """What is known of the queries under a method."""
        self.measures[method] = measures
        self.measures_changed.emit()

    def set_measured(self, measures: dict[str, Measures], notes: dict[str, str]) -> None:
        """The whole set has been measured: its methods can be ranked by.

        ``notes`` says of methods that are not among them why.
        """
        self.measures.update(measures)
        self.measures_complete = frozenset(measures)
        self.measures_changed.emit()
        self.set_methods(tuple(name for name in METHODS if name in measures), notes)

    @property
    def shown_why(self) -> Why | None:
        """The difference of the two candidates, where they are compared."""
        return self.why if self.look.mode == "compare" else None

    @property
    def current_measures(self) -> Measures:
        """Of the method that is ranked by; unknown where nothing was computed."""
        size = 0 if self.data is None else len(self.data.query)
        return self.measures.get(self.method) or Measures.unknown(size)

    # ── how it is shown ─────────────────────────────────────────────────────────────────────────

    def change_look(self, **changes: Any) -> None:
        """Change fields of :attr:`look`."""
        look = replace(self.look, **changes)
        if look != self.look:
            self._led = None
            self.look = look
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


def _grown(known: Measures, size: int) -> Measures:
    whole = Measures.unknown(size)
    n = len(known.ap)
    whole.ap[:n], whole.first_true[:n], whole.top[:n] = known.ap, known.first_true, known.top
    return whole
