"""What the window says of an adaptation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.state.words import decimals

if TYPE_CHECKING:  # they load torch
    from qaconv_core.adaptation import AdaptationResult, FoundGroups

TEACH = (
    "The model learns these cameras from the pictures alone: persons' ids are not used. It puts "
    "pictures that seem to show one person into groups, learns from them, and checks itself on "
    "pictures that it never learns from. The model that is open now is not changed."
)
LIMITS = (
    "Some thousand pictures are a good number; of some hundred, of one camera, or of people in "
    "uniforms little can be learned. The new model is kept only where held-out pictures fall into "
    "groups clearly better than before."
)
LOOK = (
    "Each row is believed to be one person, and the model learns from it as if it were. Take out "
    "what is wrong: click a picture (X), or the words of a row (Space)."
)
MEASURES = (
    ("Groups' worth", "worth", "How well held-out pictures fall into groups; larger is better."),
    ("Gain", "gain", "mAP above the old model's, with groups taken for persons."),
    ("Stability", "stability", "How alike the groups of random parts of the pictures are."),
    ("Nearest of other cameras", "across", "Share of other cameras among the five nearest."),
    ("Separation", "separation", "How much farther the next group is than the own one."),
    ("mAP", "mAP", "Among the held-out pictures; only where persons are known."),
)
MAPS = (
    ("Part agreement", "parts", "Strongest correspondences of rendered people on the same part."),
    ("Background", "background", "Strongest correspondences that touch the background; less is "
     "better."),
)  # fmt: skip


def groups_title(found: FoundGroups) -> str:
    """``Round 1: 67 groups of 974 pictures; 474 are in none``."""
    pictures = sum(len(group) for group in found.groups)
    return (
        f"Round {found.round}: {len(found.groups):,} groups of {pictures:,} pictures; "
        f"{found.alone:,} are in none"
    )


def outcome_title(result: AdaptationResult) -> str:
    """Whether it helped, in one sentence."""
    if not result.helped:
        return "The adaptation did not help; the model stays as it was"
    return "The adapted model groups pictures that it never learned from better"


def outcome_words(result: AdaptationResult) -> str:
    """What came of it and where it is."""
    if not result.helped:
        return (
            "By its own check on held-out pictures no round was clearly better than the model that "
            f"it began with. {result.out} holds that model."
        )
    return (
        f"Of {len(result.rounds):,} rounds the model of round {result.kept} was kept: {result.out}"
    )


def outcome_table(result: AdaptationResult) -> list[tuple[str, str, list[str]]]:
    """Rows of name, meaning and values: before, then after each round. Unknown ones are left
    out."""
    checks = [result.before, *(one.check for one in result.rounds)]
    maps = [result.maps_before, *(one.maps for one in result.rounds)]
    rows = []
    for entries, values in ((MEASURES, checks), (MAPS, maps)):
        for name, field, meaning in entries:
            found = [None if one is None else getattr(one, field) for one in values]
            if any(value is not None for value in found):
                texts = ["–" if value is None else decimals(value, 3) for value in found]
                rows.append((name, meaning, texts))
    return rows
