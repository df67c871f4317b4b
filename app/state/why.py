"""Why one candidate has a larger logit than another: the difference as a sum, largest first."""

from __future__ import annotations

from app.state.score_breakdown import Part, Sum
from app.state.values import Cell
from qaconv_core.explaining.values import Reason
from qaconv_core.galleries.values import Why

SIDES = {"query": "query", "a": "candidate", "b": "other"}


def sum_of_why(why: Why, top: int = 9) -> Sum:
    """The difference of two logits with its ``top`` largest terms named, whatever their sign.

    A cell of the other candidate stands for the query cell that it is matched with.
    """
    named, others = why.reasons[:top], why.reasons[top:]
    cells = tuple(_part(reason) for reason in named)
    strongest = Part(
        "strongest",
        sum(part.value for part in cells),
        round(sum(part.shown for part in cells), 2),
        cells=len(cells),
    )
    rest = [_rest(kind, [x.amount for x in others if x.kind == kind]) for kind in SIDES]
    found = why.difference
    # The difference of the logits as they are shown, so that the three numbers agree.
    shown = round(round(found.a.logit, 2) - round(found.b.logit, 2), 2)
    off = round(shown - strongest.shown - sum(part.shown for part in rest), 2)
    last = rest.pop()
    rest.append(Part("rest", last.value, round(last.shown + off, 2), None, last.side, last.cells))
    return Sum(cells, (strongest, *rest, Part("difference", found.total, shown, cells=0)))


def _part(reason: Reason) -> Part:
    cell = Cell("query", reason.query_cell)
    if reason.kind == "a" and reason.cell_a is not None:
        cell = Cell("gallery", reason.cell_a)
    amount = round(reason.amount, 2)
    return Part("cell", reason.amount, amount, cell, SIDES[reason.kind], own=own_number(reason))


def own_number(reason: Reason) -> int:
    """The number of the cell itself, in whichever picture it lies."""
    own = {"query": reason.query_cell, "a": reason.cell_a, "b": reason.cell_b}[reason.kind]
    assert own is not None
    return own


def _rest(kind: str, amounts: list[float]) -> Part:
    value = float(sum(amounts))
    return Part("rest", value, round(value, 2), None, SIDES[kind], len(amounts))
