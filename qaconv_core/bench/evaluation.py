"""Evaluations from estimates beside float32 throughout and beside the plain formulation.

A processor without fast 8-bit products evaluates in float32 throughout, so that is measured there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
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
from qaconv_core.searching.integer_estimates import fast_bytes
from qaconv_core.types import FeatureBank, Float32

EVALUATION = "evaluation from estimates"
RERANKED = "evaluation with re-ranking from estimates"
FLOAT32 = "float32 throughout"
EXACT = "evaluation in float32"
EXACT_RERANKED = "evaluation in float32 with re-ranking"
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
    """An evaluation as this processor does it, in turn with what it is compared with.

    With fast 8-bit products that is one from estimates beside float32 throughout, without them
    float32 throughout; *estimates* of the facts says which. The plain formulation scores a part of
    the pairs (measures and re-ranking are not counted), and its time is scaled to all of them; so
    is float32's beside estimates where there are many. Their facts say so.
    """
    task = EvaluationTask(sizes, folder, rerank, kind)
    fast = fast_bytes(sizes.channels)
    plain, plain_facts = _plain_works(task)
    compare = _exact_beside_estimates if fast else _exact_alone
    seconds: dict[str, list[float]] = {}
    facts: dict[str, object] = {"maps": kind}
    for _ in range(repeats):
        stop_if_asked()
        compare(task, seconds, facts)
        for name, work in plain.items():
            seconds.setdefault(name, []).append(work())
    task.path.unlink(missing_ok=True)
    mine = Timing(tuple(seconds.pop("")))
    baselines = {name: Timing(tuple(values)) for name, values in seconds.items()}
    flop = sizes.flop * task.pairs / (sizes.queries * sizes.galleries)
    record = sizes.record() | {"pictures": sizes.queries + sizes.galleries, "maps": kind}
    names = (EVALUATION, RERANKED) if fast else (EXACT, EXACT_RERANKED)
    peak = "int8" if fast else "float32"
    return Figure(names[rerank], record, mine, baselines, flop, peak, facts=facts | plain_facts)


def _exact_beside_estimates(
    task: EvaluationTask, seconds: dict[str, list[float]], facts: dict[str, object]
) -> None:
    """Seconds from estimates ("") and of float32 throughout, and what is known of them."""
    estimated = task.estimated()
    found = _timed(estimated.rankings, seconds, facts)
    queries = max(1, min(task.sizes.queries, _PART // task.sizes.galleries))
    pairs = queries * task.sizes.galleries
    if task.pairs <= WHOLE:
        exact = once(task.exact)
        taken, scaled_from = exact.seconds, 1.0
        facts["same_measures"] = _same(found, exact.result)
    else:
        some = task.query.read(0, queries)
        taken = task.part_seconds(partial(score_maps, some, task.gallery, task.head), pairs)
        scaled_from = pairs / task.pairs
    seconds.setdefault(FLOAT32, []).append(taken)
    parts = (estimated.logits, *estimated.inner)
    facts |= {
        "estimates": "8-bit integers",
        "pairs": task.pairs,
        "share_scored_exactly": sum(part.exact_pairs for part in parts) / task.pairs,
        "float32_scaled_from": scaled_from,
    }


def _exact_alone(
    task: EvaluationTask, seconds: dict[str, list[float]], facts: dict[str, object]
) -> None:
    """Seconds of float32 throughout ("")."""
    _timed(task.exact, seconds, facts)
    facts |= {"estimates": "none, for want of fast 8-bit products", "pairs": task.pairs}


def _timed(
    work: Callable[[], Rankings], seconds: dict[str, list[float]], facts: dict[str, object]
) -> Rankings:
    begun, used = time.perf_counter(), time.process_time()
    found = work()
    facts["cpu_seconds"] = time.process_time() - used
    seconds.setdefault("", []).append(time.perf_counter() - begun)
    return found


def _plain_works(
    task: EvaluationTask,
) -> tuple[dict[str, Callable[[], float]], dict[str, object]]:
    """What gives the seconds of each plain formulation, and which part of the pairs it scores."""
    galleries = min(task.sizes.galleries, _PLAIN)
    floats = torch.from_numpy(task.gallery.read(0, galleries)).float()
    column = torch.from_numpy(task.query.read(0, min(task.sizes.queries, _FEW))).float()
    pairs = len(column) * len(floats)
    works: dict[str, Callable[[], float]] = {
        f"plain, {portion} at a time": partial(
            task.part_seconds, partial(plain_logits, task.matcher, column, floats, portion), pairs
        )
        for portion in PORTIONS
    }
    return works, {"plain_scaled_from": pairs / task.pairs}


def growing_figures(
    steps: Sequence[int], folder: Path, sizes: Sizes, budget: float = math.inf
) -> Iterator[Figure]:
    """Evaluations with re-ranking of as many pictures as ``steps`` say, a sixth of them queries.

    A step is left out, and all after it, when it is expected to end later than ``budget`` seconds
    from the beginning: pairs, and with them the seconds, grow with the square of the pictures. The
    last figure says so, and has the exponents of the time and of the CPU seconds, fitted to all.
    """
    times: list[float] = []
    used: list[float] = []
    begun = time.perf_counter()
    for number, count in enumerate(steps):
        queries = max(1, count // 6)
        one = replace(sizes, queries=queries, galleries=count - queries)
        before = time.perf_counter()
        figure = evaluation_figure(one, folder, 1, rerank=True)
        times.append(figure.timing.median)
        used.append(figure.facts["cpu_seconds"])
        left = steps[number + 1 :]
        now = time.perf_counter()
        late = bool(left) and now - begun + _next(now - before, count, left[0]) > budget
        if late or not left:
            figure = replace(figure, facts=figure.facts | _at_the_end(steps, times, used, budget))
        yield figure
        if late:
            return


def _next(seconds: float, count: int, more: int) -> float:
    """Seconds expected of a step of ``more`` pictures after one of ``count``."""
    return seconds * (more / count) ** 2


def _at_the_end(
    steps: Sequence[int], times: Sequence[float], used: Sequence[float], budget: float
) -> dict[str, object]:
    """Exponents of what was measured, and which steps were not."""
    found: dict[str, object] = {}
    done, left = steps[: len(times)], steps[len(times) :]
    if len(done) > 1:
        found["exponent_of_the_time"] = _exponent(done, times)
        found["exponent_of_the_cpu_seconds"] = _exponent(done, used)
    if left:
        words = " and ".join(f"{count:,}" for count in left)
        found["left_out"] = f"{words} pictures, beyond the {budget / 60:,.0f} minutes given"
    return found


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
