"""Camera normalisation beside its formula, written out pair by pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaconv_core.errors import InputError
from qaconv_core.ranking import camera_normalise
from qaconv_core.ranking.cohorts import FEWEST, CohortRule, Cohorts

VECTORS = Path(__file__).parents[2] / "data" / "camera_norm.npz"


def half(value, others):
    deviation = np.std(others) if len(others) else 0.0
    return 0.0 if deviation < 1e-9 else (value - np.mean(others)) / deviation


def written_out(qg, gg, query_cams, gallery_cams, same=(), times=None, nearby=2.0):
    """The formula, one pair after the other."""
    p, g = qg.shape
    out = np.empty((p, g))
    query_times, gallery_times = times or (np.full(p, np.nan), np.full(g, np.nan))

    def of_camera(camera):
        return [x for x in range(g) if gallery_cams[x] == camera and camera != -1]

    def cohort(camera, leave):
        found = of_camera(camera)
        if len(found) <= FEWEST:
            found = list(range(g))
        return [x for x in found if x not in leave]

    def near(camera, time):
        others = of_camera(camera)
        if len(others) <= FEWEST:
            return set()
        most = max(
            (sum(abs(gallery_times[x] - gallery_times[y]) <= nearby for x in others)
             for y in others if np.isfinite(gallery_times[y])), default=0,
        )  # fmt: skip
        if len(others) - 2 * most < FEWEST:
            return set()
        return {x for x in others if 1e-3 < abs(gallery_times[x] - time) <= nearby}

    for q in range(p):
        own = {x for i, x in same if i == q} | near(query_cams[q], query_times[q])
        for j in range(g):
            leave = own | {j} | near(gallery_cams[j], gallery_times[j])
            z = half(qg[q, j], [qg[q, x] for x in cohort(gallery_cams[j], leave)])
            t = half(qg[q, j], [gg[x, j] for x in cohort(query_cams[q], leave)])
            out[q, j] = (z + t) / 2
    return out


def test_the_published_example():
    with np.load(VECTORS) as known:
        found = camera_normalise(
            known["logit_query_gallery"],
            known["logit_gallery_gallery"],
            known["query_cams"],
            known["gallery_cams"],
        )
        np.testing.assert_allclose(found, known["normalised"], atol=1e-6)


@given(
    seed=st.integers(0, 2**32 - 1),
    p=st.integers(1, 5),
    g=st.integers(1, 70),
    cams=st.integers(1, 4),
)
def test_every_pair_is_that_of_the_formula(seed, p, g, cams):
    random = np.random.default_rng(seed)
    qg, gg = random.normal(-3, 8, (p, g)), random.normal(-3, 8, (g, g))
    query_cams, gallery_cams = (random.integers(-1, cams, n) for n in (p, g))
    pairs = [(q, int(random.integers(g))) for q in range(p) if random.random() < 0.4]
    same = tuple(np.array(pairs, dtype=np.int64).reshape(-1, 2).T)
    found = camera_normalise(qg, gg, query_cams, gallery_cams, left_out=same)
    np.testing.assert_allclose(
        found, written_out(qg, gg, query_cams, gallery_cams, pairs), atol=1e-8
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    p=st.integers(1, 5),
    g=st.integers(30, 90),
    cams=st.integers(1, 3),
    span=st.sampled_from([10.0, 100.0, 1000.0]),
)
def test_near_duplicates_in_time_are_in_no_cohort(seed, p, g, cams, span):
    random = np.random.default_rng(seed)
    qg, gg = random.normal(-3, 8, (p, g)), random.normal(-3, 8, (g, g))
    query_cams, gallery_cams = (random.integers(0, cams, n) for n in (p, g))
    times = tuple(random.uniform(0, span, n).round() for n in (p, g))  # some of one frame
    for one in times:
        one[random.random(len(one)) < 0.1] = np.nan
    found = camera_normalise(
        qg, gg, query_cams, gallery_cams, query_times=times[0], gallery_times=times[1],
        rule=CohortRule(None, nearby=2.0),
    )  # fmt: skip
    expected = written_out(qg, gg, query_cams, gallery_cams, times=times)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_a_likeness_to_itself_stands_in_no_cohort():
    """Were the query's own likeness counted, raising it would lower the rest of its camera."""
    random = np.random.default_rng(3)
    gg, cams = random.normal(0, 5, (90, 90)), np.repeat([0, 1], 45)
    itself = (np.array([0]), np.array([7]))
    raised = gg.copy()
    raised[7, 7] = 1000
    found = [
        camera_normalise(inner[7:8], inner, [0], cams, left_out=itself)[0] for inner in (gg, raised)
    ]
    others = np.arange(90) != 7
    np.testing.assert_allclose(found[1][others], found[0][others], atol=1e-9)


