"""Boxes of people on a picture: overlaps, and one box where several mean the same person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]
"""(n, 4): left, top, right, bottom in pixels of the picture."""
Scores = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

SAME_PERSON = 0.6
"""Intersection over union from which two boxes mean one person, as the detector was published."""


@dataclass(frozen=True)
class PersonBox:
    """A box on a picture: ``x``, ``y`` its upper left corner, ``w``, ``h`` its size, in pixels.

    ``score`` in [0, 1] is the detector's; None where somebody else gave the box without one.
    ``track`` is the same number for one person in neighbouring frames, None where not known.
    ``person`` and ``camera`` are what somebody calls them who gave the box; "" where not known.
    """

    x: float
    y: float
    w: float
    h: float
    score: float | None = None
    track: int | None = None
    person: str = ""
    camera: str = ""

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.x, self.y, self.x + self.w, self.y + self.h


def corners_of(boxes: list[PersonBox]) -> Boxes:
    """Left, top, right, bottom of each, (n, 4)."""
    return np.array([box.corners for box in boxes], np.float64).reshape(-1, 4)


def areas(boxes: Boxes) -> Scores:
    """Pixels inside each box, (n,)."""
    return np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)


def shared_areas(a: Boxes, b: Boxes) -> Boxes:
    """Pixels that each of ``a`` (n, 4) shares with each of ``b`` (m, 4), (n, m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.prod(np.maximum(high - low, 0), axis=2)


def overlaps(a: Boxes, b: Boxes) -> Boxes:
    """Intersection over union of each of ``a`` (n, 4) with each of ``b`` (m, 4), (n, m)."""
    shared = shared_areas(a, b)
    union = areas(a)[:, None] + areas(b)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def shares_inside(a: Boxes, b: Boxes) -> Boxes:
    """Share of each of ``a`` (n, 4) that lies inside each of ``b`` (m, 4), (n, m) in [0, 1]."""
    shared, own = shared_areas(a, b), areas(a)[:, None]
    return np.divide(shared, own, out=np.zeros_like(shared), where=own > 0)


def suppress(boxes: Boxes, scores: Scores, limit: float = SAME_PERSON) -> Indices:
    """Greedy non-maximum suppression: indices of the boxes that stay, best first.

    A box goes where its intersection over union with a better one that stays is above ``limit``.
    Of equal scores the first stays.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[overlaps(boxes[best][None], boxes[rest])[0] <= limit]
    return np.array(kept, np.int64)


def clipped(boxes: Boxes, width: int, height: int) -> Boxes:
    """The boxes cut off at the borders of a picture, (n, 4)."""
    limit = np.array([width, height, width, height], np.float64)
    return np.clip(boxes, 0, limit)
