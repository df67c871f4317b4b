"""Decisions about candidates, read and written in a worker thread, in the order they were made.

What is shown (``workspace.decided``) changes once a change is on the disk; where that fails it
stays as it was, and the failure is told as a problem like that of any job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.jobs.controller import Controller
from app.jobs.job import Job
from app.state.words import DECIDED
from qaconv_core.galleries.values import OpenSet
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.decisions import Decision, DecisionLog, decisions_csv
from qaconv_core.types import ImageRef

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Pair:
    """Whom a decision is about: indices of query and candidate, and what the model said."""

    query: int
    candidate: int
    logit: float | None = None
    rank: int | None = None


class DecisionJobs:
    """The decisions about the open set; ``tell`` gets a short sentence when a change is kept."""

    def __init__(self, controller: Controller, tell: Tell) -> None:
        self.workspace, self._runner, self._tell = controller.workspace, controller.runner, tell
        self.book: DecisionLog | None = None
        self._data: OpenSet | None = None
        self._query: int | None = None
        self._reading: Job | None = None
        self.workspace.data_changed.connect(self._open)
        self.workspace.selection_changed.connect(self._follow)
        self._open()

    # ── following the workspace ─────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        data = self.workspace.data
        if data is None:
            self.book = None
        elif self.book is None or self._data is None or data.root != self._data.root:
            self.book = DecisionLog(data.name, data.root)
        self._data, self._query = data, None
        self._follow()

    def _follow(self) -> None:
        """Another query: what was decided about its candidates is read."""
        query = self.workspace.selection.query
        if query == self._query:
            return
        self._query = query
        self.workspace.set_decided({})
        if self._reading is not None:
            self._reading.cancel()  # of a query that is not shown any more
            self._reading = None
        if query is not None and self.book is not None:
            self._reading = self._do("Reading decisions", query, lambda _book, _data: "")

    def _do(
        self, title: str, query: int, change: Callable[[DecisionLog, OpenSet], str]
    ) -> Job | None:
        """Make a change, then read what is decided about a query's candidates, and show both."""
        book, data = self.book, self._data
        if book is None or data is None:
            return None

        def work(_context: object) -> tuple[dict[int, Decision], str]:
            said = change(book, data)
            return decided_of(book, data, query), said

        def show(found: tuple[dict[int, Decision], str]) -> None:
            if query == self._query and book is self.book:
                self.workspace.set_decided(found[0])
            if found[1]:
                self._tell(found[1])

        def forget() -> None:
            if self._reading is job:
                self._reading = None

        job = self._runner.start(
            title, work, lane="records", quiet=True, done=show, ended=forget
        )  # fmt: skip
        return job

    # ── changes ─────────────────────────────────────────────────────────────────────────────────

    def decide(self, pair: Pair, verdict: str | None, note: str | None = None) -> None:
        """Decide about a candidate. None: verdict or note stay as they are (at first: unsure)."""

        def change(book: DecisionLog, data: OpenSet) -> str:
            query, candidate = data.query[pair.query].path, data.gallery[pair.candidate].path
            before = book.get(query, candidate)
            made = verdict or ("unsure" if before is None else before.verdict)
            kept = note if note is not None else "" if before is None else before.note
            book.decide(query, candidate, made, kept, logit=pair.logit, rank=pair.rank)
            return f"{DECIDED[made].capitalize()}: {candidate.name}"

        self._do("Keeping the decision", pair.query, change)

    def withdraw(self, pair: Pair) -> None:
        """Take the decision about a candidate away, with its note; can be undone."""

        def change(book: DecisionLog, data: OpenSet) -> str:
            candidate = data.gallery[pair.candidate].path
            book.clear(data.query[pair.query].path, candidate)
            return f"Not decided: {candidate.name}"

        self._do("Withdrawing the decision", pair.query, change)

    def undo(self) -> None:
        """Take the last change about this data set back."""

        def change(book: DecisionLog, _data: OpenSet) -> str:
            undone = book.undo()
            about = None if undone is None else undone.after or undone.before
            return "Nothing to undo" if about is None else f"Undone: {Path(about.gallery).name}"

        if self._query is not None:
            self._do("Undoing the decision", self._query, change)

    def save_csv(self, path: Path) -> None:
        """Write all decisions about the data set as CSV."""
        book = self.book
        if book is not None:
            self._runner.start(
                f"Saving {path.name}",
                lambda _c: atomic_write_text(path, decisions_csv(book.all())),
                lane="records",
                done=lambda _nothing: self._tell(f"Saved {path.name}"),
            )


def decided_of(book: DecisionLog, data: OpenSet, query: int) -> dict[int, Decision]:
    """What was decided about the candidates of a query, by gallery index."""
    own = book.name_of(data.query[query].path)
    wanted = {d.gallery: d for d in book.all() if d.query == own}
    if not wanted:
        return {}
    names = {Path(name).name for name in wanted}

    def decision(ref: ImageRef) -> Decision | None:
        return wanted.get(book.name_of(ref.path)) if ref.path.name in names else None

    found = ((index, decision(ref)) for index, ref in enumerate(data.gallery))
    return {index: made for index, made in found if made is not None}
