"""Scoring on the CPU: one query against a gallery, all pairs, and how both grow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qaconv_core.bench.plain import fits, pair_flop, plain_logits
from qaconv_core.bench.samples import people_maps, random_maps, sample_matcher
from qaconv_core.bench.timing import Figure, Work, extra_memory, in_child, take_turns
from qaconv_core.device import available_memory
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.qaconv import AffineHead, QAConv
from qaconv_core.searching.choice import CLAIMS
from qaconv_core.searching.coarse_estimates import CoarseGallery, coarse_logits, prepare_coarse
from qaconv_core.searching.measured_margin import measured_head
from qaconv_core.searching.shortlist import pool_gallery, search_large, shortlist_recall
from qaconv_core.searching.top import Prepared, prepare_search, rank_top
from qaconv_core.types import FeatureBank, Float16, Grid, RankingResult

TOP = 20
PATHS = {claim: path for path, claim in CLAIMS.items()}
QUERIES = 8
"""Queries whose heads are compared with the exact ones."""
PORTIONS = (32, 256)
"""Gallery maps that the plain formulation takes at a time: the fastest and a common number."""
ONE_QUERY = "one query, searched"
ONE_QUERY_EXACT = "one query, float32"
ALL_PAIRS = "all pairs, float32"
FEW = 32
"""Promising pictures, and as many random ones, that a margin is measured on (small galleries)."""
THROUGH_SHORTLIST = "through a shortlist"


@dataclass(frozen=True)
class Sizes:
    """A scoring task."""

    galleries: int
    channels: int
    grid: Grid
    queries: int = 1

    @property
    def flop(self) -> float:
        """Arithmetic of all products."""
        cells = self.grid[0] * self.grid[1]
        return self.queries * self.galleries * pair_flop(cells, self.channels)

    def record(self) -> dict[str, object]:
        """For JSON."""
        return {
            "queries": self.queries,
            "galleries": self.galleries,
            "channels": self.channels,
            "grid": f"{self.grid[0]}×{self.grid[1]}",
        }


class Task:
    """Maps on disk as the store keeps them, and in float32 for the plain formulation."""

    def __init__(self, sizes: Sizes, folder: Path, kind: str = "people") -> None:
        self.sizes, self.kind = sizes, kind
        name = f"maps-{kind}-{sizes.galleries}-{sizes.channels}-{sizes.grid[0]}-{sizes.grid[1]}.f16"
        self.path = folder / name
        self.gallery = self._stored()
        self.query = self.gallery.read(0, sizes.queries)
        self.matcher: QAConv = sample_matcher(sizes.grid)
        self.head: AffineHead = self.matcher.affine()
        self.prepared: Prepared | None = prepare_search(self.gallery)
        self._floats: torch.Tensor | None = None

    def _stored(self) -> FeatureBank:
        """The maps in their file, which is made where it is not there."""
        s = self.sizes
        if not self.path.exists():
            make = people_maps if self.kind == "people" else random_maps
            make(s.galleries, s.channels, s.grid).tofile(self.path)
        maps = np.memmap(self.path, np.float16, "r", shape=(s.galleries, s.channels, *s.grid))
        return FeatureBank(maps, np.arange(s.galleries))

    def remove(self) -> None:
        """Delete the files; what is mapped stays readable."""
        for path in self.path.parent.glob(f"{self.path.stem}.*"):
            with contextlib.suppress(OSError):  # Windows keeps what somebody has mapped
                path.unlink()

    def plain(self, portion: int) -> torch.Tensor:
        """The plain formulation, on maps that are in memory in float32 already."""
        if self._floats is None:
            self._floats = torch.from_numpy(self.gallery.read(0, len(self.gallery))).float()
        query = torch.from_numpy(self.query).float()
        return plain_logits(self.matcher, query, self._floats, portion)

    def searched(self) -> np.ndarray:
        """The order of the best, by estimates and exact logits of the head."""
        return self.found().order[:TOP]

    def exact(self) -> np.ndarray:
        """The order of the best, every logit in float32."""
        return self.found(exact=True).order[:TOP]

    def found(self, query: int = 0, exact: bool = False) -> RankingResult:
        """The gallery in order for one of the first pictures of the gallery."""
        at = self.gallery.read(query, query + 1)[0]
        return rank_top(at, self.gallery, self.head, TOP, prepared=self.prepared, exact=exact)

    def heads_alike(self, queries: int) -> int:
        """For how many of the first ``queries`` pictures the search shows the exact head."""
        return sum(
            np.array_equal(self.found(i).order[:TOP], self.found(i, exact=True).order[:TOP])
            for i in range(queries)
        )

    def arithmetic(self, found: RankingResult) -> tuple[float, str]:
        """What a search computed, and in what."""
        if found.certainty != "measured" or not isinstance(self.prepared, CoarseGallery):
            return self.sizes.flop, "int8" if found.certainty == "proved" else "float32"
        h, w = self.prepared.grid
        estimates = self.sizes.galleries * pair_flop(h * w, self.sizes.channels)
        cells = self.sizes.grid[0] * self.sizes.grid[1]
        return estimates + found.scored * pair_flop(cells, self.sizes.channels), "float32"

    def all_pairs(self) -> np.ndarray:
        """Logits of all pairs in float32."""
        return score_maps(self.query, self.gallery, self.head)


def memory_of(sizes: Sizes, folder: Path, kind: str, what: str) -> int | None:
    """Memory that one job (a method of :class:`Task`) takes besides the maps' files."""
    return extra_memory(getattr(Task(sizes, folder, kind), what))


