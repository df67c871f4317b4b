"""Two pictures beside each other on a page: where they lie, their captions and colour bars.

Shared by the panels of a match figure. All lengths are inches from the top left of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from qaconv_core.figures.style import FAINT, INK, RULE, fit_text, text_width
from qaconv_core.types import Grid

_HEIGHT = 4.2  # of a picture, where the width allows it
_WIDTH = 9.6  # of two pictures, before their height shrinks
_NARROWEST = 4.3  # a panel's title and colour bar need this much
_BAR = 0.3  # from the pictures to the colour bar


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in inches from the top left."""

    left: float
    top: float
    width: float
    height: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """(left, right, bottom, top), as imshow wants it."""
        return (self.left, self.left + self.width, self.top + self.height, self.top)

    def cell_centre(self, cell: int, grid: Grid) -> tuple[float, float]:
        """Where the middle of a cell of a (h, w) grid over this picture lies."""
        row, column = divmod(cell, grid[1])
        return (
            self.left + (column + 0.5) / grid[1] * self.width,
            self.top + (row + 0.5) / grid[0] * self.height,
        )


@dataclass(frozen=True)
class Pair:
    """The two pictures with their names and their true width over height.

    ``pixels`` (height, width, 3) may be shrunk, which rounds their own proportions.
    """

    pixels: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    aspects: tuple[float, float]
    labels: tuple[str, str]

    @property
    def height(self) -> float:
        """Common height on the page, inches: shrinks for wide pictures, but stays visible."""
        both = sum(self.aspects)
        return max(min(_HEIGHT, _WIDTH / both), min(0.5, 30.0 / both))

    @property
    def bar_offset(self) -> float:
        """From the foot of the pictures to the colour bar, inches: leaves room for file names."""
        return _BAR + (0.15 if any(self.labels) else 0.0)

    @property
    def foot(self) -> float:
        """Room below the pictures, inches: captions and colour bar."""
        return self.bar_offset + 0.36

    def panel_width(self, gap: float) -> float:
        """Width of both pictures with ``gap`` between, inches."""
        return max(_NARROWEST, self.height * sum(self.aspects) + gap)

    def boxes(self, left: float, top: float, gap: float) -> tuple[Box, Box]:
        """Where the pictures lie in a panel, centred in its width."""
        height = self.height
        first, second = (height * aspect for aspect in self.aspects)
        left += (self.panel_width(gap) - first - gap - second) / 2
        return (
            Box(left, top, first, height),
            Box(left + first + gap, top, second, height),
        )


def draw_picture(axes: Axes, box: Box, pixels: npt.NDArray[np.uint8]) -> None:
    """A picture filling its box, with a thin frame."""
    axes.imshow(pixels, extent=box.extent, aspect="auto", interpolation="antialiased", zorder=2)
    axes.add_patch(
        Rectangle(
            (box.left, box.top), box.width, box.height, fill=False, edgecolor=RULE, lw=0.8, zorder=4
        )
    )


def panel_title(axes: Axes, panel: Box, title: str, under: str) -> None:
    """A heading and a fainter line, over the middle of a panel."""
    middle = panel.left + panel.width / 2
    axes.text(middle, panel.top - 0.32, title, ha="center", size=10, weight="bold")
    axes.text(middle, panel.top - 0.12, under, ha="center", size=8.5, color=FAINT)


def captions(
    axes: Axes,
    boxes: tuple[Box, Box],
    labels: tuple[str, str],
    panel: Box,
    sums: Sequence[str] = ("", ""),
) -> None:
    """Role, and file name where there is one, under the middle of each picture."""
    roles = [
        ", ".join(filter(None, words)) for words in zip(("query", "gallery"), sums, strict=True)
    ]
    bottom = panel.top + panel.height
    for texts, size, colour, y in ((roles, 8.5, INK, 0.17), (labels, 7.0, FAINT, 0.32)):
        fitted = [fit_text(text, size, panel.width / 2 - 0.1) for text in texts]
        for text, x in zip(fitted, _caption_centres(fitted, size, boxes, panel), strict=True):
            axes.text(x, bottom + y, text, ha="center", size=size, color=colour)


def _caption_centres(
    texts: Sequence[str], size: float, boxes: tuple[Box, Box], panel: Box
) -> list[float]:
    """Where captions stand: under their pictures, kept inside the panel and apart."""
    centres, halves = [], []
    for text, box in zip(texts, boxes, strict=True):
        half = text_width(text, size) / 2
        low, high = panel.left + half, panel.left + panel.width - half
        centres.append(min(max(box.left + box.width / 2, low), high))
        halves.append(half)
    if all(texts) and centres[0] + halves[0] + 0.1 > centres[1] - halves[1]:
        return [panel.left + panel.width * share for share in (0.25, 0.75)]
    return centres


def colour_bar(
    axes: Axes, panel: Box, top: float, norm: Normalize, colours: Colormap, text: str
) -> None:
    """A flat bar with numbers, at ``top``, under the middle of a panel."""
    figure = cast(Figure, axes.figure)
    page_width, page_height = figure.get_size_inches()
    width = min(3.0, panel.width - 0.8)
    left = panel.left + (panel.width - width) / 2
    bar = figure.add_axes(
        (left / page_width, 1 - (top + 0.09) / page_height, width / page_width, 0.09 / page_height)
    )
    made = figure.colorbar(ScalarMappable(norm, colours), cax=bar, orientation="horizontal")
    outline: Any = made.outline
    outline.set(linewidth=0.6, edgecolor=FAINT)
    middle = 0.0 if norm.vmin == -(norm.vmax or 0.0) else ((norm.vmin or 0) + (norm.vmax or 0)) / 2
    ticks = [float(norm.vmin or 0.0), float(middle), float(norm.vmax or 0.0)]
    made.set_ticks(ticks, labels=[_number(t, signed=middle == 0.0) for t in ticks])
    bar.tick_params(length=2, labelsize=7.5, pad=2)
    bar.set_xlabel(text, size=7.5, labelpad=1, color=FAINT)


def _number(value: float, signed: bool) -> str:
    """Two digits are enough beside a colour bar."""
    if value == 0:
        return "0"
    return f"{value:{'+' if signed else ''}.2g}".replace("-", "−")
