"""Measures, re-ranking and TLift beside loops over the queries."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from qaconv_core.bench.plain import dense_rerank, plain_metrics, plain_tlift
from qaconv_core.bench.samples import (
    point_distances,
    sample_distances,
    sample_points,
    sample_ranking,
)
from qaconv_core.bench.timing import Figure, Timing, Work, once, stop_if_asked, take_turns
from qaconv_core.evaluation.forecasts import file_matrix
from qaconv_core.evaluation.measures import ranking_metrics
from qaconv_core.ranking import k_reciprocal_rerank, temporal_lift
from qaconv_core.ranking.arrays import row_blocks
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
        traffic=float(s.dist.nbytes),
        facts={"difference_of_mAP": difference},
    )


def tlift_figure(queries: int, galleries: int, repeats: int) -> Figure:
    """Temporal lifting; the loop takes so long that it runs once."""
    s = sample_ranking(queries, galleries)
    score = 1 - s.dist
    known = (s.query_cams, s.gallery_cams, s.query_times, s.gallery_times)
    sizes = {"queries": queries, "galleries": galleries}
    work: Work = lambda: temporal_lift(score, *known)  # noqa: E731
    loop: Work = lambda: plain_tlift(score, *known)  # noqa: E731
    return _beside("TLift", sizes, work, "loop over queries", loop, repeats, 2.0 * score.nbytes)


def rerank_figure(count: int, repeats: int) -> Figure:
    """k-reciprocal re-ranking of ``count`` pictures, a sixth of them queries."""
    parts = _parts(count)
    sizes = {"pictures": count, "queries": len(parts[1])}
    work: Work = lambda: k_reciprocal_rerank(*parts)  # noqa: E731
    loop: Work = lambda: dense_rerank(*parts)  # noqa: E731
    traffic = float(sum(part.size * part.itemsize for part in parts))
    return _beside("re-ranking", sizes, work, "dense, loop over rows", loop, repeats, traffic)


def _beside(
    name: str,
    sizes: Mapping[str, object],
    work: Work,
    slow: str,
    loop: Work,
    repeats: int,
    traffic: float,
) -> Figure:
    """``work`` before and after one run of ``loop``, with the memory that both take."""
    first = once(work)
    seconds = [once(work).seconds for _ in range(max(1, repeats // 2))]
    other = once(loop)
    seconds += [once(work).seconds for _ in range(repeats - len(seconds))]
    return Figure(
        name,
        dict(sizes),
        Timing(tuple(seconds)),
        {slow: Timing((other.seconds,))},
        traffic=traffic,
        extra_bytes=first.extra_bytes,
        baseline_bytes={slow: other.extra_bytes},
        facts={"largest_difference": float(np.abs(first.result - other.result).max())},
    )


def disk_rerank_figure(queries: int, galleries: int, folder: Path) -> Figure:
    """Re-ranking with distances and result in files, which are made first and removed at the end.

    They take 4·((p + g)² + 2·p·g) bytes: 35 GB for MSMT17's 11,659 × 82,161.
    """
    points = sample_points(queries + galleries)
    some, others = points[:queries], points[queries:]
    files = [folder / f"{name}.f32" for name in ("qg", "qq", "gg", "re-ranked")]
    begun = time.perf_counter()
    try:
        qg = _written(files[0], some, others)
        qq, gg = _written(files[1], some, some), _written(files[2], others, others)
        out = file_matrix(files[3], (queries, galleries))
        made = time.perf_counter() - begun
        found = once(lambda: k_reciprocal_rerank(qg, qq, gg, out=out))
        traffic = float(qg.nbytes + qq.nbytes + gg.nbytes)
    finally:
        for path in files:
            path.unlink(missing_ok=True)
    return Figure(
        "re-ranking, distances on disk",
        {"pictures": queries + galleries, "queries": queries},
        Timing((found.seconds,)),
        traffic=traffic,
        extra_bytes=found.extra_bytes,
        facts={"GB_of_distances": traffic / 1e9, "seconds_to_write_them": made},
    )


def _written(path: Path, rows: Float32, columns: Float32) -> Float32:
    """Distances of points in a file, read-only."""
    matrix = file_matrix(path, (len(rows), len(columns)))
    for start, stop in row_blocks(len(rows), 8 * len(columns)):
        stop_if_asked()
        matrix[start:stop] = point_distances(rows[start:stop], columns)
    del matrix
    return np.memmap(path, np.float32, "r", shape=(len(rows), len(columns)))


def _parts(count: int) -> tuple[Float32, Float32, Float32]:
    p = max(1, count // 6)
    d = sample_distances(count)
    return d[:p, p:], d[:p, :p], d[p:, p:]
