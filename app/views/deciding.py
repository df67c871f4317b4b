"""Decisions about candidates: confirm, reject, unsure, with a note; undone; handed over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QFileDialog, QInputDialog, QWidget

from app.jobs.controller import Controller
from app.jobs.reports import decided_report
from app.state.values import OpenSet, Problem
from app.views.actions import Actions
from qaconv_core.errors import QAConvError
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.decisions import Decision, DecisionBook, decisions_csv

VERDICTS = {"confirm": "Confirmed", "reject": "Rejected", "unsure": "Unsure"}
COMMANDS = tuple(f"candidate.{verdict}" for verdict in VERDICTS)


class Deciding(QObject):
    """Answers the commands of decisions; ``told`` carries news, ``failed`` a problem.

    The decisions about the shown query stand in ``workspace.decided``, by gallery index.
    """

    told = pyqtSignal(str)
    failed = pyqtSignal(object)

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self.controller, self.workspace, self._window = controller, controller.workspace, window
        self.book: DecisionBook | None = None
        self._data: OpenSet | None = None
        self.workspace.data_changed.connect(self._open)
        self.workspace.selection_changed.connect(self._follow)
        self._query: int | None = None
        self._open()

    def handlers(self) -> dict[str, Callable[[], object]]:
        """The commands."""
        return {
            **{f"candidate.{name}": lambda name=name: self.decide(name) for name in VERDICTS},
            "candidate.note": self.ask_note,
            "candidate.withdraw": self.withdraw,
            "edit.undo": self.undo,
            "file.save_report": self.ask_report,
            "file.save_decisions": self.ask_csv,
        }

    def refresh_actions(self, actions: Actions) -> None:
        """Decisions need a candidate."""
        chosen = self.workspace.selection.candidate is not None
        for name in (*COMMANDS, "candidate.note"):
            actions.enable(name, chosen and self.book is not None)
        decided = self.workspace.selection.candidate in self.workspace.decided
        actions.enable("candidate.withdraw", decided, "Nothing was decided about this candidate")
        actions.enable("edit.undo", self.book is not None)
        actions.enable("file.save_report", chosen and self.controller.matching is not None)
        actions.enable("file.save_decisions", self.book is not None)

    # ── following the workspace ─────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        data = self.workspace.data
        if data is not None and (
            self.book is None or self._data is None or data.root != self._data.root
        ):
            self.book = DecisionBook(data.name, data.root)
        if data is None:
            self.book = None
        self._data, self._query = data, None
        self._follow()

    def _follow(self) -> None:
        if self.workspace.selection.query != self._query:
            self._query = self.workspace.selection.query
            self._guarded(self._read)

    def _read(self) -> None:
        """What was decided about the candidates of the query shown."""
        data, book, query = self.workspace.data, self.book, self._query
        if data is None or book is None or query is None:
            self.workspace.set_decided({})
            return
        own = book.name_of(data.query[query].path)
        wanted = {d.gallery: d for d in book.all() if d.query == own}
        names = {Path(name).name for name in wanted}
        found: dict[int, Decision] = {}
        for index, ref in enumerate(data.gallery) if wanted else ():
            if ref.path.name in names and (name := book.name_of(ref.path)) in wanted:
                found[index] = wanted[name]
        self.workspace.set_decided(found)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except QAConvError as error:
            self.failed.emit(Problem(str(error)))

    # ── deciding ────────────────────────────────────────────────────────────────────────────────

    def decide(self, verdict: str, note: str | None = None) -> None:
        """Decide about the chosen candidate; a note that was there stays."""
        space, book = self.workspace, self.book
        data, query, candidate = space.data, space.selection.query, space.selection.candidate
        if data is None or book is None or query is None or candidate is None:
            return
        before, ranking = space.decided.get(candidate), space.ranking
        kept = note if note is not None else "" if before is None else before.note
        known = ranking is not None and query in ranking.queries and ranking.whole
        rank = ranking.rank_of(candidate) if known and ranking is not None else 0
        pair = space.pair
        fits = pair is not None and (pair.query, pair.candidate) == (query, candidate)
        logit = pair.match.logit if fits and pair is not None else None

        def keep() -> None:
            book.decide(
                data.query[query].path, data.gallery[candidate].path, verdict, kept,
                logit=logit, rank=rank or None,
            )  # fmt: skip
            self._read()
            self.told.emit(f"{VERDICTS[verdict]}: {data.gallery[candidate].path.name}")

        self._guarded(keep)

    def withdraw(self) -> None:
        """Take the decision about the chosen candidate away, with its note; can be undone."""
        space, book = self.workspace, self.book
        data, query, candidate = space.data, space.selection.query, space.selection.candidate
        if data is None or book is None or query is None or candidate is None:
            return

        def take_away() -> None:
            book.clear(data.query[query].path, data.gallery[candidate].path)
            self._read()
            self.told.emit(f"Not decided: {data.gallery[candidate].path.name}")

        self._guarded(take_away)

    def ask_note(self) -> QInputDialog | None:
        """Ask for a note; without a decision yet, the candidate becomes unsure."""
        candidate = self.workspace.selection.candidate
        if candidate is None:
            return None
        before = self.workspace.decided.get(candidate)
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Note")
        dialog.setLabelText("Note on this candidate:")
        dialog.setTextValue("" if before is None else before.note)
        verdict = "unsure" if before is None else before.verdict
        dialog.textValueSelected.connect(lambda text: self.decide(verdict, text.strip()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def undo(self) -> None:
        """Take the last decision about this data set back."""

        def back() -> None:
            change = None if self.book is None else self.book.undo()
            self._read()
            self.told.emit("The last decision was undone" if change else "Nothing to undo")

        self._guarded(back)

    # ── handing over ────────────────────────────────────────────────────────────────────────────

    def ask_report(self) -> None:
        """Ask where the report goes."""
        self._ask("Save report", "report.html", "HTML (*.html)", self.save_report)

    def ask_csv(self) -> None:
        """Ask where the decisions go."""
        self._ask("Save decisions", "decisions.csv", "CSV (*.csv)", self.save_csv)

    def _ask(self, title: str, name: str, kind: str, save: Callable[[Path], object]) -> None:
        dialog = QFileDialog(self._window, title, name, kind)
        dialog.setAcceptMode(QFileDialog.AcceptSave)
        dialog.setDefaultSuffix(Path(name).suffix[1:])
        dialog.fileSelected.connect(lambda path: save(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_report(self, path: Path) -> None:
        """Write the decided candidates of the query, or else the chosen one, as HTML."""
        space, matching = self.workspace, self.controller.matching
        if matching is None or space.ranking is None or space.selection.candidate is None:
            return
        decided = dict(space.decided)
        chosen = sorted(decided or [space.selection.candidate], key=space.ranking.place_of)
        ranking, source = space.ranking, "" if space.model is None else space.model.title
        self.controller.runner.start(
            f"Writing {path.name}",
            lambda _c: atomic_write_text(
                path, decided_report(matching, ranking, chosen, decided, source)
            ),
            lane="files",
            done=lambda _x: self.told.emit(f"Saved {path.name}"),
        )

    def save_csv(self, path: Path) -> None:
        """Write all decisions about the data set."""

        def write() -> None:
            if self.book is not None:
                atomic_write_text(path, decisions_csv(self.book.all()))
                self.told.emit(f"Saved {path.name}")

        self._guarded(write)
