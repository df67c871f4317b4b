"""What is searched and what comes out of it: frozen, NumPy only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np

from qaconv_core.data.names import is_distractor
from qaconv_core.explaining.values import (
    ContributionDifference,
    NormalisedBreakdown,
    Reason,
    Relative,
)
from qaconv_core.types import (
    UNKNOWN,
    Bool,
    CorrespondenceMap,
    Dataset,
    Float32,
    Float64,
    ImageRef,
    ImageSet,
    Int64,
    Rejected,
    Side,
    camera_names,
    person_names,
    score_of_logit,
)


@dataclass(frozen=True)
class OpenSet:
    """A set of queries and a gallery.

    ``query`` holds the set's queries and, from index ``added_from`` on, pictures that the user
    brought as queries (their pids are not known). Indices into ``query`` and ``gallery`` are what
    rankings and explanations refer to. ``unlabelled`` is the set as it was read, where labels call
    its pictures by other persons; None where they do not. ``start`` is as in :class:`Dataset`.
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
    unlabelled: OpenSet | None = None
    start: datetime | None = None

    @classmethod
    def of(cls, dataset: Dataset) -> OpenSet:
        """A data set with its queries. With a single camera, same-camera matches count: none would
        be left."""
        cameras = set(dataset.query.camids.tolist()) | set(dataset.gallery.camids.tolist())
        return cls(
            dataset.name, dataset.root, dataset.layout, dataset.query, dataset.gallery,
            len(dataset.query), dataset.rejected, dataset.notes, len(cameras - {UNKNOWN}) != 1,
            start=dataset.start,
        )  # fmt: skip

    @property
    def as_read(self) -> OpenSet:
        """The set as it was read, without labels."""
        return self.unlabelled or self

    def called(self, query: ImageSet, gallery: ImageSet) -> OpenSet:
        """The set with its pictures called by labels: see
        :func:`~qaconv_core.data.labelled.called_pictures`."""
        read = self.as_read
        if query is read.query and gallery is read.gallery:
            return read
        return replace(read, query=query, gallery=gallery, unlabelled=read)

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

    @cached_property
    def person_names(self) -> dict[int, str]:
        """The names of pids that have any."""
        return person_names((*self.query, *self.gallery))

    @cached_property
    def has_distractors(self) -> bool:
        """Whether pid 0 stands for distractors, not for a person called 0."""
        places = np.flatnonzero(self.gallery_pids == 0).tolist()
        return any(is_distractor(self.gallery[place]) for place in places)

    @cached_property
    def camera_names(self) -> dict[int, str]:
        """The names of camids that have any."""
        return camera_names((*self.query, *self.gallery))

    @cached_property
    def gallery_tracks(self) -> Int64 | None:
        """(g,) tracks of a video, −1 where a picture is in none; None where all are in none."""
        tracks = self.gallery.tracks
        return tracks if (tracks != UNKNOWN).any() else None

    @cached_property
    def _track_sizes(self) -> dict[int, int]:
        tracks = self.gallery_tracks
        if tracks is None:
            return {}
        numbers, counts = np.unique(tracks[tracks != UNKNOWN], return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))

    def track_size(self, candidate: int) -> int:
        """How many gallery pictures the track of a candidate has; 1 where it is in none."""
        track = self.gallery[candidate].track
        return 1 if track is None else self._track_sizes[track]

    def track_of(self, candidate: int) -> Int64:
        """Gallery indices of the pictures of a candidate's track, itself included, in order."""
        track, tracks = self.gallery[candidate].track, self.gallery_tracks
        if track is None or tracks is None:
            return np.array([candidate], dtype=np.int64)
        return np.flatnonzero(tracks == track)

    @cached_property
    def knows_matches(self) -> bool:
        """Whether a query of the set has a person who is known in the gallery, without labels."""
        read = self.as_read
        asked = set(read.query_pids[: read.added_from].tolist()) - {UNKNOWN}
        return bool(asked & set(read.gallery_pids.tolist()))

    @property
    def dataset(self) -> Dataset:
        """The set without the pictures that the user brought, and without labels."""
        query = self.as_read.query[: self.added_from]
        return Dataset(
            self.name, self.root, self.layout, ImageSet(()), query, self.as_read.gallery,
            self.rejected, self.notes, start=self.start,
        )  # fmt: skip

    def is_added(self, query: int) -> bool:
        """Whether a query is a picture that the user brought."""
        return query >= self.added_from

    def with_queries(self, refs: tuple[ImageRef, ...]) -> OpenSet:
        """The set with further pictures of the user at the end of its queries."""
        return replace(self, query=ImageSet((*self.query.refs, *refs), self.query.name))


