"""Groups of errors: by camera pair and by cluster, with the body parts that mislead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.data.label_maps import cell_labels
from qaconv_core.errors import ImageError
from qaconv_core.evaluation.explanations import LabelReader
from qaconv_core.naming import camera_label
from qaconv_core.types import Float64, Grid, ImageSet, Int64, camera_names

CLUSTERS = 4


@dataclass(frozen=True)
class RankingError:
    """A query whose first match is false: indices of query, first false and first true match.

    ``margin`` is logit_false − logit_true (0 for a tie). ``query_cells`` (h, w) is the query cells'
    part of it, ``gallery_cells`` the part of the two candidates' own cells.
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
class ErrorGroup:
    """Several errors with their averages.

    ``examples`` are numbers in ``ErrorAnalysis.errors``, the largest margin first. ``mean`` (h, w)
    is the mean of their difference maps, positive where cells favour the false match. ``margin`` is
    their mean margin. ``parts`` maps each body part to the mean sum of the difference over the
    query's cells of that part; it is empty without label maps.
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


def cluster_errors(errors: Sequence[RankingError], clusters: int = CLUSTERS) -> list[Int64]:
    """Numbers of the errors in each cluster, the largest cluster first.

    k-means on the difference maps, each scaled to unit length, so that clusters differ in where a
    false match misleads and not in how much. At most one cluster for every two errors. The same
    input gives the same clusters.
    """
    if not errors:
        return []
    from sklearn.cluster import KMeans

    maps = np.stack([error.query_cells.ravel() for error in errors])
    lengths = np.linalg.norm(maps, axis=1, keepdims=True)
    maps = np.divide(maps, lengths, out=np.zeros_like(maps), where=lengths > 0)
    count = max(1, min(clusters, len(errors) // 2, len(np.unique(maps, axis=0))))
    labels = KMeans(count, n_init=10, random_state=0).fit_predict(maps)
    groups = [np.flatnonzero(labels == label) for label in range(count)]
    return sorted((g for g in groups if len(g)), key=lambda g: (-len(g), int(g[0])))


def by_camera(
    errors: Sequence[RankingError], query: ImageSet, gallery: ImageSet, parts: PartSums
) -> list[ErrorGroup]:
    """Groups by the cameras of query and false match, the largest first."""
    cameras = query.camids, gallery.camids
    groups: dict[tuple[int, int], list[int]] = {}
    for number, error in enumerate(errors):
        pair = int(cameras[0][error.query]), int(cameras[1][error.false])
        groups.setdefault(pair, []).append(number)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    names = camera_names((*query, *gallery))

    def label(camid: int) -> str:
        return camera_label(camid, names.get(camid, "")) or "unknown"

    return [
        group_of(" → ".join(map(label, pair)), members, errors, parts) for pair, members in ordered
    ]


def group_of(
    name: str, members: Iterable[int], errors: Sequence[RankingError], parts: PartSums
) -> ErrorGroup:
    """A group of the errors with the numbers ``members``."""
    numbers = sorted(map(int, members), key=lambda i: (-errors[i].margin, i))
    chosen = [errors[i] for i in numbers]
    return ErrorGroup(
        name,
        tuple(numbers),
        np.mean([error.query_cells for error in chosen], axis=0),
        float(np.mean([error.margin for error in chosen])),
        parts.means(chosen),
    )


class PartSums:
    """Sums of difference maps over the body parts of the query, from label maps."""

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

    def means(self, errors: Sequence[RankingError]) -> dict[str, float]:
        """Mean sum by part, the part that misleads most first."""
        if self.labels is None:
            return {}
        totals: dict[str, float] = {}
        counted = 0
        for error in errors:
            cells = self._labels_of(error.query)
            if cells is None:
                continue
            counted += 1
            for label in np.unique(cells):
                name = self.names.get(int(label), str(label))
                added = float(error.query_cells[cells == label].sum())
                totals[name] = totals.get(name, 0.0) + added
        return {
            name: total / counted for name, total in sorted(totals.items(), key=lambda x: -x[1])
        }

    def _labels_of(self, query: int) -> npt.NDArray[np.uint8] | None:
        if query not in self._cells:
            assert self.labels is not None
            try:
                self._cells[query] = cell_labels(self.labels(self.query[query]), self.grid)
            except ImageError as error:
                self._cells[query] = None
                self.notes.append(str(error))
        return self._cells[query]
