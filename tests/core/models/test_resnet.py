"""Our ResNet against torchvision's: names, random numbers, results."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torchvision

from qaconv_core.models.resnet import BLOCKS, ResNet


@pytest.mark.parametrize("arch", BLOCKS)
def test_tensors_have_the_published_names_and_shapes(arch):
    with torch.device("meta"):
        ours, published = ResNet(arch), getattr(torchvision.models, arch)(weights=None)
    shapes = [
        [(name, tensor.shape) for name, tensor in network.state_dict().items()]
        for network in (ours, published)
    ]
    assert sorted(shapes[0]) == sorted(shapes[1])


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_the_same_random_numbers_and_the_same_results(arch):
    torch.manual_seed(3)
    ours = ResNet(arch).eval()
    torch.manual_seed(3)
    published = getattr(torchvision.models, arch)(weights=None).eval()
    theirs = published.state_dict()
    for name, tensor in ours.state_dict().items():
        torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=0)
    x = wanted = torch.randn(2, 3, 37, 50)
    for stage in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
        x, wanted = getattr(ours, stage)(x), getattr(published, stage)(wanted)
        torch.testing.assert_close(x, wanted, rtol=0, atol=0, msg=stage)


def test_a_model_is_loaded_without_torchvision_and_the_compiler():
    code = (
        "import sys; from qaconv_core.model import load_model; load_model('demo'); "
        "print([m for m in ('torchvision', 'torch._dynamo') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
