"""What is evaluated and what was found: requests, estimates, finished runs, the list of runs.

The list mirrors the run history and says which of its runs are shown. It knows nothing of Qt or of
jobs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from app.state.events import Event
from app.state.requests import DEMO, DataRequest
from qaconv_core.errors import InputError
from qaconv_core.evaluation.formats import flat_text
from qaconv_core.evaluation.methods import MethodOptions
from qaconv_core.evaluation.operating import OperatingCurve
from qaconv_core.evaluation.reports import method_label, set_name
from qaconv_core.types import Dataset, EvaluationReport, MethodResult


@dataclass(frozen=True)
class SetChoice:
    """A data set that can be evaluated.

    ``title`` is shown, ``name`` is one of :data:`qaconv_core.data.DATASETS`, ``root`` where it
    is looked for. ``opened`` is a set that is open in the window already. ``missing`` says what
    was looked for and where, when the set was not found ("" when it was).
    """

    title: str
    name: str
    root: Path | None = None
    missing: str = ""
    opened: Dataset | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """Differs between any two choices."""
        return self.name, "" if self.root is None else str(self.root)


@dataclass(frozen=True)
class EvaluationRequest:
    """One data set to be evaluated, with which model, where and how.

    ``checkpoint`` is a path or ``demo``; ``on_disk`` keeps score matrices in files.
    """

    choice: SetChoice
    checkpoint: str = DEMO
    device: str = "auto"
    options: MethodOptions = field(default_factory=MethodOptions)
    on_disk: bool = False

    def command(self) -> str:
        """The command line that does the same, as the history shows it."""
        o, parts = self.options, ["qaconv", "evaluate", "--dataset", self.choice.name]
        if self.choice.name == "folder":
            parts[-1] = str(self.choice.root)
        elif self.choice.root is not None:
            parts += ["--data-dir", str(self.choice.root)]
        if self.checkpoint != DEMO:
            parts += ["--checkpoint", self.checkpoint]
        if self.device != "auto":
            parts += ["--device", self.device]
        parts.append("--rerank" if o.rerank else "--no-rerank")
        if o.rerank:
            parts += ["--k1", str(o.k1), "--k2", str(o.k2), "--lambda", f"{o.lambda_:g}"]
            parts += ["--rerank-top", str(o.rerank_top)] if o.rerank_top else []
        parts.append("--tlift" if o.tlift else "--no-tlift")
        if o.tlift:
            parts += ["--tau", f"{o.tau:g}", "--sigma", f"{o.sigma:g}"]
            parts += ["--K", str(o.k), "--alpha", f"{o.alpha:g}"]
        parts += ["--normalise"] if o.normalise else []
        parts += [] if o.junk_rule else ["--no-junk"]
        parts += ["--ap", o.ap] if o.ap != "step" else []
        parts += ["--on-disk"] if self.on_disk else []
        return " ".join(f'"{part}"' if " " in part else part for part in parts)


@dataclass(frozen=True)
class SetEstimate:
    """What one data set will take: seconds by stage, bytes; ``problem`` says why it cannot run.

    ``tlift_off`` is the reason why TLift would be left out ("" where it would not). ``unused`` is
    the precision of stored maps of Explore that are too coarse to measure with.
    """

    title: str
    queries: int = 0
    galleries: int = 0
    pairs: int = 0
    stored: int = 0
    unused: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    memory_bytes: int = 0
    available_bytes: int = 0
    tlift_off: str = ""
    problem: str = ""

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())


@dataclass(frozen=True)
class Estimate:
    """What a start would take; made before it. ``devices`` are those of this machine."""

    sets: tuple[SetEstimate, ...]
    devices: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Of all sets together; they are evaluated one after another."""
        return sum(part.total for part in self.sets)

    @property
    def memory_bytes(self) -> int:
        """The most that is needed at one time."""
        return max((part.memory_bytes for part in self.sets), default=0)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why sets cannot be evaluated, one sentence each."""
        return tuple(f"{part.title}: {part.problem}" for part in self.sets if part.problem)


@dataclass(frozen=True, eq=False)  # arrays have no one truth: a run equals itself alone
class FinishedRun:
    """An evaluation that was done. ``id`` is its number in the history (negative: not kept).

    ``created`` is UTC in ISO form, ``query_paths`` are the queries' files in the order of AP,
    ``root`` is where the data set was opened ("" where that is not known), ``command`` the command
    line that does the same, ``name`` and ``note`` what somebody wrote about it.
    """

    id: int
    created: str
    kind: str
    report: EvaluationReport
    query_paths: tuple[str, ...] = ()
    root: str = ""
    command: str = ""
    name: str = ""
    note: str = ""

    @property
    def data_request(self) -> DataRequest | None:
        """How to open the data set again; None where the run did not keep its place."""
        if self.report.dataset == DEMO:
            return DataRequest()
        return DataRequest(self.report.dataset, Path(self.root)) if self.root else None

    @property
    def title(self) -> str:
        """``run 3``, or ``run 3 (name)``; a run that could not be kept says so."""
        if self.id < 0:
            return "run not kept"
        return f"run {self.id} ({self.name})" if self.name else f"run {self.id}"

    @property
    def words(self) -> str:
        """All that a person may look for in the list of runs, in lower case."""
        last = self.last
        method = "" if last is None else method_label(last.method)
        parts = (self.title, self.note, set_name(self.report), self.model, method, self.created)
        return " ".join(parts).lower()

    @property
    def model(self) -> str:
        """The checkpoint in a few words that tell it from others.

        Every training writes a ``checkpoint.pth.tar``: that name says nothing, its content does.
        """
        given = self.report.checkpoint
        name = given.path or given.name or "–"
        if name.startswith("checkpoint.") and given.model:
            name = f"{given.model.split(' to ')[0]} · {(given.sha256 or '')[:6]}"
        return f"{name}, adapted" if given.adapted else name

    @property
    def model_details(self) -> str:
        """All that is known of the checkpoint, on one line."""
        record = self.report.checkpoint.to_dict()
        return flat_text(record) if record else ""

    @property
    def last(self) -> MethodResult | None:
        """The result of the last method, i.e. with everything that was switched on."""
        return self.report.results[-1] if self.report.results else None

    @cached_property
    def operating(self) -> OperatingCurve | None:
        """What each threshold accepts; None where the run did not keep it."""
        given = self.report.separation.get("operating")
        try:
            curve = OperatingCurve.from_dict(given) if isinstance(given, dict) else None
        except InputError:
            return None
        return curve if curve is not None and len(curve.thresholds) else None

    def named_report(self, several: bool) -> EvaluationReport:
        """The report; among ``several`` runs, its data set also names the run."""
        if not several:
            return self.report
        return replace(self.report, dataset=f"{self.report.dataset} ({self.title})")


class RunList:
    """The runs of the history, newest first, and which of them are looked at.

    ``current`` is the run whose scores and queries are shown; ``compared`` are those ticked, in
    the order they were. ``changed``: the list is another one. ``shown_changed``: other
    runs are looked at.
    """

    def __init__(self) -> None:
        self.runs: tuple[FinishedRun, ...] = ()
        self.compared: tuple[int, ...] = ()
        self.current_id: int | None = None
        self.changed = Event()
        self.shown_changed = Event()

    @property
    def current(self) -> FinishedRun | None:
        """The run that is looked at."""
        return self.find(self.current_id)

    @property
    def shown(self) -> tuple[FinishedRun, ...]:
        """The runs to compare: those ticked, or the current one alone."""
        ticked = tuple(run for run in map(self.find, self.compared) if run is not None)
        if ticked:
            return ticked
        return (self.current,) if self.current is not None else ()

    def find(self, id: int | None) -> FinishedRun | None:
        """The run with that number."""
        return next((run for run in self.runs if run.id == id), None)

    def put(self, runs: tuple[FinishedRun, ...]) -> None:
        """The history as it is now; runs that are gone are not looked at any more."""
        unkept = tuple(run for run in self.runs if run.id < 0)
        self.runs = unkept + runs
        there = {run.id for run in self.runs}
        self.compared = tuple(id for id in self.compared if id in there)
        if self.current_id not in there:
            self.current_id = self.runs[0].id if self.runs else None
        self._emit_changes()

    def add(self, run: FinishedRun) -> None:
        """A run has just been finished: it is looked at. Runs ticked stay so, with it."""
        self.runs = (run, *(other for other in self.runs if other.id != run.id))
        self.current_id = run.id
        if self.compared:
            self.compared = (*self.compared, run.id)
        self._emit_changes()

    def describe(self, id: int, name: str, note: str) -> None:
        """A run has another name and note."""
        self.runs = tuple(
            replace(run, name=name, note=note) if run.id == id else run for run in self.runs
        )
        self._emit_changes()

    def remove(self, ids: tuple[int, ...]) -> None:
        """Runs were deleted; the one after the current takes its place."""
        place = next((i for i, run in enumerate(self.runs) if run.id == self.current_id), 0)
        self.runs = tuple(run for run in self.runs if run.id not in ids)
        self.compared = tuple(id for id in self.compared if id not in ids)
        if self.current_id in ids:
            last = len(self.runs) - 1
            self.current_id = self.runs[min(place, last)].id if self.runs else None
        self._emit_changes()

    def _emit_changes(self) -> None:
        self.changed.emit()
        self.shown_changed.emit()

    def select(self, id: int) -> None:
        """Look at a run."""
        if id != self.current_id and self.find(id) is not None:
            self.current_id = id
            self.shown_changed.emit()

    def tick(self, id: int, on: bool) -> None:
        """Compare a run with others, or not."""
        if (id in self.compared) == on or self.find(id) is None:
            return
        kept = tuple(other for other in self.compared if other != id)
        self.compared = (*kept, id) if on else kept
        self.shown_changed.emit()
