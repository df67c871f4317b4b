"""The open case: kept as one goes, and brought back whole.

Every change is an entry of the case's log, written in the lane of records, which is done to its end
also when the program closes. While a case is open, decisions are the case's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs.controller import Controller
from app.jobs.decision_jobs import DecisionJobs
from app.jobs.job import JobContext
from app.jobs.reopening import reopen
from app.jobs.timers import pause_timer
from app.state.requests import DEMO, DataRequest
from app.state.restoring import reopenable
from app.state.session import Session
from app.state.values import Problem, Selection
from qaconv_core.galleries.values import OpenSet
from qaconv_core.readable import shown
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.cases import (
    Case,
    CaseData,
    CaseDecisions,
    CaseFile,
    CaseModel,
    case_log_csv,
    moment_ns,
    picture_hash,
)
from qaconv_core.store.change_log import named_pictures, relative_name
from qaconv_core.store.keys import fingerprint, written_since
from qaconv_core.store.locks import held_open
from qaconv_core.types import ImageSet

PAUSE_MS = 1000
"""From a change of what is shown to its writing."""


@dataclass(frozen=True)
class Confirmed:
    """A confirmed candidate where and when it was seen; ``query`` and ``candidate`` are indices."""

    query: int
    candidate: int
    camid: int | None
    time: float | None
    name: str
    camera: str = ""


class CaseJobs(QObject):
    """Opens, keeps and closes a case. ``changed``: it is another one, or has another entry.

    ``closing``: what the panel holds has to be written now. ``reported`` carries a sentence for the
    bottom line, ``withdrawn`` a :class:`Problem` of a case that is not open any more. ``session``
    is what the window shows.
    """

    changed = pyqtSignal()
    closing = pyqtSignal()
    reported = pyqtSignal(str)
    withdrawn = pyqtSignal(object)

    def __init__(
        self,
        controller: Controller,
        decisions: DecisionJobs,
        session: Callable[[], Session],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.controller, self.workspace = controller, controller.workspace
        self._decisions, self._session = decisions, session
        self.file: CaseFile | None = None
        self.case: Case | None = None
        self._told: list[Problem] = []
        """What was said against the case."""
        self._release: Callable[[], None] | None = None
        """Says to other windows that the case is not open here any more."""
        self._awaited = ""
        """The root of the data set that is on its way; "" where none is."""
        self._left = ""
        """The root of the set that was open before it."""
        self._model: CaseModel | None = None
        """The model as the case has it, or will have it once that is written."""
        self._other_maps: Problem | None = None
        """What was said last of maps in another arithmetic."""
        self._seen: set[tuple[str, str]] = set()
        self._wanted: tuple[Path, ...] = ()
        """Pictures to search by together, once all are queries."""
        self._view: dict[str, Any] | None = None
        """How the window showed the case last, where that is not written yet."""
        self._timer = pause_timer(self, PAUSE_MS, self._keep_view)
        space = self.workspace
        space.data_changed.connect(self._data_changed)
        space.model_changed.connect(self._model_changed)
        for event in (space.selection_changed, space.look_changed, space.filters_changed,
                      space.method_changed):  # fmt: skip
            event.connect(self._view_changed)
        controller.settled.connect(self._model_changed)
        controller.settled.connect(self._looked)
        decisions.kept.connect(self._decided)

    @property
    def ready(self) -> bool:
        """Whether a case is open, and its data set with it."""
        return self.case is not None and not self._awaited

    # ── beginning and ending ────────────────────────────────────────────────────────────────────

    def create(self, path: Path, title: str, reference: str, examiner: str) -> None:
        """Begin a case about what is open."""
        space, view = self.workspace, self._session().to_record()
        data, model = space.data, self._model_in_use()
        queries = () if data is None else tuple(data.query[i].path for i in space.selection.queries)

        def work(_context: JobContext) -> tuple[CaseFile, Case]:
            file = CaseFile.create(path, title, reference, examiner)
            if data is not None:
                file.add("data", _data_entry(data, self.controller.data_request))
                file.add("queries", _queries_entry(data, queries))
            if model is not None:
                file.add("model", vars(model))
            return file, file.show_as(view)

        self.controller.runner.start(
            f"Beginning {path.name}", work, lane="records", quiet=True, done=self._begun
        )

    def _begun(self, made: tuple[CaseFile, Case]) -> None:
        self.close()
        self._take(*made)
        self.reported.emit(f"Case {made[0].path.name} is kept as you go")
        self._use_decisions()

    def open(self, path: Path) -> None:
        """Bring a case back: data set, model, queries, decisions, notes, view."""

        def work(_context: JobContext) -> tuple[CaseFile, Case]:
            file = CaseFile(path)
            return file, file.open()

        def failed(problem: Problem) -> bool:
            if self.file is None:
                return False
            stays = f"{problem.message}; {shown(self.file.path.name)} stays open"
            self.controller.runner.problem.emit(replace(problem, message=stays))
            return True

        self.controller.runner.start(
            f"Opening {path.name}", work, lane="records", quiet=True, done=self._opened,
            failed=failed,
        )  # fmt: skip

    def _opened(self, found: tuple[CaseFile, Case]) -> None:
        self.close()
        self._take(*found)
        file, case = found
        if case.fault:
            self._problem(f"{shown(file.path.name)}: {case.fault}; the log does not hold")
        if case.remark:
            self._problem(f"{shown(file.path.name)}: {case.remark}")
        if case.data is None:
            return
        session, strange = _view_of(case, case.data)
        if strange:
            self._problem(f"{shown(file.path.name)}: {strange}")
        lost = reopenable(session).missing
        if lost:
            for sentence in lost:
                self._problem(f"{shown(file.path.name)}: {sentence}")
            return
        before = self.workspace.data
        self._awaited, self._left = case.data.root, "" if before is None else str(before.root)
        reopen(self.controller, session)
        self.reported.emit(f"Case {file.path.name}")

    def _take(self, file: CaseFile, case: Case) -> None:
        self._release = held_open(file.path)
        if self._release is None:
            self._problem(
                f"{shown(file.path.name)}: is open in another window or program, too; "
                "what is done there is shown with the next entry made here"
            )
        self.file, self._seen = file, {(s.query, s.gallery) for s in case.seen}
        self._model, self._other_maps = case.model, None
        self._show(case)

    def close(self) -> None:
        """Keep the view, and go on without a case."""
        if self.file is None:
            return
        self.finish()
        self.file = self.case = None
        for problem in self._told:
            self.withdrawn.emit(problem)
        self._told.clear()
        self._awaited, self._wanted = "", ()
        self._decisions.keep_in(None)
        self.changed.emit()

    def finish(self) -> None:
        """Write what still waits to be written; another window can have the case then."""
        self.closing.emit()
        if self._timer.isActive():
            self._timer.stop()
            self._keep_view()
        if self._release is not None:
            self._release()
            self._release = None

    def _show(self, case: Case) -> None:
        self.case = case
        self.changed.emit()

    def _problem(self, words: str) -> Problem:
        """Say something against the case, as long as it is open."""
        problem = Problem(words)
        self._told.append(problem)
        self.controller.runner.problem.emit(problem)
        return problem

    # ── what happens is kept ────────────────────────────────────────────────────────────────────

    def _write(self, change: Callable[[CaseFile], Case]) -> None:
        file = self.file
        if file is None:
            return

        def show(case: Case) -> None:
            if self.file is file:
                self._show(case)

        self.controller.runner.start(
            f"Keeping {file.path.name}", lambda _context: change(file), lane="records",
            quiet=True, done=show,
        )  # fmt: skip

    def _add(self, kind: str, what: dict[str, Any]) -> None:
        self._write(lambda file: file.add(kind, what))

    def describe(self, title: str, reference: str, examiner: str) -> None:
        """Give the case other words."""
        self._write(lambda file: file.describe(title, reference, examiner))

    def set_notes(self, text: str, known: str) -> None:
        """Keep the notes, as lines of text, in place of those that were ``known``."""
        if self.case is not None and text != known:
            self._write(lambda file: file.note(text, known))

    def note_saved(self, path: Path) -> None:
        """A report or figure was saved: the log says so, with its SHA-256."""
        self._write(
            lambda file: file.add("saved", {"file": path.name, "sha256": picture_hash(path)})
        )

    def _keep_view(self) -> None:
        view, self._view = self._view, None
        if view is not None:
            self._write(lambda file: file.show_as(view))

    def _view_changed(self) -> None:
        """Take the view now: when it is written, another data set may be shown."""
        if self.file is None or self._awaited or not self._shows_its_data():
            return
        self._view = self._session().to_record()
        if not self._timer.isActive():
            self._timer.start()

    def _shows_its_data(self) -> bool:
        data, case = self.workspace.data, self.case
        known = None if case is None else case.data
        return known is None or (data is not None and str(data.root) == known.root)

    def _looked(self) -> None:
        """A pair is shown: the first time, where a person chose it, the log says so."""
        space = self.workspace
        data, pair, ranking = space.data, space.pair, space.ranking
        if self.file is None or self._awaited or data is None or pair is None:
            return
        if space.auto_selected:
            return
        names = (
            relative_name(data.root, data.query[pair.query].path),
            relative_name(data.root, data.gallery[pair.candidate].path),
        )
        if names in self._seen:
            return
        self._seen.add(names)
        known = ranking is not None and pair.query in ranking.queries and ranking.whole
        # A candidate of the query's own camera has rank 0, which is none.
        rank = (ranking.rank_of(pair.candidate) or None) if known and ranking is not None else None
        what = {"query": names[0], "gallery": names[1], "rank": rank, "logit": pair.logit}
        self._add("looked", what)

    def _decided(self) -> None:
        """A decision was kept in the case: show it as it is now."""
        self._write(lambda file: file.read())

    def _model_changed(self) -> None:
        """Another model, or maps in another arithmetic: the log says so, and so does a line where
        the numbers of one model change."""
        model, known = self._model_in_use(), self._model
        if self.file is None or self._awaited or model is None or not model.precision:
            return
        same = known is not None and known.sha256 == model.sha256
        if same and known is not None:
            if known.precision == model.precision:
                return
            if known.precision:
                if self._other_maps is not None:
                    self.withdrawn.emit(self._other_maps)
                self._other_maps = self._problem(
                    f"{shown(self.file.path.name)}: feature maps are in {model.precision} now, the "
                    f"case's were in {known.precision}; logits and ranks can differ a little from "
                    "those in its log (Settings, Feature maps)"
                )
        self._model = model
        self._add("model", vars(model))

    def _model_in_use(self) -> CaseModel | None:
        """The model; its precision is that of the maps in use, "" until there are any."""
        model, best = self.workspace.model, self.controller.sources.best
        if model is None:
            return None
        precision = "" if best is None else best.model.precision
        return CaseModel(model.source, model.spec.sha256, model.spec.describe(), precision)

    # ── the data set ────────────────────────────────────────────────────────────────────────────

    def _data_changed(self) -> None:
        data, case = self.workspace.data, self.case
        if data is None or case is None:
            return
        if case.data is None or str(data.root) == case.data.root:
            if self._awaited or case.data is None:
                self._awaited = ""
                self._arrived(data, case)
            self._search_wanted()
        elif not self._awaited or str(data.root) != self._left:
            self.reported.emit("The case was closed: another data set was opened")
            self.close()

    def _arrived(self, data: OpenSet, case: Case) -> None:
        self._use_decisions()
        if case.data is None:
            request = self.controller.data_request
            self._write(lambda file: file.add("data", _data_entry(data, request)))
            return
        known, queries = case.data, case.queries
        begun = max(moment_ns(entry) for entry in case.entries if entry.kind == "data")

        def check(_context: JobContext) -> list[str]:
            root = Path(data.root)
            faults = [
                f"{shown(one.path)}: is not the picture that it was when it came into the case"
                for one in queries
                if picture_hash(root / one.path) != one.sha256
            ]
            if fingerprint(data.gallery, root) != known.fingerprint:
                late = written_since(data.gallery, begun)
                what = f" ({late})" if late else ""
                faults.append(f"{known.title}: files were added, removed or changed since{what}")
            return faults

        def tell(faults: list[str]) -> None:
            for fault in faults:
                self._problem(fault)

        self.controller.runner.start(
            "Checking the case's files", check, lane="files", quiet=True, done=tell
        )

    def _use_decisions(self) -> None:
        data = self.workspace.data
        if self.file is not None and data is not None:
            self._decisions.keep_in(CaseDecisions(self.file, data.name, data.root))

    # ── queries ─────────────────────────────────────────────────────────────────────────────────

    @property
    def pictures(self) -> tuple[Path, ...]:
        """The query pictures of the case."""
        if self.case is None or self.case.data is None:
            return ()
        return tuple(Path(self.case.data.root) / one.path for one in self.case.queries)

    def add_queries(self) -> None:
        """Take the chosen queries into the case."""
        space = self.workspace
        data = space.data
        if data is None or self.case is None:
            return
        chosen = [data.query[i].path for i in space.selection.queries]
        self._set_queries((*self.pictures, *(p for p in chosen if p not in self.pictures)))

    def remove_query(self, path: Path) -> None:
        """Take a picture out of the case."""
        self._set_queries([one for one in self.pictures if one != path])

    def _set_queries(self, paths: Sequence[Path]) -> None:
        data = self.workspace.data
        if data is not None:
            self._write(lambda file: file.add("queries", _queries_entry(data, paths)))

    def search_by_all(self) -> None:
        """Rank by all query pictures of the case together."""
        self._wanted = self.pictures
        data = self.workspace.data
        if data is None or not self._wanted:
            return
        known = {ref.path for ref in data.query}
        missing = [path for path in self._wanted if path not in known]
        if missing:
            self.controller.add_pictures(missing, together=True)
        else:
            self._search_wanted()

    def _search_wanted(self) -> None:
        data = self.workspace.data
        if data is None or not self._wanted:
            return
        places = {ref.path: place for place, ref in enumerate(data.query)}
        if all(path in places for path in self._wanted):
            queries = tuple(places[path] for path in self._wanted)
            self._wanted = ()
            self.workspace.look_at(Selection(queries))

    # ── what it comes to ────────────────────────────────────────────────────────────────────────

    def confirmed(self) -> list[Confirmed]:
        """Confirmed candidates of the open set, in the order of their decisions."""
        data = self.workspace.data
        if self.case is None or data is None:
            return []
        found = [d for d in self.case.decisions if d.verdict == "confirm"]
        if not found:
            return []
        queries = _places(data.query, Path(data.root), {d.query for d in found})
        gallery = _places(data.gallery, Path(data.root), {d.gallery for d in found})
        sightings = []
        for decision in found:
            query, candidate = queries.get(decision.query), gallery.get(decision.gallery)
            if query is not None and candidate is not None:
                ref = data.gallery[candidate]
                sightings.append(
                    Confirmed(query, candidate, ref.camid, ref.time, decision.gallery, ref.camera)
                )
        return sightings

    def save_log(self, path: Path) -> None:
        """Write the log as CSV."""
        case = self.case
        if case is not None:
            self.controller.runner.start(
                f"Saving {path.name}",
                lambda _context: atomic_write_text(path, case_log_csv(case)),
                lane="records",
                done=lambda _nothing: self.reported.emit(f"Saved {path.name}"),
            )


def _places(images: ImageSet, root: Path, names: set[str]) -> dict[str, int]:
    """Where pictures of these names stand."""
    return {name: index for index, name in named_pictures(root, images, names).items()}


def _view_of(case: Case, data: CaseData) -> tuple[Session, str]:
    """How the case is shown, of its own data set; and in words, where its view was of another."""
    session = Session.from_record(case.view)
    named = data.name == DEMO or Path(data.gallery).is_absolute()
    own = DataRequest(data.name, None if named else Path(data.root), gallery=data.gallery)
    kept = session.data
    if kept is not None and (kept.name, kept.gallery) == (own.name, own.gallery):
        # What was asked for may be a folder around the set.
        place, asked = (os.path.realpath(root or data.root) for root in (data.root, kept.root))
        if named or Path(place).is_relative_to(asked):
            return session, ""
    session = replace(session, data=own, added=False, candidate="", queries=tuple(
        str(Path(data.root) / one.path) for one in case.queries
    ))  # fmt: skip
    was = "no data set" if kept is None else f"another data set ({shown(kept.title)})"
    return session, f"its view was of {was}; the case's own is opened"


def _data_entry(data: OpenSet, request: DataRequest | None) -> dict[str, Any]:
    return {
        "name": data.name if request is None else request.name,
        "root": str(data.root),
        "gallery": "" if request is None else request.gallery,
        "title": data.name,
        "queries": data.added_from,
        "pictures": len(data.gallery),
        "fingerprint": fingerprint(data.gallery, Path(data.root)),
    }


def _queries_entry(data: OpenSet, paths: Sequence[Path]) -> dict[str, Any]:
    root = Path(data.root)
    return {
        "pictures": [
            {"path": relative_name(root, path), "sha256": picture_hash(path)} for path in paths
        ]
    }
