"""Timing: alternatives run in turn, so that a busy moment of the machine affects all of them."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any

from qaconv_core.device import process_memory
from qaconv_core.processes import end_workers, fresh_pool, submit
from qaconv_core.progress import CancelToken, raise_if_cancelled

Work = Callable[[], Any]

_STOP: ContextVar[CancelToken | None] = ContextVar("stop", default=None)


@contextlib.contextmanager
def stoppable(cancel: CancelToken | None) -> Iterator[None]:
    """Within this context measuring stops between two runs once ``cancel`` is set."""
    token = _STOP.set(cancel)
    try:
        yield
    finally:
        _STOP.reset(token)


def stop_if_asked() -> None:
    """Raise :class:`~qaconv_core.errors.Cancelled` when the measuring around it is to end."""
    raise_if_cancelled(_STOP.get())


@dataclass(frozen=True)
class Timing:
    """Seconds of each run of one thing."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: median, least, most, and every run."""
        ends = {"least": min(self.seconds), "most": max(self.seconds)}
        return {"median": self.median, **ends, "runs": list(self.seconds)}


@dataclass(frozen=True)
class Figure:
    """One measured thing beside its baselines.

    ``flop`` is the arithmetic of one run (0: not a matter of arithmetic), ``peak`` the name of the
    machine's peak to compare with, ``traffic`` bytes that one run has to read and write at the
    least (0: not a matter of memory), ``extra_bytes`` additional memory during the run
    (None where the system does not report it), ``baseline_bytes`` the same of baselines, ``facts``
    whatever else belongs to the number.
    """

    name: str
    sizes: dict[str, Any]
    timing: Timing
    baselines: dict[str, Timing] = field(default_factory=dict)
    flop: float = 0.0
    peak: str = ""
    traffic: float = 0.0
    extra_bytes: int | None = None
    baseline_bytes: dict[str, int | None] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def ratio(self, baseline: str) -> float:
        """How many times faster than ``baseline``, by the medians."""
        return self.baselines[baseline].median / self.timing.median

    def to_dict(self, peaks: Mapping[str, float]) -> dict[str, Any]:
        """For JSON, with the ratios and the share of the machine's peak."""
        found = asdict(self) | {"timing": self.timing.to_dict()}
        found["baselines"] = {
            name: timing.to_dict() | {"ratio": self.ratio(name)}
            for name, timing in self.baselines.items()
        }
        if self.flop:
            found["gflops"] = self.flop / self.timing.median / 1e9
            if peaks.get(self.peak):
                found["share_of_peak"] = found["gflops"] / peaks[self.peak]
        if self.traffic:
            found["gbytes"] = self.traffic / self.timing.median / 1e9
            if peaks.get("memory"):
                found["share_of_memory"] = found["gbytes"] / peaks["memory"]
        return found


def take_turns(
    works: Mapping[str, Work], repeats: int, *, warm_up: bool = True
) -> dict[str, Timing]:
    """Run each of ``works`` once to warm up, then all of them in turn ``repeats`` times.

    Each round begins with the next of them: what a work leaves behind (caches, freed memory) hits
    another one each time.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values() if warm_up else ():
        stop_if_asked()
        work()
    names = list(works)
    for number in range(repeats):
        first = number % max(1, len(names))
        for name in names[first:] + names[:first]:
            stop_if_asked()
            begun = time.perf_counter()
            works[name]()
            seconds[name].append(time.perf_counter() - begun)
    return {name: Timing(tuple(found)) for name, found in seconds.items()}


@dataclass(frozen=True)
class Single:
    """One run: seconds, memory as of :func:`extra_memory`, and what came out."""

    seconds: float
    extra_bytes: int | None
    result: Any


def once(work: Work) -> Single:
    """Run ``work``, too long to be repeated, without a warm-up."""
    found: list[Any] = []
    stop_if_asked()

    def timed() -> None:
        begun = time.perf_counter()
        found.append(work())
        found.append(time.perf_counter() - begun)

    taken = extra_memory(timed)
    return Single(found[1], taken, found[0])


def extra_memory(work: Work) -> int | None:
    """The most memory of its own, in bytes, that this process adds while ``work`` runs.

    Files mapped into memory do not count: the system takes their pages back at will. None where
    the system does not report it.
    """
    before = process_memory("RssAnon")
    if before is None:
        work()
        return None
    most, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            most.append(process_memory("RssAnon") or 0)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return max(most) - before


def in_child(work: Callable[..., Any], *arguments: Any) -> Any:
    """What ``work`` returns in a process of its own, which has no memory left over from before."""
    stop_if_asked()
    with fresh_pool(1) as pool:
        try:
            return submit(pool, work, *arguments).result()
        except KeyboardInterrupt:  # the pool would wait for it
            end_workers()
            raise
