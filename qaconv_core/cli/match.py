"""``qaconv match``: which part of one picture matched which part of another, and its worth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qaconv_core.cli.evaluate import check_outputs
from qaconv_core.cli.galleries import as_stored, averages_for
from qaconv_core.cli.options import (
    add_blur_option,
    add_data_options,
    add_model_options,
    add_work_options,
    load_chosen_model,
    show,
    write_json,
)
from qaconv_core.cli.terminal import say
from qaconv_core.errors import InputError
from qaconv_core.explaining import limits
from qaconv_core.matching.strongest import (
    DIRECTIONS,
    ORDERS,
    RELATIVE,
    select_correspondences,
    worth,
)
from qaconv_core.progress import CancelToken
from qaconv_core.types import CorrespondenceMap

if TYPE_CHECKING:
    from qaconv_core.explaining.values import RelativeMatch


_EXAMPLES = """\
examples:
  qaconv match A.jpg B.jpg --figure match.pdf --json match.json
  qaconv match A.jpg B.jpg --against demo --figure match.png     what is distinctive
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv match``."""
    parser.add_argument("query", metavar="A.jpg", help="the query picture")
    parser.add_argument("gallery", metavar="B.jpg", help="the picture it is matched with")
    add_model_options(parser)
    parser.add_argument(
        "--against",
        metavar="DIR|DATASET",
        help="a gallery: show what the cells add beyond their average over it (and colour by that)",
    )
    add_data_options(parser)
    add_work_options(parser)
    parser.add_argument("--json", metavar="FILE", help="all maps as nested lists")
    parser.add_argument("--figure", metavar="FILE", help="lines and heat maps (.png, .pdf, .svg)")
    add_blur_option(parser)
    add_line_options(parser)
    parser.add_argument("--no-heat", action="store_true", help="lines only, no contribution maps")
    parser.epilog = "\n".join([_EXAMPLES, "what is beyond the usual, and is not:", *limits.AVERAGE])
    parser.set_defaults(run=run)


def add_line_options(parser: argparse.ArgumentParser) -> None:
    """Which correspondences are listed and drawn."""
    parser.add_argument(
        "--threshold", type=float, metavar="S", help="only matches of at least this similarity"
    )
    parser.add_argument("--top", type=int, default=12, metavar="N", help="at most so many matches")
    parser.add_argument(
        "--direction", choices=DIRECTIONS, default="query", help="whose cells are followed"
    )
    parser.add_argument(
        "--colour-by",
        choices=(*ORDERS, RELATIVE),
        help="what orders and colours the lines (contribution; with --against relative)",
    )


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Explain one pair on the terminal, as JSON and as a figure."""
    check_outputs(arguments)
    from qaconv_core.data.images import read_image

    pictures = [read_image(path) for path in (arguments.query, arguments.gallery)]
    model = load_chosen_model(arguments)
    cancel.raise_if_cancelled()
    maps = model.extract(pictures)
    if arguments.against:
        maps = as_stored(maps)
    match = model.match(maps[0], maps[1])
    beyond = None
    if arguments.against:
        from qaconv_core.explaining.average import relative

        crowd = averages_for(model, arguments.query, maps[0], arguments.against, arguments, cancel)
        beyond = relative(match, crowd)
    order = arguments.colour_by or ("contribution" if beyond is None else RELATIVE)
    if order == RELATIVE and beyond is None:
        raise InputError("--colour-by relative needs a gallery to be relative to: --against")
    if arguments.json != "-":
        show(_summary(match, beyond, order, arguments))
    if arguments.json:
        record = {
            "query": str(arguments.query),
            "gallery": str(arguments.gallery),
            "checkpoint": model.spec.sha256,
            **match.to_dict(),
        }
        if beyond is not None:
            record["relative"] = {"against": arguments.against, **beyond.to_dict()}
        write_json(arguments.json, record, indent=None)
    if arguments.figure:
        from qaconv_core.figures.match import match_figure
        from qaconv_core.figures.style import save_figure

        figure = match_figure(
            pictures[0],
            pictures[1],
            match,
            threshold=arguments.threshold,
            top=arguments.top,
            direction=arguments.direction,
            colour_by=order,
            relative=beyond,
            heat=not arguments.no_heat,
            labels=(Path(arguments.query).name, Path(arguments.gallery).name),
        )
        save_figure(figure, arguments.figure)
        say(f"figure: {arguments.figure}")


def _summary(
    match: CorrespondenceMap,
    beyond: RelativeMatch | None,
    order: str,
    arguments: argparse.Namespace,
) -> str:
    """The sum that makes the logit, and the strongest correspondences."""
    query, gallery = match.query_contribution.sum(), match.gallery_contribution.sum()
    lines = [
        f"logit {match.logit:.3f} = query cells {query:+.3f}, gallery cells {gallery:+.3f}, "
        f"bias {match.bias:+.3f}",
        f"score {match.score:.4f} = sigmoid(logit / 10); larger is closer, not a probability",
    ]
    if beyond is not None:
        lines.append(
            f"beyond the gallery's mean logit {beyond.mean_logit:.3f}: "
            f"query cells {beyond.query.sum():+.3f}, gallery cells {beyond.gallery.sum():+.3f}"
        )
    sides = None if beyond is None else beyond.sides
    chosen, total = select_correspondences(
        match, arguments.threshold, arguments.top, arguments.direction, order, relative=sides
    )
    lines.append(f"{len(chosen)} of {total} matches shown ({arguments.direction} cells):")
    more = "  beyond usual" if sides else ""
    lines.append(f"  query cell (row, column)   gallery cell   similarity      adds{more}")
    added = worth(chosen, sides, arguments.direction) if sides else [None] * len(chosen)
    width = match.grid[1]
    for found, extra in zip(chosen, added, strict=True):
        q, g = divmod(found.query_cell, width), divmod(found.gallery_cell, width)
        lines.append(
            f"  {q[0]:>10}, {q[1]:<12} {g[0]:>6}, {g[1]:<8} {found.similarity:>8.3f} "
            f"{found.contribution:>+11.3f}" + ("" if extra is None else f" {extra:>+13.3f}")
        )
    return "\n".join(lines)
