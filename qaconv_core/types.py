"""The values that travel between the parts of the engine.

Plain frozen dataclasses over NumPy arrays: nothing here knows torch or Qt. They check
their parts against each other, so that a wrong shape is reported where it arises.

Words (see DESIGN): *query*, *gallery*, *pid* (person), *camid* (camera, 0-based), *time*
(seconds), *cell* (one place of a feature map, numbered row-major), *grid* (h, w), *logit* (larger
is closer), *score* = sigmoid(logit / 10), *distance* = 1 − score.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError

Float16 = npt.NDArray[np.float16]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Grid = tuple[int, int]
Side = Literal["query", "gallery"]
Certainty = Literal["exact", "proved", "measured", "shortlist"]
CERTAINTIES: tuple[Certainty, ...] = ("exact", "proved", "measured", "shortlist")

_T = TypeVar("_T")

UNKNOWN = -1
"""An unknown pid or camid in arrays (unknown times are NaN)."""
_FETCHED = 1 << 30
"""The most bytes that the system is asked to prefetch; more could evict what is needed first."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One picture of a data set: where it is and what is known of it.

    ``camid`` is 0-based, ``time`` in seconds; pid, camid and time are None where unknown. Pid 0
    is a distractor in Market-1501. Pictures of one ``track`` show one person in neighbouring
    frames of a video; None: in no track. ``person`` and ``camera`` are what the data set calls
    pid and camid; empty where these are its own numbers (of cameras: camid + 1).
    """

    path: Path
    pid: int | None = None
    camid: int | None = None
    time: float | None = None
    track: int | None = None
    person: str = ""
    camera: str = ""


def person_names(refs: Iterable[ImageRef]) -> dict[int, str]:
    """The names of pids that have any."""
    return {ref.pid: ref.person for ref in refs if ref.pid is not None and ref.person}


def camera_names(refs: Iterable[ImageRef]) -> dict[int, str]:
    """The names of camids that have any."""
    return {ref.camid: ref.camera for ref in refs if ref.camid is not None and ref.camera}


@dataclass(frozen=True)
class ImageSet(Sequence[ImageRef]):
    """An ordered set of pictures (a split of a data set, or some files of the user)."""

    refs: tuple[ImageRef, ...]
    name: str = ""

    def __len__(self) -> int:
        return len(self.refs)

    @overload
    def __getitem__(self, index: int) -> ImageRef: ...
    @overload
    def __getitem__(self, index: slice) -> ImageSet: ...
    def __getitem__(self, index: int | slice) -> ImageRef | ImageSet:
        if isinstance(index, slice):
            return ImageSet(self.refs[index], self.name)
        return self.refs[index]

    def __iter__(self) -> Iterator[ImageRef]:
        return iter(self.refs)

    @property
    def paths(self) -> list[Path]:
        """The files, in order."""
        return [ref.path for ref in self.refs]

    @property
    def pids(self) -> Int64:
        """Person ids, shape (n,); :data:`UNKNOWN` where not known."""
        return np.array([UNKNOWN if r.pid is None else r.pid for r in self.refs], dtype=np.int64)

    @property
    def camids(self) -> Int64:
        """Camera ids, shape (n,), 0-based; :data:`UNKNOWN` where not known."""
        return np.array(
            [UNKNOWN if r.camid is None else r.camid for r in self.refs], dtype=np.int64
        )

    @property
    def times(self) -> Float64:
        """Times in seconds, shape (n,); NaN where not known."""
        return np.array([np.nan if r.time is None else r.time for r in self.refs], dtype=np.float64)

    @property
    def tracks(self) -> Int64:
        """Tracks, shape (n,); :data:`UNKNOWN` where a picture is in none."""
        return np.array(
            [UNKNOWN if r.track is None else r.track for r in self.refs], dtype=np.int64
        )

    def select(self, indices: Sequence[int] | Int64) -> ImageSet:
        """The pictures at ``indices``, in that order."""
        return ImageSet(tuple(self.refs[int(i)] for i in indices), self.name)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that was found and left out, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Dataset:
    """A data set as found on disk.

    ``layout`` says in words what was recognised (e.g. ``"Market-1501 folders"``); ``rejected``
    lists the files left out, ``notes`` what a user should know before relying on the set.
    ``start`` is the moment that times count from, where they were dates.
    """

    name: str
    root: Path
    layout: str
    train: ImageSet
    query: ImageSet
    gallery: ImageSet
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    frame_rate: float | None = None
    start: datetime | None = None

    @cached_property
    def person_names(self) -> Mapping[int, str]:
        """The names of pids that have any."""
        return person_names((*self.train, *self.query, *self.gallery))

    @cached_property
    def camera_names(self) -> Mapping[int, str]:
        """The names of camids that have any."""
        return camera_names((*self.train, *self.query, *self.gallery))


FIRST_RELEASES = "v1.x"
"""The releases whose checkpoints hold the head's tensors by bare names, and no seen classes."""


