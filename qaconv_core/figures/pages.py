"""Pages of text, tables and pictures for a document: lengths in inches from the top left."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from qaconv_core.figures.pair import Box, draw_picture
from qaconv_core.figures.style import (
    FAINT,
    INK,
    RULE,
    blank_page,
    fit_text,
    printable,
    rgb_array,
    text_width,
)

PAGE = (13.45, 9.51)
"""A4 on its side, somewhat larger: a figure of two pictures fits under its numbers."""
MARGIN = 0.6
_LEADING = 1.45  # of the size of the letters


def line_height(size: float) -> float:
    """From one line to the next, for letters of ``size`` points."""
    return size * _LEADING / 72.0


def wrapped(text: object, size: float, width: float) -> list[str]:
    """``text`` in lines of at most ``width`` inches; its own ends of lines stay."""
    lines: list[str] = []
    space = _width_of(" ", size)
    for paragraph in str(text).splitlines() or [""]:
        line, used = "", 0.0
        for word in printable(paragraph).split(" "):
            for piece in _pieces(word, size, width):
                own = _width_of(piece, size)
                if line and used + space + own > width:
                    lines.append(line)
                    line, used = piece, own
                else:
                    line, used = (f"{line} {piece}", used + space + own) if line else (piece, own)
        lines.append(line)
    return lines


@functools.lru_cache(maxsize=4096)
def _width_of(word: str, size: float) -> float:
    """Width of one word, cached: words repeat, and measuring growing lines takes seconds."""
    return text_width(word, size)


def _pieces(word: str, size: float, width: float) -> list[str]:
    """A word that is wider than a line, cut."""
    whole = _width_of(word, size)
    if whole <= width:
        return [word]
    step = max(1, int(len(word) * width / whole * 0.7))  # characters differ in width
    return [word[i : i + step] for i in range(0, len(word), step)]


def write_lines(
    axes: Axes,
    left: float,
    top: float,
    lines: Iterable[str],
    size: float = 10.0,
    *,
    colour: str = INK,
    bold: bool = False,
) -> float:
    """Lines under each other; returns where the next one would begin."""
    for line in lines:
        top += line_height(size)
        weight = "bold" if bold else "normal"
        axes.text(left, top - 0.3 * line_height(size), line, size=size, color=colour, weight=weight)
    return top


def write_paragraph(
    axes: Axes, left: float, top: float, width: float, text: object, size: float = 10.0,
    colour: str = INK,
) -> float:  # fmt: skip
    """A wrapped paragraph; returns where the next one may begin."""
    lines = wrapped(text, size, width)
    return write_lines(axes, left, top, lines, size, colour=colour) + 0.4 * line_height(size)


def write_picture(axes: Axes, room: Box, image: Image.Image | None, caption: str) -> float:
    """A picture as large as ``room`` allows, its caption below; returns where that ends.

    Without a picture (it cannot be read) the caption alone.
    """
    bottom = room.top
    if image is not None:
        scale = min(room.width / image.width, room.height / image.height)
        place = Box(room.left, room.top, image.width * scale, image.height * scale)
        draw_picture(axes, place, rgb_array(image, 512))
        bottom += place.height + 0.05
    return write_lines(
        axes, room.left, bottom, wrapped(caption, 8.0, room.width), 8.0, colour=FAINT
    )


def write_table(
    axes: Axes,
    left: float,
    top: float,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[float],
    *,
    right: Sequence[int] = (),
    size: float = 9.0,
    goes_on: Collection[int] = (),
) -> float:
    """A table with thin lines; columns ``right`` are set to the right. Returns where it ends.

    Rows whose numbers (from 0) are in ``goes_on`` continue the one before: no line between them.
    """
    step = 1.35 * line_height(size)
    for number, row in enumerate((head, *rows)):
        at = left
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            fitted = fit_text(cell, size, width - 0.12)
            end = column in right
            axes.text(
                at + (width - 0.2 if end else 0), top + 0.68 * step, fitted, size=size,
                ha="right" if end else "left", color=FAINT if not number else INK,
                weight="normal" if number else "bold",
            )  # fmt: skip
            at += width
        top += step
        if not number or number not in goes_on:  # ``number`` is the row below the line
            axes.plot((left, at - 0.1), (top, top), color=RULE, linewidth=0.6)
    return top


def in_lines(
    row: Sequence[str], column: int, width: float, size: float = 9.0
) -> list[tuple[str, ...]]:
    """A row of a table as several, so that the text of one column has all its lines."""
    lines = wrapped(row[column], size, width - 0.12)
    rest = [("",) * column + (line,) + ("",) * (len(row) - column - 1) for line in lines[1:]]
    return [(*row[:column], lines[0], *row[column + 1 :]), *rest]


def table_room(height: float, size: float = 9.0) -> int:
    """How many rows, the head not counted, fit into ``height``."""
    return max(0, int(height / (1.35 * line_height(size))) - 1)


def put_on_page(figure: Figure, width: float, height: float, left: float, top: float) -> Axes:
    """Make a figure's page larger around what it shows; returns axes over all of the new page."""
    own_width, own_height = figure.get_size_inches()
    for axes in figure.axes:
        x, y, wide, high = axes.get_position(original=True).bounds
        axes.set_position(
            (
                (left + x * own_width) / width,
                (height - top - own_height + y * own_height) / height,
                wide * own_width / width,
                high * own_height / height,
            )
        )
    figure.set_size_inches(width, height)
    _, whole = blank_page(width, height, figure)
    return whole
