"""ResNet (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016).

Tensors are named as torchvision's, from which the published weights come, and random numbers are
drawn in the same order. It is our own because importing torchvision brings torch's
compiler with it, which takes as long as importing torch itself; the tests hold both against each
other.
"""

from __future__ import annotations

import torch
from torch import nn

BLOCKS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
"""Residual blocks of layer1 to layer4 (table 1 of the paper)."""
PLANES = {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512}
_CLASSES = 1000


def expansion(arch: str) -> int:
    """Channels of a stage over its planes: 1 for ResNet-18/34, 4 for the deeper ones."""
    return 1 if arch in ("resnet18", "resnet34") else 4


class ResidualBlock(nn.Module):
    """Convolutions with norms, added to what came in (figures 2 and 5 of the paper).

    Two of 3×3, or with an ``expansion`` of 4 one of 1×1, of 3×3 and of 1×1. A ``stride`` is that of
    the first 3×3 convolution; the shortcut is projected where sizes differ. ``sum_norm`` comes
    between addition and ReLU.
    """

    def __init__(
        self,
        channels: int,
        planes: int,
        expansion: int,
        stride: int = 1,
        sum_norm: nn.Module | None = None,
    ) -> None:
        super().__init__()
        out = planes * expansion
        sizes = (3, 3) if expansion == 1 else (1, 3, 1)
        widths = (channels, *(planes,) * (len(sizes) - 1), out)
        strided = sizes.index(3)
        for number, size in enumerate(sizes):
            step = stride if number == strided else 1
            conv = _conv(widths[number], widths[number + 1], size, step)
            setattr(self, f"conv{number + 1}", conv)
            setattr(self, f"bn{number + 1}", nn.BatchNorm2d(widths[number + 1]))
        self.depth = len(sizes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(_conv(channels, out, 1, stride), nn.BatchNorm2d(out))
        if sum_norm is not None:
            self.IN = sum_norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) -> (n, planes·expansion, h / stride, w / stride)."""
        out = x
        for number in range(1, self.depth + 1):
            out = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(out))
            if number < self.depth:
                out = self.relu(out)
        out = out + (x if self.downsample is None else self.downsample(x))
        if hasattr(self, "IN"):
            out = self.IN(out)
        return self.relu(out)


class ResNet(nn.Module):
    """The whole network, with the classifier of the published weights: a container to cut from."""

    def __init__(self, arch: str) -> None:
        super().__init__()
        self.conv1 = _conv(3, PLANES["layer1"], 7, 2)
        self.bn1: nn.Module = nn.BatchNorm2d(PLANES["layer1"])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels, wider = PLANES["layer1"], expansion(arch)
        for (name, planes), blocks in zip(PLANES.items(), BLOCKS[arch], strict=True):
            setattr(self, name, _stage(channels, planes, wider, blocks, 1 + (name != "layer1")))
            channels = planes * wider
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, _CLASSES)
        for module in self.modules():
            # On "meta", without numbers, torch would load its compiler for this.
            if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _conv(channels: int, out: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out, size, stride=stride, padding=size // 2, bias=False)


def _stage(channels: int, planes: int, wider: int, blocks: int, stride: int) -> nn.Sequential:
    """Blocks of one size; the first changes channels and size."""
    first = ResidualBlock(channels, planes, wider, stride)
    rest = (ResidualBlock(planes * wider, planes, wider) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)
