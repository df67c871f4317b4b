"""Progress reports of long work, and how it is stopped.

A job calls :meth:`Tracker.advance` after every batch. The tracker passes a :class:`Progress` value
to a callback (a terminal bar, a window) and raises :class:`~qaconv_core.errors.Cancelled` when the
:class:`CancelToken` is set. Jobs therefore stop between batches; what was computed is kept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from qaconv_core.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """The state of a job at one moment.

    ``rate`` is in units per second, ``eta`` and ``elapsed`` in seconds; ``total``, ``rate`` and
    ``eta`` are None while unknown. ``whole`` is the share of a job of several stages that is done,
    in [0, 1], and ``eta`` is then that of the whole job; None: the job has this stage alone.
    """

    stage: str
    done: int
    total: int | None
    unit: str = "images"
    rate: float | None = None
    eta: float | None = None
    elapsed: float = 0.0
    message: str = ""
    whole: float | None = None

    @property
    def fraction(self) -> float | None:
        """Share of the work that is done, in [0, 1]; None while the total is unknown."""
        if self.whole is not None:
            return self.whole
        if self.total is None:
            return None
        return 1.0 if self.total == 0 else min(1.0, self.done / self.total)


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class CancelToken:
    """A flag that one thread sets and another one checks between pieces of its work."""

    _event: threading.Event = field(default_factory=threading.Event, repr=False)

    def cancel(self) -> None:
        """Ask the job to stop; it does so after the piece in hand."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise :class:`Cancelled` when somebody asked the job to stop."""
        if self._event.is_set():
            raise Cancelled


def raise_if_cancelled(cancel: CancelToken | None) -> None:
    """Raise :class:`Cancelled` when somebody asked to stop by ``cancel``; None: nobody can."""
    if cancel is not None:
        cancel.raise_if_cancelled()


@dataclass(frozen=True)
class WorkContext:
    """Who gets the progress of some work, and what can stop it; both may be missing."""

    progress: ProgressCallback | None = None
    cancel: CancelToken | None = None

    def tracker(self, stage: str, total: int | None, unit: str = "images") -> Tracker:
        """A tracker of one stage that reports here and stops when asked to."""
        return Tracker(stage, total, unit, self.progress, self.cancel)

    def raise_if_cancelled(self) -> None:
        """Raise :class:`Cancelled` when somebody asked to stop."""
        raise_if_cancelled(self.cancel)


NO_CONTEXT = WorkContext()
"""Reports to nobody and is never stopped."""


class Tracker:
    """Counts finished work, measures its rate and reports both.

    The rate is taken over the work of this run only. Work that came out of a cache (``start``)
    counts as done, but says nothing about how long the rest takes.
    """

    def __init__(
        self,
        stage: str,
        total: int | None,
        unit: str = "images",
        callback: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
        start: int = 0,
    ) -> None:
        self.stage, self.total, self.unit = stage, total, unit
        self.done = self._start = start
        self._callback, self._cancel = callback, cancel
        self._began = time.monotonic()
        self.report()

    def advance(self, amount: int = 1, message: str = "") -> None:
        """Count ``amount`` more finished units, report them, stop when asked to."""
        self.done += amount
        self.report(message)
        raise_if_cancelled(self._cancel)

    def report(self, message: str = "") -> None:
        """Report the state of the job."""
        if self._callback is not None:
            self._callback(self.snapshot(message))

    def snapshot(self, message: str = "") -> Progress:
        """The state of the job now."""
        elapsed = time.monotonic() - self._began
        worked = self.done - self._start
        rate = worked / elapsed if worked > 0 and elapsed > 0 else None
        eta = None
        if rate and self.total is not None:
            eta = max(0, self.total - self.done) / rate
        return Progress(self.stage, self.done, self.total, self.unit, rate, eta, elapsed, message)


@dataclass(frozen=True)
class Phase:
    """One step of a job: its stage (any of ``stages``), and the seconds that it is expected to
    take, which may be those of another machine."""

    seconds: float
    stages: tuple[str, ...]


class PhasedProgress:
    """Passes on the progress of a job's phases as that of the whole job.

    ``phases`` come in their order; one that is left out counts as done. The share that is done
    never falls: a stage that is not in the plan, or that comes back, leaves it as it is. The time
    left follows from the pace of this run against what was expected.
    """

    def __init__(
        self,
        phases: Sequence[Phase],
        report: ProgressCallback,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._phases, self._report, self._clock = tuple(phases), report, clock
        self._total = sum(phase.seconds for phase in self._phases)
        self._began = clock()
        self._at = 0
        self._share = 0.0

    def __call__(self, progress: Progress) -> None:
        """Report ``progress`` of one stage."""
        left = self._phases[self._at :]
        ahead = (i for i, phase in enumerate(left) if progress.stage in phase.stages)
        place = next(ahead, None)
        if place is not None:
            self._at += place
            here = self._phases[self._at].seconds * (progress.fraction or 0.0)
            done = sum(phase.seconds for phase in self._phases[: self._at]) + here
            self._share = max(self._share, done / self._total if self._total else 0.0)
        self._report(replace(progress, whole=self._share, eta=self._left(progress, place)))

    def _left(self, progress: Progress, place: int | None) -> float | None:
        """Seconds until the whole job is done; None while nothing is known of its pace."""
        elapsed = self._clock() - self._began
        by_pace = elapsed * (1 - self._share) / self._share if self._share else None
        if place is None or progress.eta is None:
            return by_pace
        later = sum(phase.seconds for phase in self._phases[self._at + 1 :])
        done = self._share * self._total
        return progress.eta + later * (elapsed / done if done else 1.0)
