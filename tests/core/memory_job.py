"""What jobs take of memory: ``python memory_job.py`` reads a line ``JOB SIZES…`` for each.

Each is done by a copy of this process, made for it alone, once all modules are there: they take
longer to load than most jobs. Answers are lines of JSON, with the forecast of the program and the
bytes that the copy grew by at most, from when its inputs were there.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qaconv_core.evaluation.forecasts import LABELS_BYTES
from qaconv_core.evaluation.measures import ranking_metrics
from qaconv_core.evaluation.separation import separation
from qaconv_core.matching.plan import plan_scoring
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.ranking import k_reciprocal_rerank, temporal_lift
from qaconv_core.ranking.rerank_top import rerank_work
from qaconv_core.searching.prepared import prepare_gallery
from qaconv_core.searching.top import rank_top
from qaconv_core.training.memory import step_bytes
from qaconv_core.training.people import join_training_sets
from qaconv_core.training.pictures import PictureCache, open_book
from qaconv_core.training.recipes import Recipe
from tests.core.training.tiny import tiny_dataset, tiny_recipe, tiny_trainer
from tests.resident import resident

Prepared = tuple[int, Callable[[], Any]]
"""The forecast in bytes, and the job."""


def head(cells: int, grid: tuple[int, int]) -> AffineHead:
    weights = np.linspace(0.5, 1, cells)
    return AffineHead(weights, weights, 0.0, grid)


def maps(count: int, channels: int, grid: tuple[int, int]) -> Any:
    found = np.random.default_rng(count).standard_normal((count, channels, *grid), np.float32)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16)


def scoring(count: int, symmetric: int) -> Prepared:
    both = maps(count, 8, (2, 1))
    weights = head(2, (2, 1))
    score_maps(both[:600], both[:600], weights, symmetric=bool(symmetric))  # threads, libraries
    plan = plan_scoring(count, count, both.shape[1:], available=1 << 40)
    return plan.peak_bytes, lambda: score_maps(
        both, both, weights, plan=plan, symmetric=bool(symmetric)
    )


def labels(p: int, g: int) -> tuple[Any, ...]:
    random = np.random.default_rng(7)
    ids = random.integers(0, 200, p), random.integers(0, 200, g)
    return (*ids, random.integers(0, 6, p), random.integers(0, 6, g))


def distances(rows: int, columns: int) -> Any:
    """As re-ranking of people meets them: a few of each picture are near, the others far."""
    random = np.random.default_rng(rows)
    found = random.random((rows, columns), np.float32)
    found *= np.float32(0.3)
    found += np.float32(0.6)
    for row, values in enumerate(found):
        values[row % 200 :: 200] -= np.float32(0.5)
    return found


def reranking(p: int, g: int) -> Prepared:
    parts = distances(p, g), distances(p, p), distances(g, g)
    small = (part[:50, :50] for part in parts)
    k_reciprocal_rerank(*small)
    forecast = rerank_work(p, g, copied=False) + 4 * p * g
    return forecast, lambda: k_reciprocal_rerank(*parts)


def measures(p: int, g: int) -> Prepared:
    values, known = distances(p, g), labels(p, g)
    few = known[0][:20], known[1], known[2][:20], known[3]

    def measure() -> Any:
        return ranking_metrics(values, *known), separation(values, *known)

    ranking_metrics(values[:20], *few), separation(values[:20], *few)
    return 4 * p * g + LABELS_BYTES, measure


def tlift(p: int, g: int) -> Prepared:
    score, (_, _, *cams) = distances(p, g), labels(p, g)
    random = np.random.default_rng(9)
    times = random.random(p) * 5000, random.random(g) * 5000
    temporal_lift(score[:20], cams[0][:20], cams[1], times[0][:20], times[1])
    return 4 * p * g + LABELS_BYTES, lambda: temporal_lift(score, *cams, *times)


def search(count: int, queries: int) -> Prepared:
    gallery = np.tile(maps(1000, 32, (6, 4)), (count // 1000, 1, 1, 1))
    weights, asked = head(24, (6, 4)), gallery[:queries].astype(np.float32)
    few = prepare_gallery(gallery[:600])
    rank_top(asked[0], gallery[:600], weights, 10, prepared=few)

    def job() -> Any:
        prepared = prepare_gallery(gallery)
        return prepared, [rank_top(one, gallery, weights, 10, prepared=prepared) for one in asked]

    return few.nbytes // len(few) * count, job


def training(pictures: int, batch: int) -> Prepared:
    """An epoch of ResNet-18 on 128×64 pictures."""
    return epoch(pictures, tiny_recipe("v2.1", layer="layer3", input_size=(128, 64),
                                       batch_size=batch, epochs=1, gs_pre_epochs=1))  # fmt: skip


def frozen(pictures: int, batch: int) -> Prepared:
    """An epoch of EfficientNet-Lite0 on 192×96 pictures; stem and first stage do not learn."""
    return epoch(pictures, tiny_recipe("lite", arch="efficientnet_lite0", layer="layer3",
                                       input_size=(192, 96), batch_size=batch, num_instance=4,
                                       epochs=1, frozen="layer1", calibrate=False))  # fmt: skip


def epoch(pictures: int, recipe: Recipe) -> Prepared:
    with tempfile.TemporaryDirectory() as folder:
        dataset = tiny_dataset(Path(folder), pictures // 4, 4)
        book = open_book(join_training_sets([dataset]), recipe.input_size, workers=0)
    few = open_few(book, 16)
    tiny_trainer(replace(recipe, batch_size=4 * recipe.num_instance // 2), few).run()
    trainer = tiny_trainer(recipe, book)
    step = step_bytes(trainer.network, recipe.input_size, recipe.batch_size, recipe.frozen)
    return step, trainer.run


def open_few(book: PictureCache, count: int) -> PictureCache:
    """The first pictures of a set."""
    people = book.people
    parts = {name: getattr(people, name)[:count] for name in ("refs", "labels", "cameras")}
    some = replace(people, **parts, label_maps=people.label_maps[:count])
    assert book.pixels is not None
    return PictureCache(some, book.size, book.pixels[:count], None)


JOBS: dict[str, Callable[[int, int], Prepared]] = {
    "scoring": scoring, "re-ranking": reranking, "measures": measures, "tlift": tlift,
    "search": search, "training": training, "frozen": frozen,
}  # fmt: skip


def growth(name: str, *sizes: int) -> dict[str, int]:
    """The forecast for a job, and what this process grew by at most while it did it."""
    forecast, job = JOBS[name](*sizes)
    gc.collect()
    forget_the_past()
    before, peak = resident("VmRSS"), resident("VmHWM")
    result = job()
    most = resident("VmHWM")
    del result
    # What was taken and given back before the job would hide what the job takes.
    assert most > peak or peak - before < forecast / 20, "the inputs' own peak is too high"
    return {"forecast": forecast, "taken": max(0, most - before)}


def forget_the_past() -> None:
    """Memory that was freed would serve the job unseen, and an earlier peak would hide its own."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as peaks:
        peaks.write("5")


def answer(words: list[str]) -> None:
    """Print what a copy of this process finds; an error, if it ends by one."""
    sys.stdout.flush()
    copy = os.fork()
    if not copy:
        try:
            found: dict[str, Any] = growth(words[0], *map(int, words[1:]))
        except BaseException:
            found = {"error": traceback.format_exc()}
        print(json.dumps(found), flush=True)
        os._exit(0)
    _, status = os.waitpid(copy, 0)
    if status:
        print(json.dumps({"error": f"ended by {status}"}), flush=True)


if __name__ == "__main__":
    # The first optimiser loads the compiler of torch.
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    for line in sys.stdin:
        answer(line.split())
