"""The work of the evaluate page: estimates, evaluations, the history of runs.

All methods of :class:`EvaluationJobs` run in worker threads.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import shlex
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs import engine
from app.jobs.job import JobContext
from app.jobs.phases import evaluation_phases, in_phases
from app.state.evaluation import (
    Estimate,
    EvaluationRequest,
    FinishedRun,
    SetChoice,
    SetEstimate,
)
from app.state.requests import DEMO, ModelRequest
from qaconv_core.errors import DatasetError, InputError, QAConvError
from qaconv_core.progress import Phase, Progress
from qaconv_core.types import Dataset, EvaluationReport, ImageRef

if TYPE_CHECKING:
    from app.jobs.machine_rates import Rates
    from qaconv_core.evaluation.methods import MethodOptions
    from qaconv_core.model import Model
    from qaconv_core.store.runs import RunRecord

log = logging.getLogger(__name__)

NEWEST = 300
"""Runs of the history that are listed."""
LONG_ENOUGH = 1.0
"""The least seconds of scoring after which its rate is used for estimates."""
_WITHOUT_TEST_PART = ("randperson",)
_unkept = itertools.count(1)


def find_sets(
    folder: Path | None, opened: Dataset | None, _context: JobContext
) -> tuple[SetChoice, ...]:
    """Sets that can be evaluated: the opened one, the demo, and all known ones below ``folder``.

    Those that are not there come last, with what was looked for and where.
    """
    from qaconv_core.data import DATASETS
    from qaconv_core.data.described import opened_as

    choices = [SetChoice(DEMO, DEMO)]
    if opened is not None and opened.name != DEMO:
        name, root = opened_as(opened.name, opened.root)
        choices.insert(0, SetChoice(f"{opened.name} (open)", name, root, opened=opened))
    skipped = ("folder", DEMO, *_WITHOUT_TEST_PART)
    missing: list[SetChoice] = []
    for name in () if folder is None else [n for n in DATASETS if n not in skipped]:
        choice = _look_for(name, folder, opened)
        if choice is not None:
            (missing if choice.missing else choices).append(choice)
    return (*choices, *missing)


def _look_for(name: str, folder: Path | None, opened: Dataset | None) -> SetChoice | None:
    """A known set as a choice; None where it is the opened one."""
    from qaconv_core.data import find_dataset

    assert folder is not None
    try:
        place = find_dataset(name, folder)
    except DatasetError as error:
        return SetChoice(name, name, folder, missing=str(error))
    if opened is not None and opened.name == name and opened.root == place:
        return None
    return SetChoice(name, name, folder)


def identify(path: Path, _context: JobContext) -> SetChoice:
    """What a folder or table that a person chose is: one of the known sets, or pictures."""
    from qaconv_core.data import recognise
    from qaconv_core.data.folder import title_at

    name = recognise(path)
    title = title_at(path) if name == "folder" else f"{name} in {path.name}"
    return SetChoice(title, name, path)


def run_of(record: RunRecord) -> FinishedRun:
    """A run of the history as the window shows it."""
    from qaconv_core.evaluation.stored_runs import query_paths_of_run, report_of_run, root_of_run
    from qaconv_core.store.runs import name_and_note

    report = report_of_run(record.report)
    paths = query_paths_of_run(record.report)
    root = root_of_run(record.report)
    name, note = name_and_note(record.report)
    return FinishedRun(
        record.id, record.created, record.kind, report, paths, root, record.command, name, note
    )


def stored_runs(_context: JobContext) -> tuple[FinishedRun, ...]:
    """The newest runs of the history, newest first."""
    from qaconv_core.evaluation.stored_runs import open_history

    return tuple(run_of(record) for record in open_history().list(limit=NEWEST))


def request_of_run(run: FinishedRun) -> EvaluationRequest:
    """The request that repeats a run, read from its command as the command line reads it.

    Raises :class:`InputError` where the command is not known.
    """
    from qaconv_core.cli.evaluate import method_options
    from qaconv_core.cli.parser import build_parser
    from qaconv_core.data import DATASETS
    from qaconv_core.data.described import opened_as

    words = shlex.split(run.command)
    if words[:2] != ["qaconv", "evaluate"]:
        raise InputError(f"{run.title}: the command that made it is not known")
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            arguments = build_parser(words[1]).parse_args(words[1:])
    except SystemExit as error:  # options of another version
        raise InputError(f"{run.title}: {said.getvalue().strip()}") from error
    dataset = run.report.dataset
    place = Path(run.root) if run.root and dataset != DEMO else None
    name = dataset if dataset in DATASETS else "folder"
    if place is not None:
        name, place = opened_as(dataset, place)
    title = f"{dataset} in {place.name}" if place and name != "folder" else dataset
    return EvaluationRequest(
        SetChoice(title, name, place),
        checkpoint=arguments.checkpoint or DEMO,
        device=arguments.device or "auto",
        options=method_options(arguments, on_by_default=dataset == DEMO),
        on_disk=arguments.on_disk,
    )


def describe_run(id: int, name: str, note: str, _context: JobContext) -> None:
    """Keep a name and a note of a run of the history."""
    from qaconv_core.evaluation.stored_runs import open_history

    open_history().describe(id, name, note)


def delete_runs(ids: Sequence[int], _context: JobContext) -> tuple[int, ...]:
    """Delete runs from the history; their numbers."""
    from qaconv_core.evaluation.stored_runs import open_history

    history = open_history()
    for id in ids:
        if id >= 0:
            history.delete(id)
    return tuple(ids)


class EvaluationJobs:
    """Evaluates, and estimates beforehand what that takes; keeps the model loaded last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: tuple[ModelRequest, Model] | None = None
        self._datasets: dict[tuple[str, str], Dataset] = {}
        self._rates: tuple[ModelRequest, Rates] | None = None

    def forecast(self, requests: Sequence[EvaluationRequest], context: JobContext) -> Estimate:
        """What these evaluations will take: memory as the engine estimates it, and time.

        Time comes out of rates measured on this machine in a moment. A set that cannot be
        evaluated has its reason in its estimate.
        """
        if not requests:
            return Estimate(())
        model, wanted = self._loaded(requests[0], context)
        return Estimate(
            tuple(self._forecast_one(model, wanted, request, context) for request in requests),
            _devices(),
        )

    def _forecast_one(
        self, model: Model, wanted: ModelRequest, request: EvaluationRequest, context: JobContext
    ) -> SetEstimate:
        from qaconv_core.evaluation.evaluator import check_sides
        from qaconv_core.evaluation.forecasts import forecast
        from qaconv_core.ranking import tlift_available

        context.cancel.raise_if_cancelled()
        title = request.choice.title
        try:
            dataset = self._dataset(request.choice, fresh=False)
            check_sides(dataset)
            sizes = len(dataset.query), len(dataset.gallery)
            model = _as_stored(model, dataset)
            stored, unused = _stored(model, dataset)
            estimate = SetEstimate(title, *sizes, stored=stored, unused=unused)
            off = tlift_available(dataset.query.times, dataset.gallery.times)
            estimate = replace(estimate, tlift_off=off)
            plan = forecast(
                model,
                *sizes,
                request.options,
                on_disk=request.on_disk,
                estimates=True,
                cameras=dataset.gallery.camids,
            )
        except QAConvError as error:
            return SetEstimate(title, problem=str(error))
        rates = self._measured(model, wanted, needs_images=stored < sum(sizes))
        return replace(
            estimate,
            pairs=plan.pairs,
            memory_bytes=plan.memory_bytes,
            available_bytes=plan.available_bytes,
            seconds=rates.seconds(
                sum(sizes) - stored, plan.pairs, *sizes, request.options, lifts=not off
            ),
        )

    def run(self, request: EvaluationRequest, context: JobContext) -> FinishedRun:
        """Evaluate one data set and keep the run in the history."""
        from qaconv_core.evaluation.evaluator import Job, evaluate
        from qaconv_core.store.folders import cache_dir

        context.progress(Progress("reading names", 0, None, "pictures"))
        dataset = self._dataset(request.choice, fresh=True)
        model, wanted = self._loaded(request, context)
        model = _as_stored(model, dataset)
        phases = self._phases(model, wanted, dataset, request.options)
        context = in_phases(context, phases)
        with engine.open_shelf(model) as shelf:
            job = Job(
                shelf=shelf,
                on_disk=cache_dir() / "scores" if request.on_disk else None,
                estimates=True,
                progress=context.progress,
                cancel=context.cancel,
            )
            found = evaluate(model, dataset, request.options, job)
        context.cancel.raise_if_cancelled()
        self._learn(wanted, found.report)
        paths = tuple(str(path) for path in found.query.paths)
        run = FinishedRun(0, _now(), "evaluate", found.report, paths, str(dataset.root),
                          request.command())  # fmt: skip
        return _kept(run, request.command())

    def _phases(
        self, model: Model, wanted: ModelRequest, dataset: Dataset, options: MethodOptions
    ) -> list[Phase]:
        """The phases of an evaluation; with usual rates where this machine's are not known."""
        from app.jobs.machine_rates import usual_rates
        from qaconv_core.ranking import tlift_available

        p, g = len(dataset.query), len(dataset.gallery)
        lifts = not tlift_available(dataset.query.times, dataset.gallery.times)
        known = self._rates
        rates = known[1] if known is not None and known[0] == wanted else usual_rates(model)
        missing = p + g - _stored(model, dataset)[0]
        return evaluation_phases(p, g, missing, options, rates, lifts=lifts)

    def _loaded(
        self, request: EvaluationRequest, context: JobContext
    ) -> tuple[Model, ModelRequest]:
        # What is reported is computed as the command line does it.
        wanted = ModelRequest(request.checkpoint, request.device, precision="auto")
        with self._lock:
            if self._model is None or self._model[0] != wanted:
                context.progress(Progress("loading the model", 0, None, "models"))
                self._model = wanted, engine.load_model(wanted, context)[0]
            return self._model[1], wanted

    def _dataset(self, choice: SetChoice, fresh: bool) -> Dataset:
        """The set of a choice; read again where ``fresh``, else remembered."""
        if choice.opened is not None:
            return choice.opened
        if fresh or choice.key not in self._datasets:
            from qaconv_core.data import open_dataset

            self._datasets[choice.key] = open_dataset(choice.name, choice.root)
        return self._datasets[choice.key]

    def _measured(self, model: Model, wanted: ModelRequest, needs_images: bool) -> Rates:
        from app.jobs.machine_rates import measure_rates

        known = self._rates
        if known is None or known[0] != wanted or (needs_images and not known[1].images):
            known = wanted, measure_rates(model, needs_images)
            self._rates = known
        return known[1]

    def _learn(self, wanted: ModelRequest, report: EvaluationReport) -> None:
        """A whole scoring says more of this machine's rate than a moment's measurement."""
        seconds = report.seconds.get("scoring", 0.0)
        if self._rates is not None and self._rates[0] == wanted and seconds > LONG_ENOUGH:
            pairs = report.counts.query * report.counts.gallery / seconds
            self._rates = wanted, replace(self._rates[1], pairs=pairs)


