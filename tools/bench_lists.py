"""How quick the ranked results are with a large gallery: ``python tools/bench_lists.py [rows]``.

Prints milliseconds in the window's thread: median and 95th percentile over repeated steps. The
pictures are real files (links to pictures of the demo's size), decoded in the background as usual.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PyQt5.QtWidgets import QApplication, QWidget

from app.jobs.images import ImageLoader
from app.state.workspace import Workspace
from app.views.explore.results_panel import ResultsPanel
from qaconv_core.data import open_dataset
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import ImageRef, ImageSet, RankingResult

SIZE = (1040, 230)
GRID, GRID_SIZE, PICTURE = 5_000, (1040, 700), 96
"""Pictures of the grid, its pixels, and the height of each picture."""
STEPS = 100


def large_set(folder: Path, rows: int) -> OpenSet:
    """The demo's queries, and ``rows`` links to its gallery pictures, of 1,500 persons."""
    demo = open_dataset("demo")
    sources = [ref.path for ref in demo.gallery]
    refs = []
    for row in range(rows):
        path = folder / f"{row % 1500:04}_c{row % 6 + 1}s1_{row:06}_00.jpg"
        os.symlink(sources[row % len(sources)], path)
        refs.append(ImageRef(path, row % 1500, row % 6, float(row)))
    return OpenSet(
        "large", folder, "links", demo.query, ImageSet(tuple(refs), "gallery"), len(demo.query)
    )


def ranking_of(data: OpenSet, query: int, seed: int) -> RankingResult:
    """A random order, and TLift's moves, which cost the model most."""
    random = np.random.default_rng(seed)
    n = len(data.gallery)
    order = random.permutation(n)
    same = data.gallery_pids[order] == data.query_pids[query]
    truth = np.where(same, RankingResult.TRUE, RankingResult.FALSE).astype(np.int8)
    values = np.sort(random.random(n).astype(np.float32))[::-1].copy()
    before = random.permutation(n)
    return RankingResult((query,), order, values, truth, "qaconv+rerank", "score", before=before)


def timed(step: Callable[[int], object], times: int = STEPS) -> str:
    """Median and 95th percentile of ``step(0)`` … in milliseconds."""
    spent = []
    for number in range(times):
        start = time.perf_counter()
        step(number)
        spent.append(1000 * (time.perf_counter() - start))
        QApplication.processEvents()
    return f"{np.median(spent):8.2f} {np.percentile(spent, 95):8.2f}"


def measure(panel: ResultsPanel, space: Workspace, data: OpenSet) -> dict[str, str]:
    """What each step costs."""
    view, bar = panel.view, panel.view.horizontalScrollBar()
    random = np.random.default_rng(0)
    rankings = [ranking_of(data, 0, seed) for seed in range(8)]

    def rerank(number: int) -> None:
        space.set_ranking(rankings[number])
        view.viewport().repaint()

    def scroll(number: int) -> None:
        bar.setValue(bar.value() + 120)
        view.viewport().repaint()

    def jump(number: int) -> None:
        bar.setValue(int(random.integers(bar.maximum())))
        view.viewport().repaint()

    def select(number: int) -> None:
        space.select_candidate(int(random.integers(len(data.gallery))))
        view.viewport().repaint()

    def hide(number: int) -> None:
        space.change_result_filter(camids=frozenset({number % 6}))
        view.viewport().repaint()

    def find(number: int) -> None:
        panel.find_bar.field.setText(f"{number:03}")

    steps = {
        "new ranking, with its first paint": timed(rerank, len(rankings)),
        "scroll by a notch": timed(scroll),
        "jump anywhere": timed(jump),
        "choose a candidate anywhere": timed(select),
        "filter by camera": timed(hide),
    }
    panel.find_bar.open()
    steps["find, each letter"] = timed(find)
    return steps


def measure_grid(panel: ResultsPanel, space: Workspace, data: OpenSet) -> dict[str, str]:
    """A frame of the whole ranking in rows, with the pictures that arrive for it."""
    panel.resize(*GRID_SIZE)
    panel.show_as("grid", PICTURE)
    space.set_ranking(ranking_of(data, 0, 0))
    bar = panel.view.verticalScrollBar()

    def scroll(_number: int) -> None:
        bar.setValue(bar.value() + 120)
        panel.view.viewport().repaint()
        QApplication.processEvents()

    return {"grid of 5,000: scroll by a notch": timed(scroll)}


def open_large(space: Workspace, data: OpenSet) -> None:
    """Show the set, with its first query chosen."""
    space.open_data(data)
    space.select_queries((0,))
    space.model = object()  # type: ignore[assignment]  # any: only its absence is looked at


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        data, space, thumbnails = large_set(Path(folder), rows), Workspace(), ImageLoader(160)
        window = QWidget()
        window.resize(*SIZE)
        panel = ResultsPanel(space, thumbnails, window)
        panel.resize(*SIZE)
        window.show()
        open_large(space, data)
        print(f"{rows:,} rows, {SIZE[0]}×{SIZE[1]} pixels; milliseconds: median, 95 %")
        steps = measure(panel, space, data)
        (few := Path(folder) / "grid").mkdir()
        open_large(space, data := large_set(few, GRID))
        for name, spent in (steps | measure_grid(panel, space, data)).items():
            print(f"{name:36} {spent}")
        window.close()
        thumbnails.close()
    application.processEvents()


if __name__ == "__main__":
    main()
