"""``qaconv evaluate``: Rank-k, mAP and mINP of a model on one or several data sets."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.experiments import (
    add_experiment_options,
    check_experiment,
    chosen_experiment,
)
from qaconv_core.cli.options import (
    add_data_options,
    add_model_options,
    add_work_options,
    dataset_names,
    load_chosen_model,
    open_named_dataset,
    positive,
    show,
    work_on,
    write_json,
    write_result,
)
from qaconv_core.cli.terminal import say
from qaconv_core.cli.upstream import EVALUATING, add_upstream_options
from qaconv_core.errors import Cancelled, InputError, QAConvError
from qaconv_core.figures.formats import FORMATS
from qaconv_core.files import check_output
from qaconv_core.progress import CancelToken

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qaconv_core.evaluation.evaluator import Evaluation
    from qaconv_core.evaluation.methods import MethodOptions
    from qaconv_core.ranking.cohorts import CohortRule
    from qaconv_core.training.distributed import Team
    from qaconv_core.types import Dataset, EvaluationReport, ImageSet, Rejected

INNER_LIMIT = 512 << 20
"""Bytes of scores within queries and within the gallery that --save-score keeps unasked."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv evaluate``."""
    parser.add_argument("-d", "--dataset", default="demo", help="name of a data set, or a folder")
    parser.add_argument(
        "--testset",
        metavar="A,B",
        help="data sets to evaluate, separated by commas, where they are not --dataset itself",
    )
    parser.add_argument(
        "--labels",
        action="store_true",
        help="measure on the pictures that were labelled while looking (qaconv labels), with the "
        "interval of mAP",
    )
    add_data_options(parser)
    add_model_options(parser)
    add_experiment_options(parser)
    add_work_options(parser)
    parser.add_argument(
        "--on-disk", action="store_true", help="keep score matrices in files instead of memory"
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="score every pair in float32; without it 8-bit estimates with a proved bound give the "
        "same measures sooner",
    )
    parser.add_argument(
        "--save-inner",
        action="store_true",
        help="--save-score also keeps large matrices within queries and within the gallery",
    )
    parser.add_argument(
        "--no-history", action="store_true", help="do not keep this run in qaconv runs"
    )
    add_method_options(parser)
    add_report_options(parser)
    add_upstream_options(parser, EVALUATING)
    parser.set_defaults(run=run)


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """Re-ranking, TLift and the protocol."""
    group = parser.add_argument_group("methods and protocol")
    group.add_argument(
        "--rerank",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="k-reciprocal re-ranking (on for the demo)",
    )
    group.add_argument(
        "--tlift",
        "--do_tlift",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="temporal lifting, on top of re-ranking if both are on (on for the demo)",
    )
    add_cohort_options(group)
    group.add_argument("--k1", type=positive, default=20, help="re-ranking: neighbours")
    group.add_argument("--k2", type=positive, default=6, help="re-ranking: query expansion")
    group.add_argument(
        "--lambda", dest="lambda_", type=float, default=0.3, help="re-ranking: original distance"
    )
    group.add_argument(
        "--rerank-on",
        choices=("score", "logit"),
        help="re-ranking: distances are 1 − score (the default), or −logit as in upstream's newest "
        "code",
    )
    group.add_argument(
        "--rerank-top",
        type=positive,
        metavar="N",
        help="re-rank only the N nearest pictures of each query (an approximation)",
    )
    group.add_argument("--tau", type=float, default=100.0, help="TLift: nearby within, in seconds")
    group.add_argument("--sigma", type=float, default=200.0, help="TLift: time scale in seconds")
    group.add_argument("--K", type=positive, default=10, help="TLift: retrievals in the pivot set")
    group.add_argument("--alpha", type=float, default=0.2, help="TLift: regulariser")
    group.add_argument(
        "--ap",
        choices=("step", "trapezoid"),
        default="step",
        help="average precision: step-wise, or as Market-1501's own tool",
    )
    group.add_argument(
        "--no-junk",
        action="store_true",
        help="keep gallery pictures of the query's person from the query's camera (one camera)",
    )


NORMALISE = (
    "also scores normalised by camera: how far each stands above those of strangers between the "
    "two cameras"
)


def add_cohort_options(group: argparse._ArgumentGroup, words: str = NORMALISE) -> None:
    """Camera normalisation."""
    group.add_argument("--normalise", action="store_true", help=words)
    group.add_argument(
        "--cohort",
        type=_cohort,
        metavar="N",
        help="normalising: gallery pictures of each camera that stand for strangers on the query's "
        "side, or 'all' (default: 200)",
    )
    group.add_argument(
        "--cohort-seed", type=int, default=0, metavar="S", help="normalising: draws these pictures"
    )
    group.add_argument(
        "--nearby",
        type=float,
        metavar="S",
        help="normalising: pictures of one camera within S seconds of each other are near-"
        "duplicates and no strangers (default: 0.25)",
    )


