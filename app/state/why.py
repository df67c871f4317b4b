"""Why one candidate has a larger logit than another: the difference as a sum, largest first."""

from __future__ import annotations

from app.state.score_breakdown import BreakdownTerm, ScoreBreakdown
from app.state.values import Cell
from qaconv_core.explaining.values import Reason
from qaconv_core.galleries.values import Why

SIDES = {"query": "query", "a": "candidate", "b": "other"}


def breakdown_of_difference(why: Why, top: int = 9) -> ScoreBreakdown:
    """The difference of two logits with its ``top`` largest terms named, whatever their sign.

    A cell of the other candidate stands for the query cell that it is matched with.
    """
    named, others = why.reasons[:top], why.reasons[top:]
    cells = tuple(_term(reason) for reason in named)
    strongest = BreakdownTerm(
        "strongest",
        sum(part.value for part in cells),
        round(sum(part.shown for part in cells), 2),
        cells=len(cells),
    )
    rest = [_rest(kind, [x.amount for x in others if x.kind == kind]) for kind in SIDES]
    found = why.difference
    # The difference of the values as they are shown, so that the three numbers agree.
    first, second = found.values
    shown = round(round(first, 2) - round(second, 2), 2)
    off = round(shown - strongest.shown - sum(part.shown for part in rest), 2)
    last = rest.pop()
    rest.append(
        BreakdownTerm("rest", last.value, round(last.shown + off, 2), None, last.side, last.cells)
    )
    return ScoreBreakdown(
        cells, (strongest, *rest, BreakdownTerm("difference", found.total, shown, cells=0))
    )


def _term(reason: Reason) -> BreakdownTerm:
    cell = Cell("query", reason.query_cell)
    if reason.kind == "a" and reason.cell_a is not None:
        cell = Cell("gallery", reason.cell_a)
    amount = round(reason.amount, 2)
    return BreakdownTerm(
        "cell", reason.amount, amount, cell, SIDES[reason.kind], own_cell=own_cell_number(reason)
    )


def own_cell_number(reason: Reason) -> int:
    """The number of the cell itself, in whichever picture it lies."""
    number = {"query": reason.query_cell, "a": reason.cell_a, "b": reason.cell_b}[reason.kind]
    assert number is not None
    return number


def _rest(kind: str, amounts: list[float]) -> BreakdownTerm:
    value = float(sum(amounts))
    return BreakdownTerm("rest", value, round(value, 2), None, SIDES[kind], len(amounts))
