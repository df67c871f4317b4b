"""Decisions about candidates, read and written in a worker thread, in the order they were made.

What is shown (``workspace.decided``) changes once a change is on the disk; where that fails it
stays as it was, and the failure is a problem like that of any job.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs.job_slots import JobSlots
from app.jobs.runner import JobRunner
from app.state.part_words import ranked_by
from app.state.words import DECIDED, several_decided
from app.state.workspace import Workspace
from qaconv_core.evaluation.ranked_lists import cells_text
from qaconv_core.galleries.values import OpenSet
from qaconv_core.readable import counted
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.change_log import named_pictures
from qaconv_core.store.decisions import Decision, DecisionBook, DecisionLog, decisions_csv

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Pair:
    """Whom a decision is about: indices of query and candidate, and how they were shown.

    The logit is that of the whole pictures; all else is as :class:`Decision` has it.
    """

    query: int
    candidate: int
    logit: float | None = None
    rank: int | None = None
    ranked_by: str = ""
    part_logit: float | None = None
    part: str = ""
    model: str = ""


class DecisionJobs(QObject):
    """The decisions about the open set; ``tell`` gets a short sentence when a change is kept.

    ``kept``: a change is kept. They are the data set's, or those of a case (:meth:`keep_in`).
    """

    kept = pyqtSignal()

    def __init__(
        self, workspace: Workspace, runner: JobRunner, tell: Tell, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self._runner, self._tell = workspace, runner, tell
        self.log: DecisionBook | None = None
        self._book: DecisionBook | None = None
        self._data: OpenSet | None = None
        self._query: int | None = None
        self._slots = JobSlots(runner)
        workspace.data_changed.connect(self._open)
        workspace.selection_changed.connect(self._read)
        self._open()

    # ── reading ─────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        """Another set, or more queries of it: use its log."""
        data = self.workspace.data
        if data is None:
            self.log = None
        elif self._book is not None:
            self.log = self._book
        elif self.log is None or self._data is None or data.root != self._data.root:
            self.log = DecisionLog(data.name, data.root)
        self._data, self._query = data, None
        self._read()

    def keep_in(self, book: DecisionBook | None) -> None:
        """Keep decisions there from now on; None: in the data set's own log."""
        self._book, self.log = book, None
        self._open()

    def _read(self) -> None:
        """Another query: read what was decided about its candidates."""
        query = self.workspace.selection.query
        if query == self._query:
            return
        self._query = query
        self.workspace.set_decided({})
        self._slots.stop("read")  # that is of a query that is not shown any more
        log, data = self.log, self._data
        if query is not None and log is not None and data is not None:
            self._slots.replace(
                "read", "Reading decisions", lambda _context: decided_of(log, data, query),
                lambda decided: self._show(log, query, decided), lane="records", quiet=True,
            )  # fmt: skip

    def _show(self, log: DecisionBook, query: int, decided: dict[int, Decision]) -> None:
        if query == self._query and log is self.log:
            self.workspace.set_decided(decided)

    def _change(
        self, title: str, query: int, change: Callable[[DecisionBook, OpenSet], str]
    ) -> None:
        """Make a change, then read what is decided about a query's candidates, and show both."""
        log, data = self.log, self._data
        if log is None or data is None:
            return

        def work(_context: object) -> tuple[dict[int, Decision], str]:
            sentence = change(log, data)
            return decided_of(log, data, query), sentence

        def apply(found: tuple[dict[int, Decision], str]) -> None:
            decided, sentence = found
            self._show(log, query, decided)
            self._tell(sentence)
            self.kept.emit()

        self._runner.start(title, work, lane="records", quiet=True, done=apply)

    # ── changes ─────────────────────────────────────────────────────────────────────────────────

    def decide(self, pairs: Sequence[Pair], verdict: str | None, note: str | None = None) -> None:
        """Decide about candidates of a query; that is one step of undo.

        None: verdict or note stay as they are (at first: unsure).
        """
        if not pairs:
            return
        command = os.urandom(8).hex() if len(pairs) > 1 else ""

        def change(log: DecisionBook, data: OpenSet) -> str:
            made = [_decide(log, data, pair, verdict, note, command) for pair in pairs]
            if len(made) > 1:
                return several_decided(verdict, len(made))
            name = data.gallery[pairs[0].candidate].path.name
            return f"{DECIDED[made[0].verdict].capitalize()}: {name}"

        self._change("Keeping the decision", pairs[0].query, change)

    def withdraw(self, pair: Pair) -> None:
        """Withdraw the decision about a candidate, with its note; can be undone."""

        def change(log: DecisionBook, data: OpenSet) -> str:
            candidate = data.gallery[pair.candidate].path
            log.clear(data.query[pair.query].path, candidate)
            return f"Not decided: {candidate.name}"

        self._change("Withdrawing the decision", pair.query, change)

    def undo(self) -> None:
        """Undo what the last command changed about this data set."""

        def change(log: DecisionBook, _data: OpenSet) -> str:
            undone = log.undo_command()
            if len(undone) > 1:
                return f"Undone: {counted(len(undone), 'candidate')}"
            about = undone[0].after or undone[0].before if undone else None
            return "Nothing to undo" if about is None else f"Undone: {Path(about.gallery).name}"

        if self._query is not None:
            self._change("Undoing the decision", self._query, change)

    def save_csv(self, path: Path) -> None:
        """Write all decisions about the data set as CSV."""
        log = self.log
        if log is not None:
            self._runner.start(
                f"Saving {path.name}",
                lambda _c: atomic_write_text(path, decisions_csv(log.all())),
                lane="records",
                done=lambda _nothing: self._tell(f"Saved {path.name}"),
            )


