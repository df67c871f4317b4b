"""Search by part, and hiding regions, as the window uses them.

The first pass over a gallery keeps the query's maxima. Every search by part after that is computed
from them; the baseline is the same search without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from qaconv_core.bench.plain import pair_flop
from qaconv_core.bench.samples import people_maps, sample_matcher
from qaconv_core.bench.timing import Figure, take_turns
from qaconv_core.explaining.covering import SIDES, covered_logit, occlusion_map
from qaconv_core.explaining.maxima import GalleryCells, query_maxima
from qaconv_core.explaining.part import part_scores
from qaconv_core.types import Bool, Grid

PART, FIRST = "search by part", "search by part, first pass"
HIDE, REGIONS = "what if, one pair", "which region matters"
ANEW = "without what is kept"
DEMO_GALLERY, DEMO_GRID = 766, (12, 6)
"""The demo's gallery and its model's grid."""


def masks(grid: Grid) -> dict[str, Bool]:
    """Parts of a query (h, w), by what they are: small ones, halves either way, and a hole."""
    h, w = grid
    found = {name: np.zeros(grid, dtype=np.bool_) for name in ("1 cell", "a box", "upper half")}
    found["1 cell"][h // 3, w // 2] = True
    found["a box"][h // 4 : h // 2, w // 4 : w - w // 4] = True
    found["upper half"][: h // 2] = True
    scattered = np.random.default_rng(0).permutation(h * w) < h * w // 2
    return found | {"scattered half": scattered.reshape(grid), "all but a box": ~found["a box"]}


def part_figures(count: int, channels: int, grid: Grid, repeats: int) -> Iterator[Figure]:
    """The first pass over ``count`` maps kept in memory, then parts of the query."""
    maps = people_maps(count, channels, grid)
    gallery, query = GalleryCells.load(maps), maps[0].astype(np.float32)
    del maps
    head = sample_matcher(grid).affine()
    cells = grid[0] * grid[1]
    sizes = {"galleries": count, "channels": channels, "grid": f"{grid[0]}×{grid[1]}"}
    flop = count * pair_flop(cells, channels)
    first = take_turns({FIRST: lambda: query_maxima(query, gallery)}, max(1, repeats // 2))
    yield Figure(FIRST, sizes, first[FIRST], flop=flop, peak="float32")
    known = query_maxima(query, gallery)
    for name, mask in masks(grid).items():
        timings = take_turns(
            {
                PART: partial(part_scores, query, gallery, head, mask, known=known),
                ANEW: partial(part_scores, query, gallery, head, mask),
            },
            repeats,
        )
        stale = float((~mask.ravel()[known.gallery_best]).mean())
        facts = {"cells": int(mask.sum()), "looked_up_again": round(stale, 3)}
        yield Figure(
            PART, sizes | {"part": name}, timings[PART], {ANEW: timings[ANEW]}, facts=facts
        )


def hiding_figures(channels: int, grid: Grid, repeats: int) -> Iterator[Figure]:
    """What the window does for the pair in view while a box is drawn, and for the map."""
    query, a, b = people_maps(3, channels, grid).astype(np.float32)
    head = sample_matcher(grid).affine()
    mask = masks(grid)["a box"]
    sizes = {"channels": channels, "grid": f"{grid[0]}×{grid[1]}"}

    def hide() -> None:
        covered_logit(query, a, head)
        covered_logit(query, a, head, hide_query=mask, hide_gallery=mask)

    def regions() -> None:
        for candidate in (a, b):
            for side in SIDES:
                occlusion_map(query, candidate, head, side=side)

    timings = take_turns({HIDE: hide, REGIONS: regions}, max(3, repeats))
    for name in (HIDE, REGIONS):
        yield Figure(name, sizes, timings[name])
