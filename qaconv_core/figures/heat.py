"""Heat maps over pictures: one value a cell, on a scale centred on zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from PIL import Image

from qaconv_core.errors import InputError
from qaconv_core.figures.pair import Box, colour_bar, draw_picture
from qaconv_core.figures.style import DIVERGING, FAINT, blank_page, drawing, fit_text, rgb_array

_GREY_FROM, _GREY_TO = 85.0, 245.0  # black and white of the pictures under a heat map
_HEIGHT, _WIDEST = 3.0, 3.0
_MARGIN, _GAP, _HEAD, _FOOT = 0.3, 0.35, 0.5, 0.75
PER_ROW = 6


@dataclass(frozen=True)
class HeatItem:
    """A picture with a value for every cell (h, w), and its words: a title and a fainter line.

    ``picture`` is None where there is none to show; ``marked`` (h, w) are cells to outline.
    """

    title: str
    values: npt.NDArray[np.floating]
    under: str = ""
    picture: Image.Image | None = None
    marked: npt.NDArray[np.bool_] | None = None


def heat_figure(items: Sequence[HeatItem], scale: str, per_row: int = PER_ROW) -> Figure:
    """Heat maps beside each other, ``per_row`` in a row, on one scale that ``scale`` names.

    Without a picture a map is drawn as wide as a person's picture is (1 : 2).
    """
    if not items:
        raise InputError("there is no map to draw")
    limit = max(float(np.abs(item.values).max()) for item in items) or 1.0
    widths = [_width(item) for item in items]
    rows = [range(i, min(i + per_row, len(items))) for i in range(0, len(items), per_row)]
    row_widths = [sum(max(widths[i], 1.3) + _GAP for i in row) - _GAP for row in rows]
    width = max(4.0, *row_widths) + 2 * _MARGIN
    row_height = _HEAD + _HEIGHT + 0.15
    with drawing():
        figure, axes = blank_page(width, _MARGIN + len(rows) * row_height + _FOOT)
        for number, row in enumerate(rows):
            left, top = (width - row_widths[number]) / 2, _MARGIN + number * row_height
            for i in row:
                room = max(widths[i], 1.3)
                box = Box(left + (room - widths[i]) / 2, top + _HEAD, widths[i], _HEIGHT)
                _item(axes, items[i], box, room, Normalize(-limit, limit))
                left += room + _GAP
        panel = Box(_MARGIN, 0.0, width - 2 * _MARGIN, 0.0)
        foot = _MARGIN + len(rows) * row_height + 0.12
        colour_bar(axes, panel, foot, Normalize(-limit, limit), on_grey(), scale)
        return figure


def _width(item: HeatItem) -> float:
    aspect = 0.5 if item.picture is None else item.picture.width / item.picture.height
    return float(min(_HEIGHT * aspect, _WIDEST))


def _item(axes: Axes, item: HeatItem, box: Box, room: float, norm: Normalize) -> None:
    middle = box.left + box.width / 2
    title = fit_text(item.title, 9, room + _GAP - 0.1)
    axes.text(middle, box.top - 0.26, title, ha="center", size=9, weight="bold")
    under = fit_text(item.under, 7.5, room + _GAP - 0.1)
    axes.text(middle, box.top - 0.09, under, ha="center", size=7.5, color=FAINT)
    pale = np.full((2, 2, 3), 225, dtype=np.uint8)
    pixels = pale if item.picture is None else grey(rgb_array(item.picture))
    draw_picture(axes, box, pixels)
    axes.imshow(
        heat_colours(item.values, norm),
        extent=box.extent,
        aspect="auto",
        interpolation="nearest",
        zorder=3,
    )
    if item.marked is not None:
        _outline(axes, box, item.marked)


def _outline(axes: Axes, box: Box, marked: npt.NDArray[np.bool_]) -> None:
    """The edges between marked and other cells, dark on light so that they show on any picture."""
    h, w = marked.shape
    padded = np.pad(marked, 1)
    step = box.width / w, box.height / h
    for row in range(h + 1):
        for column in range(w + 1):
            x, y = box.left + column * step[0], box.top + row * step[1]
            here = padded[row + 1, column + 1]
            if here != padded[row, column + 1] and column < w:
                _edge(axes, (x, x + step[0]), (y, y))
            if here != padded[row + 1, column] and row < h:
                _edge(axes, (x, x), (y, y + step[1]))


def _edge(axes: Axes, x: tuple[float, float], y: tuple[float, float]) -> None:
    for width, colour in ((2.6, "white"), (1.2, "black")):
        axes.plot(x, y, color=colour, linewidth=width, zorder=5, solid_capstyle="round")


def grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The picture without colour and paler, so that the overlay alone has colour."""
    luminance = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey = (_GREY_FROM + luminance * ((_GREY_TO - _GREY_FROM) / 255.0)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def on_grey() -> Colormap:
    """The colours of the overlay as they look on a middling grey, for the colour bar."""
    colours = heat_colours(np.linspace(-1.0, 1.0, 256), Normalize(-1.0, 1.0))
    alpha, grey = colours[:, 3:], (_GREY_FROM + _GREY_TO) / 2 / 255.0
    return ListedColormap(colours[:, :3] * alpha + grey * (1.0 - alpha))


def heat_colours(heat: npt.NDArray[np.floating], norm: Normalize) -> npt.NDArray[np.floating]:
    """Colours (h, w, 4) of a heat map: more opaque the further from zero."""
    position = np.asarray(norm(heat))
    colours = np.asarray(DIVERGING(position))
    strength = np.abs(2.0 * position - 1.0)
    colours[..., 3] = 0.12 + 0.73 * np.sqrt(strength)
    return colours
