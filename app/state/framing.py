"""Where pictures lie beside each other, and how they are zoomed and moved. Plain geometry.

Lengths are pixels of the widget. A picture has a *home* (where it lies at zoom 1), a *clip* (what
it may fill when it is larger), and *words* below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

CLOSEST, WIDEST = 1.0, 16.0
MARGIN = 5.0
BETWEEN = 8.0  # stays free between pictures that fill their columns
LOW_MARGIN = 8.0  # an outline stands around the chosen one of low pictures
NARROWEST_GAP = 28.0
WORDS_MARGIN = 6.0
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
    words: Box

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
        home = Box(left, top, own, tall)
        out.append(_pane(home, Box(edge, 0.0, end - edge, top + tall + MARGIN / 2), foot))
        left, edge = left + own + gap, end + BETWEEN
    return out


def _pane(home: Box, clip: Box, foot: float) -> Pane:
    """A place with its words under the clip, as wide as it, around the picture's middle."""
    middle = home.x + home.width / 2
    half = min(middle - clip.x, clip.x + clip.width - middle) - WORDS_MARGIN
    return Pane(home, clip, Box(middle - half, clip.y + clip.height, 2 * half, foot))


def panes_around(
    width: float, height: float, columns: Sequence[Sequence[float]], foot: float
) -> list[Pane]:
    """Places for one tall picture in the middle and low ones, one or two above each other, in a
    column at either side of it.

    ``columns`` are the proportions of the left column, of the tall picture, and of the right
    column, from top to bottom.
    """
    row = height / 2
    low, tall = row - foot - 2 * LOW_MARGIN, height - foot - 2 * MARGIN
    heights = (low, tall, low)
    widths = [max(column) * max(high, 16.0) for column, high in zip(columns, heights, strict=True)]
    free = max(width - 2 * MARGIN - 2 * NARROWEST_GAP, 16.0)
    scale = min(1.0, free / sum(widths))
    widths = [scale * own for own in widths]
    spare = (width - sum(widths)) / 2
    # Words of low pictures need room at the outer side, too.
    beside = max((CAPTION - min(widths)) / 2 + WORDS_MARGIN, spare / 3)
    gap = min(max(spare - beside, NARROWEST_GAP), max(WIDEST_GAP * scale * tall, NARROWEST_GAP))
    left = spare - gap
    reach = min(left, gap) - WORDS_MARGIN / 2
    out: list[Pane] = []
    edge = 0.0
    for number, (column, own) in enumerate(zip(columns, widths, strict=True)):
        end = width if number == 2 else left + own + (gap - BETWEEN) / 2
        each = height if number == 1 else row
        top = (height - each * len(column)) / 2
        for place, aspect in enumerate(column):
            high = scale * max(heights[number], 16.0)
            clip = Box(edge, top + place * each, end - edge, each - foot)
            x = left + (own - aspect * high) / 2
            home = Box(x, clip.y + (clip.height - high) / 2, aspect * high, high)
            more = 0.0 if number == 1 else reach
            under = home.y + high + (MARGIN / 2 if number == 1 else LOW_MARGIN)
            words = Box(x - more, under, home.width + 2 * more, foot)
            out.append(Pane(home, clip._replace(height=under - clip.y), words))
        left, edge = left + own + gap, end + BETWEEN
    return out


def swiped(
    width: float, height: float, aspects: Sequence[float], foot: float, at: float
) -> list[Pane]:
    """Places for two pictures one over the other: the first is seen left of a line at the fraction
    ``at`` of them, the second right of it. Their words stand beside each other."""
    room = max(height - foot - 2 * MARGIN, 16.0)
    tall = min(room, max(width - 2 * MARGIN, 16.0) / max(aspects))
    wide, middle = max(aspects) * tall, width / 2
    line = middle - wide / 2 + at * wide
    words = min(middle, max(wide / 2, CAPTION))
    top = MARGIN + (room - tall) / 2
    return [
        Pane(
            Box(middle - aspect * tall / 2, top, aspect * tall, tall),
            Box(start, 0.0, end - start, top + tall + MARGIN / 2),
            Box(beside, top + tall + MARGIN / 2, words - WORDS_MARGIN, foot),
        )
        for aspect, start, end, beside in (
            (aspects[0], 0.0, line, middle - words),
            (aspects[1], line, width, middle + WORDS_MARGIN),
        )
    ]
