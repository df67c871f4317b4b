"""The line of words under the pictures: what is shown, or what is under the pointer."""

from __future__ import annotations

from collections.abc import Sequence

from app.state import words
from app.state.overlay import Answer, Lines
from app.state.scene import Scene, is_own_file
from app.state.values import Look
from qaconv_core.galleries.values import PairView

POINT = "Point at a place in one picture: the other shows where it is matched."
HIDDEN = "The overlay is hidden. Space shows it again."
WAIT = "The chosen match is being explained…"
OWN_FILE = "This candidate is the query's own file."


def answers_text(scene: Scene, answers: Sequence[Answer]) -> str:
    """What a cell is matched with, and what that adds to the logit."""
    first, grid = answers[0], scene.pairs[0].match.grid
    cell = words.cell_words(first.cell, grid)
    if len(answers) == 1:
        return (
            f"{cell} → {words.cell_words(first.best, grid)} · "
            f"similarity {words.similarity_text(first.similarity)} · "
            f"adds {words.adds_text(first.adds)}"
        )
    second = answers[1]
    return (
        f"{cell} adds {words.adds_text(first.adds)} for the candidate, "
        f"{words.adds_text(second.adds)} for the other: "
        f"difference {words.adds_text(first.adds - second.adds)}"
    )


def shown_text(scene: Scene, look: Look, lines: Sequence[Lines], hidden: int) -> str:
    """What the pictures show when no cell is under the pointer."""
    if not scene.pairs:
        return scene.message if scene.panels else ""  # without pictures it stands in their place
    prefix = f"{OWN_FILE} " if is_own_file(scene) else ""
    if look.mode == "compare" and len(scene.pairs) > 1:
        legend = (
            "" if scene.why is None else ". Query: red speaks for the candidate, blue for the other"
        )
        return difference_text(scene) + legend + (f". {OWN_FILE}" if prefix else "")
    if not look.overlay:
        return prefix + HIDDEN
    if look.mode == "heat":
        return prefix + _sums(scene.pairs[0], look)
    if look.mode == "hover":
        return prefix + POINT
    text = words.shown_text(len(lines[0].drawn), lines[0].total)
    return prefix + text + (f", {hidden} out of sight" if hidden else "")


def difference_text(scene: Scene) -> str:
    """The difference of the logits of a comparison; they themselves stand under the pictures."""
    first, second = (pair.match.logit for pair in scene.pairs)
    # The difference of what is shown, so that the three numbers agree.
    return f"Difference {words.logit_text(round(first, 2) - round(second, 2))}"


def _sums(pair: PairView, look: Look) -> str:
    if look.heat_of == "relative" and pair.relative is not None:
        beyond = [words.adds_text(float(side.sum())) for side in pair.relative.sides]
        usual = words.logit_text(pair.relative.mean_logit)
        return f"beyond the usual logit {usual}: query cells {beyond[0]}, gallery cells {beyond[1]}"
    match = pair.match
    query = float(match.query_contribution.sum(dtype="float64"))
    gallery = float(match.gallery_contribution.sum(dtype="float64"))
    return (
        f"query cells add {words.adds_text(query)}, gallery cells {words.adds_text(gallery)}, "
        f"the bias {words.adds_text(match.bias)}"
    )
