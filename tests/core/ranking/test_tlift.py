"""TLift against the published numbers and a query-by-query oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import Cancelled, InputError
from qaconv_core.evaluation import ranking_metrics
from qaconv_core.progress import CancelToken
from qaconv_core.ranking import arrays, temporal_lift, tlift, tlift_available
from tests import oracles
from tests.core.ranking.samples import reference

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
Sample = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def sightings(
    seed: int, p: int, g: int, cams: int = 3, decimals: int | None = None, unknown: float = 0.0
) -> Sample:
    random = np.random.default_rng(seed)
    score = random.random((p, g)).astype(np.float32)
    if decimals is not None:
        score = score.round(decimals)
    at, when = random.integers(0, cams, p + g), random.integers(0, 20, p + g) * 25.0
    at[random.random(p + g) < unknown] = -1
    when[random.random(p + g) < unknown] = np.nan
    return score, at[:p], at[p:], when[:p], when[p:]


def test_published_numbers_are_met() -> None:
    data = reference()
    cams = data["query_cams"], data["gallery_cams"]
    times = data["query_time"], data["gallery_time"]
    lifted = temporal_lift(data["tlift.input_score"], *cams, *times)
    np.testing.assert_allclose(lifted, data["tlift.score"], atol=1e-6)
    measured = ranking_metrics(1 - lifted, data["query_pids"], data["gallery_pids"], *cams)
    assert measured.mAP == pytest.approx(float(data["tlift.mAP"]), abs=1e-6)
    np.testing.assert_allclose(measured.cmc, data["tlift.cmc"], atol=1e-6)


@SETTINGS
@given(
    seed=st.integers(0, 10**6),
    p=st.integers(1, 9),
    g=st.integers(1, 20),
    cams=st.integers(1, 3),
    decimals=st.sampled_from([None, 1, 0]),
    unknown=st.sampled_from([0.0, 0.3, 0.9]),
    tau=st.sampled_from([1.0, 25.0, 100.0, 1e6]),
    k=st.integers(1, 25),
)
def test_agrees_with_the_oracle(
    seed: int, p: int, g: int, cams: int, decimals: int | None, unknown: float, tau: float, k: int
) -> None:
    sample = sightings(seed, p, g, cams, decimals, unknown)
    fast = temporal_lift(*sample, tau=tau, sigma=80, k=k, alpha=0.1)
    slow = oracles.tlift(*sample, tau=tau, sigma=80, k=k, alpha=0.1)
    assert fast.dtype == np.float32
    np.testing.assert_allclose(fast, slow, atol=2e-6)


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = sightings(1, 30, 70, decimals=2, unknown=0.1)
    whole = temporal_lift(*sample)
    monkeypatch.setattr(arrays.row_blocks, "__defaults__", (600,))
    monkeypatch.setattr(tlift, "BLOCK_BYTES", 600)
    np.testing.assert_allclose(temporal_lift(*sample), whole, rtol=1e-6)


@pytest.mark.parametrize("which", ["query_times", "gallery_times", "query_cams", "gallery_cams"])
def test_what_is_not_known_leaves_the_scores_alone(which: str) -> None:
    score, *rest = sightings(2, 5, 9)
    names = ["query_cams", "gallery_cams", "query_times", "gallery_times"]
    for nothing in (None, [None] * len(rest[names.index(which)])):
        options = dict(zip(names, rest, strict=True)) | {which: nothing}
        lifted = temporal_lift(score, **options)
        np.testing.assert_array_equal(lifted, score)
        assert lifted is not score


def test_an_unknown_gallery_picture_gets_the_mean_weight() -> None:
    score = np.array([[0.8, 0.4, 0.6]])
    lifted = temporal_lift(score, [0], [1, 1, 1], [0.0], [0.0, 1e6, None], k=1, alpha=0.5)
    np.testing.assert_allclose(lifted, [[0.8 * 1.5, 0.4 * 0.5, 0.6 * 1.0]], rtol=1e-6)


def test_pictures_exactly_tau_apart_are_not_neighbours() -> None:
    score = np.array([[0.9, 0.1], [0.8, 0.1]])
    arguments = ([0, 0], [1, 1], [0.0, 100.0], [0.0, 1e6])
    apart = temporal_lift(score, *arguments, k=2)
    np.testing.assert_allclose(apart, oracles.tlift(score, *arguments, k=2), rtol=1e-6)
    together = temporal_lift(score, *arguments, k=2, tau=100.001)
    assert not np.allclose(apart, together)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_input_types(dtype: str) -> None:
    score, *rest = sightings(3, 6, 20)
    score = score.astype(dtype)
    np.testing.assert_allclose(temporal_lift(score, *rest), oracles.tlift(score, *rest), atol=2e-6)


def test_empty_sets() -> None:
    assert temporal_lift(np.zeros((0, 3)), [], [0, 1, 2], [], [1, 2, 3]).shape == (0, 3)
    assert temporal_lift(np.zeros((2, 0)), [0, 1], [], [1, 2], []).shape == (2, 0)


def test_availability_is_told_in_words() -> None:
    assert tlift_available([1.0, None], [2.0]) == ""
    assert "query" in tlift_available([None, float("nan")], [2.0])
    assert "gallery" in tlift_available([1.0], None)


@pytest.mark.parametrize(
    "options", [{"tau": 0}, {"sigma": -1}, {"k": 0}, {"k": 1.5}, {"alpha": -1}]
)
def test_options_are_checked(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="TLift"):
        temporal_lift(*sightings(0, 2, 3), **options)


def test_bad_input_is_refused_and_cancelling_stops() -> None:
    score, *rest = sightings(0, 3, 4)
    token = CancelToken()
    with pytest.raises(InputError, match="finite"):
        temporal_lift(np.where(score == score.max(), np.nan, score), *rest)
    with pytest.raises(InputError, match="negative"):
        temporal_lift(-score, *rest)
    with pytest.raises(InputError, match="query_times must be seconds"):
        temporal_lift(score, rest[0], rest[1], ["soon"] * 3, rest[3])
    with pytest.raises(InputError, match="gallery_times must have 4 entries"):
        temporal_lift(score, *rest[:3], [1.0])
    token.cancel()
    with pytest.raises(Cancelled):
        temporal_lift(score, *rest, cancel=token)


def test_the_result_goes_where_it_is_asked_to(tmp_path) -> None:
    sample = sightings(3, 7, 30, unknown=0.1)
    place = np.memmap(tmp_path / "lifted.f32", np.float32, "w+", shape=(7, 30))
    assert temporal_lift(*sample, out=place) is place
    np.testing.assert_array_equal(place, temporal_lift(*sample))
    with pytest.raises(InputError, match="the place for lifted scores"):
        temporal_lift(*sample, out=np.empty((1, 1), dtype=np.float32))


def test_many_rows_are_lifted_in_portions(monkeypatch) -> None:
    sample = sightings(4, 40, 25, unknown=0.1)
    whole = temporal_lift(*sample)
    monkeypatch.setattr(tlift, "_LIFTED_BYTES", 1000)
    np.testing.assert_array_equal(temporal_lift(*sample), whole)
