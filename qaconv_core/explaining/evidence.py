"""How the evidence of one pair stands among the pairs of a data set.

The evidence of a pair are its contributions above average, added up by zone over both pictures. As
much evidence in the same zones means: in each of the pair's leading zones
(:func:`~qaconv_core.explaining.zones.leading_zones`) the other pair's sum is at least as large.
NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qaconv_core.explaining.values import RelativeMatch
from qaconv_core.explaining.zones import (
    ZONES,
    ZoneMap,
    leading_zones,
    sums_by_zone,
    zones_of_picture,
)
from qaconv_core.types import Float32, Float64, ImageRef, Int64

SLACK = 1e-4
"""Sums this near to each other are equal: a pair computed alone differs in its last digits."""


@dataclass(frozen=True)
class EvidenceStanding:
    """Shares in [0, 1] of a set's true and false pairs with as much evidence in ``zones``.

    A share is None where the set has no such pair.
    """

    zones: tuple[int, ...]
    true: float | None
    false: float | None

    @property
    def where(self) -> str:
        """ "As much in upper body, beside"."""
        return f"As much in {', '.join(ZONES[zone] for zone in self.zones)}"

    @property
    def words(self) -> str:
        """ "As much in upper body, beside: 12 % of the set's true pairs, < 1 % of its false
        pairs"."""
        true, false = share_text(self.true), share_text(self.false)
        return f"{self.where}: {true} of the set's true pairs, {false} of its false pairs"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "zones": [ZONES[zone] for zone in self.zones],
            "true_pairs": self.true,
            "false_pairs": self.false,
        }


def share_text(share: float | None) -> str:
    """ "62 %"; "< 1 %" where it is not nothing; "–" where there is no such pair."""
    if share is None:
        return "–"
    return "< 1 %" if 0 < share < 0.005 else f"{round(100 * share)} %"


@dataclass(frozen=True, eq=False)
class SetEvidence:
    """Sums by zone, (n, zones), of true and of false pairs of a data set.

    ``queries`` queries were compared with ``pictures`` pictures of the gallery.
    """

    true: Float32
    false: Float32
    queries: int
    pictures: int

    def standing(self, sums: Float64) -> EvidenceStanding | None:
        """How a pair with these sums (zones,) stands; None where no zone speaks for it."""
        zones = leading_zones(sums)
        if not zones:
            return None
        return EvidenceStanding(zones, *(_share(p, sums, zones) for p in (self.true, self.false)))

    def of_pair(
        self, refs: tuple[ImageRef, ImageRef], above: RelativeMatch
    ) -> EvidenceStanding | None:
        """How query and candidate stand by their contributions ``above`` average."""
        h, w = above.query.shape
        zones = zones_of_picture(refs[0], (h, w)), zones_of_picture(refs[1], (h, w))
        return self.standing(sums_by_zone(above.sides, zones))

    @property
    def counts(self) -> dict[str, int]:
        """What was counted, for JSON."""
        return {
            "true_pairs_counted": len(self.true),
            "false_pairs_counted": len(self.false),
            "queries": self.queries,
            "gallery_pictures": self.pictures,
        }


def _share(pairs: Float32, sums: Float64, zones: tuple[int, ...]) -> float | None:
    """The share of ``pairs`` (n, zones) with at least as much in every one of ``zones``."""
    if not len(pairs):
        return None
    least = sums[list(zones)]
    least = least - SLACK * np.maximum(1.0, np.abs(least))
    return float((pairs[:, list(zones)] >= least).all(axis=1).mean())


def sums_of_pairs(adds: Float64, zones: Int64 | ZoneMap) -> Float64:
    """(n, zones): contributions above average ``adds`` (n, cells) of n pairs, by zone.

    ``zones`` (cells,) are those of one picture that all pairs share, or (n, cells) each pair's own.
    """
    return np.stack(
        [np.where(zones == zone, adds, 0.0).sum(axis=1) for zone in range(len(ZONES))], axis=1
    )
