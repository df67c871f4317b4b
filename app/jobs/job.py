"""One piece of work in the background: its states, its progress, its end.

A job is a function ``work(context)`` that runs in a worker thread, and what is to happen
afterwards in the window's thread. Work reports on itself and looks whether it should stop through
the :class:`JobContext`, whose two attributes are what the engine's functions take.
"""

from __future__ import annotations

import enum
import itertools
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from app.state.values import Problem
from qaconv_core.errors import QAConvError, TrainingSizeError
from qaconv_core.progress import CancelToken, Progress, ProgressCallback, WorkContext

KEPT = "What is done is kept."
LOST = "Feature maps are kept, what was measured with them is not."
"""What becomes of the work of a job that is stopped."""
_serials = itertools.count(1)


class JobState(enum.Enum):
    """Where a job stands. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class JobContext(WorkContext):
    """What work gets: the engine's context, and who gets a first part of its result."""

    progress: ProgressCallback
    cancel: CancelToken
    tell: Callable[[Any], None] = lambda _part: None


Work = Callable[[JobContext], Any]


@dataclass(frozen=True)
class Afterwards:
    """What follows a job, in the window's thread.

    ``reported`` gets what work reports while it runs, ``done`` the result. ``failed`` gets the
    :class:`~app.state.values.Problem` and returns True where it has shown it itself. ``ended``
    comes last, whatever happened.
    """

    done: Callable[[Any], None] | None = None
    failed: Callable[[Problem], bool | None] | None = None
    ended: Callable[[], None] | None = None
    reported: Callable[[Any], None] | None = None


class Job(QObject):
    """A piece of work and its state. Signals are emitted in the window's thread.

    ``title`` are words for people. ``quiet`` jobs are not listed (they answer within a moment),
    their failures are. ``kept`` ones are done also when the program closes. ``loss`` says what
    becomes of a job's work if it is stopped; it is empty where nothing is lost.
    """

    state_changed = pyqtSignal(object)
    progressed = pyqtSignal(object)
    done = pyqtSignal(object)
    failed = pyqtSignal(object)
    ended = pyqtSignal()

    def __init__(
        self,
        title: str,
        work: Work,
        *,
        quiet: bool = False,
        loss: str = "",
        afterwards: Afterwards | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.title, self.work, self.quiet, self.kept = title, work, quiet, False
        self.loss = loss
        self.afterwards = afterwards or Afterwards()
        self.serial = next(_serials)
        self.state = JobState.QUEUED
        self.progress: Progress | None = None
        self.problem: Problem | None = None
        self.cancel_token = CancelToken()

    def cancel(self) -> None:
        """Ask the job to stop; it does so between two batches."""
        if not self.state.final:
            self.cancel_token.cancel()
            self.set_state(JobState.CANCELLING)

    def set_state(self, state: JobState) -> None:
        """For the runner: the job has come to ``state``."""
        if self.state.final or state == self.state:
            return
        if self.state is JobState.CANCELLING and not state.final:
            return
        self.state = state
        self.state_changed.emit(state)


def problem_of(error: BaseException, what: str = "") -> Problem:
    """An error in words. Errors of the engine are sentences already; others are faults of ours."""
    details = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    serial = next(_serials)
    if isinstance(error, QAConvError):
        mismatch = error.mismatch if isinstance(error, TrainingSizeError) else ""
        return Problem(str(error), details, what, mismatch, serial)
    if isinstance(error, MemoryError):
        text = "there is not enough memory; close something, or choose a smaller set"
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = f"a fault of the program ({type(error).__name__}: {error}); please report it"
    return Problem(text, details, what, serial=serial)
