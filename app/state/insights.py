"""What was found out about the open set as a whole: its failures, and checks of explanations.

Findings belong to one set and one model. They are forgotten when another one is opened.
No Qt; the work is done in :mod:`app.jobs.insight_jobs`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from app.state.events import Event
from app.state.overlay import Scale
from app.state.values import ModelInfo, Selection
from app.state.workspace import Workspace
from qaconv_core.explaining.zones import sums_by_zone, zones_by_height
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import UNKNOWN, Float64, ImageRef, ImageSet

if TYPE_CHECKING:  # they load torch
    from qaconv_core.evaluation.error_groups import ErrorGroup, RankingError
    from qaconv_core.evaluation.errors_of_ranking import ErrorAnalysis
    from qaconv_core.evaluation.explanation_checks import (
        ExplanationCheckGroup,
        ExplanationCheckReport,
    )

Kind = Literal["failures", "trust"]
KINDS: tuple[Kind, Kind] = ("failures", "trust")
Picture = npt.NDArray[np.uint8]
SORTS = {
    "margin": "Margin, or the chosen cell", "cause": "Cause", "cameras": "Camera pair",
    "query": "Query",
}  # fmt: skip
ALL, CAMERAS, CLUSTERS = "All errors", "By cameras", "Clusters"


@dataclass(frozen=True)
class PairPlace:
    """Pictures to open in the browser: a query, a candidate and, to compare with it, another."""

    query: Path
    candidate: Path
    other: Path | None = None


@dataclass(frozen=True)
class Example:
    """One failure with its pictures; ``number`` counts in the order of the queries, from 1.

    ``value`` is what the chosen cell adds to its margin; None where no cell is chosen. ``cause`` is
    the zone of the query whose cells mislead most, by height.
    """

    number: int
    failure: RankingError
    query: ImageRef
    false: ImageRef
    true: ImageRef
    value: float | None = None
    cause: int = 0

    @property
    def cameras(self) -> tuple[int, int]:
        """Camids of the query and of the false match, −1 where not known."""
        query, false = (
            UNKNOWN if ref.camid is None else ref.camid for ref in (self.query, self.false)
        )
        return query, false

    @property
    def place(self) -> PairPlace:
        """How to open it: the false match beside the true one."""
        return PairPlace(self.query.path, self.false.path, self.true.path)


@dataclass(frozen=True)
class Section:
    """Groups of errors under a heading."""

    title: str
    groups: tuple[ErrorGroup, ...]


@dataclass(frozen=True)
class ErrorFindings:
    """The failures of a set, and the average picture (H, W, 3) of each group's queries by name.

    Averages are stretched to full contrast; a group of which no picture can be read has none.
    ``labelled``: body parts are known from label maps.
    """

    analysis: ErrorAnalysis
    averages: Mapping[str, Picture]
    labelled: bool

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All groups under their headings; none where nothing failed."""
        found = self.analysis
        if found.together is None:
            return ()
        made = (Section(ALL, (found.together,)), Section(CAMERAS, found.cameras),
                Section(CLUSTERS, found.clusters))  # fmt: skip
        return tuple(section for section in made if section.groups)

    @cached_property
    def causes(self) -> tuple[int, ...]:
        """Of each failure the zone of the query whose cells mislead most, by height."""
        return tuple(int(zone_totals(one.query_cells).argmax()) for one in self.analysis.errors)

    def group(self, name: str) -> ErrorGroup | None:
        """The group of that name, else all failures together."""
        groups = (group for section in self.sections for group in section.groups)
        return next((group for group in groups if group.name == name), self.analysis.together)

    def examples(self, group: ErrorGroup | None, cell: int | None = None) -> list[Example]:
        """A group's failures, the largest margin first; by what ``cell`` adds where it is given."""
        numbers = () if group is None else group.examples
        made = [self._example(number, cell) for number in numbers]
        return made if cell is None else sorted(made, key=lambda one: -(one.value or 0.0))

    def _example(self, number: int, cell: int | None) -> Example:
        found = self.analysis
        failure = found.errors[number]
        return Example(
            number + 1, failure, found.query[failure.query], found.gallery[failure.false],
            found.gallery[failure.true],
            None if cell is None else float(failure.query_cells.flat[cell]),
            self.causes[number],
        )  # fmt: skip


def zone_totals(cells: Float64) -> Float64:
    """(zones,): what the query's cells (h, w) add up to in each zone, by height."""
    return sums_by_zone((cells,), (zones_by_height(cells.shape),))


@dataclass(frozen=True)
class CheckFindings:
    """Whether explanations show what decides; ``pairs`` of each kind were requested.

    ``labelled``: there are label maps, so that part agreement and background are measured.
    """

    report: ExplanationCheckReport
    pairs: int
    labelled: bool

    def pairs_of(self, group: ExplanationCheckGroup) -> list[tuple[ImageRef, ImageRef]]:
        """The pictures of a group's pairs, query first."""
        report = self.report
        return [(report.query[q], report.gallery[g]) for q, g in group.pairs]


@dataclass(frozen=True)
class InsightTimes:
    """About how many seconds each takes on this machine; ``pair`` for one pair of each kind."""

    failures: float
    pair: float

    def trust(self, pairs: int) -> float:
        """Seconds for so many pairs of each kind."""
        return self.pair * pairs


_ORDERS: dict[str, Callable[[Example], Any]] = {
    "margin": lambda _one: 0,  # as they are
    "cause": lambda one: one.cause,
    "cameras": lambda one: one.cameras,
    "query": lambda one: one.number,
}


