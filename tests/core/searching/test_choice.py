"""One function says which arithmetic searches a gallery, and what the result may claim."""

from __future__ import annotations

import pytest

from qaconv_core.errors import InputError
from qaconv_core.searching.choice import (
    BYTES,
    COARSE,
    FLOAT32,
    LIMITS,
    POOLED,
    choose_search,
    coarse_grid,
)

FINE, ROUGH = (24, 8), (12, 4)


@pytest.mark.parametrize(
    ("size", "grid", "device", "wish", "fast", "path", "claim"),
    [
        (10**6, FINE, "cpu", "exact", True, FLOAT32, "exact"),
        (10**6, FINE, "cuda:1", "best", True, FLOAT32, "exact"),
        (10**6, FINE, "cuda", "ranking", False, FLOAT32, "exact"),
        (1999, FINE, "cpu", "best", True, FLOAT32, "exact"),
        (2000, FINE, "cpu", "best", True, BYTES, "proved"),
        (2000, ROUGH, "cpu", "best", True, BYTES, "proved"),
        (2048, FINE, "cpu", "best", False, FLOAT32, "exact"),
        (2049, FINE, "cpu", "best", False, COARSE, "measured"),
        (2049, ROUGH, "cpu", "best", False, FLOAT32, "exact"),
        (19_999, FINE, "cpu", "ranking", True, FLOAT32, "exact"),
        (20_000, FINE, "cpu", "ranking", True, BYTES, "proved"),
        (20_000, FINE, "cpu", "ranking", False, COARSE, "measured"),
        (20_000, ROUGH, "cpu", "ranking", False, FLOAT32, "exact"),
        (0, FINE, "cpu", "prepared", True, FLOAT32, "exact"),
        (1, FINE, "cpu", "prepared", True, BYTES, "proved"),
        (2048, FINE, "cpu", "prepared", False, FLOAT32, "exact"),
        (2049, FINE, "cpu", "prepared", False, COARSE, "measured"),
    ],
)
def test_sizes_devices_and_wishes_lead_to_paths(size, grid, device, wish, fast, path, claim):
    found = choose_search(size, grid, device, wish=wish, fast_bytes=fast)
    assert (found.path, found.claim) == (path, claim)


@pytest.mark.parametrize("wish", ["exact", "best", "ranking", "prepared"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_shortlist_that_leaves_pictures_out_comes_first(wish, device):
    options = {"wish": wish, "fast_bytes": True, "shortlist": 50}
    found = choose_search(51, FINE, device, **options)
    assert (found.path, found.claim) == (POOLED, "shortlist")
    assert choose_search(50, FINE, device, **options).path != POOLED
    with pytest.raises(InputError, match="at least 1 picture"):
        choose_search(51, FINE, device, wish=wish, fast_bytes=True, shortlist=0)


def test_what_is_used_only_once_is_not_prepared():
    options = {"wish": "best", "fast_bytes": True}
    assert choose_search(5000, FINE, "cpu", **options, queries=2).path == FLOAT32
    assert choose_search(5000, FINE, "cpu", **options, on_disk=False).path == FLOAT32
    ranking = {"wish": "ranking", "fast_bytes": True, "queries": 2, "on_disk": False}
    assert choose_search(30_000, FINE, "cpu", **ranking).path == BYTES


def test_only_estimated_rankings_have_a_head_of_their_own():
    for wish, head in (("ranking", LIMITS.ranking_head), ("best", None), ("exact", None)):
        assert choose_search(30_000, FINE, "cpu", wish=wish, fast_bytes=True).head == head
    assert choose_search(300, FINE, "cpu", wish="ranking", fast_bytes=True).head is None


@pytest.mark.parametrize(
    ("grid", "coarse"),
    [((24, 8), (12, 4)), ((12, 6), (12, 3)), ((48, 16), (12, 4)), ((13, 5), (7, 3)), ((3, 1),) * 2],
)
def test_a_coarse_grid_has_at_most_12_by_4_cells(grid, coarse):
    assert coarse_grid(grid) == coarse
