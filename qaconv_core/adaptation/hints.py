"""Sure pairs by time: one person seen twice within moments, several people in one frame."""

from __future__ import annotations

import numpy as np

from qaconv_core.adaptation.grouping import Hints
from qaconv_core.adaptation.neighbours import Neighbours
from qaconv_core.types import UNKNOWN, Float64, Int64

MOMENT = 1.0
"""Seconds within which a look-alike before the same camera is the same person."""
MOST_IN_FRAME = 100
"""People of one frame, at most; more pictures at one time were not cut from one frame."""
_NEAREST = 5
"""Both pictures of a sure pair are among so many nearest of each other."""


def time_hints(near: Neighbours, cameras: Int64, times: Float64) -> Hints:
    """Pairs known by camera and time (n,) seconds, NaN where not known.

    Pictures cut from one frame of a camera are apart. Pictures of one camera within
    :data:`MOMENT` that are among each other's nearest are the same person. Times tell frames where
    they are finer than seconds: a clock of whole seconds gives one time to many frames. One of
    whole minutes tells neither.
    """
    same: list[tuple[int, int]] = []
    apart: list[tuple[int, int]] = []
    resolution = _resolution(times)
    if resolution > MOMENT:
        return Hints()
    lists = [set(row[1 : 1 + _NEAREST].tolist()) for row in near.places]
    for camera in np.unique(cameras[cameras != UNKNOWN]):
        seen = np.flatnonzero((cameras == camera) & np.isfinite(times))
        seen = seen[np.argsort(times[seen], kind="stable")]
        at = times[seen]
        frame = np.searchsorted(at, at, side="right")
        moment = np.searchsorted(at, at + MOMENT, side="right")
        crowd = frame - np.searchsorted(at, at, side="left")
        told = (crowd <= MOST_IN_FRAME) & (resolution < MOMENT)
        place = {picture: k for k, picture in enumerate(seen.tolist())}
        for i, picture in enumerate(seen.tolist()):
            first = frame[i] if told[i] else i + 1
            apart += [(picture, int(other)) for other in seen[i + 1 : first]]
            for other in lists[picture]:
                later = first <= place.get(other, -1) < moment[i]
                if later and picture in lists[other]:
                    same.append((picture, other))
    return Hints(_pairs(same), _pairs(apart))


def _resolution(times: Float64) -> float:
    """Seconds that the clock of ``times`` (n,) counts in: 60, 1 or 0 for anything finer."""
    known = times[np.isfinite(times)]
    return next((step for step in (60.0, 1.0) if not (known % step).any()), 0.0)


def _pairs(found: list[tuple[int, int]]) -> Int64:
    return np.array(found, dtype=np.int64).reshape(-1, 2)
