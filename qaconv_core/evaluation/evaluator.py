"""A whole evaluation: features, logits, rankings, measures, report.

:func:`~qaconv_core.evaluation.forecasts.forecast` says how much memory a job needs;
:func:`evaluate` does the job. Features come from the store where it has them. Score matrices lie in
memory or, with ``on_disk``, in temporary files.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from qaconv_core.data.market_like import without_junk_boxes
from qaconv_core.data.own_files import OwnFiles
from qaconv_core.data.published import unlike_published
from qaconv_core.data.splits import why_missing
from qaconv_core.device import describe_device
from qaconv_core.errors import InputError
from qaconv_core.evaluation.camera_report import camera_report
from qaconv_core.evaluation.evaluated_logits import EvaluatedLogits
from qaconv_core.evaluation.forecasts import estimates_serve, file_matrix, forecast
from qaconv_core.evaluation.from_estimates import FromEstimates
from qaconv_core.evaluation.methods import (
    RERANKING,
    Labels,
    MethodOptions,
    Rankings,
    distance_of_logits,
    measure_methods,
)
from qaconv_core.evaluation.normalised import NormalisedScores
from qaconv_core.evaluation.open_set import open_sets
from qaconv_core.evaluation.protocol import protocol_record
from qaconv_core.evaluation.saved_scores import SavedScores
from qaconv_core.evaluation.separation import separation
from qaconv_core.extraction.features import Extraction
from qaconv_core.matching.scores import Helpers, score_maps
from qaconv_core.model import Model
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import WorkContext
from qaconv_core.searching.estimated_logits import EstimatedLogits, Pace
from qaconv_core.store.features import FeatureShelf
from qaconv_core.types import (
    FIRST_RELEASES,
    CheckpointRecord,
    Dataset,
    EvaluationCounts,
    EvaluationReport,
    FeatureBank,
    Float32,
    ImageSet,
    Int64,
    Rejected,
    camera_names,
)

QUERY_STAGE = "scoring within queries"
GALLERY_STAGE = "scoring within gallery"


@dataclass(frozen=True)
class Evaluation:
    """A report with the pictures and scores that it is about.

    ``scores`` is None where most logits were estimated.
    """

    report: EvaluationReport
    scores: SavedScores | None
    query: ImageSet
    gallery: ImageSet


class HelperFactory(Protocol):
    """Makes the helpers that score a part of an evaluation's pairs (other processes, say)."""

    def __call__(self, query: FeatureBank, gallery: FeatureBank, /) -> Helpers:
        """Helpers for one evaluation.

        ``query`` (p, C, h, w) and ``gallery`` (g, C, h, w) hold the maps of all pictures that are
        read. What the helpers are given to score afterwards are these two banks or selections of
        them.
        """


@dataclass(frozen=True)
class Job(WorkContext):
    """How an evaluation is carried out; every setting may be left out.

    ``shelf`` stores features. ``batch_size`` and ``workers`` are those of the extraction.
    ``on_disk`` is a folder for score matrices. ``keep_inner`` keeps the logits within queries and
    within the gallery, so that they can be saved; without it they are turned into distances in
    place. ``helpers`` makes those who score a part of the pairs. ``estimates`` allows 8-bit
    estimates where they are quicker: the measures stay the same, but there are no scores then.
    """

    shelf: FeatureShelf | None = None
    batch_size: int | None = None
    workers: int | None = None
    on_disk: Path | None = None
    keep_inner: bool = False
    helpers: HelperFactory | None = None
    estimates: bool = False

    def extract(self, model: Model, pictures: ImageSet, stage: str) -> Extraction:
        """The feature maps of ``pictures``, out of the store where it has them."""
        return model.extract_set(
            pictures,
            shelf=self.shelf,
            batch_size=self.batch_size,
            workers=self.workers,
            progress=self.progress,
            cancel=self.cancel,
            stage=stage,
        )


@dataclass
class _Side:
    """Query or gallery as far as it could be read."""

    refs: ImageSet
    bank: FeatureBank
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    cached: int = 0
    computed: int = 0
    seconds: float = field(default=0.0)


