"""Beside other programs: what each kind of work loses, and what a short spin gives back.

How long OpenMP's threads spin is settled when torch is loaded, so each setting has a process of its
own. The processes take turns, first on a quiet machine, then beside programs that use a core each.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import qaconv_core
from qaconv_core.bench.others import BUSY_WORDS, others_words
from qaconv_core.bench.timing import Figure, Timing, stop_if_asked
from qaconv_core.errors import Cancelled, QAConvError
from qaconv_core.progress import CancelToken, Progress
from qaconv_core.threads import BUDGET, SPIN, WAITING
from qaconv_core.types import FeatureBank, ImageRef, ImageSet

if TYPE_CHECKING:
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.model import Model

BUSY = 2
"""Busy programs."""
SHORT, AS_IT_COMES = "short spin", "OpenMP as it comes"
FEATURES, SCORING, TRAINING = "features", "scoring", "training"
FIRST, NEXT = "first ranking", "next candidate while a set is measured"
SCORED = (16, 256)
"""Queries and gallery pictures of the scoring."""
TRAINED = (4, 4)
"""Persons, and pictures of each, of the training: an epoch of the recipe ``lite``."""
LOOKED_AT = 100
"""Candidates that are explained one after another."""
_MOST = 20.0  # seconds after which no further turn is begun
_SETTLE = 1.0  # seconds from the start of busy programs to the first run beside them


def load_average() -> float | None:
    """Programs that ran or waited for a core in the last minute; None where it is not told."""
    with contextlib.suppress(AttributeError, OSError):
        return os.getloadavg()[0]
    return None


def load_words(load: dict[str, float | None], cores: int, others: float | None = None) -> str:
    """``load`` (before, during, after) for people, and whether the machine was busy.

    ``others`` are the cores that other programs used meanwhile; where that is not known, only a
    load far above what measuring makes itself tells of them.
    """
    known = {when: value for when, value in load.items() if value is not None}
    told = [f"{value:.1f} {when}" for when, value in known.items()]
    words = [f"load average {', '.join(told)}"] if told else []
    if others is not None:
        words.append(others_words(others, cores))
    elif known.get("during", 0) > 1.5 * cores + 1:
        words.append(BUSY_WORDS)
    return "; ".join(words)


def busy_figures(pictures: int, repeats: int) -> Iterator[Figure]:
    """Features of ``pictures`` pictures of the demo, scoring of :data:`SCORED` pairs, a short
    training, and what a person waits for in the window: the first ranking of a gallery whose maps
    are stored, and the next candidates while the whole set is measured. Each is measured quiet
    and beside :data:`BUSY` busy programs, as OpenMP comes and with a short spin."""
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(_Server(settings, pictures))
            for name, settings in ((SHORT, SPIN), (AS_IT_COMES, {}))
        }
        before = load_average()
        quiet = _turns(servers, repeats)
        with _busy_programs():
            beside = _turns(servers, repeats)
            during = load_average()
    load = {"load before": before, "load beside busy programs": during}
    facts = {name: round(value, 1) for name, value in load.items() if value is not None}
    persons, each = TRAINED
    sizes: dict[str, dict[str, int]] = {
        FEATURES: {"pictures": pictures},
        SCORING: {"pairs": SCORED[0] * SCORED[1]},
        TRAINING: {"pictures": persons * each},
        FIRST: {"queries": 1},
        NEXT: {"candidates": LOOKED_AT},
    }
    for what in sizes:
        alone, busy = quiet[what], beside[what]
        yield Figure(f"{what}, quiet", sizes[what], alone[SHORT], {AS_IT_COMES: alone[AS_IT_COMES]})
        yield Figure(
            f"{what} beside {BUSY} busy programs",
            sizes[what],
            busy[SHORT],
            {"quiet": alone[SHORT], AS_IT_COMES: busy[AS_IT_COMES]},
            facts={
                "share_of_the_quiet_rate": {
                    name: alone[name].median / busy[name].median for name in (SHORT, AS_IT_COMES)
                },
                **facts,
            },
        )


class _Server:
    """A process that runs the works when it is asked to."""

    def __init__(self, settings: dict[str, str], pictures: int) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in WAITING}
        root = str(Path(qaconv_core.__file__).parents[1])
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [root, kept.get("PYTHONPATH", "")]))
        code = "from qaconv_core.bench.busy import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(pictures)],
            env=kept | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> _Server:
        self.run()  # a warm-up
        return self

    def run(self) -> dict[str, float]:
        """Seconds of each work."""
        stop_if_asked()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print("run", file=self._process.stdin, flush=True)
            found: dict[str, float] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise QAConvError("the process that measures beside busy programs has ended") from None
        return found

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()


def _turns(servers: dict[str, _Server], repeats: int) -> dict[str, dict[str, Timing]]:
    """For each work, the timing under each setting."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
    until = time.monotonic() + _MOST
    for turn in range(repeats):
        if turn and time.monotonic() > until:
            break
        for name, server in servers.items():
            runs[name].append(server.run())
    return {
        what: {name: Timing(tuple(run[what] for run in found)) for name, found in runs.items()}
        for what in next(iter(runs.values()))[0]
    }


