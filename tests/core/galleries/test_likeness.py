"""A gallery in the order of likeness, near-duplicates folded."""

import numpy as np
import pytest

from qaconv_core.errors import Cancelled
from qaconv_core.galleries import likeness
from qaconv_core.galleries.likeness import likeness_order
from qaconv_core.progress import CancelToken, WorkContext


def maps_of(people, shots, noise, seed=1):
    """(people · shots, C, h, w) in mixed order, and who each is of."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((people, 16, 6, 2))
    who = rng.permutation(np.repeat(np.arange(people), shots))
    maps = centres[who] + noise * rng.standard_normal((len(who), 16, 6, 2))
    return (maps / np.linalg.norm(maps, axis=1, keepdims=True)).astype(np.float16), who


@pytest.mark.parametrize("block", [2048, 40])
def test_alike_pictures_stand_together_and_none_is_lost(block, monkeypatch):
    monkeypatch.setattr(likeness, "_BLOCK", block)
    maps, who = maps_of(12, 10, 0.3)
    found = likeness_order(maps)
    assert sorted(found.order.tolist()) == list(range(120))
    changes = np.count_nonzero(np.diff(who[found.order]))
    mixed = np.count_nonzero(np.diff(who))
    assert changes == 11 if block == 2048 else changes < mixed / 3


def test_near_duplicates_are_folded_into_groups_that_cover_all():
    maps, who = maps_of(5, 4, 0.02)
    groups = likeness_order(maps).groups()
    assert len(groups) == 5
    assert all(len(set(who[group])) == 1 and len(group) == 4 for group in groups)
    apart, _ = maps_of(20, 1, 0.0)
    assert len(likeness_order(apart).groups()) == 20


def test_small_and_odd_galleries():
    assert len(likeness_order(np.empty((0, 4, 2, 1))).order) == 0
    one = likeness_order(np.ones((1, 4, 2, 1)))
    assert one.groups()[0].tolist() == [0]
    assert len(likeness_order(np.zeros((3, 4, 2, 1))).order) == 3


def test_it_stops_when_asked_to():
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        likeness_order(maps_of(3, 2, 0.1)[0], context=WorkContext(None, cancel))