@dataclass(frozen=True)
class ModelSpec:
    """What a checkpoint's tensors say about the network they belong to.

    ``arch`` names the backbone (``resnet50``), ``ibn`` is None, ``"a"``, ``"b"`` or ``"b-v1"``
    (the variant of the first release, instance norms without parameters), ``layer`` the last stage
    kept, ``neck`` the number of channels of the neck (0: none), ``head`` ``"shared"`` or
    ``"two-sided"``, ``grid`` (h, w) of the feature map, ``channels`` C of the feature map,
    ``input_size`` (height, width) in pixels, ``adapted`` how it was adapted to somebody's cameras,
    in words.
    """

    arch: str
    ibn: str | None
    layer: str
    neck: int
    neck_bn: bool
    head: str
    grid: Grid
    channels: int
    input_size: tuple[int, int]
    release: str = ""
    epoch: int | None = None
    path: str = ""
    sha256: str = ""
    adapted: str = ""

    @property
    def cells(self) -> int:
        """Number of cells of a feature map, h·w."""
        return self.grid[0] * self.grid[1]

    def describe(self) -> str:
        """One line for people, e.g. ``ResNet-50 IBN-b to layer3, neck 128, shared head, 24×8``."""
        name = arch_title(self.arch)
        ibn = f" IBN-{self.ibn}" if self.ibn else ""
        neck = f"neck {self.neck}" if self.neck else "no neck"
        return (
            f"{name}{ibn} to {self.layer}, {neck}, {self.head} head, {self.grid[0]}×{self.grid[1]}"
        )

    def in_full(self) -> str:
        """:meth:`describe`, and how the model was adapted where it was: what a report says."""
        return "; ".join(filter(None, (self.describe(), self.adapted)))


def arch_title(arch: str) -> str:
    """An architecture's name as people write it: ``resnet50`` is ResNet-50."""
    for ours, theirs in (
        ("resnet", "ResNet-"),
        ("efficientnet_lite", "EfficientNet-Lite"),
        ("mobilenet_v", "MobileNetV"),
    ):
        arch = arch.replace(ours, theirs)
    return arch


