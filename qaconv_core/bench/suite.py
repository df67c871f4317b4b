"""What ``qaconv bench`` measures, in order, and the record it makes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from qaconv_core.bench import device as on_device
from qaconv_core.bench.machine import machine_record, measure_peaks
from qaconv_core.bench.ranking import metrics_figure, rerank_figure, tlift_figure
from qaconv_core.bench.scoring import (
    Sizes,
    all_pairs,
    demo_recall,
    growth,
    one_query,
    preparing,
    shortlist_figure,
)
from qaconv_core.bench.timing import Figure
from qaconv_core.progress import CancelToken

MARKET = (3368, 15913)


@dataclass(frozen=True)
class Suite:
    """Sizes of everything: :data:`QUICK` or :data:`FULL`."""

    repeats: int
    galleries: int
    gallery_steps: tuple[int, ...]
    grids: tuple[tuple[int, int], ...]
    channels: tuple[int, ...]
    pairs: tuple[int, int]
    ranking: tuple[int, int]
    tlift: tuple[int, int]
    rerank: tuple[int, ...]
    rerank_dense_up_to: int
    demo: bool = True


FULL = Suite(
    repeats=5,
    galleries=16000,
    gallery_steps=(500, 1000, 2000, 4000, 8000, 16000),
    grids=((6, 2), (12, 4), (24, 8), (48, 16)),
    channels=(16, 64, 128, 256, 512),
    pairs=(64, 512),
    ranking=MARKET,
    tlift=MARKET,
    rerank=(2000, 5000, 20000),
    rerank_dense_up_to=20000,
)
QUICK = Suite(
    repeats=3,
    galleries=1000,
    gallery_steps=(250, 1000),
    grids=((6, 2), (24, 8)),
    channels=(16, 128),
    pairs=(8, 128),
    ranking=(300, 3000),
    tlift=(300, 3000),
    rerank=(1000,),
    rerank_dense_up_to=1000,
)
_GROWTH_GALLERY = 1000  # for growth with grid and channels
_RERANK_REPEATS = 1  # the dense loop takes minutes

Told = Callable[[str], None]


def run_suite(
    suite: Suite,
    device: torch.device,
    tell: Told,
    cancel: CancelToken | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Measure everything; ``tell`` is called with the title of each part before it begins.

    ``folder`` takes the maps (more than a GB in full, removed afterwards).
    """
    parts: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
        tell("the machine's peaks")
        peaks = measure_peaks(device)
        work = _cpu_parts if device.type == "cpu" else _device_parts
        for title, figures in work(suite, device, Path(place), tell):
            parts.setdefault(title, []).extend(f.to_dict(peaks) for f in figures)
            if cancel is not None:
                cancel.raise_if_cancelled()
    return {
        "created": datetime.now(timezone.utc).isoformat("T", "seconds"),
        "machine": machine_record(device),
        "peaks": peaks,
        "parts": parts,
    }


Part = tuple[str, list[Figure]]


def _cpu_parts(suite: Suite, device: torch.device, folder: Path, tell: Told) -> Iterator[Part]:
    whole = Sizes(suite.galleries, 128, (24, 8))
    tell(f"one query against {suite.galleries:,} maps")
    yield "one query", one_query(whole, folder, suite.repeats)
    tell("the same with maps of independent numbers, the worst case")
    yield "one query, worst case", one_query(whole, folder, max(1, suite.repeats // 2), "random")
    tell("preparing")
    yield "preparing", [preparing(Sizes(min(2000, suite.galleries), 128, (24, 8)), folder)]
    tell("shortlists")
    yield "shortlist", [shortlist_figure(whole, folder, suite.repeats)]
    yield "shortlist", [shortlist_figure(whole, folder, 1, "random")]
    if suite.demo:
        tell("the demo")
        yield "shortlist", [demo_recall()]
    tell("all pairs")
    pairs = Sizes(suite.pairs[1], 128, (24, 8), suite.pairs[0])
    yield "all pairs", [all_pairs(pairs, folder, suite.repeats)]
    for title, sizes in _growing(suite).items():
        tell(title)
        for figures in growth(sizes, folder, max(1, suite.repeats - 2)):
            yield title, figures
    tell("measures and TLift")
    yield "ranking", [metrics_figure(*suite.ranking, suite.repeats)]
    yield "ranking", [tlift_figure(*suite.tlift, 1)]
    for count in suite.rerank:
        tell(f"re-ranking of {count:,} pictures")
        dense = count <= suite.rerank_dense_up_to
        yield "re-ranking", [rerank_figure(count, _RERANK_REPEATS, dense=dense)]


def _growing(suite: Suite) -> dict[str, list[Sizes]]:
    few = min(_GROWTH_GALLERY, suite.galleries)
    return {
        "growth with the gallery": [Sizes(n, 128, (24, 8)) for n in suite.gallery_steps],
        "growth with the grid": [Sizes(few, 128, grid) for grid in suite.grids],
        "growth with the channels": [Sizes(few, n, (24, 8)) for n in suite.channels],
    }


def _device_parts(suite: Suite, device: torch.device, folder: Path, tell: Told) -> Iterator[Part]:
    tell("the fused kernel")
    for title, sizes in _growing(suite).items():
        for one in sizes:
            many = Sizes(one.galleries, one.channels, one.grid, 32)
            figure = on_device.fused_figure(many, device, suite.repeats)
            yield title, [] if figure is None else [figure]
    tell("scoring of an evaluation")
    yield "evaluation", [on_device.evaluation_figure(*suite.ranking, device)]
