"""The results of this package: frozen dataclasses over NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.types import Bool, CorrespondenceMap, Float32, Float64, Grid, Int64


@dataclass(frozen=True)
class QueryMaxima:
    """The local maxima of one query against g gallery pictures: all that its logits are made of.

    - ``query_map`` (C, h, w) is the query's own map, float32;
    - ``query`` (g, h·w): how similar each query cell is to its best cell of each picture (a);
    - ``gallery`` (g, h·w): how similar each picture's cells are to their best query cell (b);
    - ``gallery_best`` (g, h·w): that query cell, row-major number.

    Keeping them saves further passes over the gallery. They take 1.9 KB a picture on a 24×8 grid,
    31 MB for 16,000 pictures.
    """

    query_map: Float32
    query: Float32
    gallery: Float32
    gallery_best: npt.NDArray[np.uint16]

    def __post_init__(self) -> None:
        cells = self.query_map.shape[1] * self.query_map.shape[2]
        if not self.query.shape == self.gallery.shape == self.gallery_best.shape:
            raise InputError("the maxima of a query must be known for both sides of every pair")
        if self.query.shape[1:] != (cells,):
            raise InputError(f"maxima of shape {self.query.shape} do not fit {cells} cells")

    @property
    def grid(self) -> Grid:
        """(h, w) of the feature maps."""
        return (self.query_map.shape[1], self.query_map.shape[2])

    def __len__(self) -> int:
        return len(self.query)


@dataclass(frozen=True)
class PartScores:
    """A gallery scored by some cells of one or several queries.

    - ``logits`` (g,): joint logit of all queries, larger is closer;
    - ``by_query`` (p, g): logits of each query by its own cells;
    - ``masks`` (p, h, w): the cells that took part;
    - ``evidence`` (p,): how much of the whole query's evidence these cells hold, in [0, 1] (see
      :func:`~qaconv_core.explaining.part.part_evidence`);
    - ``combine``: ``"max"`` or ``"mean"`` over the queries.
    """

    logits: Float32
    by_query: Float32
    masks: Bool
    evidence: Float64
    combine: str

    @property
    def best_query(self) -> Int64:
        """For each gallery picture the query (number) that fits it best, (g,)."""
        return np.asarray(self.by_query.argmax(axis=0), dtype=np.int64)

    @property
    def joint_evidence(self) -> float:
        """Mean evidence of the queries that took part; 0 where none did."""
        taking_part = self.masks.any(axis=(1, 2))
        return float(self.evidence[taking_part].mean()) if taking_part.any() else 0.0


@dataclass(frozen=True)
class PartMatch:
    """Where some cells of the query were found in one gallery picture.

    ``match`` is the pair as if the query had no other cells (contributions of cells left out are
    0, its logit is the part's), ``mask`` (h, w) the cells that took part, ``full_logit`` the plain
    logit of the pair, ``evidence`` the share of *this pair's* evidence that remains, in [0, 1].
    """

    match: CorrespondenceMap
    mask: Bool
    full_logit: float
    evidence: float

    @property
    def query_cells(self) -> Int64:
        """The cells that took part, row-major numbers, (k,)."""
        return np.flatnonzero(self.mask)

    @property
    def found_cells(self) -> Int64:
        """Where each of :attr:`query_cells` was found: its best gallery cell, (k,)."""
        return np.asarray(self.match.query_best.ravel()[self.query_cells], dtype=np.int64)

    @property
    def found_mask(self) -> Bool:
        """The gallery cells where the part was found, (h, w)."""
        out = np.zeros(self.match.grid, dtype=np.bool_)
        out.flat[self.found_cells] = True
        return out


@dataclass(frozen=True)
class OcclusionMap:
    """What hiding a window of one picture does to a pair's logit.

    ``change`` (h, w) is the logit with the window around that cell hidden minus ``logit``;
    negative where the window favours the match. ``side`` is whose picture is covered
    (``"query"``, ``"gallery"``), ``window`` the rows and columns of the window.
    """

    change: Float64
    logit: float
    window: tuple[int, int]
    side: str

    @property
    def hidden_logit(self) -> Float64:
        """The logit with each window hidden, (h, w)."""
        return self.change + self.logit


@dataclass(frozen=True)
class OrderMap:
    """Which region of the query, if hidden, would change the order of candidates A and B.

    ``margin`` (h, w) is logit_A − logit_B, or the same of their normalised scores, with the window
    around that cell hidden, ``base`` the same with nothing hidden.
    """

    margin: Float64
    base: float

    @property
    def flips(self) -> Bool:
        """Where the order changes (a tie counts as a change), (h, w)."""
        return np.asarray(np.sign(self.margin) != np.sign(self.base), dtype=np.bool_)


class Reason(NamedTuple):
    """One term of the difference of two logits.

    ``kind`` is ``"query"`` (a query cell, whose best cells in A and B are ``cell_a`` and
    ``cell_b``), ``"a"`` or ``"b"`` (a cell of that candidate, ``cell_a`` or ``cell_b``, whose best
    query cell is ``query_cell``). ``amount`` is positive where it favours A. Cells that are not
    involved, and their similarities, are None.
    """

    kind: str
    amount: float
    query_cell: int
    cell_a: int | None
    cell_b: int | None
    similarity_a: float | None
    similarity_b: float | None


@dataclass(frozen=True)
class ContributionDifference:
    """Why candidate A has another logit than candidate B under one query; exact.

    ``query.sum() + gallery_a.sum() + gallery_b.sum() == logit_a − logit_b``; positive favours A.

    - ``query`` (h, w): what each query cell adds for A minus what it adds for B;
    - ``gallery_a`` (h, w): what A's own cells add; ``gallery_b`` (h, w): what B's own cells add,
      with the opposite sign. Where an average was given it is subtracted from both, which leaves
      the sum unchanged.
    - ``normalised`` are N of A and of B where the terms are parts of these, which then make up the
      sum in the place of the logits.
    """

    a: CorrespondenceMap
    b: CorrespondenceMap
    query: Float64
    gallery_a: Float64
    gallery_b: Float64
    normalised: tuple[float, float] | None = None

    @property
    def values(self) -> tuple[float, float]:
        """What the terms are of, for A and for B: both logits, or both normalised scores."""
        return (self.a.logit, self.b.logit) if self.normalised is None else self.normalised

    @property
    def total(self) -> float:
        """The value of A minus that of B."""
        return self.values[0] - self.values[1]

    @property
    def grid(self) -> Grid:
        """(h, w)."""
        return self.a.grid


@dataclass(frozen=True)
class RelativeMatch:
    """A pair's contributions minus this query's means over the gallery; exact.

    ``query.sum() + gallery.sum() + mean_logit == logit``.

    - ``query``, ``gallery`` (h, w): contribution minus its mean over the gallery;
    - ``query_percentile``, ``gallery_percentile`` (h, w): share of the gallery, in percent, for
      which the cell contributes less (ties count half).
    """

    query: Float64
    gallery: Float64
    query_percentile: Float64
    gallery_percentile: Float64
    mean_logit: float
    logit: float

    @property
    def sides(self) -> tuple[Float64, Float64]:
        """(query, gallery), as :func:`~qaconv_core.matching.strongest.select_correspondences`
        takes them."""
        return self.query, self.gallery

    @property
    def base(self) -> float:
        """What stands beside the cells in the sum."""
        return self.mean_logit

    @property
    def total(self) -> float:
        """What the sum makes."""
        return self.logit

    def to_dict(self) -> dict[str, Any]:
        """All fields as numbers and nested lists, for JSON."""
        return _plain(self)


@dataclass(frozen=True, eq=False)
class NormalisedBreakdown:
    """Parts of a normalised score in standard deviations: ``query`` and ``gallery`` (h, w) add up
    to ``n``, exactly.

    ``z`` and ``t`` are its halves before they are halved, ``slope`` is dN/dlogit. ``against`` says
    in words who the strangers are; "" for those of the gallery that is searched.
    """

    n: float
    z: float
    t: float
    slope: float
    query: Float64
    gallery: Float64
    against: str = ""

    @property
    def sides(self) -> tuple[Float64, Float64]:
        """(query, gallery), as those of :class:`RelativeMatch`."""
        return self.query, self.gallery

    @property
    def base(self) -> float:
        """Nothing stands beside the cells in the sum."""
        return 0.0

    @property
    def total(self) -> float:
        """What the sum makes."""
        return self.n

    def to_dict(self) -> dict[str, Any]:
        """All fields as numbers and nested lists, for JSON."""
        return _plain(self)


Relative = RelativeMatch | NormalisedBreakdown
"""What a pair's cells add beyond what others add there: above average, or above strangers."""


def _plain(found: Relative) -> dict[str, Any]:
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }
