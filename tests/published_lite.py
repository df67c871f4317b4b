"""Small networks as others publish them: names, random weights and a plain formulation."""

from __future__ import annotations

import torch
import torchvision
from torch.nn import functional

_ROWS = {
    # count, kernel, stride, channels; widening is 6 but for the first row
    "efficientnet_lite0": ((1, 3, 1, 16), (2, 3, 2, 24), (2, 5, 2, 40), (3, 3, 2, 80),
                           (3, 5, 1, 112), (4, 5, 2, 192), (1, 3, 1, 320)),
    "efficientnet_lite1": ((1, 3, 1, 16), (3, 3, 2, 24), (3, 5, 2, 40), (4, 3, 2, 80),
                           (4, 5, 1, 112), (5, 5, 2, 192), (1, 3, 1, 320)),
    "efficientnet_lite2": ((1, 3, 1, 16), (3, 3, 2, 24), (3, 5, 2, 48), (4, 3, 2, 88),
                           (4, 5, 1, 120), (5, 5, 2, 208), (1, 3, 1, 352)),
}  # fmt: skip


def _blocks(arch: str) -> list[tuple[int, int, int, int, int]]:
    """(channels in, wide, out, kernel, stride) of each block."""
    blocks, channels = [], 32
    for row, (count, kernel, stride, out) in enumerate(_ROWS[arch]):
        for number in range(count):
            wide = channels * (6 if row else 1)
            blocks.append((channels, wide, out, kernel, 1 if number else stride))
            channels = out
    return blocks


def published_lite(arch: str) -> dict[str, torch.Tensor]:
    """Random tensors with names and shapes of the published file, classifier and all."""
    random = torch.Generator().manual_seed(7)
    state: dict[str, torch.Tensor] = {}

    def convolution(name: str, out: int, channels: int, kernel: int) -> None:
        scale = (2 / (channels * kernel * kernel)) ** 0.5
        state[f"{name}.weight"] = scale * torch.randn(out, channels, kernel, kernel,
                                                      generator=random)  # fmt: skip

    def norm(name: str, channels: int) -> None:
        for leaf, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5),
                          ("running_var", 0.5)):  # fmt: skip
            state[f"{name}.{leaf}"] = low + torch.rand(channels, generator=random)
        state[f"{name}.num_batches_tracked"] = torch.tensor(0)

    convolution("_conv_stem", 32, 3, 3)
    norm("_bn0", 32)
    for number, (channels, wide, out, kernel, _) in enumerate(_blocks(arch)):
        block = f"_blocks.{number}"
        if wide > channels:
            convolution(f"{block}._expand_conv", wide, channels, 1)
            norm(f"{block}._bn0", wide)
        convolution(f"{block}._depthwise_conv", wide, 1, kernel)
        norm(f"{block}._bn1", wide)
        convolution(f"{block}._project_conv", out, wide, 1)
        norm(f"{block}._bn2", out)
    convolution("_conv_head", 1280, out, 1)
    norm("_bn1", 1280)
    state["_fc.weight"], state["_fc.bias"] = torch.zeros(1000, 1280), torch.zeros(1000)
    return state


def lite_features(state: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """The seven rows' output; convolutions look equally far to all sides."""
    arch = next(a for a in _ROWS if len(_blocks(a)) == sum("_depthwise" in n for n in state)
                and _ROWS[a][-1][3] == state["_conv_head.weight"].shape[1])  # fmt: skip

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        mean, var, weight, bias = (
            state[f"{name}.{leaf}"] for leaf in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, var, weight, bias, eps=1e-3)

    x = (images * 255 - 127) / 128
    x = functional.conv2d(x, state["_conv_stem.weight"], stride=2, padding=1)
    x = norm(x, "_bn0").clamp(0, 6)
    for number, (channels, wide, out, kernel, stride) in enumerate(_blocks(arch)):
        block, y = f"_blocks.{number}", x
        if wide > channels:
            y = functional.conv2d(y, state[f"{block}._expand_conv.weight"])
            y = norm(y, f"{block}._bn0").clamp(0, 6)
        y = functional.conv2d(y, state[f"{block}._depthwise_conv.weight"], stride=stride,
                              padding=kernel // 2, groups=wide)  # fmt: skip
        y = norm(y, f"{block}._bn1").clamp(0, 6)
        y = norm(functional.conv2d(y, state[f"{block}._project_conv.weight"]), f"{block}._bn2")
        x = x + y if stride == 1 and channels == out else y
    return x


def published_mobilenet() -> torchvision.models.MobileNetV2:
    """Torchvision's network with random weights whose norms have something to do."""
    torch.manual_seed(2)
    published = torchvision.models.mobilenet_v2(weights=None).eval()
    for module in published.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.3, 0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return published