def one_query(
    sizes: Sizes, folder: Path, repeats: int, kind: str = "people", memory: bool = True
) -> list[Figure]:
    """One query: searched and in float32, beside the plain formulation in several portions."""
    task = Task(sizes, folder, kind)
    works: dict[str, Work] = {ONE_QUERY: task.searched, ONE_QUERY_EXACT: task.exact}
    works |= {_plain_name(n): _plain_work(task, n) for n in _portions(sizes)}
    timings = take_turns(works, repeats)
    plain = {name: timing for name, timing in timings.items() if name.startswith("plain")}
    found, compared = task.found(), min(QUERIES, sizes.galleries) if memory else 1
    alike = task.heads_alike(compared)
    record = sizes.record() | {"maps": kind}
    facts = {
        "rescored": found.scored,
        "head_is_exact": alike == compared,
        "queries_compared": compared,
        "top": TOP,
        "arithmetic": PATHS[found.certainty],
    }
    flop, peak = task.arithmetic(found)
    figures = [
        Figure(
            ONE_QUERY,
            record,
            timings[ONE_QUERY],
            plain | {ONE_QUERY_EXACT: timings[ONE_QUERY_EXACT]},
            flop,
            peak,
            extra_bytes=in_child(memory_of, sizes, folder, kind, "searched") if memory else None,
            facts=facts,
        ),
        Figure(
            ONE_QUERY_EXACT,
            record,
            timings[ONE_QUERY_EXACT],
            plain,
            sizes.flop,
            "float32",
            extra_bytes=in_child(memory_of, sizes, folder, kind, "exact") if memory else None,
        ),
    ]
    task.remove()
    return figures


def preparing(sizes: Sizes, folder: Path) -> Figure:
    """What preparing the gallery costs, once."""
    task = Task(sizes, folder)
    maps = task.gallery.read(0, len(task.gallery))
    timing = take_turns({"preparing": lambda: prepare_search(maps)}, 1)["preparing"]
    facts: dict[str, Any] = {"images_a_second": sizes.galleries / timing.median}
    if task.prepared is not None:
        facts["bytes_an_image"] = task.prepared.nbytes // max(1, len(task.prepared))
    task.remove()
    return Figure("preparing a gallery", sizes.record(), timing, facts=facts)


def all_pairs(sizes: Sizes, folder: Path, repeats: int) -> Figure:
    """Every query against every gallery map, as an evaluation does."""
    task = Task(sizes, folder)
    works: dict[str, Work] = {ALL_PAIRS: task.all_pairs}
    works |= {_plain_name(n): _plain_work(task, n) for n in PORTIONS if n <= sizes.galleries}
    timings = take_turns(works, repeats)
    mine = timings.pop(ALL_PAIRS)
    memory = in_child(memory_of, sizes, folder, "people", "all_pairs")
    task.remove()
    return Figure(
        ALL_PAIRS, sizes.record(), mine, timings, sizes.flop, "float32", extra_bytes=memory
    )


