"""The values that the window shows besides those of the engine: a model, a selection, filters.

Arrays are NumPy. Everything is frozen: a change is a new value in the
:class:`~app.state.workspace.Workspace`, which notifies its listeners.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from qaconv_core.evaluation.labelled_line import FALSE_PAIRS
from qaconv_core.ranking.tracks import BEST
from qaconv_core.types import Float64, Int64, ModelSpec, Side

Method = Literal[
    "qaconv", "qaconv+rerank", "qaconv+rerank+tlift",
    "qaconv+norm", "qaconv+norm+rerank", "qaconv+norm+rerank+tlift",
]  # fmt: skip
NORMALISED: Method = "qaconv+norm"
METHODS: tuple[Method, ...] = (
    "qaconv", "qaconv+rerank", "qaconv+rerank+tlift",
    NORMALISED, "qaconv+norm+rerank", "qaconv+norm+rerank+tlift",
)  # fmt: skip
FALSE_PAIR_CHOICES = (0.001, 0.01, 0.05, 0.1)
"""Shares of labelled pairs of two persons that may lie above the line, to choose from."""
FALSE_ALARM_CHOICES = (0.01, 0.05, 0.1, 0.2)
"""Shares of queries without a match that may have somebody above the line, to choose from."""


LINES = ("strangers", "labels")
"""What the line in a ranking rests on: normalised scores of strangers, or labelled pairs."""


def normalises(method: str) -> bool:
    """Whether a method rests on scores normalised by camera."""
    return method.startswith(NORMALISED)


@dataclass(frozen=True)
class ModelInfo:
    """A loaded model: what was read from its file, and where it computes."""

    spec: ModelSpec
    notes: tuple[str, ...]
    device: str
    source: str
    """The request: a path, or ``demo``."""
    precision: str = "float32"
    """The arithmetic of its feature network."""

    @property
    def title(self) -> str:
        """A short name for the title bar."""
        return "bundled model" if self.source == "demo" else Path(self.source).name


@dataclass(frozen=True)
class Measures:
    """What is known of each query under one method, (p,): NaN and 0 where it is not (yet).

    ``ap`` average precision in [0, 1]; ``first_true`` rank of the first true match, from 1;
    ``top`` the score of the best candidate that is not junk.
    """

    ap: Float64
    first_true: Int64
    top: Float64

    @classmethod
    def unknown(cls, size: int) -> Measures:
        """Nothing is known yet."""
        return cls(np.full(size, np.nan), np.zeros(size, dtype=np.int64), np.full(size, np.nan))

    def extended(self, size: int) -> Measures:
        """The same for ``size`` queries, unknown for those at the end.

        Raises ValueError where these are of more queries.
        """
        more = size - len(self.ap)
        if more < 0:
            raise ValueError(f"measures of {len(self.ap)} queries for a set of {size}")
        if not more:
            return self
        new = Measures.unknown(more)
        return Measures(
            np.concatenate([self.ap, new.ap]),
            np.concatenate([self.first_true, new.first_true]),
            np.concatenate([self.top, new.top]),
        )

    def with_query(self, query: int, ap: float, first_true: int, top: float) -> Measures:
        """The same with what is known of one query."""
        changed = Measures(self.ap.copy(), self.first_true.copy(), self.top.copy())
        changed.ap[query], changed.first_true[query], changed.top[query] = ap, first_true, top
        return changed


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of one of the two pictures, by its row-major number."""

    side: Side
    number: int


@dataclass(frozen=True)
class Selection:
    """The one selection of the window: everything that shows something shows this.

    ``queries`` indices of the chosen queries (more than one only of one person; the first is
    shown large), ``candidate`` a gallery index, ``other`` a second candidate to compare with,
    ``cell`` the pinned cell; ``more`` are candidates chosen besides, for a report.
    """

    queries: tuple[int, ...] = ()
    candidate: int | None = None
    other: int | None = None
    cell: Cell | None = None
    more: frozenset[int] = frozenset()

    @classmethod
    def comparing(
        cls, queries: tuple[int, ...], candidate: int | None, compared: tuple[int, ...] = ()
    ) -> Selection:
        """A candidate, and those that it is compared with: one is the second candidate, several
        are chosen besides. Without a candidate there is nothing to compare."""
        if candidate is None or not compared:
            return cls(queries, candidate)
        if len(compared) == 1:
            return cls(queries, candidate, other=compared[0])
        return cls(queries, candidate, more=frozenset(compared))

    @property
    def chosen(self) -> frozenset[int]:
        """The candidate and those chosen besides."""
        return self.more if self.candidate is None else self.more | {self.candidate}

    @property
    def query(self) -> int | None:
        """The query that is shown large."""
        return self.queries[0] if self.queries else None


