"""``qaconv rescore``: re-rank and measure saved scores, of QAConv or of any other model."""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qaconv_core.cli.evaluate import (
    Outputs,
    add_method_options,
    add_report_options,
    check_outputs,
    method_options,
    remember,
    write_reports,
)
from qaconv_core.cli.options import add_quiet_option
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, WorkContext

if TYPE_CHECKING:
    from qaconv_core.evaluation.methods import Labels, MethodOptions, Rankings
    from qaconv_core.evaluation.saved_scores import SavedScores
    from qaconv_core.types import EvaluationReport, Float32

KINDS = ("logit", "score", "distance")
RULES = {
    "logit": "logits; distance = 1 − sigmoid(logit / 10)",
    "share": "scores in [0, 1]; distance = 1 − score",
    "cosine": "scores in [−1, 1]; distance = (1 − score) / 2",
    "distance": "distances, divided by the largest",
}
SLACK = 1e-3
"""How far beyond [−1, 1] rounding may bring a cosine."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv rescore``."""
    parser.add_argument("scores", metavar="SCORES", help="file of scores, .npz or .mat")
    parser.add_argument(
        "--kind",
        choices=KINDS,
        help="what the numbers are, where the file does not say",
    )
    parser.add_argument("--name", help="name of the data set in the report")
    add_quiet_option(parser)
    parser.add_argument(
        "--no-history", action="store_true", help="do not keep this run in qaconv runs"
    )
    add_method_options(parser)
    add_report_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Measure the file's scores, then what re-ranking and TLift make of them."""
    check_outputs(arguments)
    from qaconv_core.evaluation.saved_scores import load_scores

    scores = load_scores(arguments.scores, kind=arguments.kind)
    say(
        f"{arguments.scores}: {scores.shape[0]:,} × {scores.shape[1]:,}, {Scale(scores).describe()}"
    )
    options = method_options(arguments, on_by_default=False)
    began = time.monotonic()
    with ProgressShower(arguments.quiet) as progress:
        rankings = rerank_saved(scores, options, WorkContext(progress, cancel))
    report = _report(arguments, scores, options, rankings, time.monotonic() - began)
    if not arguments.no_history:
        remember(report, "rescore", arguments.command_line, scores.query_paths)
    outputs = Outputs()
    write_reports([report], arguments, outputs)
    if arguments.save_score:
        outputs.attempt(lambda: _save(arguments.save_score, scores, rankings))
    outputs.finish()


def rerank_saved(scores: SavedScores, options: MethodOptions, context: WorkContext) -> Rankings:
    """Measure saved scores; distances within a side are taken from the file or estimated."""
    from qaconv_core.evaluation import methods

    scale = Scale(scores)
    inner_logits = scores.score_qq is not None and scores.score_gg is not None
    if options.on_logits and not (scale.rule == "logit" and inner_logits):
        raise InputError(
            "--rerank-on logit needs logits, also within queries and within the gallery: "
            "qaconv evaluate --rerank --save-score FILE --save-inner writes them"
        )

    def within() -> tuple[Float32, Float32]:
        if options.on_logits:
            assert scores.score_qq is not None
            assert scores.score_gg is not None
            return options.distances(scores.score_qq), options.distances(scores.score_gg)
        plain = scale.distances(scores.score)
        queries = scale.inner(scores.score_qq, scores.dist_qq)
        gallery = scale.inner(scores.score_gg, scores.dist_gg)
        if queries is None:
            queries = methods.profile_distances(plain, by_query=True, context=context)
        if gallery is None:
            gallery = methods.profile_distances(plain, by_query=False, context=context)
        return queries, gallery

    complete = all(
        any(part is not None for part in parts)
        for parts in ((scores.score_qq, scores.dist_qq), (scores.score_gg, scores.dist_gg))
    )
    labels = labels_of(scores)
    normalised = None
    if options.normalise:
        from qaconv_core.evaluation.normalised import NormalisedScores, SavedLogits

        source = SavedLogits(
            scores.score, scores.inner_similarities(), scores.inner_rows == "gallery"
        )
        normalised = NormalisedScores(source, labels, options, context=context)
    return methods.measure_methods(
        scores.score,
        lambda: (options if options.on_logits else scale).distances(scores.score),
        labels,
        options,
        within=within,
        within_approximation="" if complete else methods.PROFILE_NOTE,
        normalised=normalised,
        context=context,
    )