def as_slice(rows: Int64) -> slice | Int64:
    """``rows`` as a slice where they follow one another: indexing with it copies nothing."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and np.all(np.diff(rows) == 1):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def page_runs(rows: Int64, row_bytes: int, begin: int = 0) -> list[tuple[int, int]]:
    """(start, length) in bytes of the pages that hold ``rows`` (ascending), joined if they touch.

    Row 0 begins at byte ``begin``. Starts are multiples of a page; not more than 1 GiB in all.
    """
    rows = rows[: max(1, _FETCHED // row_bytes)]
    starts = (begin + rows * row_bytes) // mmap.PAGESIZE * mmap.PAGESIZE
    ends = begin + (rows + 1) * row_bytes
    firsts = np.flatnonzero(np.append(True, starts[1:] > ends[:-1]))
    lasts = np.append(firsts[1:] - 1, len(rows) - 1)
    return [(int(starts[a]), int(ends[b] - starts[a])) for a, b in zip(firsts, lasts, strict=True)]


@dataclass(frozen=True)
class FeatureBank:
    """Feature maps of a set of pictures, float16, usually memory-mapped.

    ``maps`` holds rows of C·h·w numbers, shape (rows, C, h, w); picture ``i`` is
    ``maps[rows[i]]``. Slices are read from disk when asked for and never all at once.
    """

    maps: npt.NDArray[np.float16]
    rows: Int64

    def __post_init__(self) -> None:
        if self.maps.ndim != 4:
            raise InputError(f"feature maps need shape (n, C, h, w), not {self.maps.shape}")
        if len(self.rows) and not (self.rows.min() >= 0 and self.rows.max() < len(self.maps)):
            raise InputError("a feature bank refers to rows that it does not hold")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, C, h, w)."""
        return (len(self.rows), *self.maps.shape[1:])

    def read(self, start: int, stop: int) -> npt.NDArray[np.float16]:
        """Maps of pictures ``start`` … ``stop``−1 in memory, shape (stop − start, C, h, w)."""
        return np.array(self.view(start, stop))

    def view(self, start: int, stop: int) -> npt.NDArray[np.float16]:
        """As :meth:`read`, but not copied where they lie one after another; only to be read."""
        return np.asarray(self.maps[as_slice(self.rows[start:stop])])

    def __getitem__(self, index: int) -> npt.NDArray[np.float16]:
        return np.asarray(self.maps[self.rows[index]])

    def select(self, indices: Sequence[int] | Int64) -> FeatureBank:
        """A bank of the pictures at ``indices``, in that order, over the same memory."""
        return FeatureBank(self.maps, self.rows[np.asarray(indices, dtype=np.int64)])

    def about_to_be_read(self) -> FeatureBank:
        """Itself, after asking the system to fetch scattered maps from the disk all at once.

        Reading them in turn waits for each. Of many only the first are asked for (1 GiB), and
        nothing is done for maps in memory or where the system has no such request.
        """
        mapped: Any = getattr(self.maps, "_mmap", None)
        if hasattr(mapped, "madvise") and self.maps.flags.c_contiguous and len(self.rows):
            begin = self.maps.ctypes.data - np.frombuffer(mapped, np.uint8).ctypes.data
            for start, length in page_runs(np.sort(self.rows), self.maps[:1].nbytes, begin):
                mapped.madvise(mmap.MADV_WILLNEED, start, length)
        return self


