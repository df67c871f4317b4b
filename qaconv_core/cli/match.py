"""``qaconv match``: which part of one picture matched which part of another, and its worth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.evaluate import check_outputs
from qaconv_core.cli.galleries import (
    EVIDENCE,
    NORMALISED,
    above_strangers,
    add_pairs_option,
    against_gallery,
    as_stored,
    averages_for,
    evidence_of,
    no_strangers,
    standing_of,
    strangers_words,
)
from qaconv_core.cli.match_export import add_export_options, run_export
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
from qaconv_core.types import CorrespondenceMap, ImageRef

if TYPE_CHECKING:
    from qaconv_core.explaining.values import Relative
    from qaconv_core.model import Model
    from qaconv_core.types import Float32

NO_REFERENCE = (
    "plain contributions, which follow the model's weights: there is no reference of strangers for "
    "this model; --against GALLERY compares with one"
)

_EXAMPLES = """\
examples:
  qaconv match A.jpg B.jpg --figure match.pdf --json match.json
  qaconv match A.jpg B.jpg --against demo --figure match.png     what is distinctive
  qaconv match --dataset demo --out pairs                        figures of all true matches
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv match``."""
    parser.add_argument("query", metavar="A.jpg", nargs="?", help="the query picture")
    parser.add_argument(
        "gallery", metavar="B.jpg", nargs="?", help="the picture it is matched with"
    )
    add_model_options(parser)
    add_export_options(parser)
    parser.add_argument(
        "--against",
        metavar="DIR|DATASET",
        help="a gallery: show what the cells add above its strangers between the two cameras (and "
        "colour by that), and beyond their average over it",
    )
    add_pairs_option(parser)
    add_data_options(parser)
    add_work_options(parser)
    parser.add_argument("--json", metavar="FILE", help="all maps as nested lists")
    parser.add_argument("--figure", metavar="FILE", help="lines and heat maps (.png, .pdf, .svg)")
    add_blur_option(parser)
    add_line_options(parser)
    parser.add_argument("--no-heat", action="store_true", help="lines only, no contribution maps")
    parser.epilog = "\n".join(
        [
            _EXAMPLES,
            "what is above average, and what that does not say:",
            *limits.AVERAGE,
            *limits.STRANGERS,
        ]
    )
    parser.set_defaults(run=run)


def add_line_options(parser: argparse.ArgumentParser) -> None:
    """Which correspondences are listed and drawn."""
    parser.add_argument(
        "--threshold", type=float, metavar="S", help="only matches of at least this similarity"
    )
    parser.add_argument(
        "--top", type=int, metavar="N",
        help="at most so many matches (12; with --dataset all of enough contribution)",
    )  # fmt: skip
    parser.add_argument(
        "--direction", choices=DIRECTIONS, default="query", help="whose cells are followed"
    )
    parser.add_argument(
        "--colour-by",
        choices=(*ORDERS, RELATIVE, NORMALISED),
        help="what orders and colours the lines (normalised: above strangers of --against, or of "
        "the reference that comes with the bundled model; contribution where there is neither; "
        "relative: beyond the average over --against)",
    )


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Explain one pair on the terminal, as JSON and as a figure; or draw the pairs of a set."""
    if arguments.dataset is not None:
        run_export(arguments, cancel)
        return
    if arguments.query is None or arguments.gallery is None:
        raise InputError("name two pictures, A.jpg B.jpg, or a data set: --dataset NAME --out DIR")
    if arguments.top is None:
        arguments.top = 12
    if arguments.among_pairs and not arguments.against:
        raise InputError("--among-pairs needs the data set whose pairs are compared: --against")
    check_outputs(arguments)
    from qaconv_core.data.images import read_image

    pictures = [read_image(path) for path in (arguments.query, arguments.gallery)]
    model = load_chosen_model(arguments)
    cancel.raise_if_cancelled()
    maps = model.extract(pictures)
    if arguments.against:
        maps = as_stored(maps)
    match = model.match(maps[0], maps[1])
    compared, evidence, standing = _compared(model, match, maps, arguments, cancel)
    known = [name for name in (NORMALISED, RELATIVE) if name in compared]
    order = arguments.colour_by or (*known, "contribution")[0]
    if order in (RELATIVE, NORMALISED) and order not in compared:
        raise InputError(f"--colour-by {order} needs a gallery to be compared with: --against")
    if order == "contribution" and arguments.colour_by is None:
        say(NO_REFERENCE)
    shown = compared.get(order)
    if arguments.json != "-":
        show("\n".join([_summary(match, compared, order, arguments), *standing]))
    if arguments.json:
        record = {
            "query": str(arguments.query),
            "gallery": str(arguments.gallery),
            "checkpoint": model.spec.sha256,
            **match.to_dict(),
        }
        if RELATIVE in compared:
            record[RELATIVE] = {"against": arguments.against, **compared[RELATIVE].to_dict()}
        if NORMALISED in compared:
            record[NORMALISED] = compared[NORMALISED].to_dict()
        if arguments.among_pairs:
            record[EVIDENCE] = evidence
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
            colour_by=RELATIVE if shown is not None else order,
            relative=shown,
            heat=not arguments.no_heat,
            labels=(Path(arguments.query).name, Path(arguments.gallery).name),
        )
        save_figure(figure, arguments.figure)
        say(f"figure: {arguments.figure}")