def _cohort(text: str) -> int | str:
    return text if text == "all" else positive(text)


def cohort_rule(arguments: argparse.Namespace) -> CohortRule:
    """How cohorts are drawn. InputError for options of cohorts that nothing asks for."""
    for option in ("cohort", "nearby", "false_alarms", "query_camera"):
        if not arguments.normalise and getattr(arguments, option, None) is not None:
            raise InputError(f"--{option.replace('_', '-')} needs --normalise: add it")
    from qaconv_core.ranking.cohorts import NEARBY, PER_CAMERA, CohortRule

    size = PER_CAMERA if arguments.cohort is None else arguments.cohort
    nearby = NEARBY if arguments.nearby is None else arguments.nearby
    return CohortRule(None if size == "all" else size, arguments.cohort_seed, nearby)


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Files to write."""
    group = parser.add_argument_group("results (FILE '-' is stdout)")
    group.add_argument("--json", metavar="FILE", help="results and protocol as JSON")
    group.add_argument("--per-query", action="store_true", help="with each query's AP in the JSON")
    group.add_argument("--csv", metavar="FILE", help="results as CSV")
    group.add_argument("--latex", metavar="FILE", help="results as a LaTeX table")
    group.add_argument("--markdown", metavar="FILE", help="results as a Markdown table")
    group.add_argument("--figure", metavar="FILE", help="CMC curve (.png, .pdf, .svg)")
    group.add_argument(
        "--score-figure", metavar="FILE", help="score distributions (.png, .pdf, .svg)"
    )
    group.add_argument(
        "--save-score", metavar="FILE", help="all scores (.npz, or .mat with upstream's names)"
    )


def method_options(arguments: argparse.Namespace, on_by_default: bool) -> MethodOptions:
    """What was asked for; re-ranking and TLift fall back to ``on_by_default``."""
    from qaconv_core.evaluation.methods import MethodOptions

    rerank = on_by_default if arguments.rerank is None else arguments.rerank
    rerank = bool(rerank or (arguments.rerank is None and arguments.rerank_top))
    if not rerank and arguments.rerank_on is not None:
        raise InputError("--rerank-on needs --rerank: add it")
    return MethodOptions(
        rerank=rerank,
        tlift=on_by_default if arguments.tlift is None else arguments.tlift,
        normalise=arguments.normalise,
        cohorts=cohort_rule(arguments),
        k1=arguments.k1,
        k2=arguments.k2,
        lambda_=arguments.lambda_,
        rerank_on=arguments.rerank_on or "score",
        rerank_top=arguments.rerank_top,
        tau=arguments.tau,
        sigma=arguments.sigma,
        k=arguments.K,
        alpha=arguments.alpha,
        junk_rule=not arguments.no_junk,
        ap=arguments.ap,
    )


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Evaluate every data set asked for; alone, or as one of the processes of ``torchrun``."""
    check_outputs(arguments)
    from qaconv_core.training.distributed import launched, team

    if not launched():
        _evaluate_all(arguments, cancel)
        return
    if arguments.no_cache:
        raise InputError("several processes share maps through the store; leave out --no-cache")
    with team(arguments.device) as crew, contextlib.ExitStack() as stack:
        arguments.device = str(crew.device)
        if not crew.leads:
            nowhere = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
            stack.enter_context(contextlib.redirect_stderr(nowhere))
        _evaluate_all(arguments, cancel, crew)


def _evaluate_all(
    arguments: argparse.Namespace, cancel: CancelToken, crew: Team | None = None
) -> None:
    """Every data set in turn; a set that fails does not lose the others' results."""
    tests = arguments.dataset if arguments.testset is None else arguments.testset
    names = dataset_names(tests, "--testset")
    datasets = [open_named_dataset(name, arguments) for name in names]
    if arguments.labels:
        datasets = [_labelled(dataset) for dataset in datasets]
    experiment = chosen_experiment(arguments)
    if experiment is not None:
        say(f"checkpoint: {experiment}")
        arguments.checkpoint = str(experiment)
    model = load_chosen_model(arguments, arguments.dataset)
    check_experiment(model.spec, arguments)
    reports: list[EvaluationReport] = []
    outputs = Outputs()
    failure: QAConvError | None = None
    last: Callable[[], None] | None = None
    for name, dataset in zip(names, datasets, strict=True):
        try:
            if last is not None:  # large, and needed no longer
                outputs.attempt(last)
                last = None
            found = _evaluate_one(model, name, dataset, arguments, cancel, crew)
            if found is not None:
                reports.append(found.report)
                sides = (dataset.query, dataset.gallery), (found.query, found.gallery)
                outputs.attempt(partial(refuse_lost, *sides))
                if arguments.labels and arguments.json != "-":
                    _say_intervals(found)
                if arguments.save_score:
                    ending = dataset.name if len(names) > 1 else ""
                    last = partial(_save_scores, found, arguments, ending)
        except QAConvError as error:
            failure = error
            break
    if reports:
        write_reports(reports, arguments, outputs)
    if last is not None:
        outputs.attempt(last)
    if isinstance(failure, Cancelled):
        raise failure
    outputs.finish(failure)