@dataclass(frozen=True)
class RankingResult:
    """A gallery in order for one query, or for several together; best first.

    - ``queries``: indices of the queries;
    - ``order`` (n,): gallery indices without repeats, ties in gallery order;
    - ``values`` (n,): what they were ranked by, larger is closer: logits (``kind`` ``"logit"``), or
      re-ranked scores in [0, 1] or TLift's values, which may exceed 1 (``"score"``);
    - ``truth`` (n,): :data:`TRUE`, :data:`FALSE`, :data:`JUNK` or :data:`NOT_KNOWN`;
    - ``gallery``: the size of a gallery of which only n pictures are ranked; None where all are;
    - ``before`` (n,): the place, from 0, of the same picture under plain QAConv; None for QAConv;
    - ``part`` (h, w): the cells of the first query that were searched by (None: all), and
      ``evidence`` the share of the query's evidence that they hold, in [0, 1];
    - ``whole_logits`` (n,): plain logits of the whole pictures, where ``values`` are something
      else: logits by a part, re-ranked scores, TLift's values;
    - ``tracks`` (n,): the track of each picture, :data:`UNKNOWN` where it is in none; None: nobody
      is in any. A track has one rank, that of the best of its pictures;
    - ``track_means`` (n,): the mean that the track of each picture is ranked by, its own value in
      no track; None: by the best (:func:`~qaconv_core.ranking.tracks.by_tracks`).

    ``certainty`` says how far order and values can be relied on: ``"exact"`` to the last place;
    else up to place ``exact_to`` (0: no place), which is ``"proved"``, ``"measured"``, or true of
    the pictures of a ``"shortlist"`` alone. ``bounds`` (n,) are how far each value can be off, 0
    where it is exact. ``approximation`` says in words what is not exact about the ranking or its
    method; "" where nothing is to be said.
    """

    queries: tuple[int, ...]
    order: Int64
    values: Float32
    truth: npt.NDArray[np.int8]
    method: str = "qaconv"
    kind: str = "logit"
    gallery: int | None = None
    before: Int64 | None = None
    part: Bool | None = None
    evidence: float = 1.0
    whole_logits: Float32 | None = None
    tracks: Int64 | None = None
    track_means: Float32 | None = None
    certainty: Certainty = "exact"
    exact_to: int | None = None
    bounds: Float32 | None = None
    approximation: str = ""

    TRUE = 1
    FALSE = 0
    JUNK = -1
    NOT_KNOWN = -2

    def __post_init__(self) -> None:
        count = len(self.order)
        columns = (self.values, self.truth, self.before, self.bounds, self.whole_logits,
                   self.tracks, self.track_means)  # fmt: skip
        if any(column is not None and len(column) != count for column in columns):
            raise InputError("order, values and truth of a ranking must have one length")
        seen = np.zeros(self.size, dtype=np.bool_)
        if count and not (self.order.min() >= 0 and self.order.max() < len(seen)):
            raise InputError("a ranking refers to pictures that the gallery does not hold")
        seen[self.order] = True
        if np.count_nonzero(seen) != count:
            raise InputError("a ranking holds a gallery picture more than once")
        if count and not (self.truth.min() >= self.NOT_KNOWN and self.truth.max() <= self.TRUE):
            raise InputError("a ranking has a truth that is none of true, false, junk, not known")
        if self.certainty not in CERTAINTIES:
            raise InputError(f"a ranking's certainty is not {self.certainty!r}")
        if (self.certainty == "exact") != (self.exact_to is None):
            raise InputError("a ranking that is not exact says up to which place it is")
        if self.exact_to is not None and not 0 <= self.exact_to <= count:
            raise InputError(f"a ranking of {count} is not exact up to place {self.exact_to}")

    @property
    def query(self) -> int:
        """The first query."""
        return self.queries[0]

    @property
    def size(self) -> int:
        """How many pictures the gallery holds, g."""
        return len(self.order) if self.gallery is None else self.gallery

    @property
    def whole(self) -> bool:
        """Whether all the gallery is ranked."""
        return self.gallery is None

    @cached_property
    def ranks(self) -> Int64:
        """(n,) the rank of each place: see :func:`ranks`."""
        return ranks(self.truth, self.tracks)

    @cached_property
    def leads(self) -> Bool:
        """(n,) whether a place is the best of its track, or in none; all junk leads."""
        return leads(self.truth, self.tracks)

    @property
    def counted_leads(self) -> Bool:
        """(n,) which places have a rank of their own: the best of each track; no junk."""
        return self.leads & (self.truth != self.JUNK)

    @cached_property
    def places(self) -> Int64:
        """(g,) where in the order each gallery picture stands, from 0; −1 where not ranked."""
        places = np.full(self.size, -1, dtype=np.int64)
        places[self.order] = np.arange(len(self.order))
        return places

    @property
    def gallery_values(self) -> Float32:
        """(g,) the value of each gallery picture; −∞ where not ranked."""
        values = np.full(self.size, -np.inf, dtype=np.float32)
        values[self.order] = self.values
        return values

    @property
    def track_rule(self) -> str:
        """What of its pictures a track is ranked by: ``best`` or ``mean``; "" without tracks."""
        if self.tracks is None:
            return ""
        return "best" if self.track_means is None else "mean"

    @property
    def scored(self) -> int:
        """How many of the values are exact."""
        return len(self.order) if self.bounds is None else int(np.count_nonzero(self.bounds == 0))

    def place_of(self, candidate: int) -> int:
        """The place of a gallery picture in the order, from 0; −1 where not ranked."""
        return int(self.places[candidate])

    def rank_of(self, candidate: int) -> int:
        """The rank of a gallery picture, from 1; 0 for junk and for what is not ranked."""
        place = self.place_of(candidate)
        return int(self.ranks[place]) if place >= 0 else 0

    def value_of(self, candidate: int) -> float:
        """The logit or score of a gallery picture; NaN where not ranked."""
        place = self.place_of(candidate)
        return float(self.values[place]) if place >= 0 else math.nan

    def truth_of(self, candidate: int) -> int:
        """The truth of a gallery picture; not known where not ranked."""
        place = self.place_of(candidate)
        return int(self.truth[place]) if place >= 0 else self.NOT_KNOWN

    def logit_at(self, place: int) -> float | None:
        """The plain logit of the whole pictures at ``place``; None where it is not known."""
        if self.whole_logits is not None:
            return float(self.whole_logits[place])
        return float(self.values[place]) if self.kind == "logit" else None

    def part_logit_at(self, place: int) -> float | None:
        """The logit by the part that is searched by, at ``place``; None without a part."""
        by_part = self.kind == "logit" and self.whole_logits is not None
        return float(self.values[place]) if by_part else None

    def score_at(self, place: int) -> float:
        """The score in (0, 1) of the whole pictures at ``place``."""
        logit = self.logit_at(place)
        return float(self.values[place]) if logit is None else score_of_logit(logit)

    def next_place(self, place: int, truth: int, step: int = 1) -> int | None:
        """The next place after (``step`` 1) or before (−1) ``place`` with that truth, or None."""
        found = np.flatnonzero(self.truth == truth)
        found = found[found > place] if step > 0 else found[found < place][::-1]
        return int(found[0]) if len(found) else None

    def first(self, truth: int) -> int | None:
        """The best gallery picture with that truth, or None."""
        place = self.next_place(-1, truth)
        return None if place is None else int(self.order[place])

    def select(self, places: Int64) -> RankingResult:
        """The ranking of the pictures at ``places`` (ascending, from 0) alone."""
        kept = None
        if self.exact_to is not None:
            kept = int(np.count_nonzero(places < self.exact_to))
        return replace(
            self,
            order=self.order[places],
            values=self.values[places],
            truth=self.truth[places],
            before=None if self.before is None else self.before[places],
            bounds=None if self.bounds is None else self.bounds[places],
            whole_logits=None if self.whole_logits is None else self.whole_logits[places],
            tracks=None if self.tracks is None else self.tracks[places],
            track_means=None if self.track_means is None else self.track_means[places],
            gallery=self.size,
            exact_to=kept,
        )


