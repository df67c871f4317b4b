"""The aims of each figure, by its name and sizes, and whether they are met.

Small sizes have no aims: fixed costs weigh more there, and the tiles do not fill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qaconv_core.bench.busy import BUSY, FEATURES
from qaconv_core.bench.timing import Figure

MARKET = (3368, 15913)
MSMT = (11659, 82161)
DEMO = 1008
"""Pictures of the demo."""


@dataclass(frozen=True)
class Aim:
    """``found`` is to be at least ``wanted``, or at most with ``at_most``."""

    what: str
    wanted: float
    found: float
    unit: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"met": self.met}


Rule = Callable[[Figure, Mapping[str, float]], list[Aim]]


def aims_of(figure: Figure, peaks: Mapping[str, float]) -> list[Aim]:
    """The aims that a figure of this name and size has."""
    found: list[Aim] = []
    for name, sizes, rules in _AIMS:
        if figure.name == name and sizes.items() <= figure.sizes.items():
            for rule in rules:
                found += rule(figure, peaks)
    return found


def times(wanted: float, baseline: str = "") -> Rule:
    """At least ``wanted`` times as fast as each baseline whose name begins with ``baseline``."""

    def rule(figure: Figure, peaks: Mapping[str, float]) -> list[Aim]:
        return [
            Aim(f"{figure.name}: beside {name}", wanted, figure.ratio(name), "×")
            for name in figure.baselines
            if name.startswith(baseline)
        ]

    return rule


def within_seconds(wanted: float) -> Rule:
    """Done in at most ``wanted`` seconds, by the median."""
    return lambda figure, peaks: [
        Aim(f"{figure.name}: time", wanted, figure.timing.median, "s", at_most=True)
    ]


def within_bytes(wanted: int) -> Rule:
    """At most ``wanted`` bytes of memory of its own."""

    def rule(figure: Figure, peaks: Mapping[str, float]) -> list[Aim]:
        if figure.extra_bytes is None:
            return []
        what = f"{figure.name}: memory of its own"
        return [Aim(what, wanted / 1e6, figure.extra_bytes / 1e6, "MB", at_most=True)]

    return rule


def share_of_memory(wanted: float) -> Rule:
    """At most this share of what a baseline takes."""

    def rule(figure: Figure, peaks: Mapping[str, float]) -> list[Aim]:
        own = figure.extra_bytes
        return [
            Aim(f"{figure.name}: memory beside {name}", wanted, own / taken, "×", at_most=True)
            for name, taken in figure.baseline_bytes.items()
            if own is not None and taken
        ]

    return rule


def share_of_peak(wanted: float) -> Rule:
    """At least this share of the rate of a large matrix product."""

    def rule(figure: Figure, peaks: Mapping[str, float]) -> list[Aim]:
        peak = peaks.get(figure.peak)
        if not peak or not figure.flop:
            return []
        rate = figure.flop / figure.timing.median / 1e9
        return [Aim(f"{figure.name}: share of the {figure.peak} peak", wanted, rate / peak, "×")]

    return rule


def fact_at_most(name: str, wanted: float, unit: str = "") -> Rule:
    """The fact ``name`` of a figure, a number, is at most ``wanted``."""

    def rule(figure: Figure, peaks: Mapping[str, float]) -> list[Aim]:
        found = figure.facts.get(name)
        if found is None or found != found:
            return []
        what = f"{figure.name}: {name.replace('_', ' ')}"
        return [Aim(what, wanted, float(found), unit, at_most=True)]

    return rule


_WHOLE = {"galleries": 16000, "channels": 128, "grid": "24×8", "maps": "people"}
_DEMO = {"pictures": DEMO}
_UNMEASURABLE = 1e-3  # a tenth of a percent point of mAP, as tables print it
_PARTS = {"galleries": 16000, "channels": 128, "grid": "24×8"}
_EVALUATED = {"queries": 500, "galleries": 4000, "grid": "24×8", "maps": "people"}
_MARKET = {"queries": MARKET[0], "galleries": MARKET[1]}

_AIMS: tuple[tuple[str, dict[str, Any], tuple[Rule, ...]], ...] = (
    ("one query, searched", _WHOLE, (times(8, "plain"), within_bytes(300_000_000))),
    ("one query, float32", _WHOLE, (times(2, "plain"), within_bytes(300_000_000))),
    ("features, float32", _DEMO, (fact_at_most("grey_levels_beside_PIL", 1),)),
    ("features, bfloat16", _DEMO, (fact_at_most("change_of_mAP", _UNMEASURABLE),)),
    ("features, float16", _DEMO, (fact_at_most("change_of_mAP", _UNMEASURABLE),)),
    (f"{FEATURES} beside {BUSY} busy programs", {}, (times(1 / 3, "quiet"),)),
    ("search by part", _PARTS, (within_seconds(1),)),
    ("search by part", {"galleries": 766, "grid": "12×6"}, (within_seconds(0.2),)),
    ("what if, one pair", {"grid": "24×8"}, (within_seconds(0.1),)),
    ("which region matters", {"grid": "24×8"}, (within_seconds(0.1),)),
    ("evaluation from estimates", _EVALUATED, (times(4, "float32"), times(6, "plain"))),
    ("CMC, mAP, mINP", _MARKET, (within_seconds(5),)),
    ("TLift", _MARKET, (times(10),)),
    ("re-ranking", {"pictures": 20000}, (times(10), share_of_memory(0.25))),
    ("re-ranking, distances on disk", {"pictures": sum(MSMT)}, (within_bytes(16 * 2**30),)),
    ("fused kernel", {"galleries": 16000, "grid": "24×8"}, (times(4, "plain"), share_of_peak(0.5))),
    ("scoring of an evaluation", _MARKET, (within_seconds(2),)),
)
