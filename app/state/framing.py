"""Where pictures lie beside each other, and how they are zoomed and moved. Plain geometry.

Lengths are pixels of the widget. A picture has a *home* (where it lies at zoom 1) and a *clip*
(the column that it may fill when it is larger).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

CLOSEST, WIDEST = 1.0, 16.0
MARGIN = 5.0
BETWEEN = 8.0  # stays free between pictures that fill their columns
NARROWEST_GAP = 28.0
CAPTION = 216.0  # captions of small pictures need so much
WIDEST_GAP = 0.6  # of the pictures' height: further apart, lines say less


class Box(NamedTuple):
    """A rectangle: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return 0 <= x - self.x < self.width and 0 <= y - self.y < self.height

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The point at fractions of the box."""
        return self.x + x * self.width, self.y + y * self.height

    def fractions(self, x: float, y: float) -> tuple[float, float]:
        """A point as fractions of the box."""
        return (x - self.x) / self.width, (y - self.y) / self.height


@dataclass(frozen=True)
class Zoom:
    """How a picture is looked at: ``(x, y)`` of it, in fractions, is in the middle of its home."""

    factor: float = 1.0
    x: float = 0.5
    y: float = 0.5

    def by(self, times: float, x: float = 0.5, y: float = 0.5) -> Zoom:
        """Closer or further; the point at fractions ``(x, y)`` of the *home* stays where it is."""
        factor = min(max(self.factor * times, CLOSEST), WIDEST)
        kept = (1 / self.factor) - (1 / factor)
        return _bounded(factor, self.x + (x - 0.5) * kept, self.y + (y - 0.5) * kept)

    def moved(self, x: float, y: float) -> Zoom:
        """The picture moved by fractions of its home."""
        return _bounded(self.factor, self.x - x / self.factor, self.y - y / self.factor)

    def box(self, home: Box) -> Box:
        """Where the whole picture lies then, parts outside of the clip included."""
        width, height = home.width * self.factor, home.height * self.factor
        middle_x, middle_y = home.at(0.5, 0.5)
        return Box(middle_x - self.x * width, middle_y - self.y * height, width, height)


def _bounded(factor: float, x: float, y: float) -> Zoom:
    """Not so far to a side that the picture leaves its home."""
    room = (1 - 1 / factor) / 2
    return Zoom(factor, min(max(x, 0.5 - room), 0.5 + room), min(max(y, 0.5 - room), 0.5 + room))


class Pane(NamedTuple):
    """The place of one picture."""

    home: Box
    clip: Box

    def moved(self, right: float) -> Pane:
        """The same so many pixels further right."""
        return Pane(*(box._replace(x=box.x + right) for box in self))


def panes(width: float, height: float, aspects: Sequence[float], foot: float) -> list[Pane]:
    """Places for pictures of these proportions (width / height), side by side at one height.

    ``foot`` pixels stay free below for captions.
    """
    if not aspects:
        return []
    room = max(height - foot - 2 * MARGIN, 16.0)
    free = max(width - 2 * MARGIN - NARROWEST_GAP * (len(aspects) - 1), 16.0)
    tall = min(room, free / sum(aspects))
    widths = [tall * aspect for aspect in aspects]
    spare = (width - sum(widths)) / len(aspects)
    widest = max(WIDEST_GAP * tall, CAPTION - min(widths), NARROWEST_GAP)
    gap = min(max(spare, NARROWEST_GAP), widest)
    left = (width - sum(widths) - gap * (len(aspects) - 1)) / 2
    top = MARGIN + (room - tall) / 2
    out: list[Pane] = []
    edge = 0.0
    for number, own in enumerate(widths):
        last = number == len(widths) - 1
        end = width if last else left + own + (gap - BETWEEN) / 2
        out.append(
            Pane(Box(left, top, own, tall), Box(edge, 0.0, end - edge, MARGIN + room + MARGIN / 2))
        )
        left, edge = left + own + gap, end + BETWEEN
    return out
