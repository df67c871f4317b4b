"""The network arranged for the CPU computes what the network computes."""

from __future__ import annotations

import threading
import types

import numpy as np
import pytest
import torch
from torch import nn

from qaconv_core import load_model
from qaconv_core.errors import InputError
from qaconv_core.extraction import network_runner as network_module
from qaconv_core.extraction.features import extract_arrays
from qaconv_core.models.backbone import FeatureNetwork
from qaconv_core.models.inference import InferenceNetwork, inference_network
from qaconv_core.store.features import FeatureStore

FORMS = [
    # arch, ibn, layer, neck, norm behind the neck, padding
    ("resnet18", None, "layer3", 64, True, "zeros"),
    ("resnet18", "a", "layer2", 32, False, "zeros"),
    ("resnet18", "b", "layer3", 16, False, "replicate"),
    ("resnet34", "b-v1", "layer2", 32, True, "zeros"),
    ("resnet50", "b", "layer2", 0, False, "reflect"),
    ("resnet50", "a", "layer4", 32, False, "zeros"),
    ("efficientnet_lite0", None, "layer3", 32, False, "zeros"),
    ("efficientnet_lite1", None, "layer2", 16, True, "replicate"),
    ("mobilenet_v2", None, "layer4", 0, False, "zeros"),
]


def trained(arch="resnet18", ibn="b", layer="layer2", neck=16, neck_bn=False, padding="zeros"):
    """A network whose norms have something to do."""
    torch.manual_seed(0)
    network = FeatureNetwork(arch, ibn, layer, neck, neck_bn, padding)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
        if isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d)) and module.affine:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    return network.eval()


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.rand(3, 3, 48, 32)


def test_who_watches_the_network_is_not_copied_with_it(images):
    """A trainer keeps the trunk's output by a hook, and holds what cannot be copied."""
    network = trained()
    watcher = types.SimpleNamespace(lock=threading.Lock(), calls=0)

    def watch(watcher, *_):
        watcher.calls += 1

    network.base.layer2.register_forward_hook(types.MethodType(watch, watcher))
    with torch.no_grad():
        InferenceNetwork(network)(images)
        assert watcher.calls == 0
        network(images)
    assert watcher.calls == 1


@pytest.mark.parametrize("form", FORMS)
def test_it_computes_the_same(form, images):
    network = trained(*form)
    with torch.inference_mode():
        expected = network(images)
        found = InferenceNetwork(network)(images)
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-5)


def test_a_picture_of_one_colour():
    """Instance norms divide by next to nothing there, and so magnify the last digits."""
    network, grey = trained("resnet18", "b", "layer3", 16, False, "replicate"), torch.ones(1)
    with torch.inference_mode():
        expected, found = (
            form(grey.expand(1, 3, 48, 32) * 0.4) for form in (network, InferenceNetwork(network))
        )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_bfloat16_is_near_and_of_unit_length(form, images):
    network = trained(*form)
    with torch.inference_mode():
        expected = network(images)
        found = InferenceNetwork(network, torch.bfloat16)(images)
    assert found.dtype == torch.float32
    assert (found * expected).sum(1).min() > 0.98
    assert (found - expected).abs().max() > 1e-5  # it is another arithmetic indeed
    torch.testing.assert_close(found.norm(dim=1), torch.ones(found[:, 0].shape))


def test_pictures_do_not_depend_on_their_neighbours(images):
    network = InferenceNetwork(trained())
    with torch.inference_mode():
        together, alone = network(images), [network(image[None]) for image in images]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=5e-5)


def test_batch_norms_are_gone_and_the_original_is_untouched(images):
    network = trained(neck_bn=True).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    arranged = InferenceNetwork(network, torch.bfloat16)
    assert not any(isinstance(m, (nn.BatchNorm2d, nn.InstanceNorm2d)) for m in arranged.modules())
    assert all(module.training for module in network.modules())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_exact_is_float32_with_the_weights_of_now(images):
    network = trained()
    arranged = InferenceNetwork(network, torch.bfloat16)
    with torch.no_grad():
        network.neck_conv.weight.neg_()
        network.neck_conv.bias.neg_()
    with torch.inference_mode():
        torch.testing.assert_close(arranged.exact()(images), network(images), rtol=0, atol=5e-5)
        assert not torch.allclose(arranged(images), network(images), atol=0.1)


def test_only_feature_networks_are_arranged_and_only_once():
    other = nn.Conv2d(3, 4, 3)
    assert inference_network(other, torch.float32) is other
    arranged = InferenceNetwork(trained())
    assert inference_network(arranged, torch.float32) is arranged
    with pytest.raises(ValueError, match="arranged for"):
        inference_network(arranged, torch.bfloat16)


def test_what_overflows_is_done_in_float32(monkeypatch):
    """Half precision ends at 65,504; these weights leave it."""
    network = trained(neck=0)
    with torch.no_grad():
        network.base.layer2[0].conv1.weight.mul_(1e6)
    pictures = list(np.random.default_rng(0).integers(0, 256, (2, 40, 20, 3), dtype=np.uint8))
    known = {"input_size": (48, 32), "device": "cpu"}
    exact = extract_arrays(network, pictures, **known)
    found = extract_arrays(network, pictures, precision="float16", **known)
    np.testing.assert_allclose(found, exact, atol=5e-5)


@pytest.fixture(scope="module")
def models():
    return {name: load_model("demo", "cpu", precision=name) for name in ("auto", "bfloat16")}


@pytest.fixture
def pictures():
    return list(np.random.default_rng(3).integers(0, 256, (2, 64, 32, 3), dtype=np.uint8))


class TestModel:
    def test_maps_by_both_arithmetics(self, models, pictures):
        exact, fast = (models[name].extract(pictures) for name in ("auto", "bfloat16"))
        assert (models["auto"].precision, models["bfloat16"].precision) == ("float32", "bfloat16")
        assert not np.array_equal(exact, fast)
        assert (exact * fast).sum(axis=1).min() > 0.95

    def test_stored_maps_are_kept_apart(self, models, tmp_path):
        store = FeatureStore(tmp_path)
        assert models["auto"].feature_key != models["bfloat16"].feature_key
        for model in models.values():
            model.open_shelf(store).close()
        told = [info.description for info in store.sizes()]
        assert sorted(text.endswith(", bfloat16") for text in told) == [False, True]

    def test_the_network_is_arranged_once(self, models, pictures, monkeypatch):
        models["auto"].extract(pictures)

        def refuse(*_):
            raise AssertionError("arranged again")

        monkeypatch.setattr(network_module.InferenceNetwork, "__init__", refuse)
        models["auto"].extract(pictures)

    def test_unknown_precision(self):
        with pytest.raises(InputError, match="unknown precision 'half'"):
            load_model("demo", "cpu", precision="half")
