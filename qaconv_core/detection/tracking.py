"""Links boxes of neighbouring frames: those of one person get one track number.

The usual association: every track foretells its box by a constant velocity, tracks and new boxes
are paired at the least total cost (Hungarian method), and a pair costs the more the farther the box
lies from where it was foretold, and the less alike the two look. Bewley et al., "SORT", ICIP 2016;
Wojke et al., "Deep SORT", ICIP 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.looks import Look


@dataclass(frozen=True)
class TrackOptions:
    """``patience`` seconds that a track waits for its person to be seen again; ``reach`` heights
    of a person that a box may lie from where it was foretold, and ``speed`` heights more for each
    second since; ``growth`` by which its height may change at most; weight of the look in a pair's
    cost, and the ``highest`` cost of a pair."""

    patience: float = 2.0
    reach: float = 0.5
    speed: float = 1.0
    growth: float = 1.5
    look_weight: float = 1.0
    highest: float = 1.0


@dataclass
class _Track:
    number: int
    time: float
    middle: npt.NDArray[np.float64]
    """x of the middle and y of the feet, pixels."""
    height: float
    velocity: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    """Pixels a second."""
    look: Look | None = None
    seen: int = 1

    def foretold(self, time: float) -> npt.NDArray[np.float64]:
        """Where the feet will be; after a second without a sight the person may have turned."""
        return self.middle + self.velocity * min(time - self.time, 1.0)


class PersonTracker:
    """The tracks of one video; boxes are handed in frame by frame."""

    def __init__(self, first: int = 1, options: TrackOptions | None = None) -> None:
        self.options = options or TrackOptions()
        self.next = first
        """The number that the next new track gets."""
        self._tracks: list[_Track] = []

    def step(
        self, time: float, boxes: Sequence[PersonBox], looks: Sequence[Look | None]
    ) -> list[int]:
        """Track numbers of the boxes of a frame at ``time`` seconds, later than the last one."""
        self._tracks = [t for t in self._tracks if time - t.time <= self.options.patience]
        numbers: list[int] = [0] * len(boxes)
        for row, column in self._pairs(time, boxes, looks):
            track = self._tracks[row]
            self._follow(track, time, boxes[column], looks[column])
            numbers[column] = track.number
        for column, box in enumerate(boxes):
            if not numbers[column]:
                self._tracks.append(_Track(self.next, time, _feet(box), box.h, look=looks[column]))
                numbers[column] = self.next
                self.next += 1
        return numbers

    def _pairs(
        self, time: float, boxes: Sequence[PersonBox], looks: Sequence[Look | None]
    ) -> list[tuple[int, int]]:
        if not self._tracks or not boxes:
            return []
        costs = np.array(
            [
                [self._cost(track, time, box, look) for box, look in zip(boxes, looks, strict=True)]
                for track in self._tracks
            ]
        )
        # A pair that may not be costs more than leaving any number of others alone.
        rows, columns = linear_sum_assignment(np.minimum(costs, 10 * self.options.highest))
        found = zip(rows.tolist(), columns.tolist(), strict=True)
        return [(r, c) for r, c in found if costs[r, c] <= self.options.highest]

    def _cost(self, track: _Track, time: float, box: PersonBox, look: Look | None) -> float:
        """From 0 (the same) upwards; infinite where it cannot be the same person."""
        how = self.options
        gap = time - track.time
        taller = max(track.height, box.h) / max(min(track.height, box.h), 1e-6)
        if taller > how.growth:
            return np.inf
        size = (track.height + box.h) / 2
        away = _feet(box) - track.foretold(time)
        # A head is seen more often than feet: up and down counts less than across.
        distance = float(np.hypot(away[0], 0.5 * away[1])) / size
        # A walker covers nearly a height a second; who was seen once has no velocity yet.
        room = how.reach + how.speed * gap * (1.0 if track.seen < 3 else 0.5)
        if distance > room:
            return np.inf
        unlike = 0.3
        if look is not None and track.look is not None:
            unlike = 1 - float(look @ track.look)
        return 0.5 * distance / room + how.look_weight * unlike + 0.1 * (taller - 1)

    def _follow(self, track: _Track, time: float, box: PersonBox, look: Look | None) -> None:
        gap = max(time - track.time, 1e-3)
        feet = _feet(box)
        velocity = (feet - track.middle) / gap
        share = 1.0 if track.seen == 1 else 0.5
        track.velocity = (1 - share) * track.velocity + share * velocity
        track.middle, track.time = feet, time
        track.height = 0.5 * track.height + 0.5 * box.h
        track.seen += 1
        if look is not None and track.look is not None:
            mixed = 0.7 * track.look + 0.3 * look
            track.look = (mixed / max(float(np.linalg.norm(mixed)), 1e-9)).astype(np.float32)
        elif look is not None:
            track.look = look


def _feet(box: PersonBox) -> npt.NDArray[np.float64]:
    return np.array([box.x + box.w / 2, box.y + box.h])
