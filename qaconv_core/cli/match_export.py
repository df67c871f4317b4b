"""``qaconv match --dataset``: figures of the pairs of a set, as the published visualiser's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qaconv_core.cli.evaluate import say_rejected
from qaconv_core.cli.options import (
    load_chosen_model,
    open_named_dataset,
    positive,
    show,
    work_on,
)
from qaconv_core.cli.terminal import ProgressShower
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.types import ImageSet

if TYPE_CHECKING:
    from qaconv_core.documents.match_export import Exported, Pictures
    from qaconv_core.model import Model


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Which pairs of a set are drawn, and where to."""
    group = parser.add_argument_group(
        "a whole set",
        "figures (lines alone) of all true matches from other cameras and of the hardest false one "
        "of every query, in OUT/positives and OUT/negatives; an interrupted export goes on",
    )
    group.add_argument("-d", "--dataset", metavar="NAME", help="a data set, or a folder")
    group.add_argument("--out", type=Path, metavar="DIR", help="folder for the figures")
    group.add_argument(
        "--among",
        choices=("query", "gallery"),
        default="query",
        help="what the queries are matched with: each other, as published, or the gallery",
    )
    group.add_argument(
        "--contribution",
        type=float,
        metavar="C",
        help="lines are matches that contribute at least C to the logit (default: half of what a "
        "cell of average weight contributes at similarity 1)",
    )
    group.add_argument(
        "--lines", type=positive, default=5, metavar="N", help="only pairs with at least N lines"
    )
    group.add_argument("--format", choices=("png", "pdf", "svg"), default="png")
    group.add_argument(
        "--index", choices=("csv", "json"), default="csv", help="form of OUT/index, of all pairs"
    )


def run_export(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Draw the pairs of a data set."""
    if arguments.query is not None:
        raise InputError("name two pictures or --dataset, not both")
    if arguments.out is None:
        raise InputError("--dataset draws many figures: name a folder for them by --out")
    for option in ("json", "figure", "against", "colour_by"):
        if getattr(arguments, option) is not None:
            name = option.replace("_", "-")
            raise InputError(f"--{name} is for two pictures: leave it out with --dataset")
    dataset = open_named_dataset(arguments.dataset, arguments)
    if not len(dataset.query):
        raise InputError(f"{dataset.root}: data set {dataset.name} has no query pictures")
    model = load_chosen_model(arguments, arguments.dataset)
    from qaconv_core.documents.match_export import (
        Drawing,
        Source,
        export_matches,
        usual_contribution,
    )

    contribution = arguments.contribution
    drawing = Drawing(
        usual_contribution(model) if contribution is None else contribution,
        arguments.lines,
        arguments.threshold,
        arguments.top,
        arguments.direction,
        f".{arguments.format}",
    )
    queries = _pictures(model, dataset.query, "query", arguments, cancel)
    others = queries
    if arguments.among == "gallery":
        others = _pictures(model, dataset.gallery, "gallery", arguments, cancel)
    with ProgressShower(arguments.quiet) as progress:
        done = export_matches(
            model, queries, others, Source(dataset.name, dataset.root, arguments.among),
            arguments.out, drawing, arguments.index, WorkContext(progress, cancel),
        )  # fmt: skip
    show(_summary(done, arguments))


def _pictures(
    model: Model, refs: ImageSet, name: str, arguments: argparse.Namespace, cancel: CancelToken
) -> Pictures:
    """The pictures of one side that can be read, and their maps."""
    from qaconv_core.documents.match_export import Pictures

    with work_on(model, arguments, cancel) as job:
        found = job.extract(model, refs, f"{name} features")
    say_rejected(found.rejected)
    if not len(found.kept):
        raise InputError(f"none of the {name} pictures can be read")
    return Pictures(refs.select(found.kept), found.bank)


def _summary(done: list[Exported], arguments: argparse.Namespace) -> str:
    drawn = [exported for exported in done if exported.file]
    few = len(done) - len(drawn)
    return (
        f"{len(drawn):,} of {len(done):,} pairs drawn in {arguments.out} "
        f"({few:,} have fewer than {arguments.lines} lines); index.{arguments.index} names them all"
    )