def _devices() -> tuple[str, ...]:
    import torch

    return ("cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count())))


def _as_stored(model: Model, dataset: Dataset) -> Model:
    """The model in the precision of the maps that are used: better ones where they are stored."""
    store = engine.feature_store()
    return model if store is None else model.with_stored_maps(store, _pictures(dataset))


def _stored(model: Model, dataset: Dataset) -> tuple[int, str]:
    """How many pictures of query and gallery have a stored feature map, and the precision of maps
    of Explore that are stored and too coarse to measure with ("" where there are none)."""
    store = engine.feature_store()
    if store is None:
        return 0, ""
    pictures, coarse = _pictures(dataset), model.in_precision("fast")
    stored = model.count_stored(store, pictures)
    other = model.precision == "float32" != coarse.precision
    unused = other and coarse.count_stored(store, pictures) > stored
    return stored, coarse.precision if unused else ""


def _pictures(dataset: Dataset) -> list[ImageRef]:
    return [*dataset.query, *dataset.gallery]


def _kept(run: FinishedRun, command: str) -> FinishedRun:
    """The run with its number in the history; where that cannot be written, a note says so."""
    from qaconv_core.evaluation.stored_runs import open_history, run_document

    try:
        document = run_document(run.report, run.query_paths, run.root)
        return replace(run, id=open_history().add(document, kind=run.kind, command=command))
    except QAConvError as error:
        note = f"{error}; this run is not in the history"
        log.info("%s", note)
        report = replace(run.report, notes=(*run.report.notes, note))
        return replace(run, id=-next(_unkept), report=report)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
