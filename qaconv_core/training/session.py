"""A whole training: data, network, epochs, evaluation, files. What ``qaconv train`` calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from qaconv_core.device import format_bytes
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.evaluation.evaluator import Job, evaluate
from qaconv_core.evaluation.methods import MethodOptions
from qaconv_core.evaluation.reports import report_json
from qaconv_core.model import load_model
from qaconv_core.models import FeatureNetwork
from qaconv_core.progress import CancelToken, ProgressCallback, WorkContext
from qaconv_core.training.checkpoint import FILE_NAME
from qaconv_core.training.distributed import Team, team
from qaconv_core.training.initial import new_network, take_neck_and_head
from qaconv_core.training.journal import Journal
from qaconv_core.training.memory import step_bytes
from qaconv_core.training.people import (
    TrainingSet,
    check_learnable,
    join_training_sets,
    joined_name,
)
from qaconv_core.training.pictures import PictureCache, default_workers, open_book
from qaconv_core.training.precision import training_precision
from qaconv_core.training.recipes import Recipe
from qaconv_core.training.teaching import open_teachers
from qaconv_core.training.trainer import Surroundings, Trainer
from qaconv_core.types import Dataset, EvaluationReport

_SHOWN = 10


@dataclass(frozen=True)
class TrainingJob:
    """What to train, on what, and where it goes.

    ``folder`` receives checkpoint, log and results; ``resume`` is None (a new run), or the
    checkpoint to go on from; ``overwrite`` allows a new run to replace an old one. ``weights``
    starts the backbone from a file, ``labels`` is a folder of label maps, ``memory`` the bytes
    that decoded pictures may fill, ``tests`` and ``methods`` say what is evaluated at the end.
    """

    recipe: Recipe
    datasets: tuple[Dataset, ...]
    folder: Path
    tests: tuple[Dataset, ...] = ()
    methods: MethodOptions = field(default_factory=MethodOptions)
    weights: Path | None = None
    labels: Path | None = None
    resume: Path | None = None
    overwrite: bool = False
    seed: int = 0
    device: str = "auto"
    workers: int | None = None
    memory: int | None = None

    @property
    def checkpoint(self) -> Path:
        """Where the checkpoint is written."""
        return self.folder / FILE_NAME


@dataclass(frozen=True)
class TrainingResult:
    """What came of a training: the file, the epochs' losses and accuracies, the evaluations."""

    checkpoint: Path
    epochs: int
    loss: float
    accuracy: float
    seconds: float
    history: tuple[dict[str, float], ...]
    people: TrainingSet
    reports: tuple[EvaluationReport, ...] = ()


def train(
    job: TrainingJob,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    say: Callable[[str], None] | None = None,
) -> TrainingResult:
    """Train, save every epoch, evaluate.

    Under ``torchrun`` all processes call this with the same job; the first one writes, speaks and
    evaluates. Raises :class:`~qaconv_core.errors.Cancelled` once the batches that are done are
    saved, and the engine's errors, at once where something cannot work.
    """
    began = time.monotonic()
    _check_tests(job.tests)
    with team(job.device) as crew:
        _open_folder(job, crew)
        journal = Journal(job.folder if crew.leads else None, say)
        try:
            if job.resume is None:
                journal.forget_curves()
            trainer = _prepare(job, crew, journal, progress, cancel)
            _epochs(trainer, job, journal)
        except Cancelled as stop:
            journal.log(str(stop), aloud=False)  # whoever catches it says it
            raise
        finally:
            journal.close()
    seconds = time.monotonic() - began
    last = trainer.history[-1] if trainer.history else {"loss": float("nan"), "accuracy": 0.0}
    result = TrainingResult(
        checkpoint=job.checkpoint,
        epochs=trainer.epoch,
        loss=last["loss"],
        accuracy=last["accuracy"],
        seconds=seconds,
        history=tuple(trainer.history),
        people=trainer.book.people,
    )
    if not crew.leads:
        return result
    journal.result(_training_record(job, result))
    try:
        reports = tuple(_evaluate(job, crew, test, journal, progress, cancel) for test in job.tests)
        for report in reports:
            journal.scalars(trainer.epoch, _test_points(report))
    finally:
        journal.close()
    return TrainingResult(**{**vars(result), "reports": reports})


