"""The values that travel between the parts of the engine.

Plain frozen dataclasses over NumPy arrays: nothing here knows torch or Qt. Each refuses to be
built from parts that contradict each other, so that a wrong shape is met where it arises.

Words (see DESIGN): *query*, *gallery*, *pid* (person), *camid* (camera, 0-based), *time*
(seconds), *cell* (one place of a feature map, numbered row-major), *grid* (h, w), *logit* (larger
is closer), *score* = sigmoid(logit / 10), *distance* = 1 − score.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Grid = tuple[int, int]

UNKNOWN = -1
"""Stands in arrays for a pid or camid that is not known (times use NaN)."""
_FETCHED = 1 << 30
"""Bytes that the system is asked to fetch ahead; more could push out what is needed first."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One picture of a data set: where it is and what is known of it.

    ``camid`` is 0-based, ``time`` in seconds; pid, camid and time are None where unknown. Pid 0
    is a distractor in Market-1501.
    """

    path: Path
    pid: int | None = None
    camid: int | None = None
    time: float | None = None


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


@dataclass(frozen=True)
class ModelSpec:
    """What a checkpoint's tensors say about the network they belong to.

    ``arch`` names the backbone (``resnet50``), ``ibn`` is None, ``"a"``, ``"b"`` or ``"b-v1"``
    (the variant of the first release, instance norms without parameters), ``layer`` the last stage
    kept, ``neck`` the number of channels of the neck (0: none), ``head`` ``"shared"`` or
    ``"two-sided"``, ``grid`` (h, w) of the feature map, ``channels`` C of the feature map,
    ``input_size`` (height, width) in pixels.
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
class ScoreMatrix:
    """Similarities of every query to every gallery picture, larger is closer.

    ``values`` has shape (p, g), float32: logits of QAConv when ``kind`` is ``"logit"``, numbers
    of unknown scale when it is ``"score"`` (saved scores of other models).
    """

    values: Float32
    query: ImageSet
    gallery: ImageSet
    kind: str = "logit"

    def __post_init__(self) -> None:
        expected = (len(self.query), len(self.gallery))
        if self.values.shape != expected:
            raise InputError(
                f"scores of shape {self.values.shape} do not fit {expected[0]} queries "
                f"and {expected[1]} gallery pictures"
            )


@dataclass(frozen=True)
class RankingResult:
    """One query's gallery, best first.

    ``order`` (n,) are gallery indices, ``values`` (n,) what they were ranked by (a larger value is
    a better match), ``truth`` (n,) is 1 for a true match, 0 for a false one, −1 for junk and −2
    where not known. Ties stand in gallery order.
    """

    query: int
    order: Int64
    values: Float32
    truth: npt.NDArray[np.int8]
    method: str = "qaconv"
    approximation: str = ""

    TRUE = 1
    FALSE = 0
    JUNK = -1
    NOT_KNOWN = -2

    def __post_init__(self) -> None:
        if not len(self.order) == len(self.values) == len(self.truth):
            raise InputError("order, values and truth of a ranking must have one length")


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
class EvaluationReport:
    """What an evaluation found, with everything needed to know what the numbers mean."""

    dataset: str
    counts: dict[str, int]
    results: tuple[MethodResult, ...]
    protocol: dict[str, Any]
    checkpoint: dict[str, Any]
    device: str
    seconds: dict[str, float]
    separation: dict[str, Any] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
