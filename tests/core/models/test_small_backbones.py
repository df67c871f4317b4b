"""EfficientNet-Lite and MobileNetV2: shapes, published names, results, checkpoints."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch.nn import functional

from qaconv_core.errors import CheckpointError, InputError
from qaconv_core.models import FeatureNetwork, QAConv, efficientnet_lite, load_checkpoint
from qaconv_core.models.backbone import LAYERS, SMALL_PLANS, build_backbone, feature_grid
from qaconv_core.types import arch_title
from tests.published_lite import lite_features, published_lite, published_mobilenet

SIZE = (75, 42)
CHANNELS = {
    "efficientnet_lite0": (40, 112, 320),
    "efficientnet_lite1": (40, 112, 320),
    "efficientnet_lite2": (48, 120, 352),
    "mobilenet_v2": (32, 96, 320),
}


@pytest.mark.parametrize("arch", CHANNELS)
@pytest.mark.parametrize("layer", LAYERS)
def test_maps_have_the_stride_and_the_channels_of_their_stage(arch, layer):
    network = FeatureNetwork(arch, layer=layer, neck=0).eval()
    with torch.inference_mode():
        maps = network(torch.rand(2, 3, *SIZE))
    channels = CHANNELS[arch][LAYERS.index(layer)]
    assert tuple(maps.shape) == (2, channels, *feature_grid(SIZE, layer))
    torch.testing.assert_close(maps.norm(dim=1), torch.ones(maps[:, 0].shape))


@pytest.mark.parametrize("arch", efficientnet_lite.PLANS)
def test_lite_computes_the_published_network(arch):
    """Against a plain formulation on tensors with the published file's names."""
    state = published_lite(arch)
    network = build_backbone(arch, None, "layer4")
    load_by_published_names(network, state, efficientnet_lite.published_names(arch))
    images = torch.rand(2, 3, 64, 48)
    with torch.inference_mode():
        found, expected = through(network.eval(), images), lite_features(state, images)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_mobilenet_computes_torchvisions():
    from qaconv_core.models.mobilenet_v2 import published_names

    published = published_mobilenet()
    network = build_backbone("mobilenet_v2", None, "layer4")
    load_by_published_names(network, published.state_dict(), published_names("mobilenet_v2"))
    images = torch.rand(2, 3, 64, 48)
    normalised = torchvision.transforms.functional.normalize(
        images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    )
    with torch.inference_mode():
        found = through(network.eval(), images)
        expected = published.features[:-1](normalised)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def load_by_published_names(network, state, names):
    own = network.state_dict()
    tensors = {
        f"{ours}.{leaf}": state[f"{theirs}.{leaf}"]
        for ours, theirs in names.items()
        for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        if f"{ours}.{leaf}" in own
    }
    network.load_state_dict(tensors)  # strict: every tensor of ours has a published one


def through(network, images):
    for stage in network.children():
        images = stage(images)
    return images


def write(path, arch, layer, neck=16, padding="zeros", size=(64, 32)):
    torch.manual_seed(1)
    network = FeatureNetwork(arch, layer=layer, neck=neck, padding=padding).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
    matcher = QAConv(feature_grid(size, layer))
    content = {
        "model": network.state_dict(),
        "criterion": matcher.state_dict(),
        "input_size": list(size),
        "padding": padding,
    }
    torch.save(content, path)
    return network, content


@pytest.mark.parametrize("arch", CHANNELS)
@pytest.mark.parametrize(("layer", "neck"), [("layer2", 16), ("layer3", 16), ("layer4", 0)])
def test_checkpoints_are_recognised_untold(tmp_path, arch, layer, neck):
    network, _ = write(tmp_path / "c.pth", arch, layer, neck)
    loaded = load_checkpoint(tmp_path / "c.pth")
    assert (loaded.spec.arch, loaded.spec.layer, loaded.spec.neck) == (arch, layer, neck)
    assert loaded.spec.ibn is None
    assert loaded.spec.describe().startswith(arch_title(arch) + " to layer")
    images = torch.rand(1, 3, 64, 32)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(images), network(images), rtol=0, atol=0)


def test_padding_is_kept_for_convolutions_of_single_channels(tmp_path):
    network, _ = write(tmp_path / "c.pth", "efficientnet_lite0", "layer2", padding="replicate")
    loaded = load_checkpoint(tmp_path / "c.pth").network
    images = torch.rand(1, 3, 64, 32)
    with torch.inference_mode():
        expected = network(images)
        torch.testing.assert_close(loaded(images), expected, rtol=0, atol=0)
        plain = FeatureNetwork("efficientnet_lite0", layer="layer2", neck=16).eval()
        plain.load_state_dict(network.state_dict())
        assert (plain(images) - expected).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base.layer2.1.depthwise.weight": torch.zeros(240, 1, 3, 3)}, "no supported network has"),
        ({"base.layer1.1.project.weight": None}, "layer1.1.project.weight is missing"),
        ({"base.layer3.2.expand_bn.bias": None}, "layer3.2.expand_bn.bias is missing"),
        ({"base.layer3.0.expand.weight": torch.zeros(9, 40, 1, 1)}, r"expected \(240, 40, 1, 1\)"),
        ({"base.conv1.weight": None}, "base.conv1.weight is missing"),
        ({"neck_conv.weight": torch.zeros(16, 300, 3, 3)}, "takes 300 channels"),
    ],
)
def test_contradictions_are_named_in_one_line(tmp_path, change, words):
    path = tmp_path / "c.pth"
    _, content = write(path, "efficientnet_lite0", "layer3")
    for name, value in change.items():
        if value is None:
            del content["model"][name]
        else:
            content["model"][name] = value
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=words) as raised:
        load_checkpoint(path)
    assert "\n" not in str(raised.value)


def test_there_are_no_ibn_variants():
    for arch in SMALL_PLANS:
        with pytest.raises(InputError, match=f"no IBN-b variant of {arch}"):
            FeatureNetwork(arch, "b")


def test_values_in_zero_to_one_are_normalised_inside():
    """A grey picture of the published mean gives the stem nothing but its norm's own offset."""
    base = build_backbone("efficientnet_lite0", None, "layer2").eval()
    grey = torch.full((1, 3, 32, 32), 127 / 255)
    with torch.inference_mode():
        assert base.conv1(base.normalise(grey)).abs().max() < 1e-5
        assert functional.conv2d(grey, base.conv1.weight).abs().max() > 1e-3
