"""The measures of explanations say what is so on models whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qaconv_core.data.label_maps import cell_labels
from qaconv_core.errors import InputError
from qaconv_core.evaluation.explanations import (
    PartNames,
    explanation_qualities,
    following,
    is_border,
    shifted,
    strong_cells,
)
from qaconv_core.types import ImageRef
from tests.core.evaluation.known import CELL, DISTINCT, GRID, KnownModel, picture

PARTS = PartNames(frozenset({1, 2}))


def quality(feature, query_codes, gallery_codes, labels=None, **more):
    pictures = {"q": picture(query_codes), "g": picture(gallery_codes)}
    pairs = [(ImageRef(Path("q")), ImageRef(Path("g")))]
    options = {}
    if labels is not None:
        maps = {n: np.repeat(np.repeat(m, CELL, 0), CELL, 1) for n, m in labels.items()}
        options = {"labels": lambda ref: maps[ref.path.name], "parts": PARTS}
    (found,) = explanation_qualities(
        KnownModel(feature),
        pairs,
        [None],
        read=lambda ref: pictures[ref.path.name],
        **options,
        **more,
    )
    return found


def test_content_is_followed_and_the_frame_is_not():
    by_colour = quality("colour", DISTINCT, DISTINCT, top=24)
    by_place = quality("place", DISTINCT, DISTINCT, top=24)
    assert by_colour.shift_following == {1: 1.0, 2: 1.0, 3: 1.0}
    assert by_place.shift_following == {1: 0.0, 2: 0.0, 3: 0.0}
    assert by_colour.correspondences == 24
    assert by_colour.part_agreement is None


def test_part_agreement_and_what_lies_off_the_person():
    labels = np.zeros(GRID, np.uint8)
    labels[1:3, 1:3] = 1
    labels[3:5, 1:3] = 2
    same = quality("colour", DISTINCT, DISTINCT, {"q": labels, "g": labels}, top=24)
    assert same.part_agreement == pytest.approx(8 / 24)
    assert same.background == pytest.approx(16 / 24)
    assert same.border == pytest.approx(16 / 24)
    other = np.where(labels > 0, 3 - labels, 0).astype(np.uint8)
    crossed = quality("colour", DISTINCT, DISTINCT, {"q": labels, "g": other}, top=24)
    assert crossed.part_agreement == 0
    assert crossed.background == pytest.approx(16 / 24)
    hidden = np.where(labels == 2, 12, labels).astype(np.uint8)
    covered = quality("colour", DISTINCT, DISTINCT, {"q": labels, "g": hidden}, top=24)
    assert covered.part_agreement == pytest.approx(4 / 24)
    assert covered.background == pytest.approx(16 / 24)
    assert covered.off_person == pytest.approx(20 / 24)


def test_strong_cells_by_contribution_or_beyond_the_usual():
    match = KnownModel("colour").match(
        *KnownModel("colour").extract([picture(DISTINCT), picture(DISTINCT * 0 + 50)])
    )
    assert strong_cells(match, 1).tolist() == [5]
    usual = np.zeros(24, np.float32)
    usual[5] = 2
    assert strong_cells(match, 2, usual).tolist() == [0, 1]
    assert len(strong_cells(match, 99)) == 24


def test_cell_labels_take_the_commonest_and_fit_any_size():
    labels = np.zeros((13, 9), np.uint8)
    labels[:7, :5] = 4
    assert cell_labels(labels, (2, 2)).tolist() == [[4, 0], [0, 0]]
    assert cell_labels(np.array([[1, 2]], np.uint8), (4, 4)).shape == (4, 4)
    assert cell_labels(np.array([[1, 2]], np.uint8), (1, 2)).tolist() == [[1, 2]]
    with pytest.raises(InputError, match=r"\(H, W\)"):
        cell_labels(np.zeros((2, 2, 3), np.uint8), (2, 2))


def test_border_and_shift_by_hand():
    assert is_border(np.arange(24), GRID).reshape(GRID)[1:-1, 1:-1].sum() == 0
    assert is_border(np.arange(24), GRID).sum() == 16
    moved = np.asarray(shifted(picture(DISTINCT), (2, 1), GRID))[::CELL, ::CELL, 0]
    np.testing.assert_array_equal(moved[2:, 1:], DISTINCT[:-2, :-1])
    assert (moved[0, 1:] == DISTINCT[0, :-1]).all()
    # One match follows by half, one would leave the picture and is not counted.
    half = following(np.array([4, 20]), np.array([8, 20]), (2, 0), GRID)
    np.testing.assert_allclose(half, [0.5])


def test_labels_need_their_meaning():
    with pytest.raises(InputError, match="belong together"):
        explanation_qualities(KnownModel("colour"), [], [None], read=lambda ref: None, parts=PARTS)