def test_a_sample_is_the_same_every_time_and_of_every_camera():
    cams = np.repeat([-1, 0, 1, 2], [70, 500, 30, 10])
    drawn = [Cohorts.of(cams, None, 610, CohortRule(40, seed)) for seed in (0, 0, 1)]
    assert np.array_equal(drawn[0].rows, drawn[1].rows)
    assert not np.array_equal(drawn[0].rows, drawn[2].rows)
    assert np.bincount(cams[drawn[0].rows] + 1).tolist() == [40, 40, 30, 10]
    assert drawn[0].kinds.tolist() == [0, 1]
    assert drawn[0].members.sum(axis=1).tolist() == [40, 30, 120]
    assert not drawn[0].every
    said = drawn[0].notes([cams], times_known=False)
    assert len(said) == 2
    assert "pictures of camera 3, of which the gallery has at most 20, are compared" in said[1]
    assert "one cohort" in drawn[0].notes([np.array([-1])], times_known=False)[0]


@pytest.mark.parametrize(("nearby", "told"), [(0.0, False), (1000.0, True)])
def test_near_duplicates_that_stay_are_told_where_any_were_to_be_left_out(nearby, told):
    cams, times = np.zeros(40, dtype=np.int64), np.arange(40.0)
    notes = Cohorts.of(cams, times, 40, CohortRule(nearby=nearby)).notes([cams], times_known=True)
    assert any("near-duplicates stay" in note for note in notes) == told


def test_a_sampled_cohort_is_that_of_the_sampled_rows():
    random = np.random.default_rng(4)
    qg, gg = random.normal(0, 5, (4, 200)), random.normal(0, 5, (200, 200))
    cams = np.repeat([0, 1], 100)
    found = camera_normalise(qg, gg, [0, 1, 0, 1], cams, rule=CohortRule(30))
    rows = Cohorts.of(cams, None, 200, CohortRule(30)).rows
    for q, j in ((0, 3), (1, 150), (3, int(rows[0]))):
        z = half(qg[q, j], [qg[q, x] for x in range(200) if cams[x] == cams[j] and x != j])
        t = half(qg[q, j], [gg[x, j] for x in rows if cams[x] == q % 2 and x != j])
        assert found[q, j] == pytest.approx((z + t) / 2)


def test_strangers_are_close_to_a_standard_normal_whatever_the_cameras_add():
    random = np.random.default_rng(1)
    cameras = np.repeat(np.arange(3), 60)
    shift, scale = random.normal(0, 9, (3, 3)), random.uniform(0.5, 4, (3, 3))
    shift, scale = (shift + shift.T) / 2, (scale + scale.T) / 2

    def logits(rows):
        noise = random.normal(0, 1, (len(rows), 180))
        return shift[rows][:, cameras] + scale[rows][:, cameras] * noise

    queries = random.integers(0, 3, 40)
    found = camera_normalise(logits(queries), logits(cameras), queries, cameras)
    assert abs(found.mean()) < 0.05
    assert abs(found.std() - 1) < 0.05


def test_the_size_of_blocks_does_not_matter(monkeypatch):
    random = np.random.default_rng(2)
    parts = random.normal(0, 5, (7, 90)), random.normal(0, 5, (90, 90))
    cams = random.integers(0, 2, 7), random.integers(0, 2, 90)
    whole = camera_normalise(*parts, *cams)
    monkeypatch.setattr("qaconv_core.ranking.arrays.BLOCK_BYTES", 1)
    monkeypatch.setattr(
        "qaconv_core.ranking.camera_norm.row_blocks", lambda n, size: ((i, i + 1) for i in range(n))
    )
    np.testing.assert_allclose(camera_normalise(*parts, *cams), whole, atol=1e-10)


def test_a_constant_has_no_spread():
    assert not camera_normalise(np.ones((2, 50)), np.ones((50, 50)), None, None).any()
    assert not camera_normalise([[3.0]], [[1.0]], [0], [0]).any()


def test_wrong_use_is_named():
    with pytest.raises(InputError, match="logit_gg must have shape"):
        camera_normalise(np.ones((2, 3)), np.ones((2, 2)), None, None)
    with pytest.raises(InputError, match="gallery_cams must have 3"):
        camera_normalise(np.ones((2, 3)), np.ones((3, 3)), None, [1, 2])
    with pytest.raises(InputError, match="logit_qg holds values that are not finite"):
        camera_normalise([[np.nan]], [[1.0]], None, None)
