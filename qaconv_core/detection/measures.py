"""How good boxes and tracks are beside the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from qaconv_core.detection.boxes import Boxes, PersonBox, corners_of, overlaps

SAME = 0.5
"""Intersection over union from which a found box is a true one."""


@dataclass(frozen=True)
class Counts:
    """Boxes found that are true, found that are not, and true ones that were missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def recall(self) -> float:
        """right / (right + missed); NaN without true boxes."""
        total = self.right + self.missed
        return self.right / total if total else float("nan")

    @property
    def precision(self) -> float:
        """right / (right + wrong); NaN where nothing was found."""
        total = self.right + self.wrong
        return self.right / total if total else float("nan")

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.right + other.right, self.wrong + other.wrong, self.missed + other.missed
        )


def pair_boxes(found: Boxes, true: Boxes, least: float = SAME) -> list[tuple[int, int]]:
    """Pairs (found, true) that overlap by ``least`` or more, each box once, as many as possible."""
    if not len(found) or not len(true):
        return []
    shared = overlaps(found, true)
    rows, columns = linear_sum_assignment(-np.where(shared >= least, 1 + shared, 0))
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if shared[row, column] >= least]


def count_boxes(
    found: Sequence[PersonBox], true: Sequence[PersonBox], ignored: Sequence[PersonBox] = ()
) -> Counts:
    """How the found boxes of one picture stand beside the true ones.

    What matches one of ``ignored`` (too small, hidden) and no true box counts neither way.
    """
    boxes, doubtful = corners_of(list(found)), corners_of(list(ignored))
    pairs = pair_boxes(boxes, corners_of(list(true)))
    rest = np.delete(boxes, [row for row, _ in pairs], axis=0)
    excused = len(pair_boxes(rest, doubtful))
    return Counts(len(pairs), len(rest) - excused, len(true) - len(pairs))


@dataclass(frozen=True)
class TrackMeasures:
    """Of a video: ``mota`` = 1 − (missed + wrong + switches) / true boxes (Bernardin &
    Stiefelhagen 2008), ``idf1`` = 2·IDTP / (true + found boxes) (Ristani et al. 2016);
    ``switches`` are changes of the track that covers a person."""

    counts: Counts
    switches: int
    mota: float
    idf1: float
    tracks: int
    persons: int


def measure_tracks(frames: Sequence[tuple[list[PersonBox], list[PersonBox]]]) -> TrackMeasures:
    """Measures of frames (found boxes, true boxes), both with ``track``, in order of time."""
    counts, switches = Counts(), 0
    last: dict[int, int] = {}
    shared: dict[tuple[int, int], int] = {}
    found_tracks: set[int] = set()
    total = 0
    for found, true in frames:
        pairs = pair_boxes(corners_of(found), corners_of(true))
        counts += Counts(len(pairs), len(found) - len(pairs), len(true) - len(pairs))
        total += len(found)
        found_tracks |= {box.track or 0 for box in found}
        for row, column in pairs:
            track, person = found[row].track or 0, true[column].track or 0
            switches += last.get(person, track) != track
            last[person] = track
            shared[person, track] = shared.get((person, track), 0) + 1
    persons = {box.track or 0 for _, true in frames for box in true}
    boxes = counts.right + counts.missed
    return TrackMeasures(
        counts,
        switches,
        1 - (counts.missed + counts.wrong + switches) / max(boxes, 1),
        2 * _shared_by_one(shared) / max(boxes + total, 1),
        len(found_tracks),
        len(persons),
    )


def _shared_by_one(shared: dict[tuple[int, int], int]) -> int:
    """Boxes that agree when each person is given the one track that covers the most."""
    if not shared:
        return 0
    rows = {person: n for n, person in enumerate(sorted({p for p, _ in shared}))}
    columns = {track: n for n, track in enumerate(sorted({t for _, t in shared}))}
    table = np.zeros((len(rows), len(columns)), np.int64)
    for (person, track), count in shared.items():
        table[rows[person], columns[track]] = count
    chosen = linear_sum_assignment(-table)
    return int(table[chosen].sum())
