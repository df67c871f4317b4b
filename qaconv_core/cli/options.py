"""Options that several commands share, and what they lead to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.device import PRECISIONS
from qaconv_core.errors import InputError, StoreError
from qaconv_core.paths import typed_path
from qaconv_core.progress import CancelToken
from qaconv_core.readable import json_text, shown, shown_lines
from qaconv_core.types import Dataset

if TYPE_CHECKING:
    from qaconv_core.evaluation.evaluator import Job
    from qaconv_core.model import Model
    from qaconv_core.store.features import FeatureShelf

DEFAULT_DATA_DIR = Path("data")
DEFAULT_EXP_DIR = Path("Exp")


def positive(text: str) -> int:
    """A whole number from 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number from 1")
    return number


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which checkpoint, and what a file cannot tell about itself."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="checkpoint.pth.tar of any QAConv release, or 'demo' for the bundled model",
    )
    group.add_argument(
        "--exp-dir",
        type=Path,
        metavar="DIR",
        help="take the newest checkpoint.pth.tar below <DIR>/<Dataset>/, where training writes it",
    )
    add_device_option(group)
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="arithmetic of the feature network; auto: mixed on CUDA, float32 elsewhere; fast: "
        "also bfloat16 on processors that have it",
    )
    add_size_options(group, "the model's input")


def add_device_option(group: argparse._ActionsContainer, default: str = "auto") -> None:
    """Where to compute."""
    automatic = "auto, " if default == "auto" else ""
    group.add_argument("--device", default=default, help=f"{automatic}cpu, cuda, cuda:1, …")


def add_size_options(group: argparse._ActionsContainer, what: str) -> None:
    """The size of pictures that go into a network; see :func:`input_size`."""
    for side in ("height", "width"):
        group.add_argument(f"--{side}", type=positive, help=f"{side} of {what} in pixels")


def add_quiet_option(group: argparse._ActionsContainer) -> None:
    """For scripts."""
    group.add_argument("--quiet", action="store_true", help="no progress")


def add_training_machine_options(group: argparse._ActionsContainer) -> None:
    """Where a training runs, and what decides its random numbers."""
    group.add_argument("--seed", type=int, default=0)
    add_device_option(group)
    group.add_argument("-j", "--workers", type=int, metavar="N", help="processes for pictures")
    add_quiet_option(group)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Where data sets lie."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=DEFAULT_DATA_DIR,
        metavar="DIR",
        help="folder of the data sets (<DIR>/<name>/), or the set's own folder or CSV table",
    )


def add_work_options(parser: argparse.ArgumentParser) -> None:
    """How the work is done: batches, workers, cache, noise."""
    group = parser.add_argument_group("work")
    group.add_argument(
        "--batch-size", "--test_fea_batch", type=positive, metavar="N", help="pictures a batch"
    )
    group.add_argument("-j", "--workers", type=int, metavar="N", help="processes that decode")
    group.add_argument("--no-cache", action="store_true", help="neither read nor keep feature maps")
    add_quiet_option(group)


def add_blur_option(parser: argparse.ArgumentParser) -> None:
    """What is blurred in the pictures of figures and reports (see ``cli.main``)."""
    parser.add_argument(
        "--blur",
        choices=("faces", "all"),
        help="blur the head zone of every picture, or whole pictures, in figures and reports",
    )


def input_size(arguments: argparse.Namespace) -> tuple[int, int] | None:
    """(height, width) if both were given."""
    if arguments.height is None and arguments.width is None:
        return None
    if arguments.height is None or arguments.width is None:
        raise InputError("--height and --width belong together; give both")
    return arguments.height, arguments.width


def load_chosen_model(arguments: argparse.Namespace, dataset: str = "") -> Model:
    """The model that --checkpoint, --exp-dir or nothing (the bundled one) names."""
    from qaconv_core.model import DEMO, load_model

    path: str | Path = DEMO
    if arguments.checkpoint:
        path = arguments.checkpoint
    elif arguments.exp_dir is not None:
        path = newest_checkpoint(arguments.exp_dir, dataset)
        say(f"checkpoint: {path}")
    elif dataset not in ("", DEMO):
        say("no --checkpoint given: the bundled demo model is used")
    model = load_model(
        path,
        arguments.device,
        input_size=input_size(arguments),
        precision=arguments.precision,
    )
    for note in model.notes:
        say(f"note: {note}")
    return model