def mean_scale(group: ErrorGroup) -> Scale:
    """The scale of a group's mean map, from its largest difference to both sides of zero."""
    limit = float(np.abs(group.mean).max()) or 1.0
    return Scale("misleads", -limit, limit)


def selection_of(data: OpenSet | None, place: PairPlace) -> Selection | None:
    """What to choose in the open set to see a pair; None where the set does not have it."""
    if data is None:
        return None
    queries = {path: index for index, path in enumerate(data.query.paths)}
    gallery = {path: index for index, path in enumerate(data.gallery.paths)}
    candidate, other = gallery.get(place.candidate), None
    if place.other is not None:
        other = gallery.get(place.other)
        if other is None:
            return None
    if place.query not in queries or candidate is None:
        return None
    return Selection((queries[place.query],), candidate, other)


def why_no_failures(data: OpenSet | None) -> str:
    """Why no result of a set can be called wrong; "" where some can."""
    if data is None or not data.added_from:
        return "There are no queries of this data set to find errors of."
    asked = set(data.as_read.query_pids[: data.added_from].tolist()) - {UNKNOWN}
    if not asked:
        return "The persons of the queries are not known, so that no match can be called wrong."
    if not data.knows_matches:
        return "No query's person is known in the gallery, so that no match can be called wrong."
    return ""


def why_no_trust(data: OpenSet | None) -> str:
    """Why nothing can be measured on a set; "" where it can."""
    if data is None or not (data.added_from or len(data.gallery) > 1):
        return "There are no two pictures of this data set to measure on."
    return ""


REASONS: dict[Kind, Callable[[OpenSet | None], str]] = {
    "failures": why_no_failures, "trust": why_no_trust,
}  # fmt: skip
"""Why a kind cannot be measured on a set; "" where it can."""


@dataclass
class Insights:
    """Findings about the open set under the loaded model, and what is looked at among them.

    ``changed``: other findings or times. ``choice_changed``: another group or cell.
    ``forgotten``: set or model are others now, whatever is being computed is of no use.
    """

    failures: ErrorFindings | None = None
    trust: CheckFindings | None = None
    times: InsightTimes | None = None
    group_name: str = ""
    cell: int | None = None
    cause: int | None = None
    sort: str = "margin"
    clusters: int = 4
    pairs: int = 50
    changed: Event = field(default_factory=Event)
    choice_changed: Event = field(default_factory=Event)
    forgotten: Event = field(default_factory=Event)

    def belong_to(self, space: Workspace) -> None:
        """Forget the findings when another set or model is opened in ``space``."""
        self._space = space
        self._known = self._open()
        space.data_changed.connect(self._forget_others)
        space.model_changed.connect(self._forget_others)

    def _open(self) -> tuple[ImageSet | None, ModelInfo | None]:
        # Added pictures make another set of the same gallery.
        data = self._space.data
        return None if data is None else data.as_read.gallery, self._space.model

    def _forget_others(self) -> None:
        """Another set or model: what was found does not belong to it."""
        (gallery, model), (known_gallery, known_model) = self._open(), self._known
        if model is not known_model or gallery != known_gallery:
            self._known = gallery, model
            self.forget()

    def forget(self) -> None:
        """Nothing is known."""
        self.failures = self.trust = self.times = None
        self.group_name, self.cell, self.cause = "", None, None
        self.forgotten.emit()
        self.changed.emit()

    def set_failures(self, found: ErrorFindings) -> None:
        """Failures have been found; all of them are looked at first."""
        self.failures = found
        self.group_name, self.cell, self.cause = "", None, None
        self.changed.emit()

    def set_trust(self, found: CheckFindings) -> None:
        """Explanations have been measured."""
        self.trust = found
        self.changed.emit()

    def set_times(self, times: InsightTimes) -> None:
        """It is known how long it takes."""
        self.times = times
        self.changed.emit()

    @property
    def group(self) -> ErrorGroup | None:
        """The group that is looked at."""
        return None if self.failures is None else self.failures.group(self.group_name)

    def choose_group(self, name: str) -> None:
        """Look at a group; a chosen cell stays."""
        if name != self.group_name:
            self.group_name, self.cause = name, None
            self.choice_changed.emit()

    def choose_cell(self, cell: int | None) -> None:
        """Order examples by what a cell adds (None: by their margins)."""
        if cell != self.cell:
            self.cell = cell
            self.choice_changed.emit()

    def choose_cause(self, cause: int | None) -> None:
        """List only errors that this zone misleads most in (None: all)."""
        if cause != self.cause:
            self.cause = cause
            self.choice_changed.emit()

    def choose_sort(self, sort: str) -> None:
        """Order examples by a key of :data:`SORTS`."""
        if sort != self.sort:
            self.sort = sort
            self.choice_changed.emit()

    def causes(self) -> dict[int, int]:
        """How many errors of the group have each cause, from the head down."""
        found, group = self.failures, self.group
        if found is None or group is None:
            return {}
        return dict(sorted(Counter(found.causes[number] for number in group.examples).items()))

    def examples(self) -> list[Example]:
        """The failures of the group that is looked at, in the order chosen."""
        found = [] if self.failures is None else self.failures.examples(self.group, self.cell)
        listed = [one for one in found if self.cause in (None, one.cause)]
        return sorted(listed, key=_ORDERS[self.sort])