SHORTLISTS = (20, 50, 100, 200, 500, 1000, 2000)


def shortlist_figure(sizes: Sizes, folder: Path, repeats: int, kind: str = "people") -> Figure:
    """A search through a shortlist by pooled maps, and how much of the exact head it holds."""
    task = Task(sizes, folder, kind)
    queries = task.gallery.read(0, min(8, sizes.galleries))
    record = sizes.record() | {"maps": kind}
    figure = _through_shortlist(queries, task.gallery, task.head, record, repeats)
    task.remove()
    return figure


def demo_shortlist_figure(repeats: int) -> Figure:
    """The same on the demo with the bundled model, its pictures' maps computed in memory."""
    from qaconv_core.data import open_dataset
    from qaconv_core.model import load_model

    model, data = load_model("demo", "cpu"), open_dataset("demo")
    gallery, query = (model.extract_set(side).bank for side in (data.gallery, data.query))
    queries = query.read(0, len(query))
    record = {"queries": len(query), "galleries": len(gallery), "maps": "the demo"}
    figure = _through_shortlist(queries, gallery, model.head, record, repeats)
    return replace(figure, facts=figure.facts | _by_coarse_maps(queries, gallery, model.head))


def _by_coarse_maps(queries: Float16, gallery: FeatureBank, head: AffineHead) -> dict[str, Any]:
    """How often a margin measured on a few pictures finds the right head, and at what cost."""
    exact, coarse = score_maps(queries, gallery, head), prepare_coarse(gallery)
    alike, scored = 0, []
    for query, logits in zip(queries, exact, strict=True):
        estimates = coarse_logits(query[None], coarse, head)
        found = measured_head(estimates, TOP, lambda part, row=logits: row[part], FEW)  # type: ignore[misc]
        alike += bool(np.isin(np.argsort(-logits, kind="stable")[:TOP], found.scored).all())
        scored.append(len(found.scored))
    return {
        f"heads_found_by_a_margin_of_{FEW}_and_{FEW}": f"{alike} of {len(queries)}",
        "scored_for_it": f"{int(np.median(scored))} (median), {max(scored)} (most)",
    }


def _through_shortlist(
    queries: Float16, gallery: FeatureBank, head: AffineHead, record: dict[str, Any], repeats: int
) -> Figure:
    pooled = pool_gallery(gallery)
    count = min(500, len(gallery))
    works: dict[str, Work] = {
        THROUGH_SHORTLIST: lambda: search_large(
            queries[0], gallery, head, TOP, pooled=pooled, shortlist=count
        ),
        ONE_QUERY_EXACT: lambda: rank_top(queries[0], gallery, head, TOP, exact=True),
    }
    timings = take_turns(works, repeats)
    lengths = tuple(n for n in SHORTLISTS if n <= len(gallery))
    recall = shortlist_recall(queries, gallery, head, TOP, lengths, pooled=pooled)
    return Figure(
        THROUGH_SHORTLIST,
        record | {"shortlist": count},
        timings[THROUGH_SHORTLIST],
        {ONE_QUERY_EXACT: timings[ONE_QUERY_EXACT]},
        facts={"recall_of_the_exact_20": {str(n): r for n, r in recall.items()}},
    )


def growth(sizes: list[Sizes], folder: Path, repeats: int) -> Iterator[list[Figure]]:
    """:func:`one_query` for each of ``sizes``."""
    for one in sizes:
        yield one_query(one, folder, repeats, memory=False)


def _plain_name(portion: int | None) -> str:
    return "plain, all at once" if portion is None else f"plain, {portion} at a time"


def _plain_work(task: Task, portion: int | None) -> Work:
    return lambda: task.plain(task.sizes.galleries if portion is None else portion)


def _portions(sizes: Sizes) -> list[int | None]:
    """The portions worth a try: smaller than the gallery, and all at once where that fits."""
    found: list[int | None] = [n for n in PORTIONS if n < sizes.galleries]
    cells = sizes.grid[0] * sizes.grid[1]
    if fits(sizes.galleries, cells, available_memory("cpu") // 2):
        found.append(None)
    return found
