"""Shortlists by pooled maps: exact where they hold everything, kept on disk, honest otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qaconv_core.errors import InputError
from qaconv_core.matching.scores import score_maps
from qaconv_core.searching import shortlist as shortlist_module
from qaconv_core.searching.pooling import pool, pooled_head
from qaconv_core.searching.shortlist import (
    pool_gallery,
    search_large,
    shortlist_recall,
    shortlisted,
)
from qaconv_core.store.features import FeatureStore
from qaconv_core.store.keys import FileKey
from qaconv_core.types import FeatureBank
from tests.core.matching.maps import people_maps, random_head

GRID = (12, 4)


def bank_of(maps):
    return FeatureBank(maps, np.arange(len(maps)))


@pytest.fixture
def gallery():
    return bank_of(people_maps(200, 16, GRID, 1, dtype=np.float16))


def test_pooling_averages_cells_and_weights():
    maps = people_maps(3, 16, GRID, 1)
    found = pool(maps).astype(float)
    assert found.shape == (3, 16, 6, 2)
    means = maps.reshape(3, 16, 6, 2, 2, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(found, means / np.linalg.norm(means, axis=1)[:, None], atol=1e-3)
    head = random_head(GRID)
    coarse = pooled_head(head)
    expected = head.query_weights.reshape(6, 2, 2, 2).mean(axis=(1, 3)).ravel()
    np.testing.assert_allclose(coarse.query_weights, expected)
    assert pool(people_maps(1, 16, (3, 1), 1)).shape == (1, 16, 3, 1)


def test_a_shortlist_of_everything_is_the_exact_search(gallery):
    head = random_head(GRID)
    query = people_maps(200, 16, GRID, 1)[17]
    found = search_large(
        query, gallery, head, 10, pooled=pool_gallery(gallery), shortlist=len(gallery)
    )
    logits = score_maps(query[None], gallery, head)[0]
    np.testing.assert_array_equal(found.ranking.order, np.argsort(-logits, kind="stable"))
    np.testing.assert_array_equal(found.ranking.gallery_values, logits)
    assert (found.ranking.certainty, found.ranking.approximation) == ("exact", "")
    assert len(found.places) == 10


def test_what_is_on_the_list_is_exact_and_the_rest_is_not_claimed(gallery):
    head = random_head(GRID)
    query = gallery[17]
    pooled = pool_gallery(gallery)
    found = search_large(query, gallery, head, 4, pooled=pooled, shortlist=30)
    listed, ranks = shortlisted(query, pooled, head, 30)
    logits = score_maps(query[None], gallery, head)[0]
    best = listed[np.argsort(-logits[listed], kind="stable")[:4]]
    np.testing.assert_array_equal(found.ranking.order[:4], best)
    np.testing.assert_array_equal(found.ranking.values[:4], logits[best])
    assert set(found.ranking.order) == set(listed)
    assert not found.ranking.whole
    coarse = score_maps(pool(query[None]), pooled, pooled_head(head))[0][listed]
    places = 1 + np.argsort(np.argsort(-coarse, kind="stable"))
    np.testing.assert_array_equal(ranks, places)
    np.testing.assert_array_equal(found.places, places[np.searchsorted(listed, best)])
    assert "30 of 200" in found.ranking.approximation
    assert found.ranking.certainty == "shortlist"
    assert found.ranking.exact_to >= 4


def test_recall_counts_the_exact_head_on_the_list(gallery):
    head, queries = random_head(GRID), gallery.read(0, 9)
    recall = shortlist_recall(queries, gallery, head, 4, (1, 4, 50, 200))
    assert recall[200] == 1
    assert recall[1] <= 0.25
    assert list(recall.values()) == sorted(recall.values())
    listed = [set(shortlisted(q, pool_gallery(gallery), head, 50)[0]) for q in queries]
    exact = np.argsort(-score_maps(queries, gallery, head), axis=1)[:, :4]
    by_hand = np.mean([i in there for row, there in zip(exact, listed, strict=True) for i in row])
    assert recall[50] == pytest.approx(by_hand)


def test_it_is_kept_beside_the_maps_and_grows_with_them(tmp_path, monkeypatch):
    counts = []

    def counting(maps):
        counts.append(len(maps))
        return pool(maps)

    monkeypatch.setattr(shortlist_module, "pool", counting)
    store = FeatureStore(tmp_path / "features")
    maps = people_maps(40, 16, GRID, 1, dtype=np.float16)
    with store.open("model", (16, *GRID)) as shelf:
        for part in (slice(0, 30), slice(30, 40)):
            keys = [FileKey(f"/p/{i}.jpg", 1, 1) for i in range(part.start, part.stop)]
            rows = shelf.append(keys, maps[part])
            pool_gallery(shelf.bank(rows))
        chosen = np.array([35, 2, 3])
        found = pool_gallery(shelf.bank(chosen))
    assert sum(counts) == 40
    assert isinstance(found.maps, np.memmap)
    np.testing.assert_array_equal(found.read(0, 3), pool(maps[chosen]))
    store.clear()
    assert not store.root.exists() or not any(store.root.iterdir())


@pytest.mark.parametrize("lost", [0, 12])
def test_pooled_maps_of_earlier_versions_are_read_and_lost_ones_are_made_again(
    tmp_path, monkeypatch, lost
):
    """Earlier versions wrote rows (C, h, w), and a byte for each row that is there."""
    maps, made = people_maps(40, 16, GRID, 1, dtype=np.float16), []
    with FeatureStore(tmp_path / "features").open("model", (16, *GRID)) as shelf:
        bank = shelf.bank(shelf.append([FileKey(f"/p/{i}.jpg", 1, 1) for i in range(40)], maps))
        path = Path(bank.maps.filename)
        path.with_suffix(".pooled").write_bytes(pool(maps[: 40 - lost]).astype("<f2").tobytes())
        path.with_suffix(".there").write_bytes(b"\1" * 40)
        monkeypatch.setattr(
            shortlist_module, "pool", lambda part: made.append(len(part)) or pool(part)
        )
        found = pool_gallery(bank)
    assert sum(made) == lost
    np.testing.assert_array_equal(found.read(0, 40), pool(maps))


def test_a_list_shorter_than_the_head_is_refused(gallery):
    with pytest.raises(InputError, match="shortlist of 3"):
        search_large(gallery[0], gallery, random_head(GRID), 4, pooled=gallery, shortlist=3)
