"""A stored map whose bytes changed on the disk is computed again, never used."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from qaconv_core.store import shelf as shelf_module
from qaconv_core.store.features import FeatureStore
from qaconv_core.store.index import INDEX_NAME
from tests.core.store.test_features import KEY, SHAPE, keys_of, maps_of


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "store")


def damage(shelf, row):
    with open(shelf.data_path, "r+b") as file:
        file.seek(row * shelf.row_bytes + 5)
        file.write(b"\x11")


def test_a_damaged_map_is_not_found(store, caplog):
    with store.open(KEY, SHAPE) as shelf:
        shelf.append(keys_of(*range(10)), maps_of(*range(10)))
        damage(shelf, 3)
        rows = shelf.lookup(keys_of(*range(10)))
        assert rows.tolist() == [0, 1, 2, -1, 4, 5, 6, 7, 8, 9]
        assert "1 stored feature maps are damaged" in caplog.text
        shelf.append(keys_of(3), maps_of(3))
        found = shelf.lookup(keys_of(3))
        assert np.array_equal(shelf.bank(found).read(0, 1), maps_of(3))


def test_of_many_maps_some_are_compared_and_all_where_one_is_damaged(store, monkeypatch):
    monkeypatch.setattr(shelf_module, "CHECKED_BYTES", 5 * 2 * int(np.prod(SHAPE)))
    with store.open(KEY, SHAPE) as shelf:
        shelf.append(keys_of(*range(20)), maps_of(*range(20)))
        compared = []
        plain = shelf._index.checksums
        monkeypatch.setattr(
            shelf._index, "checksums", lambda rows: compared.append(len(rows)) or plain(rows)
        )
        shelf.lookup(keys_of(*range(20)))
        assert compared == [5]
        for row in range(20):
            damage(shelf, row)
        assert (shelf.lookup(keys_of(*range(20))) == -1).all()
        assert compared == [5, 5, 20]


def test_maps_stored_by_an_earlier_version_are_used(store):
    with store.open(KEY, SHAPE) as shelf:
        shelf.append(keys_of(1), maps_of(1))
        path = shelf.folder / INDEX_NAME
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE checksums")
    with store.open(KEY, SHAPE) as shelf:
        assert shelf.lookup(keys_of(1)).tolist() == [0]
        shelf.append(keys_of(2), maps_of(2))
        assert shelf.lookup(keys_of(1, 2)).tolist() == [0, 1]
