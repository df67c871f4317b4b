"""The stand-in model: ResNet-18 to layer3, a 64-channel neck, QAConv's shared head on 24×8 cells.

The tensors are named and shaped as in published v2.1 checkpoints. Training is a few hundred
steps on one CPU core; the result is meant to exercise the engine, not to be good.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from .demo import write_file
from .shapes import Array

INPUT = (384, 128)
GRID = (24, 8)
NECK = 64


class FeatureNet(nn.Module):
    """Pictures (n, 3, 384, 128) in [0, 1] → layer3 (n, 256, 24, 8) and unit maps (n, 64, 24, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.base = torchvision.models.resnet18(weights=None)
        del self.base.layer4, self.base.fc, self.base.avgpool
        self.neck_conv = nn.Conv2d(256, NECK, 3, padding=1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        base = self.base
        x = base.maxpool(base.relu(base.bn1(base.conv1(pictures))))
        deep = base.layer3(base.layer2(base.layer1(x)))
        return deep, F.normalize(self.neck_conv(deep), dim=1)


class Head(nn.Module):
    """The shared head: bn, fc over 192 cells, logit_bn; one-channel norms."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(1)
        self.fc = nn.Linear(GRID[0] * GRID[1], 1)
        self.logit_bn = nn.BatchNorm1d(1)
        nn.init.constant_(self.fc.weight, 1 / (2 * GRID[0] * GRID[1]))
        nn.init.zeros_(self.fc.bias)

    def sums(self, query: Tensor, gallery: Tensor) -> Tensor:
        """z (p, g) before the last norm: both directions of best cell matches, weighted."""
        query, gallery = query.flatten(2), gallery.flatten(2)
        rows = []
        for one in query:
            similarity = torch.einsum("gcr,cs->grs", gallery, one)
            best = torch.stack([similarity.amax(1), similarity.amax(2)])
            normed = self.bn(best.reshape(-1, 1, best.shape[-1])).reshape(best.shape)
            rows.append(self.fc(normed).sum(0)[:, 0])
        return torch.stack(rows)

    def forward(self, query: Tensor, gallery: Tensor) -> Tensor:
        """Logits (p, g) of maps (p, C, h, w) and (g, C, h, w)."""
        z = self.sums(query, gallery)
        out: Tensor = self.logit_bn(z.reshape(-1, 1)).reshape(z.shape)
        return out


def prepare(picture: Image.Image | np.ndarray) -> Array:
    """One picture as the network wants it: (3, 384, 128), bicubic, /255."""
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    image = image.convert("RGB").resize((INPUT[1], INPUT[0]), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


@torch.no_grad()
def extract(net: FeatureNet, pictures: Sequence[np.ndarray | Path]) -> Tensor:
    """Feature maps (n, 64, 24, 8) of pictures (arrays or files)."""
    net.eval()
    maps = []
    for first in range(0, len(pictures), 32):
        batch = []
        for one in pictures[first : first + 32]:
            batch.append(prepare(Image.open(one) if isinstance(one, Path) else one))
        maps.append(net(torch.from_numpy(np.stack(batch)))[1])
    return torch.cat(maps)


def checkpoint_bytes(net: FeatureNet, head: Head) -> bytes:
    """The checkpoint file: v2.1 keys, float16 tensors, plain dicts only."""

    def half(state: dict[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
        return {
            prefix + k: (v.half() if v.is_floating_point() else v).contiguous().clone()
            for k, v in state.items()
        }

    out = io.BytesIO()
    matcher = half(head.state_dict(), "matcher.")
    torch.save({"model": half(net.state_dict()), "criterion": matcher, "epoch": 0}, out)
    return out.getvalue()


def save(path: Path, net: FeatureNet, head: Head) -> int:
    """Write the checkpoint atomically; returns its size in bytes."""
    data = checkpoint_bytes(net, head)
    write_file(path, data)
    return len(data)


def load(path: Path) -> tuple[FeatureNet, Head]:
    """The network and head of a checkpoint written by :func:`save`."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    net, head = FeatureNet(), Head()
    net.load_state_dict({k: v.float() for k, v in state["model"].items()})
    prefix = "matcher."
    head.load_state_dict({k[len(prefix) :]: v.float() for k, v in state["criterion"].items()})
    return net.eval(), head.eval()
