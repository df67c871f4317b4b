"""``qaconv check``: what a data set holds, what was rejected and why, how many valid queries."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from qaconv_core.cli.options import (
    add_data_options,
    add_quiet_option,
    open_named_dataset,
    show,
    write_json,
)
from qaconv_core.cli.terminal import ProgressShower
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.types import Dataset, Rejected


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv check``."""
    parser.add_argument("-d", "--dataset", default="demo", help="name of a data set, or a folder")
    add_data_options(parser)
    parser.add_argument(
        "--scores",
        metavar="FILE",
        help="instead: what saved scores (.npz, .mat) mean between any two cameras",
    )
    parser.add_argument(
        "--names-only", action="store_true", help="read names only, do not decode the pictures"
    )
    parser.add_argument("--all", action="store_true", help="name every junk box (pid −1) too")
    parser.add_argument("--json", metavar="FILE", help="the findings as JSON ('-': stdout)")
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Open the data set, decode its pictures, print what was found."""
    from qaconv_core.data import check_dataset

    if arguments.scores:
        _check_scores(arguments)
        return
    dataset = open_named_dataset(arguments.dataset, arguments)
    with ProgressShower(arguments.quiet) as progress:
        report = check_dataset(
            dataset,
            decode=not arguments.names_only,
            work=WorkContext(progress, cancel),
        )
    if arguments.json != "-":
        show("\n".join(report.lines(every_file=arguments.all)))
    if arguments.json:
        write_json(arguments.json, report.to_dict())
    refuse_gone(report.rejected, dataset)


def refuse_gone(rejected: Iterable[Rejected], dataset: Dataset) -> None:
    """Raise :class:`InputError` where pictures of a data set were there when it was opened, and are
    not any more."""
    from qaconv_core.data.scan import lost_words, went_away

    listed = {ref.path for side in (dataset.train, dataset.query, dataset.gallery) for ref in side}
    lost = [item.path for item in rejected if item.path in listed and went_away(item.path)]
    if lost:
        raise InputError(
            f"{lost_words(lost, 'the data set was read')}: connect it and run this again"
        )


def _check_scores(arguments: argparse.Namespace) -> None:
    """Print the per-camera report of saved scores."""
    from qaconv_core.cli.rescore import labels_of
    from qaconv_core.evaluation.camera_report import camera_report, matrix_lines
    from qaconv_core.evaluation.saved_scores import load_scores

    scores = load_scores(arguments.scores)
    report = camera_report(scores.score, labels_of(scores))
    if arguments.json != "-":
        show("\n".join(matrix_lines(report)))
    if arguments.json:
        write_json(arguments.json, report)
