"""Runs jobs in threads.

There are five lanes: for what a person waits for, for the maps of the open set, for long jobs, for
files, for records (decisions of a person). A lane is an executor of one thread (files: two), so
that jobs which share the processor or the GPU run one after another. Jobs of several lanes share
the cores: maps and long jobs stand still while a person waits for another job
(:class:`~qaconv_core.threads.CoreBudget`). The system prefers all other threads to those of long
jobs, so that the window answers at once (:func:`~qaconv_core.threads.give_way`). Jobs in the lane
of records are done in their order and to the end, also when the program closes. A job's end is
carried to the window's thread by a queued signal. Whatever a job raises, ``RuntimeError`` included,
ends in its state ``failed`` and in :attr:`JobRunner.problem`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal

from PyQt5.QtCore import QObject, Qt, pyqtSignal, pyqtSlot

from app.jobs.job import Afterwards, Job, JobContext, JobState, Work, problem_of
from app.state.values import Problem
from qaconv_core.errors import Cancelled, QAConvError
from qaconv_core.progress import Progress
from qaconv_core.threads import BUDGET, give_way

log = logging.getLogger(__name__)

Lane = Literal["interactive", "maps", "long", "files", "records"]
_THREADS = {"interactive": 1, "maps": 1, "long": 1, "files": 2, "records": 1}
_WAITED_FOR = ("interactive", "files", "records")


class _Mail(QObject):
    """Signals from worker threads to the window's thread."""

    started = pyqtSignal(object)
    progressed = pyqtSignal(object, object)
    reported = pyqtSignal(object, object)
    finished = pyqtSignal(object, object, object)


