"""The parts that ``qaconv bench`` measures, in order. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Something to measure: ``name`` for ``--only``, and the seconds that it takes in full on two
    cores. Parts that are ``large`` only run when named, and say what they ``need``."""

    name: str
    title: str
    seconds: float
    device: str = "cpu"
    large: bool = False
    needs: str = ""


FEATURES = "features of pictures"
BUSY_MACHINE = "busy-machine"
GALLERY, GRID, CHANNELS = (f"growth with the {what}" for what in ("gallery", "grid", "channels"))

EVALUATION_MINUTES = 120
"""Growing evaluations are to be done in so many, unless others are given."""
ESTIMATED = "evaluation from estimates"
EVALUATIONS = "growth of an evaluation with re-ranking"

PARTS: tuple[Part, ...] = (
    Part("features", FEATURES, 150),
    Part("query", "one query", 60),
    Part("worst-case", "one query, worst case", 60),
    Part("part-search", "search by part, what if", 60),
    Part("preparing", "preparing a gallery", 5),
    Part("shortlist", "through a shortlist", 60),
    Part("pairs", "all pairs", 40),
    Part("gallery", GALLERY, 90),
    Part("grid", GRID, 40),
    Part("channels", CHANNELS, 30),
    Part("evaluation-estimates", ESTIMATED, 450),
    Part("measures", "CMC, mAP, mINP", 20),
    Part("tlift", "temporal lifting", 40),
    Part("re-ranking", "re-ranking", 150),
    Part(BUSY_MACHINE, "busy machine", 150),
    Part(
        "re-ranking-on-disk",
        "re-ranking from disk",
        250,
        large=True,
        needs="MSMT17's size, 35 GB of disk",
    ),
    Part("evaluation-growth", EVALUATIONS, 6000, large=True, needs="two hours, or --minutes"),
    Part("million", "a large gallery from disk", 900, large=True, needs="53 GB of disk"),
    Part("features", FEATURES, 30, device="cuda"),
    Part("gallery", GALLERY, 30, device="cuda"),
    Part("grid", GRID, 30, device="cuda"),
    Part("channels", CHANNELS, 30, device="cuda"),
    Part("evaluation", "scoring of an evaluation", 60, device="cuda"),
)


def part_words() -> str:
    """All names for ``--only``, for people."""
    usual = dict.fromkeys(part.name for part in PARTS if not part.large and part.device == "cpu")
    more = dict.fromkeys(part.name for part in PARTS if part.name not in usual and not part.large)
    large = [f"{part.name} ({part.needs})" for part in PARTS if part.large]
    return (
        f"{', '.join(usual)}; on a GPU also {', '.join(more)}; and only when named: "
        f"{', '.join(large)}"
    )
