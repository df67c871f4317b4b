"""The memory an evaluation needs, estimated before it starts, and its matrices in files."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from qaconv_core.device import available_memory, format_bytes
from qaconv_core.errors import MemoryLimitError
from qaconv_core.evaluation.methods import MethodOptions
from qaconv_core.model import Model
from qaconv_core.ranking.cohorts import cohort_size
from qaconv_core.ranking.rerank_top import rerank_work
from qaconv_core.readable import counted
from qaconv_core.searching.choice import FLOAT32, choose_evaluation
from qaconv_core.searching.estimated_logits import estimates_work
from qaconv_core.searching.integer_estimates import fast_bytes
from qaconv_core.types import Float32, Int64

LABELS_BYTES = 48 * 2**20
"""What measuring and lifting take besides: blocks of rows and what is known of their pictures."""


@dataclass(frozen=True)
class Forecast:
    """What an evaluation will take, before it starts. Bytes and numbers of pairs."""

    queries: int
    galleries: int
    pairs: int
    memory_bytes: int
    available_bytes: int
    feature_bytes: int
    disk_bytes: int = 0

    def describe(self) -> str:
        """One line for people."""
        scores = f", scores {format_bytes(self.disk_bytes)} meanwhile" if self.disk_bytes else ""
        return (
            f"{counted(self.queries, 'query', 'queries')} × "
            f"{counted(self.galleries, 'gallery picture')}: {counted(self.pairs, 'pair')} "
            f"to score, at most {format_bytes(self.memory_bytes)} of memory "
            f"({format_bytes(self.available_bytes)} free), features "
            f"{format_bytes(self.feature_bytes)} on disk{scores}"
        )


def inner_bytes(queries: int, galleries: int) -> int:
    """Bytes of the scores within the queries and within the gallery."""
    return 4 * (queries**2 + galleries**2)


def forecast(
    model: Model,
    queries: int,
    galleries: int,
    options: MethodOptions,
    *,
    on_disk: bool = False,
    keep_inner: bool = False,
    estimates: bool = False,
    cameras: Int64 | None = None,
) -> Forecast:
    """Estimate pairs and peak memory of an evaluation.

    ``keep_inner`` and ``estimates`` are as in :class:`Job`.

    ``cameras`` are those of the gallery, which say how many pictures stand in cohorts.

    Raises :class:`MemoryLimitError` where it would not fit, naming the option under which it
    would.
    """
    plan = model.plan(queries, galleries, in_memory=not on_disk)
    whole = options.rerank and options.rerank_top is None
    cohorts = 0
    if options.normalise:
        cohorts = galleries if cameras is None else cohort_size(cameras, options.cohorts)
    pairs = plan.pairs + _inner_pairs(model, queries, galleries, options, cohorts)
    matrices = matrix_bytes(
        queries, galleries, options, keep_inner=keep_inner, on_disk=on_disk, cohorts=cohorts
    )
    estimates = estimates and not keep_inner and estimates_serve(model, queries, galleries, options)
    if estimates:
        matrices += queries * galleries
        matrices += (queries**2 + galleries**2) * whole
    steps = [plan.work_bytes, 4 * queries * galleries + LABELS_BYTES]  # the distributions of scores
    if whole:
        k1, k2 = options.k1, options.k2
        steps.append(rerank_work(queries, galleries, k1, k2, copied=on_disk))
    if estimates:
        steps.append(estimates_work(model.map_shape, plan.workers))
    if options.rerank_top is not None and on_disk:
        steps.append(4 * queries * galleries)
    memory = max(steps) + (0 if on_disk else matrices)
    available = available_memory(torch.device("cpu"))
    if memory > available:
        ways = ["--on-disk keeps the score matrices in files"] if not on_disk else []
        if whole and not options.normalise:
            ways.append("--rerank-top 200 re-ranks only the nearest pictures")
        raise MemoryLimitError(
            f"evaluating {queries:,} × {galleries:,} pictures needs about {format_bytes(memory)} "
            f"of memory, {format_bytes(available)} are free; "
            + (" or ".join(ways) or "free some memory or take fewer pictures")
        )
    features = (queries + galleries) * int(np.prod(model.map_shape)) * 2
    disk = matrices if on_disk else 0
    return Forecast(queries, galleries, pairs, memory, available, features, disk)


def estimates_serve(model: Model, queries: int, galleries: int, options: MethodOptions) -> bool:
    """Whether an evaluation gains from estimates, and none of its methods needs all logits."""
    if not options.estimable:
        return False
    channels, h, w = model.map_shape
    operations = 2.0 * queries * galleries * channels * (h * w) ** 2
    fast = model.device.type == "cpu" and fast_bytes(channels)
    return choose_evaluation(operations, model.device.type, fast_bytes=fast) != FLOAT32


def _inner_pairs(
    model: Model, queries: int, galleries: int, options: MethodOptions, cohorts: int
) -> int:
    """Pairs within the queries and within the gallery that re-ranking and cohorts ask for."""
    if options.rerank_top is not None and options.rerank:
        return queries * min(options.rerank_top, galleries) ** 2
    half = model.head.symmetric

    def within(n: int) -> int:
        return n * (n + 1) // 2 if half else n * n

    if not options.rerank:
        return within(galleries) if cohorts == galleries else cohorts * galleries
    # The cohorts' pictures in the query's role, against the queries; a symmetric head has them.
    return within(queries) + within(galleries) + (0 if half else cohorts * queries)


def matrix_bytes(
    queries: int,
    galleries: int,
    options: MethodOptions,
    *,
    keep_inner: bool = False,
    on_disk: bool = False,
    cohorts: int = 0,
) -> int:
    """Bytes of all matrices that an evaluation holds at its end, in memory or in files.

    ``cohorts`` are the pictures that stand in cohorts.
    """
    kept = 1 + (options.rerank or options.tlift) + options.rerank + options.tlift
    found = 4 * kept * queries * galleries * (2 if options.normalise else 1)
    if options.rerank and options.rerank_top is None:
        copies = 2 if keep_inner or options.normalise else 1
        # In memory, plain distances give way to those of normalised scores.
        copies += on_disk and options.normalise
        found += inner_bytes(queries, galleries) * copies
    elif options.normalise and cohorts == galleries:
        found += 4 * galleries**2
    return found


def file_matrix(path: Path, shape: tuple[int, ...]) -> Float32:
    """A new float32 matrix in the file ``path``; MemoryLimitError where the disk has no room.

    Asked beforehand: a mapped file that finds the disk full ends the program without a word.
    """
    need, free = 4 * math.prod(shape), shutil.disk_usage(path.parent).free
    if need > free:
        raise MemoryLimitError(
            f"{path.parent}: a score matrix needs {format_bytes(need)}, {format_bytes(free)} are "
            "free there; free space, or set QACONV_CACHE_DIR to a folder with room"
        )
    return np.memmap(path, dtype=np.float32, mode="w+", shape=shape)
