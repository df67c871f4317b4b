"""Errors that nobody caught: shown as problems, never the end of the program, never swallowed.

PyQt aborts the process when a slot raises, unless ``sys.excepthook`` is another than Python's own.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from PyQt5.QtCore import QCoreApplication, QObject, Qt, pyqtSignal, pyqtSlot

from app.jobs.job import problem_of
from app.state.values import Problem
from qaconv_core.errors import Cancelled

log = logging.getLogger(__name__)

Show = Callable[[Problem], None]


class ErrorHooks(QObject):
    """Takes over Python's three hooks for errors until :meth:`remove`.

    Errors may arise in any thread; they are shown in the window's.
    """

    _caught = pyqtSignal(object)

    def __init__(self, show: Show, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._show = show
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        self._caught.connect(self._tell, Qt.QueuedConnection)  # type: ignore[call-arg]  # stub: no type of connection
        sys.excepthook = self._on_error
        threading.excepthook = self._on_thread_error
        sys.unraisablehook = self._on_unraisable

    def remove(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before

    def _on_error(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, (KeyboardInterrupt, SystemExit)):
            QCoreApplication.quit()
            return
        self._catch(error)

    def _on_thread_error(self, told: Any) -> None:
        if told.exc_value is not None and not issubclass(told.exc_type, SystemExit):
            name = "" if told.thread is None else told.thread.name
            self._catch(told.exc_value, name)

    def _on_unraisable(self, told: Any) -> None:
        if told.exc_value is not None:
            self._catch(told.exc_value, told.err_msg or "")

    def _catch(self, error: BaseException, what: str = "") -> None:
        if isinstance(error, Cancelled):
            return
        problem = problem_of(error, what)
        # On the terminal as well: should the window itself be what is broken, it is not lost.
        print(problem.details, file=sys.stderr)
        try:
            self._caught.emit(problem)
        except RuntimeError:  # the window is gone already
            log.info("%s", problem.message)

    @pyqtSlot(object)
    def _tell(self, problem: Problem) -> None:
        try:
            self._show(problem)
        except Exception:
            # Whoever shows errors has one: telling it the same way would never end.
            log.exception("a problem cannot be shown: %s", problem.message)


def install_excepthook(show: Show, parent: QObject | None = None) -> ErrorHooks:
    """Show what nobody caught as a problem; :meth:`ErrorHooks.remove` ends it."""
    return ErrorHooks(show, parent)
