"""``qaconv adapt``: adapt a model to the pictures of own cameras, without labels."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from qaconv_core.adaptation.defaults import EPOCHS, RATE, ROUNDS
from qaconv_core.adaptation.pictures import FOLDERS
from qaconv_core.cli.options import (
    add_data_options,
    add_size_options,
    add_training_machine_options,
    input_size,
    open_named_dataset,
    positive,
    show,
    write_json,
    write_result,
)
from qaconv_core.cli.terminal import say
from qaconv_core.cli.train import TrainingShower
from qaconv_core.data.resources import resource_path
from qaconv_core.progress import CancelToken
from qaconv_core.readable import shown

if TYPE_CHECKING:
    from qaconv_core.adaptation import AdaptationJob, AdaptationResult, FoundGroups

_DEMO = "demo"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv adapt``."""
    parser.add_argument(
        "-d",
        "--dataset",
        required=True,
        help="data set by name (its training pictures), or a folder of pictures of your cameras",
    )
    add_data_options(parser)
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        default=_DEMO,
        help="the model to begin from; 'demo' is the bundled one",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the new model")
    parser.add_argument(
        "--folders",
        choices=FOLDERS,
        default="auto",
        help="what the folders of a plain folder are; auto takes few folders of many pictures for "
        "cameras",
    )
    parser.add_argument(
        "--rounds",
        type=positive,
        default=ROUNDS,
        metavar="N",
        help="rounds of grouping and training",
    )
    parser.add_argument(
        "--epochs", type=positive, default=EPOCHS, metavar="N", help="epochs of training in a round"
    )
    parser.add_argument("--lr", type=float, default=RATE, help="rate of learning")
    add_size_options(parser, "the model's input")
    parser.add_argument(
        "--groups", metavar="FILE", help="show the groups of the round under way as a page (.html)"
    )
    parser.add_argument(
        "--review",
        action="store_true",
        help="stop once the first groups are found, so that they can be looked at; the same "
        "command without it goes on",
    )
    parser.add_argument(
        "--without",
        type=_numbers,
        default=(),
        metavar="N[,N]",
        help="numbers of wrong groups of the first round, which nothing is learned from",
    )
    parser.add_argument("--json", metavar="FILE", help="rounds and checks as JSON ('-': stdout)")
    parser.add_argument(
        "--figure", metavar="FILE", help="the checks by rounds as curves (.png, .pdf, .svg)"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="begin anew and replace FILE; else the same command goes on where it was stopped",
    )
    add_training_machine_options(parser)
    parser.set_defaults(run=run)


def _numbers(text: str) -> tuple[int, ...]:
    """``3,17`` as numbers from 1."""
    return tuple(positive(part.strip()) for part in text.split(",") if part.strip())


class _Reviewed(Exception):
    """The groups are there and shall be looked at before the work goes on."""


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Adapt, say whether it helped and where the model is."""
    from qaconv_core.adaptation import adapt
    from qaconv_core.cli.evaluate import check_outputs

    check_outputs(arguments)
    job = adaptation_job(arguments)

    def look(found: FoundGroups) -> None:
        if arguments.groups:
            from qaconv_core.documents.groups import groups_html

            write_result(arguments.groups, groups_html(found, job.pictures.name), "groups")
        if arguments.review:
            raise _Reviewed

    results: list[AdaptationResult] = []

    def keep(result: AdaptationResult) -> None:
        results.append(result)
        if arguments.json:
            write_json(arguments.json, result.to_dict())
            sys.stdout.flush()  # a full disk behind "-" is met here
        if arguments.figure:
            _write_figure(result, arguments.figure)

    try:
        with TrainingShower(arguments.quiet) as progress:
            adapt(
                job, progress=progress, cancel=cancel, say=say, on_groups=look, on_result=keep
            )  # fmt: skip
    except _Reviewed:
        without = " and --overwrite" if arguments.overwrite else ""
        say(f"stopped to look at the groups; the same command without --review{without} goes on")
    finally:  # said also where another file could not be written
        if results and arguments.json != "-":
            show(outcome(results[0]))


def _write_figure(result: AdaptationResult, file: str) -> None:
    from qaconv_core.figures.adaptation import rounds_figure
    from qaconv_core.figures.style import save_figure

    save_figure(rounds_figure(result), Path(file))
    say(f"figure: {file}")


def adaptation_job(arguments: argparse.Namespace) -> AdaptationJob:
    """The job that the options describe; nothing is decoded."""
    from qaconv_core.adaptation import AdaptationJob, pictures_of

    dataset = open_named_dataset(arguments.dataset, arguments)
    start = Path(arguments.checkpoint)
    name = start.name
    if arguments.checkpoint == _DEMO and not start.is_file():
        start, name = resource_path("model", "checkpoint.pth.tar"), "the bundled model"
    return AdaptationJob(
        pictures=pictures_of(dataset, arguments.folders),
        start=start,
        out=arguments.out,
        name=name,
        rounds=arguments.rounds,
        epochs=arguments.epochs,
        rate=arguments.lr,
        seed=arguments.seed,
        device=arguments.device,
        workers=arguments.workers,
        overwrite=arguments.overwrite,
        input_size=input_size(arguments),
        without=arguments.without,
    )


def outcome(result: AdaptationResult) -> str:
    """Whether it helped and where the model is, in one or two lines."""
    minutes = f"{result.seconds / 60:.0f} min"
    if not result.helped:
        return (
            "The adaptation did not help by its own check on held-out pictures.\n"
            f"{shown(result.out)} holds the model as it was ({minutes})."
        )
    then, now = result.before, result.checks[result.written_stage]
    how = f"adapted in {result.kept} of {len(result.learned)} rounds"
    if result.cameras_alone:
        how = "learning did not help; the maps of the old model are corrected for the cameras"
    if result.averages_mirrored:
        how += "; maps are averaged with those of mirrored pictures"
    return (
        f"{shown(result.out)}: {how} ({minutes}); "
        f"the held-out groups' worth went from {then.worth:.3f} to {now.worth:.3f}, gain "
        f"{now.gain or 0.0:+.3f}"
    )
