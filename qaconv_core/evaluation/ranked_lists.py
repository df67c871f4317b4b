"""Ranked galleries as plain values and as tables, for the command line and for exports.

The record of a ranking is :func:`ranking_record` and ``results``, a list of items of
:func:`ranked_item`. Camids are 0-based.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qaconv_core.readable import csv_text
from qaconv_core.types import ImageRef, ImageSet, RankingResult, score_of_logit

TRUTH_WORDS = {
    RankingResult.TRUE: "true",
    RankingResult.FALSE: "false",
    RankingResult.JUNK: "junk",
    RankingResult.NOT_KNOWN: "unknown",
}
COLUMNS = ("query", "rank", "path", "logit", "score", "pid", "camid", "time", "truth")
PART_COLUMNS = ("evidence", "full_logit")
NORMALISED_COLUMNS = (
    "normalised", "above_line", "strangers", "strangers_as_much_alike", "share_counted",
    "share_normal",
)  # fmt: skip
SCORE_WORDS = "sigmoid(logit / 10); larger is closer, not a probability"


def ranking_record(queries: Sequence[ImageRef], gallery: int) -> dict[str, Any]:
    """What is ranked: its queries, their person and camera where these are one, and how many
    gallery pictures."""
    pids, camids = {query.pid for query in queries}, {query.camid for query in queries}
    return {
        "query": " + ".join(str(query.path) for query in queries),
        "query_paths": [str(query.path) for query in queries],
        "pid": pids.pop() if len(pids) == 1 else None,
        "camid": camids.pop() if len(camids) == 1 else None,
        "gallery": gallery,
    }


def ranked_item(gallery: ImageSet, ranking: RankingResult, place: int) -> dict[str, Any]:
    """The gallery picture at ``place`` (from 0) of a ranking.

    ``rank`` counts from 1 and is None for junk, which has none; ``logit`` is None where the ranking
    is not by logits; ``gallery_index`` counts from 0.
    """
    index, value = int(ranking.order[place]), float(ranking.values[place])
    ref, by_logit = gallery[index], ranking.kind == "logit"
    return {
        "rank": int(ranking.ranks[place]) or None,
        "path": str(ref.path),
        "gallery_index": index,
        "logit": value if by_logit else None,
        "score": score_of_logit(value) if by_logit else value,
        "pid": ref.pid,
        "camid": ref.camid,
        "time": ref.time,
        "truth": TRUTH_WORDS[int(ranking.truth[place])],
    }


def ranking_csv(rankings: list[dict[str, Any]]) -> str:
    """All rankings in one table, a row for each gallery picture."""
    parts = any("part" in ranking for ranking in rankings)
    columns = (*COLUMNS, *PART_COLUMNS) if parts else COLUMNS
    if any("normalised" in ranking for ranking in rankings):
        columns = (*columns, *NORMALISED_COLUMNS)
    rows = (
        {"query": ranking["query"], **item} for ranking in rankings for item in ranking["results"]
    )
    return csv_text(columns, ([row.get(name) for name in columns] for row in rows))
