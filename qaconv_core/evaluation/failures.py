"""What misleads a model: all wrong Rank-1 results of a test set, cell by cell.

For a query whose first match is false, the query-side contributions of that first false match minus
those of the first true one say, cell by cell and exactly, what the false match had over the true
one (:mod:`~qaconv_core.explaining.difference`). Pictures of people are cropped alike, so that cells
can be averaged over queries: by camera pair, and over clusters of failures that look alike.
Every number keeps the examples it is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import ImageError, InputError
from qaconv_core.evaluation.evaluator import Job, check_sides, same_files
from qaconv_core.evaluation.explanations import LabelReader, cell_labels
from qaconv_core.explaining.difference import difference
from qaconv_core.matching.scores import score_maps
from qaconv_core.model import Model
from qaconv_core.progress import Tracker
from qaconv_core.ranking import truth_labels
from qaconv_core.ranking.protocol import leave_out
from qaconv_core.types import (
    UNKNOWN,
    Dataset,
    FeatureBank,
    Float32,
    Float64,
    Grid,
    ImageSet,
    Int64,
    RankingResult,
)

CLUSTERS = 4
QUERY_BLOCK = 64


@dataclass(frozen=True)
class Failure:
    """One query whose first match is false: indices of query, first false and first true match.

    ``margin`` is logit_false − logit_true (0 for a tie), ``query_cells`` (h, w) the query side of
    that difference, ``gallery_cells`` what the two candidates' own cells add to it.
    """

    query: int
    false: int
    true: int
    margin: float
    query_cells: Float64
    gallery_cells: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "query": self.query,
            "false": self.false,
            "true": self.true,
            "margin": self.margin,
            "query_cells": self.query_cells.tolist(),
            "gallery_cells": self.gallery_cells,
        }


@dataclass(frozen=True)
class FailureGroup:
    """Failures that belong together.

    ``examples`` are numbers in ``FailureAnalysis.failures``, the plainest first (by margin);
    ``mean`` (h, w) is the mean of their difference maps, positive where cells speak for the false
    match; ``margin`` their mean margin; ``parts`` the mean sum of the difference over the query's
    cells of each body part, where label maps tell.
    """

    name: str
    examples: tuple[int, ...]
    mean: Float64
    margin: float
    parts: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "count": len(self.examples),
            "examples": list(self.examples),
            "mean_margin": self.margin,
            "mean": self.mean.tolist(),
            "parts": self.parts,
        }


@dataclass(frozen=True)
class FailureAnalysis:
    """All failures of a test set: together, by camera pair (largest first), and by cluster."""

    dataset: str
    model: str
    grid: Grid
    valid_queries: int
    failures: tuple[Failure, ...]
    together: FailureGroup | None
    cameras: tuple[FailureGroup, ...]
    clusters: tuple[FailureGroup, ...]
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
            "wrong_rank1": len(self.failures),
            "together": None if self.together is None else self.together.to_dict(),
            "camera_pairs": [group.to_dict() for group in self.cameras],
            "clusters": [group.to_dict() for group in self.clusters],
            "failures": [
                {
                    **failure.to_dict(),
                    "query_path": str(self.query[failure.query].path),
                    "false_path": str(self.gallery[failure.false].path),
                    "true_path": str(self.gallery[failure.true].path),
                }
                for failure in self.failures
            ],
            "notes": list(self.notes),
        }


def analyse_failures(
    model: Model,
    dataset: Dataset,
    *,
    clusters: int = CLUSTERS,
    junk_rule: bool = True,
    labels: LabelReader | None = None,
    part_names: Mapping[int, str] | None = None,
    job: Job | None = None,
) -> FailureAnalysis:
    """Find and group the wrong Rank-1 results of a data set.

    ``labels`` reads a query's label map and ``part_names`` names its numbers, where there are any;
    a query without a map is left out of the parts. Raises :class:`InputError` where a side is empty
    or no query is valid.
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
    failures = tuple(
        explain_failure(model, query_bank, gallery_bank, *indices)
        for indices in sorted(firsts, key=lambda found: found[0])
    )
    parts = _Parts(query, model.spec.grid, labels, part_names or {})
    return FailureAnalysis(
        dataset.name,
        model.spec.describe(),
        model.spec.grid,
        valid,
        failures,
        _group("all", range(len(failures)), failures, parts) if failures else None,
        tuple(_by_camera(failures, query, gallery, parts)),
        tuple(
            _group(f"cluster {number}", members, failures, parts)
            for number, members in enumerate(cluster_failures(failures, clusters), start=1)
        ),
        query,
        gallery,
        tuple(parts.notes),
    )


def _side(model: Model, refs: ImageSet, name: str, job: Job) -> tuple[ImageSet, FeatureBank]:
    """The pictures of one side that can be read, and their maps."""
    found = model.extract_set(
        refs,
        shelf=job.shelf,
        batch_size=job.batch_size,
        workers=job.workers,
        progress=job.progress,
        cancel=job.cancel,
        stage=f"{name} features",
    )
    return refs.select(found.kept), found.bank


