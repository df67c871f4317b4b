"""Threads: how they wait, how many there may be, and a few of them that share a list of jobs.

Nothing here imports torch: :func:`spin_briefly` has to come before it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
Own = TypeVar("Own")

SPIN = {"GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "1"}
"""How long a thread of OpenMP looks for work before it sleeps: rounds of libgomp (it takes
300,000 or more of itself), milliseconds of LLVM's and Intel's library (200 of themselves)."""
WAITING = (*SPIN, "OMP_WAIT_POLICY")
PATIENCE = 0.5
"""Seconds that a job in the background stands still at most before it goes on for :data:`TURN`."""
TURN = 0.1
"""Seconds that it goes on then, whatever anybody waits for."""
GRACE = 0.05
"""Seconds that it goes on standing still after a job somebody waited for: the window draws then."""
COURTESY = 5
"""Niceness added to a thread that gives way: beside another one it gets a quarter of a core."""


def spin_briefly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let OpenMP's threads sleep soon after they have nothing to do; to be called before torch.

    Threads that spin hold a core. Where other programs want it too, the thread that they wait for
    does not run, and features come to a standstill. Nothing is changed where one of
    :data:`WAITING` is set already. Processes started later inherit the setting.
    """
    if not any(name in environment for name in WAITING):
        environment.update(SPIN)


def usable_cores() -> int:
    """Cores this process may run on (not all that the machine has), at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def thread_limit() -> int:
    """The usable cores, or fewer where ``OMP_NUM_THREADS`` says so."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(usable_cores(), int(asked)) if asked.isdecimal() and int(asked) else usable_cores()


def give_way() -> None:
    """Let the system prefer other threads to the calling one and those that it begins, for good.

    Nothing happens outside of Linux, the only system that gives each thread a niceness of its own.
    Threads of other programs are preferred, too.
    """
    if sys.platform.startswith("linux"):
        own = threading.get_native_id()
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + COURTESY)


def for_each_thread(make: Callable[[], Own]) -> Callable[[], Own]:
    """A function that returns what ``make`` made for the calling thread, at its first call."""
    own = threading.local()

    def get() -> Own:
        if not hasattr(own, "made"):
            own.made = make()
        made: Own = own.made
        return made

    return get


class CoreBudget:
    """Shares the cores among jobs that run side by side in this process.

    A job somebody waits for comes first: while there is one, jobs in the background stand still
    between two steps (:meth:`step_aside`, in each of their threads), and for :data:`GRACE` seconds
    after it. Every :data:`PATIENCE` seconds they go on for :data:`TURN` seconds, so that nobody
    waits for ever for what they hold. Jobs of one kind share the cores equally. ``cores`` says how
    many there are.
    """

    def __init__(self, cores: Callable[[], int] = thread_limit) -> None:
        self._cores = cores
        self._running = {True: 0, False: 0}
        self._drawn = 0.0
        self._changed = threading.Condition()
        self._own = threading.local()

    @contextlib.contextmanager
    def job(self, waited_for: bool) -> Iterator[None]:
        """The calling thread does a job until the end of the block."""
        self._count(waited_for, 1)
        self._own.waited_for = waited_for
        try:
            yield
        finally:
            del self._own.waited_for
            self._count(waited_for, -1)

    def helper(self) -> Callable[[], None]:
        """A function that makes another thread one of the calling thread's job, to be called
        there before its work; that thread may do nothing else afterwards."""
        waited_for = getattr(self._own, "waited_for", None)

        def begin() -> None:
            if waited_for is not None:
                self._own.waited_for = waited_for

        return begin

    def _count(self, waited_for: bool, change: int) -> None:
        with self._changed:
            self._running[waited_for] += change
            if waited_for and change < 0:
                self._drawn = time.monotonic() + GRACE
            self._changed.notify_all()

    @property
    def in_background(self) -> bool:
        """Whether the calling thread does a job that nobody waits for."""
        return not getattr(self._own, "waited_for", True)

    def share(self) -> int | None:
        """Threads that the calling thread's job may use now; None where it does none."""
        waited_for = getattr(self._own, "waited_for", None)
        if waited_for is None:
            return None
        with self._changed:
            if not waited_for and self._running[True]:
                return 1
            return max(1, self._cores() // self._running[waited_for])

    def step_aside(self) -> None:
        """In the background: stand still while a job runs that somebody waits for.

        Costs next to nothing where there is none, so that it may be called every few milliseconds.
        """
        if not (self._claimed and self.in_background):
            return
        if time.monotonic() < getattr(self._own, "turn_ends", 0.0):
            return
        with self._changed:
            until = time.monotonic() + PATIENCE
            while self._claimed:
                left = until - time.monotonic()
                if left <= 0:
                    self._own.turn_ends = time.monotonic() + TURN
                    return
                self._changed.wait(left if self._running[True] else min(left, GRACE))

    @property
    def _claimed(self) -> bool:
        """Whether a job runs that somebody waits for, or has just ended."""
        return bool(self._running[True]) or time.monotonic() < self._drawn


BUDGET = CoreBudget()
"""The budget of this process."""


def in_threads(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: int,
    begin: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Results of ``work`` on each job as they come; what is not begun is dropped on an error.

    At most 2 × ``workers`` jobs are begun and not taken, so that no more results are in memory;
    a job in the background begins no more than its share of the cores, and stands still before
    each one while somebody waits for another. ``begin`` runs once in each thread. With one worker
    or one job, and without ``begin``, the caller's own thread does everything.
    """

    def one(job: Job) -> Result:
        BUDGET.step_aside()
        return work(job)

    if begin is None and (workers <= 1 or len(jobs) <= 1):
        yield from map(one, jobs)
        return
    workers = max(1, min(workers, len(jobs)))
    left = iter(jobs)
    running: set[Future[Result]] = set()
    join = BUDGET.helper()

    def first() -> None:
        join()
        if begin is not None:
            begin()

    with ThreadPoolExecutor(workers, initializer=first) as pool:
        try:
            while True:
                room = _most_begun(workers) - len(running)
                running.update(pool.submit(one, job) for job in islice(left, max(0, room)))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                while done:
                    yield done.pop().result()
        finally:
            for future in running:
                future.cancel()


def _most_begun(workers: int) -> int:
    """How many jobs may be begun and not taken."""
    if BUDGET.in_background:
        return min(workers, BUDGET.share() or workers)
    return 2 * workers