def _labelled(dataset: Dataset) -> Dataset:
    """A data set with the labels that were given while looking, and without all other pictures."""
    from qaconv_core.data.labelled import labelled
    from qaconv_core.store.labels import LabelLog

    found = labelled(dataset, LabelLog(dataset.name, dataset.root))
    say(f"{dataset.name}: {found.notes[-1]}")
    return found


def _say_intervals(found: Evaluation) -> None:
    """How far the mean over few labelled persons can be trusted."""
    from qaconv_core.evaluation.bootstrap import interval_sentence

    for result in found.report.results:
        show(interval_sentence(result.method, result.ap, found.query.pids))


class Outputs:
    """Writes results one after another; what fails is named at the end and stops no other."""

    def __init__(self) -> None:
        self._failures: list[str] = []

    def attempt(self, write: Callable[[], None]) -> None:
        """Write one result."""
        try:
            write()
        except QAConvError as error:
            self._failures.append(str(error))
            say(f"warning: {error}")

    def finish(self, failure: QAConvError | None = None) -> None:
        """Raise :class:`InputError` with every failure, ``failure`` first; nothing without any."""
        if failure is not None and not self._failures:
            raise failure
        told = [] if failure is None else [str(failure)]
        if told or self._failures:
            raise InputError("; ".join((*told, *self._failures)))


def _evaluate_one(
    model: Any,
    name: str,
    dataset: Any,
    arguments: argparse.Namespace,
    cancel: CancelToken,
    crew: Team | None = None,
) -> Evaluation | None:
    from qaconv_core.evaluation.evaluator import check_sides, evaluate
    from qaconv_core.evaluation.forecasts import forecast
    from qaconv_core.evaluation.saved_scores import check_score_path
    from qaconv_core.store.folders import cache_dir

    options = method_options(arguments, on_by_default=name == "demo")
    check_sides(dataset)
    sizes = len(dataset.query), len(dataset.gallery)
    keep_inner = _keeps_inner(arguments, options, *sizes)
    estimates = not (arguments.exact or arguments.save_score or arguments.score_figure or crew)
    plan = forecast(
        model,
        *sizes,
        options,
        on_disk=arguments.on_disk,
        keep_inner=keep_inner,
        estimates=estimates,
        cameras=dataset.gallery.camids,
    )
    say(f"{dataset.name}: {plan.describe()}")
    if arguments.save_score:
        check_score_path(arguments.save_score, plan.queries, plan.galleries)
    on_disk = cache_dir() / "scores" if arguments.on_disk else None
    with work_on(model, arguments, cancel) as work:
        job = replace(work, on_disk=on_disk, keep_inner=keep_inner, estimates=estimates)
        if crew is None:
            found = evaluate(model, dataset, options, job)
        else:
            from qaconv_core.evaluation.sharded import evaluate_in_team

            shared = evaluate_in_team(model, dataset, options, job, crew)
            if shared is None:
                return None
            found = shared
    say_rejected(found.report.rejected)
    if not arguments.no_history:
        paths = [str(path) for path in found.query.paths]
        remember(found.report, "evaluate", arguments.command_line, paths, str(dataset.root))
    return found


def _keeps_inner(
    arguments: argparse.Namespace, options: MethodOptions, queries: int, galleries: int
) -> bool:
    """Whether --save-score also gets the scores within queries and within the gallery."""
    from qaconv_core.device import format_bytes
    from qaconv_core.evaluation.forecasts import inner_bytes

    if not arguments.save_score or not options.rerank or options.rerank_top is not None:
        return False
    size = inner_bytes(queries, galleries)
    if size <= INNER_LIMIT or arguments.save_inner:
        return True
    say(
        f"scores within queries and gallery ({format_bytes(size)}) will not be saved; "
        "--save-inner saves them, so that rescoring can re-rank exactly"
    )
    return False


def say_rejected(rejected: Sequence[Rejected], most: int = 10) -> None:
    """Name the files left out, the first of each reason where there are many."""
    by_reason: dict[str, list[Rejected]] = {}
    for item in rejected:
        by_reason.setdefault(item.reason, []).append(item)
    for reason, items in by_reason.items():
        for item in items[:most]:
            say(f"left out: {item}")
        if len(items) > most:
            say(f"left out: {len(items) - most:,} more ({reason}); qaconv check lists them")


