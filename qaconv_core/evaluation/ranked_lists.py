"""Ranked galleries as plain values and as tables, for the command line and for whoever exports one.

A ranking is a dict with ``query``, ``pid``, ``camid``, ``gallery`` (how many were ranked) and
``results``, a list of items of :func:`ranked_item`. Camids are 0-based.
"""

from __future__ import annotations

from typing import Any

from qaconv_core.readable import csv_text
from qaconv_core.types import ImageRef, RankingResult

TRUTH_WORDS = {
    RankingResult.TRUE: "true",
    RankingResult.FALSE: "false",
    RankingResult.JUNK: "junk",
    RankingResult.NOT_KNOWN: "unknown",
}
COLUMNS = ("query", "rank", "path", "logit", "score", "pid", "camid", "time", "truth")
PART_COLUMNS = ("evidence", "full_logit")
SCORE_WORDS = "sigmoid(logit / 10); larger is closer, not a probability"


def ranked_item(
    rank: int, index: int, ref: ImageRef, logit: float | None, score: float, truth: int
) -> dict[str, Any]:
    """One gallery picture of a ranking; ``index`` is its place in the gallery, from 0.

    ``rank`` counts from 1 (0: junk that has none); ``logit`` is None where the ranking is not by
    logits; ``truth`` is a label of :class:`~qaconv_core.types.RankingResult`.
    """
    return {
        "rank": rank,
        "path": str(ref.path),
        "gallery_index": index,
        "logit": logit,
        "score": score,
        "pid": ref.pid,
        "camid": ref.camid,
        "time": ref.time,
        "truth": TRUTH_WORDS[truth],
    }


def ranking_csv(rankings: list[dict[str, Any]]) -> str:
    """All rankings in one table, a row for each gallery picture."""
    parts = any("part" in ranking for ranking in rankings)
    columns = (*COLUMNS, *PART_COLUMNS) if parts else COLUMNS
    rows = (
        {"query": ranking["query"], **item} for ranking in rankings for item in ranking["results"]
    )
    return csv_text(columns, ([row.get(name) for name in columns] for row in rows))
