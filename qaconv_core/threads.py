"""A few threads that share a list of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: int,
    begin: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Results of ``work`` on each job as they come; what is not begun is dropped on an error.

    ``begin`` runs once in each thread. With one worker or one job, and without ``begin``, the
    caller's own thread does everything.
    """
    if begin is None and (workers <= 1 or len(jobs) <= 1):
        yield from map(work, jobs)
        return
    with ThreadPoolExecutor(max(1, min(workers, len(jobs))), initializer=begin) as pool:
        futures = [pool.submit(work, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
