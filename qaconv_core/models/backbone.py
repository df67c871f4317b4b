"""The network that turns a picture into a feature map: backbone, neck, unit length per cell.

Backbones are ResNets, EfficientNet-Lite and MobileNetV2, cut after a stage. The IBN-a and IBN-b
variants of ResNet (Pan et al., ECCV 2018) are made by exchanging some of its norms. Module names
are those of the published checkpoints: ``base`` is the backbone, ``neck_conv`` and ``neck_bn``
follow it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

import torch
from torch import nn
from torch.nn import functional

from qaconv_core.errors import InputError
from qaconv_core.models import efficientnet_lite, mobilenet_v2
from qaconv_core.models.camera_correction import CameraCorrection
from qaconv_core.models.inverted_residual import InvertedResidualNetwork
from qaconv_core.models.resnet import BLOCKS, PLANES, ResidualBlock, ResNet, expansion

SMALL_PLANS = efficientnet_lite.PLANS | mobilenet_v2.PLANS
"""Small backbones by name; they have no IBN variants."""
ARCHITECTURES = (*BLOCKS, *SMALL_PLANS)
IBN_ARCHITECTURES = tuple(BLOCKS)[:4]
IBN_TYPES = ("a", "b", "b-v1")
LAYERS = ("layer2", "layer3", "layer4")
PADDINGS = ("zeros", "replicate", "reflect")
"""What convolutions see beyond the picture. All published models were trained with zeros, which
tell a network how far it is from the border."""


class HalfInstanceNorm(nn.Module):
    """IBN-a's norm: instance norm on the first half of the channels, batch norm on the rest."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.instance_channels = channels // 2
        self.IN = nn.InstanceNorm2d(self.instance_channels, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.instance_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) -> (n, C, h, w)."""
        first, rest = x.split((self.instance_channels, x.shape[1] - self.instance_channels), dim=1)
        return torch.cat((self.IN(first), self.BN(rest)), dim=1)


def stage_channels(arch: str, layer: str) -> int:
    """Channels that come out of ``layer`` of ``arch``."""
    if arch in SMALL_PLANS:
        return SMALL_PLANS[arch].channels(layer)
    return PLANES[layer] * expansion(arch)


def build_backbone(arch: str, ibn: str | None, layer: str) -> nn.Module:
    """A backbone without its classifier, cut after ``layer``, with the norms of ``ibn``.

    ``ibn`` is None, ``"a"``, ``"b"`` (as the official IBN-Net release) or ``"b-v1"`` (the first
    QAConv release: instance norms without parameters after the stem and after the last block of
    layer1 and layer2).
    """
    if arch not in ARCHITECTURES:
        raise InputError(f"unknown architecture {arch!r}: choose from {', '.join(ARCHITECTURES)}")
    if ibn is not None and (
        ibn not in IBN_TYPES
        or arch in SMALL_PLANS
        or (arch not in IBN_ARCHITECTURES and ibn != "b-v1")
    ):
        raise InputError(
            f"no IBN-{ibn} variant of {arch}: IBN-a and IBN-b exist for "
            + ", ".join(IBN_ARCHITECTURES)
        )
    if layer not in LAYERS:
        raise InputError(f"unknown final layer {layer!r}: choose from {', '.join(LAYERS)}")
    base: nn.Module
    base = InvertedResidualNetwork(SMALL_PLANS[arch]) if arch in SMALL_PLANS else ResNet(arch)
    if ibn == "a":
        _use_ibn_a(base)
    elif ibn in ("b", "b-v1"):
        _use_ibn_b(base, arch, affine=ibn == "b")
    for name, _ in list(base.named_children()):
        if name in ("avgpool", "fc") or (name in LAYERS and name > layer):
            delattr(base, name)
    return base


def _use_ibn_a(base: nn.Module) -> None:
    for layer in ("layer1", "layer2", "layer3"):
        for block in getattr(base, layer):
            block.bn1 = HalfInstanceNorm(PLANES[layer])


def _use_ibn_b(base: nn.Module, arch: str, affine: bool) -> None:
    base.bn1 = nn.InstanceNorm2d(PLANES["layer1"], affine=affine)
    for layer in ("layer1", "layer2"):
        out = stage_channels(arch, layer)
        norm = nn.InstanceNorm2d(out, affine=affine)
        getattr(base, layer)[-1] = ResidualBlock(out, PLANES[layer], expansion(arch), 1, norm)


def _use_padding(network: nn.Module, padding: str) -> None:
    """Exchange the convolutions that look beyond the picture; their weights stay."""
    for module in list(network.modules()):
        for name, conv in list(module.named_children()):
            if not isinstance(conv, nn.Conv2d) or conv.padding in ((0, 0), 0):
                continue
            weights = conv.weight
            padded = nn.Conv2d(
                conv.in_channels,
                conv.out_channels,
                (int(weights.shape[2]), int(weights.shape[3])),
                stride=(int(conv.stride[0]), int(conv.stride[1])),
                padding=(int(conv.padding[0]), int(conv.padding[1])),
                groups=conv.groups,
                bias=conv.bias is not None,
                padding_mode=cast(Literal["replicate", "reflect"], padding),
            )
            padded.weight, padded.bias = weights, conv.bias
            setattr(module, name, padded)


class FeatureNetwork(nn.Module):
    """Picture in, feature map out.

    Input (n, 3, H, W), RGB in [0, 1], not normalised by any mean. Output (n, C, h, w) with unit
    L2 norm over C at every cell; h = H / stride, w = W / stride (rounded up), stride 8, 16 or 32
    for layer2, layer3, layer4. ``neck`` 0 leaves the neck out. ``padding`` is one of
    :data:`PADDINGS`; no tensor tells of it, so a checkpoint has to name it where it is not zeros.
    ``correction`` is that of the cameras that the model was adapted to. With ``mirrored`` the maps
    are averaged with those of the mirrored pictures (:func:`with_mirrored`).
    """

    correction: CameraCorrection | None
    mirrored: bool

    def __init__(
        self,
        arch: str = "resnet50",
        ibn: str | None = None,
        layer: str = "layer3",
        neck: int = 128,
        neck_bn: bool = False,
        padding: str = "zeros",
    ) -> None:
        super().__init__()
        if padding not in PADDINGS:
            raise InputError(f"unknown padding {padding!r}: choose from {', '.join(PADDINGS)}")
        self.base = build_backbone(arch, ibn, layer)
        self.layer = layer
        self.channels = stage_channels(arch, layer)
        if neck > 0:
            # With a batch norm behind it the convolution's bias would be idle (releases 1.x).
            self.neck_conv = nn.Conv2d(self.channels, neck, 3, padding=1, bias=not neck_bn)
            if neck_bn:
                self.neck_bn = nn.BatchNorm2d(neck)
            self.channels = neck
        self.correction = None
        self.mirrored = False
        self.padding = padding
        if padding != "zeros":
            _use_padding(self, padding)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, H, W) -> (n, C, h, w), unit norm over C."""
        return with_mirrored(self._seen, images) if self.mirrored else self._seen(images)

    def _seen(self, images: torch.Tensor) -> torch.Tensor:
        """The maps of ``images`` as they are."""
        x = images
        for stage in self.base.children():
            x = stage(x)
        for name in ("neck_conv", "neck_bn"):
            if hasattr(self, name):
                x = getattr(self, name)(x)
        return finished(x, self.correction)


def finished(x: torch.Tensor, correction: CameraCorrection | None) -> torch.Tensor:
    """The last step from (n, C, h, w): unit norm over C, and the correction for the camera."""
    maps = functional.normalize(x)
    if correction is None:
        return maps
    with torch.autocast(maps.device.type, enabled=False):
        return correction(maps.float())


def with_mirrored(
    maps_of: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor
) -> torch.Tensor:
    """Maps (n, C, h, w) of ``images`` (n, 3, H, W), averaged with the maps of the mirrored images
    turned back. Takes twice as long."""
    maps, other = maps_of(images), maps_of(images.flip(3)).flip(3)
    with torch.autocast(maps.device.type, enabled=False):
        return functional.normalize(maps.float() + other.float())


def feature_grid(input_size: tuple[int, int], layer: str) -> tuple[int, int]:
    """(h, w) of the map of a picture of ``input_size`` (H, W): halved three to five times, up."""
    h, w = input_size
    for _ in range({"layer2": 3, "layer3": 4, "layer4": 5}[layer]):
        h, w = (h + 1) // 2, (w + 1) // 2
    return h, w