def ranks(truth: npt.NDArray[np.int8], tracks: Int64 | None = None) -> Int64:
    """(n,) the ranks of pictures of ``truth`` (n,) in order, from 1; 0 for junk, which has none.

    Junk takes no place: what follows it has the rank that it would have without it. A 0 is never
    shown or written. All pictures of a track (n,) have the rank of the best of them.
    """
    counted = truth != RankingResult.JUNK
    first = counted & leads(truth, tracks)
    own = np.where(counted, np.cumsum(first), 0).astype(np.int64)
    if tracks is not None:
        later = counted & ~first
        heads = np.flatnonzero(first)
        by_track = dict(zip(tracks[heads].tolist(), own[heads].tolist(), strict=True))
        own[later] = [by_track[track] for track in tracks[later].tolist()]
    return own


def leads(truth: npt.NDArray[np.int8], tracks: Int64 | None) -> Bool:
    """(n,) which pictures in order are the first of their track that is not junk, or in no track.

    Junk always is.
    """
    out = np.ones(len(truth), dtype=np.bool_)
    if tracks is not None:
        followed = np.flatnonzero((tracks != UNKNOWN) & (truth != RankingResult.JUNK))
        _, first = np.unique(tracks[followed], return_index=True)
        out[followed] = False
        out[followed[first]] = True
    return out


