"""The logits get scale and zero from training pairs, and nothing else changes."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
import torch

from qaconv_core.cli.train import add_options, recipe_changes
from qaconv_core.errors import CheckpointError
from qaconv_core.models import QAConv, load_checkpoint
from qaconv_core.training import RECIPES
from qaconv_core.training.calibration import Calibration, calibrate, fit_calibration, pairs_of
from qaconv_core.training.checkpoint import export_checkpoint, read_saved
from qaconv_core.training.initial import new_network, take_neck_and_head
from qaconv_core.training.trainer import Trainer
from tests.core.training.test_trainer import PLAIN
from tests.core.training.tiny import tiny_book, tiny_recipe, tiny_trainer

CPU = torch.device("cpu")
EPOCHS = 6


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    torch.set_num_threads(1)
    return tiny_book(tmp_path_factory.mktemp("people"), people=4, labels=True)


def learned(book, calibrated: bool = True, epochs: int = EPOCHS) -> Trainer:
    """A trainer that :meth:`Trainer.run` teaches enough for true pairs to stand out."""
    recipe = tiny_recipe("scratch", epochs=epochs, calibrate=calibrated, schedule="step", **PLAIN)
    return tiny_trainer(recipe, book)


@pytest.fixture(scope="module")
def raw(book):
    """A trained trainer without calibration; to be left as it is."""
    trainer = learned(book, calibrated=False)
    trainer.run()
    return trainer


def test_a_known_logistic_is_found_again():
    random = np.random.default_rng(0)
    logits = random.normal(40, 3, 400_000)
    chance = 1 / (1 + np.exp(-(0.8 * logits - 35)))
    true = random.random(len(logits)) < chance
    found = fit_calibration(logits, true, share=true.mean())
    assert found.slope == pytest.approx(8, rel=0.03)
    assert found.shift == pytest.approx(-350, rel=0.03)


def test_the_share_of_true_pairs_moves_the_zero_alone():
    random = np.random.default_rng(1)
    true = np.arange(40_000) < 20_000
    logits = random.normal(np.where(true, 2.0, 0.0), 1.0)
    even, rare = (fit_calibration(logits, true, share) for share in (0.5, 0.01))
    assert rare.slope == pytest.approx(even.slope, rel=0.05)
    # Odds of 1 to 99 ask for so much more before a score is 1/2.
    assert even.shift - rare.shift == pytest.approx(10 * np.log(99), rel=0.05)


def test_pairs_that_do_not_overlap_give_finite_numbers():
    found = fit_calibration(np.array([1.0, 2.0, 8.0, 9.0]), np.array([False, False, True, True]))
    assert np.isfinite([found.slope, found.shift]).all()
    assert found.slope > 0


@pytest.mark.parametrize(
    ("logits", "true"),
    [
        ([1.0, 2.0], [True, True]),
        ([1.0, 2.0], [False, False]),
        ([3.0, 3.0, 3.0], [True, False, False]),
        ([1.0, np.nan], [True, False]),
        ([1.0, 2.0, 3.0, 4.0], [True, True, False, False]),
        ([], []),
    ],
)
def test_pairs_that_tell_nothing_give_none(logits, true):
    assert fit_calibration(np.array(logits), np.array(true, dtype=bool)) is None


def test_pairs_are_of_different_pictures_and_cameras():
    places = np.array([3, 0, 1, 3])
    labels, cameras = np.array([0, 1, 1, 0]), np.array([6, 5, 5, 5])
    logits = np.arange(16, dtype=np.float32).reshape(4, 4)
    values, true = pairs_of(logits, places, labels, cameras)
    # Picture 3 (person 0, camera 5) with 0 (camera 6); 1 (person 1, camera 5) with 0 only.
    assert values.tolist() == [1, 4, 6, 7, 9, 13]
    assert true.tolist() == [True, True, False, True, False, True]


@pytest.mark.parametrize("camera", [0, -1])
def test_one_camera_or_none_known_compares_all_pictures(camera):
    places, labels = np.arange(3), np.array([0, 0, 1])
    _, true = pairs_of(np.zeros((3, 3), np.float32), places, labels, np.full(3, camera))
    assert true.tolist() == [True, False, True, False, False, False]


@pytest.mark.parametrize("head", ["shared", "two-sided"])
def test_rescaled_heads_give_rescaled_logits(head):
    torch.manual_seed(0)
    matcher = QAConv((3, 2), head).eval()
    matcher.logit_bn.running_mean += 0.3
    maps = torch.nn.functional.normalize(torch.randn(4, 8, 3, 2), dim=1)
    before = matcher(maps, maps)
    matcher.rescale_logits(2.5, -7.0)
    torch.testing.assert_close(matcher(maps, maps), 2.5 * before - 7.0)


def test_scratch_ends_with_calibrated_logits_and_the_same_order(book, raw, tmp_path):
    done = learned(book)
    path = tmp_path / "checkpoint.pth.tar"
    done.run(path)
    found = done.calibration
    places = np.arange(len(book.people))
    np.testing.assert_allclose(
        -done._distances(places), found.slope * -raw._distances(places) + found.shift, rtol=1e-3
    )
    assert read_saved(path).calibration == found
    assert read_saved(path).recipe.calibrate
    assert raw.calibration is None


def test_calibrating_is_the_same_each_time(book, raw):
    first, second = (
        calibrate(
            raw.network,
            raw.criterion.matcher.affine(),
            book,
            raw.recipe.augmentation,
            device=CPU,
        )
        for _ in range(2)
    )
    assert first == second


def test_a_finished_run_is_calibrated_on_request_and_once(book, tmp_path):
    path = tmp_path / "checkpoint.pth.tar"
    learned(book, calibrated=False).run(path)
    second = learned(book)
    second.restore(path)
    second.run(path)
    third = learned(book)
    third.restore(path)
    third.run(path)
    assert second.calibration is not None
    assert third.calibration == second.calibration
    torch.testing.assert_close(
        third.criterion.matcher.logit_bn.bias, second.criterion.matcher.logit_bn.bias
    )


def test_more_epochs_go_on_from_the_logits_that_the_loss_knew(book, raw, tmp_path):
    path = tmp_path / "checkpoint.pth.tar"
    learned(book).run(path)
    longer = learned(book, epochs=EPOCHS + 1)
    longer.restore(path)
    assert longer.calibration is None
    for name in ("weight", "bias"):
        torch.testing.assert_close(
            getattr(longer.criterion.matcher.logit_bn, name),
            getattr(raw.criterion.matcher.logit_bn, name),
        )


def test_an_exported_model_keeps_its_calibration_and_training_takes_it_back(book, raw, tmp_path):
    path, small = tmp_path / "checkpoint.pth.tar", tmp_path / "small.pth.tar"
    trainer = learned(book)
    trainer.run(path)
    export_checkpoint(path, small)
    assert load_checkpoint(small).matcher.logit_bn.bias == trainer.criterion.matcher.logit_bn.bias
    network, _ = new_network(trainer.recipe)
    matcher = QAConv(trainer.criterion.matcher.grid)
    take_neck_and_head(network, matcher, small)
    torch.testing.assert_close(matcher.logit_bn.bias, raw.criterion.matcher.logit_bn.bias)
    torch.testing.assert_close(matcher.logit_bn.weight, raw.criterion.matcher.logit_bn.weight)


@pytest.mark.parametrize("entry", [[1.0], [0.0, 1.0], [float("nan"), 0.0], "no", None])
def test_damaged_calibrations_are_refused(book, tmp_path, entry):
    path = tmp_path / "checkpoint.pth.tar"
    tiny_trainer(tiny_recipe("scratch", epochs=1), book).run(path)
    content = torch.load(path, weights_only=True)
    content["calibration"] = entry
    torch.save(content, path)
    network, _ = new_network(tiny_recipe("scratch"))
    with pytest.raises(CheckpointError, match=r"checkpoint\.pth\.tar"):
        take_neck_and_head(network, QAConv((8, 4)), path)
    with pytest.raises(CheckpointError, match="damaged"):
        read_saved(path)


def test_only_scratch_and_lite_calibrate_unless_told():
    assert {name for name, recipe in RECIPES.items() if recipe.calibrate} == {"scratch", "lite"}
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert recipe_changes(parser.parse_args(["--no-calibrate"])) == {"calibrate": False}
    assert recipe_changes(parser.parse_args(["--calibrate"])) == {"calibrate": True}
    assert Calibration(4.0, -8.0).inverse == Calibration(0.25, 2.0)
