"""Every recipe learns; runs stop and go on exactly; checkpoints are upstream's and ours."""

from __future__ import annotations

import io
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision

from qaconv_core import load_model
from qaconv_core.data.weights import published, weights_folder
from qaconv_core.errors import Cancelled, CheckpointError, InputError
from qaconv_core.models import load_checkpoint
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.training import export_checkpoint, make_recipe
from qaconv_core.training.building import new_criterion
from qaconv_core.training.checkpoint import read_saved
from qaconv_core.training.initial import new_network, take_neck_and_head
from qaconv_core.training.losses import Batch
from qaconv_core.training.recipes import change_recipe
from qaconv_core.training.trainer import Trainer
from qaconv_core.types import FIRST_RELEASES
from tests.checkpoints import resnet_tensors
from tests.core.training.tiny import tiny_book, tiny_recipe, tiny_trainer
from tests.looks import StopAtLook

PLAIN = {
    "pad": 0, "flip": 0.0, "rotate": 0.0, "jitter": "none", "hue": 0.0, "occlusion": (0.0, 0.0),
    "box": 0.0, "tint": 0.0, "grey": 0.0, "blur": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    torch.set_num_threads(1)
    return tiny_book(tmp_path_factory.mktemp("people"), labels=True)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Four people: two batches an epoch, or four by the graph."""
    return tiny_book(tmp_path_factory.mktemp("few"), people=4, labels=True)


@pytest.mark.parametrize(("name", "changes"), [
    ("v1", {"epochs": 24, "lr": 0.05}),
    ("v2.0", {"epochs": 12, "step_size": 10, "lr": 0.05}),
    ("v2.1", {"epochs": 12, "lr": 0.03}),
    ("scratch", {"epochs": 14}),
])  # fmt: skip
def test_every_recipe_learns_a_tiny_set(book, name, changes):
    trainer = tiny_trainer(tiny_recipe(name, **changes, **PLAIN), book)
    trainer.run()
    losses = [record["loss"] for record in trainer.history]
    assert losses[-1] < 0.6 * losses[0]
    assert trainer.history[-1]["accuracy"] > 0.9
    distances = trainer._distances(np.arange(len(book.people)))
    np.fill_diagonal(distances, np.inf)
    labels = book.people.labels
    assert (labels[distances.argmin(axis=1)] == labels).all(), "everyone is found first"


def test_views_of_a_picture_stand_side_by_side_and_agree_better_with_training(book):
    recipe = tiny_recipe("scratch", num_instance=4, views=2, view_weight=1.0, epochs=6, **PLAIN)
    recipe = change_recipe(recipe, box=0.05, flip=0.5)
    trainer = tiny_trainer(recipe, book)
    plan = trainer._plan()
    assert plan.shape[1] == 8
    np.testing.assert_array_equal(plan[:, ::2], plan[:, 1::2])
    assert (np.unique(plan) == np.arange(len(book.people))).all()
    trainer._run_epoch(None)
    before = trainer.criterion.extra["views"]
    trainer.run()
    assert 0 < trainer.criterion.extra["views"] < before


def tensors_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    found = {f"m.{k}": v for k, v in trainer.network.state_dict().items()}
    found |= {f"c.{k}": v for k, v in trainer.criterion.state_dict().items()}
    for i, state in trainer.optimizer.state_dict()["state"].items():
        found |= {f"o.{i}.{k}": v for k, v in state.items() if isinstance(v, torch.Tensor)}
    return found


def assert_same(first: Trainer, second: Trainer) -> None:
    a, b = tensors_of(first), tensors_of(second)
    assert a.keys() == b.keys()
    different = [name for name in a if not torch.equal(a[name], b[name])]
    assert different == []
    for x, y in zip(first.history, second.history, strict=True):
        assert {k: v for k, v in x.items() if k != "seconds"} == {
            k: v for k, v in y.items() if k != "seconds"
        }


class StopAfter:
    """Cancels after so many batches."""

    def __init__(self, batches: int) -> None:
        self.token, self.left = CancelToken(), batches

    def __call__(self, progress) -> None:
        if progress.stage.startswith("epoch") and progress.message:
            self.left -= 1
            if self.left == 0:
                self.token.cancel()


@pytest.mark.parametrize("name", ["v1", "v2.0", "v2.1", "scratch"])
@pytest.mark.parametrize("batches", [1, 4])
def test_a_resumed_run_equals_an_uninterrupted_one(few, tmp_path, name, batches):
    book, recipe = few, tiny_recipe(name, epochs=3, amp="auto" if name == "scratch" else "off")
    whole = tiny_trainer(recipe, book)
    whole.run()
    path = tmp_path / "checkpoint.pth.tar"
    stopper = StopAfter(batches)
    first = tiny_trainer(recipe, book, progress=stopper, cancel=stopper.token)
    with pytest.raises(Cancelled, match="stopped"):
        first.run(path)
    # Another starting point and another number of workers must not matter.
    second = tiny_trainer(recipe, book, seed=99, workers=1 if batches == 1 else 0)
    second.restore(path)
    assert not second.finished
    second.run(path)
    assert_same(whole, second)


@pytest.mark.parametrize("name", ["v1", "v2.0", "v2.1", "scratch"])
def test_a_batch_that_is_given_up_is_done_again_whole(few, tmp_path, name):
    """Wherever within a batch the run stops: the checkpoint knows nothing of that batch."""
    book, recipe = few, tiny_recipe(name, epochs=2)
    token = StopAtLook()
    whole = tiny_trainer(recipe, book, cancel=token)
    whole.run()
    looks, batches = token.looks, len(whole.history) * len(whole._plan())
    assert looks > 50 * batches, "a batch has layers, forward and backward"
    for part in (0.55, 0.68, 0.8, 0.95):
        at = round(part * looks)
        stop, path = StopAtLook(at), tmp_path / f"{at}.pth.tar"
        first = tiny_trainer(recipe, book, cancel=stop)
        with pytest.raises(Cancelled):
            first.run(path)
        assert stop.looks == at, "nothing more is done"
        second = tiny_trainer(recipe, book, seed=99)
        second.restore(path)
        second.run(path)
        assert_same(whole, second)


def test_an_adaptive_schedule_resumes_too(few, tmp_path):
    recipe = tiny_recipe("v2.1", epochs=12, lr=0.05, **PLAIN)
    whole, first = tiny_trainer(recipe, few), tiny_trainer(recipe, few)
    whole.run()
    while not first.schedule.lr_stepped:
        first._run_epoch(tmp_path / "c.pth.tar")
    second = tiny_trainer(recipe, few, seed=4)
    second.restore(tmp_path / "c.pth.tar")
    second.run()
    assert len(whole.history) < 12
    assert_same(whole, second)


@pytest.mark.parametrize("name", ["v1.0", "v1", "v2.0", "v2.1", "scratch"])
def test_checkpoints_are_read_by_the_engine(few, tmp_path, name):
    recipe = tiny_recipe(name, epochs=1, padding="replicate" if name == "scratch" else "zeros")
    trainer = tiny_trainer(recipe, few)
    path = tmp_path / "checkpoint.pth.tar"
    trainer.run(path)
    loaded = load_checkpoint(path)
    assert loaded.spec.input_size == (64, 32)
    assert (loaded.spec.head, loaded.spec.neck_bn) == (recipe.head, recipe.neck_bn)
    assert loaded.spec.epoch == 1
    assert loaded.network.padding == recipe.padding
    images = torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(images), trainer.network.eval()(images))
        maps = loaded.network(images)
        expected = trainer.criterion.matcher.eval()(maps, maps)
        torch.testing.assert_close(loaded.matcher(maps, maps), expected)
    content = torch.load(path, weights_only=True)
    first = name in ("v1.0", "v1")
    head = "bn.weight" if first else "matcher.bn.weight"
    assert head in content["criterion"]
    assert ("class_memory" in content["criterion"]) == first
    releases = {"v1.0": FIRST_RELEASES, "v1": "v1.2", "v2.0": "v2.0"}
    assert loaded.spec.release == releases.get(name, "v2.1 or later")
    assert {"model", "criterion", "optim", "epoch"} <= content.keys()


def test_an_exported_model_is_small_and_scores_alike(few, tmp_path):
    trainer = tiny_trainer(tiny_recipe("scratch", epochs=1, padding="reflect"), few)
    trainer.run(tmp_path / "c.pth.tar")
    size = export_checkpoint(tmp_path / "c.pth.tar", tmp_path / "small.pth.tar")
    assert size < (tmp_path / "c.pth.tar").stat().st_size / 4
    pictures = [few.picture(i) for i in range(4)]
    whole, small = (load_model(tmp_path / f, "cpu") for f in ("c.pth.tar", "small.pth.tar"))
    np.testing.assert_allclose(small.extract(pictures), whole.extract(pictures), atol=0.02)
    with pytest.raises(CheckpointError, match="no state to resume from"):
        read_saved(tmp_path / "small.pth.tar")


def test_backbones_of_v2_keep_their_statistics_and_learn_slowly(few):
    trainer = tiny_trainer(tiny_recipe("v2.1", epochs=1), few)
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.run()
    after = trainer.network.state_dict()
    for name in before:
        assert torch.equal(before[name], after[name]) == ("running" in name or "num_b" in name), (
            name
        )
    network, _ = new_network(tiny_recipe("v2.1"))
    slow = Trainer(tiny_recipe("v2.1"), network, few, pretrained=True)
    rates = [group["lr"] for group in slow.optimizer.param_groups]
    assert rates == pytest.approx([0.0005, 0.005, 0.005])


def test_non_finite_losses_are_left_out_of_a_step(book, monkeypatch):
    trainer = tiny_trainer(tiny_recipe("v2.1", epochs=1), book)
    plain = trainer.criterion.forward

    def broken(batch: Batch):
        loss, accuracy = plain(batch)
        return torch.where(torch.arange(len(loss)) == 0, torch.nan, loss), accuracy

    monkeypatch.setattr(trainer.criterion, "forward", broken)
    trainer.run()
    assert trainer.history[0]["skipped"] == 6  # one sample of each of six batches
    assert all(torch.isfinite(p).all() for p in trainer.network.parameters())


def test_a_step_with_gradients_that_are_no_numbers_is_not_made(book, monkeypatch):
    trainer = tiny_trainer(tiny_recipe("v2.1", epochs=1), book)
    before = trainer.network.neck_conv.weight.clone()
    trainer.network.neck_conv.bias.register_hook(lambda g: g * torch.nan)
    trainer.run()
    assert torch.equal(before, trainer.network.neck_conv.weight)
    assert trainer.history[0]["skipped"] == 48


def test_a_training_that_diverged_says_so(book, monkeypatch):
    trainer = tiny_trainer(tiny_recipe("v2.1", epochs=1), book)
    nan = torch.full((8,), torch.nan)
    monkeypatch.setattr(trainer.criterion, "forward", lambda batch: (nan, nan))
    with pytest.raises(InputError, match="the training has diverged; lower --lr"):
        trainer.run()


def test_other_people_and_other_networks_are_not_resumed(book, tmp_path):
    path = tmp_path / "c.pth.tar"
    tiny_trainer(tiny_recipe("v2.1", epochs=1), book).run(path)
    others = tiny_book(tmp_path / "others", people=3)
    with pytest.raises(InputError, match="not those that this run was started with"):
        tiny_trainer(tiny_recipe("v2.1"), others).restore(path)
    with pytest.raises(CheckpointError, match="does not fit this training"):
        tiny_trainer(tiny_recipe("v2.1", neck=8), book).restore(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="truncated"):
        tiny_trainer(tiny_recipe("v2.1"), book).restore(path)


def test_backbones_start_from_files(tmp_path):
    torch.manual_seed(1)
    plain = torchvision.models.resnet18(weights=None)
    torch.nn.init.uniform_(plain.layer1[0].bn1.weight)
    path = tmp_path / "resnet18.pth"
    torch.save(plain.state_dict(), path)
    for ibn in (None, "a", "b"):
        network, line = new_network(make_recipe("v2.1", arch="resnet18", ibn=ibn or "none"), path)
        own = network.base.state_dict()
        assert torch.equal(own["layer2.0.conv1.weight"], plain.layer2[0].conv1.weight)
        assert ("start fresh" in line) == (ibn == "b")
        if ibn == "a":
            assert torch.equal(own["layer1.0.bn1.IN.weight"], plain.layer1[0].bn1.weight[:32])
            assert torch.equal(own["layer1.0.bn1.BN.weight"], plain.layer1[0].bn1.weight[32:])
    with pytest.raises(CheckpointError, match=r"layer1.0.conv1.weight has shape"):
        new_network(make_recipe("v2.1"), path)
    torch.save({"x": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="no weights of a backbone"):
        new_network(make_recipe("v2.1", arch="resnet18"), path)


@pytest.mark.parametrize(("ibn", "name"), [("b", "resnet50_ibn_b"), ("none", "resnet50")])
def test_weights_that_cannot_be_downloaded_give_one_clear_line(monkeypatch, ibn, name):
    def offline(*arguments, **options):
        raise URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    text = rf"weights of {name} are missing; give the file by --weights FILE.*{name}-.*Name or"
    with pytest.raises(InputError, match=text) as caught:
        new_network(make_recipe("v2.1", ibn=ibn))
    assert len(str(caught.value).splitlines()) == 1


def test_an_ibn_network_that_nobody_published_is_one_line():
    with pytest.raises(InputError, match="no IBN-b variant of resnet152"):
        new_network(make_recipe("v2.1", arch="resnet152"))
    with pytest.raises(InputError, match="nobody publishes ImageNet weights of resnet50_ibn_b-v1"):
        new_network(make_recipe("v2.1", arch="resnet50", ibn="b-v1"))


def test_weights_that_were_downloaded_are_taken_from_there():
    weights_folder().mkdir(parents=True)
    state = torchvision.models.resnet18().state_dict()
    torch.save(state, weights_folder() / published("resnet18").file_name)
    network, line = new_network(make_recipe("v1", arch="resnet18"))
    assert torch.equal(network.base.conv1.weight, state["conv1.weight"])
    assert published("resnet18").file_name in line


@pytest.mark.parametrize("ibn", ["a", "b"])
def test_ibn_networks_start_from_ibn_nets_own_weights(ibn, monkeypatch, tmp_path):
    """Its release's file is fetched once, checked, with progress; norms are the file's, too."""
    tensors = resnet_tensors("resnet18", ibn)
    state = {k.removeprefix("base."): v for k, v in tensors.items() if k.startswith("base.")}
    torch.save({**state, "fc.weight": torch.zeros(1000, 512)}, tmp_path / "release.pth")
    content, fetched = (tmp_path / "release.pth").read_bytes(), []

    def serve(request, timeout):
        fetched.append(request.full_url)
        answer = io.BytesIO(content)
        answer.status, answer.headers = 200, {"Content-Length": str(len(content))}
        return answer

    monkeypatch.setattr("urllib.request.urlopen", serve)
    recipe = make_recipe("v2.1", arch="resnet18", ibn=ibn)
    with pytest.raises(InputError, match="is not the published one"):
        new_network(recipe)
    known = replace(published(f"resnet18_ibn_{ibn}"), sha256=sha256(content).hexdigest()[:8])
    monkeypatch.setattr("qaconv_core.data.weights.PUBLISHED", (known,))
    told = []
    network, line = new_network(recipe, context=WorkContext(told.append))
    own = network.base.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in own.items() if "num_batches" not in k)
    assert line == f"backbone: {known.file_name}, ImageNet"
    assert told[-1].stage == "downloading"
    assert told[-1].done == len(content)
    new_network(recipe)
    assert fetched == [known.url] * 2


def test_release_weights_are_found_under_prefixes(tmp_path):
    plain = torchvision.models.resnet18(weights=None)
    state = {f"module.base.{k}": v for k, v in plain.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    network, _ = new_network(make_recipe("v1", arch="resnet18"), Path(tmp_path / "w.pth"))
    assert torch.equal(network.base.conv1.weight, plain.conv1.weight)


def test_a_model_gives_backbone_neck_and_head(tmp_path):
    recipe = tiny_recipe("v2.1")
    trained = tiny_trainer(recipe, tiny_book(tmp_path / "data"), seed=5)
    path = tmp_path / "checkpoint.pth.tar"
    trained.save(path)
    network, _ = new_network(recipe, path)
    matcher = new_criterion(recipe, 6).matcher
    torch.nn.init.zeros_(matcher.fc.weight)
    assert str(path) in take_neck_and_head(network, matcher, path)
    for own, theirs in (
        (network.state_dict(), trained.network.state_dict()),
        (matcher.state_dict(), trained.criterion.matcher.state_dict()),
    ):
        assert all(torch.equal(value, theirs[name]) for name, value in own.items())


def test_what_an_adaptation_added_is_left_out_with_a_line(tmp_path):
    recipe = tiny_recipe("v2.1")
    whole, model = tmp_path / "whole.pth.tar", tmp_path / "model.pth.tar"
    trained = tiny_trainer(recipe, tiny_book(tmp_path / "data"), seed=5)
    trained.save(whole)
    for mirrored, words in ((None, ""), (True, "; without what its adaptation added: mirrored")):
        export_checkpoint(whole, model, mirrored=mirrored)
        network, _ = new_network(recipe, model)
        line = take_neck_and_head(network, new_criterion(recipe, 6).matcher, model)
        assert line.startswith(f"neck and head: {model}{words}")
        assert words or "without" not in line


@pytest.mark.parametrize(
    ("change", "what"), [({"neck": 8}, "neck"), ({"head": "two-sided"}, "head")]
)
def test_a_model_of_another_shape_is_refused(tmp_path, change, what):
    path = tmp_path / "checkpoint.pth.tar"
    tiny_trainer(tiny_recipe("v2.1"), tiny_book(tmp_path / "data")).save(path)
    recipe = tiny_recipe("v2.1", **change)
    network, _ = new_network(recipe, path)
    with pytest.raises(CheckpointError, match=f"its {what} does not fit"):
        take_neck_and_head(network, new_criterion(recipe, 6).matcher, path)


def test_a_bare_backbone_leaves_neck_and_head_alone(tmp_path):
    recipe = make_recipe("v2.1", arch="resnet18")
    path = tmp_path / "resnet18.pth"
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    network, _ = new_network(recipe, path)
    assert take_neck_and_head(network, new_criterion(recipe, 6).matcher, path) == ""
