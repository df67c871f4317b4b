"""Small networks of inverted residual blocks (Sandler et al., "MobileNetV2", CVPR 2018).

A block widens its channels, filters each by itself, and narrows them again. The stages are named
as a ResNet's, so that ``layer2``, ``layer3``, ``layer4`` end at strides 8, 16, 32 here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

STEM = 32
"""Channels of the first convolution of every network here."""


@dataclass(frozen=True)
class Blocks:
    """``count`` blocks in a row: kernel side, stride of the first, widening, channels out."""

    count: int
    kernel: int
    stride: int
    widening: int
    channels: int


@dataclass(frozen=True)
class Plan:
    """What a network is built of: rows of blocks by stage, and the norms' ``eps``.

    ``mean`` and ``deviation`` (3,) are those of RGB in [0, 1] that the published weights expect.
    """

    stages: Mapping[str, tuple[Blocks, ...]]
    eps: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def channels(self, layer: str) -> int:
        """Channels that come out of a stage."""
        return self.stages[layer][-1].channels


class InvertedResidual(nn.Module):
    """1×1 to wider, k×k each channel by itself, 1×1 to ``out``; added to what came in if it fits.

    The widening is left out where it is 1. ReLU6 follows the first two, nothing the last.
    """

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int, widening: int, eps: float
    ) -> None:
        super().__init__()
        wide = channels * widening
        self.widens, self.adds = widening > 1, stride == 1 and channels == out
        if self.widens:
            self.expand = nn.Conv2d(channels, wide, 1, bias=False)
            self.expand_bn = nn.BatchNorm2d(wide, eps=eps)
        self.depthwise = nn.Conv2d(
            wide, wide, kernel, stride=stride, padding=kernel // 2, groups=wide, bias=False
        )
        self.depthwise_bn = nn.BatchNorm2d(wide, eps=eps)
        self.project = nn.Conv2d(wide, out, 1, bias=False)
        self.project_bn = nn.BatchNorm2d(out, eps=eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) -> (n, out, h / stride, w / stride)."""
        y = x
        if self.widens:
            y = functional.relu6(self.expand_bn(self.expand(y)), inplace=True)
        y = functional.relu6(self.depthwise_bn(self.depthwise(y)), inplace=True)
        y = self.project_bn(self.project(y))
        return x + y if self.adds else y


class Normalise(nn.Module):
    """RGB in [0, 1] to what the published weights were trained on; holds no tensors."""

    def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        super().__init__()
        self.mean, self.deviation = mean, deviation

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, H, W) -> (n, 3, H, W)."""
        mean = images.new_tensor(self.mean).view(3, 1, 1)
        return (images - mean) / images.new_tensor(self.deviation).view(3, 1, 1)


class InvertedResidualNetwork(nn.Module):
    """Normalisation, stem and ``layer1`` to ``layer4``, without a classifier."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.normalise = Normalise(plan.mean, plan.deviation)
        self.conv1 = nn.Conv2d(3, STEM, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM, eps=plan.eps)
        self.relu = nn.ReLU6(inplace=True)
        channels = STEM
        for name, rows in plan.stages.items():
            setattr(self, name, nn.Sequential(*_blocks(channels, rows, plan.eps)))
            channels = plan.channels(name)
        for module in self.modules():
            # On "meta", without numbers, torch would load its compiler for this.
            if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight, mode="fan_out")


def _blocks(channels: int, rows: Iterable[Blocks], eps: float) -> Iterable[InvertedResidual]:
    for row in rows:
        for number in range(row.count):
            stride = row.stride if number == 0 else 1
            yield InvertedResidual(channels, row.channels, row.kernel, stride, row.widening, eps)
            channels = row.channels


def block_signature(plan: Plan, layer: str) -> tuple[tuple[int, int], ...]:
    """(kernel side, channels out) of each block of a stage: what tells the networks apart."""
    return tuple((row.kernel, row.channels) for row in plan.stages[layer] for _ in range(row.count))


def numbered_blocks(plan: Plan) -> Iterable[tuple[int, str, bool]]:
    """Each block's number in the whole network from 0, its name here, whether it widens."""
    number = 0
    for layer, rows in plan.stages.items():
        place = 0
        for row in rows:
            for _ in range(row.count):
                yield number, f"{layer}.{place}", row.widening > 1
                number, place = number + 1, place + 1
