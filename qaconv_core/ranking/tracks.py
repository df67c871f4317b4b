"""Rankings in which who was followed through a video is one entry.

A track is ranked by the best of its pictures, which is what every ranking says by itself
(:func:`qaconv_core.types.ranks`), or by the mean of what its pictures are ranked by
(:func:`by_tracks`). The values of pictures stay what they are, so that each can be explained.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.types import UNKNOWN, Bool, Float32, Int64, RankingResult

BEST, MEAN = "best", "mean"
TRACK_RULES = (BEST, MEAN)
RULE_WORDS = {
    BEST: "each track once, by the best of its pictures",
    MEAN: "each track once, by the mean of its pictures; the best is shown",
}


def by_tracks(ranking: RankingResult, rule: str) -> RankingResult:
    """The ranking with its tracks in the order of ``rule``, one of :data:`TRACK_RULES`.

    Junk takes no part in a mean. A picture in no track, and junk, is ranked by its own value. Of a
    track the best picture stands first. Places under plain QAConv are by the same rule.
    """
    tracks = ranking.tracks
    if rule == BEST or tracks is None or ranking.track_means is not None:
        return ranking
    means = track_means(ranking.values, tracks, ranking.truth != RankingResult.JUNK)
    moved = ranking
    if ranking.before is not None and ranking.whole_logits is not None:
        moved = replace(ranking, before=_plain_places(ranking, tracks))
    order = _order(means, tracks)
    return replace(replace(moved, track_means=means).select(order), gallery=ranking.gallery)


def track_means(values: npt.NDArray[Any], tracks: Int64, counted: Bool) -> Float32:
    """(n,) for each picture the mean of ``values`` (n,) over the ``counted`` ones of its track;
    its own value where it is in no track or not counted."""
    out = np.array(values, dtype=np.float64)
    followed = np.flatnonzero((tracks != UNKNOWN) & counted)
    _, entry = np.unique(tracks[followed], return_inverse=True)
    sums = np.bincount(entry, weights=out[followed])
    out[followed] = (sums / np.maximum(np.bincount(entry), 1))[entry]
    return out.astype(np.float32)


def _order(means: Float32, tracks: Int64) -> Int64:
    """Places, best first: by means, pictures of one track one after another, ties as before."""
    place = np.arange(len(means))
    first = place.copy()
    followed = np.flatnonzero(tracks != UNKNOWN)
    _, leader, entry = np.unique(tracks[followed], return_index=True, return_inverse=True)
    first[followed] = followed[leader][entry]
    return np.lexsort((place, first, -means))


def _plain_places(ranking: RankingResult, tracks: Int64) -> Int64:
    """(n,) the place of each picture of a ranking under plain QAConv by means of logits."""
    assert ranking.before is not None
    assert ranking.whole_logits is not None
    plain = np.argsort(ranking.before)
    counted = ranking.truth[plain] != RankingResult.JUNK
    means = track_means(ranking.whole_logits[plain], tracks[plain], counted)
    places = np.empty(len(plain), dtype=np.int64)
    places[plain[_order(means, tracks[plain])]] = np.arange(len(plain))
    return places
