"""Tracks of made-up walkers, and the measures against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.looks import look_of, packed, unpacked
from qaconv_core.detection.measures import Counts, count_boxes, measure_tracks
from qaconv_core.detection.tracking import PersonTracker
from tests.core.detection.made import COLOURS


def look(colour):
    return look_of(np.full((90, 30, 3), COLOURS[colour], np.uint8))


def box(x, y=50.0, h=90.0, **more):
    return PersonBox(float(x), float(y), h / 3, h, **more)


def test_two_who_cross_at_two_frames_a_second_keep_their_numbers():
    tracker = PersonTracker()
    for step in range(12):
        boxes = [box(20 + 40 * step), box(460 - 40 * step, 60)]
        looks = [look("red"), look("blue")]
        order = [0, 1] if step % 2 else [1, 0]
        numbers = tracker.step(0.5 * step, [boxes[i] for i in order], [looks[i] for i in order])
        if step == 0:
            first = {i: numbers[order.index(i)] for i in (0, 1)}
        assert {i: numbers[order.index(i)] for i in (0, 1)} == first


def test_who_is_hidden_for_a_moment_is_found_again_and_not_after_long():
    tracker = PersonTracker()
    assert tracker.step(0.0, [box(100)], [look("red")]) == [1]
    assert tracker.step(0.5, [box(130)], [look("red")]) == [1]
    assert tracker.step(1.0, [], []) == []
    assert tracker.step(1.5, [box(190)], [look("red")]) == [1]
    assert tracker.step(9.0, [box(195)], [look("red")]) == [2]


def test_another_size_or_a_far_place_is_another_person():
    tracker = PersonTracker()
    tracker.step(0.0, [box(100)], [look("red")])
    assert tracker.step(0.5, [box(100, h=200.0)], [look("red")]) == [2]
    assert tracker.step(1.0, [box(700)], [look("red")]) == [3]


def test_looks_are_alike_for_the_same_colours_alone():
    assert look("red") @ look("red") == pytest.approx(1)
    assert look("red") @ look("blue") < 0.1
    np.testing.assert_allclose(unpacked(packed(look("red"))), look("red"), atol=0.01)
    with pytest.raises(ValueError):
        unpacked(b"12")


def test_counts_are_those_by_hand():
    true = [box(0), box(200)]
    found = [box(3), box(400), box(600)]
    assert count_boxes(found, true) == Counts(1, 2, 1)
    assert count_boxes(found, true, [box(402)]) == Counts(1, 1, 1)
    assert Counts(3, 1, 2).recall == pytest.approx(0.6)
    assert Counts(3, 1, 2).precision == pytest.approx(0.75)


def test_a_switch_and_a_miss_are_counted():
    frames = [
        ([box(0, track=1)], [box(0, track=7)]),
        ([box(10, track=1)], [box(10, track=7)]),
        ([], [box(20, track=7)]),
        ([box(30, track=2), box(300, track=3)], [box(30, track=7)]),
    ]
    found = measure_tracks(frames)
    assert (found.switches, found.counts, found.tracks, found.persons) == (1, Counts(3, 1, 1), 3, 1)
    assert found.mota == pytest.approx(1 - 3 / 4)
    assert found.idf1 == pytest.approx(2 * 2 / (4 + 4))
