"""Overlaps and suppression against plain loops; tiles cover, and cut people are not doubled."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qaconv_core.detection.boxes import overlaps, shares_inside, suppress
from qaconv_core.detection.tiles import (
    OVERLAP,
    WHOLE,
    Tile,
    cut_off,
    fills,
    plan_tiles,
    read_scales,
    without_nested,
    without_parts,
)
from qaconv_core.errors import InputError


def random_boxes(rng, count):
    corner = rng.uniform(0, 60, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(0.5, 40, (count, 2))], 1)


def one_overlap(a, b):
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0) * max(high, 0)
    size = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return shared / (sum(size) - shared), shared / size[0]


def test_overlaps_are_those_of_a_loop():
    rng = np.random.default_rng(1)
    a, b = random_boxes(rng, 7), random_boxes(rng, 5)
    expected = np.array([[one_overlap(x, y) for y in b] for x in a])
    np.testing.assert_allclose(overlaps(a, b), expected[..., 0], atol=1e-12)
    np.testing.assert_allclose(shares_inside(a, b), expected[..., 1], atol=1e-12)


def test_suppression_is_that_of_a_loop():
    rng = np.random.default_rng(2)
    boxes, scores = random_boxes(rng, 80), rng.random(80)
    kept: list[int] = []
    for index in sorted(range(80), key=lambda i: -scores[i]):
        if all(one_overlap(boxes[index], boxes[k])[0] <= 0.4 for k in kept):
            kept.append(index)
    assert 5 < len(kept) < 70
    assert suppress(boxes, scores, 0.4).tolist() == kept
    assert suppress(np.zeros((0, 4)), np.zeros(0)).tolist() == []


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (640, 480), (700, 3000), (90, 40)])
def test_tiles_cover_the_picture_and_overlap(width, height):
    tiles = plan_tiles(width, height, (WHOLE, 1, 2))
    assert tiles[0] == Tile(0, 0, width, height)
    for scale in {tile.scale for tile in tiles} - {WHOLE}:
        seen = np.zeros((height, width), bool)
        for tile in (t for t in tiles if t.scale == scale):
            part = seen[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
            assert part.shape == (tile.height, tile.width)
            part[:] = True
        assert seen.all()
        starts = sorted({t.left for t in tiles if t.scale == scale})
        side = next(t.width for t in tiles if t.scale == scale)
        step = (1 - OVERLAP) * side + 1
        assert all(b - a <= step for a, b in itertools.pairwise(starts))


def test_only_borders_inside_the_picture_cut_people_off():
    tile = Tile(0, 0, 100, 100)
    boxes = np.array([[0, 10, 30, 60], [70, 10, 100, 60], [40, 10, 60, 60], [40, 50, 60, 100.0]])
    assert cut_off(boxes, tile, 200, 100).tolist() == [False, True, False, False]
    assert cut_off(boxes, tile, 100, 100).tolist() == [False] * 4
    assert cut_off(boxes, tile, 100, 200).tolist() == [False, False, False, True]


def test_half_a_person_goes_where_another_tile_saw_the_whole_one():
    boxes = np.array([[10, 10, 50, 110], [10, 10, 30, 110], [80, 10, 100, 110.0]])
    scores = np.array([0.8, 0.9, 0.7])
    cut = np.array([False, True, True])
    assert without_parts(boxes, scores, cut).tolist() == [0, 2]  # nobody else saw the last one
    assert without_parts(boxes, np.array([0.3, 0.9, 0.7]), cut).tolist() == [0, 1, 2]
    assert without_parts(boxes, np.array([0.3, 0.9, 0.6]), cut).tolist() == [0, 1]


def test_who_fills_a_square_is_left_to_larger_ones():
    boxes = np.array([[0, 2, 40, 98], [0, 30, 40, 98.0]])
    assert fills(boxes, Tile(0, 0, 100, 100, 2)).tolist() == [True, False]
    assert fills(boxes, Tile(0, 0, 100, 100)).tolist() == [False, False]


def test_the_upper_half_goes_beside_the_whole_body_and_a_child_stays():
    boxes = np.array([[10, 10, 50, 110], [12, 12, 48, 60], [40, 60, 58, 108.0]])
    assert without_nested(boxes, np.array([0.9, 0.8, 0.7]), 0.85).tolist() == [0, 2]


def test_scales_are_read_and_wrong_ones_named():
    assert read_scales("whole, 2,1,2") == (WHOLE, 2, 1)
    for text in ("", "0", "9", "half", "1.5", "whole;1"):
        with pytest.raises(InputError, match="tiles"):
            read_scales(text)
