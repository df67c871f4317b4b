"""The pairs that trust was measured on, as tiles of two pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.items.picture_tiles import Tile
from app.state.insights import CheckFindings, PairPlace
from qaconv_core.types import ImageRef, RankingResult

if TYPE_CHECKING:
    from qaconv_core.evaluation.explanation_checks import ExplanationCheckGroup

WIDEST = "person not known"


def truth_of(query: ImageRef, gallery: ImageRef) -> int:
    """Whether two pictures show one person, as far as that is known."""
    if query.pid is None or gallery.pid is None:
        return RankingResult.NOT_KNOWN
    return RankingResult.TRUE if query.pid == gallery.pid else RankingResult.FALSE


def tiles_of(found: CheckFindings, group: ExplanationCheckGroup) -> list[Tile]:
    """The pairs of a group, in the order they were chosen."""
    words = {RankingResult.TRUE: "one person", RankingResult.FALSE: "different people"}
    made = []
    for query, gallery in found.pairs_of(group):
        truth = truth_of(query, gallery)
        line = words.get(truth, WIDEST)
        spoken = f"Query {query.path.name}, candidate {gallery.path.name}; {line}"
        pictures = ((query, RankingResult.NOT_KNOWN), (gallery, truth))
        made.append(Tile(pictures, line, spoken, PairPlace(query.path, gallery.path)))
    return made
