"""Maps in files: read as they are, and fetched in whole pages."""

from __future__ import annotations

import itertools
import mmap

import numpy as np
import pytest

from qaconv_core import types
from qaconv_core.types import FeatureBank, page_runs


@pytest.mark.parametrize("row_bytes", [1, 700, 4096, 18432, 49152])
@pytest.mark.parametrize("begin", [0, 128, 5000])
def test_pages_of_rows_hold_every_byte_and_little_else(row_bytes, begin):
    rows = np.sort(np.random.default_rng(0).choice(400, 60, replace=False))
    page = mmap.PAGESIZE
    wanted = set()
    for row in rows.tolist():
        first, last = begin + row * row_bytes, begin + (row + 1) * row_bytes - 1
        wanted |= set(range(first // page, last // page + 1))
    runs = page_runs(rows, row_bytes, begin)
    found = set()
    for start, length in runs:
        assert start % page == 0
        found |= set(range(start // page, (start + length - 1) // page + 1))
    assert found == wanted
    assert all(a + n < b for (a, n), (b, _) in itertools.pairwise(runs))


def test_not_more_than_a_limit_is_fetched(monkeypatch):
    monkeypatch.setattr(types, "_FETCHED", 100_000)
    rows = np.arange(0, 1000, 2)
    assert sum(length for _, length in page_runs(rows, 10_000)) <= 100_000 + 10 * mmap.PAGESIZE
    assert page_runs(rows[:1], 1_000_000) == [(0, 1_000_000)]


def test_banks_in_files_and_in_memory_are_read_as_before(tmp_path):
    maps = np.random.default_rng(1).random((50, 4, 3, 2)).astype(np.float16)
    path = tmp_path / "maps.f16"
    path.write_bytes(b"\0" * 100 + maps.tobytes())
    rows = np.array([40, 3, 3, 17])
    for held in (
        np.memmap(path, np.float16, "r", offset=100, shape=maps.shape),
        np.memmap(path, np.float16, "r", offset=100, shape=maps.shape)[:45],
        maps,
        np.asfortranarray(maps),
    ):
        bank = FeatureBank(held, rows)
        assert bank.about_to_be_read() is bank
        np.testing.assert_array_equal(bank.read(0, 4), maps[rows])
    every_second = np.memmap(path, np.float16, "r", offset=100, shape=maps.shape)[::2]
    bank = FeatureBank(every_second, rows // 2).about_to_be_read()
    np.testing.assert_array_equal(bank.read(0, 4), maps[::2][rows // 2])
    assert not len(FeatureBank(maps, rows[:0]).about_to_be_read())
