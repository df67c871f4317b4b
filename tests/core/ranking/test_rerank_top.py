"""Re-ranking of the nearest pictures only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import Cancelled, InputError
from qaconv_core.progress import CancelToken
from qaconv_core.ranking import k_reciprocal_rerank
from qaconv_core.ranking.rerank_top import rerank_approximation, rerank_top
from tests.core.ranking.samples import problem

SETTINGS = settings(derandomize=True, deadline=None, max_examples=40)


def stable(row: np.ndarray) -> np.ndarray:
    return np.argsort(row, kind="stable")


@SETTINGS
@given(
    seed=st.integers(0, 10**6),
    p=st.integers(1, 4),
    g=st.integers(1, 40),
    top_n=st.integers(1, 45),
    lambda_=st.sampled_from([0.0, 0.3, 1.0]),
    decimals=st.sampled_from([None, 2, 1, 0]),
)
def test_head_is_reranked_and_the_tail_keeps_its_order(
    seed: int, p: int, g: int, top_n: int, lambda_: float, decimals: int | None
) -> None:
    sample = problem(seed, p, g, decimals=decimals)
    out = rerank_top(sample.qg, top_n, sample.gg, lambda_=lambda_)
    assert out.shape == (p, g)
    assert out.dtype == np.float32
    for q in range(p):
        before, after = stable(sample.qg[q]), stable(out[q])
        assert set(after[:top_n]) == set(before[:top_n])
        assert after[top_n:].tolist() == before[top_n:].tolist()


def test_all_of_the_gallery_is_full_reranking_of_the_query_alone() -> None:
    sample = problem(1, 4, 50)
    own = np.diag(sample.qq)
    out = rerank_top(sample.qg, 50, sample.gg, self_distance=own)
    for q in range(4):
        alone = k_reciprocal_rerank(sample.qg[q : q + 1], own[None, q : q + 1], sample.gg)
        np.testing.assert_allclose(out[q], alone[0], atol=1e-6)


def test_only_distances_among_the_nearest_are_asked_for() -> None:
    sample, asked = problem(2, 3, 60), []

    def among(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        asked.append((rows.tolist(), columns.tolist()))
        return sample.gg[np.ix_(rows, columns)]

    out = rerank_top(sample.qg, 8, among)
    nearest = [stable(row)[:8].tolist() for row in sample.qg]
    assert asked == [(rows, rows) for rows in nearest]
    np.testing.assert_array_equal(out, rerank_top(sample.qg, 8, sample.gg))


def test_distances_too_close_for_float32_keep_their_order() -> None:
    dist = np.array([[0.0, *(0.9 - 1e-12 * np.arange(30))]])
    gg = np.full((31, 31), 0.5)
    for lambda_ in (0.0, 0.3):
        out = rerank_top(dist, 1, gg, lambda_=lambda_)
        assert stable(out[0]).tolist() == stable(dist[0]).tolist()


def test_empty_sets() -> None:
    assert rerank_top(np.zeros((0, 3)), 5, np.zeros((3, 3))).shape == (0, 3)
    assert rerank_top(np.zeros((3, 0)), 5, np.zeros((0, 0))).shape == (3, 0)


def test_the_label_names_the_number_and_says_approximation() -> None:
    assert "200" in rerank_approximation(200)
    assert "approximation" in rerank_approximation(200)


def test_bad_input_is_refused_and_cancelling_stops() -> None:
    sample, token = problem(0, 3, 8), CancelToken()
    with pytest.raises(InputError, match="at least 1"):
        rerank_top(sample.qg, 0, sample.gg)
    with pytest.raises(InputError, match="gallery distances must have shape"):
        rerank_top(sample.qg, 3, sample.qq)
    with pytest.raises(InputError, match="gallery distances must have shape"):
        rerank_top(sample.qg, 3, lambda rows, columns: np.zeros((1, 1)))
    with pytest.raises(InputError, match="self_distance"):
        rerank_top(sample.qg, 3, sample.gg, self_distance=[0.0])
    with pytest.raises(InputError, match="finite"):
        rerank_top(np.full((1, 8), np.nan), 3, sample.gg)
    token.cancel()
    with pytest.raises(Cancelled):
        rerank_top(sample.qg, 3, sample.gg, cancel=token)