class JobRunner(QObject):
    """Starts jobs and says how they stand.

    ``added``, ``changed`` and ``removed`` carry a job that is not quiet; ``problem`` every
    failure. ``close`` cancels everything but records and waits.
    """

    added = pyqtSignal(object)
    changed = pyqtSignal(object)
    removed = pyqtSignal(object)
    problem = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lanes = {
            lane: ThreadPoolExecutor(
                count,
                thread_name_prefix=f"qaconv-{lane}",
                initializer=give_way if lane == "long" else None,
            )
            for lane, count in _THREADS.items()
        }
        self.jobs: list[Job] = []
        self._closed = False
        self._held: list[Callable[[], object]] | None = None
        self._mail = _Mail(self)
        self._mail.started.connect(self._on_started, Qt.QueuedConnection)  # type: ignore[call-arg]  # stub: no type of connection
        self._mail.progressed.connect(self._on_progress, Qt.QueuedConnection)  # type: ignore[call-arg]  # stub: no type of connection
        self._mail.reported.connect(self._on_reported, Qt.QueuedConnection)  # type: ignore[call-arg]  # stub: no type of connection
        self._mail.finished.connect(self._on_finished, Qt.QueuedConnection)  # type: ignore[call-arg]  # stub: no type of connection

    def start(
        self,
        title: str,
        work: Work,
        *,
        lane: Lane = "interactive",
        quiet: bool = False,
        loss: str = "",
        done: Callable[[Any], None] | None = None,
        failed: Callable[[Problem], bool | None] | None = None,
        ended: Callable[[], None] | None = None,
        reported: Callable[[Any], None] | None = None,
    ) -> Job:
        """Run ``work`` in a lane. ``done`` gets its result in the window's thread, ``reported``
        what it reports before.

        ``failed`` may return True to say that it has shown the problem itself; otherwise
        :attr:`problem` carries it. ``ended`` comes last, whatever happened. ``loss`` says what is
        lost if the job is stopped, where that is to be asked about.
        """
        afterwards = Afterwards(done, failed, ended, reported)
        job = Job(title, work, quiet=quiet, loss=loss, afterwards=afterwards, parent=self)
        job.kept = lane == "records"
        self.jobs.append(job)
        job.state_changed.connect(lambda _state, job=job: self._emit_change(job))
        if not quiet:
            self.added.emit(job)
        if self._closed:
            self._on_finished(job, None, Cancelled())
            return job
        submit = partial(self._lanes[lane].submit, self._run, job, lane in _WAITED_FOR)
        if self._held is None:
            submit()
        else:
            self._held.append(submit)
        return job

    def hold(self) -> None:
        """Keep jobs that are started waiting until :meth:`release`."""
        self._held = []

    def release(self) -> None:
        """Let the jobs that were held run, in the order in which they were started."""
        held, self._held = self._held, None
        for submit in held or ():
            submit()

    def _run(self, job: Job, waited_for: bool) -> None:
        """In the worker thread."""

        def tell(progress: Progress) -> None:
            self._mail.progressed.emit(job, progress)
            BUDGET.step_aside()

        result, error = None, None
        try:
            job.cancel_token.raise_if_cancelled()
            self._mail.started.emit(job)
            context = JobContext(
                tell,
                job.cancel_token,
                lambda part: self._mail.reported.emit(job, part),
            )
            with BUDGET.job(waited_for):
                result = job.work(context)
        except BaseException as caught:  # also what is no Exception must not vanish in a thread
            error = caught
            lost = self._closed and job.kept and not isinstance(caught, Cancelled)
            if lost:  # no window is left to show it
                log.error("%s", problem_of(caught, job.title).message)
        self._mail.finished.emit(job, result, error)

    @pyqtSlot(object)
    def _on_started(self, job: Job) -> None:
        job.set_state(JobState.RUNNING)

    @pyqtSlot(object, object)
    def _on_progress(self, job: Job, progress: Progress) -> None:
        job.progress = progress
        job.progressed.emit(progress)
        self._emit_change(job)

    @pyqtSlot(object, object)
    def _on_reported(self, job: Job, part: object) -> None:
        if not job.cancel_token.cancelled:
            self._call(job.afterwards.reported, part)

    @pyqtSlot(object, object, object)
    def _on_finished(self, job: Job, result: object, error: BaseException | None) -> None:
        if job in self.jobs:
            self.jobs.remove(job)
        cancelled = job.cancel_token.cancelled
        if error is None and not cancelled:
            job.set_state(JobState.DONE)
            self._call(job.afterwards.done, result)
            job.done.emit(result)
        elif error is None or (cancelled and isinstance(error, QAConvError)):
            # A cancelled job may fail on a file that is not wanted any more: that is no problem.
            # A fault of the program is one.
            job.set_state(JobState.CANCELLED)
        elif isinstance(error, Cancelled):
            job.set_state(JobState.CANCELLED)
        else:
            self._fail(job, error)
        self._call(job.afterwards.ended)
        job.ended.emit()
        if not job.quiet:
            self.removed.emit(job)
        job.deleteLater()

    def _fail(self, job: Job, error: BaseException) -> None:
        job.problem = problem_of(error, job.title)
        log.info("%s: %s", job.title, job.problem.message)
        job.set_state(JobState.FAILED)
        shown = self._call(job.afterwards.failed, job.problem)
        job.failed.emit(job.problem)
        if not shown:
            self.problem.emit(job.problem)

    def _call(self, function: Callable[..., Any] | None, *arguments: Any) -> Any:
        """Call what follows a job; its own fault is a problem like any other."""
        if function is None:
            return None
        try:
            return function(*arguments)
        except Exception as error:
            self.problem.emit(problem_of(error))
            return None

    def _emit_change(self, job: Job) -> None:
        if not job.quiet:
            self.changed.emit(job)

    def cancel_all(self) -> None:
        """Ask every job to stop, records apart."""
        for job in list(self.jobs):
            if not job.kept:
                job.cancel()

    @property
    def busy(self) -> bool:
        """Whether any job is queued or running."""
        return bool(self.jobs)

    def close(self) -> None:
        """Cancel everything but records and wait until the threads have come to an end."""
        self._closed = True
        self.cancel_all()
        self.release()
        for lane, executor in self._lanes.items():
            executor.shutdown(wait=True, cancel_futures=lane != "records")
