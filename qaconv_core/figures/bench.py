"""How the time of a search grows with gallery, grid and channels."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from qaconv_core.errors import InputError
from qaconv_core.figures.style import SERIES, drawing, printable, tidy_axes

_GROWTH = {
    "growth with the gallery": ("galleries", "gallery pictures"),
    "growth with the grid": ("grid", "grid"),
    "growth with the channels": ("channels", "channels"),
}
_LINES, _SIGNS = ("-", "--", "-.", ":"), ("o", "s", "^", "D", "v", "P")


def bench_figure(record: dict[str, Any]) -> Figure:
    """Median seconds of every alternative, logarithmic, with least and most; a panel for each
    growth that ``record`` (of ``qaconv bench``) holds."""
    titles = [title for title in _GROWTH if record["parts"].get(title)]
    if not titles:
        raise InputError("there is no growth to draw: nothing of it was measured")
    with drawing():
        figure = Figure(figsize=(3.4 * len(titles) + 0.6, 4.0), layout="constrained")
        axes = figure.subplots(1, len(titles), squeeze=False)[0]
        names: list[str] = []
        for panel, title in zip(axes, titles, strict=True):
            _plot(panel, title, record["parts"][title], names)
        axes[0].set_ylabel("seconds")
        legend = {
            label: handle
            for panel in axes
            for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            legend.values(), legend.keys(), loc="outside lower center", frameon=False, ncols=3
        )
        figure.suptitle(printable(record["machine"]["device"]), fontsize=9)
        return figure


def _plot(axes: Axes, title: str, figures: list[dict[str, Any]], names: list[str]) -> None:
    key, label = _GROWTH[title]
    points: dict[str, dict[str, dict[str, float]]] = {}
    for one in figures:
        at = str(one["sizes"][key])
        points.setdefault(one["name"], {})[at] = one["timing"]
        for name, timing in one["baselines"].items():
            points.setdefault(name, {})[at] = timing
    places = list(dict.fromkeys(str(one["sizes"][key]) for one in figures))
    for name, found in points.items():
        if name not in names:
            names.append(name)
        number = names.index(name)
        x = [places.index(place) for place in found]
        middle = [timing["median"] for timing in found.values()]
        below = [timing["median"] - timing["least"] for timing in found.values()]
        above = [timing["most"] - timing["median"] for timing in found.values()]
        axes.errorbar(
            x,
            middle,
            yerr=(below, above),
            label=printable(name),
            color=SERIES[number % len(SERIES)],
            linestyle=_LINES[number % len(_LINES)],
            marker=_SIGNS[number % len(_SIGNS)],
            markersize=4,
            linewidth=1.4,
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(range(len(places)), places)
    axes.set_xlabel(label)
    tidy_axes(axes)
