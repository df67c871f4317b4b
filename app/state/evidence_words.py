"""How the evidence of the pair shown stands among that of the set's pairs, in words. No Qt."""

from __future__ import annotations

from app.state.workspace import Workspace
from app.state.zones import zone_sums
from qaconv_core.explaining.evidence import EvidenceStanding, SetEvidence
from qaconv_core.explaining.values import RelativeMatch
from qaconv_core.matching.strongest import RELATIVE

COMPARE = "Compare with the set's pairs"
COMPARING = "Being compared with the set's pairs…"
COMPARE_TIP = (
    "Which shares of this set's true and false pairs have as much evidence? Measured once."
)


def standing_of(space: Workspace) -> EvidenceStanding | None:
    """Of the pair shown; None while it is not known."""
    pair, found = space.shown_pair, space.evidence
    if found is None or pair is None or not can_stand(space):
        return None
    return found.standing(zone_sums(pair, space.zones_of(pair), RELATIVE))


def can_stand(space: Workspace) -> bool:
    """Whether contributions above average are known of the one pair that is shown, all of it."""
    pair = space.shown_pair
    whole = pair is not None and isinstance(pair.relative, RelativeMatch) and pair is space.pair
    return whole and space.shown_why is None


def shares_of(standing: EvidenceStanding) -> list[tuple[str, float | None]]:
    """ "✓ true pairs", "✕ false pairs", and the share of each."""
    return [("✓ true pairs", standing.true), ("✕ false pairs", standing.false)]


def standing_tip(standing: EvidenceStanding, found: SetEvidence) -> str:
    """What was counted."""
    return (
        f"{standing.words}.\n"
        "Contributions above average, added up by zone over both pictures. Counted are pairs of "
        "this set with at least as much in every zone named: those that hold most of this pair's "
        f"evidence. Measured on {len(found.true):,} true and {len(found.false):,} false pairs of "
        f"{found.queries:,} queries, with averages over {found.pictures:,} gallery pictures. "
        "It says nothing of how likely it is that these two pictures show one person."
    )
