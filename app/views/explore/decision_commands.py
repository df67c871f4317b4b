"""Decisions about candidates: confirm, reject, unsure, with a note; undone."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QInputDialog, QWidget

from app.jobs.controller import Controller
from app.jobs.decision_jobs import DecisionJobs, Pair
from app.views.widgets.actions import Actions

VERDICTS = ("confirm", "reject", "unsure")
COMMANDS = tuple(f"candidate.{verdict}" for verdict in VERDICTS)


class DecisionCommands(QObject):
    """Answers the commands of decisions; ``told`` carries news.

    The decisions about the shown query stand in ``workspace.decided``, by gallery index.
    """

    told = pyqtSignal(str)

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self.controller, self.workspace, self._window = controller, controller.workspace, window
        self.desk = DecisionJobs(controller.workspace, controller.runner, self.told.emit)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """The commands."""
        return {
            **{f"candidate.{name}": lambda name=name: self.decide(name) for name in VERDICTS},
            "candidate.note": self.ask_note,
            "candidate.withdraw": self.withdraw,
            "edit.undo": self.desk.undo,
        }

    def refresh_actions(self, actions: Actions) -> None:
        """Decisions need a candidate."""
        space, book = self.workspace, self.desk.log
        for name in (*COMMANDS, "candidate.note"):
            actions.enable(name, space.selection.candidate is not None and book is not None)
        decided = space.selection.candidate in space.decided
        actions.enable("candidate.withdraw", decided, "Nothing was decided about this candidate")
        actions.enable("edit.undo", book is not None)

    def pair(self) -> Pair | None:
        """The chosen candidate under the query, with its rank and, where known, its logit."""
        space = self.workspace
        query, candidate = space.selection.query, space.selection.candidate
        if query is None or candidate is None:
            return None
        ranking, shown = space.ranking, space.pair
        known = ranking is not None and query in ranking.queries and ranking.whole
        rank = ranking.rank_of(candidate) if known and ranking is not None else 0
        fits = shown is not None and (shown.query, shown.candidate) == (query, candidate)
        logit = shown.match.logit if fits and shown is not None else None
        return Pair(query, candidate, logit, rank or None)

    def decide(self, verdict: str | None, note: str | None = None) -> None:
        """Decide about the chosen candidate; a note (or verdict) that was there stays."""
        pair = self.pair()
        if pair is not None:
            self.desk.decide(pair, verdict, note)

    def withdraw(self) -> None:
        """Take the decision about the chosen candidate away, with its note; can be undone."""
        pair = self.pair()
        if pair is not None:
            self.desk.withdraw(pair)

    def ask_note(self) -> QInputDialog | None:
        """Ask for a note; without a decision yet, the candidate becomes unsure."""
        pair = self.pair()
        if pair is None:
            return None
        before = self.workspace.decided.get(pair.candidate)
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Note")
        dialog.setLabelText("Note on this candidate:")
        dialog.setTextValue("" if before is None else before.note)
        dialog.textValueSelected.connect(
            lambda text: self.desk.decide(pair, None, text.strip())
        )  # fmt: skip
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog
