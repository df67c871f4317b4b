"""Writes checkpoints in every published form, and runs them by hand.

Nothing here uses the product's network: tensors are named and shaped as the releases did, and
:func:`reference_features` computes the feature map from the bare tensors with torch's functions.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torchvision
from torch.nn import functional as F

STAGES = ("layer1", "layer2", "layer3", "layer4")
CELLS = {"layer2": 48 * 16, "layer3": 24 * 8, "layer4": 12 * 4}
GRIDS = {"layer2": (48, 16), "layer3": (24, 8), "layer4": (12, 4)}


def resnet_tensors(arch: str, ibn: str | None = None, seed: int = 0) -> dict[str, torch.Tensor]:
    """All of a ResNet under ``base.``, layer4 and classifier too, as upstream saves it."""
    torch.manual_seed(seed)
    with torch.device("meta"):
        net = getattr(torchvision.models, arch)(weights=None)
    state = {f"base.{k}": randomise(k, v) for k, v in net.state_dict().items()}
    if ibn == "a":
        for name in [n for n in state if ".bn1." in n and n.split(".")[1] in STAGES[:3]]:
            tensor = state.pop(name)
            stem, part = name.rsplit(".", 1)
            if part in ("weight", "bias"):
                state[f"{stem}.IN.{part}"] = tensor[: len(tensor) // 2].clone()
            half = tensor[len(tensor) // 2 :].clone() if tensor.ndim else tensor
            state[f"{stem}.BN.{part}"] = half
    if ibn in ("b", "b-v1"):
        for part in ("running_mean", "running_var", "num_batches_tracked"):
            del state[f"base.bn1.{part}"]
    if ibn == "b-v1":
        del state["base.bn1.weight"], state["base.bn1.bias"]
    if ibn == "b":
        for stage in ("layer1", "layer2"):
            last = len(getattr(net, stage)) - 1
            norm = "bn3" if hasattr(getattr(net, stage)[0], "conv3") else "bn2"
            like = state[f"base.{stage}.{last}.{norm}.weight"]
            state[f"base.{stage}.{last}.IN.weight"] = torch.rand_like(like) + 0.5
            state[f"base.{stage}.{last}.IN.bias"] = torch.randn_like(like) * 0.1
    return state


def randomise(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Random numbers of a tensor's shape, norms too: one left out or exchanged has to show."""
    tensor = torch.empty(tensor.shape)
    if "num_batches" in name:
        return torch.tensor(3)
    if tensor.ndim > 1:
        return torch.randn_like(tensor) * (2 / tensor[0].numel()) ** 0.5
    if name.endswith(("running_var", "weight")):
        return torch.rand_like(tensor) + 0.5
    return torch.randn_like(tensor) * 0.1


def head_state(cells: int, seed: int = 1) -> dict[str, torch.Tensor]:
    """A QAConv head with ``cells`` inputs of ``fc``."""
    generator = torch.Generator().manual_seed(seed)

    def number(scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
        return torch.rand(1, generator=generator) * scale + shift

    state = {"fc.weight": torch.randn(1, cells, generator=generator) / 8, "fc.bias": number()}
    for norm in ("bn", "logit_bn"):
        state |= {
            f"{norm}.weight": number(1, 0.5),
            f"{norm}.bias": number(1, -0.5),
            f"{norm}.running_mean": number(0.5),
            f"{norm}.running_var": number(1, 0.2),
            f"{norm}.num_batches_tracked": torch.tensor(7),
        }
    return state


def published_checkpoint(
    release: str,
    arch: str = "resnet18",
    layer: str = "layer3",
    neck: int = 128,
    ibn: str | None = None,
    prefix: str = "",
) -> dict[str, object]:
    """A checkpoint's content as ``release`` (v1.0, v1.1, v1.2, v2.0 or v2.1) wrote it."""
    model = resnet_tensors(arch, ibn)
    wide = 1 if arch in ("resnet18", "resnet34") else 4
    channels = {"layer2": 128, "layer3": 256, "layer4": 512}[layer] * wide
    first = release.startswith("v1")
    if neck:
        model["neck_conv.weight"] = torch.randn(neck, channels, 3, 3) * (channels * 9) ** -0.5
        if first:
            for part in ("weight", "bias", "running_mean", "running_var"):
                model[f"neck_bn.{part}"] = randomise(part, torch.empty(neck))
            model["neck_bn.num_batches_tracked"] = torch.tensor(3)
        else:
            model["neck_conv.bias"] = torch.randn(neck) * 0.1
    sides = 1 if release == "v2.1" else 2
    head = head_state(CELLS[layer] * sides)
    if first:
        criterion = {**head, "class_memory": torch.randn(3, neck or channels, *GRIDS[layer])}
        if release == "v1.2":
            criterion["valid_class"] = torch.ones(3)
    else:
        criterion = {f"matcher.{name}": value for name, value in head.items()}
    return {
        "model": {prefix + name: value for name, value in model.items()},
        "criterion": {prefix + name: value for name, value in criterion.items()},
        "optim": {"state": {}, "param_groups": [{"lr": 0.01, "params": [0, 1]}]},
        "epoch": 15,
    }


def write_checkpoint(path: Path, content: dict[str, object]) -> Path:
    """Save ``content`` as training code does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return path


def reference_features(
    state: dict[str, torch.Tensor], images: torch.Tensor, layer: str, ibn: str | None
) -> torch.Tensor:
    """(n, 3, H, W) in [0, 1] -> (n, C, h, w), from bare tensors, block by block."""
    x = F.conv2d(images, state["base.conv1.weight"], stride=2, padding=3)
    if ibn in ("b", "b-v1"):
        x = F.instance_norm(x, weight=state.get("base.bn1.weight"), bias=state.get("base.bn1.bias"))
    else:
        x = batch_norm(state, "base.bn1", x)
    x = F.max_pool2d(F.relu(x), 3, stride=2, padding=1)
    for stage in STAGES[: STAGES.index(layer) + 1]:
        count = 1 + max(int(n.split(".")[2]) for n in state if n.startswith(f"base.{stage}."))
        for index in range(count):
            norm_at_end = ibn in ("b", "b-v1") and stage in STAGES[:2] and index == count - 1
            stride = 2 if index == 0 and stage != "layer1" else 1
            x = residual_block(state, f"base.{stage}.{index}", x, stride, norm_at_end)
    if "neck_conv.weight" in state:
        x = F.conv2d(x, state["neck_conv.weight"], state.get("neck_conv.bias"), padding=1)
        if "neck_bn.weight" in state:
            x = batch_norm(state, "neck_bn", x)
    return x / x.norm(dim=1, keepdim=True)


def residual_block(
    state: dict[str, torch.Tensor], name: str, x: torch.Tensor, stride: int, norm_at_end: bool
) -> torch.Tensor:
    """One basic or bottleneck block; the stride sits in the (first) 3×3 convolution."""
    shortcut = x
    if f"{name}.downsample.0.weight" in state:
        shortcut = F.conv2d(x, state[f"{name}.downsample.0.weight"], stride=stride)
        shortcut = batch_norm(state, f"{name}.downsample.1", shortcut)
    deep = f"{name}.conv3.weight" in state
    steps = ((0, 1), (1, stride), (0, 1)) if deep else ((1, stride), (1, 1))
    out = x
    for number, (padding, step) in enumerate(steps, start=1):
        out = F.conv2d(out, state[f"{name}.conv{number}.weight"], stride=step, padding=padding)
        out = split_norm(state, f"{name}.bn{number}", out)
        if number < len(steps):
            out = F.relu(out)
    out = out + shortcut
    if norm_at_end:
        weight, bias = state.get(f"{name}.IN.weight"), state.get(f"{name}.IN.bias")
        out = F.instance_norm(out, weight=weight, bias=bias)
    return F.relu(out)


def split_norm(state: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    """A batch norm, or IBN-a's half instance, half batch norm."""
    if f"{name}.IN.weight" not in state:
        return batch_norm(state, name, x)
    half = len(state[f"{name}.IN.weight"])
    first = F.instance_norm(
        x[:, :half], weight=state[f"{name}.IN.weight"], bias=state[f"{name}.IN.bias"]
    )
    return torch.cat((first, batch_norm(state, f"{name}.BN", x[:, half:])), dim=1)


def batch_norm(state: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    """A batch norm in evaluation, written out."""
    mean, var, weight, bias = (
        state[f"{name}.{part}"].view(1, -1, 1, 1)
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias
