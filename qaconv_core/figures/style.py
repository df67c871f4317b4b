"""The style of all figures, and how they are saved.

Figures are built with matplotlib's object interface; no backend is chosen and nothing of pyplot is
touched, so that a window or a notebook that uses matplotlib is not disturbed.

Colours of truth avoid red against green (blue-green for true, orange for false). Marks and line
styles repeat what colours say, for print and for people who do not see colours.
"""

from __future__ import annotations

import functools
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path
from PIL import Image

from qaconv_core.errors import InputError
from qaconv_core.figures.colours import DIVERGING_STOPS, SEQUENTIAL_STOPS
from qaconv_core.figures.colours import FALSE as FALSE
from qaconv_core.figures.colours import JUNK as JUNK
from qaconv_core.figures.colours import TRUE as TRUE
from qaconv_core.figures.formats import FORMATS
from qaconv_core.readable import shown_lines
from qaconv_core.store.atomic import atomic_write_bytes
from qaconv_core.types import Bool

BLURS = ("faces", "all")
"""What can be blurred in figures and reports."""
_HEAD = 0.25  # of the height of a person's picture
_PATCHES = 5
_blur: ContextVar[str] = ContextVar("blur", default="")

INK = "#1d1d1f"
FAINT = "#6b6b70"
RULE = "#d5d5d8"

SERIES = ("#00798c", "#d95f0e", "#3b4cc0", "#9c5fb5", "#5c5c5c", "#b8860b")
"""Colours of curves, which also differ by line style and marker."""

DIVERGING = LinearSegmentedColormap.from_list("qaconv_diverging", DIVERGING_STOPS)
"""Contributions: negative (blue), zero, positive (red)."""

SEQUENTIAL = LinearSegmentedColormap.from_list("qaconv_sequential", SEQUENTIAL_STOPS)

FONT = "DejaVu Sans"
_RC: Any = {
    "font.family": [FONT],
    "font.size": 9.0,
    "text.parse_math": False,  # a file name may hold dollar signs
    "text.usetex": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10.0,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.unicode_minus": True,
    "path.simplify": True,
    "image.composite_image": False,
    "pdf.fonttype": 42,  # text stays text: it can be searched, copied and edited
    "svg.fonttype": "none",
    "svg.hashsalt": "qaconv",
}
_LOCK = threading.RLock()


@contextmanager
def drawing() -> Iterator[None]:
    """Our settings of matplotlib within the block, for one thread at a time."""
    with _LOCK, rc_context(_RC):
        yield


