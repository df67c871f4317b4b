"""What the pages of failures and of trust say: what they do, what their numbers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.state.insights import SORTS, ErrorFindings, Example, Kind, zone_totals
from app.state.words import adds_text, camera_text, cell_name, decimals
from qaconv_core.explaining.zones import ZONES, zones_by_height
from qaconv_core.readable import counted
from qaconv_core.types import Grid

if TYPE_CHECKING:
    from qaconv_core.evaluation.error_groups import ErrorGroup

TITLES: dict[Kind, str] = {
    "failures": "What misleads the model",
    "trust": "Whether explanations show what decides",
}
TEACH: dict[Kind, str] = {
    "failures": (
        "For every query whose first match is false: what did that match have over the first true "
        "one, cell by cell? These exact differences are averaged over all errors, for each pair "
        "of cameras, and for clusters of errors that look alike. Every number opens its examples."
    ),
    "trust": (
        "Do strong matches join the same part of the body, or pavement with pavement? Do they move "
        "along when a picture is shifted? Do the cells named as strongest decide logit and rank? "
        "Measured on pairs of one person and, as a control, on pairs of different people."
    ),
}
BUTTONS: dict[Kind, str] = {"failures": "Find errors", "trust": "Check explanations"}
COMMANDS: dict[Kind, str] = {
    "failures": "qaconv explain --dataset NAME --failures FILE.html",
    "trust": "qaconv explain --dataset NAME --report FILE.html",
}
NO_DATA = "Nothing is open. Open a data set first; its queries and gallery are what is measured."
NOT_READY = "Feature maps are being computed; this can begin as soon as they are there."
NO_PARTS = (
    "Which body parts mislead is not known: this data set has no label maps. The map beside says "
    "where on the picture it happens."
)
NONE_FAILED = "No query has a false first match. There is nothing to explain."
CAUSE = (
    "The zone of the query whose cells mislead most in an error: those that add more to the false "
    "match than to the true one. Zones follow from the height in the box."
)
MARGIN = "The margin is the logit of the first false match minus that of the first true one."
PARTS = (
    "The mean sum of the differences over the query's cells of each body part or garment. Positive "
    "parts speak for the false match: they mislead."
)


def failures_verdict(found: ErrorFindings) -> str:
    """ "68 of 242 valid queries have a false first match (28.1 %); most misleading: upper garment
    (+2.10)."""
    analysis = found.analysis
    wrong, valid = len(analysis.errors), analysis.valid_queries
    share = decimals(100 * wrong / valid, 1)
    said = f"{wrong:,} of {valid:,} valid queries have a false first match ({share} %)"
    together = analysis.together
    if together is None:
        return f"{said}."
    parts = together.parts or dict(zip(ZONES, zone_totals(together.mean).tolist(), strict=True))
    part, most = max(parts.items(), key=lambda item: item[1])
    return f"{said}; most misleading: {part} ({adds_text(most)})." if most > 0 else f"{said}."


def cause_words(cause: int, count: int) -> str:
    """ "upper body (12)"."""
    return f"{ZONES[cause]} ({count:,})"


def group_title(name: str) -> str:
    """A group's name as the window writes it."""
    return "All errors" if name == "all" else name[:1].upper() + name[1:] \
        if name.startswith("cluster") else name  # fmt: skip


def margin_words(margin: float) -> str:
    """ "margin +1.24"."""
    return f"margin {adds_text(margin)}"


def group_line(group: ErrorGroup) -> str:
    """A group for tooltips and screen readers: "c1 → c2: 12 errors, margin +1.24"."""
    count, margin = counted(len(group.examples), "error"), margin_words(group.margin)
    return f"{group_title(group.name)}: {count}, {margin}. {group_meaning(group.name)}".strip()


def group_meaning(name: str) -> str:
    """What the failures of a group have in common; empty for all of them."""
    if name.startswith("cluster"):
        return "Errors whose difference maps look alike."
    if name == "all":
        return ""
    query, false = (camera.replace("c", "camera ") for camera in name.split(" → "))
    return f"Queries of {query} whose first match is a false one of {false}."


def group_sentence(group: ErrorGroup) -> str:
    """What a group is, and what its mean margin is made of."""
    cells = float(group.mean.sum())
    made = (
        f"On average the false match stands {adds_text(group.margin)} above the true one: "
        f"{adds_text(cells)} by the query's cells, shown here, and "
        f"{adds_text(group.margin - cells)} by the candidates' own."
    )
    return f"{group_meaning(group.name)} {made}".strip()


def cell_sentence(group: ErrorGroup, number: int, grid: Grid) -> str:
    """What one cell of a mean map says: "upper body, r5 c3: +0.12, misleads; 1 of 72 by size"."""
    value = float(group.mean.flat[number])
    place = 1 + int((np.abs(group.mean) > abs(value)).sum())
    of = group.mean.size
    speaks = (
        "misleads" if value > 0 else "speaks for the true match" if value < 0 else "says nothing"
    )
    where = f"{ZONES[zones_by_height(grid).flat[number]]}, {cell_name(number, grid)}"
    return f"{where}: {adds_text(value)}, {speaks}; {place} of {of} by size"


def example_line(example: Example) -> str:
    """The margin of a failure, and what the chosen cell adds to it."""
    margin = margin_words(example.failure.margin)
    return margin if example.value is None else f"cell {adds_text(example.value)} · {margin}"


def example_sentence(example: Example) -> str:
    """A failure for screen readers and tooltips."""
    cameras = " → ".join(
        camera_text(ref) or "camera not known" for ref in (example.query, example.false)
    )
    return (
        f"Error {example.number}: query {example.query.path.name}, false match "
        f"{example.false.path.name}, true match {example.true.path.name}; {cameras}; "
        f"{example_line(example)}"
    )


def order_words(count: int, cell: int | None, sort: str = "margin") -> str:
    """What the examples are, and in which order they stand."""
    by = "the largest margin first" if cell is None else "by what the cell adds"
    by = by if sort == "margin" else f"by {SORTS[sort].lower()}"
    return f"{counted(count, 'error')}, {by}: query, ✕ first false, ✓ first true match."
