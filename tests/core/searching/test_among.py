"""Lists of the nearest of every picture: what pooled maps choose, with exact logits."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from qaconv_core.bench.samples import people_maps
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.matching.scores import score_maps
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.searching import among
from qaconv_core.searching.among import list_nearest, listing_grid
from qaconv_core.searching.pooling import pool, pooled_head
from tests.core.matching.maps import random_head

GRID = (12, 3)


@pytest.fixture(scope="module")
def maps():
    return people_maps(300, 16, GRID)


def test_lists_hold_the_best_by_pooled_maps_with_exact_logits(maps):
    head, count = random_head(GRID), 40
    assert not head.symmetric
    found = list_nearest(maps, head, count)
    assert found.places.shape == found.logits.shape == (300, count)
    assert (np.diff(found.places, axis=1) > 0).all()
    exact = score_maps(maps, maps, head)
    np.testing.assert_array_equal(found.logits, np.take_along_axis(exact, found.places, axis=1))
    small = pool(maps, listing_grid(GRID))
    pooled = score_maps(small, small, pooled_head(head, listing_grid(GRID)))
    np.fill_diagonal(pooled, np.inf)
    listed = np.take_along_axis(pooled, found.places, axis=1)
    last = np.sort(pooled, axis=1)[:, -count]
    assert (listed.min(axis=1) >= last - 1e-3).all()  # estimates differ in their last bits
    assert (listed == np.inf).any(axis=1).all()


def test_lists_find_nearly_all_of_the_nearest(maps):
    cells = GRID[0] * GRID[1]
    head = random_head(GRID)
    head = type(head)(np.full(cells, 0.5), np.full(cells, 0.5), 0.0, GRID)
    found = list_nearest(maps, head, 100)
    best = np.argsort(-score_maps(maps, maps, head), axis=1)[:, :20]
    held = [np.isin(a, b).mean() for a, b in zip(best, found.places, strict=True)]
    assert np.mean(held) > 0.98


@pytest.mark.parametrize("pictures", [1, 39, 40])
def test_fewer_pictures_than_a_list_takes_are_all_on_it(maps, pictures):
    some, head = maps[:pictures], random_head(GRID)
    found = list_nearest(some, head, 40)
    np.testing.assert_array_equal(found.places, np.tile(np.arange(pictures), (pictures, 1)))
    np.testing.assert_array_equal(found.logits, score_maps(some, some, head))


def test_equal_pictures_leave_each_on_its_own_list(maps):
    same = np.repeat(maps[:1], 270, axis=0)
    found = list_nearest(same, random_head(GRID), 8)
    assert (np.diff(found.places, axis=1) > 0).all()
    assert (found.places == np.arange(270)[:, None]).any(axis=1).all()
    assert len(np.unique(found.logits)) == 1


def test_rows_of_all_exact_logits_give_the_exact_lists(maps):
    head = random_head(GRID)
    found = among._by_exact_rows(maps, head, 30, "cpu", WorkContext(), "listing")
    exact = score_maps(maps, maps, head)
    np.testing.assert_array_equal(found.logits, np.take_along_axis(exact, found.places, axis=1))
    np.fill_diagonal(exact, np.inf)
    best = np.argsort(-exact, axis=1, kind="stable")[:, :30]
    np.testing.assert_array_equal(found.places, np.sort(best, axis=1))


@pytest.mark.parametrize("stage", ["listing", "scoring lists"])
def test_both_passes_report_and_stop_when_asked_to(maps, stage):
    cancel, seen = CancelToken(), []

    def report(progress):
        seen.append(progress.stage)
        if progress.stage == stage and progress.done:
            cancel.cancel()

    with pytest.raises(Cancelled):
        list_nearest(maps, random_head(GRID), 40, work=WorkContext(report, cancel))
    assert seen[-1] == stage


def test_memory_stays_far_below_all_pairs():
    maps = people_maps(1500, 8, (3, 1))
    head = random_head((3, 1))
    list_nearest(maps[:300], head, 20)
    tracemalloc.start()
    try:
        list_nearest(maps, head, 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(maps) ** 2  # a quarter of the logits of all pairs, which are float32


def test_maps_that_do_not_suit_the_head_are_refused(maps):
    with pytest.raises(InputError, match="this model needs"):
        list_nearest(maps[:, :, :6], random_head(GRID), 40)
