"""Who is compared with whom when scores are normalised by camera: the cohorts.

A cohort is the pictures of one camera. The last cohort holds all pictures: it is lent to cameras
that are not known or that have at most :data:`FEWEST` pictures. In no cohort of a pair stand the
two pictures themselves and, where times are known, what their cameras saw within
:data:`NEARBY` seconds of them in another frame, which is often the same person. What a camera saw
in the same frame is a stranger: nobody is in two places at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.naming import camera_called
from qaconv_core.ranking import sparse
from qaconv_core.ranking.arrays import Ids, Times, id_vector, time_vector
from qaconv_core.types import UNKNOWN, Bool, Float64, Int64

FEWEST = 20
"""The fewest other pictures of a camera that make a cohort. On a part of Market-1501, cohorts of 20
measured as well as the whole gallery as one cohort, larger ones better and smaller ones worse."""
PER_CAMERA = 200
"""Pictures of each camera that stand for the queries' side where a gallery has more. On a part of
Market-1501, 80 a camera measured .004 mAP below all of them."""
NEARBY = 0.25
"""Seconds within which other frames of one camera hold near-duplicates. What a camera sees for
longer around a picture is as often somebody else, and leaving it out measured worse on two rendered
sets (docs/normalisation.md)."""

SAME_FRAME = 1e-3
"""Seconds within which pictures of one camera are of one frame: they show different people."""

Pairs = tuple[Int64, Int64]
Sparse = Any
"""A matrix of :mod:`scipy.sparse` in CSR form."""


@dataclass(frozen=True)
class CohortRule:
    """How cohorts are drawn: at most ``size`` pictures a camera (None: all), by ``seed``;
    ``nearby`` are the seconds within which pictures of a camera count as near-duplicates."""

    size: int | None = PER_CAMERA
    seed: int = 0
    nearby: float = NEARBY

    def __post_init__(self) -> None:
        if self.size is not None and self.size <= FEWEST:
            raise InputError(f"a cohort takes more than {FEWEST} pictures, not {self.size}")
        if not (self.nearby >= 0 and math.isfinite(self.nearby)):
            raise InputError(f"near-duplicates lie within 0 or more seconds, not {self.nearby}")
        if self.seed < 0:
            raise InputError(f"the seed of a cohort is a whole number from 0, not {self.seed}")

    def record(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "cohort": "gallery pictures of the other picture's camera, without the pair itself",
            "pictures_a_camera": "all" if self.size is None else f"at most {self.size}",
            "seed": self.seed,
            "near_duplicates_left_out_within_s": self.nearby,
            "borrows_from_all_below": FEWEST + 1,
        }


@dataclass(frozen=True)
class Placed:
    """n pictures against cohorts of k pictures.

    ``cohort`` (n,) is that of each picture's camera. ``near`` (n, k) marks itself and its
    near-duplicates, ``inside`` those of them that stand in its own cohort.
    """

    cohort: Int64
    near: Sparse
    inside: Sparse

    def take(self, start: int, stop: int) -> Placed:
        """Pictures ``start`` … ``stop`` − 1."""
        return Placed(self.cohort[start:stop], self.near[start:stop], self.inside[start:stop])


@dataclass(frozen=True)
class Cohorts:
    """k pictures and their cohorts.

    ``rows`` (k,) are their places among the pictures they were drawn from, ascending; ``members``
    (c, k) is 1 or 0, all pictures last; ``kinds`` (c − 1,) are the cohorts' cameras. ``timed`` are
    the cameras of which enough is left without near-duplicates.
    """

    rows: Int64
    cams: Int64
    times: Float64
    members: Float64
    kinds: Int64
    timed: Int64
    rule: CohortRule

    @classmethod
    def of(cls, cams: Ids, times: Times, size: int, rule: CohortRule) -> Cohorts:
        """Cohorts of ``size`` pictures with these cameras and times."""
        all_cams = id_vector(cams, size, "cameras")
        rows = _sample(all_cams, rule)
        cameras, seen = all_cams[rows], time_vector(times, size, "times")[rows]
        kinds, counts = np.unique(cameras[cameras != UNKNOWN], return_counts=True)
        kinds = kinds[counts > FEWEST]
        members = np.ones((len(kinds) + 1, len(rows)))
        members[:-1] = cameras == kinds[:, None]
        timed = [c for c in kinds if _enough_left(seen[cameras == c], rule.nearby)]
        return cls(rows, cameras, seen, members, kinds, np.array(timed, dtype=np.int64), rule)

    def of_cameras(self, cams: Int64) -> Int64:
        """The cohort of each camera: all pictures for a camera without one of its own."""
        place = np.searchsorted(self.kinds, cams)
        known = place < len(self.kinds)
        known[known] = self.kinds[place[known]] == cams[known]
        return np.where(known, place, len(self.kinds))

    def place(self, cams: Int64, times: Float64, same: Pairs | None = None) -> Placed:
        """Pictures with these cameras and times; ``same`` are (pictures, places in the set that
        the cohorts were drawn from) that are one and the same picture."""
        cohort = self.of_cameras(cams)
        first, second = self._nearby(cams, times)
        if same is not None:
            at = np.searchsorted(self.rows, same[1])
            here = at < len(self.rows)
            here[here] = self.rows[at[here]] == same[1][here]
            first = np.concatenate([first, same[0][here]])
            second = np.concatenate([second, at[here]])
        near = _marks(first, second, (len(cams), len(self.rows)))
        inside = near.copy()
        picture = np.repeat(np.arange(len(cams)), np.diff(near.indptr))
        inside.data *= self.members[cohort[picture], near.indices]
        inside.eliminate_zeros()
        return Placed(cohort, near, inside)

    def place_own(self, cams: Int64, times: Float64) -> Placed:
        """The pictures that the cohorts were drawn from, all of them."""
        return self.place(cams, times, (self.rows, self.rows))

    def _nearby(self, cams: Int64, times: Float64) -> Pairs:
        """(pictures, positions in the cohorts) of near-duplicates in time."""
        found: list[Pairs] = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
        for camera in self.timed:
            here = np.flatnonzero((cams == camera) & np.isfinite(times))
            pool = np.flatnonzero((self.cams == camera) & np.isfinite(self.times))
            pool = pool[np.argsort(self.times[pool], kind="stable")]
            begin, end = _within(self.times[pool], times[here], self.rule.nearby)
            length = end - begin
            at = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
            picture, other = np.repeat(here, length), pool[np.repeat(begin, length) + at]
            later = np.abs(times[picture] - self.times[other]) > SAME_FRAME
            found.append((picture[later], other[later]))
        return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])

    @cached_property
    def every(self) -> bool:
        """Whether no picture was left out of the sample."""
        return bool(len(self.rows) == 0 or self.rows[-1] == len(self.rows) - 1)

    def notes(
        self, cams: Sequence[Int64], times_known: bool, called: Mapping[int, str] | None = None
    ) -> list[str]:
        """What of the rule could not be kept, in words; ``cams`` are those of both sides,
        ``called`` the names of cameras that have any."""
        seen = np.unique(np.concatenate([np.asarray(c, dtype=np.int64) for c in cams]))
        known = seen[seen != UNKNOWN]
        if not len(known):
            return ["normalised: no cameras are known, so all pictures are one cohort"]
        told = []
        if UNKNOWN in seen:
            told.append("normalised: pictures of unknown camera are compared with all pictures")
        if len(small := np.setdiff1d(known, self.kinds)):
            told.append(
                f"normalised: pictures of {_names(small, called)}, of which the gallery has at "
                f"most {FEWEST}{' each' if len(small) > 1 else ''}, are compared with all pictures"
            )
        if times_known and self.rule.nearby and len(dense := np.setdiff1d(self.kinds, self.timed)):
            told.append(
                f"normalised: {_names(dense, called)} saw too little besides what lies within "
                f"{self.rule.nearby:g} s of each other, so near-duplicates stay in their cohorts"
            )
        return told


def _names(cameras: Int64, called: Mapping[int, str] | None) -> str:
    """``camera 1`` or ``cameras 1, 2``: as people call them."""
    names = called or {}
    listed = ", ".join(camera_called(c, names.get(c, "")) for c in cameras[:12].tolist())
    more = f" and {len(cameras) - 12} more" if len(cameras) > 12 else ""
    return f"camera{'s' if len(cameras) > 1 else ''} {listed}{more}"


def cohort_size(cams: Int64, rule: CohortRule) -> int:
    """How many of the pictures of these cameras stand in cohorts."""
    counts = np.unique(cams, return_counts=True)[1]
    return int((counts if rule.size is None else np.minimum(counts, rule.size)).sum())


def _sample(cams: Int64, rule: CohortRule) -> Int64:
    """Pictures drawn of each camera, ascending."""
    if rule.size is None:
        return np.arange(len(cams))
    parts = [np.empty(0, dtype=np.int64)]
    for camera in np.unique(cams):
        here = np.flatnonzero(cams == camera)
        if len(here) > rule.size:
            random = np.random.default_rng([rule.seed, int(camera) + 1])
            here = random.choice(here, rule.size, replace=False)
        parts.append(here)
    return np.sort(np.concatenate(parts))


def _within(pool: Float64, times: Float64, nearby: float) -> tuple[Int64, Int64]:
    """(begin, end) in ``pool``, ascending, of what lies within ``nearby`` of each time."""
    begin = np.searchsorted(pool, times - nearby, side="left")
    return begin, np.searchsorted(pool, times + nearby, side="right")


def _enough_left(times: Float64, nearby: float) -> bool:
    """Whether a camera keeps :data:`FEWEST` pictures for any two of its own."""
    known = np.sort(times[np.isfinite(times)])
    if nearby <= 0 or not len(known):
        return False
    begin, end = _within(known, known, nearby)
    return bool(len(times) - 2 * int((end - begin).max()) >= FEWEST)


def _marks(first: Int64, second: Int64, shape: tuple[int, int]) -> Sparse:
    """1 at the given places, CSR."""
    found = sparse.csr_array((np.ones(len(first)), (first, second)), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1
    return found


def dense(marks: Sparse) -> Bool:
    """A sparse matrix of marks as an array."""
    return np.asarray(marks.toarray() > 0)