def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: float = 200.0) -> None:
    """Write ``figure`` as PNG, PDF or SVG, by the suffix of ``path``, atomically.

    ``dpi`` is dots per inch of a PNG and of pictures inside a PDF or SVG. Equal figures give equal
    files: no date is written, and text is embedded as text. :class:`InputError` for another
    suffix or where the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InputError(
            f"{path}: figures are saved as {', '.join(FORMATS)}; choose one of these suffixes"
        )
    atomic_write_bytes(path, figure_bytes(figure, suffix, dpi))


def figure_bytes(figure: Figure, suffix: str = ".png", dpi: float = 200.0) -> bytes:
    """``figure`` as the content of a file of one of :data:`FORMATS` (see :func:`save_figure`)."""
    undated: dict[str, dict[str, Any]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    out = io.BytesIO()
    with drawing():
        figure.savefig(out, format=suffix[1:], dpi=dpi, metadata=undated.get(suffix))
    return out.getvalue()


def blank_page(width: float, height: float, on: Figure | None = None) -> tuple[Figure, Axes]:
    """A figure of that size in inches with one axes over all of it, in inches from the top left.

    With ``on`` the axes lie over that figure, which has this size.
    """
    figure = Figure(figsize=(width, height)) if on is None else on
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0.0, width)
    axes.set_ylim(height, 0.0)
    axes.set_autoscale_on(False)
    return figure, axes


def tidy_axes(axes: Axes) -> None:
    """Faint horizontal lines instead of a box."""
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


@functools.lru_cache(maxsize=1)
def _known_glyphs() -> frozenset[int]:
    font = get_font(findfont(FontProperties(family=[FONT])))
    return frozenset(font.get_charmap())


def printable(text: object) -> str:
    """``text`` on one line; what the bundled font cannot draw becomes a box (□).

    Control characters and what is no valid Unicode are written as escapes.
    """
    known = _known_glyphs()
    return "".join(
        " " if sign.isspace() else sign if ord(sign) in known and sign.isprintable() else "□"
        for sign in shown_lines(str(text))
    )


@functools.lru_cache(maxsize=4096)  # most words are of many figures
def text_width(text: str, size: float) -> float:
    """Width in inches of ``text`` in points ``size``."""
    prop = FontProperties(family=[FONT], size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, prop, ismath=False)
    return float(width) / 72.0


def fit_text(text: object, size: float, width: float) -> str:
    """``text`` in at most ``width`` inches; when too long, an ellipsis stands for its middle."""
    whole = printable(text)
    if text_width(whole, size) <= width:
        return whole
    low, high = 0, min(len(whole) - 1, 400)
    while low < high:  # the largest number of characters that fits
        middle = (low + high + 1) // 2
        if text_width(_shortened(whole, middle), size) <= width:
            low = middle
        else:
            high = middle - 1
    return _shortened(whole, low)


def wrap_text(text: object, size: float, width: float) -> list[str]:
    """``text`` in lines of at most ``width`` inches, broken between words."""
    lines: list[str] = []
    for word in printable(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fit_text(word, size, width))
    return lines


def _shortened(text: str, kept: int) -> str:
    tail = kept // 2
    return text[: kept - tail] + "…" + (text[-tail:] if tail else "")


PALE = 0.72
"""How white the cells are that are not pointed out, from 0 to 1."""


def part_picture(image: Image.Image, cells: Bool) -> Image.Image:
    """The picture with all but ``cells`` (h, w) of its grid pale."""
    pixels = rgb_array(image, 512)
    veil = Image.fromarray(np.where(cells, 0, round(255 * PALE)).astype(np.uint8))
    size = (pixels.shape[1], pixels.shape[0])
    white = Image.new("RGB", size, "white")
    return Image.composite(
        white, Image.fromarray(pixels), veil.resize(size, Image.Resampling.NEAREST)
    )


def rgb_array(image: Image.Image, longest: int = 1600) -> npt.NDArray[np.uint8]:
    """A picture as (height, width, 3) uint8; transparency over white; shrunk when very large."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    scale = longest / max(image.size)
    image = image.convert("RGB")
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(_blurred(image, _blur.get()), dtype=np.uint8)


@contextmanager
def blurred_pictures(blur: str) -> Iterator[None]:
    """Blur every picture that is drawn meanwhile, in this thread.

    ``blur`` is ``faces`` (the head zone: the upper quarter of a person's picture), ``all``, or "".
    A picture that is wider than high shows no single upright person, and is blurred whole.
    """
    if blur not in ("", *BLURS):
        raise InputError(f"pictures are blurred as {' or '.join(BLURS)}, not {blur!r}")
    token = _blur.set(blur)
    try:
        yield
    finally:
        _blur.reset(token)


def _blurred(image: Image.Image, blur: str) -> Image.Image:
    """``image`` with a part of it as a few flat patches, from which it cannot be made again."""
    if not blur:
        return image
    whole = blur == "all" or image.width > image.height
    zone = (0, 0, image.width, image.height if whole else max(1, round(image.height * _HEAD)))
    part = image.crop(zone)
    columns = min(part.width, _PATCHES)
    rows = max(1, min(part.height, round(columns * part.height / part.width)))
    patches = part.resize((columns, rows), Image.Resampling.BOX)
    blurred = image.copy()
    blurred.paste(patches.resize(part.size, Image.Resampling.BILINEAR), zone[:2])
    return blurred
