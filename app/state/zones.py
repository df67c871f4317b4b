"""Zones of bodies in the window: of the cells of a pair, and in words. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.state.values import Cell
from qaconv_core.explaining.zones import (
    BESIDE,
    FEET,
    ZONES,
    ZoneMap,
    leading_zones,
    sums_by_zone,
    zone_shares,
)
from qaconv_core.galleries.values import PairView
from qaconv_core.types import Bool, Float64

SHORT = ("head", "upper", "lower", "feet", "bag", "thing", "beside")
_PLURAL = {FEET}
_PLACES = {BESIDE: "beside the person"}
_IN_A_SENTENCE = tuple(
    "what is beside the person" if zone == "beside" else f"the {zone}" for zone in ZONES
)
PART = 0.2
"""Share of a part's cells from which a zone is named."""
MOSTLY, AGAINST = 0.5, 0.05
"""Shares from which a zone is most of the evidence, and from which it speaks against."""


@dataclass(frozen=True, eq=False)
class PairZones:
    """Zones (h, w) of both pictures of a pair."""

    query: ZoneMap
    gallery: ZoneMap

    def of(self, cell: Cell) -> int:
        """The number of a cell's zone."""
        zones = self.query if cell.side == "query" else self.gallery
        return int(zones.flat[cell.number])

    def name(self, cell: Cell) -> str:
        """ "upper body"."""
        return ZONES[self.of(cell)]

    def words(self, cell: Cell) -> str:
        """ "upper body (gallery)"."""
        return f"{self.name(cell)} ({cell.side})"


def zone_sums(pair: PairView, zones: PairZones, measure: str) -> Float64:
    """(zones,): what the cells of each zone of both pictures contribute together.

    Above average where ``measure`` is ``relative`` and the average is known. All zones add up to
    the logit minus the bias (or minus the average logit).
    """
    match, known = pair.match, pair.relative if measure == "relative" else None
    sides = (match.query_contribution, match.gallery_contribution) if known is None else known.sides
    return sums_by_zone(sides, (zones.query, zones.gallery))


def zone_names(cells: Bool, zones: ZoneMap) -> str:
    """Where the cells (h, w) of a part lie: "upper body and bag", the zone with most of them first.

    A zone with a small share of them is left out.
    """
    counts = np.bincount(zones[cells].ravel(), minlength=len(ZONES))
    order = [int(zone) for zone in np.argsort(-counts, kind="stable")]
    most = [zone for zone in order if counts[zone] and counts[zone] >= PART * counts.sum()]
    *others, last = [_PLACES.get(zone, ZONES[zone]) for zone in most] or ["nothing"]
    return f"{', '.join(others)} and {last}" if others else last


def evidence_words(sums: Float64) -> str:
    """ "Mostly the upper body (62 %) and the bag (21 %); the feet speak against it."

    Made from :func:`zone_sums` alone.
    """
    shares = zone_shares(sums)
    order = [int(i) for i in np.argsort(-shares, kind="stable")]
    first, *more = leading_zones(sums) or (None,)
    if first is None:
        return "No zone speaks for this match."
    share = f"{_IN_A_SENTENCE[first]} ({percent(shares[first])})"
    text = f"Mostly {share}" if shares[first] >= MOSTLY else share.capitalize()
    for second in more:
        text += f" and {_IN_A_SENTENCE[second]} ({percent(shares[second])})"
    against = [i for i in reversed(order) if shares[i] <= -AGAINST][:2]
    if not against:
        return f"{text}."
    names = " and ".join(_IN_A_SENTENCE[i] for i in against)
    verb = "speak" if len(against) > 1 or against[0] in _PLURAL else "speaks"
    return f"{text}; {names} {verb} against it."


def percent(share: float) -> str:
    """ "62 %"."""
    return f"{round(100 * share)} %"
