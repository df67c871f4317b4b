"""What an adaptation came to, round by round: the checks on held-out pictures, and the maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qaconv_core.adaptation.values import AdaptationResult
from qaconv_core.figures.style import FAINT, SERIES, drawing, tidy_axes

_LINES, _SIGNS = ("-", "--"), ("o", "s")

Values = Sequence[float | None]


def rounds_figure(result: AdaptationResult) -> Figure:
    """Three panels from the old model to the last round: groups' worth, and mAP where persons are
    known; gain; part agreement and background.

    What was tried beside the rounds (cameras alone, mirrored pictures) is not joined to them. A
    dotted line marks the model that was written.
    """
    checks, maps = result.checks, result.maps
    panels: list[tuple[str, list[tuple[str, Values]]]] = [
        (
            f"{checks[0].pictures:,} held-out pictures",
            [("groups' worth", [one.worth for one in checks]), ("mAP", [c.mAP for c in checks])],
        ),
        ("above the old model", [("gain", [one.gain or 0.0 for one in checks])]),
        (
            "maps of rendered people",
            [
                ("part agreement", [None if one is None else one.parts for one in maps]),
                ("background", [None if one is None else one.background for one in maps]),
            ],
        ),
    ]
    with drawing():
        figure = Figure(figsize=(9.6, 3.4), layout="constrained")
        for axes, (title, curves) in zip(figure.subplots(1, 3), panels, strict=True):
            _panel(axes, curves, result)
            axes.set_title(title, loc="left")
        return figure


def stages(result: AdaptationResult) -> list[str]:
    """The old model, each round, and what was tried beside them, in the order of the checks."""
    rounds = [str(one.number) if one.learned else "cameras\nalone" for one in result.rounds]
    return ["old", *rounds, *([] if result.mirrored is None else ["mirrored\ntoo"])]


def _panel(axes: Axes, curves: Sequence[tuple[str, Values]], result: AdaptationResult) -> None:
    joined = 1 + len(result.learned)
    names = stages(result)
    for number, (name, values) in enumerate(curves):
        known = [(x, value) for x, value in enumerate(values) if value is not None]
        if not known:
            continue
        style: dict[str, Any] = {"color": SERIES[number], "marker": _SIGNS[number], "markersize": 5}
        rounds = [point for point in known if point[0] < joined]
        axes.plot(
            [x for x, _ in rounds],
            [value for _, value in rounds],
            linestyle=_LINES[number],
            linewidth=1.6,
            label=name,
            **style,
        )
        beside = [point for point in known if point[0] >= joined]
        axes.plot([x for x, _ in beside], [value for _, value in beside], linestyle="none", **style)
    axes.axvline(result.written_stage, color=FAINT, linestyle=":", linewidth=1.0, zorder=0)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.4, len(names) - 0.6)
    axes.set_xlabel("round (dotted: the model that was written)")
    axes.legend(frameon=False, fontsize=8)
    tidy_axes(axes)