def _check_tests(tests: Sequence[Dataset]) -> None:
    """A test set that cannot be evaluated is met before the training, not after it."""
    for dataset in tests:
        for name, side in (("query", dataset.query), ("gallery", dataset.gallery)):
            if not len(side):
                raise InputError(
                    f"{dataset.root}: test set {dataset.name!r} has no {name} pictures; "
                    "leave it out of --testset"
                )


def _open_folder(job: TrainingJob, crew: Team) -> None:
    if not crew.leads:
        return
    if job.resume is None and job.checkpoint.exists() and not job.overwrite:
        raise InputError(
            f"{job.checkpoint}: a training is there already; --resume continues it, --overwrite "
            "replaces it, another --sub_method keeps both"
        )
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{job.folder}: cannot be made ({error.strerror})") from None


def _prepare(
    job: TrainingJob,
    crew: Team,
    journal: Journal,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> Trainer:
    """Pictures, network and trainer, fresh or restored."""
    recipe = job.recipe
    people = join_training_sets(job.datasets, job.labels)
    shown = progress if crew.leads else None
    # What cannot work is met before all pictures are read.
    check_learnable(people, recipe.num_instance)
    torch.manual_seed(job.seed)
    # A resumed network is filled from the checkpoint: nothing is downloaded for it.
    start = recipe if job.resume is None else replace(recipe, init="none")
    weights = job.weights if job.resume is None else None
    network, origin = crew.leader_first(
        lambda: new_network(start, weights, WorkContext(shown, cancel))
    )
    book = open_book(
        people,
        recipe.input_size,
        memory=job.memory,
        ranks=crew.ranks,
        progress=shown,
        cancel=cancel,
    )
    learned = [f"teachers: {', '.join(recipe.teachers)}"] if recipe.teachers else []
    notes = [*people.notes, *learned, *check_learnable(book.people, recipe.num_instance)]
    if crew.leads:
        notes.append(_memory_words(network, recipe, book))
    pretrained = job.weights is not None or recipe.init == "imagenet"
    workers = default_workers(crew.device.type) if job.workers is None else job.workers
    around = Surroundings(crew, workers, shown, cancel, journal.log)
    teachers = open_teachers(
        recipe.teachers, book.people, crew.device, progress=shown, cancel=cancel
    )
    trainer = Trainer(
        recipe, network, book, seed=job.seed, pretrained=pretrained, teachers=teachers,
        around=around,
    )  # fmt: skip
    if job.resume is not None:
        trainer.restore(job.resume)
        origin = f"resumed from {job.resume} after {trainer.epoch} epochs"
    elif job.weights is not None:
        notes.append(take_neck_and_head(network, trainer.criterion.matcher, job.weights))
    _introduce(book, recipe, crew, (origin, *filter(None, notes)), journal)
    return trainer


def _memory_words(network: FeatureNetwork, recipe: Recipe, book: PictureCache) -> str:
    """What a step takes, and the pictures that are kept."""
    step = step_bytes(network, recipe.input_size, recipe.batch_size, recipe.frozen)
    pictures = 0 if book.pixels is None else book.pixels.nbytes
    return (
        f"memory: about {format_bytes(step)} for each step, {format_bytes(pictures)} for pictures"
    )


def _introduce(
    book: PictureCache, recipe: Recipe, crew: Team, notes: Sequence[str], journal: Journal
) -> None:
    people = book.people
    ibn = f" IBN-{recipe.ibn}" if recipe.ibn else ""
    journal.log(f"training on {people.describe()}")
    journal.log(
        f"recipe {recipe.name}: {recipe.arch}{ibn} to {recipe.layer}, neck {recipe.neck}, input "
        f"{recipe.input_size[0]}×{recipe.input_size[1]}, {recipe.loss} loss, {recipe.sampler} "
        f"sampler, batch {recipe.batch_size}, {recipe.optimizer} at {recipe.lr:g}, up to "
        f"{recipe.epochs} epochs, {training_precision(recipe.amp, crew.device)} on {crew.device}"
        + (f" in {crew.ranks} processes" if crew.ranks > 1 else "")
        + ("" if book.pixels is not None else "; pictures are read from disk again and again")
    )
    for note in notes:
        journal.log(note)
    for item in people.rejected[:_SHOWN]:
        journal.log(f"left out: {item}")
    if len(people.rejected) > _SHOWN:
        journal.log(f"left out: {len(people.rejected) - _SHOWN:,} more pictures")


def _epochs(trainer: Trainer, job: TrainingJob, journal: Journal) -> None:
    seen = len(trainer.history)
    log = trainer.around.log

    def told(line: str) -> None:
        nonlocal seen
        if log is not None:
            log(line)
        for record in trainer.history[seen:]:
            curves = {f"train/{name}": record[name] for name in ("loss", "accuracy", "rate")}
            journal.scalars(int(record["epoch"]), curves)
        seen = len(trainer.history)

    trainer.around = Surroundings(**{**vars(trainer.around), "log": told})
    trainer.run(job.checkpoint)


def _training_record(job: TrainingJob, result: TrainingResult) -> dict[str, Any]:
    """The line on the training; the first names are upstream's."""
    return {
        "train_dataset": result.people.name,
        "loss": result.loss,
        "acc": result.accuracy,
        "epochs": result.epochs,
        "train_time": result.seconds,
        "pictures": len(result.people),
        "people": result.people.classes,
        "seed": job.seed,
        "recipe": job.recipe.to_dict(),
        "history": list(result.history),
    }


def _evaluate(
    job: TrainingJob,
    crew: Team,
    dataset: Dataset,
    journal: Journal,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> EvaluationReport:
    model = load_model(job.checkpoint, str(crew.device))
    found = evaluate(model, dataset, job.methods, Job(progress=progress, cancel=cancel))
    report = found.report
    record: dict[str, Any] = {"test_dataset": dataset.name}
    for result in report.results:
        suffix = result.method.rpartition("+")[2] if "+" in result.method else ""
        ending = f"_{suffix}" if suffix else ""
        record |= {f"rank1{ending}": result.rank(1), f"mAP{ending}": result.mAP}
        journal.log(f"{dataset.name}, {result.method}: Rank-1 {result.rank(1):.1%}, "
                    f"mAP {result.mAP:.1%}")  # fmt: skip
    journal.result({**record, "report": report_json(report)})
    return report


def _test_points(report: EvaluationReport) -> dict[str, float]:
    """``test/market/qaconv+rerank/mAP`` and the like, for curves."""
    return {
        f"test/{report.dataset}/{result.method}/{name}": value
        for result in report.results
        for name, value in (("rank1", result.rank(1)), ("mAP", result.mAP))
    }


def run_folder(exp_dir: Path, datasets: Sequence[str], method: str, sub_method: str) -> Path:
    """``<exp-dir>/<Dataset>/<method>/<sub_method>``, as upstream names it."""
    name = joined_name([Path(dataset).name.capitalize() for dataset in datasets])
    for part in (name, method, sub_method):
        if not part or part in (".", "..") or "/" in part or "\\" in part:
            raise InputError(f"{part!r} cannot be the name of a run's folder")
    return exp_dir / name / method / sub_method


def default_sub_method(recipe: Recipe) -> str:
    """E.g. ``v2.1-res50-ibnb-layer3``."""
    ibn = f"-ibn{recipe.ibn}" if recipe.ibn else ""
    return f"{recipe.name}-{recipe.arch.replace('resnet', 'res')}{ibn}-{recipe.layer}"
