"""Camera normalisation beside its formula, written out pair by pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaconv_core.errors import InputError
from qaconv_core.ranking import camera_normalise
from qaconv_core.ranking.camera_norm import FEWEST

VECTORS = Path(__file__).parents[2] / "data" / "camera_norm.npz"


def half(value, others):
    deviation = np.std(others) if len(others) else 0.0
    return 0.0 if deviation < 1e-9 else (value - np.mean(others)) / deviation


def written_out(qg, gg, query_cams, gallery_cams, same=()):
    """The formula, one pair after the other."""
    p, g = qg.shape
    out = np.empty((p, g))

    def cohort(camera, leave):
        found = [x for x in range(g) if gallery_cams[x] == camera and camera != -1]
        if len(found) <= FEWEST:
            found = list(range(g))
        return [x for x in found if x not in leave]

    for q in range(p):
        own = {x for i, x in same if i == q}
        for j in range(g):
            z = half(qg[q, j], [qg[q, x] for x in cohort(gallery_cams[j], own | {j})])
            t = half(qg[q, j], [gg[x, j] for x in cohort(query_cams[q], own | {j})])
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
