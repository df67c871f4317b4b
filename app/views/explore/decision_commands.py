"""Commands that decide about candidates: confirm, reject, unsure, note, withdraw, undo."""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QWidget

from app.jobs.controller import Controller
from app.jobs.decision_jobs import DecisionJobs, Pair, chosen_pairs, shown_pair
from app.views import dialogs
from app.views.widgets.actions import Handler, Handlers

VERDICTS = ("confirm", "reject", "unsure")


class DecisionCommands(QObject):
    """The commands of decisions. ``reported``: a sentence for the bottom line.

    The decisions about the shown query stand in ``workspace.decided``, by gallery index.
    """

    reported = pyqtSignal(str)

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self.controller, self.workspace, self._window = controller, controller.workspace, window
        self.jobs = DecisionJobs(controller.workspace, controller.runner, self.reported.emit, self)

    def handlers(self) -> Handlers:
        """The commands."""
        space = self.workspace

        def kept() -> bool:
            return self.jobs.log is not None

        def can_decide() -> bool:
            return space.selection.candidate is not None and kept()

        return {
            **{
                f"candidate.{verdict}": Handler(partial(self.decide, verdict), can_decide)
                for verdict in VERDICTS
            },
            "candidate.note": Handler(self.ask_note, can_decide),
            "candidate.withdraw": Handler(
                self.withdraw,
                enabled=lambda: space.selection.candidate in space.decided,
                reason=lambda: "Nothing was decided about this candidate",
            ),
            "edit.undo": Handler(self.jobs.undo, kept),
        }

    def pair(self) -> Pair | None:
        return shown_pair(self.workspace)

    def decide(self, verdict: str | None, note: str | None = None) -> None:
        """Decide about all chosen candidates; a note (or verdict) that was there stays."""
        self.jobs.decide(chosen_pairs(self.workspace), verdict, note)

    def withdraw(self) -> None:
        """Take the decision about the chosen candidate away, with its note; can be undone."""
        pair = self.pair()
        if pair is not None:
            self.jobs.withdraw(pair)

    def ask_note(self) -> dialogs.NoteDialog | None:
        """Ask for a note; without a decision yet, the candidate becomes unsure."""
        pair = self.pair()
        if pair is None:
            return None
        before = self.workspace.decided.get(pair.candidate)
        dialog = dialogs.NoteDialog("" if before is None else before.note, self._window)
        dialog.wanted.connect(lambda text: self.jobs.decide((pair,), None, text))
        dialog.open()
        return dialog