def _compared(
    model: Model,
    match: CorrespondenceMap,
    maps: Float32,
    arguments: argparse.Namespace,
    cancel: CancelToken,
) -> tuple[dict[str, Relative], dict[str, Any] | None, list[str]]:
    """What the cells add beyond others: beyond the average, and above strangers, as far as there is
    a gallery or a reference to compare with; how the evidence stands among that gallery's pairs,
    for JSON and as lines, where this is asked for."""
    found: dict[str, Relative] = {}
    if not arguments.against:
        from qaconv_core.galleries.reference import above_reference, reference_of

        reference = reference_of(model.spec.sha256)
        if reference is not None:
            found[NORMALISED] = above_reference(match, reference)
        return found, None, []
    from qaconv_core.explaining.average import relative

    gallery = against_gallery(model, arguments.against, arguments, cancel)
    pictures = Path(arguments.query), Path(arguments.gallery)
    crowd = averages_for(model, pictures[0], maps[0], gallery, arguments, cancel)
    above = relative(match, crowd)
    evidence: dict[str, Any] | None = None
    lines: list[str] = []
    if arguments.among_pairs:
        refs = ImageRef(pictures[0]), ImageRef(pictures[1])
        evidence, line = standing_of(evidence_of(model, gallery, arguments, cancel), refs, above)
        lines.append(line)
    found[RELATIVE] = above
    strangers = above_strangers(model, match, pictures, (maps[0], maps[1]), gallery, cancel)
    if strangers is not None:
        found[NORMALISED] = strangers
    else:
        say(no_strangers(arguments))
    return found, evidence, lines


def _summary(
    match: CorrespondenceMap,
    compared: dict[str, Relative],
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
    for name, beyond in compared.items():
        what = (
            f"above the average logit {beyond.base:.3f}: "
            if name == RELATIVE
            else f"{beyond.total:+.3f} deviations above {strangers_words(beyond)} = "
        )
        lines.append(
            f"{what}query cells {beyond.query.sum():+.3f}, "
            f"gallery cells {beyond.gallery.sum():+.3f}"
        )
    shown = compared.get(order) or compared.get(NORMALISED)
    sides = None if shown is None else shown.sides
    by = RELATIVE if order == NORMALISED else order
    chosen, total = select_correspondences(
        match, arguments.threshold, arguments.top, arguments.direction, by, relative=sides
    )
    lines.append(f"{len(chosen)} of {total} matches shown ({arguments.direction} cells):")
    named = "above average" if order == RELATIVE else "above strangers"
    more = f"  {named}" if sides else ""
    lines.append(f"  query cell (row, column)   gallery cell   similarity  contribution{more}")
    added = worth(chosen, sides, arguments.direction) if sides else [None] * len(chosen)
    width = match.grid[1]
    for found, extra in zip(chosen, added, strict=True):
        q, g = divmod(found.query_cell, width), divmod(found.gallery_cell, width)
        lines.append(
            f"  {q[0]:>10}, {q[1]:<12} {g[0]:>6}, {g[1]:<8} {found.similarity:>8.3f} "
            f"{found.contribution:>+13.3f}"
            + ("" if extra is None else f" {extra:>+{len(named) + 1}.3f}")
        )
    return "\n".join(lines)
