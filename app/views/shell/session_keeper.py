"""Writes the session soon after what is shown changes, so that a crash or a kill loses little."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject

from app.jobs.runner import JobRunner
from app.jobs.timers import pause_timer
from app.state.session import Session, save_session
from app.state.workspace import Workspace

PAUSE_MS = 1000
"""From a change to its writing; changes within it are written together."""


class SessionKeeper(QObject):
    """Writes ``session()`` into ``folder`` in the background after changes of ``workspace``."""

    def __init__(
        self,
        workspace: Workspace,
        runner: JobRunner,
        folder: Path,
        session: Callable[[], Session],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._runner, self._folder, self._session = runner, folder, session
        self._written: Session | None = None
        self._timer = pause_timer(self, PAUSE_MS, self._write_change)
        for event in (
            workspace.data_changed,
            workspace.model_changed,
            workspace.selection_changed,
            workspace.method_changed,
            workspace.look_changed,
            workspace.filters_changed,
        ):
            event.connect(self._write_later)

    def stop(self) -> None:
        """Write no change any more."""
        self._timer.stop()

    def finish(self) -> None:
        """Write the session as it is now, after those that still wait to be written."""
        self.stop()
        self._write(self._session())

    def _write_later(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _write_change(self) -> None:
        session = self._session()
        if session.data is not None:  # before, what was left last time is still to come back
            self._write(session)

    def _write(self, session: Session) -> None:
        if session == self._written:
            return
        self._written = session
        self._runner.start(
            "Keeping the session",
            lambda _context: save_session(self._folder, session),
            lane="records",
            quiet=True,
        )
