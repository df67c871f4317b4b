"""Zones of bodies: from label maps and by height; the sentence is that of the exact numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.jobs.zone_maps import read_zones
from app.state.values import Cell
from app.state.zones import PairZones, evidence_words, zone_sums
from qaconv_core.data import open_dataset
from qaconv_core.data.label_maps import LABELS
from qaconv_core.explaining import zones as z
from tests.app.samples import GRID, above_average, sample_pair


def test_by_height_a_person_stands_upright():
    zones = z.zones_by_height((24, 8))
    assert zones[0, 4] == z.HEAD
    assert zones[8, 4] == z.UPPER
    assert zones[16, 4] == z.LOWER
    assert zones[23, 4] == z.FEET
    assert (np.diff(zones[:, 4]) >= 0).all()
    assert (zones[:, [0, 7]] == z.BESIDE).all()
    assert not (z.zones_by_height((12, 4)) == z.BESIDE).any(), "wide cells hold more than a margin"


def test_a_cell_of_a_label_map_is_what_most_of_its_pixels_show():
    labels = np.full((12, 6), LABELS.index("background"), dtype=np.uint8)
    labels[0:3, 0:3] = LABELS.index("hair")
    labels[0, 3:5] = LABELS.index("bag")
    labels[9:, 3:] = LABELS.index("shoes")
    zones = z.zones_of_labels(labels, (4, 2))
    assert zones.tolist() == [
        [z.HEAD, z.BESIDE], [z.BESIDE, z.BESIDE], [z.BESIDE, z.BESIDE], [z.BESIDE, z.FEET]
    ]  # fmt: skip


def test_the_demos_label_maps_are_read():
    ref = open_dataset("demo").query[0]
    zones = read_zones([ref, replace(ref, path=ref.path.with_name("none.jpg"))], (12, 6))
    assert list(zones) == [ref.path]
    seen = set(np.unique(zones[ref.path]).tolist())
    assert {z.UPPER, z.LOWER} <= seen
    assert z.UPPER in zones[ref.path][4], "the middle of a person"


@pytest.mark.parametrize("measure", ["contribution", "relative"])
def test_sums_are_those_of_the_cells_one_by_one(measure):
    pair = above_average(sample_pair())
    random = np.random.default_rng(3)
    zones = PairZones(*random.integers(0, len(z.ZONES), (2, *GRID)).astype(np.int8))
    expected = [0.0] * len(z.ZONES)
    match = pair.match
    sides = (
        (match.query_contribution, match.gallery_contribution)
        if measure == "contribution"
        else pair.relative.sides
    )
    for side, values in zip(("query", "gallery"), sides, strict=True):
        for number in range(values.size):
            expected[zones.of(Cell(side, number))] += float(values.ravel()[number])
    sums = zone_sums(pair, zones, measure)
    assert sums == pytest.approx(expected)
    base = match.bias if measure == "contribution" else pair.relative.mean_logit
    assert sums.sum() == pytest.approx(match.logit - base, abs=1e-4)


def sums(**named: float) -> np.ndarray:
    return np.array([named.get(zone.split()[0], 0.0) for zone in z.ZONES])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (sums(upper=6.2, bag=2.1, lower=1.7, feet=-1.0),
         "Mostly the upper body (62 %) and the bag (21 %); the feet speak against it."),
        (sums(upper=4.0, lower=3.5, head=2.5), "The upper body (40 %) and the lower body (35 %)."),
        (sums(head=9.0, feet=1.0), "Mostly the head (90 %)."),
        (sums(head=9.0, upper=-2.0, lower=-3.0, feet=-0.1),
         "Mostly the head (100 %); the lower body and the upper body speak against it."),
        (sums(head=9.0, upper=-2.0), "Mostly the head (100 %); the upper body speaks against it."),
        (sums(head=-1.0), "No zone speaks for this match."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_the_sums_are(found, said):
    assert evidence_words(found) == said


@given(some.lists(some.floats(-50, 50), min_size=7, max_size=7))
def test_every_percentage_of_the_sentence_is_exact(values):
    found = np.array(values)
    said = evidence_words(found)
    positive = sum(value for value in values if value > 0)
    for name, value in zip(z.ZONES, values, strict=True):
        if f"the {name} (" in said.lower():
            assert f"{name} ({round(100 * value / positive)} %)" in said
        if f"the {name} speak" in said:
            assert value < 0
