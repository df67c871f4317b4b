"""The line of words under the pictures: what is shown, or what is under the pointer."""

from __future__ import annotations

from collections.abc import Sequence

from app.state import words
from app.state.overlay import Answer, Lines
from app.state.scene import Scene, is_own_file
from app.state.values import Look
from app.state.zones import evidence_words, zone_sums
from qaconv_core.galleries.values import PairView
from qaconv_core.matching.strongest import RELATIVE

POINT = "Point at a place in one picture: the other shows where it is matched."
HIDDEN = "The overlay is hidden. Space shows it again."
SEVERAL = "Point at a place in one picture: it is joined in all. Esc ends the comparison."
SWIPED = "Left of the line the query, right of it the candidate. Drag it; Esc ends this."
WAIT = "The chosen match is being explained…"
SHARES = (
    "Percentages are shares of what the zones that speak for this match contribute together, "
    "exact sums over the cells of both pictures."
)
OWN_FILE = "This candidate is the query's own file."


def answers_text(scene: Scene, answers: Sequence[Answer], pairs: Sequence[int] = (0,)) -> str:
    """What a cell is matched with in ``pairs``, and what that contributes."""
    first, zones = answers[0], scene.zones[pairs[0]]
    cell = zones.words(first.cell)
    if len(answers) == 1:
        return (
            f"{cell} → {zones.words(first.best)} · "
            f"similarity {words.similarity_text(first.similarity)} · "
            f"contribution {words.adds_text(first.adds)}" + _part(first)
        )
    what, adds = "contribution", [answer.adds for answer in answers]
    known = [answer.normalised for answer in answers if answer.normalised is not None]
    if len(known) == len(answers):
        what, adds = "above strangers", known
    if len(answers) > 2:
        of = dict(zip(pairs, map(words.adds_text, adds), strict=True))
        return f"{cell}: {what} {', '.join(of[pair] for pair in scene.in_order(pairs))}, row by row"
    # The difference of what is shown, so that the three numbers agree.
    difference = round(adds[0], 2) - round(adds[1], 2)
    return (
        f"{cell}: {what} {words.adds_text(adds[0])}, other {words.adds_text(adds[1])}, "
        f"difference {words.adds_text(difference)}"
    )


def _part(answer: Answer) -> str:
    """The cell's part of the normalised score, where the pair is explained by these."""
    if answer.normalised is None:
        return ""
    return f" · above strangers {words.adds_text(answer.normalised)} σ"


def cells_text(scene: Scene, answer: Answer) -> str:
    """The two cells of an answer by row and column, for the tooltip."""
    grid = scene.pairs[0].match.grid
    return "\n".join(
        f"{cell.side}: {words.cell_sentence(cell.number, grid)}"
        for cell in (answer.cell, answer.best)
    )


def evidence_text(scene: Scene, look: Look) -> str:
    """The result in words: where the evidence for the match lies; empty while it is not known."""
    pair = scene.pairs[0]
    if look.measure == RELATIVE and pair.relative is None:
        return ""
    return evidence_words(zone_sums(pair, scene.zones[0], look.measure))


def shown_text(scene: Scene, look: Look, lines: Sequence[Lines], hidden: int) -> str:
    """What the pictures show when no cell is under the pointer."""
    if not scene.pairs:
        return scene.message if scene.panels else ""  # without pictures it stands in their place
    prefix = f"{OWN_FILE} " if is_own_file(scene) else ""
    if scene.in_columns:
        return SEVERAL
    if look.mode == "compare" and len(scene.pairs) > 1:
        legend = (
            "" if scene.why is None else ". Query: red speaks for the candidate, blue for the other"
        )
        return difference_text(scene) + legend + (f". {OWN_FILE}" if prefix else "")
    if look.swipe == "pair":
        return prefix + SWIPED
    if not look.overlay:
        return prefix + HIDDEN
    said = evidence_text(scene, look)
    if look.mode == "heat":
        return prefix + (said or _sums(scene.pairs[0], look))
    if look.mode == "hover":
        return prefix + (said or POINT)
    text = words.shown_text(len(lines[0].drawn), lines[0].total)
    text += f", {hidden} out of sight" if hidden else ""
    return prefix + (f"{said.rstrip('.')} · {text}" if said else text)


def explained_text(scene: Scene, look: Look) -> str:
    """What the sentence is made of, for the tooltip."""
    if not scene.pairs:
        return ""
    return f"{SHARES}\n{_sums(scene.pairs[0], look)}."


def difference_text(scene: Scene) -> str:
    """The difference of the logits of a comparison, or of its normalised scores; they themselves
    stand under the pictures."""
    first, second = (pair.total for pair in scene.pairs)
    unit = " σ" if scene.pairs[0].normalised is not None else ""
    # The difference of what is shown, so that the three numbers agree.
    return f"Difference {words.logit_text(round(first, 2) - round(second, 2))}{unit}"


def _sums(pair: PairView, look: Look) -> str:
    if look.heat_of == "relative" and pair.relative is not None:
        beyond = [words.adds_text(float(side.sum())) for side in pair.relative.sides]
        if pair.normalised is not None:
            n = words.adds_text(pair.normalised.n)
            return f"{n} σ above strangers: query cells {beyond[0]}, gallery cells {beyond[1]}"
        usual = words.logit_text(pair.relative.base)
        return (
            f"Above the average logit {usual}: query cells {beyond[0]}, gallery cells {beyond[1]}"
        )
    match = pair.match
    query = float(match.query_contribution.sum(dtype="float64"))
    gallery = float(match.gallery_contribution.sum(dtype="float64"))
    return (
        f"Contributions: query cells {words.adds_text(query)}, gallery cells "
        f"{words.adds_text(gallery)}, the bias {words.adds_text(match.bias)}"
    )