CandidateView = Literal["strip", "grid", "closed"]
CANDIDATE_VIEWS: tuple[CandidateView, ...] = ("strip", "grid", "closed")
"""How the ranked candidates are shown: one row above the match, many rows, or not at all."""

EACH = "each"
"""Lines of a colour each, so that lines that cross can be followed."""

Mode = Literal["lines", "heat", "hover", "compare"]
MODES: tuple[Mode, ...] = ("lines", "heat", "hover", "compare")
FEWEST_COMPARED, MOST_COMPARED = 2, 4
"""Candidates that are compared at once."""
MOST_LINES = 999
"""Lines between two pictures that can be asked for at most; 0 draws none."""


Swipe = Literal["", "pair", "original"]
SWIPES: tuple[Swipe, ...] = ("", "pair", "original")
"""No line; the query beside the candidate at one place; the file as it is beside the adjusted one,
in each picture."""


@dataclass(frozen=True)
class Adjustment:
    """How pictures are shown: ``brightness`` and ``contrast`` in [−100, 100], ``sharpness`` in
    [0, 100]; 0 is as the file is."""

    brightness: int = 0
    contrast: int = 0
    sharpness: int = 0


@dataclass(frozen=True)
class Look:
    """How the inspector shows a pair.

    ``threshold`` least similarity of a line, in [−1, 1]; ``count`` most lines; ``direction``
    ``query``, ``gallery`` or ``mutual``; ``colour_by`` ``relative`` (contributions above
    average; plain ones until that is known), ``contribution``, ``similarity`` or ``each``;
    ``heat_of`` the same for the heat maps, without ``each``; ``opacity`` of the heat maps, in
    [0, 1]; ``swipe`` shows one thing left of a line that is dragged, another right of it (one of
    :data:`SWIPES`); ``smooth`` interpolates between cells; ``linked`` zooms and pans both pictures
    together;
    ``fuse`` how several queries are joined; ``false_alarms`` the share of queries without a match
    that may have somebody above the line of normalised scores, ``false_pairs`` the share of
    labelled pairs of two persons above the line of labels; ``line`` is the one that is drawn where
    both are known, one of :data:`LINES`; ``exact`` scores every picture of a large gallery,
    where else only the best are exact; ``tracks`` is what of its pictures a track is ranked by, one
    of :data:`~qaconv_core.ranking.tracks.TRACK_RULES`; ``adjust`` changes pictures on the screen.
    """

    mode: Mode = "lines"
    overlay: bool = True
    grid: bool = False
    linked: bool = True
    threshold: float = 0.3
    count: int = 12
    direction: str = "query"
    colour_by: str = "relative"
    heat_of: str = "relative"
    opacity: float = 0.7
    smooth: bool = False
    fuse: str = "max"
    exact: bool = False
    tracks: str = BEST
    false_alarms: float = 0.1
    false_pairs: float = FALSE_PAIRS
    line: str = LINES[0]
    adjust: Adjustment = Adjustment()
    swipe: Swipe = ""

    @property
    def measure(self) -> str:
        """What colours mean in this mode: that of the heat maps, or of the lines."""
        shown = self.heat_of if self.mode == "heat" else self.colour_by
        return "relative" if shown == EACH else shown


@dataclass(frozen=True)
class QueryFilter:
    """Which queries are listed, and in which order.

    ``text`` is looked for in file names and person numbers, ``pid`` and ``camids`` choose persons
    and cameras (None: all), ``errors`` lists only queries whose rank 1 is false. ``sort`` is
    ``file``, ``person``, ``ap`` (worst first) or ``score`` (of the best candidate, best first).
    """

    text: str = ""
    pid: int | None = None
    camids: frozenset[int] | None = None
    errors: bool = False
    sort: str = "file"


@dataclass(frozen=True)
class ResultFilter:
    """Which ranked pictures are listed: junk, false ones, the query's camera, those that were
    decided about, cameras, times. Of a track the best picture is listed, or ``every_picture``."""

    hide_junk: bool = False
    hide_false: bool = False
    hide_same_camera: bool = False
    camids: frozenset[int] | None = None
    time_range: tuple[float, float] | None = None
    hide_decided: bool = False
    every_picture: bool = False


@dataclass(frozen=True)
class Problem:
    """Something that went wrong, for people: one sentence, and details that can be copied.

    ``size_mismatch`` says what in a checkpoint does not fit the assumed training size, where that
    is the fault: the user can give another size.
    """

    message: str
    details: str = ""
    what: str = ""
    size_mismatch: str = ""
    serial: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Failure:
    """What could not be done (``title``), and why."""

    title: str
    problem: Problem
