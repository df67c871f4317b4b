"""Sure pairs by time: one person seen twice within moments, several people in one frame."""

from __future__ import annotations

import numpy as np

from qaconv_core.adaptation.grouping import Hints
from qaconv_core.adaptation.neighbours import Neighbours
from qaconv_core.types import UNKNOWN, Float64, Int64

MOMENT = 1.0
"""Seconds within which a look-alike before the same camera is the same person."""
_NEAREST = 5
"""Both pictures of a sure pair are among so many nearest of each other."""


def time_hints(near: Neighbours, cameras: Int64, times: Float64) -> Hints:
    """Pairs known by camera and time (n,) seconds, NaN where not known.

    Pictures of one camera at the very same time are apart. Pictures of one camera within
    :data:`MOMENT` that are among each other's nearest are the same person.
    """
    same: list[tuple[int, int]] = []
    apart: list[tuple[int, int]] = []
    lists = [set(row[1 : 1 + _NEAREST].tolist()) for row in near.places]
    for camera in np.unique(cameras[cameras != UNKNOWN]):
        seen = np.flatnonzero((cameras == camera) & np.isfinite(times))
        seen = seen[np.argsort(times[seen], kind="stable")]
        at = times[seen]
        ends = np.searchsorted(at, at + MOMENT, side="right")
        for i, end in enumerate(ends.tolist()):
            for j in range(i + 1, end):
                a, b = int(seen[i]), int(seen[j])
                if at[i] == at[j]:
                    apart.append((a, b))
                elif b in lists[a] and a in lists[b]:
                    same.append((a, b))
    return Hints(_pairs(same), _pairs(apart))


def _pairs(found: list[tuple[int, int]]) -> Int64:
    return np.array(found, dtype=np.int64).reshape(-1, 2)