def evaluate(
    model: Model, dataset: Dataset, options: MethodOptions, job: Job | None = None
) -> Evaluation:
    """Evaluate ``model`` on the query and gallery of ``dataset``.

    Pictures that cannot be read are left out and listed in the report. Features already stored
    are kept whatever happens later. Raises :class:`InputError` when a side is empty,
    :class:`MemoryLimitError` before anything long starts, and
    :class:`~qaconv_core.errors.Cancelled` between batches.
    """
    job = job or Job()
    began = time.monotonic()
    check_sides(dataset)
    forecast(
        model,
        len(dataset.query),
        len(dataset.gallery),
        options,
        on_disk=bool(job.on_disk),
        keep_inner=job.keep_inner,
        estimates=job.estimates,
        cameras=dataset.gallery.camids,
    )
    query = _extract(model, "query", dataset.query, job)
    gallery = _extract(model, "gallery", dataset.gallery, job)
    for name, side in (("query", query), ("gallery", gallery)):
        if not len(side.refs):
            raise InputError(
                f"{dataset.root}: none of the {name} pictures can be read "
                f"(first: {side.rejected[0]}); qaconv check lists them all"
            )
    seconds = {"extracting": query.seconds + gallery.seconds}
    with _matrix_folder(job.on_disk) as folder:
        keep = job.keep_inner or options.normalise
        wanted = replace(job, keep_inner=keep)
        scoring = _Scoring(model, query.bank, gallery.bank, wanted, folder, options)
        labels = _labels(query.refs, gallery.refs)
        estimated = scoring.from_estimates(labels)
        if estimated is not None:
            rankings, logits = estimated.rankings(), estimated.logits.values
            scoring.seconds |= estimated.seconds
        else:
            logits = scoring.logits()
            rankings = measure_methods(
                logits,
                scoring.distances,
                labels,
                options,
                within=scoring.within,
                gallery_distances=scoring.gallery_distances,
                normalised=_normalised(scoring, labels, options, job),
                place=scoring.place,
                context=job,
            )
        seconds |= {**scoring.seconds, **rankings.seconds}
        if RERANKING in seconds:  # it asked for these, which are counted for themselves
            inner = sum(scoring.seconds.get(stage, 0.0) for stage in (QUERY_STAGE, GALLERY_STAGE))
            seconds[RERANKING] = max(seconds[RERANKING] - inner, 0.0)
        report = _report(model, dataset, options, (query, gallery), logits, rankings, labels)
        seconds["total"] = time.monotonic() - began
        report = replace(report, seconds=seconds)
        scores = None
        if estimated is not None:
            report = estimated.described(report)
        else:
            saved = scoring if job.keep_inner else None
            scores = _scores(logits, labels, query.refs, gallery.refs, rankings, saved)
    return Evaluation(report, scores, query.refs, gallery.refs)


def check_sides(dataset: Dataset) -> None:
    """Raise :class:`InputError` where there is no query or no gallery."""
    for name, side in (("query", dataset.query), ("gallery", dataset.gallery)):
        if not len(side):
            raise InputError(
                f"{dataset.root}: data set {dataset.name!r} has no {name} pictures, so nothing can "
                f"be evaluated ({why_missing(dataset.notes)})"
            )


def _extract(model: Model, name: str, refs: ImageSet, job: Job) -> _Side:
    began = time.monotonic()
    found = job.extract(model, refs, f"{name} features")
    return _Side(
        refs.select(found.kept),
        found.bank,
        found.rejected,
        found.notes,
        found.cached,
        found.computed,
        time.monotonic() - began,
    )


