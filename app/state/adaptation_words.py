"""What the window says of an adaptation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.state.words import decimals
from qaconv_core.readable import counted

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
KEPT = (
    "You may close this window, or the whole program: what was done is kept. Next time this dialog "
    "offers Go on, and it goes on from where it stopped."
)
LOOK = (
    "Each row is believed to be one person, and the model learns from it as if it were. Take out "
    "what is wrong: click a picture (X), or the words of a row (Space)."
)
MIRRORED = (
    "Its maps are averaged with those of the mirrored pictures, which helped; new pictures "
    "take twice as long to read."
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


def step_words(stage: str) -> str:
    """``Round 1 of 2: grouping`` for the engine's ``round 1/2, grouping``."""
    words = re.sub(r"^round (\d+)/(\d+), ", r"round \1 of \2: ", stage)
    return words[:1].upper() + words[1:]


def groups_title(found: FoundGroups) -> str:
    """``Round 1: 67 groups of 974 pictures; 474 are in none``."""
    pictures = sum(len(group) for group in found.groups)
    return (
        f"Round {found.round}: {counted(len(found.groups), 'group')} of "
        f"{counted(pictures, 'picture')}; {counted(found.alone, 'is', 'are')} in none"
    )


def outcome_title(result: AdaptationResult) -> str:
    """Whether it helped, in one sentence."""
    if not result.helped:
        return "The adaptation did not help; the model stays as it was"
    if result.cameras_alone:
        return "The model is corrected for these cameras; learning from groups did not help"
    return "The adapted model groups pictures that it never learned from better"


def outcome_words(result: AdaptationResult) -> str:
    """What came of it and where it is."""
    if not result.helped:
        return (
            "By its own check on held-out pictures no round was clearly better than the model that "
            f"it began with. {result.out} holds that model."
        )
    rounds = counted(len(result.learned), "round")
    also = f"\n{MIRRORED}" if result.averages_mirrored else ""
    if result.cameras_alone:
        return (
            f"None of {rounds} was clearly better than the model that it began with. {result.out} "
            f"holds that model; it recognises the cameras and corrects its maps for them.{also}"
        )
    return f"Of {rounds} the model of round {result.kept} was kept: {result.out}{also}"


def outcome_names(result: AdaptationResult) -> list[str]:
    """What stands above the columns of :func:`outcome_table`."""
    rounds = (f"Round {one.number}" if one.learned else "Cameras alone" for one in result.rounds)
    return ["Before", *rounds, *([] if result.mirrored is None else ["Mirrored too"])]


def outcome_table(result: AdaptationResult) -> list[tuple[str, str, list[str]]]:
    """Rows of name, meaning and values: before, then after each round, and with mirrored pictures
    where that was tried. Unknown ones are left out."""
    rows = []
    for entries, values in ((MEASURES, result.checks), (MAPS, result.maps)):
        for name, field, meaning in entries:
            found = [None if one is None else getattr(one, field) for one in values]
            if any(value is not None for value in found):
                texts = ["–" if value is None else decimals(value, 3) for value in found]
                rows.append((name, meaning, texts))
    return rows
