"""Evaluations from estimates beside float32 throughout and beside the plain formulation."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from qaconv_core.bench.plain import plain_logits
from qaconv_core.bench.samples import people_maps, random_maps, sample_matcher
from qaconv_core.bench.scoring import PORTIONS, Sizes
from qaconv_core.bench.timing import Figure, Timing, Work, once, stop_if_asked
from qaconv_core.evaluation.from_estimates import FromEstimates
from qaconv_core.evaluation.methods import (
    Labels,
    MethodOptions,
    Rankings,
    distance_of_logits,
    measure_methods,
)
from qaconv_core.matching.scores import score_maps
from qaconv_core.searching.estimated_logits import EstimatedLogits, Pace
from qaconv_core.types import FeatureBank, Float32

EVALUATION = "evaluation from estimates"
RERANKED = "evaluation with re-ranking from estimates"
FLOAT32 = "float32 throughout"
STAGES = ("scoring", "within queries", "within gallery")
WHOLE = 2_500_000
"""The most pairs that float32 scores in whole; of more, a part is timed and the time scaled."""
_PART = 100_000  # pairs of that part
_FEW = 4  # queries that the plain formulation is timed on
_PLAIN = 2048  # gallery maps that the plain formulation is timed on


class EvaluationTask:
    """Persons with twenty pictures each before six cameras, in a file as the store keeps them."""

    def __init__(self, sizes: Sizes, folder: Path, rerank: bool, kind: str = "people") -> None:
        p, g = sizes.queries, sizes.galleries
        self.sizes, self.options = sizes, MethodOptions(rerank=rerank)
        self.matcher = sample_matcher(sizes.grid)
        self.head = self.matcher.affine()
        rng = np.random.default_rng(0)
        order = rng.permutation(p + g)
        self.path = folder / f"evaluation-{kind}-{p}-{g}.f16"
        shape = (p + g, sizes.channels, *sizes.grid)
        make = people_maps if kind == "people" else random_maps
        make(shape[0], sizes.channels, sizes.grid).tofile(self.path)
        maps = np.memmap(self.path, np.float16, "r", shape=shape)
        self.query, self.gallery = FeatureBank(maps, order[:p]), FeatureBank(maps, order[p:])
        persons, cameras = order // 20, rng.integers(0, 6, p + g)
        never = np.full(p + g, np.nan)
        self.labels = Labels(
            persons[:p], persons[p:], cameras[:p], cameras[p:], never[:p], never[p:]
        )

    @property
    def pairs(self) -> int:
        """Pairs that are scored, each pair within a side once."""
        sides = (len(self.query), len(self.gallery)) if self.options.rerank else ()
        return self.sizes.queries * self.sizes.galleries + sum(n * (n + 1) // 2 for n in sides)

    def estimated(self) -> FromEstimates:
        """Measures from estimates, not computed yet."""
        return FromEstimates(self._make, self.labels, self.options, STAGES)

    def _make(self, stage: str, pace: Pace) -> EstimatedLogits:
        rows = self.gallery if stage == STAGES[2] else self.query
        columns = self.query if stage == STAGES[1] else self.gallery
        return EstimatedLogits(rows, columns, self.head, inner=rows is columns, pace=pace)

    def exact(self) -> Rankings:
        """Measures of float32 throughout."""
        logits = score_maps(self.query, self.gallery, self.head)
        return measure_methods(
            logits,
            lambda: distance_of_logits(logits),
            self.labels,
            self.options,
            within=lambda: (self._within(self.query), self._within(self.gallery)),
        )

    def _within(self, side: FeatureBank) -> Float32:
        return distance_of_logits(score_maps(side, side, self.head, symmetric=True))

    def part_seconds(self, work: Work, pairs: int) -> float:
        """Seconds of all pairs, from ``work`` on ``pairs`` of them."""
        return once(work).seconds * self.pairs / pairs


def evaluation_figure(
    sizes: Sizes, folder: Path, repeats: int, rerank: bool, kind: str = "people"
) -> Figure:
    """An evaluation from estimates, in turn with float32 throughout and the plain formulation.

    The plain formulation scores a part of the pairs (measures and re-ranking are not counted), and
    its time is scaled to all of them; so is float32's where there are many. Their facts say so.
    """
    task = EvaluationTask(sizes, folder, rerank, kind)
    queries = max(1, min(sizes.queries, _PART // sizes.galleries))
    some, pairs = task.query.read(0, max(queries, _FEW)), queries * sizes.galleries
    plain = min(sizes.galleries, _PLAIN)
    floats = torch.from_numpy(task.gallery.read(0, plain)).float()
    column = torch.from_numpy(some[:_FEW]).float()
    whole = task.pairs <= WHOLE
    seconds: dict[str, list[float]] = {}
    facts: dict[str, object] = {"maps": kind}
    for _ in range(repeats):
        stop_if_asked()
        estimated = task.estimated()
        begun, used = time.perf_counter(), time.process_time()
        found = estimated.rankings()
        facts["cpu_seconds"] = time.process_time() - used
        seconds.setdefault("", []).append(time.perf_counter() - begun)
        if whole:
            exact = once(task.exact)
            seconds.setdefault(FLOAT32, []).append(exact.seconds)
            facts["same_measures"] = _same(found, exact.result)
        else:
            work = partial(score_maps, some[:queries], task.gallery, task.head)
            seconds.setdefault(FLOAT32, []).append(task.part_seconds(work, pairs))
        for portion in PORTIONS:
            slow = partial(plain_logits, task.matcher, column, floats, portion)
            name = f"plain, {portion} at a time"
            scaled = task.part_seconds(slow, len(column) * len(floats))
            seconds.setdefault(name, []).append(scaled)
    parts = (estimated.logits, *estimated.inner)
    facts |= {
        "pairs": task.pairs,
        "share_scored_exactly": sum(part.exact_pairs for part in parts) / task.pairs,
        "float32_scaled_from": 1.0 if whole else pairs / task.pairs,
        "plain_scaled_from": len(column) * len(floats) / task.pairs,
    }
    task.path.unlink(missing_ok=True)
    mine = Timing(tuple(seconds.pop("")))
    baselines = {name: Timing(tuple(values)) for name, values in seconds.items()}
    flop = sizes.flop * task.pairs / (sizes.queries * sizes.galleries)
    record = sizes.record() | {"pictures": sizes.queries + sizes.galleries, "maps": kind}
    name = RERANKED if rerank else EVALUATION
    return Figure(name, record, mine, baselines, flop, "int8", facts=facts)


def growing_figures(steps: Sequence[int], folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """Evaluations with re-ranking of as many pictures as ``steps`` say, a sixth of them queries.

    The last has the exponents of the time and of the CPU seconds, fitted to all.
    """
    times: list[float] = []
    used: list[float] = []
    for count in steps:
        queries = max(1, count // 6)
        one = replace(sizes, queries=queries, galleries=count - queries)
        figure = evaluation_figure(one, folder, 1, rerank=True)
        times.append(figure.timing.median)
        used.append(figure.facts["cpu_seconds"])
        if len(times) == len(steps) > 1:
            exponents = {
                "exponent_of_the_time": _exponent(steps, times),
                "exponent_of_the_cpu_seconds": _exponent(steps, used),
            }
            figure = replace(figure, facts=figure.facts | exponents)
        yield figure


def _exponent(steps: Sequence[int], seconds: Sequence[float]) -> float:
    """The power of the number of pictures that the times grow with."""
    return float(np.polyfit(np.log(steps), np.log(seconds), 1)[0])


def _same(found: Rankings, expected: Rankings) -> bool:
    return all(
        np.array_equal(one.cmc, other.cmc)
        and np.array_equal(one.ap, other.ap, equal_nan=True)
        and one.mINP == other.mINP
        for one, other in zip(found.results, expected.results, strict=True)
    )