@dataclass(frozen=True)
class MethodScores:
    """Scores of all queries of a set with its gallery, by method.

    ``scores`` (p, g) are logits for ``qaconv``, scores in (0, 1) for the others, larger is closer;
    ``approximations`` says of methods in words what is not exact about them.
    """

    scores: dict[str, Float32]
    approximations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PairView:
    """One query picture and one gallery picture, explained.

    ``similarity`` (cells of the gallery picture, cells of the query): every cell with every cell,
    in [−1, 1]. ``match`` is exact: contributions and bias add up to its logit. In a search by part
    it is that of the cells ``part`` (h, w) of the query alone, ``full_logit`` the plain logit and
    ``evidence`` the share of the pair's evidence that remains, in [0, 1]. ``relative`` are the
    contributions above their mean over the gallery, or the parts of the pair's normalised score;
    None while they are not known. In a search by part there are only the latter. ``hidden`` are
    the cells of query and candidate that ``match`` leaves out besides, (h, w) each; None: none.
    """

    query: int
    candidate: int
    match: CorrespondenceMap
    similarity: Float32
    part: Bool | None = None
    full_logit: float | None = None
    relative: Relative | None = None
    evidence: float = 1.0
    hidden: tuple[Bool | None, Bool | None] = (None, None)

    @property
    def total(self) -> float:
        """What the cells make up: the normalised score where its parts are known, else the logit of
        the match."""
        return self.match.logit if self.normalised is None else self.normalised.n

    @property
    def normalised(self) -> NormalisedBreakdown | None:
        """The parts of the pair's normalised score, where it is explained by these."""
        return self.relative if isinstance(self.relative, NormalisedBreakdown) else None

    @property
    def taking_part(self) -> tuple[Bool | None, Bool | None]:
        """The cells of query and candidate that the match is made of, (h, w) each; None: all."""
        query, gallery = (None if mask is None else ~mask for mask in self.hidden)
        if self.part is not None:
            query = self.part if query is None else self.part & query
        return query, gallery

    @property
    def logit(self) -> float:
        """The logit of the whole pictures."""
        return self.match.logit if self.full_logit is None else self.full_logit

    @property
    def score(self) -> float:
        """The score of the whole pictures, in (0, 1)."""
        return score_of_logit(self.logit)

    @cached_property
    def found(self) -> Bool | None:
        """(h, w): where the cells of the part were found in the candidate; None without a part."""
        if self.part is None:
            return None
        out = np.zeros(self.match.grid, dtype=np.bool_)
        out.flat[self.match.query_best[self.part]] = True
        return out

    def responses(self, side: Side, cell: int) -> Float32:
        """How well every place of the *other* picture answers to ``cell`` (row-major number) of
        the picture ``side``, (h, w) in [−1, 1]."""
        row = self.similarity[:, cell] if side == "query" else self.similarity[cell]
        return np.asarray(row.reshape(self.match.grid))

    def best(self, side: Side, cell: int) -> int:
        """The cell of the *other* picture that ``cell`` of the picture ``side`` is matched with."""
        best = self.match.query_best if side == "query" else self.match.gallery_best
        return int(best.flat[cell])


@dataclass(frozen=True)
class Why:
    """The exact difference of two matches of one query, and its terms, largest first.

    ``reasons`` are all of them; their amounts add up to ``difference.total``, positive ones speak
    for the candidate, negative ones for the other.
    """

    difference: ContributionDifference
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, eq=False)
class Found:
    """Where the part was found in one candidate: ``cells`` (h, w), and the share of this pair's
    evidence that the part holds, in [0, 1]."""

    cells: Bool
    evidence: float


@dataclass(frozen=True)
class WhatIf:
    """A pair with its hidden cells covered: logits and ranks (from 1; 0: has none) before, after.

    The rank after is None while it is being computed. Ranks are QAConv's (by the part, where one is
    drawn), junk left out. ``normalised`` are N before and after, where the gallery is ranked by
    it; ranks are then by N.
    """

    logit_before: float
    logit_after: float
    rank_before: int | None = None
    rank_after: int | None = None
    normalised: tuple[float, float] | None = None

    @property
    def scores(self) -> tuple[float, float]:
        """Scores before and after, in (0, 1)."""
        return score_of_logit(self.logit_before), score_of_logit(self.logit_after)


@dataclass(frozen=True, eq=False)
class Regions:
    """What hiding a window of cells would do, for every window (around each cell), exactly.

    ``changes`` (h, w) by picture (side, which candidate): of the pair's logit, or, with ``lead``,
    of how far the first candidate's logit is above the compared one's. ``normalised``: of N in the
    place of the logit, with strangers as they are. ``flips`` (h, w): the
    candidate and its ``rival`` (a gallery index) would change places; None where there is no rival,
    as for junk, which has no rank.
    """

    changes: dict[tuple[Side, int], Float64]
    flips: dict[tuple[Side, int], Bool]
    window: tuple[int, int]
    lead: bool = False
    rival: int | None = None
    rival_rank: int = 0
    has_rank: bool = True
    normalised: bool = False

    @property
    def limit(self) -> float:
        """The largest change, whatever its sign."""
        return max((float(np.abs(m).max()) for m in self.changes.values()), default=0.0) or 1.0


@dataclass(frozen=True)
class LikenessOrder:
    """``order`` (n,): gallery indices, alike ones beside each other. ``starts`` (m,): places in
    ``order`` where a group of near-duplicates begins; the groups are stretches of ``order``.
    """

    order: Int64
    starts: Int64

    def groups(self) -> list[Int64]:
        """The gallery indices of each group; the first stands for the others."""
        return np.split(self.order, self.starts[1:])

    @cached_property
    def group_of(self) -> Int64:
        """(n,) the number of each picture's group."""
        sizes = np.diff(np.append(self.starts, len(self.order)))
        found = np.empty(len(self.order), dtype=np.int64)
        found[self.order] = np.repeat(np.arange(len(self.starts)), sizes)
        return found
