"""``qaconv explain``: whether explanations can be trusted, what misleads, and why A is above B."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.options import (
    add_blur_option,
    add_data_options,
    add_model_options,
    add_work_options,
    check_page,
    load_chosen_model,
    open_named_dataset,
    positive,
    show,
    work_on,
    write_result,
)
from qaconv_core.cli.terminal import say
from qaconv_core.errors import InputError
from qaconv_core.explaining.limits import LIMITS, PAIR_X
from qaconv_core.progress import CancelToken
from qaconv_core.readable import counted, json_text

if TYPE_CHECKING:
    from qaconv_core.evaluation.errors_of_ranking import ErrorAnalysis
    from qaconv_core.evaluation.evaluator import Job
    from qaconv_core.evaluation.explanation_checks import ExplanationCheckReport
    from qaconv_core.model import Model
    from qaconv_core.types import Dataset

_PAGES = (".html", ".htm")
DEMO = "demo"
_EXAMPLES = """\
examples:
  qaconv explain Q.jpg A.jpg --figure hidden.png         what hiding each region does
  qaconv explain Q.jpg A.jpg B.jpg                       why A has another logit than B
  qaconv explain Q.jpg A.jpg B.jpg --against demo        why A stands higher above strangers
  qaconv explain --dataset demo --report trust.html      how far maps can be trusted
  qaconv explain --dataset demo --failures f.html        what misleads the model
  qaconv explain --dataset demo --decisions d.csv        what was decided in the window
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv explain``."""
    parser.add_argument(
        "pictures",
        nargs="*",
        metavar="PICTURE",
        help="QUERY A: what if a region were hidden; QUERY A B: why A has another logit than B. "
        "Without pictures a whole data set is measured",
    )
    parser.add_argument(
        "-d", "--dataset", metavar="NAME", help="name of a data set, or a folder (default: demo)"
    )
    add_data_options(parser)
    add_model_options(parser)
    add_work_options(parser)
    _add_dataset_options(parser)
    _add_picture_options(parser)
    parser.epilog = f"{_EXAMPLES}\n{LIMITS}"
    parser.set_defaults(run=run)


def _add_dataset_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a data set (files end in .html or .json)")
    group.add_argument(
        "--report", metavar="FILE", help="part agreement, shift following, removal curves, …"
    )
    group.add_argument("--pairs", type=positive, default=50, metavar="N", help="pairs a kind")
    group.add_argument(
        "--failures", metavar="FILE", help="what the wrong Rank-1 results have in common"
    )
    group.add_argument(
        "--clusters", type=positive, default=4, metavar="K", help="clusters of failures"
    )
    group.add_argument(
        "--no-junk", action="store_true", help="keep matches of the query's own camera (one camera)"
    )
    group.add_argument(
        "--decisions",
        metavar="FILE",
        help="the decisions (confirm, reject, unsure) kept for this data set, as CSV",
    )


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    from qaconv_core.cli.galleries import NORMALISED, add_pairs_option
    from qaconv_core.cli.regions import window
    from qaconv_core.matching.strongest import RELATIVE

    group = parser.add_argument_group("pictures")
    group.add_argument(
        "--window", type=window, default="3x3", metavar="RxC", help="cells hidden at a time"
    )
    group.add_argument(
        "--against",
        metavar="DIR|DATASET",
        help="a gallery of strangers: QUERY A B are compared by how far they stand above these",
    )
    group.add_argument(
        "--colour-by",
        choices=(NORMALISED, RELATIVE),
        help="what is compared with --against: parts of the normalised scores (the default), or "
        "contributions above the average of the gallery (relative)",
    )
    add_pairs_option(group)
    group.add_argument("--top", type=positive, default=12, metavar="N", help="reasons to list")
    group.add_argument("--json", metavar="FILE", help="all maps as nested lists")
    group.add_argument("--figure", metavar="FILE", help="the maps (.png, .pdf, .svg)")
    add_blur_option(parser)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Explain two or three pictures, or measure a data set."""
    from qaconv_core.cli.evaluate import check_outputs

    check_outputs(arguments)
    if arguments.pictures:
        from qaconv_core.cli.explain_pair import explain_pictures

        if arguments.dataset or arguments.report or arguments.failures or arguments.decisions:
            raise InputError("pictures and --dataset are explained apart; give one of the two")
        explain_pictures(arguments, cancel)
        return
    of_pictures = ("json", "figure", "against", "colour_by", "among_pairs")
    if any(getattr(arguments, name) for name in of_pictures):
        raise InputError(
            "--json, --figure, --against, --colour-by and --among-pairs belong to pictures; a data "
            "set has --report and --failures"
        )
    for option in ("report", "failures"):
        check_page(getattr(arguments, option), option, (*_PAGES, ".json"))
    _explain_dataset(arguments, cancel)


