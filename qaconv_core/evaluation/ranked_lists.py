"""Ranked galleries as plain values and as tables, for the command line and for exports.

The record of a ranking is :func:`ranking_record` and ``results``, a list of items of
:func:`ranked_item`. Camids are 0-based.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qaconv_core.readable import csv_text
from qaconv_core.types import Bool, ImageRef, ImageSet, RankingResult

TRUTH_WORDS = {
    RankingResult.TRUE: "true",
    RankingResult.FALSE: "false",
    RankingResult.JUNK: "junk",
    RankingResult.NOT_KNOWN: "unknown",
}
COLUMNS = ("query", "rank", "path", "logit", "score", "pid", "camid", "time", "truth")
NAMED = ("person", "camera")
"""Names of pid and camid; there where the data set has names."""
PART_COLUMNS = ("evidence", "part")
PART_NORMALISED = "part_normalised"
TRACK_MEAN, LABELLED = "track_mean", "above_labelled_line"
VALUES = {"qaconv": "part_logit", "qaconv+rerank": "reranked", "qaconv+rerank+tlift": "lifted",
          "qaconv+norm": "normalised"}  # fmt: skip
"""What a ranking is by, where that is not the plain logit: a logit by part, a re-ranked score, or
TLift's value (re-ranked score × weight in time, which may exceed 1)."""
NORMALISED_COLUMNS = (
    "normalised", PART_NORMALISED, "above_line", "strangers", "strangers_as_much_alike",
    "share_counted", "share_least", "share_normal",
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
    is not by logits; ``gallery_index`` counts from 0; ``track`` is there where the picture is in
    one, ``track_mean`` where tracks are ranked by means. Logit and score are those of the whole
    pictures; beside them stands what the order is by, where that is something else
    (:data:`VALUES`).
    """
    index = int(ranking.order[place])
    ref = gallery[index]
    means = ranking.track_means
    value = {} if ranking.whole_logits is None else {_value_name(ranking): ranking.values[place]}
    return {
        "rank": int(ranking.ranks[place]) or None,
        "path": str(ref.path),
        "gallery_index": index,
        "logit": ranking.logit_at(place),
        "score": ranking.score_at(place),
        **{name: float(number) for name, number in value.items()},
        "pid": ref.pid,
        "camid": ref.camid,
        **{name: told for name in NAMED if (told := getattr(ref, name))},
        "time": ref.time,
        **({} if ref.track is None else {"track": ref.track}),
        **({} if means is None else {TRACK_MEAN: float(means[place])}),
        "truth": TRUTH_WORDS[int(ranking.truth[place])],
    }


def _value_name(ranking: RankingResult) -> str:
    return VALUES.get(ranking.method, "value")


def cells_text(cells: Bool) -> str:
    """The cells of a part (h, w), numbered row by row from 0: "cells 0-5, 9 of 24 x 8"."""
    numbers = cells.ravel().nonzero()[0]
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    names = [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs if len(run)]
    return f"cells {', '.join(names)} of {cells.shape[0]} x {cells.shape[1]}"


def ranking_csv(rankings: list[dict[str, Any]], dataset: str = "", model: str = "") -> str:
    """All rankings in one table, a row for each gallery picture.

    ``dataset`` and ``model`` are what was searched, by what.
    """
    parts = any("part" in ranking for ranking in rankings)
    items = [item for ranking in rankings for item in ranking["results"]]
    more: tuple[str, ...] = PART_COLUMNS if parts else ()
    if any("normalised" in ranking for ranking in rankings):
        by_part = any(PART_NORMALISED in item for item in items)
        more += tuple(name for name in NORMALISED_COLUMNS if by_part or name != PART_NORMALISED)
    others = (name for name in VALUES.values() if name not in more)
    values = [name for name in others if any(name in item for item in items)]
    extra = [name for name in (*NAMED, TRACK_MEAN, LABELLED) if any(name in item for item in items)]
    columns = (*COLUMNS, *extra, *values, *more, "dataset", "model")
    rows = (
        {
            "query": ranking["query"],
            "dataset": dataset,
            "model": model,
            **item,
            "part": ranking.get("part_cells"),
        }
        for ranking in rankings
        for item in ranking["results"]
    )
    return csv_text(columns, ([row.get(name) for name in columns] for row in rows))
