"""One pair explained: the strongest correspondences as lines, the contributions as heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from qaconv_core.errors import InputError
from qaconv_core.explaining.values import NormalisedBreakdown, Relative
from qaconv_core.figures.heat import grey, heat_colours, on_grey
from qaconv_core.figures.pair import Box, Pair, captions, colour_bar, draw_picture, panel_title
from qaconv_core.figures.style import (
    DIVERGING,
    FAINT,
    SEQUENTIAL,
    blank_page,
    drawing,
    rgb_array,
    text_width,
)
from qaconv_core.matching.strongest import (
    RELATIVE,
    Correspondence,
    select_correspondences,
    worth,
)
from qaconv_core.types import CorrespondenceMap, Grid

_MARGIN = 0.3
_LINE_GAP, _HEAT_GAP, _PANEL_GAP = 0.55, 0.14, 0.55
_HEAD = 0.5  # above the pictures: title
_SUM_HEIGHT = 0.75
_DIRECTION_TEXT = {"query": "query → gallery", "gallery": "gallery → query", "mutual": "mutual"}
_BAR_TEXT = "takes away  ←  contribution to the logit  →  adds"
_SIMILARITY_TEXT = "similarity of the cells"
_ABOVE_AVERAGE_TEXT = "below average  ←  contribution  →  above average"
_ABOVE_STRANGERS_TEXT = "below strangers  ←  standard deviations  →  above strangers"
_COLOURS = ("contribution", "similarity", RELATIVE)


@dataclass(frozen=True)
class _Terms:
    """The terms of the sum: both sides' cells (h, w) and what stands beside them, None: nothing.

    ``names`` are those of the terms, ``heading`` and ``scale`` the words for one cell's term.
    ``total`` is what they make where that is not the logit, with its name.
    """

    query: npt.NDArray[np.floating]
    gallery: npt.NDArray[np.floating]
    rest: float | None
    names: tuple[str, ...]
    heading: str
    scale: str
    total: tuple[float, str] | None = None


def match_figure(
    query_image: Image.Image,
    gallery_image: Image.Image,
    match: CorrespondenceMap,
    *,
    threshold: float | None = None,
    top: int | None = 12,
    direction: str = "query",
    colour_by: str = "contribution",
    heat: bool = True,
    labels: Sequence[str] | None = None,
    relative: Relative | None = None,
    among: npt.ArrayLike | None = None,
    contribution: float | None = None,
) -> Figure:
    """The two pictures with their strongest correspondences, then what each cell contributed.

    Lines join cells chosen by :func:`~qaconv_core.matching.strongest.select_correspondences`
    (``threshold``, ``contribution``, ``top``, ``direction``), coloured and ordered by ``colour_by``
    (``"contribution"``, ``"similarity"`` or ``"relative"``), wider where stronger. The heat maps
    (``heat``) share one scale, centred on zero. Below stands the sum: query cells + gallery cells +
    bias = logit. With ``"relative"`` lines, maps and sum are of ``relative``, the contributions
    above average, and the mean logit takes the place of the bias; or the parts of a normalised
    score, which make it up alone. ``labels`` are the captions (e.g. file names) of query and
    gallery picture. ``among`` (h, w) restricts the lines to these query
    cells, as in a search by part. Pictures have one height and are never distorted.
    """
    if colour_by not in _COLOURS:
        raise InputError(f"cannot colour by {colour_by!r}; choose {' or '.join(_COLOURS)}")
    terms = _terms(match, relative if colour_by == RELATIVE else None)
    if labels is not None and len(labels) != 2:
        raise InputError(
            f"two labels are needed, of query and gallery picture; found {len(labels)}"
        )
    lines, total = select_correspondences(
        match,
        threshold,
        top,
        direction,
        order_by=colour_by,
        relative=None if relative is None else relative.sides,
        among=among,
        contribution=contribution,
    )
    if colour_by == "similarity":
        values = np.array([line.similarity for line in lines])
    else:
        values = worth(lines, (terms.query, terms.gallery), direction)
    names = (labels[0], labels[1]) if labels is not None else ("", "")
    pair = Pair(
        (rgb_array(query_image), rgb_array(gallery_image)),
        (query_image.width / query_image.height, gallery_image.width / gallery_image.height),
        names,
    )
    title = f"Strongest correspondences, {_DIRECTION_TEXT[direction]}"
    shown = f"{len(lines)} of {total} shown"
    if threshold is not None:
        shown += f", similarity ≥ {threshold:.2f}"
    if contribution is not None:
        shown += f", contribution ≥ {contribution:.3g}"
    with drawing():
        scale = _SIMILARITY_TEXT if colour_by == "similarity" else terms.scale
        return _draw(pair, match, _Lines(lines, values, title, shown, scale), terms, heat)


@dataclass(frozen=True)
class _Lines:
    """The correspondences to draw, what colours each, and the words around them."""

    lines: Sequence[Correspondence]
    values: npt.NDArray[np.floating]
    title: str
    shown: str
    scale: str


def _terms(match: CorrespondenceMap, relative: Relative | None) -> _Terms:
    if isinstance(relative, NormalisedBreakdown):
        return _Terms(
            relative.query,
            relative.gallery,
            None,
            ("query cells, above strangers", "gallery cells, above strangers"),
            "What each cell adds above strangers",
            _ABOVE_STRANGERS_TEXT,
            (relative.n, "deviations above strangers"),
        )
    if relative is None:
        return _Terms(
            match.query_contribution,
            match.gallery_contribution,
            match.bias,
            ("query cells", "gallery cells", "bias"),
            "What each cell adds to the logit",
            _BAR_TEXT,
        )
    return _Terms(
        relative.query,
        relative.gallery,
        relative.mean_logit,
        ("query cells, above average", "gallery cells, above average", "average logit"),
        "Contribution of each cell above average",
        _ABOVE_AVERAGE_TEXT,
    )


def _draw(pair: Pair, match: CorrespondenceMap, lines: _Lines, terms: _Terms, heat: bool) -> Figure:
    """Lay out the page: panels beside each other where they fit, else one above the other."""
    line_width, heat_width = pair.panel_width(_LINE_GAP), pair.panel_width(_HEAT_GAP)
    panel_height = _HEAD + pair.height + pair.foot
    beside = heat and pair.height * sum(pair.aspects) <= 5.0
    if beside:
        width = 2 * _MARGIN + line_width + _PANEL_GAP + heat_width
        heat_at = (_MARGIN + line_width + _PANEL_GAP, _MARGIN)
    else:
        width = 2 * _MARGIN + max(line_width, heat_width)
        heat_at = (_MARGIN + (line_width - heat_width) / 2, _MARGIN + panel_height + 0.2)
    bottom = (heat_at[1] if heat else _MARGIN) + panel_height
    figure, axes = blank_page(width, bottom + _SUM_HEIGHT + 0.1)
    _line_panel(axes, pair, match.grid, lines)
    if heat:
        _heat_panel(axes, pair, terms, *heat_at)
    _sum_line(axes, match, terms, width / 2, bottom + 0.05)
    return figure


# ── lines ───────────────────────────────────────────────────────────────────────────────────────


def _line_panel(axes: Axes, pair: Pair, grid: Grid, drawn: _Lines) -> None:
    top = _MARGIN + _HEAD
    boxes = pair.boxes(_MARGIN, top, _LINE_GAP)
    panel = Box(_MARGIN, top, pair.panel_width(_LINE_GAP), pair.height)
    panel_title(axes, panel, drawn.title, drawn.shown)
    for box, pixels in zip(boxes, pair.pixels, strict=True):
        draw_picture(axes, box, pixels)
    captions(axes, boxes, pair.labels, panel)
    if not drawn.lines:
        return
    norm, colours = _line_scale(drawn.values, around_zero=drawn.scale != _SIMILARITY_TEXT)
    _draw_lines(axes, boxes, grid, drawn.lines, drawn.values, colours(norm(drawn.values)))
    colour_bar(axes, panel, top + pair.height + pair.bar_offset, norm, colours, drawn.scale)


def _line_scale(values: npt.NDArray[np.floating], around_zero: bool) -> tuple[Normalize, Colormap]:
    """Colours of the lines: around zero for contributions, from least to 1 for similarities."""
    if around_zero:
        limit = float(np.abs(values).max()) or 1.0
        return Normalize(-limit, limit), DIVERGING
    low = min(float(values.min()), 0.99)
    return Normalize(low, 1.0), SEQUENTIAL


def _draw_lines(
    axes: Axes,
    boxes: tuple[Box, Box],
    grid: Grid,
    lines: Sequence[Correspondence],
    values: npt.NDArray[np.floating],
    colours: npt.NDArray[np.floating],
) -> None:
    """Lines with a dark and a light edge, so that they stand out from any picture."""
    largest = float(np.abs(values).max()) or 1.0
    widths = 1.0 + 2.0 * np.abs(values) / largest
    ends = [
        (
            boxes[0].cell_centre(line.query_cell, grid),
            boxes[1].cell_centre(line.gallery_cell, grid),
        )
        for line in lines
    ]
    # One line after the other, weakest first, lest edges of the weak cover the strong.
    for i in reversed(range(len(lines))):
        order = 10.0 + (len(lines) - i) * 0.01
        for extra, colour in ((2.6, "#000000b0"), (1.3, "#ffffffe0"), (0.0, colours[i])):
            axes.add_collection(
                LineCollection(
                    [ends[i]],
                    colors=[colour],
                    linewidths=[widths[i] + extra],
                    capstyle="round",
                    zorder=order,
                ),
                autolim=False,
            )
        _dots(axes, ends[i], order + 19, markersize=4.8 + widths[i], color="#000000b0")
        _dots(
            axes,
            ends[i],
            order + 20,
            markersize=3.4 + widths[i],
            markerfacecolor=colours[i],
            markeredgecolor="white",
            markeredgewidth=1.0,
        )


def _dots(axes: Axes, ends: tuple[tuple[float, float], ...], order: float, **look: Any) -> None:
    """Dots at the ends of a line: one artist, where ``axes.plot`` takes a while for each."""
    x, y = zip(*ends, strict=True)
    axes.add_line(Line2D(x, y, linestyle="None", marker="o", zorder=order, **look))


# ── heat maps ───────────────────────────────────────────────────────────────────────────────────


def _heat_panel(axes: Axes, pair: Pair, terms: _Terms, left: float, top: float) -> None:
    top += _HEAD
    boxes = pair.boxes(left, top, _HEAT_GAP)
    panel = Box(left, top, pair.panel_width(_HEAT_GAP), pair.height)
    panel_title(axes, panel, terms.heading, "both pictures on one scale")
    heats = (terms.query, terms.gallery)
    limit = max(float(np.abs(heat).max()) for heat in heats) or 1.0
    norm = Normalize(-limit, limit)
    for box, pixels, heat in zip(boxes, pair.pixels, heats, strict=True):
        draw_picture(axes, box, grey(pixels))
        axes.imshow(
            heat_colours(heat, norm),
            extent=box.extent,
            aspect="auto",
            interpolation="nearest",
            zorder=3,
        )
    sums = [f"Σ = {float(heat.sum()):+.3g}".replace("-", "−") for heat in heats]
    captions(axes, boxes, pair.labels, panel, sums)
    colour_bar(axes, panel, top + pair.height + pair.bar_offset, norm, on_grey(), terms.scale)


# ── the sum ─────────────────────────────────────────────────────────────────────────────────────


def _sum_line(
    axes: Axes, match: CorrespondenceMap, terms: _Terms, middle: float, top: float
) -> None:
    """query cells + gallery cells + bias = logit → score, each number over its name."""
    sums = [float(side.sum(dtype=np.float64)) for side in (terms.query, terms.gallery)]
    if terms.rest is not None:
        sums.append(terms.rest)
    signed: list[tuple[str, str]] = []
    for number, what in zip(sums, terms.names, strict=True):
        signed += [(f"{number:.3f}", what), ("+", "")]
    made = [(f"{match.logit:.3f}", "logit")]
    if terms.total is not None:
        made = [(f"{terms.total[0]:.3f}", terms.total[1]), (";", ""), *made]
    terms_and_result = (
        *signed[:-1],
        ("=", ""),
        *made,
        ("→", ""),
        (f"{match.score:.3f}", "score = sigmoid(logit / 10)" if middle > 3.5 else "score"),
    )
    parts = [(value.replace("-", "−"), name) for value, name in terms_and_result]
    pad = 0.3 if middle > 3.5 else 0.16
    widths = [max(text_width(value, 12), text_width(name, 7.5)) + pad for value, name in parts]
    left = middle - sum(widths) / 2
    for (value, name), width in zip(parts, widths, strict=True):
        centre = left + width / 2
        bold = made[0][1]
        weight = "bold" if name == bold else "normal"
        axes.text(centre, top + 0.28, value, ha="center", size=12, weight=weight)
        axes.text(centre, top + 0.48, name, ha="center", size=7.5, color=FAINT)
        left += width
