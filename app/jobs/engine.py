"""The window's door to the engine: functions for worker threads.

Torch is loaded by the first of them that needs it, in its thread: the window is on the screen long
before. Results are values of :mod:`app.state.values` or of the engine's types.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from app.jobs.job import JobContext
from app.state.next_step import Rank
from app.state.requests import BY_CONTENT, DataRequest, ModelRequest
from app.state.values import METHODS, NORMALISED, Measures, ModelInfo
from qaconv_core.errors import InputError, StoreError
from qaconv_core.evaluation.measures import average_precision, match_ranks
from qaconv_core.galleries.values import MethodScores, OpenSet
from qaconv_core.paths import typed_path
from qaconv_core.ranking.strangers import Strangers
from qaconv_core.types import (
    Dataset,
    Float32,
    Float64,
    ImageRef,
    ImageSet,
    Int64,
    RankingResult,
    score_of_logit,
)

if TYPE_CHECKING:
    from qaconv_core.data.check_report import CheckReport
    from qaconv_core.evaluation.evaluator import Evaluation
    from qaconv_core.evaluation.match_matrix import FirstCandidates
    from qaconv_core.explaining.evidence import SetEvidence
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.model import Model
    from qaconv_core.store.features import FeatureShelf, FeatureStore

log = logging.getLogger(__name__)

FIRSTS_AT_ONCE = 64
"""Queries whose first candidates are looked for together."""


@dataclass(frozen=True)
class Measured(MethodScores):
    """The scores of all queries of a set, by method, and what they measure."""

    measures: dict[str, Measures] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    evaluation: Evaluation | None = None


@dataclass(frozen=True)
class Inspected:
    """A data set before it is used: what it holds, and what is wrong with it.

    ``scenes`` says that its gallery looks like whole scenes, "" where it does not.
    """

    request: DataRequest
    dataset: Dataset
    report: CheckReport
    scenes: str = ""


def inspect_data(request: DataRequest, context: JobContext, decode: bool = False) -> Inspected:
    """Open a data set and check it; with ``decode`` every picture is decoded."""
    from qaconv_core.data import check_dataset
    from qaconv_core.data.scenes import gallery_scenes

    request = _recognised(request)
    dataset = dataset_of(request)
    request = replace(request, called=dataset.name)
    report = check_dataset(dataset, decode=decode, work=context)
    return Inspected(request, dataset, report, gallery_scenes(dataset.gallery.paths))


def _recognised(request: DataRequest) -> DataRequest:
    """The request with the name of what its folder holds, where that was left open."""
    from qaconv_core.data import recognise

    if request.name != BY_CONTENT or request.root is None:
        return request
    return replace(request, name=recognise(request.root))


def dataset_of(request: DataRequest) -> Dataset:
    """The data set that a request names, with the queries that it gives."""
    request = _recognised(request)
    dataset = _searched(request)
    if not request.queries:
        return dataset
    refs = tuple(ImageRef(typed_path(path).absolute()) for path in request.queries)
    return replace(dataset, query=ImageSet(refs, "query"))


def _searched(request: DataRequest) -> Dataset:
    """The set whose gallery is searched, with its own queries."""
    from qaconv_core.data import open_dataset, open_gallery
    from qaconv_core.data.described import opened_as

    if request.gallery:
        return open_gallery(request.gallery, request.root)
    return open_dataset(*opened_as(request.name, request.root))


def open_set(dataset: Dataset) -> OpenSet:
    """A data set as the window shows it; without queries, its gallery can still be searched."""
    if not len(dataset.gallery):
        hint = dataset.notes[0] if dataset.notes else "choose another folder"
        raise InputError(f"{dataset.root}: there are no gallery pictures to search ({hint})")
    return OpenSet.of(dataset)


@dataclass(frozen=True)
class LoadedModel:
    """A checkpoint that was loaded, before or while it is used: the request and what was found."""

    request: ModelRequest
    model: Model
    info: ModelInfo


def inspect_model(request: ModelRequest, context: JobContext) -> LoadedModel:
    """Load a checkpoint, to be looked at before it is used."""
    return LoadedModel(request, *load_model(request, context))


def load_model(request: ModelRequest, context: JobContext) -> tuple[Model, ModelInfo]:
    """Load a checkpoint; the first call loads torch too."""
    from qaconv_core.device import describe_device
    from qaconv_core.model import load_model as load

    context.cancel.raise_if_cancelled()
    model = load(
        request.path,
        request.device,
        input_size=request.input_size,
        precision=request.arithmetic,
    )
    info = ModelInfo(
        model.spec,
        tuple(model.notes),
        describe_device(model.device),
        request.path,
        model.precision,
    )
    return model, info


def feature_store() -> FeatureStore | None:
    """The user's store of feature maps; None, with a warning in the log, where there is none."""
    from qaconv_core.store.features import FeatureStore

    try:
        return FeatureStore()
    except StoreError as error:
        log.warning("%s; going on without stored features", error)
        return None


