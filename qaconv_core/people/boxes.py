"""Bounding boxes as detectors give them: shifted, too large, or cutting off feet and heads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qaconv_core.people.arrays import Floats, Rng


class Box(NamedTuple):
    """A box on a camera's frame, pixels; it may reach beyond the frame."""

    left: float
    top: float
    wide: float
    high: float

    def overlap(self, other: Box) -> float:
        """Shared area over the smaller one's area, in [0, 1]."""
        across = min(self.left + self.wide, other.left + other.wide) - max(self.left, other.left)
        down = min(self.top + self.high, other.top + other.high) - max(self.top, other.top)
        if across <= 0 or down <= 0:
            return 0.0
        return across * down / max(min(self.wide * self.high, other.wide * other.high), 1e-6)


def tight_box(xy: Floats) -> Box:
    """The smallest box around points (n, 2)."""
    low, high = xy.min(0), xy.max(0)
    size = high - low
    return Box(float(low[0]), float(low[1]), float(size[0]), float(size[1]))


def detect(person: Box, aspect: float, rng: Rng) -> Box:
    """The detector's box of a person whose tight box is ``person``; width/height near ``aspect``.

    Two of three boxes are good but for a few percent; the others are too large, too tight, off
    centre, or cut the feet or the head.
    """
    high = person.high * float(np.exp(rng.normal(0.07, 0.05)))
    middle_x = person.left + person.wide / 2 + rng.normal(0, 0.035) * high
    middle_y = person.top + person.high / 2 + rng.normal(0, 0.015) * high
    wide = high * aspect * float(np.exp(rng.normal(0, 0.08)))
    wide = max(wide, person.wide * rng.uniform(0.8, 1.05))
    wide = min(wide, high * aspect * 1.5)
    top, bottom = middle_y - high / 2, middle_y + high / 2
    fault = rng.choice(6, p=[0.66, 0.10, 0.05, 0.07, 0.07, 0.05])
    if fault == 1:  # the feet are missing
        bottom -= person.high * rng.uniform(0.08, 0.32)
    elif fault == 2:  # the head is cut
        top += person.high * rng.uniform(0.06, 0.15)
    elif fault == 3:  # too large
        grow = rng.uniform(0.1, 0.3)
        top, bottom = top - grow * high * rng.random(), bottom + grow * high * rng.random()
        wide *= 1 + grow
    elif fault == 4:  # off centre
        middle_x += rng.choice([-1, 1]) * rng.uniform(0.08, 0.2) * high
    elif fault == 5:  # too tight
        top, bottom = top + 0.04 * high, bottom - 0.05 * high
        wide *= 0.85
    return Box(float(middle_x - wide / 2), float(top), float(wide), float(bottom - top))
