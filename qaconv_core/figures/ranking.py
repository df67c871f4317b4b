"""A ranked strip: the query, then the gallery pictures in order with marks for right and wrong."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from qaconv_core.errors import InputError
from qaconv_core.figures.style import (
    FAINT,
    FALSE,
    INK,
    JUNK,
    PALE,
    RULE,
    TRUE,
    blank_page,
    drawing,
    fit_text,
    rgb_array,
    text_width,
    wrap_text,
)
from qaconv_core.naming import camera_label, person_label
from qaconv_core.types import Bool, RankingResult

_MARGIN, _GAP = 0.3, 0.16
_PER_ROW = 10
_BOX_HEIGHT = 1.7
_CAPTION = 0.62
_LEGEND = 0.42
_NOTE_LINE = 0.15


@dataclass(frozen=True)
class RankedPicture:
    """One gallery picture of a ranking.

    ``rank`` is 1 for the best and 0 or None for junk, which has none; ``pid`` and ``camid`` are
    None where unknown; ``truth`` is one of ``RankingResult.TRUE``, ``FALSE``, ``JUNK``,
    ``NOT_KNOWN``. ``cells`` (h, w) are cells to point out, as where a part of the query was found.
    ``normalised`` is the score above strangers, shown in the place of ``score``; ``person`` and
    ``camera`` are names of pid and camid, where there are any.
    """

    image: Image.Image
    rank: int | None
    score: float
    pid: int | None = None
    camid: int | None = None
    truth: int = RankingResult.NOT_KNOWN
    cells: Bool | None = None
    normalised: float | None = None
    person: str = ""
    camera: str = ""


@dataclass(frozen=True)
class _Mark:
    """How one kind of truth is shown: never by colour alone."""

    sign: str
    colour: str
    line: str
    width: float
    text: str


_MARKS = {
    RankingResult.TRUE: _Mark("✓", TRUE, "-", 2.4, "true match"),
    RankingResult.FALSE: _Mark("✕", FALSE, "--", 2.0, "false match"),
    RankingResult.JUNK: _Mark("–", JUNK, ":", 2.0, "junk (same person and camera, ignored)"),
    RankingResult.NOT_KNOWN: _Mark("", RULE, "-", 0.8, "not known"),
}


def ranking_figure(
    query_image: Image.Image,
    query_caption: str,
    items: Sequence[RankedPicture],
    *,
    query_cells: Bool | None = None,
    note: str = "",
) -> Figure:
    """The query and its ranked gallery pictures, ten in a row, best first.

    A true match has a solid frame and ✓, a false one a dashed frame and ✕, junk a dotted frame
    and –, what is not known a thin frame. Pictures are fitted into boxes of one size, undistorted.
    ``query_cells`` (h, w) and the items' ``cells`` are pointed out by leaving the rest pale.
    ``note`` stands below: what is not exact about the ranking, say.
    """
    unknown = {item.truth for item in items} - set(_MARKS)
    if unknown:
        raise InputError(f"a ranked picture has truth {sorted(unknown)}; known: {sorted(_MARKS)}")
    aspects = [image.width / image.height for image in (query_image, *(i.image for i in items))]
    box_width = _BOX_HEIGHT * min(max(statistics.median(aspects), 0.5), 1.6)
    with drawing():
        return _draw(query_image, query_caption, items, box_width, query_cells, note)


@dataclass(frozen=True)
class RankedRow:
    """A query with its caption, and its ranked gallery pictures, best first."""

    image: Image.Image
    caption: str
    items: Sequence[RankedPicture]


def ranking_grid(rows: Sequence[RankedRow]) -> Figure:
    """Several queries below each other, each with its ranked pictures in one row beside it.

    Pictures are marked as :func:`ranking_figure` does.
    """
    if not rows:
        raise InputError("there is no query to draw")
    aspects = [row.image.width / row.image.height for row in rows]
    box_width = _BOX_HEIGHT * min(max(statistics.median(aspects), 0.5), 1.6)
    truths = {item.truth for row in rows for item in row.items}
    marks = _marks_of(truths)
    first = _MARGIN + box_width + 2.5 * _GAP
    columns = max(1, *(len(row.items) for row in rows))
    width = max(first + columns * (box_width + _GAP) - _GAP + _MARGIN, _legend_room(marks))
    row_height = _BOX_HEIGHT + _CAPTION
    with drawing():
        height = _MARGIN + len(rows) * row_height + (_LEGEND if marks else 0.1)
        figure, axes = blank_page(width, height)
        for number, row in enumerate(rows):
            top = _MARGIN + number * row_height
            _query(axes, row.image, row.caption, top, box_width)
            for column, item in enumerate(row.items):
                _item(axes, item, first + column * (box_width + _GAP), top, box_width)
        line, foot = first - 1.25 * _GAP, _MARGIN + len(rows) * row_height - 0.15
        axes.plot([line, line], [_MARGIN, foot], color=RULE, lw=0.8)
        _legend(axes, marks, height - 0.2)
    return figure


def _marks_of(truths: set[int]) -> list[_Mark]:
    """The marks to explain; none where nothing is marked."""
    if truths <= {RankingResult.NOT_KNOWN}:
        return []
    return [mark for truth, mark in _MARKS.items() if truth in truths]


def _legend_room(marks: Sequence[_Mark]) -> float:
    return 2 * _MARGIN + sum(_legend_width(mark) for mark in marks)


def _query(
    axes: Axes,
    image: Image.Image,
    caption: str,
    top: float,
    width: float,
    cells: Bool | None = None,
) -> None:
    """The query at the left margin, with its frame and caption."""
    _picture(axes, image, _MARGIN, top, width, cells)
    _frame(axes, _MARGIN, top, width, _Mark("", INK, "-", 1.6, ""))
    _caption(axes, _MARGIN, top, width, ("query", *caption.split("\n")[:2]))


def _draw(
    query_image: Image.Image,
    query_caption: str,
    items: Sequence[RankedPicture],
    box_width: float,
    query_cells: Bool | None,
    note: str,
) -> Figure:
    columns = max(1, min(_PER_ROW, len(items)))
    rows = max(1, -(-len(items) // _PER_ROW))
    first = _MARGIN + box_width + 2.5 * _GAP  # where the ranked pictures begin
    marks = _marks_of({item.truth for item in items})
    width = max(first + columns * (box_width + _GAP) - _GAP + _MARGIN, _legend_room(marks))
    row_height = _BOX_HEIGHT + _CAPTION
    noted = wrap_text(note, 8, width - 2 * _MARGIN)
    below = len(noted) * _NOTE_LINE
    height = _MARGIN + rows * row_height + (_LEGEND if marks else 0.1) + below
    figure, axes = blank_page(width, height)
    _query(axes, query_image, query_caption, _MARGIN, box_width, query_cells)
    line = first - 1.25 * _GAP
    axes.plot([line, line], [_MARGIN, _MARGIN + rows * row_height - 0.15], color=RULE, lw=0.8)
    for i, item in enumerate(items):
        row, column = divmod(i, _PER_ROW)
        left, top = first + column * (box_width + _GAP), _MARGIN + row * row_height
        _item(axes, item, left, top, box_width)
    _legend(axes, marks, height - 0.2 - below)
    for number, line_of_text in enumerate(noted, start=1):
        at = height - 0.15 - below + number * _NOTE_LINE
        axes.text(_MARGIN, at, line_of_text, size=8, color=INK)
    return figure


def _item(axes: Axes, item: RankedPicture, left: float, top: float, width: float) -> None:
    mark = _MARKS[item.truth]
    _picture(axes, item.image, left, top, width, item.cells)
    _frame(axes, left, top, width, mark)
    if mark.sign:
        _badge(axes, mark, left, top)
    known = [camera_label(item.camid, item.camera)] if item.camid is not None else []
    if item.pid is not None:
        known.insert(0, person_label(item.pid, item.person) if item.person else f"id {item.pid}")
    together = " · ".join(known)
    lines = [together] if text_width(together, 7) <= width + 0.05 else known
    value = f"{item.score:.3f}" if item.normalised is None else f"{item.normalised:+.1f} σ"
    score = value.replace("-", "−")
    _caption(axes, left, top, width, (f"{item.rank or '–'}   {score}", *lines))


def _picture(
    axes: Axes,
    image: Image.Image,
    left: float,
    top: float,
    width: float,
    cells: Bool | None = None,
) -> None:
    """The picture as large as fits into its box, on a pale ground; all but ``cells`` pale too."""
    ground = Rectangle((left, top), width, _BOX_HEIGHT, facecolor="#f1f1f3", lw=0, zorder=1)
    axes.add_patch(ground)
    scale = min(width / image.width, _BOX_HEIGHT / image.height)
    w, h = image.width * scale, image.height * scale
    x, y = left + (width - w) / 2, top + (_BOX_HEIGHT - h) / 2
    extent = (x, x + w, y + h, y)
    axes.imshow(
        rgb_array(image, longest=800),
        extent=extent,
        aspect="auto",
        interpolation="antialiased",
        zorder=2,
    )
    if cells is not None:
        veil = np.ones((*cells.shape, 4))
        veil[..., 3] = np.where(cells, 0.0, PALE)
        axes.imshow(veil, extent=extent, aspect="auto", interpolation="nearest", zorder=2.5)


def _frame(axes: Axes, left: float, top: float, width: float, mark: _Mark) -> None:
    axes.add_patch(
        Rectangle(
            (left, top),
            width,
            _BOX_HEIGHT,
            fill=False,
            edgecolor=mark.colour,
            linestyle=mark.line,
            linewidth=mark.width,
            zorder=3,
        )
    )


def _badge(axes: Axes, mark: _Mark, left: float, top: float) -> None:
    """The sign in white on a patch of its colour, in the corner of the picture."""
    side = 0.24
    axes.add_patch(Rectangle((left, top), side, side, facecolor=mark.colour, lw=0, zorder=4))
    axes.text(
        left + side / 2,
        top + side / 2,
        mark.sign,
        ha="center",
        va="center_baseline",
        size=11,
        weight="bold",
        color="white",
        zorder=5,
    )


def _caption(axes: Axes, left: float, top: float, width: float, lines: Sequence[str]) -> None:
    """Up to three lines under a box, the first one in strong ink."""
    for i, line in enumerate(lines):
        text = fit_text(line, 8 if i == 0 else 7, width + _GAP / 2)
        axes.text(
            left + width / 2,
            top + _BOX_HEIGHT + 0.17 + 0.14 * i,
            text,
            ha="center",
            size=8 if i == 0 else 7,
            color=INK if i == 0 else FAINT,
        )


def _legend_width(mark: _Mark) -> float:
    return 0.34 + text_width(mark.text, 8) + 0.3


def _legend(axes: Axes, marks: Sequence[_Mark], baseline: float) -> None:
    """What the marks mean, from the left margin on."""
    left = _MARGIN
    for mark in marks:
        axes.add_patch(
            Rectangle(
                (left, baseline - 0.14),
                0.24,
                0.17,
                facecolor=mark.colour if mark.sign else "white",
                edgecolor=mark.colour,
                lw=0.8,
            )
        )
        axes.text(
            left + 0.12,
            baseline - 0.055,
            mark.sign,
            ha="center",
            va="center_baseline",
            size=8,
            weight="bold",
            color="white",
        )
        axes.text(left + 0.32, baseline, mark.text, size=8, color=FAINT)
        left += _legend_width(mark)
