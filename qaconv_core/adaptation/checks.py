"""Does it help: measures of a model on held-out pictures, without labels.

They work on distances among the held-out pictures, normalised by camera (the gain: also on plain
ones). None needs to know a person. With labels, the retrieval measures among the same pictures are
taken too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from qaconv_core.adaptation.grouping import ALONE, group_pictures, linked
from qaconv_core.adaptation.neighbours import all_logits, all_values, nearest_of_all
from qaconv_core.adaptation.reciprocal import reciprocal_distances
from qaconv_core.evaluation.measures import ranking_metrics
from qaconv_core.models import AffineHead
from qaconv_core.types import UNKNOWN, Float16, Float32, Int64

RESAMPLES = 5
KEPT_SHARE = 0.8
NEAREST = 5
_OWN = 9.0  # beyond every distance: a picture is no candidate of its own


@dataclass(frozen=True)
class Check:
    """How a model orders pictures that it never learned from; shares in [0, 1].

    ``worth`` is the silhouette of its groups times the share of pictures in them, ``stability``
    the adjusted Rand index of groups found in random parts, ``across`` the share of pictures of
    other cameras among the nearest (None with one camera), ``separation`` the gap in N between the
    nearest pictures of other groups and those of the own one, ``mAP`` and ``rank1`` those among
    the pictures themselves (None without labels). ``gain`` is :func:`gain_over` the old model (None
    for that itself).
    """

    pictures: int
    groups: int
    worth: float
    stability: float
    across: float | None
    separation: float
    mAP: float | None = None
    rank1: float | None = None
    gain: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Checked:
    """A check, and what it was made of: distances (n, n) normalised by camera, ``plain`` ones as
    rankings show them, ``labels`` (n,) of groups, and the ``logits`` (n, n)."""

    check: Check
    distances: Float32
    plain: Float32
    labels: Int64
    logits: Float32


def check_model(
    maps: Float16,
    head: AffineHead,
    cameras: Int64,
    pids: Int64,
    *,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> Checked:
    """Measures of a model by its ``maps`` (n, C, h, w) of held-out pictures.

    ``cameras`` (n,) and ``pids`` (n,) are −1 where not known.
    """
    logits = all_logits(maps, head, device)
    distances = all_values(logits, cameras, True)
    near = nearest_of_all(distances)
    graph = reciprocal_distances(near)
    grouping = group_pictures(graph, cameras, across=False)
    whole = next((t for t in grouping.trials if t.reach == grouping.reach), None)
    map_, rank1 = _labelled(distances, cameras, pids)
    check = Check(
        pictures=len(maps),
        groups=grouping.count,
        worth=0.0 if whole is None else whole.worth,
        stability=_stability(graph, grouping.labels, grouping.reach, seed),
        across=_across(near.places, cameras),
        separation=_separation(distances, grouping.labels),
        mAP=map_,
        rank1=rank1,
    )
    plain = all_values(logits, cameras, False)
    return Checked(check, distances, plain, grouping.labels, logits)


def gain_over(before: Checked, after: Checked, cameras: Int64) -> float:
    """How much higher mAP is than ``before``, with groups taken for persons.

    The mean over the groups that the old model finds and those that the new one finds: each set
    of groups favours the model that found it. And over plain and normalised distances: much of what
    an adaptation mends, normalising mends as well, so that these alone hide it.
    """
    gains = [
        _mean_precision(new, labels, cameras) - _mean_precision(old, labels, cameras)
        for labels in (before.labels, after.labels)
        for old, new in ((before.plain, after.plain), (before.distances, after.distances))
    ]
    return sum(gains) / len(gains)


def _mean_precision(distances: Float32, labels: Int64, cameras: Int64) -> float:
    """mAP among the grouped pictures, groups taken for persons; 0 where nothing can be found."""
    kept = np.flatnonzero(labels != ALONE)
    if len(kept) < 2:
        return 0.0
    inner = distances[np.ix_(kept, kept)].copy()
    np.fill_diagonal(inner, _OWN)
    ids, cams = labels[kept], cameras[kept]
    if (cams == UNKNOWN).any():  # nothing but the picture itself is left out
        cams = np.arange(len(kept))
    found = ranking_metrics(inner, ids, ids, cams, cams)
    return float(found.mAP) if found.valid_queries else 0.0


def _stability(graph: Any, labels: Int64, reach: float, seed: int) -> float:
    """Mean adjusted Rand index between ``labels`` and those found in random parts."""
    from sklearn.metrics import adjusted_rand_score

    if not (labels != ALONE).any():
        return 0.0
    random = np.random.default_rng((seed, 23))
    scores = []
    for _ in range(RESAMPLES):
        part = np.sort(random.permutation(len(labels))[: round(KEPT_SHARE * len(labels))])
        found = linked(graph[part][:, part], (reach,))[0]
        both = (found != ALONE) & (labels[part] != ALONE)
        if both.any():
            scores.append(adjusted_rand_score(labels[part][both], found[both]))
    return float(np.mean(scores)) if scores else 0.0


def _across(places: Any, cameras: Int64) -> float | None:
    if len(np.unique(cameras[cameras != UNKNOWN])) < 2:
        return None
    others = cameras[places[:, 1 : 1 + NEAREST]]
    return float((others != cameras[:, None]).mean())


def _separation(distances: Float32, labels: Int64) -> float:
    """Mean over grouped pictures: distance to the nearest of another group, less the mean one to
    the nearest of its own."""
    kept = np.flatnonzero(labels != ALONE)
    if len(kept) < 2:
        return 0.0
    inner = distances[np.ix_(kept, kept)].astype(np.float64)
    np.fill_diagonal(inner, np.inf)
    own = labels[kept][:, None] == labels[kept][None, :]
    nearest_own = np.where(own, inner, np.inf).min(axis=1)
    nearest_other = np.where(own, np.inf, inner).min(axis=1)
    gap = nearest_other - nearest_own
    gap = gap[np.isfinite(gap)]
    return float(gap.mean()) if len(gap) else 0.0


def _labelled(distances: Float32, cameras: Int64, pids: Int64) -> tuple[float | None, float | None]:
    known = np.flatnonzero(pids > 0)
    if len(known) < 2:
        return None, None
    inner = distances[np.ix_(known, known)].copy()
    cams = cameras[known]
    if (cams == UNKNOWN).any():
        return None, None
    found = ranking_metrics(inner, pids[known], pids[known], cams, cams)
    return float(found.mAP), float(found.cmc[0])