def _explain_dataset(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    from qaconv_core.evaluation.evaluator import check_sides

    name = arguments.dataset or DEMO
    dataset = open_named_dataset(name, arguments)
    if arguments.decisions:
        _write_decisions(dataset, arguments.decisions)
        if not (arguments.report or arguments.failures):
            return
    if arguments.failures:
        check_sides(dataset)
    model = load_chosen_model(arguments, name)
    with work_on(model, arguments, cancel) as job:
        if arguments.report or not arguments.failures:
            _measure(model, dataset, arguments, job)
        if arguments.failures:
            _analyse(model, dataset, arguments, job)


def _measure(model: Model, dataset: Dataset, arguments: argparse.Namespace, job: Job) -> None:
    """Trust measures: a table, and --report."""
    from qaconv_core.data.label_maps import PERSON, has_label_maps, read_label_map
    from qaconv_core.evaluation.explanation_checks import check_explanations
    from qaconv_core.evaluation.explanations import PartNames

    options: dict[str, Any] = {}
    if has_label_maps(dataset):
        options = {"labels": read_label_map, "parts": PartNames(PERSON)}
    else:
        say("no label maps: part agreement and background cannot be measured")
    report = check_explanations(model, dataset, arguments.pairs, job=job, **options)
    if arguments.report != "-":
        show(checks_table(report))
    if arguments.report:
        _write_page(arguments.report, report.to_dict(), lambda: _checks_page(report), "report")


def _analyse(model: Model, dataset: Dataset, arguments: argparse.Namespace, job: Job) -> None:
    """Failure analysis: a table, and --failures."""
    from qaconv_core.data.label_maps import LABELS, has_label_maps, read_label_map
    from qaconv_core.evaluation.errors_of_ranking import analyse_errors

    options: dict[str, Any] = {}
    if has_label_maps(dataset):
        options = {"labels": read_label_map, "part_names": dict(enumerate(LABELS))}
    found = analyse_errors(
        model,
        dataset,
        clusters=arguments.clusters,
        junk_rule=not arguments.no_junk,
        job=job,
        **options,
    )
    if arguments.failures != "-":
        show(errors_table(found))
    _write_page(arguments.failures, found.to_dict(), lambda: _errors_page(found), "failures")


def _checks_page(report: ExplanationCheckReport) -> str:
    from qaconv_core.documents.explanation_checks import explanation_checks_html

    return explanation_checks_html(report)


def _errors_page(found: ErrorAnalysis) -> str:
    from qaconv_core.documents.errors_of_ranking import errors_html

    return errors_html(found)


def _write_page(file: str, record: dict[str, Any], make: Any, what: str) -> None:
    """HTML or, by its suffix or on stdout, JSON."""
    if file != "-" and Path(file).suffix.lower() in _PAGES:
        write_result(file, make(), what)
    else:
        write_result(file, json_text(record, indent=1), what)


def _write_decisions(dataset: Dataset, file: str) -> None:
    from qaconv_core.store.decisions import DecisionLog, decisions_csv

    decisions = DecisionLog(dataset.name, dataset.root).all()
    say(f"{counted(len(decisions), 'decision is', 'decisions are')} kept for {dataset.name}")
    write_result(file, decisions_csv(decisions), "decisions")


def checks_table(report: ExplanationCheckReport) -> str:
    """The measures of a report for the terminal."""
    from qaconv_core.documents.explanation_checks import (
        EQUAL_HEAD,
        area_rows,
        equal_rows,
        equal_words,
        quality_head,
        quality_rows,
    )

    lines = _columns(quality_head(report), quality_rows(report))
    if report.equal is not None:
        lines += ["", f"true matches look more plausible than false ones, {PAIR_X}"]
        lines += [equal_words(report.equal), *_columns(EQUAL_HEAD, equal_rows(report.equal))]
    lines += ["", "area between removal curves and random order, share of |logit − bias|"]
    lines += _columns(("pairs", "order", "deletion", "insertion"), area_rows(report))
    return "\n".join([*lines, *(f"note: {note}" for note in report.notes)])


def errors_table(found: ErrorAnalysis) -> str:
    """The groups of failures for the terminal."""
    lines = [
        f"{len(found.errors):,} of {found.valid_queries:,} valid queries have a false first match"
    ]
    together = () if found.together is None else (found.together,)
    names = [name for group in together for name in list(group.parts)[:5]]
    rows = [
        (group.name, len(group.examples), group.margin, *(group.parts.get(name) for name in names))
        for group in (*together, *found.cameras, *found.clusters)
    ]
    if rows:
        lines += _columns(("group", "failures", "margin", *names), rows)
    return "\n".join(lines)


def _columns(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    """Lines of a table whose columns are as wide as they have to be."""
    cells = [list(head), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    text = [isinstance(cell, str) for cell in rows[0]] if rows else [True] * len(head)
    return [
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, text, strict=True)
        ).rstrip()
        for row in cells
    ]


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
