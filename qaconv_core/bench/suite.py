"""What ``qaconv bench`` measures for each part, and the record of a run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from qaconv_core.bench import device as on_device
from qaconv_core.bench.aims import DEMO, MARKET, MSMT, aims_of
from qaconv_core.bench.busy import busy_figures, load_average
from qaconv_core.bench.evaluation import evaluation_figure, growing_figures
from qaconv_core.bench.features import features_figures
from qaconv_core.bench.large import large_gallery_figures
from qaconv_core.bench.machine import machine_record, measure_peaks
from qaconv_core.bench.others import OtherPrograms
from qaconv_core.bench.part_search import DEMO_GALLERY, DEMO_GRID, hiding_figures, part_figures
from qaconv_core.bench.parts import BUSY_MACHINE, EVALUATION_MINUTES, PARTS, Part
from qaconv_core.bench.progress_plan import ProgressPlan, Report
from qaconv_core.bench.ranking import (
    disk_rerank_figure,
    metrics_figure,
    rerank_figure,
    tlift_figure,
)
from qaconv_core.bench.scoring import (
    Sizes,
    all_pairs,
    demo_shortlist_figure,
    growth,
    one_query,
    preparing,
    shortlist_figure,
)
from qaconv_core.bench.timing import Figure, stoppable
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.searching.integer_estimates import fast_bytes
from qaconv_core.types import Grid

_GROWTH_GALLERY = 1000  # for growth with grid and channels
_BUSY_PICTURES = 32  # beside busy programs, some ten a second where OpenMP is as it comes


@dataclass(frozen=True)
class Suite:
    """Sizes of everything: :data:`QUICK` or :data:`FULL`.

    ``evaluation_minutes`` are those in which growing evaluations have to be done.
    """

    repeats: int
    galleries: int
    gallery_steps: tuple[int, ...]
    grids: tuple[Grid, ...]
    channels: tuple[int, ...]
    pairs: tuple[int, int]
    ranking: tuple[int, int]
    rerank: tuple[int, ...]
    rerank_on_disk: tuple[int, int]
    large_gallery: int
    pictures: int
    evaluation: tuple[int, int]
    evaluation_steps: tuple[int, ...]
    evaluation_minutes: float = EVALUATION_MINUTES
    demo: bool = True
    name: str = "full"


FULL = Suite(
    repeats=5,
    galleries=16000,
    gallery_steps=(500, 1000, 2000, 4000, 8000, 16000),
    grids=((6, 2), (12, 4), (24, 8), (48, 16)),
    channels=(16, 64, 128, 256, 512),
    pairs=(64, 512),
    ranking=MARKET,
    rerank=(2000, 5000, 20000),
    rerank_on_disk=MSMT,
    large_gallery=1_000_000,
    pictures=DEMO,
    evaluation=(500, 4000),
    evaluation_steps=(2000, 4000, 8000, 20000),
)
QUICK = Suite(
    repeats=3,
    galleries=1000,
    gallery_steps=(250, 1000),
    grids=((6, 2), (24, 8)),
    channels=(16, 128),
    pairs=(8, 128),
    ranking=(300, 3000),
    rerank=(1000,),
    rerank_on_disk=(300, 2000),
    large_gallery=10_000,
    pictures=64,
    evaluation=(40, 400),
    evaluation_steps=(240, 480),
    name="quick",
)


@dataclass(frozen=True)
class Bench:
    """The settings of a run; ``folder`` is for temporary files and removed at the end."""

    suite: Suite
    device: torch.device
    folder: Path

    def sizes(self, galleries: int, queries: int = 1) -> Sizes:
        """Sizes of maps of the papers' shape, 128 × 24 × 8."""
        return Sizes(galleries, 128, (24, 8), queries)


Figures = Iterator[Figure]


