"""Jobs by kind: a new one takes the place of the one of its kind that may still be under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5 import sip
from PyQt5.QtCore import QObject

from app.jobs.job import Job, Work
from app.jobs.runner import JobRunner, Lane
from app.state.values import Problem


class _Slot:
    """The place of one job. ``stopped``: its results are not wanted any more."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.stopped = False


class JobSlots:
    """The jobs under way of one ``owner``, at most one of each kind.

    Once the owner has been deleted, results of its jobs are dropped.
    """

    def __init__(self, runner: JobRunner, owner: QObject | None = None) -> None:
        self.runner, self._owner = runner, owner
        self._slots: dict[str, _Slot] = {}

    def replace(
        self,
        name: str,
        title: str,
        work: Work,
        done: Callable[[Any], None] | None = None,
        *,
        failed: Callable[[Problem], bool | None] | None = None,
        ended: Callable[[], None] | None = None,
        reported: Callable[[Any], None] | None = None,
        lane: Lane = "interactive",
        quiet: bool = False,
        loss: str = "",
    ) -> Job:
        """Start a job of a kind, as :meth:`~app.jobs.runner.JobRunner.start` does; stop the one
        before."""
        self.stop(name)
        slot = self._slots[name] = _Slot()

        def release() -> None:
            if self._slots.get(name) is slot:
                del self._slots[name]

        def last(function: Callable[..., Any] | None) -> Callable[..., Any]:
            """What is called once the job is not under way any more."""

            def call(*arguments: Any) -> Any:
                release()
                return None if function is None or slot.stopped else function(*arguments)

            return self.alive(call)

        def report(part: Any) -> None:
            if reported is not None and not slot.stopped:
                reported(part)

        slot.job = self.runner.start(
            title,
            work,
            lane=lane,
            quiet=quiet,
            loss=loss,
            done=last(done),
            failed=last(failed),
            ended=last(ended),
            reported=self.alive(report),
        )
        return slot.job

    def stop(self, *names: str) -> None:
        """Cancel jobs and forget them: none of their callbacks is called any more."""
        for name in names:
            slot = self._slots.pop(name, None)
            if slot is not None:
                slot.stopped = True
                if slot.job is not None:
                    slot.job.cancel()

    def stop_all(self) -> None:
        """:meth:`stop` every job."""
        self.stop(*self._slots)

    def cancel(self, name: str) -> None:
        """Ask a job to stop; ``ended`` is still called."""
        slot = self._slots.get(name)
        if slot is not None and slot.job is not None:
            slot.job.cancel()

    def has(self, name: str) -> bool:
        """Whether a job of a kind is under way."""
        return name in self._slots

    def titles(self, *names: str) -> list[str]:
        """The titles of those jobs that are under way and that a person sees."""
        jobs = [slot.job for name in names if (slot := self._slots.get(name)) is not None]
        return [job.title for job in jobs if job is not None and not job.quiet]

    def alive(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which does nothing once the owner has been deleted."""

        def call(*arguments: Any) -> Any:
            gone = self._owner is not None and sip.isdeleted(self._owner)
            return None if gone else function(*arguments)

        return call


def tell_stopped(slots: JobSlots, *names: str) -> None:
    """Say which jobs end because another data set or model was opened."""
    titles = slots.titles(*names)
    if titles:
        slots.runner.problem.emit(
            Problem(f"{', '.join(titles)}: stopped, for another data set or model was opened")
        )
