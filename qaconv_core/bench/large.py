"""A gallery too large to score: on disk, pooled, grown, and searched through a shortlist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qaconv_core.bench.plain import pair_flop
from qaconv_core.bench.samples import people_blocks, sample_matcher
from qaconv_core.bench.timing import Figure, Single, Timing, once, stop_if_asked
from qaconv_core.device import available_memory
from qaconv_core.matching.scores import score_maps
from qaconv_core.searching.choice import LIMITS
from qaconv_core.searching.shortlist import pool_gallery, search_large, shortlist_recall
from qaconv_core.types import FeatureBank

GRID, CHANNELS, TOP = (24, 8), 128, 20
QUERIES = 4
LENGTHS = (20, 100, 500, 1000, 2000, 5000, 10000, 20000)
_GROWN = 0.9  # what is there before the rest is appended


def large_gallery_figures(count: int, folder: Path) -> Iterator[Figure]:
    """Pooling nine tenths of ``count`` maps, then the rest; one query through a shortlist.

    The maps take 49 KB a picture on disk, their pooled forms 3 KB; all are removed at the end.
    """
    path = folder / "maps-large.f16"
    before = int(_GROWN * count)
    sizes = {"galleries": count, "channels": CHANNELS, "grid": f"{GRID[0]}×{GRID[1]}"}
    try:
        _write(path, count)
        begun = once(lambda: pool_gallery(_bank(path, before)))
        yield _pooling("pooling a gallery", sizes | {"galleries": before}, before, begun)
        grown = once(lambda: pool_gallery(_bank(path, count)))
        yield _pooling("pooling what was appended", sizes, count - before, grown)
        yield _search(_bank(path, count), grown.result, sizes)
    finally:
        for one in folder.glob("maps-large.*"):
            one.unlink(missing_ok=True)


def _write(path: Path, count: int) -> None:
    with path.open("wb") as stream:
        for block in people_blocks(count, CHANNELS, GRID):
            stop_if_asked()
            block.tofile(stream)


def _bank(path: Path, count: int) -> FeatureBank:
    stored = path.stat().st_size // (2 * CHANNELS * GRID[0] * GRID[1])
    maps = np.memmap(path, np.float16, "r", shape=(stored, CHANNELS, *GRID))
    return FeatureBank(maps, np.arange(count))


def _pooling(name: str, sizes: dict[str, object], count: int, run: Single) -> Figure:
    facts = {"pictures_pooled": count, "images_a_second": count / run.seconds}
    traffic = 2.0 * CHANNELS * count * (GRID[0] * GRID[1] + 12)
    return Figure(
        name,
        sizes,
        Timing((run.seconds,)),
        traffic=traffic,
        extra_bytes=run.extra_bytes,
        facts=facts,
    )


def _search(gallery: FeatureBank, pooled: FeatureBank, sizes: dict[str, object]) -> Figure:
    head = sample_matcher(GRID).affine()
    queries = gallery.read(0, QUERIES)
    length = min(LIMITS.shortlist, len(gallery))
    runs = [
        once(
            lambda query=query: search_large(  # type: ignore[misc]
                query, gallery, head, TOP, pooled=pooled, shortlist=length
            )
        )
        for query in queries
    ]
    exact = once(lambda: score_maps(queries, gallery, head))
    lengths = tuple(n for n in LENGTHS if n <= len(gallery))
    recall = shortlist_recall(
        queries, gallery, head, TOP, lengths, exact=exact.result, pooled=pooled
    )
    memory = [run.extra_bytes for run in runs if run.extra_bytes is not None]
    return Figure(
        "one query of a large gallery",
        sizes | {"shortlist": length},
        Timing(tuple(run.seconds for run in runs)),
        {"everything in float32": Timing((exact.seconds / QUERIES,))},
        len(gallery) * pair_flop(12, CHANNELS) + length * pair_flop(GRID[0] * GRID[1], CHANNELS),
        "float32",
        extra_bytes=max(memory, default=None),
        facts={
            "result_says": runs[0].result.ranking.approximation,
            "GB_of_maps": gallery.maps.nbytes / 1e9,
            "GB_of_memory_free": available_memory("cpu") / 1e9,
            "recall_of_the_exact_20": {str(n): r for n, r in recall.items()},
        },
    )
