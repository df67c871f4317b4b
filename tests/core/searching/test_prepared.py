"""A prepared gallery is kept beside its maps, grows with them and gives way where it cannot be."""

from __future__ import annotations

import os

import numpy as np
import pytest

from qaconv_core.errors import Cancelled
from qaconv_core.progress import CancelToken
from qaconv_core.searching import prepared as prepared_module
from qaconv_core.searching.prepared import prepare_gallery
from qaconv_core.searching.quantised import quantise
from qaconv_core.store.features import FeatureStore
from qaconv_core.store.keys import FileKey
from qaconv_core.store.raw import RowFile
from tests.core.matching.maps import unit_maps

SHAPE = (8, 3, 2)


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "features")


def put(shelf, count, seed):
    maps = unit_maps(count, SHAPE[0], SHAPE[1:], seed, np.float16)
    keys = [FileKey(f"/pictures/{seed}-{i}.jpg", 1, 1) for i in range(count)]
    return maps, shelf.bank(shelf.append(keys, maps))


def assert_quantised(prepared, maps):
    found, expected = prepared.part(0, len(prepared)), quantise(maps)
    for name in ("cells", "scale", "norm", "lost"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def computed(monkeypatch):
    """A list that collects how many maps are quantised at a time."""
    counts = []

    def counting(maps):
        counts.append(len(maps))
        return quantise(maps)

    monkeypatch.setattr(prepared_module, "quantise", counting)
    return counts


def test_it_is_written_beside_the_maps_and_only_what_is_new_is_computed(store, monkeypatch):
    counts = computed(monkeypatch)
    with store.open("model", SHAPE) as shelf:
        maps, bank = put(shelf, 70, 1)
        first = prepare_gallery(bank)
        assert isinstance(first.cells, np.memmap)
        assert_quantised(first, maps)
        more, _ = put(shelf, 5, 2)
        both = shelf.bank(np.r_[np.arange(72, 75), 3, np.arange(70, 72)])
        again = prepare_gallery(both)
        assert sum(counts) == 75
        assert_quantised(again, np.concatenate([more[2:], maps[3:4], more[:2]]))
        assert first.nbytes == 70 * (8 * 6 + 4 * (2 + 6))
    assert sum(counts) == 75


def test_a_few_pictures_of_a_large_shelf_prepare_only_themselves(store, monkeypatch):
    counts = computed(monkeypatch)
    with store.open("model", SHAPE) as shelf:
        maps, bank = put(shelf, 50, 1)
        assert_quantised(prepare_gallery(bank.select([40, 4, 41])), maps[[40, 4, 41]])
        assert sum(counts) == 3
        assert_quantised(prepare_gallery(bank), maps)
        assert sum(counts) == 50


def test_it_counts_as_part_of_the_store_and_goes_with_it(store):
    with store.open("model", SHAPE) as shelf:
        _, bank = put(shelf, 4, 1)
        before = sum(info.bytes for info in store.sizes())
        prepared = prepare_gallery(bank)
        assert sum(info.bytes for info in store.sizes()) == before + prepared.nbytes
    store.clear()
    assert not store.root.exists() or not any(store.root.iterdir())


def test_a_disk_that_refuses_leaves_it_in_memory(store, monkeypatch, caplog):
    def refuse(self, first, rows):
        raise OSError(28, os.strerror(28), str(self.path))

    monkeypatch.setattr(RowFile, "write", refuse)
    with store.open("model", SHAPE) as shelf:
        maps, bank = put(shelf, 4, 1)
        prepared = prepare_gallery(bank)
    assert not isinstance(prepared.cells, np.memmap)
    assert_quantised(prepared, maps)
    assert "kept in memory" in caplog.text


def test_arrays_are_prepared_in_memory_and_it_can_be_stopped():
    maps = unit_maps(130, *SHAPE[:1], SHAPE[1:], 1)
    seen = []
    assert_quantised(prepare_gallery(maps, progress=seen.append), maps)
    assert seen[-1].done == seen[-1].total == 130
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        prepare_gallery(maps, cancel=cancel)


def test_half_a_row_at_the_end_of_a_file_does_not_count(tmp_path):
    file = RowFile(tmp_path / "rows.i8", "i1", (4,))
    assert len(file.rows()) == 0
    file.write(1, np.arange(8, dtype=np.int8).reshape(2, 4))
    with file.path.open("ab") as stream:
        stream.write(b"xy")
    assert file.rows().tolist() == [[0, 0, 0, 0], [0, 1, 2, 3], [4, 5, 6, 7]]
