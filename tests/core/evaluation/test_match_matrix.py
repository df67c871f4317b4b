"""Who is confused with whom, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.errors import InputError
from qaconv_core.evaluation.match_matrix import first_candidates, joined, match_matrix
from qaconv_core.types import RankingResult

JUNK, FALSE, TRUE = RankingResult.JUNK, RankingResult.FALSE, RankingResult.TRUE
SCORES = np.array([[9, 5, 1], [2, 8, 8], [3, 1, 2], [7, 7, 7]], dtype=np.float32)
TRUTH = np.array(
    [[JUNK, FALSE, TRUE], [FALSE, TRUE, FALSE], [FALSE, TRUE, FALSE], [JUNK, JUNK, JUNK]],
    dtype=np.int8,
)


def test_first_candidates_leave_junk_out_and_ties_go_to_the_earlier():
    found = first_candidates(SCORES, TRUTH)
    assert found.query.tolist() == [0, 1, 2]
    assert found.candidate.tolist() == [1, 1, 0]
    assert found.wrong.tolist() == [True, False, True]


def test_blocks_give_what_the_whole_gives():
    whole = first_candidates(SCORES, TRUTH)
    parts = joined(
        [first_candidates(SCORES[:2], TRUTH[:2]), first_candidates(SCORES[2:], TRUTH[2:], 2)]
    )
    for name in ("query", "candidate", "wrong"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()
    assert joined([]).query.tolist() == []


def test_by_camera_all_are_counted_and_the_wrong_ones_come_first():
    firsts = first_candidates(SCORES, TRUTH)
    found = match_matrix(firsts, np.array([0, 0, 1, 1]), np.array([2, 1, 2]), "camera")
    assert (found.rows, found.columns) == ((0, 1), (1, 2))
    assert found.counts.tolist() == [[2, 0], [0, 1]]
    assert found.wrong.tolist() == [[1, 0], [0, 1]]
    assert found.members[0, 0] == (0, 1)


def test_by_person_only_those_confused_are_listed():
    firsts = first_candidates(SCORES, TRUTH)
    found = match_matrix(firsts, np.array([4, 5, 6, 7]), np.array([9, 8, -1]), "person")
    assert found.rows == (4, 6)
    assert found.columns == (8, 9)
    assert found.wrong.tolist() == [[1, 0], [0, 1]]
    none = match_matrix(firsts, np.full(4, -1), np.full(3, -1), "person")
    assert none.rows == ()


def test_wrong_input_is_refused():
    with pytest.raises(InputError):
        first_candidates(SCORES, TRUTH[:2])
    with pytest.raises(InputError):
        match_matrix(first_candidates(SCORES, TRUTH), np.zeros(4), np.zeros(3), "shoe")
