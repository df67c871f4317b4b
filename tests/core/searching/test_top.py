"""The fast search shows exactly what scoring everything in float32 shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from qaconv_core.errors import Cancelled, InputError
from qaconv_core.matching import plan as plan_module
from qaconv_core.matching.cpu import as_tensor
from qaconv_core.matching.scores import score_maps
from qaconv_core.progress import CancelToken
from qaconv_core.searching import top as top_module
from qaconv_core.searching.integer_estimates import ByteTiles, fast_bytes
from qaconv_core.searching.prepared import prepare_gallery
from qaconv_core.searching.quantised import logit_bound, quantise
from qaconv_core.searching.top import rank_top
from tests.core.matching.maps import people_maps, random_head, unit_maps

SIZES = [
    (1, 16, (1, 1)),
    (7, 5, (3, 1)),
    (300, 37, (3, 5)),
    (131, 128, (12, 6)),
    (20, 24, (24, 8)),
    (3, 16, (48, 16)),
]


@pytest.fixture(autouse=True)
def _bytes_everywhere(monkeypatch):
    """Integer products are used whether they pay here or not; they are right everywhere."""
    monkeypatch.setattr(top_module, "fast_bytes", lambda _: True)


def exact_head(logits, top):
    order = np.argsort(-logits, kind="stable")[:top]
    return order, logits[order]


@pytest.mark.parametrize(("count", "channels", "grid"), SIZES)
@pytest.mark.parametrize("maps", [people_maps, unit_maps])
def test_the_head_is_that_of_the_exact_ranking(count, channels, grid, maps):
    gallery = maps(count, channels, grid, 1, dtype=np.float16)
    query = maps(1, channels, grid, 2, dtype=np.float16)[0]
    head = random_head(grid)
    logits = score_maps(query[None], gallery, head)[0]
    prepared = prepare_gallery(gallery)
    for top in (1, 20, count):
        found = rank_top(query, gallery, head, top, prepared=prepared)
        order, values = exact_head(logits, top)
        np.testing.assert_array_equal(found.order[:top], order)
        np.testing.assert_array_equal(found.values[:top], values)
        assert found.whole
        assert (np.diff(found.values) <= 0).all()
        off = np.abs(found.values.astype(np.float64) - logits[found.order])
        bounds = np.zeros(count) if found.bounds is None else found.bounds
        assert np.all(off <= bounds)
        assert found.certainty == ("exact" if found.scored == count else "proved")
        assert found.exact_to == (None if found.scored == count else top)


def test_ties_stand_in_gallery_order_and_most_pictures_are_not_rescored():
    grid = (6, 4)
    gallery = people_maps(400, 32, grid, 3)
    gallery[350], gallery[20] = gallery[101], gallery[101]
    head = random_head(grid, symmetric=True)
    found = rank_top(gallery[101], gallery, head, 3, prepared=prepare_gallery(gallery))
    assert found.order[:3].tolist() == [20, 101, 350]
    assert len(set(found.values[:3].tolist())) == 1
    assert found.scored < 100
    assert found.certainty == "proved"


def test_where_a_sample_leaves_most_undecided_everything_is_scored_exactly_at_once():
    """Pictures so much alike that no bound tells them apart: estimating them all is no use."""
    grid = (4, 2)
    noise = np.random.default_rng(4).standard_normal((2048, 16, *grid)).astype(np.float32)
    gallery, head = unit_maps(1, 16, grid, 3) + 1e-4 * noise, random_head(grid)
    seen = []
    found = rank_top(
        gallery[5], gallery, head, 3, prepared=prepare_gallery(gallery), progress=seen.append
    )
    assert max(p.done for p in seen if p.stage == "searching") == 1024
    assert found.certainty == "exact"
    assert found.bounds is None
    logits = score_maps(gallery[5:6], gallery, head)[0]
    assert found.values.tolist() == np.sort(logits)[::-1].tolist()


def test_the_query_in_its_own_gallery_does_not_hide_that_estimates_are_no_use():
    """It stands far above all others, which the bound cannot tell apart."""
    grid = (12, 6)
    gallery, head = unit_maps(2048, 128, grid, 3), random_head(grid, symmetric=True)
    seen = []
    found = rank_top(
        gallery[0], gallery, head, 2, prepared=prepare_gallery(gallery), progress=seen.append
    )
    assert max(p.done for p in seen if p.stage == "searching") == 1024
    assert found.certainty == "exact"
    assert found.order[0] == 0


@pytest.mark.parametrize("loud", [1.0, 40.0])
def test_the_bound_holds_also_for_maps_made_to_break_it(loud):
    """All weight on a few cells, one channel far above the rest: the scale fits nothing else."""
    grid, rng = (4, 2), np.random.default_rng(5)
    maps = rng.standard_normal((60, 16, *grid)).astype(np.float32)
    maps[:, 0, 0, 0] *= loud
    maps[7] = 0
    head = random_head(grid)
    head.query_weights[1:], head.gallery_weights[2:] = 0, -3
    query, gallery = quantise(maps[:1]), quantise(maps)
    exact = np.array([plain_logit(maps[0], one, head) for one in maps])
    with torch.inference_mode():
        found = ByteTiles(head).estimate(query, gallery)[0]
    assert np.all(np.abs(found - exact) <= logit_bound(query, gallery, head))


@pytest.mark.parametrize(("count", "channels", "grid"), SIZES)
def test_several_queries_at_once_are_within_the_bound_too(count, channels, grid):
    maps = people_maps(count + 6, channels, grid, 8)
    queries, gallery, head = maps[:6], maps[6:], random_head(grid)
    small = quantise(queries), quantise(gallery)
    with torch.inference_mode():
        found = ByteTiles(head).estimate(*small)
    exact = score_maps(queries, gallery, head)
    for i in range(6):
        bound = logit_bound(small[0].part(i, i + 1), small[1], head)
        assert np.all(np.abs(found[i] - exact[i]) <= bound)


@pytest.mark.parametrize("shape", [(5, 16, 1, 1), (5, 1, 4, 2)])
def test_quantising_leaves_the_maps_as_they_are(shape):
    """Turned to cells × channels, these need no copy."""
    maps = np.random.default_rng(6).standard_normal(shape).astype(np.float32)
    before = maps.copy()
    quantise(maps)
    np.testing.assert_array_equal(maps, before)


def plain_logit(query, gallery, head):
    similarity = np.einsum(
        "cr,cs->rs", *(m.reshape(16, -1).astype(float) for m in (gallery, query))
    )
    a, b = similarity.max(axis=0), similarity.max(axis=1)
    return a @ head.query_weights + b @ head.gallery_weights + head.bias


def test_without_preparation_or_on_request_everything_is_exact():
    grid = (3, 2)
    gallery, head = people_maps(50, 8, grid, 1), random_head(grid)
    query = gallery[9]
    logits = score_maps(query[None], gallery, head)[0]
    for options in ({}, {"prepared": prepare_gallery(gallery), "exact": True}):
        found = rank_top(query, gallery, head, 5, **options)
        np.testing.assert_array_equal(found.gallery_values, logits)
        np.testing.assert_array_equal(found.order, exact_head(logits, len(logits))[0])
        assert found.certainty == "exact"


def test_a_part_of_a_prepared_gallery_can_be_searched():
    grid = (3, 2)
    gallery, head = people_maps(90, 8, grid, 1), random_head(grid)
    chosen = np.array([3, 80, 41, 42, 43, 7])
    part = replace(prepare_gallery(gallery), rows=chosen)
    found = rank_top(gallery[42], gallery[chosen], head, 2, prepared=part)
    assert found.order[0] == 3


def test_one_map_of_a_large_grid_is_taken_in_several_pieces(monkeypatch):
    grid = (5, 3)
    gallery, head = people_maps(30, 8, grid, 1), random_head(grid)
    whole = score_maps(gallery[:2], gallery, head)
    estimates = rank_top(
        gallery[0], gallery, head, 1, prepared=prepare_gallery(gallery)
    ).gallery_values
    monkeypatch.setattr(plan_module, "tile_bytes", lambda: 4 * 15 * 4)
    assert len(plan_module.cell_spans(15)) == 4
    np.testing.assert_allclose(score_maps(gallery[:2], gallery, head), whole, rtol=1e-6)
    pieces = rank_top(
        gallery[0], gallery, head, 1, prepared=prepare_gallery(gallery)
    ).gallery_values
    np.testing.assert_allclose(pieces, estimates, rtol=1e-5)


def test_a_logit_does_not_depend_on_what_is_scored_beside_it():
    grid = (6, 2)
    gallery, query, head = unit_maps(300, 24, grid, 1), unit_maps(3, 24, grid, 2), random_head(grid)
    together = score_maps(query, gallery, head)
    for i, j in ((0, 0), (1, 7), (2, 255), (2, 299)):
        alone = score_maps(query[i : i + 1], gallery[j : j + 1], head)
        assert alone[0, 0] == together[i, j]


def test_wrong_use_is_named():
    gallery, head = people_maps(5, 8, (2, 2), 1), random_head((2, 2))
    prepared = prepare_gallery(gallery)
    with pytest.raises(InputError, match="top from 1"):
        rank_top(gallery[0], gallery, head, 0)
    with pytest.raises(InputError, match="5 prepared pictures for a gallery of 4"):
        rank_top(gallery[0], gallery[:4], head, 1, prepared=prepared)
    gallery[3, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="damaged"):
        rank_top(gallery[0], gallery, head, 1, prepared=prepare_gallery(gallery))


def test_an_empty_gallery_has_an_empty_head():
    gallery, head = people_maps(3, 8, (2, 2), 1), random_head((2, 2))
    found = rank_top(gallery[0], gallery[:0], head, 5, prepared=prepare_gallery(gallery[:0]))
    assert found.order.tolist() == []


def test_a_search_can_be_stopped():
    gallery, head = people_maps(3, 8, (2, 2), 1), random_head((2, 2))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        rank_top(gallery[0], gallery, head, 1, prepared=prepare_gallery(gallery), cancel=cancel)


def test_the_trial_of_integer_products_sees_wrong_ones(monkeypatch):
    fast_bytes.cache_clear()
    real = torch._int_mm

    def saturating(one, other, out=None):
        found = real(one, other).clamp_(-(2**15), 2**15 - 1)
        return found if out is None else out.copy_(found)

    monkeypatch.setattr(torch, "_int_mm", saturating)
    assert not fast_bytes(128)
    fast_bytes.cache_clear()


def test_read_only_memory_becomes_a_tensor_without_a_copy(recwarn):
    array = np.arange(6, dtype=np.float16).reshape(2, 3)
    array.flags.writeable = False
    tensor = as_tensor(array)
    assert tensor.data_ptr() == array.ctypes.data
    assert tensor.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not recwarn.list
