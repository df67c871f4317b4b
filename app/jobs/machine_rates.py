"""How fast this machine evaluates, measured in about a second, to estimate times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qaconv_core.evaluation.methods import MethodOptions
from qaconv_core.model import Model
from qaconv_core.ranking import k_reciprocal_rerank, temporal_lift
from qaconv_core.types import Float32

SMALL = 60, 240
"""Queries and gallery pictures of the small ranking that re-ranking and TLift are timed on."""
USUAL_IMAGES = 100.0
CPU_RATE = 25e9
"""Multiplications and additions a second taken for the estimate of a scoring job's time."""
FLOPS = 1.5e9
"""Multiplications and additions of the timed scoring on a CPU; a GPU gets fifty times as many."""


@dataclass(frozen=True)
class Rates:
    """Work done in a second.

    ``images`` feature maps (0: not measured), ``pairs`` logits, ``rerank`` entries of the matrix
    over queries and gallery together, ``lift`` entries of the query × gallery matrix.
    """

    images: float
    pairs: float
    rerank: float
    lift: float

    def seconds(
        self,
        images: int,
        pairs: int,
        queries: int,
        galleries: int,
        options: MethodOptions,
        lifts: bool = True,
    ) -> dict[str, float]:
        """Seconds of each stage; stages that are not wanted are left out."""
        times = 2 if options.normalise else 1  # of logits, and of normalised scores
        out = {"features": images / self.images if self.images else 0.0}
        out["scoring"] = pairs / self.pairs
        if options.rerank:
            entries = float(queries + galleries) ** 2
            if options.rerank_top is not None:
                entries = queries * float(min(options.rerank_top, galleries) + 1) ** 2
            out["re-ranking"] = times * entries / self.rerank
        if options.tlift and lifts:
            out["TLift"] = times * queries * galleries / self.lift
        return {stage: seconds for stage, seconds in out.items() if seconds > 0}


def usual_rates(model: Model) -> Rates:
    """Rates of two cores of a server, for what only their proportions matter to."""
    c, h, w = model.map_shape
    faster = 50 if model.device.type == "cuda" else 1
    return Rates(USUAL_IMAGES * faster, CPU_RATE * faster / ((h * w) ** 2 * c), 4e6, 2e7)


def measure_rates(model: Model, with_images: bool = True) -> Rates:
    """Time a little of everything; pictures and maps are random."""
    random = np.random.default_rng(0)
    images = 0.0
    if with_images:
        count = 4 if model.device.type == "cpu" else 64
        pictures = random.integers(0, 255, (count, 128, 64, 3), dtype=np.uint8)
        images = count / _seconds(lambda: model.extract(list(pictures)), warm=True)
    return Rates(images, _pair_rate(model, random), *_ranking_rates(random))


def _pair_rate(model: Model, random: np.random.Generator) -> float:
    c, h, w = model.map_shape
    flops = FLOPS * (50 if model.device.type == "cuda" else 1)
    queries = 8
    galleries = int(np.clip(flops / (queries * c * (h * w) ** 2), 8, 4096))
    maps: Float32 = random.random((queries + galleries, c, h, w), dtype=np.float32)
    maps /= np.linalg.norm(maps, axis=1, keepdims=True)
    seconds = _seconds(lambda: model.score(maps[:queries], maps[queries:]), warm=True)
    return queries * galleries / seconds


def _ranking_rates(random: np.random.Generator) -> tuple[float, float]:
    p, g = SMALL
    points = random.random((p + g, 8), dtype=np.float32)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2) / 4
    parts = distance[:p, p:], distance[:p, :p], distance[p:, p:]
    rerank = (p + g) ** 2 / _seconds(lambda: k_reciprocal_rerank(*parts))
    cams, times = random.integers(0, 6, p + g), random.uniform(0, 10_000, p + g)
    score = 1 - parts[0]
    lift = _seconds(lambda: temporal_lift(score, cams[:p], cams[p:], times[:p], times[p:]))
    return rerank, p * g / lift


def _seconds(work: Callable[[], Any], warm: bool = False) -> float:
    """The shorter of two runs: other programs can only make a run longer."""
    if warm:
        work()
    goes = []
    for _ in range(2):
        began = time.perf_counter()
        work()
        goes.append(time.perf_counter() - began)
    return max(min(goes), 1e-6)
