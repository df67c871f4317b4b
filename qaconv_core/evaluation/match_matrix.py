"""Who is confused with whom: first candidates counted by person or by camera."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.naming import camera_label, camera_words, person_label, person_words
from qaconv_core.types import UNKNOWN, Int64, RankingResult

BY = ("camera", "person")
MOST_PERSONS = 40
"""Persons of a matrix: those with the most wrong first candidates."""


@dataclass(frozen=True)
class FirstCandidates:
    """The first candidate of every query that has one, junk left out.

    All (n,): indices of query and gallery, and whether the candidate is known to be wrong.
    """

    query: Int64
    candidate: Int64
    wrong: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MatchMatrix:
    """Counts of first candidates: rows are persons or cameras of queries, columns of candidates.

    ``counts`` and ``wrong`` (r, c); ``members`` are the places in :class:`FirstCandidates` of a
    cell, the wrong ones first; ``names`` are those of persons or cameras that have any.
    ``distractors``: pid 0 stands for these.
    """

    by: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    counts: Int64
    wrong: Int64
    members: dict[tuple[int, int], tuple[int, ...]]
    names: Mapping[int, str] = field(default_factory=dict)
    distractors: bool = False

    def label(self, key: int) -> str:
        """What heads the row or column of a person or camera: ``c1``, ``2``, ``entrance``."""
        if self._is_distractor(key):
            return "distractors"
        label = camera_label if self.by == "camera" else person_label
        return label(key, self.names.get(key, ""))

    def words(self, key: int) -> str:
        """A person or camera in a sentence: ``camera 1``, ``person 2``."""
        if self._is_distractor(key):
            return "distractors"
        words = camera_words if self.by == "camera" else person_words
        return words(key, self.names.get(key, ""))

    def candidate_words(self, key: int) -> str:
        """A first candidate in a sentence: ``a first candidate of camera 1``."""
        if self._is_distractor(key):
            return "a distractor as first candidate"
        return f"a first candidate of {self.words(key)}"

    def _is_distractor(self, key: int) -> bool:
        return self.distractors and self.by == "person" and key == 0


def first_candidates(
    scores: npt.NDArray[np.floating], truth: npt.NDArray[np.int8], first: int = 0
) -> FirstCandidates:
    """Of scores (p, g), larger is closer, and what is known of the pairs (p, g).

    Ties go to the earlier gallery picture. ``first`` is the number of the first query.
    """
    if scores.shape != truth.shape:
        raise InputError(f"scores of shape {scores.shape} with truth of shape {truth.shape}")
    counted = truth != RankingResult.JUNK
    queries = np.flatnonzero(counted.any(axis=1))
    best = np.where(counted[queries], scores[queries], -np.inf).argmax(axis=1).astype(np.int64)
    wrong = truth[queries, best] == RankingResult.FALSE
    return FirstCandidates(queries + first, best, wrong)


def joined(blocks: Sequence[FirstCandidates]) -> FirstCandidates:
    """Those of several blocks of queries."""
    empty = np.empty(0, dtype=np.int64)
    return FirstCandidates(
        np.concatenate([empty, *(block.query for block in blocks)]),
        np.concatenate([empty, *(block.candidate for block in blocks)]),
        np.concatenate([np.empty(0, dtype=np.bool_), *(block.wrong for block in blocks)]),
    )


def match_matrix(
    firsts: FirstCandidates,
    query_keys: Int64,
    gallery_keys: Int64,
    by: str,
    names: Mapping[int, str] | None = None,
    distractors: bool = False,
) -> MatchMatrix:
    """Count first candidates by ``query_keys`` (p,) and ``gallery_keys`` (g,), −1 is not known.

    By person only those are listed that are confused with somebody, at most
    :data:`MOST_PERSONS`; by camera all are. ``distractors``: pid 0 stands for these.
    """
    if by not in BY:
        raise InputError(f"a matrix is by {' or '.join(BY)}, not {by!r}")
    pairs = np.stack([query_keys[firsts.query], gallery_keys[firsts.candidate]], axis=1)
    kept = (pairs != UNKNOWN).all(axis=1)
    if by == "person":
        worst = Counter(pairs[kept & firsts.wrong].ravel().tolist()).most_common(MOST_PERSONS)
        kept &= np.isin(pairs, [key for key, _count in worst]).all(axis=1)
    places = np.flatnonzero(kept)
    places = places[np.argsort(~firsts.wrong[places], kind="stable")]
    rows, columns = (sorted(set(pairs[places, side].tolist())) for side in (0, 1))
    members: dict[tuple[int, int], tuple[int, ...]] = {}
    for place in places.tolist():
        cell = rows.index(int(pairs[place, 0])), columns.index(int(pairs[place, 1]))
        members[cell] = (*members.get(cell, ()), place)
    counts = np.zeros((len(rows), len(columns)), dtype=np.int64)
    wrong = counts.copy()
    for cell, inside in members.items():
        counts[cell] = len(inside)
        wrong[cell] = int(firsts.wrong[list(inside)].sum())
    headed = tuple(rows), tuple(columns)
    return MatchMatrix(by, *headed, counts, wrong, members, names or {}, distractors)