@contextlib.contextmanager
def _busy_programs() -> Iterator[None]:
    """:data:`BUSY` processes that use a core each."""
    code = (
        "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(BUSY)]
    try:
        time.sleep(_SETTLE)
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def serve() -> None:
    """In the process of its own: measure at each line that comes, until there is none."""
    works = _works(int(sys.argv[1]))
    for _line in sys.stdin:
        found = {}
        for name, prepared in works.items():
            with prepared() as work:
                begun = time.perf_counter()
                work()
                found[name] = time.perf_counter() - begun
        print(json.dumps(found), flush=True)


Prepared = Callable[[], AbstractContextManager[Callable[[], object]]]
"""Makes ready what is not measured, gives what is, and ends what goes on beside it."""


def _works(pictures: int) -> dict[str, Prepared]:
    from qaconv_core.bench.features import demo_pictures
    from qaconv_core.bench.samples import people_maps, sample_matcher
    from qaconv_core.matching.scores import score_maps
    from qaconv_core.model import load_model

    model = load_model("demo", "cpu")
    paths = demo_pictures(pictures).paths
    queries, galleries = SCORED
    maps: Any = people_maps(queries + galleries, 128, (24, 8)).astype(np.float16)
    head = sample_matcher((24, 8)).affine()
    search = _demo_search(model)

    def ranking() -> AbstractContextManager[Callable[[], object]]:
        opened = search()
        return contextlib.nullcontext(lambda: opened.rank((0,)))

    @contextlib.contextmanager
    def looking() -> Iterator[Callable[[], object]]:
        with _measuring(search()), BUDGET.job(waited_for=True):
            opened = search()
            yield lambda: [opened.explain(0, candidate) for candidate in range(LOOKED_AT)]

    return {
        FEATURES: lambda: contextlib.nullcontext(lambda: model.extract(paths)),
        SCORING: lambda: contextlib.nullcontext(
            lambda: score_maps(maps[:queries], maps[queries:], head)
        ),
        TRAINING: _training(),
        FIRST: ranking,
        NEXT: looking,
    }


def _demo_search(model: Model) -> Callable[[], GallerySearch]:
    """Opens the demo anew, with stand-ins for its stored maps: those of people of its grid."""
    from qaconv_core.bench.samples import people_maps
    from qaconv_core.data import open_dataset
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.galleries.values import OpenSet

    dataset = open_dataset("demo")
    data, spec, first = OpenSet.of(dataset), model.spec, len(dataset.query)
    count = first + len(dataset.gallery)
    maps: Any = people_maps(count, spec.channels, spec.grid).astype(np.float16)
    query, gallery = (
        FeatureBank(part, np.arange(len(part), dtype=np.int64))
        for part in (maps[:first], maps[first:])
    )
    return lambda: GallerySearch(model, data, query, gallery)


@contextlib.contextmanager
def _measuring(search: GallerySearch) -> Iterator[None]:
    """Meanwhile a set is measured in the background, as the window does it."""
    from qaconv_core.matching.scores import score_maps

    cancel, begun = CancelToken(), threading.Event()

    def aside(_progress: Progress) -> None:
        begun.set()
        BUDGET.step_aside()

    def measure() -> None:
        sides = [search.query_map(query) for query in range(search.data.added_from)]
        with BUDGET.job(waited_for=False), contextlib.suppress(Cancelled):
            while True:
                score_maps(
                    np.stack(sides), search.gallery, search.model.head, cancel=cancel,
                    progress=aside,
                )  # fmt: skip

    thread = threading.Thread(target=measure, daemon=True)
    thread.start()
    begun.wait()
    try:
        yield
    finally:
        cancel.cancel()
        thread.join()


def _training() -> Prepared:
    from qaconv_core.data import open_dataset
    from qaconv_core.training import make_recipe
    from qaconv_core.training.initial import new_network
    from qaconv_core.training.people import join_training_sets
    from qaconv_core.training.pictures import open_book
    from qaconv_core.training.trainer import Trainer

    persons, each = TRAINED
    dataset = open_dataset("demo")
    by_person: dict[int, list[ImageRef]] = {}
    for ref in dataset.gallery:
        by_person.setdefault(ref.pid or 0, []).append(ref)
    full = [refs[:each] for pid, refs in by_person.items() if pid and len(refs) >= each]
    train = ImageSet(tuple(ref for refs in full[:persons] for ref in refs), "demo/train")
    recipe = make_recipe(
        "lite", init="none", batch_size=persons * each, num_instance=each, epochs=1,
        calibrate=False,
    )  # fmt: skip
    people = join_training_sets([replace(dataset, train=train)])
    book = open_book(people, recipe.input_size, workers=0)

    return lambda: contextlib.nullcontext(Trainer(recipe, new_network(recipe)[0], book).run)
