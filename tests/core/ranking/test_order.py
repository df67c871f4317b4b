"""The partial sort is the head of the full stable sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qaconv_core.errors import InputError
from qaconv_core.ranking import rank_gallery
from qaconv_core.ranking.order import nearest
from qaconv_core.types import RankingResult

SETTINGS = settings(derandomize=True, deadline=None, max_examples=150)
FEW_VALUES = st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0, np.inf, -np.inf])


@SETTINGS
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(0, 12)), elements=FEW_VALUES),
    st.integers(0, 14),
)
def test_nearest_is_the_head_of_the_stable_sort(block: np.ndarray, k: int) -> None:
    expected = np.argsort(block, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(nearest(block, k), expected)


def test_nearest_on_wide_rows_with_and_without_ties() -> None:
    random = np.random.default_rng(0)
    for block in (random.random((20, 900)), random.integers(0, 9, (20, 900))):
        expected = np.argsort(block, axis=1, kind="stable")
        for k in (1, 21, 899, 900):
            np.testing.assert_array_equal(nearest(block, k), expected[:, :k])


def test_rank_gallery_keeps_gallery_order_on_ties() -> None:
    values = np.array([0.5, 0.9, 0.5, 0.1, 0.9, 0.5], dtype=np.float32)
    truth = np.array([1, 0, -1, 0, 1, -2], dtype=np.int8)
    result = rank_gallery(values, truth, method="m")
    order = [1, 4, 0, 2, 5, 3]
    assert result.order.tolist() == order
    assert result.values.tolist() == values[order].tolist()
    assert result.truth.tolist() == truth[order].tolist()
    assert result.method == "m"
    assert set(rank_gallery(values).truth.tolist()) == {RankingResult.NOT_KNOWN}


def test_rank_gallery_of_nothing_is_empty() -> None:
    assert len(rank_gallery(np.empty(0, np.float32)).order) == 0


def test_rank_gallery_refuses_what_it_cannot_rank() -> None:
    with pytest.raises(InputError, match="NaN"):
        rank_gallery([1.0, float("nan")])
    with pytest.raises(InputError, match="shape"):
        rank_gallery(np.zeros((2, 2)))
    with pytest.raises(InputError, match="one per gallery picture"):
        rank_gallery([1.0, 2.0], truth=[1])
