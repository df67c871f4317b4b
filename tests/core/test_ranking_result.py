"""A ranking refuses what contradicts itself, and answers for places, pictures and ranks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from qaconv_core.errors import InputError
from qaconv_core.types import RankingResult, score_of_logit

JUNK = RankingResult.JUNK


def ranking(**changes):
    """Four of six pictures: junk at place 1."""
    order, values = np.array([4, 0, 5, 2]), np.array([9, 7, 7, -3], dtype=np.float32)
    truth = np.array([0, JUNK, 1, -2], dtype=np.int8)
    return replace(RankingResult((3,), order, values, truth, gallery=6), **changes)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"values": np.zeros(3, np.float32)}, "one length"),
        ({"before": np.arange(5)}, "one length"),
        ({"bounds": np.zeros(2, np.float32)}, "one length"),
        ({"order": np.array([4, 0, 4, 2])}, "more than once"),
        ({"order": np.array([4, 0, 6, 2])}, "does not hold"),
        ({"order": np.array([4, 0, -1, 2])}, "does not hold"),
        ({"gallery": None}, "does not hold"),
        ({"truth": np.array([0, 1, 2, 0], np.int8)}, "truth"),
        ({"truth": np.array([0, 1, -3, 0], np.int8)}, "truth"),
        ({"certainty": "nearly", "exact_to": 1}, "certainty"),
        ({"certainty": "proved"}, "up to which place"),
        ({"exact_to": 2}, "up to which place"),
        ({"certainty": "measured", "exact_to": 5}, "up to place 5"),
        ({"certainty": "shortlist", "exact_to": -1}, "up to place -1"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        ranking(**changes)


def test_places_ranks_and_values_of_pictures():
    found = ranking()
    assert (found.query, found.size, found.whole) == (3, 6, False)
    assert found.ranks.tolist() == [1, 0, 2, 3]
    assert found.places.tolist() == [1, -1, 3, -1, 0, 2]
    assert [found.rank_of(g) for g in range(6)] == [0, 0, 3, 0, 1, 2]
    assert (found.value_of(2), found.truth_of(0), found.truth_of(1)) == (-3, JUNK, -2)
    assert math.isnan(found.value_of(1))
    assert found.score_at(0) == score_of_logit(9)
    assert found.gallery_values.tolist() == [7, -math.inf, -3, -math.inf, 9, 7]
    assert found.first(RankingResult.TRUE) == 5
    assert found.next_place(3, JUNK, -1) == 1
    assert found.next_place(1, JUNK) is None


def test_some_places_of_an_estimated_ranking():
    bounds = np.array([0, 0, 0.5, 1], dtype=np.float32)
    whole = ranking(certainty="proved", exact_to=2, bounds=bounds, before=np.arange(4))
    assert whole.scored == 2
    some = whole.select(np.array([1, 3]))
    assert (some.order.tolist(), some.values.tolist()) == ([0, 2], [7, -3])
    assert (some.exact_to, some.certainty, some.size) == (1, "proved", 6)
    assert (some.bounds.tolist(), some.before.tolist()) == ([0, 1], [1, 3])
    assert ranking().select(np.array([], dtype=np.int64)).exact_to is None