@contextlib.contextmanager
def open_shelf(model: Model) -> Iterator[FeatureShelf | None]:
    """The model's feature maps in the user's store while a job runs; None where there is none."""
    store = feature_store()
    shelf = model.open_shelf(store) if store is not None else None
    try:
        yield shelf
    finally:
        if shelf is not None:
            shelf.close()


def search_partly(
    model: Model, data: OpenSet, first: tuple[int, ...], context: JobContext
) -> GallerySearch:
    """The set under a model, once all its maps are there; ``context`` is told of a part of them.

    Maps of the ``first`` queries come first. Where the set's maps are stored in float32 those are
    used, and ``.model`` computes in it.
    """
    from app.jobs.phases import in_phases, maps_phases
    from qaconv_core.galleries.search import open_search

    store = feature_store()
    if store is not None:
        model = model.with_stored_maps(store, [*data.gallery, *data.query[: data.added_from]])
    context = in_phases(context, maps_phases(data.added_from, len(data.gallery)))
    found, _rejected = open_search(
        model, data, store, first=first, report=context.tell,
        progress=context.progress, cancel=context.cancel,
    )  # fmt: skip
    return found


def one_query_measures(ranking: RankingResult) -> tuple[float, int, float]:
    """(AP, rank of the first true match, top score) of a ranking; NaN and 0 where there is none."""
    ranks, top = _ranks_and_top(ranking.values, ranking.truth, ranking.kind == "logit")
    if ranking.method == NORMALISED and ranking.whole_logits is not None:  # no score in [0, 1]
        top = _ranks_and_top(ranking.whole_logits, ranking.truth, True)[1]
    return (average_precision(ranks), int(ranks[0]), top) if len(ranks) else (math.nan, 0, top)


def _ranks_and_top(
    values: Float32, truth: npt.NDArray[np.int8], logits: bool
) -> tuple[Int64, float]:
    """Ranks of the true matches among pictures of known person, and the top score."""
    kept = values[truth != RankingResult.JUNK]
    top = float(kept.max()) if len(kept) else math.nan
    return match_ranks(-values, truth), score_of_logit(top) if logits else top


def measure_cohorts(matching: GallerySearch, context: JobContext) -> None:
    """How the gallery looks to pictures of each camera; from the store where it was measured."""
    from qaconv_core.ranking.cohorts import CohortRule

    matching.measure_cohorts(CohortRule(), context)


def compare_evidence(matching: GallerySearch, context: JobContext) -> SetEvidence:
    """The evidence of the set's pairs; from the store where it was measured."""
    from qaconv_core.galleries.evidence import open_evidence

    return open_evidence(matching, context)


def rank_normalised(
    matching: GallerySearch, step: Rank, context: JobContext
) -> tuple[RankingResult, Strangers]:
    """The gallery in order by a method that rests on normalised scores, with logits and places of
    plain QAConv, and how its pictures stand among strangers."""
    from qaconv_core.galleries.cohorts import normalised_by_tracks
    from qaconv_core.ranking import rank_gallery
    from qaconv_core.ranking.tracks import by_tracks

    if matching.cohorts is None:  # another set of the same maps was measured
        measure_cohorts(matching, context)
    fuse = step.fuse or "max"
    found = matching.rank_normalised(
        step.queries, fuse, false_alarms=step.false_alarms, cancel=context.cancel, part=step.part,
        exact=step.exact,
    )  # fmt: skip
    if step.method != NORMALISED:
        ranking = matching.rank(step.queries, step.method, fuse, cancel=context.cancel)
        return by_tracks(ranking, step.tracks), normalised_by_tracks(found, step.tracks)
    order = found.ranking.order
    before = None if step.part is not None else rank_gallery(found.logits).places[order]
    ranking = replace(found.ranking, before=before)
    found = normalised_by_tracks(replace(found, ranking=ranking), step.tracks)
    return found.ranking, found