@contextlib.contextmanager
def _matrix_folder(parent: Path | None) -> Iterator[Path | None]:
    """A folder for score matrices that is removed at the end; None keeps them in memory."""
    if parent is None:
        yield None
        return
    parent.mkdir(parents=True, exist_ok=True)
    # The matrices stay readable after their files are gone (on Windows the files stay a while).
    with tempfile.TemporaryDirectory(
        prefix="scores-", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


class _Scoring:
    """Score matrices of one evaluation, each computed when it is first needed."""

    def __init__(
        self,
        model: Model,
        query: FeatureBank,
        gallery: FeatureBank,
        job: Job,
        folder: Path | None,
        options: MethodOptions,
    ) -> None:
        self.model, self.query, self.gallery = model, query, gallery
        self.job, self.folder, self.options = job, folder, options
        self.helpers = job.helpers(query, gallery) if job.helpers else None
        self.inner_head = inner_head(model)
        self.seconds: dict[str, float] = {}
        self._made: dict[str, Float32] = {}

    def logits(self) -> Float32:
        """Query × gallery logits (p, g)."""
        return self._logits("scoring", self.query, self.gallery)

    def distances(self) -> Float32:
        """Query × gallery distances (p, g)."""
        return self._distances("scoring")

    def within(self) -> tuple[Float32, Float32]:
        """Distances among the queries (p, p) and among the gallery (g, g)."""
        self.inner_logits()
        if self.job.keep_inner:
            return self._distances(QUERY_STAGE), self._distances(GALLERY_STAGE)
        inner = self._made.pop(QUERY_STAGE), self._made.pop(GALLERY_STAGE)
        queries, gallery = (self.options.distances(logits, logits) for logits in inner)
        return queries, gallery

    def inner_logits(self) -> tuple[Float32, Float32]:
        """Logits among the queries (p, p) and among the gallery (g, g), in re-ranking's roles."""
        return self._logits(QUERY_STAGE, self.query, self.query), self.gallery_logits()

    def gallery_logits(self) -> Float32:
        """Logits among the gallery (g, g), in re-ranking's roles."""
        return self._logits(GALLERY_STAGE, self.gallery, self.gallery)

    def gallery_distances(self, rows: Int64, columns: Int64) -> Float32:
        """Distances between chosen gallery pictures, computed now, (rows, columns)."""
        maps = self.gallery.select(rows), self.gallery.select(columns)
        same = np.array_equal(rows, columns)
        found = score_maps(
            *maps,
            self.inner_head,
            device=self.model.device,
            symmetric=same,
            helpers=self.helpers,
        )
        return distance_of_logits(found)

    def from_estimates(self, labels: Labels) -> FromEstimates | None:
        """Measures from estimates, None where every pair is scored exactly."""
        job, sizes = self.job, (len(labels.query_ids), len(labels.gallery_ids))
        if not job.estimates or job.helpers or job.keep_inner:
            return None
        if not estimates_serve(self.model, *sizes, self.options):
            return None
        stages = ("scoring", QUERY_STAGE, GALLERY_STAGE)
        return FromEstimates(self._estimated, labels, self.options, stages, self.place, self.job)

    def _estimated(self, stage: str, pace: Pace) -> EstimatedLogits:
        rows = self.gallery if stage == GALLERY_STAGE else self.query
        columns = self.query if stage == QUERY_STAGE else self.gallery
        shape = len(rows), len(columns)
        # A file of numbers of 4 bytes holds flags of 1 byte.
        flags = self.place(f"{stage} exact", (shape[0], -(-shape[1] // 4)))
        return EstimatedLogits(
            rows,
            columns,
            self.model.head if stage == "scoring" else self.inner_head,
            values=self.place(stage, shape),
            exact=None if flags is None else flags.view(np.bool_)[:, : shape[1]],
            inner=rows is columns,
            pace=pace,
            context=self.job,
        )

    def made(self, stage: str) -> Float32 | None:
        """The logits of a stage, None where they were not computed."""
        return self._made.get(stage)

    def _logits(self, stage: str, rows: FeatureBank, columns: FeatureBank) -> Float32:
        if stage not in self._made:
            began = time.monotonic()
            in_memory = self.folder is None
            self._made[stage] = score_maps(
                rows,
                columns,
                self.model.head if stage == "scoring" else self.inner_head,
                plan=self.model.plan(len(rows), len(columns), in_memory=in_memory),
                device=self.model.device,
                out=self.place(stage, (len(rows), len(columns))),
                symmetric=rows is columns,
                progress=self.job.progress,
                cancel=self.job.cancel,
                stage=stage,
                helpers=self.helpers,
            )
            self.seconds[stage] = time.monotonic() - began
        return self._made[stage]

    def _distances(self, stage: str) -> Float32:
        logits = self._made[stage]
        return self.options.distances(logits, self.place(f"{stage} distances", logits.shape))

    def place(self, name: str, shape: tuple[int, ...]) -> Float32 | None:
        """A file-backed matrix to fill, or None where matrices live in memory."""
        if self.folder is None or 0 in shape:
            return None
        return file_matrix(self.folder / f"{name.replace(' ', '-')}.f32", shape)


def inner_head(model: Model) -> AffineHead:
    """What scores pictures of one side among themselves, as the checkpoint's release does.

    A two-sided head depends on who is the query. The first releases give the row of such a matrix
    the gallery's role and the column the query's, later ones the other way round.
    """
    if model.spec.release == FIRST_RELEASES:
        return model.head.exchanged()
    return model.head


def _inner_roles(model: Model, options: MethodOptions) -> str | None:
    """Words for :func:`inner_head`; None where it makes no difference."""
    if not options.rerank or model.head.symmetric:
        return None
    first = "gallery × query, as releases 1.0 and 1.1"
    return (
        first if model.spec.release == FIRST_RELEASES else "query × gallery, as releases from 1.2"
    )


def _normalised(
    scoring: _Scoring, labels: Labels, options: MethodOptions, job: Job
) -> NormalisedScores | None:
    if not options.normalise:
        return None
    exchanged = scoring.inner_head is not scoring.model.head
    source = EvaluatedLogits(scoring, options.rerank, exchanged, job)
    return NormalisedScores(source, labels, options, scoring.place, job)


def _labels(query: ImageSet, gallery: ImageSet) -> Labels:
    return Labels(
        query.pids,
        gallery.pids,
        query.camids,
        gallery.camids,
        query.times,
        gallery.times,
        OwnFiles(gallery).pairs(query),
        camera_names((*query, *gallery)),
    )


def _report(
    model: Model,
    dataset: Dataset,
    options: MethodOptions,
    sides: tuple[_Side, _Side],
    logits: Float32,
    rankings: Rankings,
    labels: Labels,
) -> EvaluationReport:
    query, gallery = sides
    spec = model.spec
    rejected = (*without_junk_boxes(dataset.rejected), *query.rejected, *gallery.rejected)
    separable = separation(
        logits,
        labels.query_ids,
        labels.gallery_ids,
        labels.query_cams,
        labels.gallery_cams,
        junk_rule=options.junk_rule,
        left_out=labels.left_out,
    )
    return EvaluationReport(
        dataset=dataset.name,
        counts=EvaluationCounts(
            len(query.refs), len(gallery.refs), rankings.valid_queries, len(rejected)
        ),
        results=tuple(rankings.results),
        protocol=protocol_record(
            ap=options.ap,
            junk=options.junk_rule,
            cameras=labels.cameras_known,
            rerank=options.rerank_parameters(),
            roles_within_a_side=_inner_roles(model, options),
            tlift=options.tlift_parameters(),
            normalisation=options.normalisation(),
            approximations=[r.approximation for r in rankings.results if r.approximation],
            preprocessing=model.preprocessing,
            layout=dataset.layout,
        ),
        checkpoint=CheckpointRecord(
            path=Path(spec.path).name,
            sha256=spec.sha256,
            model=spec.describe(),
            release=spec.release,
            epoch=spec.epoch,
            adapted=spec.adapted or None,
        ),
        device=describe_device(model.device),
        seconds={},
        separation=separable.to_dict(),
        cameras=camera_report(logits, labels, options.junk_rule, dataset.camera_names),
        open_set=open_sets(
            logits, rankings.score_norm, labels, options.junk_rule, rankings.largest
        ),
        rejected=rejected,
        notes=_notes(model, dataset, sides, rankings, labels),
    )


def _notes(
    model: Model,
    dataset: Dataset,
    sides: tuple[_Side, _Side],
    rankings: Rankings,
    labels: Labels,
) -> tuple[str, ...]:
    notes = [*model.notes, *dataset.notes, *sides[0].notes, *sides[1].notes, *rankings.notes]
    sizes = {"query": len(sides[0].refs), "gallery": len(sides[1].refs)}
    notes += unlike_published(dataset.name, sizes)
    if labels.left_out is not None:
        notes.append(
            f"{len(labels.left_out[0]):,} pictures are in query and gallery; none is matched "
            "with itself"
        )
    if rankings.valid_queries and not labels.cameras_known:
        notes.append(
            "cameras are not known: near-duplicates from the query's own camera count as matches, "
            "which makes the measures too good"
        )
    if not rankings.valid_queries:
        notes.append(
            "no query has a true match left in the gallery, so nothing can be measured; with a "
            "single camera, --no-junk keeps matches from the query's own camera"
        )
    return tuple(dict.fromkeys(notes))


def _scores(
    logits: Float32,
    labels: Labels,
    query: ImageSet,
    gallery: ImageSet,
    rankings: Rankings,
    saved: _Scoring | None,
) -> SavedScores:
    return SavedScores(
        score=logits,
        query_ids=labels.query_ids,
        gallery_ids=labels.gallery_ids,
        query_cams=labels.query_cams,
        gallery_cams=labels.gallery_cams,
        query_times=labels.query_times,
        gallery_times=labels.gallery_times,
        query_paths=[str(path) for path in query.paths],
        gallery_paths=[str(path) for path in gallery.paths],
        kind="logit",
        score_rerank=rankings.score_rerank,
        score_tlift=rankings.score_tlift,
        score_norm=rankings.score_norm,
        score_norm_rerank=rankings.score_norm_rerank,
        score_norm_tlift=rankings.score_norm_tlift,
        score_qq=saved.made(QUERY_STAGE) if saved else None,
        score_gg=saved.made(GALLERY_STAGE) if saved else None,
        inner_rows="gallery" if saved and saved.inner_head is not saved.model.head else "query",
    )