def _decide(
    log: DecisionBook, data: OpenSet, pair: Pair, verdict: str | None, note: str | None,
    command: str,
) -> Decision:  # fmt: skip
    """Decide about one candidate; None as :meth:`DecisionJobs.decide` has it."""
    query, candidate = data.query[pair.query].path, data.gallery[pair.candidate].path
    before = log.get(query, candidate)
    made = verdict or ("unsure" if before is None else before.verdict)
    kept = note if note is not None else "" if before is None else before.note
    return log.decide(
        query, candidate, made, kept, logit=pair.logit, rank=pair.rank, ranked_by=pair.ranked_by,
        part_logit=pair.part_logit, part=pair.part, model=pair.model, command=command,
    )  # fmt: skip


def decided_of(log: DecisionBook, data: OpenSet, query: int) -> dict[int, Decision]:
    """What was decided about the candidates of a query, by gallery index."""
    name = log.name_of(data.query[query].path)
    wanted = {d.gallery: d for d in log.all() if d.query == name}
    found = named_pictures(log.root, data.gallery, wanted)
    return {index: wanted[name] for index, name in found.items()}


def chosen_pairs(space: Workspace) -> tuple[Pair, ...]:
    """All chosen candidates under the query, the shown one first."""
    selection = space.selection
    others = sorted(selection.chosen - {selection.candidate})
    candidates = [selection.candidate, *others] if selection.candidate is not None else []
    pairs = (shown_pair(space, candidate) for candidate in candidates)
    return tuple(pair for pair in pairs if pair is not None)


def shown_pair(space: Workspace, candidate: int | None = None) -> Pair | None:
    """A candidate (the shown one, unless given) under the query, with its rank and logits as far
    as they are shown."""
    query = space.selection.query
    candidate = space.selection.candidate if candidate is None else candidate
    if query is None or candidate is None:
        return None
    model = "" if space.model is None else f"{space.model.title}, {space.model.spec.in_full()}"
    pair = Pair(query, candidate, model=model)
    ranking, shown = space.ranking, space.pair
    if ranking is not None and query in ranking.queries and ranking.whole:
        rank = ranking.rank_of(candidate) or None
        pair = replace(pair, rank=rank, ranked_by=ranked_by(ranking) if rank else "")
    if shown is None or (shown.query, shown.candidate) != (query, candidate):
        return pair
    pair = replace(pair, logit=shown.logit)
    if shown.part is None:
        return pair
    return replace(pair, part_logit=shown.match.logit, part=cells_text(shown.part))
