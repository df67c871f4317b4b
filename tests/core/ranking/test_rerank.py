"""k-reciprocal re-ranking against the published numbers and a dense oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import Cancelled, InputError
from qaconv_core.evaluation import ranking_metrics
from qaconv_core.progress import CancelToken, Progress
from qaconv_core.ranking import columns, distances, k_reciprocal_rerank, rerank
from tests import oracles
from tests.core.ranking.samples import Problem, problem, reference

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)


def reranked(sample: Problem, *args: float, **options: object) -> np.ndarray:
    return k_reciprocal_rerank(sample.qg, sample.qq, sample.gg, *args, **options)


def assert_agrees(sample: Problem, k1: int = 20, k2: int = 6, lambda_: float = 0.3) -> None:
    fast = reranked(sample, k1, k2, lambda_)
    slow = oracles.k_reciprocal(sample.qg, sample.qq, sample.gg, k1, k2, lambda_)
    assert fast.dtype == np.float32
    np.testing.assert_allclose(fast, slow, atol=2e-6)


def test_published_numbers_are_met() -> None:
    data = reference()
    dist = k_reciprocal_rerank(
        data["dist_query_gallery"], data["dist_query_query"], data["dist_gallery_gallery"]
    )
    # The published code computes in float16 here.
    np.testing.assert_allclose(dist, data["rerank.dist"], atol=2e-3)
    ids = (data[k] for k in ("query_pids", "gallery_pids", "query_cams", "gallery_cams"))
    measured = ranking_metrics(dist, *ids)
    assert measured.mAP == pytest.approx(float(data["rerank.mAP"]), abs=2e-3)
    np.testing.assert_allclose(measured.cmc, data["rerank.cmc"], atol=1e-6)


def test_agrees_with_the_oracle_on_the_reference_distances() -> None:
    data = reference()
    part = Problem(
        data["dist_query_gallery"][:10, :60],
        data["dist_query_query"][:10, :10],
        data["dist_gallery_gallery"][:60, :60],
        *[np.empty(0)] * 4,
    )
    assert_agrees(part)


def test_signed_numbers_are_ranked_as_published_with_columns_turned_around() -> None:
    random = np.random.default_rng(4)
    qg, qq, gg = (random.normal(2, 6, shape) for shape in ((7, 30), (7, 7), (30, 30)))
    qg[:, 5], gg[:, 5] = -np.abs(qg[:, 5]), -np.abs(gg[:, 5])  # all logits to it are positive
    qq[:, 2], qg[2] = -np.abs(qq[:, 2]), -np.abs(qg[2])
    sample = Problem(*(part.astype(np.float32) for part in (qg, qq, gg)), *[np.empty(0)] * 4)
    for workers in (1, 3):
        fast = reranked(sample, signed=True, workers=workers)
        slow = oracles.k_reciprocal(sample.qg, sample.qq, sample.gg)
        np.testing.assert_allclose(fast, slow, atol=1e-5, rtol=1e-5)
    with pytest.raises(InputError, match="must not be negative"):
        reranked(sample)


@SETTINGS
@given(
    seed=st.integers(0, 10**6),
    p=st.integers(1, 9),
    g=st.integers(1, 25),
    k1=st.integers(1, 24),
    k2=st.integers(1, 8),
    lambda_=st.sampled_from([0.0, 0.3, 1.0]),
    decimals=st.sampled_from([None, 2, 1, 0]),
    symmetric=st.booleans(),
)
def test_agrees_with_the_oracle(
    seed: int,
    p: int,
    g: int,
    k1: int,
    k2: int,
    lambda_: float,
    decimals: int | None,
    symmetric: bool,
) -> None:
    sample = problem(seed, p, g, decimals=decimals, symmetric=symmetric)
    assert_agrees(sample, k1, k2, lambda_)


def test_duplicates_and_equal_distances_give_no_nan() -> None:
    for value in (0.0, 0.5):
        sample = problem(0, 4, 30)
        same = Problem(
            np.full_like(sample.qg, value),
            np.full_like(sample.qq, value),
            np.full_like(sample.gg, value),
            *sample.labels,
        )
        assert np.isfinite(reranked(same)).all()
        assert_agrees(same)


def test_one_query_and_one_gallery_picture() -> None:
    assert_agrees(problem(1, 1, 1))


def test_no_query_or_no_gallery_gives_an_empty_result() -> None:
    assert reranked(problem(0, 0, 3)).shape == (0, 3)
    assert reranked(problem(0, 3, 0)).shape == (3, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4", np.int32])
def test_input_types(dtype: str) -> None:
    sample = problem(3, 5, 20, decimals=2)
    parts = [(100 * d).astype(dtype) for d in (sample.qg, sample.qq, sample.gg)]
    np.testing.assert_allclose(k_reciprocal_rerank(*parts), oracles.k_reciprocal(*parts), atol=2e-6)


def test_memory_mapped_input_and_read_only(tmp_path: Path) -> None:
    sample = problem(4, 5, 30)
    np.save(tmp_path / "gg.npy", sample.gg)
    mapped = np.load(tmp_path / "gg.npy", mmap_mode="r")
    result = k_reciprocal_rerank(sample.qg, sample.qq, mapped)
    np.testing.assert_array_equal(result, reranked(sample))


@pytest.mark.parametrize("ahead", [0, 8])  # picking single numbers; reading whole blocks
@pytest.mark.parametrize("decimals", [None, 1])
def test_everything_on_disk_in_tiny_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int, decimals: int | None
) -> None:
    sample = problem(8, 9, 60, decimals=decimals, symmetric=False)
    expected = reranked(sample)
    monkeypatch.setattr(distances, "TABLE_BYTES", 2000)
    monkeypatch.setattr(distances, "_READAHEAD", ahead)
    monkeypatch.setattr(columns, "STRIP_BYTES", 700)
    mapped = []
    for name in ("qg", "qq", "gg"):
        np.save(tmp_path / f"{name}.npy", getattr(sample, name))
        mapped.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    place = np.memmap(tmp_path / "out.f32", np.float32, "w+", shape=(9, 60))
    assert k_reciprocal_rerank(*mapped, out=place) is place
    np.testing.assert_array_equal(place, expected)
    with pytest.raises(InputError, match=r"the place for re-ranked distances has shape \(9, 2\)"):
        reranked(sample, out=np.empty((9, 2), dtype=np.float32))


@SETTINGS
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 40),
    width=st.integers(1, 12),
    k=st.integers(1, 9),
    block=st.integers(1, 9),
    decimals=st.sampled_from([None, 1, 0]),
)
def test_heads_of_columns_are_those_of_a_stable_sort(
    seed: int, rows: int, width: int, k: int, block: int, decimals: int | None
) -> None:
    random = np.random.default_rng(seed)
    matrix = random.random((rows, width)).astype(np.float32)
    matrix = matrix if decimals is None else matrix.round(decimals)
    k = min(k, rows)
    heads = columns.ColumnHeads(width, k, matrix.dtype)
    for start in range(0, rows, block):
        heads.take(matrix[start : start + block], start)
    expected = np.argsort(matrix, axis=0, kind="stable")[:k].T
    np.testing.assert_array_equal(heads.rows(), expected)
    np.testing.assert_array_equal(heads.largest, matrix.max(axis=0))


def test_blocks_and_threads_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = problem(5, 17, 80)
    whole = reranked(sample)
    monkeypatch.setattr(distances, "TABLE_BYTES", 3000)
    monkeypatch.setattr(columns, "STRIP_BYTES", 1000)
    monkeypatch.setattr(rerank, "BLOCK_BYTES", 3000)
    monkeypatch.setattr(rerank, "TERMS_AT_ONCE", 500)
    np.testing.assert_array_equal(reranked(sample), whole)
    np.testing.assert_array_equal(reranked(sample, workers=3), whole)


def test_progress_reaches_its_total_and_cancelling_stops() -> None:
    sample, seen, token = problem(6, 6, 30), [], CancelToken()

    def watch(progress: Progress) -> None:
        seen.append(progress)

    reranked(sample, progress=watch)
    assert seen[-1].fraction == 1.0
    token.cancel()
    with pytest.raises(Cancelled):
        reranked(sample, cancel=token)
    with pytest.raises(Cancelled):
        reranked(sample, cancel=token, workers=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k1": 0}, "k1"),
        ({"k2": 0}, "k2"),
        ({"k1": 2.5}, "k1"),
        ({"k1": True}, "k1"),
        ({"lambda_": 1.5}, "lambda"),
        ({"lambda_": float("nan")}, "lambda"),
    ],
)
def test_options_are_checked(options: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        reranked(problem(0, 2, 3), **options)


def test_bad_distances_are_refused() -> None:
    sample = problem(0, 3, 8)
    with pytest.raises(InputError, match=r"dist_qq must have shape \(3, 3\), not \(8, 8\)"):
        k_reciprocal_rerank(sample.qg, sample.gg, sample.gg)
    with pytest.raises(InputError, match="real numbers"):
        k_reciprocal_rerank(sample.qg.astype(complex), sample.qq, sample.gg)
    for name, value, words in (
        ("qg", np.nan, "finite"),
        ("qq", np.inf, "finite"),
        ("gg", np.nan, "finite"),
        ("gg", -0.5, "negative"),
    ):
        broken = problem(0, 3, 8)
        getattr(broken, name)[1, 2] = value
        with pytest.raises(InputError, match=words):
            reranked(broken)