def _features(bench: Bench) -> Figures:
    repeats = max(1, bench.suite.repeats // 2)
    yield from features_figures(bench.suite.pictures, bench.device, repeats)


def _query(bench: Bench) -> Figures:
    sizes = bench.sizes(bench.suite.galleries)
    yield from one_query(sizes, bench.folder, bench.suite.repeats)


def _worst(bench: Bench) -> Figures:
    sizes = bench.sizes(bench.suite.galleries)
    yield from one_query(sizes, bench.folder, max(1, bench.suite.repeats // 2), "random")


def _part_search(bench: Bench) -> Figures:
    repeats = bench.suite.repeats
    yield from part_figures(bench.suite.galleries, 128, (24, 8), repeats)
    demo = min(DEMO_GALLERY, bench.suite.galleries)
    yield from part_figures(demo, 128, DEMO_GRID, repeats)
    yield from hiding_figures(128, (24, 8), repeats)


def _preparing(bench: Bench) -> Figures:
    yield preparing(bench.sizes(min(2000, bench.suite.galleries)), bench.folder)


def _shortlist(bench: Bench) -> Figures:
    sizes = bench.sizes(bench.suite.galleries)
    yield shortlist_figure(sizes, bench.folder, bench.suite.repeats)
    yield shortlist_figure(sizes, bench.folder, 1, "random")
    if bench.suite.demo:
        yield demo_shortlist_figure(bench.suite.repeats)


def _pairs(bench: Bench) -> Figures:
    queries, galleries = bench.suite.pairs
    yield all_pairs(bench.sizes(galleries, queries), bench.folder, bench.suite.repeats)


def _with_gallery(suite: Suite) -> list[Sizes]:
    return [Sizes(n, 128, (24, 8)) for n in suite.gallery_steps]


def _with_grid(suite: Suite) -> list[Sizes]:
    return [Sizes(min(_GROWTH_GALLERY, suite.galleries), 128, grid) for grid in suite.grids]


def _with_channels(suite: Suite) -> list[Sizes]:
    few = min(_GROWTH_GALLERY, suite.galleries)
    return [Sizes(few, channels, (24, 8)) for channels in suite.channels]


def _growing(sizes: Callable[[Suite], list[Sizes]]) -> Callable[[Bench], Figures]:
    def measure(bench: Bench) -> Figures:
        for figures in growth(sizes(bench.suite), bench.folder, max(1, bench.suite.repeats - 2)):
            yield from figures

    return measure


def _measures(bench: Bench) -> Figures:
    yield metrics_figure(*bench.suite.ranking, bench.suite.repeats)


def _tlift(bench: Bench) -> Figures:
    yield tlift_figure(*bench.suite.ranking, bench.suite.repeats)


def _rerank(bench: Bench) -> Figures:
    for count in bench.suite.rerank:
        yield rerank_figure(count, 3)


def _rerank_on_disk(bench: Bench) -> Figures:
    yield disk_rerank_figure(*bench.suite.rerank_on_disk, bench.folder)


def _large_gallery(bench: Bench) -> Figures:
    yield from large_gallery_figures(bench.suite.large_gallery, bench.folder)


def _estimates(bench: Bench) -> Figures:
    queries, galleries = bench.suite.evaluation
    sizes = bench.sizes(galleries, queries)
    yield evaluation_figure(sizes, bench.folder, max(1, bench.suite.repeats // 2), rerank=False)
    few = bench.sizes(galleries * 2 // 5, queries * 2 // 5)
    yield evaluation_figure(few, bench.folder, 1, rerank=True)
    if fast_bytes(few.channels):  # float32 takes as long whatever the maps are
        yield evaluation_figure(few, bench.folder, 1, rerank=False, kind="random")


def _evaluation_growth(bench: Bench) -> Figures:
    steps, budget = bench.suite.evaluation_steps, 60 * bench.suite.evaluation_minutes
    yield from growing_figures(steps, bench.folder, bench.sizes(1), budget)


def _fused(sizes: Callable[[Suite], list[Sizes]]) -> Callable[[Bench], Figures]:
    def measure(bench: Bench) -> Figures:
        for one in sizes(bench.suite):
            many = Sizes(one.galleries, one.channels, one.grid, 32)
            figure = on_device.fused_figure(many, bench.device, bench.suite.repeats)
            if figure is not None:
                yield figure

    return measure


def _busy(bench: Bench) -> Figures:
    yield from busy_figures(min(_BUSY_PICTURES, bench.suite.pictures), bench.suite.repeats)


def _evaluation(bench: Bench) -> Figures:
    yield on_device.evaluation_figure(*bench.suite.ranking, bench.device)


_MEASURES: dict[tuple[str, str], Callable[[Bench], Figures]] = {
    ("features", "cpu"): _features,
    ("query", "cpu"): _query,
    ("worst-case", "cpu"): _worst,
    ("part-search", "cpu"): _part_search,
    ("preparing", "cpu"): _preparing,
    ("shortlist", "cpu"): _shortlist,
    ("pairs", "cpu"): _pairs,
    ("gallery", "cpu"): _growing(_with_gallery),
    ("grid", "cpu"): _growing(_with_grid),
    ("channels", "cpu"): _growing(_with_channels),
    ("evaluation-estimates", "cpu"): _estimates,
    ("measures", "cpu"): _measures,
    ("tlift", "cpu"): _tlift,
    ("re-ranking", "cpu"): _rerank,
    (BUSY_MACHINE, "cpu"): _busy,
    ("re-ranking-on-disk", "cpu"): _rerank_on_disk,
    ("evaluation-growth", "cpu"): _evaluation_growth,
    ("million", "cpu"): _large_gallery,
    ("features", "cuda"): _features,
    ("gallery", "cuda"): _fused(_with_gallery),
    ("grid", "cuda"): _fused(_with_grid),
    ("channels", "cuda"): _fused(_with_channels),
    ("evaluation", "cuda"): _evaluation,
}


def chosen_parts(device: torch.device, only: Sequence[str] = ()) -> list[Part]:
    """The parts for a device, in order; InputError for a name that is none of them."""
    kind = "cpu" if device.type == "cpu" else "cuda"
    there = [part for part in PARTS if part.device == kind]
    unknown = [name for name in only if name not in {part.name for part in there}]
    if unknown:
        names = ", ".join(part.name for part in there)
        raise InputError(f"--only {unknown[0]}: no such part on {kind}; choose from {names}")
    return [part for part in there if (part.name in only if only else not part.large)]


def run_suite(
    suite: Suite,
    device: torch.device,
    report: Report,
    cancel: CancelToken | None = None,
    folder: Path | None = None,
    only: Sequence[str] = (),
) -> dict[str, Any]:
    """Measure the parts ``only`` (all that are not large); ``report`` receives the title of each.

    ``folder`` takes files (more than a GB in full, 53 GB for large parts; removed afterwards).
    When ``cancel`` is set or Ctrl-C pressed, the record holds what is measured so far, and in
    ``left_out`` the titles of the missing parts.
    """
    parts = chosen_parts(device, only)
    plan = ProgressPlan([part.title for part in parts], [part.seconds for part in parts], report)
    found: dict[str, list[dict[str, Any]]] = {}
    peaks: dict[str, float] = {}
    complete = 0
    loads, others = [load_average()], OtherPrograms()
    with (
        stoppable(cancel),
        tempfile.TemporaryDirectory(
            prefix="qaconv-bench-", dir=folder, ignore_cleanup_errors=True
        ) as place,
    ):
        try:
            report("the machine's peaks")
            with others.watched():
                peaks |= measure_peaks(device)
            for part in parts:
                raise_if_cancelled(cancel)
                plan.begin()
                measure = _MEASURES[part.name, part.device]
                with others.watched():
                    for figure in measure(Bench(suite, device, Path(place))):
                        aims = [aim.to_dict() for aim in aims_of(figure, peaks)]
                        measured = figure.to_dict(peaks) | {"aims": aims}
                        found.setdefault(part.title, []).append(measured)
                complete += 1
                if part.name != BUSY_MACHINE:  # which makes a load of its own
                    loads.append(load_average())
        except (Cancelled, KeyboardInterrupt):
            report("stopped; what is measured so far is kept")
    return {
        "created": datetime.now(timezone.utc).isoformat("T", "seconds"),
        "sizes": suite.name,
        "machine": machine_record(device),
        "peaks": peaks,
        "load": {
            "before": loads[0],
            "during": max((load for load in loads if load is not None), default=None),
            "after": loads[-1],
        },
        "others": others.cores,
        "parts": found,
        "left_out": [part.title for part in parts[complete:]],
    }
