"""Search by part against pairs from which the other cells were really removed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import Cancelled, InputError, MemoryLimitError
from qaconv_core.explaining import maxima
from qaconv_core.explaining import part as part_module
from qaconv_core.explaining.maxima import GalleryCells, query_maxima
from qaconv_core.explaining.part import (
    find_part,
    part_evidence,
    part_scores,
    plain_logits,
)
from qaconv_core.matching.scores import score_maps
from qaconv_core.progress import CancelToken
from qaconv_core.types import FeatureBank
from tests.core.explaining.maps import (
    GRIDS,
    logit_without,
    random_head,
    random_mask,
    unit_maps,
)

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, grid=st.sampled_from(GRIDS), kind=st.sampled_from(["shared", "two-sided"]))
def test_logits_are_those_of_a_query_without_the_other_cells(seed, grid, kind):
    rng = np.random.default_rng(seed)
    query, gallery = unit_maps(rng, 1, grid)[0], unit_maps(rng, 5, grid)
    head, mask = random_head(rng, grid, kind), random_mask(rng, grid)
    expected = [logit_without(query, g, head, mask) for g in gallery]
    known = query_maxima(query, gallery)
    for before in (None, known):
        found = part_scores(query, gallery, head, mask, known=before)
        np.testing.assert_allclose(found.logits, expected, atol=1e-4)
    for index, picture in enumerate(gallery):
        part = find_part(query, picture, head, mask)
        assert part.match.logit == pytest.approx(expected[index], abs=1e-4)
        assert part.full_logit == pytest.approx(logit_without(query, picture, head), abs=1e-4)
        assert part.match.query_contribution[~mask].any() == np.False_
        assert set(part.match.gallery_best.ravel()) <= set(np.flatnonzero(mask)) | {0}


@pytest.mark.parametrize("kind", ["shared", "two-sided"])
def test_the_whole_mask_gives_the_plain_logit(kind):
    rng = np.random.default_rng(3)
    grid = (5, 4)
    query, gallery = unit_maps(rng, 1, grid)[0], unit_maps(rng, 90, grid)
    head = random_head(rng, grid, kind)
    plain = score_maps(query[None], gallery, head)[0]
    known = query_maxima(query, gallery)
    np.testing.assert_allclose(plain_logits(known, head), plain, rtol=1e-5, atol=1e-5)
    for before in (None, known):
        for mask in (None, np.ones(grid, bool)):
            found = part_scores(query, gallery, head, mask, known=before)
            np.testing.assert_allclose(found.logits, plain, rtol=1e-5, atol=1e-5)
            assert found.evidence[0] == 1.0


def test_all_sources_of_a_gallery_agree(monkeypatch):
    monkeypatch.setattr(maxima, "SLICE", 3)  # several slices, the last one short
    rng = np.random.default_rng(5)
    grid = (4, 2)
    query = unit_maps(rng, 1, grid)[0]
    half = unit_maps(rng, 8, grid).astype(np.float16)
    rows = np.array([5, 1, 7, 0, 3, 2, 6])
    bank = FeatureBank(half, rows)
    head, mask = random_head(rng, grid), np.arange(8).reshape(grid) % 3 > 0
    expected = [logit_without(query, g, head, mask) for g in half[rows]]
    for source in (bank, GalleryCells.load(bank), half[rows], GalleryCells.load(half[rows])):
        known = query_maxima(query, source)
        assert tuple(source.shape) == (7, 6, 4, 2)
        for before in (None, known):
            found = part_scores(query, source, head, mask, known=before)
            np.testing.assert_allclose(found.logits, expected, atol=1e-4)


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_few_cells_looked_up_again_or_all_give_the_same(monkeypatch, limit):
    monkeypatch.setattr(part_module, "_GATHER_UP_TO", limit)
    rng = np.random.default_rng(5)
    grid = (4, 3)
    query, gallery = unit_maps(rng, 1, grid)[0], unit_maps(rng, 70, grid)
    head, mask = random_head(rng, grid), np.arange(12).reshape(grid) % 2 > 0
    known = query_maxima(query, gallery)
    found = part_scores(query, gallery, head, mask, known=known)
    expected = part_scores(query, gallery, head, mask)
    np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-5, atol=1e-5)


def test_no_cell_means_the_bias_for_everybody():
    rng = np.random.default_rng(1)
    query, gallery = unit_maps(rng, 1, (2, 3))[0], unit_maps(rng, 4, (2, 3))
    head = random_head(rng, (2, 3))
    for known in (None, query_maxima(query, gallery)):
        found = part_scores(query, gallery, head, np.zeros((2, 3), bool), known=known)
        np.testing.assert_array_equal(found.logits, np.full(4, np.float32(head.bias)))
        assert found.evidence[0] == 0.0
        assert found.joint_evidence == 0.0
    part = find_part(query, gallery[0], head, np.zeros((2, 3), bool))
    assert part.match.logit == head.bias
    assert part.evidence == 0.0
    assert not part.found_mask.any()


def test_several_queries_combine_and_silent_ones_take_no_part():
    rng = np.random.default_rng(2)
    grid = (4, 2)
    queries, gallery = unit_maps(rng, 3, grid), unit_maps(rng, 6, grid)
    head = random_head(rng, grid, "two-sided")
    masks = [None, np.eye(4, 2, dtype=bool), np.zeros(grid, bool)]
    each = np.array([[logit_without(q, g, head, m) for g in gallery] for q, m in
                     zip(queries, masks, strict=True)])  # fmt: skip
    known = [query_maxima(q, gallery) for q in queries]
    for before in (None, known):
        found = part_scores(queries, gallery, head, masks, known=before)
        np.testing.assert_allclose(found.by_query, each, atol=1e-4)
        np.testing.assert_allclose(found.logits, each[:2].max(axis=0), atol=1e-4)
        mean = part_scores(queries, gallery, head, masks, known=before, combine="mean")
        np.testing.assert_allclose(mean.logits, each[:2].mean(axis=0), atol=1e-4)
    assert list(found.evidence[[0, 2]]) == [1.0, 0.0]
    assert found.joint_evidence == pytest.approx((1.0 + found.evidence[1]) / 2)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, grid=st.sampled_from(GRIDS))
def test_evidence_grows_from_none_to_all(seed, grid):
    rng = np.random.default_rng(seed)
    query, other = unit_maps(rng, 2, grid)
    head, mask = random_head(rng, grid, "two-sided"), random_mask(rng, grid)
    for picture in (query, other, -query):
        part = part_evidence(query, picture, head, mask)
        assert 0.0 <= part <= 1.0
        assert part_evidence(query, picture, head, np.zeros(grid, bool)) == 0.0
        assert part_evidence(query, picture, head, None) == pytest.approx(1.0)
        more = mask | (rng.random(grid) < 0.3)
        assert part_evidence(query, picture, head, more) >= part - 1e-6


def test_evidence_by_hand():
    # Two cells at right angles; the second weighs three times as much as the first.
    query = np.eye(2, dtype=np.float32).reshape(2, 1, 2)
    from qaconv_core.models.qaconv import AffineHead

    head = AffineHead(np.array([1.0, -3.0]), np.array([1.0, 3.0]), 0.5, (1, 2))
    assert part_evidence(query, query, head, [[True, False]]) == pytest.approx(2 / 8)
    assert part_evidence(query, query, head, [[False, True]]) == pytest.approx(6 / 8)


def test_the_part_is_found_where_it_lies():
    rng = np.random.default_rng(11)
    grid = (4, 2)
    query = unit_maps(rng, 1, grid, channels=64)[0]
    gallery = query.reshape(64, 8)[:, [3, 2, 1, 0, 7, 6, 5, 4]].reshape(64, *grid)
    mask = np.zeros(grid, bool)
    mask[0, 1] = mask[2, 0] = True
    part = find_part(query, gallery, random_head(rng, grid), mask)
    assert list(part.query_cells) == [1, 4]
    assert list(part.found_cells) == [2, 7]
    assert part.found_mask.sum() == 2


def test_a_gallery_of_one_which_is_the_query():
    rng = np.random.default_rng(4)
    query = unit_maps(rng, 1, (2, 3))
    head = random_head(rng, (2, 3))
    mask = np.array([[1, 0, 0], [0, 0, 0]])
    found = part_scores(query[0], query, head, mask, known=query_maxima(query[0], query))
    assert found.logits[0] == pytest.approx(logit_without(query[0], query[0], head, mask), abs=1e-4)
    assert list(found.best_query) == [0]


def test_an_empty_gallery_gives_no_logits():
    rng = np.random.default_rng(4)
    query = unit_maps(rng, 1, (2, 3))[0]
    gallery = np.empty((0, 6, 2, 3), np.float32)
    for known in (None, query_maxima(query, gallery)):
        head = random_head(rng, (2, 3))
        assert part_scores(query, gallery, head, np.eye(2, 3) > 0, known=known).logits.shape == (0,)


def test_wrong_masks_and_maxima_are_refused():
    rng = np.random.default_rng(6)
    queries, gallery = unit_maps(rng, 2, (2, 3)), unit_maps(rng, 4, (2, 3))
    head = random_head(rng, (2, 3))
    for mask in (np.ones((3, 2), bool), np.full((2, 3), 0.4), np.full((2, 3), 2)):
        with pytest.raises(InputError, match="mask"):
            part_scores(queries[0], gallery, head, mask)
    with pytest.raises(InputError, match="3 masks"):
        part_scores(queries, gallery, head, [None] * 3)
    with pytest.raises(InputError, match="another query"):
        part_scores(queries[0], gallery, head, None, known=query_maxima(queries[1], gallery))
    with pytest.raises(InputError, match="combine"):
        part_scores(queries, gallery, head, None, combine="min")
    with pytest.raises(InputError, match="one model"):
        query_maxima(queries[0], unit_maps(rng, 2, (2, 2)))


def test_it_can_be_cancelled_and_says_how_far_it_is():
    rng = np.random.default_rng(6)
    query, gallery = unit_maps(rng, 1, (2, 3))[0], unit_maps(rng, 70, (2, 3))
    seen = []
    query_maxima(query, gallery, progress=seen.append)
    assert [p.done for p in seen] in ([0, 64, 70], [0, 6, 70])  # in which order is left to threads
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        part_scores(query, gallery, random_head(rng, (2, 3)), np.eye(2, 3) > 0, cancel=cancel)


def test_a_gallery_too_large_to_keep_says_so(monkeypatch):
    monkeypatch.setattr(maxima, "available_memory", lambda device: 100)
    with pytest.raises(MemoryLimitError, match="without keeping"):
        GalleryCells.load(unit_maps(np.random.default_rng(0), 4, (2, 3)))