def labels_of(scores: SavedScores) -> Labels:
    """What a file says of its queries and gallery."""
    from qaconv_core.evaluation.methods import Labels

    return Labels(
        scores.query_ids,
        scores.gallery_ids,
        scores.query_cams,
        scores.gallery_cams,
        scores.query_times,
        scores.gallery_times,
    )


class Scale:
    """Turns the numbers of a file into distances, all its matrices by one rule.

    A ``"logit"`` becomes 1 − sigmoid(logit / 10); a ``"distance"`` is divided by the largest one. A
    ``"score"`` becomes 1 − score where all lie in [0, 1], and (1 − score) / 2 where all lie in
    [−1, 1]. Other scores are taken as logits.
    """

    def __init__(self, scores: SavedScores) -> None:
        matrices = [
            m for m in (scores.score, scores.score_qq, scores.score_gg) if m is not None and m.size
        ]
        top = max((float(m.max()) for m in matrices), default=1.0)
        bottom = min((float(m.min()) for m in matrices), default=0.0)
        self.rule = scores.kind
        if scores.kind == "score":
            self.rule = "share" if bottom >= 0 and top <= 1 else "cosine"
            if bottom < -1 - SLACK or top > 1 + SLACK:
                self.rule = "logit"
        inner = [m for m in (scores.dist_qq, scores.dist_gg) if m is not None and m.size]
        self.longest = max([-bottom, *(float(m.max()) for m in inner), 1e-12])

    def describe(self) -> str:
        """What the numbers are taken for, in words."""
        return RULES[self.rule]

    def distances(self, score: Float32) -> Float32:
        """Distances ≥ 0 of similarities, the shape of ``score``."""
        from qaconv_core.evaluation.methods import distance_of_logits

        if self.rule == "logit":
            return distance_of_logits(score)
        if self.rule == "distance":
            return np.asarray(-score / self.longest, dtype=np.float32)
        found = 1 - score if self.rule == "share" else (1 - score) / 2
        return np.asarray(np.maximum(found, 0), dtype=np.float32)

    def inner(self, score: Float32 | None, dist: Float32 | None) -> Float32 | None:
        """Distances within one side, from whichever of the two the file holds."""
        if score is not None:
            return self.distances(score)
        if dist is not None:
            scale = self.longest if self.rule == "distance" else 1.0
            return np.asarray(dist / scale, dtype=np.float32)
        return None


def _report(
    arguments: argparse.Namespace,
    scores: SavedScores,
    options: MethodOptions,
    rankings: Rankings,
    seconds: float,
) -> EvaluationReport:
    from qaconv_core.evaluation.camera_report import camera_report
    from qaconv_core.evaluation.open_set import open_sets
    from qaconv_core.evaluation.protocol import protocol_record
    from qaconv_core.evaluation.separation import separation
    from qaconv_core.types import UNKNOWN, CheckpointRecord, EvaluationCounts, EvaluationReport

    path, labels = Path(arguments.scores), labels_of(scores)
    separable = separation(
        scores.score,
        scores.query_ids,
        scores.gallery_ids,
        scores.query_cams,
        scores.gallery_cams,
        junk_rule=options.junk_rule,
    )
    return EvaluationReport(
        dataset=arguments.name or path.stem,
        counts=EvaluationCounts(*scores.shape, rankings.valid_queries),
        results=tuple(rankings.results),
        protocol=protocol_record(
            ap=options.ap,
            junk=options.junk_rule,
            cameras=bool(np.any(scores.query_cams != UNKNOWN)),
            score=Scale(scores).describe(),
            rerank=options.rerank_parameters(),
            tlift=options.tlift_parameters(),
            normalisation=options.normalisation(),
            approximations=[r.approximation for r in rankings.results if r.approximation],
        ),
        checkpoint=CheckpointRecord(
            scores=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()
        ),
        device="",
        seconds={**rankings.seconds, "total": seconds},
        separation=separable.to_dict(),
        cameras=camera_report(scores.score, labels, options.junk_rule),
        open_set=open_sets(
            scores.score, rankings.score_norm, labels, options.junk_rule, rankings.largest
        ),
        notes=tuple(rankings.notes),
    )


def _save(file: str, scores: SavedScores, rankings: Rankings) -> None:
    from dataclasses import replace

    from qaconv_core.evaluation.saved_scores import save_scores

    save_scores(
        file,
        replace(
            scores,
            score_rerank=rankings.score_rerank,
            score_tlift=rankings.score_tlift,
            score_norm=rankings.score_norm,
            score_norm_rerank=rankings.score_norm_rerank,
            score_norm_tlift=rankings.score_norm_tlift,
        ),
    )
    say(f"scores: {file}")
