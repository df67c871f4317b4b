"""The first candidates of a query as tiles; those that another query finds, too, are marked."""

from __future__ import annotations

import numpy as np

from app.items.picture_tiles import Tile
from app.items.row_texts import who_sentence
from app.state.insights import PairPlace
from app.state.words import TRUTHS, score_text
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import RankingResult

FIRST = 20
"""Candidates of each query that are compared."""
WIDEST = "88 · 0.888 · also 88"


def first_candidates(ranking: RankingResult, count: int = FIRST) -> dict[int, int]:
    """The first candidates, junk left out: gallery index → rank."""
    places = np.flatnonzero(ranking.truth != RankingResult.JUNK)[:count]
    return {int(ranking.order[place]): int(ranking.ranks[place]) for place in places}


def answer_tiles(
    data: OpenSet, ranking: RankingResult, others: dict[int, int], of: str = "query"
) -> list[Tile]:
    """The first candidates of a query. ``others`` are those of another query, or of another
    ranking (``of``), with their ranks."""
    query = data.query[ranking.queries[0]]
    tiles = []
    for candidate, rank in first_candidates(ranking).items():
        ref, truth = data.gallery[candidate], ranking.truth_of(candidate)
        score = score_text(ranking.score_at(ranking.place_of(candidate)))
        also = others.get(candidate)
        line = f"{rank} · {score}" + ("" if also is None else f" · also {also}")
        spoken = [f"Rank {rank}, {TRUTHS.get(truth, 'person not known')}", f"Score {score}"]
        spoken += [f"Rank {also} of the other {of}, too"] if also is not None else []
        spoken += [who_sentence(ref), ref.path.name]
        tiles.append(
            Tile(
                ((ref, truth),), line, "\n".join(filter(None, spoken)),
                PairPlace(query.path, ref.path), also is not None,
            )
        )  # fmt: skip
    return tiles


def query_tile(data: OpenSet, query: int) -> Tile:
    """The query itself."""
    ref = data.query[query]
    place = PairPlace(ref.path, ref.path)
    spoken = ", ".join(filter(None, (who_sentence(ref), ref.path.name)))
    return Tile(((ref, RankingResult.NOT_KNOWN),), "Query", spoken, place)
