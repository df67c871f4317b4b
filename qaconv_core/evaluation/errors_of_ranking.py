"""Errors of a model: all wrong first results of a test set, explained cell by cell.

An error is a query whose first match is false. Its difference map holds, for each query cell, the
contribution to the first false match minus that to the first true match
(:mod:`~qaconv_core.explaining.difference`); this difference is exact. Pictures of people are
cropped alike, so these maps are averaged over queries: by camera pair, and over clusters of similar
maps. Every group lists its examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.data.own_files import OwnFiles
from qaconv_core.errors import InputError
from qaconv_core.evaluation.error_groups import (
    CLUSTERS,
    ErrorGroup,
    PartSums,
    RankingError,
    by_camera,
    cluster_errors,
    group_of,
)
from qaconv_core.evaluation.evaluator import Job, check_sides
from qaconv_core.evaluation.explanations import LabelReader
from qaconv_core.explaining.difference import difference
from qaconv_core.matching.scores import score_maps
from qaconv_core.model import Model
from qaconv_core.ranking import truth_labels
from qaconv_core.ranking.protocol import leave_out
from qaconv_core.types import (
    Dataset,
    FeatureBank,
    Float32,
    Grid,
    ImageSet,
    RankingResult,
)

QUERY_BLOCK = 64


@dataclass(frozen=True)
class ErrorAnalysis:
    """All errors of a test set: together, by camera pair (largest group first), and by cluster."""

    dataset: str
    model: str
    grid: Grid
    valid_queries: int
    errors: tuple[RankingError, ...]
    together: ErrorGroup | None
    cameras: tuple[ErrorGroup, ...]
    clusters: tuple[ErrorGroup, ...]
    query: ImageSet
    gallery: ImageSet
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; examples with their files."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "grid": list(self.grid),
            "valid_queries": self.valid_queries,
            "wrong_rank1": len(self.errors),
            "together": None if self.together is None else self.together.to_dict(),
            "camera_pairs": [group.to_dict() for group in self.cameras],
            "clusters": [group.to_dict() for group in self.clusters],
            "failures": [
                {
                    **error.to_dict(),
                    "query_path": str(self.query[error.query].path),
                    "false_path": str(self.gallery[error.false].path),
                    "true_path": str(self.gallery[error.true].path),
                }
                for error in self.errors
            ],
            "notes": list(self.notes),
        }


def analyse_errors(
    model: Model,
    dataset: Dataset,
    *,
    clusters: int = CLUSTERS,
    junk_rule: bool = True,
    labels: LabelReader | None = None,
    part_names: Mapping[int, str] | None = None,
    job: Job | None = None,
) -> ErrorAnalysis:
    """Find and group the wrong first results of a data set.

    ``labels`` reads a query's label map and ``part_names`` names its numbers. Without them the
    groups have no body parts; a query without a map is left out of them. Raises :class:`InputError`
    where a side is empty or no query is valid.
    """
    job = job or Job()
    check_sides(dataset)
    query, query_bank = _side(model, dataset.query, "query", job)
    gallery, gallery_bank = _side(model, dataset.gallery, "gallery", job)
    firsts, valid = _wrong_firsts(model, (query, query_bank), (gallery, gallery_bank),
                                  junk_rule, job)  # fmt: skip
    if not valid:
        raise InputError(
            f"{dataset.root}: no query has a true match in the gallery, so none can fail; persons "
            "have to be known (--no-junk keeps matches from the query's own camera)"
        )
    errors = tuple(
        explain_error(model, query_bank, gallery_bank, *indices)
        for indices in sorted(firsts, key=lambda found: found[0])
    )
    parts = PartSums(query, model.spec.grid, labels, part_names or {})
    return ErrorAnalysis(
        dataset.name,
        model.spec.in_full(),
        model.spec.grid,
        valid,
        errors,
        group_of("all", range(len(errors)), errors, parts) if errors else None,
        tuple(by_camera(errors, query, gallery, parts)),
        tuple(
            group_of(f"cluster {number}", members, errors, parts)
            for number, members in enumerate(cluster_errors(errors, clusters), start=1)
        ),
        query,
        gallery,
        tuple(parts.notes),
    )


def _side(model: Model, refs: ImageSet, name: str, job: Job) -> tuple[ImageSet, FeatureBank]:
    """The pictures of one side that can be read, and their maps."""
    found = job.extract(model, refs, f"{name} features")
    return refs.select(found.kept), found.bank


def _wrong_firsts(
    model: Model,
    query: tuple[ImageSet, FeatureBank],
    gallery: tuple[ImageSet, FeatureBank],
    junk_rule: bool,
    job: Job,
) -> tuple[list[tuple[int, int, int]], int]:
    """(query, first false, first true) of every error, and the number of valid queries."""
    same = OwnFiles(gallery[0]).pairs(query[0])
    pids, camids = gallery[0].pids, gallery[0].camids
    tracker = job.tracker("ranking", len(query[0]), "queries")
    found, valid = [], 0
    for start in range(0, len(query[0]), QUERY_BLOCK):
        numbers = np.arange(start, min(start + QUERY_BLOCK, len(query[0])))
        logits = score_maps(
            query[1].select(numbers), gallery[1], model.head, device=model.device, cancel=job.cancel
        )
        for row, number in zip(logits, map(int, numbers), strict=True):
            ref = query[0][number]
            truth = truth_labels(ref.pid, ref.camid, pids, camids, junk_rule)[None]
            leave_out(truth, number, number + 1, same)
            first = first_of_each(row, truth[0])
            valid += first[1] is not None
            if first[0] is not None and first[1] is not None and _stands_before(row, *first):
                found.append((number, first[0], first[1]))
        tracker.advance(len(numbers))
    return found, valid


def first_of_each(logits: Float32, truth: npt.NDArray[np.int8]) -> tuple[int | None, int | None]:
    """Gallery indices of the first false and the first true match, ties in gallery order."""
    places = []
    for label in (RankingResult.FALSE, RankingResult.TRUE):
        among = np.flatnonzero(truth == label)
        places.append(int(among[logits[among].argmax()]) if len(among) else None)
    return places[0], places[1]


def _stands_before(logits: Float32, false: int | None, true: int | None) -> bool:
    assert false is not None
    assert true is not None
    return bool((-logits[false], false) < (-logits[true], true))


def explain_error(
    model: Model, query_bank: FeatureBank, gallery_bank: FeatureBank, q: int, false: int, true: int
) -> RankingError:
    """The difference between one query's first false and first true match."""
    query_map = np.asarray(query_bank[q], dtype=np.float32)
    a, b = (
        model.match(query_map, np.asarray(gallery_bank[index], dtype=np.float32))
        for index in (false, true)
    )
    found = difference(a, b)
    own = float(found.gallery_a.sum() + found.gallery_b.sum())
    return RankingError(q, false, true, found.total, found.query, own)
