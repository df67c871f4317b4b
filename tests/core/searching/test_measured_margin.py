"""Estimates by coarse maps: the head they lead to, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qaconv_core.errors import InputError
from qaconv_core.galleries.estimates import estimate_words, head_words
from qaconv_core.matching.scores import score_maps
from qaconv_core.searching import choice
from qaconv_core.searching import measured_margin as measured_module
from qaconv_core.searching import prepared as prepared_module
from qaconv_core.searching import top as top_module
from qaconv_core.searching.coarse_estimates import coarse_logits, prepare_coarse
from qaconv_core.searching.measured_margin import measured_head
from qaconv_core.searching.pooling import pool, pooled_head
from qaconv_core.searching.prepared import PreparedGallery
from qaconv_core.searching.top import prepare_search, rank_top
from qaconv_core.store.features import FeatureStore
from qaconv_core.store.keys import FileKey
from tests.core.matching.maps import people_maps, random_head, unit_maps

GRID = (14, 6)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Small galleries are worth estimating, and a few pictures a sample."""
    monkeypatch.setattr(measured_module, "SAMPLE", 24)
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, coarse_above=50))


def test_coarse_logits_are_those_of_averaged_maps_and_weights():
    gallery, head = unit_maps(70, 16, GRID, 1, np.float16), random_head(GRID)
    query = unit_maps(1, 16, GRID, 2)
    coarse = prepare_coarse(gallery)
    assert coarse.cells.shape == (70, 21, 16)
    small = pooled_head(head, (7, 3))
    expected = score_maps(pool(query, (7, 3)), pool(gallery, (7, 3)), small)[0]
    np.testing.assert_allclose(coarse_logits(query, coarse, head), expected, atol=1e-5)
    some = replace(coarse, rows=coarse.rows[[5, 3, 69]])
    np.testing.assert_allclose(coarse_logits(query, some, head), expected[[5, 3, 69]], atol=1e-5)


@pytest.mark.parametrize("top", [1, 20])
def test_the_head_is_the_exact_one_and_most_pictures_are_not_scored(top):
    gallery, head = smooth_people(600), random_head(GRID)
    prepared = prepare_coarse(gallery)
    for query in gallery[:3]:
        exact = rank_top(query, gallery, head, top, prepared=prepared, exact=True)
        found = rank_top(query, gallery, head, top, prepared=prepared)
        np.testing.assert_array_equal(found.order[:top], exact.order[:top])
        np.testing.assert_array_equal(found.values[:top], exact.values[:top])
        assert (found.certainty, found.exact_to) == ("measured", top)
        assert found.scored < 300
        assert np.all(exact.gallery_values[found.order] <= found.values + found.bounds)
        assert (exact.certainty, exact.exact_to) == ("exact", None)
        words = head_words(found)
        assert "measured, not proved" in words
        assert f"{found.scored} of 600 pictures" in words
        assert "measured and not proved" in estimate_words(found)
        assert head_words(exact) == estimate_words(exact) == ""


def test_estimates_that_tell_nothing_lead_to_scoring_everything():
    gallery, head = unit_maps(400, 16, GRID, 1), random_head(GRID)
    found = rank_top(gallery[0], gallery, head, 20, prepared=prepare_coarse(gallery))
    exact = rank_top(gallery[0], gallery, head, 20)
    np.testing.assert_array_equal(found.order, exact.order)
    assert found.scored == 400
    assert found.certainty == "exact"


def test_a_picture_further_off_than_the_sample_showed_is_found_within_the_margin():
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 10, 2000).astype(np.float32)
    estimates = (0.3 * logits + rng.normal(0, 0.3, 2000) + 7).astype(np.float32)
    best = int(np.argmax(logits))
    estimates[best] -= 1.2  # four times the usual error: 4 on the scale of logits
    head = measured_head(estimates, 10, lambda part: logits[part])
    assert best in head.scored
    assert set(np.argsort(-logits)[:10]) <= set(head.scored)
    assert len(head.scored) < 1000
    np.testing.assert_array_equal(head.logits, logits[head.scored])


def test_estimates_that_are_all_alike_are_no_error():
    logits = np.arange(100, dtype=np.float32)
    head = measured_head(np.zeros(100, dtype=np.float32), 5, lambda part: logits[part])
    assert set(range(95, 100)) <= set(head.scored)


def test_damaged_maps_are_named():
    gallery, head = smooth_people(60), random_head(GRID)
    gallery[50, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="damaged"):
        rank_top(gallery[0], gallery, head, 1, prepared=prepare_coarse(gallery))


def test_coarse_maps_are_kept_beside_the_maps_and_only_new_ones_are_made(tmp_path, monkeypatch):
    maps, made = smooth_people(75).astype(np.float16), []
    real = prepared_module.Form

    def form(endings, kind, cells, stats, make):
        def counting(part):
            made.append(len(part))
            return make(part)

        return real(endings, kind, cells, stats, counting)

    monkeypatch.setattr("qaconv_core.searching.coarse_estimates.Form", form)
    keys = [FileKey(f"/pictures/{i}.jpg", 1, 1) for i in range(75)]
    with FeatureStore(tmp_path / "features").open("model", maps.shape[1:]) as shelf:
        bank = shelf.bank(shelf.append(keys[:70], maps[:70]))
        assert isinstance(prepare_coarse(bank).cells, np.memmap)
        more = shelf.bank(shelf.append(keys[70:], maps[70:]))
        prepare_coarse(more)
        prepare_coarse(bank)
        assert sum(made) == 75
        found = prepare_coarse(more)
        np.testing.assert_array_equal(found.part(0, 5), prepare_coarse(maps[70:]).cells)


def test_the_processor_decides_what_is_prepared(monkeypatch):
    gallery = smooth_people(4)
    monkeypatch.setattr(top_module, "fast_bytes", lambda _: True)
    assert isinstance(prepare_search(gallery), PreparedGallery)
    monkeypatch.setattr(top_module, "fast_bytes", lambda _: False)
    assert prepare_search(gallery).grid == (7, 3)
    assert prepare_search(gallery[:, :, :3, :1]) is None


def smooth_people(count):
    """Maps of persons whose neighbouring cells resemble each other, unlike those of random ones."""
    coarse = people_maps(count, 16, (7, 3), 1)
    maps = coarse.repeat(2, axis=2).repeat(2, axis=3)
    maps = maps + 0.05 * np.random.default_rng(2).standard_normal(maps.shape)
    return (maps / np.linalg.norm(maps, axis=1, keepdims=True)).astype(np.float32)
