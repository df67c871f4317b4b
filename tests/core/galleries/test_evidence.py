"""The evidence of a set's pairs, beside a slow count of pair after pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from qaconv_core.data import open_dataset
from qaconv_core.data.label_maps import LABELS, label_path
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.explaining.evidence import SetEvidence
from qaconv_core.explaining.zones import ZONES, sums_by_zone, zones_of_picture
from qaconv_core.galleries import evidence as module
from qaconv_core.galleries.evidence import open_evidence
from qaconv_core.galleries.search import GallerySearch, open_search
from qaconv_core.galleries.values import OpenSet
from qaconv_core.model import load_model
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.store.features import FeatureStore
from qaconv_core.types import FeatureBank, RankingResult
from tests.checkpoints import write_checkpoint
from tests.small_world import small_checkpoint, write_market


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A search of 5 queries among 26 gallery pictures, some of them with label maps, kept in a
    store; and the store's folder."""
    folder = tmp_path_factory.mktemp("evidence")
    dataset = open_dataset("market", write_market(folder))
    random = np.random.default_rng(2)
    for ref in (*dataset.query, *dataset.gallery[:9]):
        path = label_path(ref.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = random.integers(0, len(LABELS), (12, 4)).astype(np.uint8)
        Image.fromarray(labels.repeat(4, 0).repeat(4, 1)).save(path)
    checkpoint = folder / "checkpoint.pth.tar"
    write_checkpoint(checkpoint, small_checkpoint())
    data = OpenSet(dataset.name, dataset.root, dataset.layout, dataset.query, dataset.gallery, 5)
    store = FeatureStore(folder / "store")
    search, _rejected = open_search(load_model(checkpoint, "cpu"), data, store)
    yield search, folder / "store"
    search.close()


def in_memory(search, rows=None):
    """The same search over maps that are not on disk, of some of the gallery's pictures."""
    rows = np.arange(len(search.gallery)) if rows is None else np.asarray(rows)
    maps = np.stack([search.gallery[int(i)] for i in rows])
    data = replace(search.data, gallery=search.data.gallery.select(rows))
    return GallerySearch(search.model, data, search._query, FeatureBank(maps, np.arange(len(rows))))


def counted_sums(search, usual=None):
    """{(query, candidate): (truth, sums by zone)}, pair after pair by the exact explanation.

    Averages are over the candidates ``usual`` (all, unless given), the query's own file apart.
    """
    found = {}
    everybody = range(len(search.gallery)) if usual is None else usual
    for query in range(search.data.added_from):
        own = set(search.own_files((query,)).tolist())
        counted = [g for g in everybody if g not in own]
        matches = {g: search.model.match(*search.maps_of(query, g))
                   for g in range(len(search.gallery))}  # fmt: skip
        mean_query = np.mean([matches[g].query_contribution for g in counted], axis=0)
        mean_gallery = np.mean([matches[g].gallery_contribution for g in counted], axis=0)
        truth = search.truth((query,))
        grid = search.model.head.grid
        for g, match in matches.items():
            zones = [zones_of_picture(ref, grid)
                     for ref in (search.data.query[query], search.data.gallery[g])]  # fmt: skip
            above = match.query_contribution - mean_query, match.gallery_contribution - mean_gallery
            found[query, g] = int(truth[g]), sums_by_zone(above, tuple(zones))
    return found


def of_kind(found, label):
    return np.array([sums for truth, sums in found.values() if truth == label])


def in_any_order(rows):
    return rows[np.lexsort(np.round(rows, 3).T)]


def test_the_sums_are_those_of_pair_after_pair(world):
    search = in_memory(world[0])
    evidence, slow = open_evidence(search), counted_sums(search)
    for sums, label in (
        (evidence.true, RankingResult.TRUE), (evidence.false, RankingResult.FALSE)
    ):  # fmt: skip
        expected = of_kind(slow, label)
        assert sums.shape == expected.shape
        assert len(sums) > 15
        np.testing.assert_allclose(in_any_order(sums), in_any_order(expected), atol=2e-3)
    assert (evidence.queries, evidence.pictures) == (5, 26)


def test_shares_are_counted_in_the_leading_zones(world):
    search = in_memory(world[0])
    evidence, slow = open_evidence(search), counted_sums(search)
    for truth, sums in slow.values():
        if truth == RankingResult.JUNK:
            continue
        standing = evidence.standing(sums)
        if standing is None:
            assert (sums <= 0).all()
            continue
        positive = sum(value for value in sums if value > 0)
        ordered = sorted(range(len(ZONES)), key=lambda zone: -sums[zone])
        leading = [ordered[0], *(z for z in ordered[1:2] if sums[z] >= 0.2 * positive)]
        assert list(standing.zones) == leading
        for share, label in (
            (standing.true, RankingResult.TRUE), (standing.false, RankingResult.FALSE)
        ):  # fmt: skip
            pairs = of_kind(slow, label)
            having = [
                all(pair[z] >= sums[z] - 1e-4 * max(1, abs(sums[z])) for z in leading)
                for pair in pairs
            ]
            assert share == pytest.approx(np.mean(having), abs=1.5 / len(pairs))
        own = standing.true if truth == RankingResult.TRUE else standing.false
        assert own > 0, "a pair has as much as itself"


def test_of_a_large_set_a_part_is_measured_and_every_true_pair(world):
    search = in_memory(world[0])
    evidence = open_evidence(search, queries=3, pictures=11)
    assert (evidence.queries, evidence.pictures) == (3, 11)
    usual = np.linspace(0, 25, 11).round().astype(int).tolist()
    slow = {pair: found for pair, found in counted_sums(search, usual).items() if pair[0] % 2 == 0}
    expected = of_kind(slow, RankingResult.TRUE)
    np.testing.assert_allclose(in_any_order(evidence.true), in_any_order(expected), atol=2e-3)
    among = {pair: found for pair, found in slow.items() if pair[1] in usual}
    assert len(evidence.false) == len(of_kind(among, RankingResult.FALSE))


def test_it_is_kept_and_a_damaged_file_is_measured_again(world, monkeypatch, caplog):
    search, folder = world
    first = open_evidence(search)
    (path,) = folder.rglob("evidence-*.npz")
    monkeypatch.setattr(module, "query_maxima", None)  # nothing is computed any more
    again = open_evidence(search)
    np.testing.assert_array_equal(again.true, first.true)
    np.testing.assert_array_equal(again.false, first.false)
    path.write_bytes(b"damaged")
    monkeypatch.undo()
    np.testing.assert_array_equal(open_evidence(search).true, first.true)
    assert "measured again" in caplog.text
    caplog.clear()


def test_it_can_be_cancelled_and_says_where_nothing_can_be_compared(world):
    search = in_memory(world[0])
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        open_evidence(search, WorkContext(cancel=cancel))
    strangers = np.flatnonzero(search.data.gallery_pids == 0)
    with pytest.raises(InputError, match="no query has a true match"):
        open_evidence(in_memory(search, strangers))


def test_no_pair_of_a_kind_has_no_share():
    evidence = SetEvidence(np.ones((2, len(ZONES)), np.float32), np.empty((0, len(ZONES))), 1, 1)
    standing = evidence.standing(np.eye(len(ZONES))[1])
    assert (standing.zones, standing.true, standing.false) == ((1,), 1.0, None)
    assert evidence.standing(np.full(len(ZONES), -1.0)) is None
    assert standing.to_dict() == {"zones": ["upper body"], "true_pairs": 1.0, "false_pairs": None}