def score_of_logit(logit: float) -> float:
    """sigmoid(logit / 10), in (0, 1), larger is closer; not a probability."""
    # By tanh: the exponential would overflow for very negative logits.
    return 0.5 + 0.5 * math.tanh(0.05 * logit)


@dataclass(frozen=True)
class CorrespondenceMap:
    """Which part of a query matched which part of a gallery picture, and what that was worth.

    Exact: ``query_contribution.sum() + gallery_contribution.sum() + bias == logit``.

    - ``query_similarity`` (h, w): each query cell's similarity to its best gallery cell, [−1, 1];
    - ``query_best`` (h, w): that gallery cell, row-major number;
    - ``query_contribution`` (h, w): what the query cell adds to the logit;
    - ``gallery_*`` the same for each gallery cell and its best query cell.
    """

    logit: float
    bias: float
    grid: Grid
    query_similarity: Float32
    query_best: Int64
    query_contribution: Float32
    gallery_similarity: Float32
    gallery_best: Int64
    gallery_contribution: Float32

    def __post_init__(self) -> None:
        for name in ("similarity", "best", "contribution"):
            for side in ("query", "gallery"):
                shape = getattr(self, f"{side}_{name}").shape
                if shape != self.grid:
                    raise InputError(f"{side}_{name} has shape {shape}, the grid is {self.grid}")

    @property
    def score(self) -> float:
        """sigmoid(logit / 10), in (0, 1). Not a probability."""
        return score_of_logit(self.logit)

    @property
    def distance(self) -> float:
        """1 − score."""
        return 1.0 - self.score

    def to_dict(self) -> dict[str, Any]:
        """All fields as numbers and nested lists, for JSON."""
        out: dict[str, Any] = {
            "logit": float(self.logit),
            "score": self.score,
            "bias": float(self.bias),
            "grid": list(self.grid),
        }
        for side in ("query", "gallery"):
            for name in ("similarity", "best", "contribution"):
                out[f"{side}_{name}"] = getattr(self, f"{side}_{name}").tolist()
        return out


@dataclass(frozen=True)
class MethodResult:
    """Measures of one ranking method; all fractions in [0, 1].

    ``cmc`` (k,): cmc[0] is Rank-1. ``ap`` (p,): per query, NaN where the query is not valid.
    ``approximation`` says in words what was not exact ("" when everything was).
    """

    method: str
    cmc: Float64
    mAP: float
    mINP: float
    ap: Float64
    approximation: str = ""

    def rank(self, k: int) -> float:
        """Share of valid queries with a true match among the first ``k`` (k ≥ 1)."""
        if len(self.cmc) == 0:
            return float("nan")
        return float(self.cmc[min(k, len(self.cmc)) - 1])