def _wrong_firsts(
    model: Model,
    query: tuple[ImageSet, FeatureBank],
    gallery: tuple[ImageSet, FeatureBank],
    junk_rule: bool,
    job: Job,
) -> tuple[list[tuple[int, int, int]], int]:
    """(query, first false, first true) of every failure, and the number of valid queries."""
    same = same_files(query[0], gallery[0])
    pids, camids = gallery[0].pids, gallery[0].camids
    tracker = Tracker("ranking", len(query[0]), "queries", job.progress, job.cancel)
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


def explain_failure(
    model: Model, query_bank: FeatureBank, gallery_bank: FeatureBank, q: int, false: int, true: int
) -> Failure:
    """What one false match had over the true one."""
    query_map = np.asarray(query_bank[q], dtype=np.float32)
    a, b = (
        model.match(query_map, np.asarray(gallery_bank[index], dtype=np.float32))
        for index in (false, true)
    )
    found = difference(a, b)
    own = float(found.gallery_a.sum() + found.gallery_b.sum())
    return Failure(q, false, true, found.total, found.query, own)


def cluster_failures(failures: Sequence[Failure], clusters: int = CLUSTERS) -> list[Int64]:
    """Numbers of the failures in each cluster, the largest cluster first.

    k-means on the difference maps, each scaled to unit length: it is about where a false match
    misleads, not how much. At most one cluster for every two failures. Equal for equal input.
    """
    if not failures:
        return []
    from sklearn.cluster import KMeans

    maps = np.stack([failure.query_cells.ravel() for failure in failures])
    lengths = np.linalg.norm(maps, axis=1, keepdims=True)
    maps = np.divide(maps, lengths, out=np.zeros_like(maps), where=lengths > 0)
    count = max(1, min(clusters, len(failures) // 2, len(np.unique(maps, axis=0))))
    labels = KMeans(count, n_init=10, random_state=0).fit_predict(maps)
    groups = [np.flatnonzero(labels == label) for label in range(count)]
    return sorted((g for g in groups if len(g)), key=lambda g: (-len(g), int(g[0])))


def _by_camera(
    failures: Sequence[Failure], query: ImageSet, gallery: ImageSet, parts: _Parts
) -> list[FailureGroup]:
    """Groups by the cameras of query and false match, the largest first."""
    cameras = query.camids, gallery.camids
    groups: dict[tuple[int, int], list[int]] = {}
    for number, failure in enumerate(failures):
        pair = int(cameras[0][failure.query]), int(cameras[1][failure.false])
        groups.setdefault(pair, []).append(number)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        _group(" → ".join(map(_camera, pair)), members, failures, parts)
        for pair, members in ordered
    ]


def _camera(camid: int) -> str:
    return "unknown" if camid == UNKNOWN else f"c{camid + 1}"  # people count cameras from 1


def _group(
    name: str, members: Iterable[int], failures: Sequence[Failure], parts: _Parts
) -> FailureGroup:
    numbers = sorted(map(int, members), key=lambda i: (-failures[i].margin, i))
    chosen = [failures[i] for i in numbers]
    return FailureGroup(
        name,
        tuple(numbers),
        np.mean([failure.query_cells for failure in chosen], axis=0),
        float(np.mean([failure.margin for failure in chosen])),
        parts.means(chosen),
    )


class _Parts:
    """Sums of difference maps over the body parts of the query, where label maps tell."""

    def __init__(
        self,
        query: ImageSet,
        grid: Grid,
        labels: LabelReader | None,
        names: Mapping[int, str],
    ) -> None:
        self.query, self.grid, self.labels, self.names = query, grid, labels, names
        self.notes: list[str] = []
        self._cells: dict[int, npt.NDArray[np.uint8] | None] = {}

    def means(self, failures: Sequence[Failure]) -> dict[str, float]:
        """Mean sum by part, the part that misleads most first."""
        if self.labels is None:
            return {}
        totals: dict[str, float] = {}
        counted = 0
        for failure in failures:
            cells = self._of(failure.query)
            if cells is None:
                continue
            counted += 1
            for label in np.unique(cells):
                name = self.names.get(int(label), str(label))
                added = float(failure.query_cells[cells == label].sum())
                totals[name] = totals.get(name, 0.0) + added
        return {
            name: total / counted for name, total in sorted(totals.items(), key=lambda x: -x[1])
        }

    def _of(self, query: int) -> npt.NDArray[np.uint8] | None:
        if query not in self._cells:
            assert self.labels is not None
            try:
                self._cells[query] = cell_labels(self.labels(self.query[query]), self.grid)
            except ImageError as error:
                self._cells[query] = None
                self.notes.append(str(error))
        return self._cells[query]
