"""Pictures and their label maps change together, and as the recipes say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as published

from qaconv_core.errors import InputError
from qaconv_core.training import RECIPES, Augmentation, make_recipe
from qaconv_core.training.cells import MIXED, NOTHING, cell_parts
from qaconv_core.training.part_supervision import (
    LEAST_FOR_SAME,
    MOST_FOR_NOTHING,
    TEMPERATURE,
    background_loss,
    likeness_loss,
    part_loss,
    similarities,
    view_loss,
)
from qaconv_core.training.recipes import change_recipe, recipe_from_dict
from qaconv_core.training.schedule import Schedule
from qaconv_core.training.transforms import _turn_hue, augment, cell_places


def picture(height: int = 40, width: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_no_change_changes_nothing():
    pixels = picture()
    view = augment(pixels, pixels[..., 0], Augmentation(), rng())
    np.testing.assert_array_equal(view.pixels, pixels)
    np.testing.assert_array_equal(view.labels, pixels[..., 0])
    np.testing.assert_array_equal(view.to_source, np.eye(3))


def test_pad_crop_and_flip_are_shifts_with_black_beyond():
    pixels = picture()
    padded = np.pad(pixels, ((3, 3), (3, 3), (0, 0)))
    every = {
        padded[y : y + 40, x : x + 24][:, ::step].tobytes()
        for y in range(7) for x in range(7) for step in (1, -1)
    }  # fmt: skip
    seen = set()
    for seed in range(80):
        view = augment(pixels, None, Augmentation(pad=3, flip=0.5), rng(seed))
        assert view.pixels.tobytes() in every
        seen.add(view.pixels.tobytes())
    assert len(seen) > 40


def test_rotation_equals_a_rotation_by_nearest_pixels():
    pixels = picture()
    view = augment(pixels, None, Augmentation(rotate=5.0), rng(4))
    angle = np.rad2deg(np.arctan2(view.to_source[1, 0], view.to_source[0, 0]))
    assert 0 < abs(angle) <= 5
    expected = published.rotate(Image.fromarray(pixels), angle)
    np.testing.assert_array_equal(view.pixels, np.array(expected))


def test_label_maps_follow_their_pictures():
    labels = rng(1).integers(0, 13, (40, 24)).astype(np.uint8)
    pixels = np.repeat(labels[..., None] * 10, 3, axis=2)
    for change in (Augmentation(pad=4, flip=0.5, rotate=5.0),
                   Augmentation(occlusion=(0.2, 0.8), flip=1.0)):  # fmt: skip
        for seed in range(5):
            view = augment(pixels, labels, change, rng(seed))
            white = (view.pixels == 255).all(axis=2)
            np.testing.assert_array_equal(view.labels[~white] * 10, view.pixels[~white][:, 0])
            assert (view.labels[white] == 0).all()


def test_boxes_repeat_the_edges_and_move_labels_alike():
    labels = np.zeros((64, 32), np.uint8)
    labels[16:48, 8:24] = 5
    pixels = np.full((64, 32, 3), 90, np.uint8)
    pixels[16:48, 8:24] = 200
    for seed in range(8):
        view = augment(pixels, labels, Augmentation(box=0.1, flip=0.5), rng(seed))
        assert view.pixels.min() == 90, "nothing black comes in from outside"
        inside = view.pixels[..., 0] > 145
        assert (inside == (view.labels == 5)).mean() > 0.95


def test_occlusion_is_a_white_square_of_the_size_asked_for():
    sides = set()
    for seed in range(60):
        view = augment(picture() // 2, None, Augmentation(occlusion=(0.0, 0.8)), rng(seed))
        rows = (view.pixels == 255).all(axis=2)
        side = int(rows.any(axis=1).sum())
        assert rows.sum() == side * side
        sides.add(side)
    assert min(sides) == 1
    assert max(sides) == int(24 * 0.8) - 1


def test_colours_change_as_the_published_ones():
    image = Image.fromarray(picture(seed=3))
    for turn in (-0.1, 0.04):
        expected = np.array(published.adjust_hue(image, turn), dtype=int)
        found = _turn_hue(np.array(image), turn).astype(int)
        assert np.abs(found - expected).max() <= 16
        assert np.abs(found - expected).mean() < 3
    view = augment(picture(seed=3), None, Augmentation(jitter=(1.0, 1.0)), rng())
    np.testing.assert_array_equal(view.pixels, picture(seed=3))


def test_every_recipes_change_is_repeatable_and_keeps_the_size():
    for recipe in RECIPES.values():
        first = augment(picture(), None, recipe.augmentation, rng(9))
        again = augment(picture(), None, recipe.augmentation, rng(9))
        np.testing.assert_array_equal(first.pixels, again.pixels)
        assert first.pixels.shape == (40, 24, 3)
        assert first.pixels.dtype == np.uint8


def test_places_say_where_cells_came_from():
    matrix = np.array([[-1.0, 0, 24], [0, 1, 10], [0, 0, 1]])  # flipped, from 10 pixels below
    places = cell_places(matrix, (40, 24), (4, 3)).reshape(4, 3, 2)
    np.testing.assert_allclose(places[0, 0], (1.5, 2.5))
    np.testing.assert_allclose(places[2, 1], (3.5, 1.5))


def test_cells_show_their_commonest_part():
    labels = np.zeros((8, 8), np.uint8)
    labels[:4, :4] = 4
    labels[0, :3] = 5  # 3 of 16 pixels
    labels[:2, 4:] = 6  # half: not over half
    labels[4:, :4] = 12  # an occluder shows nothing of the person
    labels[7, 5:], labels[6, 5:] = 3, 3  # 6 of 16 pixels: the outline, more background than person
    assert cell_parts(labels, (2, 2)).tolist() == [4, MIXED, NOTHING, NOTHING]


def random_maps(seed: int) -> torch.Tensor:
    maps = torch.randn(2, 5, 2, 2, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(maps)


def test_part_loss_equals_its_definition():
    first, second = (random_maps(seed) for seed in (1, 2))
    parts = torch.tensor([[4, 5, NOTHING, MIXED], [7, 7, 7, 7]])
    others = torch.tensor([[4, 4, NOTHING, 6], [1, 2, 3, 4]])
    similarity = similarities(first, second)
    found = part_loss(similarity, parts, others)
    s = np.exp(similarity.numpy() / TEMPERATURE)
    # Only cell 0 of the first pair has a part that the other picture shows, in cells 0 and 1.
    expected = -np.log((s[0, 0, 0] + s[0, 1, 0]) / s[0, :, 0].sum())
    np.testing.assert_allclose(found, [expected, 0.0], rtol=1e-4)


def test_likeness_loss_is_zero_once_the_person_is_found():
    parts, others = torch.tensor([[4, NOTHING, 5]]), torch.tensor([[4, 4, NOTHING]])
    similarity = torch.zeros(1, 3, 3)
    similarity[0, 1, 0] = LEAST_FOR_SAME - 0.5
    similarity[0, 2, 0] = 1.0  # a match with the background does not count
    assert likeness_loss(similarity, parts, others).item() == pytest.approx(10 * 0.5**2)
    similarity[0, 1, 0] = LEAST_FOR_SAME + 0.1
    assert likeness_loss(similarity, parts, others).item() == 0


def test_background_loss_is_zero_once_nothing_matches():
    similarity = torch.full((1, 4, 3), MOST_FOR_NOTHING - 0.01)
    parts = torch.tensor([[NOTHING, 4, MIXED]])
    assert background_loss(similarity, parts).item() == 0
    similarity[0, 2, 0] = MOST_FOR_NOTHING + 0.2
    assert background_loss(similarity, parts).item() == pytest.approx(10 * 0.2**2, rel=1e-4)
    similarity[0, 2, 1] = 1.0  # a person's cell may match
    assert background_loss(similarity, parts).item() == pytest.approx(10 * 0.2**2, rel=1e-4)


def test_view_loss_prefers_matches_that_follow_a_shift():
    cells = cell_places(np.eye(3), (4, 4), (4, 4))[None]
    shifted = cells + np.array([1.0, 0.0], np.float32)
    places, others = torch.from_numpy(cells), torch.from_numpy(shifted)
    codes = torch.eye(20)
    here = codes[:16].t().view(1, 20, 4, 4)
    there = codes[4:20].t().view(1, 20, 4, 4)
    honest = view_loss(similarities(here, there), places, others, 0.75)
    stuck = view_loss(similarities(here, here), places, others, 0.75)
    assert honest < 0.01 < stuck


def test_recipes_have_the_published_values():
    v1, v20, v21 = (RECIPES[name] for name in ("v1", "v2.0", "v2.1"))
    assert (v1.lr, v1.batch_size, v1.epochs, v1.step_size, v1.head) == (
        0.01,
        32,
        60,
        40,
        "two-sided",
    )
    assert v1.neck_bn
    assert not v1.frozen_norms
    assert (v20.lr, v20.batch_size, v20.num_instance, v20.neck) == (0.001, 64, 4, 64)
    assert (v20.epochs, v20.step_size, v20.clip_value, v20.head) == (15, 10, 512, "two-sided")
    assert (v21.lr, v21.batch_size, v21.num_instance, v21.neck, v21.ibn) == (0.005, 64, 2, 128, "b")
    assert (v21.epochs, v21.step_factor, v21.clip_value, v21.margin) == (60, 0.7, 8, 16)
    assert v20.neck_bn
    assert v20.gs_rerank
    assert not v20.frozen_norms
    assert not v20.even_head
    assert v21.even_head
    assert not v21.gs_rerank
    assert v21.frozen_norms
    assert v21.augmentation == Augmentation(
        pad=10, flip=0.5, rotate=5, jitter=(0.5, 2.0), hue=0.1, occlusion=(0, 0.8)
    )
    assert v1.augmentation == Augmentation(flip=0.5, occlusion=(0, 0.8))
    for recipe in (v1, v20, v21):
        assert (recipe.momentum, recipe.weight_decay, recipe.optimizer) == (0.9, 5e-4, "sgd")
        assert (recipe.base_lr_factor, recipe.input_size) == (0.1, (384, 128))


@pytest.mark.parametrize("name", list(RECIPES))
def test_recipes_survive_a_checkpoint(name):
    import json

    plain = json.loads(json.dumps(RECIPES[name].to_dict()))
    assert recipe_from_dict(plain) == RECIPES[name]


@pytest.mark.parametrize(("changes", "message"), [
    ({"loss": "magic"}, "unknown loss 'magic': choose from memory"),
    ({"lr": float("nan")}, "lr must be a finite number"),
    ({"lr": 0.0}, "lr must be above 0"),
    ({"num_instance": 1}, "at least 2"),
    ({"batch_size": 7}, "larger multiple of num_instance"),
    ({"sampler": "random"}, "several pictures of a person"),
    ({"occlusion": (0.9, 0.2)}, "--min_size 0.9"),
    ({"colour": 3}, "no 'colour'"),
    ({"view_weight": 1.0}, "set views to 2 or more"),
    ({"views": 2}, "larger multiple of views"),
    ({"epochs": 0}, "epochs must be at least 1"),
    ({"input_size": (16, 8)}, "at least 32×32"),
])  # fmt: skip
def test_impossible_recipes_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        make_recipe("v2.1", **changes)
    with pytest.raises(InputError, match="unknown recipe 'v9'"):
        make_recipe("v9")


def test_none_leaves_a_value_and_the_word_none_takes_it_away():
    assert make_recipe("v2.1", ibn=None).ibn == "b"
    assert make_recipe("v2.1", ibn="none", jitter="none").ibn is None
    assert change_recipe(make_recipe("v1"), flip=0.0).augmentation.flip == 0


def test_step_schedule_drops_after_its_epochs():
    schedule = Schedule(make_recipe("v2.0"))
    assert [schedule.factor(e, 0.9) for e in (0, 9, 10, 14)] == pytest.approx([1, 1, 0.1, 0.1])
    assert schedule.after_epoch(1, 0.1) == ""


def test_adaptive_schedule_follows_the_loss():
    schedule = Schedule(make_recipe("v2.1"))
    losses = [30.0, 10.0, 8.0, 7.1, 6.9, 6.0]
    for epoch, loss in enumerate(losses[:4]):
        assert schedule.after_epoch(epoch, loss) == ""
        assert schedule.factor(epoch + 1, 0.0) == 1
    assert "last epoch is 7" in schedule.after_epoch(4, losses[4])  # 5 + 5 // 2
    assert schedule.factor(5, 0.0) == 0.1
    assert schedule.after_epoch(5, 1.0) == ""
    again = Schedule(make_recipe("v2.1"))
    again.restore(schedule.state())
    assert (again.final_epochs, again.base_loss, again.factor(5, 0)) == (7, 10.0, 0.1)


def test_adaptive_schedule_with_a_fixed_drop_and_at_its_limit():
    schedule = Schedule(make_recipe("v2.1", step_factor=3.0))
    for epoch in range(3):
        schedule.after_epoch(epoch, 1.0)
    assert schedule.lr_stepped
    assert schedule.final_epochs == 60
    short = Schedule(make_recipe("v2.1", epochs=4))
    for epoch, loss in enumerate((9.0, 9.0, 1.0)):
        short.after_epoch(epoch, loss)
    assert short.final_epochs == 4


def test_cosine_schedule_warms_up_and_falls_to_zero():
    schedule = Schedule(make_recipe("scratch", epochs=11, warmup=1.0))
    factors = [
        schedule.factor(e, p) for e, p in ((0, 0.0), (0, 0.5), (1, 0.0), (6, 0.0), (10, 0.99))
    ]
    assert factors == pytest.approx([0.001, 0.5, 1.0, 0.5, 0.0], abs=0.002)


def test_a_person_before_other_surroundings_keeps_pixels_and_label():
    size = (60, 30)
    own, other = np.full((*size, 3), 200, np.uint8), np.full((*size, 3), 50, np.uint8)
    labels, others = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    labels[10:50, 8:22], others[5:58, 6:24] = 4, 5
    view = augment(own, labels, Augmentation(mix=1.0), rng(3), (other, others))
    inside = np.zeros(size, bool)
    inside[13:47, 11:19] = True
    assert (view.pixels[inside] == 200).all()
    assert (view.labels[10:50, 8:22] == 4).all()
    assert set(np.unique(view.labels)) <= {0, 4, 11}, "another person is no part of this one"
    assert (view.pixels[:8] == 50).all()
    shown = [
        augment(own, labels, Augmentation(mix=1.0), rng(n), (other, others)) for n in range(20)
    ]
    assert any((view.labels == 11).any() for view in shown)
    assert not (labels == 11).any(), "the picture handed in stays"


def test_mixing_needs_label_maps_and_a_chance():
    own, other = picture(), picture(seed=1)
    maps = np.zeros((40, 24), np.uint8)
    for change, labels, backdrop in (
        (Augmentation(mix=1.0), None, (other, maps)),
        (Augmentation(mix=1.0), maps, None),
        (Augmentation(), maps, (other, maps)),
    ):
        view = augment(own, labels, change, rng(), backdrop)
        np.testing.assert_array_equal(view.pixels, own)


@pytest.mark.parametrize("name", ["coarse", "motion", "jpeg", "shadow", "exposure"])
def test_bad_cameras_change_pixels_and_leave_label_maps(name):
    pixels, labels = picture(96, 48), np.zeros((96, 48), np.uint8)
    change = Augmentation(**{name: 1.0})
    views = [augment(pixels, labels, change, rng(n)) for n in range(5)]
    for view in views:
        assert view.pixels.shape == pixels.shape
        assert view.pixels.dtype == np.uint8
        assert np.abs(view.pixels.astype(int) - pixels).mean() > 1
        np.testing.assert_array_equal(view.labels, labels)
    again = augment(pixels, labels, change, rng(0))
    np.testing.assert_array_equal(views[0].pixels, again.pixels)


def test_coarse_pictures_lose_fine_detail_and_keep_the_rest():
    stripes = np.zeros((192, 96, 3), np.uint8)
    stripes[::2] = 255
    stripes[:, 48:] //= 4
    view = augment(stripes, None, Augmentation(coarse=1.0), rng(2))
    left, right = view.pixels[4:-4, 4:40], view.pixels[4:-4, 56:92]
    assert left.std() < 40
    assert left.mean() - right.mean() > 70
