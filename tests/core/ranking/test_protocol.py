"""Who counts as true, false, junk or not known."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.errors import InputError
from qaconv_core.ranking import truth_labels

PIDS, CAMS = [5, 5, 6, 0, -1, 5], [1, 2, 1, 1, 1, -1]


def test_junk_is_the_same_person_at_the_same_camera() -> None:
    assert truth_labels(5, 1, PIDS, CAMS).tolist() == [-1, 1, 0, 0, -2, 1]


def test_the_junk_rule_can_be_switched_off() -> None:
    assert truth_labels(5, 1, PIDS, CAMS, junk_rule=False).tolist() == [1, 1, 0, 0, -2, 1]


def test_two_unknown_cameras_are_not_the_same() -> None:
    assert truth_labels(5, -1, PIDS, CAMS).tolist() == [1, 1, 0, 0, -2, 1]
    assert truth_labels(5, None, PIDS, None).tolist() == [1, 1, 0, 0, -2, 1]


def test_pid_zero_is_a_person_like_any_other() -> None:
    assert truth_labels(0, 3, PIDS, CAMS).tolist() == [0, 0, 0, 1, -2, 0]


@pytest.mark.parametrize("pid", [-1, None])
def test_a_query_of_unknown_identity_knows_no_truth(pid: int | None) -> None:
    assert truth_labels(pid, 1, PIDS, CAMS).tolist() == [-2] * 6


def test_none_stands_for_unknown_in_lists() -> None:
    assert truth_labels(5, 1, [5, None, 5], [None, 1, 1]).tolist() == [1, -2, -1]


def test_labels_are_int8_and_may_be_empty() -> None:
    labels = truth_labels(5, 1, [], [])
    assert labels.shape == (0,)
    assert labels.dtype == np.int8


def test_ids_must_be_whole_numbers_of_one_length() -> None:
    with pytest.raises(InputError, match="whole numbers"):
        truth_labels(5, 1, ["a"], [1])  # type: ignore[list-item]
    with pytest.raises(InputError, match="whole numbers"):
        truth_labels(5, 1, [1.5], [1])  # type: ignore[list-item]
    with pytest.raises(InputError, match="gallery_camids must have 2 entries"):
        truth_labels(5, 1, [1, 2], [1])