@dataclass(frozen=True)
class EvaluationCounts:
    """Numbers of pictures; ``rejected`` is None where nothing could be rejected (saved scores).

    ``exact_pairs`` of ``pairs`` were scored exactly; both are None where all were.
    """

    query: int = 0
    gallery: int = 0
    valid_queries: int = 0
    rejected: int | None = None
    pairs: int | None = None
    exact_pairs: int | None = None

    def to_dict(self) -> dict[str, int]:
        """The JSON form, without what is None."""
        return _given(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> EvaluationCounts:
        """Read the JSON form; what is missing or no number gets its default."""
        numbers = {
            f.name: int(record[f.name])
            for f in fields(cls)
            if type(record.get(f.name)) in (int, float)
        }
        return cls(**numbers)


@dataclass(frozen=True)
class EvaluationProtocol:
    """How an evaluation was made, in words: what makes its numbers comparable with others.

    ``approximations`` is empty where everything was exact. ``rerank``, ``tlift`` and
    ``normalisation`` are the parameters of these steps, None where the step was not used;
    ``roles_within_a_side`` says which picture is the query in pairs of one side. The other fields
    are None only where a stored report does not tell.
    """

    ap: str | None = None
    junk: str | None = None
    denominators: str | None = None
    ties: str | None = None
    score: str | None = None
    approximations: tuple[str, ...] | None = None
    rerank: Mapping[str, Any] | None = None
    roles_within_a_side: str | None = None
    tlift: Mapping[str, Any] | None = None
    normalisation: Mapping[str, Any] | None = None
    preprocessing: str | None = None
    layout: str | None = None
    versions: Mapping[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; fields that are None are left out."""
        record: dict[str, Any] = _given(self)
        if self.approximations is not None:
            record["approximations"] = list(self.approximations) or "none"
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> EvaluationProtocol:
        """Read the JSON form; values of another type than expected are None."""
        texts = (
            "ap", "junk", "denominators", "ties", "score", "roles_within_a_side", "preprocessing",
            "layout",
        )  # fmt: skip
        given: dict[str, Any] = {name: _if(str, record.get(name)) for name in texts}
        for name in ("rerank", "tlift", "normalisation", "versions"):
            given[name] = _if(dict, record.get(name))
        approximations = record.get("approximations")
        if isinstance(approximations, list):
            given["approximations"] = tuple(map(str, approximations))
        elif approximations == "none":
            given["approximations"] = ()
        return cls(**given)


@dataclass(frozen=True)
class CheckpointRecord:
    """Which model, or which file of saved scores, an evaluation was made with.

    ``path``, ``name`` (in older reports) and ``scores`` are file names, ``model`` describes the
    network, ``release`` is that of QAConv, ``adapted`` says how the model was adapted. Fields are
    None where they do not apply.
    """

    path: str | None = None
    name: str | None = None
    scores: str | None = None
    sha256: str | None = None
    model: str | None = None
    release: str | None = None
    epoch: int | None = None
    adapted: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; a model's epoch is null where its checkpoint does not tell."""
        record: dict[str, Any] = _given(self)
        return {**record, "epoch": self.epoch} if self.model is not None else record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> CheckpointRecord:
        """Read the JSON form; values of another type than expected are None."""
        texts = ("path", "name", "scores", "sha256", "model", "release", "adapted")
        given: dict[str, Any] = {name: _if(str, record.get(name)) for name in texts}
        return cls(**given, epoch=_if(int, record.get("epoch")))


def _given(record: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not None."""
    values = ((f.name, getattr(record, f.name)) for f in fields(record))
    return {name: value for name, value in values if value is not None}


def _if(kind: type[_T], value: object) -> _T | None:
    """``value`` where it is of this type, else None."""
    return value if isinstance(value, kind) else None


@dataclass(frozen=True)
class EvaluationReport:
    """What an evaluation found, with everything needed to know what the numbers mean.

    ``seconds`` are times by stage. ``separation`` is the JSON form of
    :class:`~qaconv_core.evaluation.separation.Separation`, as a stored report holds it; ``cameras``
    and ``open_set`` (by method) are those of :mod:`~qaconv_core.evaluation.camera_report` and
    :mod:`~qaconv_core.evaluation.open_set`.
    """

    dataset: str
    counts: EvaluationCounts
    results: tuple[MethodResult, ...]
    protocol: EvaluationProtocol
    checkpoint: CheckpointRecord
    device: str
    seconds: Mapping[str, float]
    separation: Mapping[str, Any] = field(default_factory=dict)
    cameras: Mapping[str, Any] = field(default_factory=dict)
    open_set: Mapping[str, Any] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
