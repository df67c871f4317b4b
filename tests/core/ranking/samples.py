"""Random ranking problems that the tests of ranking and evaluation share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).parents[2] / "data" / "open_ranking.npz"
"""Numbers from the published implementation."""


def reference() -> dict[str, np.ndarray]:
    """The reference vectors by key."""
    with np.load(REFERENCE, allow_pickle=False) as data:
        return {key: data[key] for key in data.files}


@dataclass
class Problem:
    """Distances among p queries and g gallery pictures of some people at some cameras."""

    qg: np.ndarray
    qq: np.ndarray
    gg: np.ndarray
    query_ids: np.ndarray
    gallery_ids: np.ndarray
    query_cams: np.ndarray
    gallery_cams: np.ndarray

    @property
    def labels(self) -> tuple[np.ndarray, ...]:
        """Ids and cameras in the order in which the measures take them."""
        return self.query_ids, self.gallery_ids, self.query_cams, self.gallery_cams


def problem(
    seed: int,
    p: int,
    g: int,
    people: int = 6,
    cams: int = 3,
    decimals: int | None = None,
    symmetric: bool = False,
    unknown: float = 0.0,
) -> Problem:
    """A random problem; ``decimals`` rounds distances (ties), ``unknown`` hides ids and cameras."""
    random = np.random.default_rng(seed)
    n = p + g
    ids, at = random.integers(0, people, n), random.integers(0, cams, n)
    centre = random.normal(size=(people, 4))
    points = centre[ids] + 0.7 * random.normal(size=(n, 4))
    dist = np.linalg.norm(points[:, None] - points, axis=2)
    dist = dist / (dist.max(initial=0) or 1)
    if not symmetric:
        dist = dist * random.uniform(0.9, 1.1, dist.shape)
    if decimals is not None:
        dist = dist.round(decimals)
    ids[random.random(n) < unknown] = -1
    at[random.random(n) < unknown] = -1
    dist = dist.astype(np.float32)
    return Problem(dist[:p, p:], dist[:p, :p], dist[p:, p:], ids[:p], ids[p:], at[:p], at[p:])