def newest_checkpoint(exp_dir: Path, dataset: str) -> Path:
    """The newest ``<exp-dir>/<Dataset>/<method>/<sub_method>/checkpoint.pth.tar``."""
    return checkpoints_below(exp_dir, dataset)[0]


def checkpoints_below(exp_dir: Path, dataset: str) -> list[Path]:
    """All such checkpoints, newest first; those of other data sets where ``dataset`` has none.

    Raises :class:`InputError` where there is none at all.
    """
    if not exp_dir.is_dir():
        raise InputError(f"{exp_dir}: no such folder; --exp-dir is where training writes its runs")
    found = [path for path in exp_dir.rglob("checkpoint.pth.tar") if path.is_file()]
    own = [p for p in found if p.relative_to(exp_dir).parts[0].lower() == dataset.lower()]
    candidates = own or found
    if not candidates:
        raise InputError(
            f"{exp_dir}: holds no checkpoint.pth.tar (expected "
            f"{exp_dir}/{dataset.capitalize() or 'Dataset'}/<method>/<sub_method>/)"
        )
    return sorted(candidates, key=lambda path: path.stat().st_mtime, reverse=True)


def dataset_names(text: str, option: str) -> list[str]:
    """The names in ``A,B``, each once; ``option`` is named where there is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InputError(f"{option} names no data set")
    return list(dict.fromkeys(names))


def open_named_dataset(
    name: str, arguments: argparse.Namespace, *, combine_all: bool = False
) -> Dataset:
    """A data set by name below --data-dir; a folder or CSV path stands for itself.

    A folder that is one of the named sets by its content is read as such, with its times.
    """
    from qaconv_core.data import DATASETS, open_dataset, recognise
    from qaconv_core.data.own_names import dataset_key

    if dataset_key(name) not in DATASETS and typed_path(name).exists():
        kind = recognise(name)
        if kind != "folder":
            say(f"{name}: recognised as {kind} by its folders and file names")
        return open_dataset(kind, name, combine_all=combine_all)
    return open_dataset(name, arguments.data_dir, combine_all=combine_all)


@contextmanager
def feature_shelf(model: Model, arguments: argparse.Namespace) -> Iterator[FeatureShelf | None]:
    """The model's stored feature maps, or None with --no-cache or where no store can be had."""
    from qaconv_core.store.features import FeatureStore

    if arguments.no_cache:
        yield None
        return
    try:
        shelf = model.open_shelf(FeatureStore())
    except StoreError as error:
        say(f"warning: {error}; going on without stored features")
        yield None
        return
    try:
        yield shelf
    finally:
        shelf.close()


@contextmanager
def work_on(model: Model, arguments: argparse.Namespace, cancel: CancelToken) -> Iterator[Job]:
    """How the work options want a data set worked on; progress is shown on the terminal."""
    from qaconv_core.evaluation.evaluator import Job

    with feature_shelf(model, arguments) as shelf, ProgressShower(arguments.quiet) as progress:
        yield Job(progress, cancel, shelf, arguments.batch_size, arguments.workers)


def show(text: str) -> None:
    """Result text on stdout."""
    text = shown_lines(text)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def check_page(file: str | None, option: str, suffixes: tuple[str, ...]) -> None:
    """Refuse a report that could not be written, before the work."""
    if file in (None, "-"):
        return
    path = Path(str(file))
    if path.suffix.lower() not in suffixes:
        known = " or ".join(suffix for suffix in suffixes if suffix != ".htm")
        raise InputError(f"{file}: --{option} writes {known}; choose one of these")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(f"{file}: --{option} takes a file in a folder that exists")


def write_json(path: str, record: Any, indent: int | None = 2) -> None:
    """Write a result as JSON; ``-`` is stdout."""
    write_result(path, json_text(record, indent), "JSON")


def write_result(path: str, text: str, what: str) -> None:
    """Write a result file whole or not at all; ``-`` is stdout."""
    if path == "-":
        show(text)
        return
    from qaconv_core.store.atomic import atomic_write_text

    atomic_write_text(path, text)
    say(f"{what}: {path}")