def measuring_seconds(matching: GallerySearch) -> float:
    """About how long measuring the whole set takes on this machine's CPU, with re-ranking."""
    from app.jobs.machine_rates import usual_rates

    p, g = matching.data.added_from, len(matching.data.gallery)
    return (p * g + (p * p + g * g) / 2) / usual_rates(matching.model).pairs


def measure(matching: GallerySearch, context: JobContext) -> Measured:
    """AP of every query by plain QAConv, + re-ranking and, where times are known, + TLift."""
    from app.jobs.machine_rates import usual_rates
    from app.jobs.phases import evaluation_phases, in_phases
    from qaconv_core.evaluation.evaluator import Job as EvaluationJob
    from qaconv_core.evaluation.evaluator import evaluate
    from qaconv_core.evaluation.methods import MethodOptions
    from qaconv_core.ranking import tlift_available

    data = matching.data
    options = MethodOptions(rerank=True, tlift=True, normalise=True, junk_rule=data.junk_rule)
    sizes = data.added_from, len(data.gallery)
    lifts = not tlift_available(data.dataset.query.times, data.dataset.gallery.times)
    phases = evaluation_phases(*sizes, 0, options, usual_rates(matching.model), lifts=lifts)
    context = in_phases(context, phases)
    with open_shelf(matching.model) as shelf:
        job = EvaluationJob(shelf=shelf, progress=context.progress, cancel=context.cancel)
        done = evaluate(matching.model, data.dataset, options, job)
        assert done.scores is not None, "without estimates there are scores"
    matrices: dict[str, Float32 | None] = {
        "qaconv": done.scores.score,
        "qaconv+rerank": done.scores.score_rerank,
        "qaconv+rerank+tlift": done.scores.score_tlift,
        NORMALISED: done.scores.score_norm,
        "qaconv+norm+rerank": done.scores.score_norm_rerank,
        "qaconv+norm+rerank+tlift": done.scores.score_norm_tlift,
    }
    scores = {name: matrix for name, matrix in matrices.items() if matrix is not None}
    aps = {result.method: result.ap for result in done.report.results}
    measures: dict[str, Measures] = {
        name: _measures(matching, name, scores[name], aps[name])
        for name in METHODS
        if name in scores and name in aps
    }
    notes: dict[str, str] = {
        name: _why_not(name, done.report.notes)
        for name in METHODS
        if name not in scores and name != NORMALISED
    }
    approximations = {result.method: result.approximation for result in done.report.results}
    return Measured(scores, approximations, measures, notes, done)


def first_candidates(matching: GallerySearch, method: str, context: JobContext) -> FirstCandidates:
    """The first candidate of every query of a measured set, by a method, or by plain QAConv."""
    from qaconv_core.evaluation import match_matrix

    assert matching.measured is not None, "the set was measured"
    known = matching.measured.scores
    scores = known.get(method, known["qaconv"])
    blocks = []
    for start in range(0, len(scores), FIRSTS_AT_ONCE):
        context.cancel.raise_if_cancelled()
        some = range(start, min(start + FIRSTS_AT_ONCE, len(scores)))
        truth = np.stack([matching.truth((query,)) for query in some])
        blocks.append(match_matrix.first_candidates(scores[some.start : some.stop], truth, start))
    return match_matrix.joined(blocks)


def _measures(matching: GallerySearch, method: str, scores: Float32, ap: Float64) -> Measures:
    """Measures of the set's own queries, (p,) as ``ap``."""
    known = Measures.unknown(len(ap))
    known.ap[:] = ap
    for query, row in enumerate(scores):
        ranks, known.top[query] = _ranks_and_top(row, matching.truth((query,)), method == "qaconv")
        known.first_true[query] = ranks[0] if len(ranks) else 0
    return known


def _why_not(method: str, notes: tuple[str, ...]) -> str:
    step = "TLift" if method.endswith("tlift") else "re-ranking"
    return next((note for note in notes if note.lower().startswith(step.lower())), "")
