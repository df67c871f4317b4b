"""Measures, re-ranking and TLift beside loops over the queries."""

from __future__ import annotations

import numpy as np

from qaconv_core.bench.plain import dense_rerank, plain_metrics, plain_tlift
from qaconv_core.bench.samples import sample_distances, sample_ranking
from qaconv_core.bench.timing import Figure, Work, extra_memory, in_child, take_turns
from qaconv_core.evaluation.measures import ranking_metrics
from qaconv_core.ranking import k_reciprocal_rerank, temporal_lift
from qaconv_core.types import Float32


def metrics_figure(queries: int, galleries: int, repeats: int) -> Figure:
    """CMC, mAP and mINP."""
    s = sample_ranking(queries, galleries)
    labels = (s.query_ids, s.gallery_ids, s.query_cams, s.gallery_cams)
    fast, slow = "CMC, mAP, mINP", "loop over queries"
    works: dict[str, Work] = {
        fast: lambda: ranking_metrics(s.dist, *labels),
        slow: lambda: plain_metrics(s.dist, *labels),
    }
    timings = take_turns(works, repeats)
    difference = abs(ranking_metrics(s.dist, *labels).mAP - plain_metrics(s.dist, *labels)[1])
    return Figure(
        fast,
        {"queries": queries, "galleries": galleries},
        timings[fast],
        {slow: timings[slow]},
        facts={"difference_of_mAP": difference},
    )


def tlift_figure(queries: int, galleries: int, repeats: int) -> Figure:
    """Temporal lifting; the loop is the slow one, so it runs as seldom as the other."""
    s = sample_ranking(queries, galleries)
    score = 1 - s.dist
    known = (s.query_cams, s.gallery_cams, s.query_times, s.gallery_times)
    fast, slow = "TLift", "loop over queries"
    works: dict[str, Work] = {
        fast: lambda: temporal_lift(score, *known),
        slow: lambda: plain_tlift(score, *known),
    }
    timings = take_turns(works, repeats)
    difference = float(np.abs(temporal_lift(score, *known) - plain_tlift(score, *known)).max())
    return Figure(
        fast,
        {"queries": queries, "galleries": galleries},
        timings[fast],
        {slow: timings[slow]},
        facts={"largest_difference": difference},
    )


def rerank_figure(count: int, repeats: int, *, dense: bool = True) -> Figure:
    """k-reciprocal re-ranking of ``count`` pictures, a sixth of them queries."""
    parts = _parts(count)
    fast, slow = "re-ranking", "dense, loop over rows"
    works: dict[str, Work] = {fast: lambda: k_reciprocal_rerank(*parts)}
    if dense:
        works[slow] = lambda: dense_rerank(*parts)
    timings = take_turns(works, repeats)
    facts: dict[str, object] = {}
    if dense:
        found = k_reciprocal_rerank(*parts)
        facts = {
            "largest_difference": float(np.abs(found - dense_rerank(*parts)).max()),
            "extra_bytes_of_the_dense_one": in_child(rerank_memory_of, count, True),
        }
    memory = in_child(rerank_memory_of, count, False)
    baselines = {slow: timings[slow]} if dense else {}
    sizes = {"pictures": count, "queries": len(parts[1])}
    return Figure(fast, sizes, timings[fast], baselines, extra_bytes=memory, facts=facts)


def rerank_memory_of(count: int, dense: bool) -> int | None:
    """Memory that re-ranking ``count`` pictures takes beyond the distances."""
    parts = _parts(count)
    return extra_memory(lambda: (dense_rerank if dense else k_reciprocal_rerank)(*parts))


def _parts(count: int) -> tuple[Float32, Float32, Float32]:
    p = max(1, count // 6)
    d = sample_distances(count)
    return d[:p, p:], d[:p, :p], d[p:, p:]