def refuse_lost(listed: Sequence[ImageSet], read: Sequence[ImageSet]) -> None:
    """Raise :class:`InputError` where pictures were there when they were listed, could not be
    ``read``, and are not there any more: a result without them is not the one asked for."""
    from qaconv_core.data.scan import lost_words, went_away

    known = {path for images in read for path in images.paths}
    left = {path: None for images in listed for path in images.paths if path not in known}
    lost = list(filter(went_away, left))
    if lost:
        raise InputError(
            f"{lost_words(lost, 'the data set was read')}: the result is without them; connect it "
            "and run this again, what was computed is kept"
        )


def _save_scores(found: Evaluation, arguments: argparse.Namespace, dataset: str) -> None:
    from qaconv_core.evaluation.saved_scores import save_scores

    path = Path(arguments.save_score)
    if dataset:
        path = path.with_name(f"{path.stem}-{dataset}{path.suffix}")
    assert found.scores is not None, "every pair is scored exactly where scores are saved"
    save_scores(path, found.scores)
    say(f"scores: {path}")


def remember(
    report: EvaluationReport,
    kind: str,
    command: str,
    query_paths: Sequence[str] = (),
    root: str = "",
) -> None:
    """Append a report to the run history; a history that cannot be written is only a warning."""
    from qaconv_core.evaluation.stored_runs import open_history, run_document

    try:
        document = run_document(report, query_paths, root)
        number = open_history().add(document, kind=kind, command=command)
    except QAConvError as error:
        say(f"warning: {error}; the run is not in the history")
        return
    say(f"kept as run {number} (qaconv runs)")


_RESULTS = (
    *("json", "csv", "latex", "markdown", "figure", "score_figure", "save_score"),
    *("report", "groups"),
)
"""Options of all commands that name a file of results."""


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse result files that could not be written, before the work and not after it.

    Nor may one take the place of another, or of the model.
    """
    for name in _RESULTS:
        file = getattr(arguments, name, None)
        if file in (None, "-"):
            continue
        path, option = Path(file), "--" + name.replace("_", "-")
        allowed: tuple[str, ...] = ()
        if "figure" in name:
            allowed = FORMATS
        elif name == "save_score":
            allowed = (".npz", ".mat")
        if allowed and path.suffix.lower() not in allowed:
            raise InputError(f"{file}: {option} writes {', '.join(allowed)}; choose one of these")
        if not path.absolute().parent.is_dir():
            raise InputError(f"{file}: the folder for {option} does not exist; make it first")
        check_output(path)
    _refuse_one_file_twice(arguments)


def _refuse_one_file_twice(arguments: argparse.Namespace) -> None:
    seen: dict[Path, str] = {}
    for name in ("checkpoint", "out", *_RESULTS):
        file = getattr(arguments, name, None)
        if file in (None, "", "-") or (name == "checkpoint" and not Path(file).is_file()):
            continue
        option = "--" + name.replace("_", "-")
        first = seen.setdefault(Path(file).resolve(), option)
        if first != option:
            raise InputError(f"{file}: is named by {first} and {option}; choose two files")


def write_reports(
    reports: list[EvaluationReport], arguments: argparse.Namespace, outputs: Outputs
) -> None:
    """Print the table and try to write every file that was asked for."""
    from qaconv_core.evaluation import reports as form

    if "-" not in (arguments.json, arguments.csv, arguments.latex, arguments.markdown):
        show(form.report_table(reports))
    if arguments.json:
        document = form.reports_json(reports, per_query=arguments.per_query)
        outputs.attempt(partial(write_json, arguments.json, document))
    for name, make in (
        ("csv", form.report_csv),
        ("latex", form.report_latex),
        ("markdown", form.report_markdown),
    ):
        file = getattr(arguments, name)
        if file:
            outputs.attempt(partial(write_result, file, make(reports), name))
    _write_figures(reports, arguments, outputs)


def _write_figures(
    reports: list[EvaluationReport], arguments: argparse.Namespace, outputs: Outputs
) -> None:
    def write(figure: Figure, path: str | Path) -> None:
        from qaconv_core.figures.style import save_figure

        save_figure(figure, path)
        say(f"figure: {path}")

    if arguments.figure:
        from qaconv_core.figures.curves import cmc_figure

        outputs.attempt(partial(write, cmc_figure(reports), arguments.figure))
    if arguments.score_figure:
        from qaconv_core.figures.distributions import score_distribution_figure

        for report in reports:
            path = Path(arguments.score_figure)
            if len(reports) > 1:
                path = path.with_name(f"{path.stem}-{report.dataset}{path.suffix}")
            outputs.attempt(partial(write, score_distribution_figure(report.separation), path))
