"""The values that the window shows: an opened set, a model, a ranking, a pair, a selection.

Arrays are NumPy. Everything is frozen: a change is a new value in the
:class:`~app.state.workspace.Workspace`, which notifies its listeners.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from qaconv_core.explaining.values import RelativeMatch
from qaconv_core.types import (
    Bool,
    CorrespondenceMap,
    Float32,
    Float64,
    ImageSet,
    Int64,
    ModelSpec,
    RankingResult,
    Rejected,
    score_of_logit,
)

Side = Literal["query", "gallery"]
Method = Literal["qaconv", "qaconv+rerank", "qaconv+rerank+tlift"]
METHODS: tuple[Method, ...] = ("qaconv", "qaconv+rerank", "qaconv+rerank+tlift")


@dataclass(frozen=True)
class OpenSet:
    """A data set as the window shows it.

    ``query`` holds the set's queries and, from index ``added_from`` on, pictures that were added
    as queries (their pids are not known). Indices into ``query`` and ``gallery`` are what
    everything else in the window refers to.
    """

    name: str
    root: Path
    layout: str
    query: ImageSet
    gallery: ImageSet
    added_from: int
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    junk_rule: bool = True

    @cached_property
    def gallery_pids(self) -> Int64:
        """(g,); −1 where not known."""
        return self.gallery.pids

    @cached_property
    def gallery_camids(self) -> Int64:
        """(g,) 0-based; −1 where not known."""
        return self.gallery.camids

    @cached_property
    def gallery_times(self) -> Float64:
        """(g,) seconds; NaN where not known."""
        return self.gallery.times

    @cached_property
    def query_pids(self) -> Int64:
        """(p,); −1 where not known."""
        return self.query.pids

    @cached_property
    def query_camids(self) -> Int64:
        """(p,) 0-based; −1 where not known."""
        return self.query.camids

    def is_added(self, query: int) -> bool:
        """Whether a query is an added picture."""
        return query >= self.added_from


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
class Ranking:
    """The whole gallery in order for one query, or several queries of one person.

    ``order`` (g,) gallery indices, best first; ``values`` (g,) what they were ranked by, larger is
    closer: logits for ``qaconv`` (``kind`` ``"logit"``), scores in (0, 1) for the other methods
    (``"score"``); ``truth`` (g,) as in :class:`~qaconv_core.types.RankingResult`. ``before`` (g,)
    is the place that the same picture has under plain QAConv (None for plain QAConv itself).
    ``part`` (h, w) are the cells of the first query that it was searched by (None: all), and
    ``evidence`` the share of the query's evidence that they hold, in [0, 1]. ``gallery`` is the
    size of a gallery of which only these pictures have been ranked so far; None where all are.
    ``exact_to`` is the place up to which order and values are exact, where those further down are
    estimates (0: no place is certain; None: all are exact); ``approximation`` says it in words.
    """

    queries: tuple[int, ...]
    method: Method
    order: Int64
    values: Float32
    truth: npt.NDArray[np.int8]
    kind: str = "logit"
    before: Int64 | None = None
    approximation: str = ""
    part: Bool | None = None
    evidence: float = 1.0
    gallery: int | None = None
    exact_to: int | None = None

    @property
    def whole(self) -> bool:
        """Whether all the gallery has been ranked."""
        return self.gallery is None

    @cached_property
    def ranks(self) -> Int64:
        """(g,) the rank shown beside each place, from 1; 0 for junk, which has no rank."""
        counted = self.truth != RankingResult.JUNK
        return np.where(counted, np.cumsum(counted), 0).astype(np.int64)

    @cached_property
    def places(self) -> Int64:
        """(g,) where in the order each gallery picture stands; −1 where not ranked yet."""
        size = len(self.order) if self.gallery is None else self.gallery
        places = np.full(size, -1, dtype=np.int64)
        places[self.order] = np.arange(len(self.order))
        return places

    def place_of(self, candidate: int) -> int:
        """The place of a gallery picture in the order, from 0; −1 where not ranked yet."""
        return int(self.places[candidate])

    def rank_of(self, candidate: int) -> int:
        """The rank of a gallery picture, from 1; 0 for junk and for what is not ranked yet."""
        place = self.place_of(candidate)
        return int(self.ranks[place]) if place >= 0 else 0

    def value_of(self, candidate: int) -> float:
        """The logit or score of a gallery picture; NaN where not ranked yet."""
        place = self.place_of(candidate)
        return float(self.values[place]) if place >= 0 else math.nan

    def truth_of(self, candidate: int) -> int:
        """The truth of a gallery picture; not known where not ranked yet."""
        place = self.place_of(candidate)
        return int(self.truth[place]) if place >= 0 else RankingResult.NOT_KNOWN

    def score_of(self, candidate: int) -> float:
        """The score in (0, 1) of a gallery picture."""
        value = self.value_of(candidate)
        return score_of_logit(value) if self.kind == "logit" else value

    def next_place(self, place: int, truth: int, step: int = 1) -> int | None:
        """The next place after (``step`` 1) or before (−1) ``place`` with that truth, or None."""
        found = np.flatnonzero(self.truth == truth)
        found = found[found > place] if step > 0 else found[found < place][::-1]
        return int(found[0]) if len(found) else None

    def first(self, truth: int) -> int | None:
        """The best gallery picture with that truth, or None."""
        place = self.next_place(-1, truth)
        return None if place is None else int(self.order[place])


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


@dataclass(frozen=True)
class PairView:
    """One query picture and one gallery picture, explained.

    ``similarity`` (cells of the gallery picture, cells of the query): every cell with every cell,
    in [−1, 1]. ``match`` is exact: contributions and bias add up to its logit. In a search by part
    it is that of the cells ``part`` (h, w) of the query alone, ``full_logit`` the plain logit and
    ``evidence`` the share of the pair's evidence that remains, in [0, 1].
    ``relative`` are the contributions beyond their mean over the gallery; None while that is not
    known, and in a search by part.
    """

    query: int
    candidate: int
    match: CorrespondenceMap
    similarity: Float32
    part: Bool | None = None
    full_logit: float | None = None
    relative: RelativeMatch | None = None
    evidence: float = 1.0

    @cached_property
    def found(self) -> Bool | None:
        """(h, w): where the cells of the part were found in the candidate; None without a part."""
        if self.part is None:
            return None
        out = np.zeros(self.match.grid, dtype=np.bool_)
        out.flat[self.match.query_best[self.part]] = True
        return out

    def responses(self, cell: Cell) -> Float32:
        """The similarity of every cell of the *other* picture to a cell, (h, w) in [−1, 1]."""
        row = (
            self.similarity[:, cell.number]
            if cell.side == "query"
            else self.similarity[cell.number]
        )
        return np.asarray(row.reshape(self.match.grid))

    def best(self, cell: Cell) -> Cell:
        """The cell of the other picture that a cell is matched with."""
        if cell.side == "query":
            return Cell("gallery", int(self.match.query_best.ravel()[cell.number]))
        return Cell("query", int(self.match.gallery_best.ravel()[cell.number]))


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

    @property
    def chosen(self) -> frozenset[int]:
        """The candidate and those chosen besides."""
        return self.more if self.candidate is None else self.more | {self.candidate}

    @property
    def query(self) -> int | None:
        """The query that is shown large."""
        return self.queries[0] if self.queries else None


Mode = Literal["lines", "heat", "hover", "compare"]
MODES: tuple[Mode, ...] = ("lines", "heat", "hover", "compare")
MOST_LINES = 999
"""Lines between two pictures that can be asked for at most; 0 draws none."""


@dataclass(frozen=True)
class Look:
    """How the inspector shows a pair.

    ``threshold`` least similarity of a line, in [−1, 1]; ``count`` most lines; ``direction``
    ``query``, ``gallery`` or ``mutual``; ``colour_by`` ``relative`` (contributions beyond the
    usual; plain ones until that is known), ``contribution`` or ``similarity``; ``heat_of`` the
    same for the heat maps; ``opacity`` of the heat maps, in [0, 1]; ``linked``
    zooms and pans both pictures together; ``fuse`` how several queries are joined; ``exact``
    scores every picture of a large gallery, where else only the best are exact.
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
    fuse: str = "max"
    exact: bool = False

    @property
    def measure(self) -> str:
        """What colours mean in this mode: that of the heat maps, or of the lines."""
        return self.heat_of if self.mode == "heat" else self.colour_by


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
    """Which ranked pictures are listed: junk, false ones, the query's camera, cameras, times."""

    hide_junk: bool = False
    hide_false: bool = False
    hide_same_camera: bool = False
    camids: frozenset[int] | None = None
    time_range: tuple[float, float] | None = None


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
