"""Data colours as Qt wants them: tables of the figures' maps, colours of truth.

They are the colours of :mod:`qaconv_core.figures.colours` and never follow the theme.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from PyQt5.QtGui import QColor, QImage

from app.state.overlay import Scale
from qaconv_core.figures.colours import DIVERGING_STOPS, FALSE, JUNK, SEQUENTIAL_STOPS, TRUE
from qaconv_core.types import RankingResult

Table = npt.NDArray[np.uint8]
STEPS = 256
DIVERGING = ("contribution", "relative", "strangers", "hiding", "lead", "difference", "misleads")
STOPS = {**dict.fromkeys(DIVERGING, DIVERGING_STOPS), "similarity": SEQUENTIAL_STOPS}
FAINTEST = {**dict.fromkeys(DIVERGING, 0.12), "similarity": 0.5}
"""Opacity of a heat map where a cell adds nothing or nothing is similar; 1 at the far end(s)."""


_TRUTH = {RankingResult.TRUE: TRUE, RankingResult.FALSE: FALSE, RankingResult.JUNK: JUNK}


@functools.cache
def table(kind: str) -> Table:
    """(256, 4) RGBA of a kind of scale, opaque: around zero blue, nothing, red."""
    stops = [QColor(stop) for stop in STOPS[kind]]
    places, at = np.linspace(0.0, 1.0, len(stops)), np.linspace(0.0, 1.0, STEPS)
    colours = np.full((STEPS, 4), 255, dtype=np.uint8)
    for channel, part in enumerate((QColor.red, QColor.green, QColor.blue)):
        colours[:, channel] = np.rint(np.interp(at, places, [part(stop) for stop in stops]))
    return colours


@functools.cache
def heat_table(kind: str) -> Table:
    """The same for laying over a picture, which shows through where little is to be said."""
    colours = table(kind).copy()
    along = np.linspace(0.0, 1.0, STEPS)
    strength = np.sqrt(np.abs(2 * along - 1)) if kind in DIVERGING else along
    least = FAINTEST[kind]
    colours[:, 3] = np.round(255 * (least + (1 - least) * strength))
    return colours


def steps(values: npt.NDArray[np.floating], scale: Scale) -> npt.NDArray[np.intp]:
    """Rows of a table for values on a scale."""
    return np.rint(scale.position(values) * (STEPS - 1)).astype(np.intp)


def heat_image(values: npt.NDArray[np.floating], scale: Scale) -> QImage:
    """A heat map (h, w) as a picture of h × w pixels, one for each cell."""
    pixels = np.ascontiguousarray(heat_table(scale.kind)[steps(values, scale)])
    height, width, _ = pixels.shape
    # A copy: QImage does not keep the array's memory alive.
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format_RGBA8888)  # type: ignore[call-overload]  # stub: bytes only
    return image.copy()


def colour_of(value: float, scale: Scale) -> QColor:
    """The opaque colour of one value."""
    red, green, blue, _ = table(scale.kind)[int(steps(np.array([value]), scale)[0])]
    return QColor(int(red), int(green), int(blue))


def truth_colour(truth: int) -> QColor | None:
    """Teal, orange or grey; None where the truth is not known."""
    return QColor(_TRUTH[truth]) if truth in _TRUTH else None


_APART = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8c6bb1",
    "#41ab5d", "#e7298a", "#a6761d", "#1b9e9e",
)  # fmt: skip


def line_colour(number: int) -> QColor:
    """A colour for the line of that place, as far as can be from those beside it."""
    return QColor(_APART[number % len(_APART)])
