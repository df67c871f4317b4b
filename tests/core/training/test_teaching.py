"""Distillation from finished models, and weights averaged over the end of a run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from qaconv_core import load_model
from qaconv_core.errors import Cancelled, CheckpointError, InputError
from qaconv_core.training import export_checkpoint, make_recipe
from qaconv_core.training.averaging import WeightAverage
from qaconv_core.training.checkpoint import read_saved
from qaconv_core.training.teaching import open_teachers, standardised, teaching_loss
from qaconv_core.training.trainer import Surroundings, Trainer
from tests.core.training.test_trainer import PLAIN, StopAfter, assert_same
from tests.core.training.tiny import tiny_book, tiny_network, tiny_recipe, tiny_trainer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Four people: two batches an epoch."""
    torch.set_num_threads(1)
    return tiny_book(tmp_path_factory.mktemp("few"), people=4, labels=True)


@pytest.fixture(scope="module")
def teacher(few, tmp_path_factory):
    """A model file, other than what the tests' trainers begin from."""
    folder = tmp_path_factory.mktemp("teacher")
    tiny_trainer(tiny_recipe("scratch", epochs=1), few, seed=5).run(folder / "c.pth.tar")
    export_checkpoint(folder / "c.pth.tar", folder / "teacher.pth.tar")
    return str(folder / "teacher.pth.tar")


def taught_trainer(recipe, book, teacher: str, seed: int = 0, **around: object) -> Trainer:
    teachers = open_teachers([teacher], book.people, CPU)
    return Trainer(
        recipe, tiny_network(recipe, seed), book, seed=seed, teachers=teachers,
        around=Surroundings(**around),
    )  # fmt: skip


def pairs(values: torch.Tensor) -> torch.Tensor:
    return values[~torch.eye(len(values), dtype=torch.bool)]


def test_teachers_say_the_standardised_logits_of_unchanged_pictures(few, teacher):
    teachers = open_teachers([teacher, "demo"], few.people, CPU)
    chosen = np.array([5, 0, 9])
    found = teachers.logits(chosen)
    both = []
    for name in (teacher, "demo"):
        model = load_model(name, "cpu", precision="fast")
        maps = model.extract([few.people.refs[i].path for i in chosen])
        logits = pairs(torch.from_numpy(model.score(maps, maps)))
        both.append((logits - logits.mean()) / logits.std())
    mean = (both[0] + both[1]) / 2
    torch.testing.assert_close(
        pairs(found), (mean - mean.mean()) / mean.std(), atol=0.02, rtol=0.02
    )
    again = open_teachers([teacher, "demo"], few.people, CPU)
    assert torch.equal(again.logits(chosen), found), "from the feature store"
    assert open_teachers([], few.people, CPU) is None


def test_a_picture_that_is_gone_is_one_line(teacher, tmp_path):
    book = tiny_book(tmp_path, people=3)
    gone = book.people.refs[4].path
    gone.unlink()
    with pytest.raises(InputError, match=gone.name):
        open_teachers([teacher], book.people, CPU)


def test_the_loss_minds_neither_scale_nor_zero_and_falls_with_agreement():
    torch.manual_seed(0)
    taught = standardised(torch.randn(8, 8))
    alike = 3.0 * taught - 40.0 + 100.0 * torch.eye(8)  # a picture with itself is no pair
    torch.testing.assert_close(teaching_loss(alike, taught), torch.zeros(8), atol=1e-4, rtol=0)
    other = torch.randn(8, 8)
    losses = [
        float(teaching_loss(standardised(other) * (1 - part) + taught * part, taught).mean())
        for part in (0.0, 0.5, 0.9)
    ]
    assert losses[0] > losses[1] > losses[2] > 0


def test_a_network_comes_to_agree_with_its_teacher(few, teacher):
    recipe = tiny_recipe(
        "scratch", epochs=12, identity_weight=0.0, contrast_weight=0.0, part_weight=0.0,
        background_weight=0.0, teachers=(teacher,), erase=0.0, **PLAIN,
    )  # fmt: skip
    trainer = taught_trainer(recipe, few, teacher)
    trainer.run()
    losses = [record["loss"] for record in trainer.history]
    assert losses[-1] < 0.5 * losses[0]
    assert trainer.criterion.extra.keys() == {"contrast", "teachers"}
    alone = tiny_trainer(tiny_recipe("scratch", epochs=1), few)
    alone.run()
    assert "teachers" not in alone.criterion.extra


@pytest.mark.parametrize("batches", [1, 3, 5])
def test_taught_and_averaged_runs_resume_exactly(few, teacher, tmp_path, batches):
    recipe = tiny_recipe("scratch", epochs=3, average=0.6, teachers=(teacher,))
    whole = taught_trainer(recipe, few, teacher)
    whole.run()
    stopper, path = StopAfter(batches), tmp_path / "checkpoint.pth.tar"
    first = taught_trainer(recipe, few, teacher, progress=stopper, cancel=stopper.token)
    with pytest.raises(Cancelled, match="stopped"):
        first.run(path)
    second = taught_trainer(recipe, few, teacher, seed=99)
    second.restore(path)
    second.run(path)
    assert_same(whole, second)
    third = taught_trainer(recipe, few, teacher, seed=7)
    third.restore(path)
    third.run()
    assert_same(whole, third)


def test_the_final_weights_are_the_mean_of_the_last_steps(few, monkeypatch):
    recipe = tiny_recipe("scratch", epochs=2, average=0.5, calibrate=False)
    steps: list[dict[str, torch.Tensor]] = []
    trainer = tiny_trainer(recipe, few)

    def weights() -> dict[str, torch.Tensor]:
        state = {**trainer.network.state_dict(), **trainer.criterion.matcher.state_dict()}
        return {name: value.clone() for name, value in state.items() if value.is_floating_point()}

    learn = trainer._learn

    def watched(*arguments) -> None:
        learn(*arguments)
        steps.append(weights())

    monkeypatch.setattr(trainer, "_learn", watched)
    trainer.run()
    assert len(steps) == 4
    for name, value in weights().items():
        torch.testing.assert_close(value, (steps[2][name] + steps[3][name]) / 2)
    assert not torch.equal(weights()["neck_conv.weight"], steps[3]["neck_conv.weight"])


def test_an_average_of_another_network_is_refused():
    first, second = WeightAverage({"a": nn.Linear(2, 2)}), WeightAverage({"a": nn.Linear(3, 2)})
    first.add()
    with pytest.raises(CheckpointError, match="those of another network"):
        second.restore(first.state())
    first.forget()
    assert first.state() == {}


@pytest.mark.parametrize(("name", "changes", "text"), [
    ("v2.1", {"teachers": ("demo",)}, "only the scratch and lite recipes learn from teachers"),
    ("lite", {"average": 1.5}, "at most 1, not 1.5"),
])  # fmt: skip
def test_impossible_wishes_are_one_line(name, changes, text):
    with pytest.raises(InputError, match=text):
        make_recipe(name, **changes)


def test_an_exported_model_names_its_teachers_without_their_folders(few, teacher, tmp_path):
    recipe = tiny_recipe("scratch", epochs=1, teachers=("demo", teacher))
    tiny_trainer(recipe, few).run(tmp_path / "c.pth.tar")
    assert read_saved(tmp_path / "c.pth.tar").recipe.teachers == ("demo", teacher)
    export_checkpoint(tmp_path / "c.pth.tar", tmp_path / "small.pth.tar")
    content = torch.load(tmp_path / "small.pth.tar", weights_only=True)
    assert content["recipe"]["teachers"] == ["demo", "teacher.pth.tar"]
