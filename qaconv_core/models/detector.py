"""The pedestrian detector: SSDLite with MobileNetV2, one class, pictures of 300×300 pixels.

Liu et al., "SSD", ECCV 2016; Sandler et al., "MobileNetV2", CVPR 2018. Written from the published
description for weights that TensorFlow trained: padding is TensorFlow's SAME, and every batch norm
is part of the convolution before it. Where the weights come from stands in ``resources/README.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from qaconv_core.errors import CheckpointError
from qaconv_core.readable import shown

SIDE = 300
"""Height and width of the network's input in pixels."""
GRIDS = (19, 10, 5, 3, 2, 1)
"""Cells along a side of the six maps that are searched for people."""
MAP_CHANNELS = (576, 1280, 512, 256, 256, 128)
ANCHORS = (3, 6, 6, 6, 6, 6)
"""Boxes that every cell of a map starts from."""
BLOCKS = (
    (1, 1, 16), (6, 2, 24), (6, 1, 24), (6, 2, 32), (6, 1, 32), (6, 1, 32), (6, 2, 64), (6, 1, 64),
    (6, 1, 64), (6, 1, 64), (6, 1, 96), (6, 1, 96), (6, 1, 96), (6, 2, 160), (6, 1, 160),
    (6, 1, 160), (6, 1, 320),
)  # fmt: skip
"""Widening, stride and channels out of the inverted residual blocks."""
FIRST_MAP = 13
"""The block whose widened map, before its stride, is the first that is searched."""
EXTRA = ((256, 512), (128, 256), (128, 256), (64, 128))
"""Channels in the middle and out of the four layers behind the last map."""
_CENTRE, _SIZE = 10.0, 5.0
_LARGEST_GROWTH = 6.0


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: an odd row or column goes below or right."""

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels, out, kernel, stride, groups=groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) -> (n, out, ⌈h / stride⌉, ⌈w / stride⌉)."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        # Rows that the last step lacks: kernel − stride where it begins in full, fewer otherwise.
        high, wide = (max(0, kernel - (n % stride or stride)) for n in x.shape[2:])
        if high or wide:
            pads = (wide // 2, wide - wide // 2, high // 2, high - high // 2)
            x = functional.pad(x, pads)
        return super().forward(x)


class InvertedBlock(nn.Module):
    """1×1 to wider, 3×3 each channel by itself, 1×1 to ``out``; added to what came in if it fits.

    ReLU6 follows the first two. The widening is left out where it is 1.
    """

    def __init__(self, channels: int, widening: int, stride: int, out: int) -> None:
        super().__init__()
        wide = channels * widening
        self.expand = SameConv(channels, wide, 1) if widening > 1 else None
        self.depthwise = SameConv(wide, wide, 3, stride, groups=wide)
        self.project = SameConv(wide, out, 1)
        self.adds = stride == 1 and channels == out

    def widen(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) -> (n, C · widening, h, w)."""
        return x if self.expand is None else functional.relu6(self.expand(x))

    def narrow(self, x: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
        """What went in and its widened map -> (n, out, h / stride, w / stride)."""
        y: torch.Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return x + y if self.adds else y


class ExtraLayer(nn.Module):
    """1×1 to fewer channels, then 3×3 at stride 2 and 1×1; ReLU6 after each."""

    def __init__(self, channels: int, middle: int, out: int) -> None:
        super().__init__()
        self.reduce = SameConv(channels, middle, 1)
        self.depthwise = SameConv(middle, middle, 3, 2, groups=middle)
        self.pointwise = SameConv(middle, out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) -> (n, out, ⌈h / 2⌉, ⌈w / 2⌉)."""
        for layer in (self.reduce, self.depthwise, self.pointwise):
            x = functional.relu6(layer(x))
        return x


class Predictor(nn.Module):
    """Numbers for every anchor of a map: 3×3 each channel by itself, then 1×1."""

    def __init__(self, channels: int, anchors: int, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.depthwise = SameConv(channels, channels, 3, groups=channels)
        self.pointwise = SameConv(channels, anchors * numbers, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) -> (n, h · w · anchors, numbers), cells in row-major order."""
        x = functional.relu6(self.depthwise(x))
        return self.pointwise(x).permute(0, 2, 3, 1).reshape(len(x), -1, self.numbers)


class Detector(nn.Module):
    """The whole network; in evaluation only, without batch norms of its own."""

    anchors: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        channels, blocks = 32, []
        for widening, stride, out in BLOCKS:
            blocks.append(InvertedBlock(channels, widening, stride, out))
            channels = out
        self.blocks = nn.ModuleList(blocks)
        self.last = SameConv(channels, MAP_CHANNELS[1], 1)
        ends = zip(MAP_CHANNELS[1:], EXTRA, strict=False)
        self.extra = nn.ModuleList(ExtraLayer(before, *layer) for before, layer in ends)
        heads = list(zip(MAP_CHANNELS, ANCHORS, strict=True))
        self.box_heads = nn.ModuleList(Predictor(c, a, 4) for c, a in heads)
        self.class_heads = nn.ModuleList(Predictor(c, a, 2) for c, a in heads)
        self.register_buffer("anchors", torch.from_numpy(anchor_boxes()), persistent=False)

    def maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """(n, 3, 300, 300) RGB in [0, 255] -> six maps (n, channels, grid, grid)."""
        x = functional.relu6(self.stem(images / 127.5 - 1))
        found = []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, InvertedBlock)
            wide = block.widen(x)
            if number == FIRST_MAP:
                found.append(wide)
            x = block.narrow(x, wide)
        found.append(functional.relu6(self.last(x)))
        for layer in self.extra:
            found.append(layer(found[-1]))
        return found

    def predict(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 3, 300, 300) RGB in [0, 255] -> encodings (n, 1917, 4), logits (n, 1917, 2)."""
        maps = self.maps(images)
        boxes = [head(x) for head, x in zip(self.box_heads, maps, strict=True)]
        classes = [head(x) for head, x in zip(self.class_heads, maps, strict=True)]
        return torch.cat(boxes, 1), torch.cat(classes, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 3, 300, 300) RGB in [0, 255] -> boxes (n, 1917, 4), scores (n, 1917) in (0, 1).

        Boxes are left, top, right, bottom as shares of the picture's width and height; they may
        reach beyond it.
        """
        encodings, logits = self.predict(images)
        return decode(encodings, self.anchors), logits[:, :, 1].sigmoid()


def decode(encodings: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
    """Encodings (n, a, 4: ty, tx, th, tw) on anchors (a, 4) -> left, top, right, bottom (n, a, 4).

    Anchors are top, left, bottom, right as shares of the picture.
    """
    size = anchors[:, 2:] - anchors[:, :2]
    centre = anchors[:, :2] + size / 2
    middle = encodings[..., :2] / _CENTRE * size + centre
    half = (encodings[..., 2:] / _SIZE).clamp(max=_LARGEST_GROWTH).exp() * size / 2
    return torch.cat([(middle - half).flip(-1), (middle + half).flip(-1)], -1)


def anchor_boxes() -> npt.NDArray[np.float32]:
    """All 1,917 anchors (top, left, bottom, right as shares), by map, cell and shape."""
    scales = np.linspace(0.2, 0.95, len(GRIDS))
    wider = np.append(scales[1:], 1.0)
    found = []
    for number, grid in enumerate(GRIDS):
        scale = scales[number]
        if number == 0:
            shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        else:
            shapes = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)]
            shapes.append((float(np.sqrt(scale * wider[number])), 1.0))
        size = np.array([(s / np.sqrt(r), s * np.sqrt(r)) for s, r in shapes])
        place = (np.arange(grid) + 0.5) / grid
        centre = np.stack(np.meshgrid(place, place, indexing="ij"), -1)[:, :, None]
        corners = np.concatenate([centre - size / 2, centre + size / 2], -1)
        found.append(corners.reshape(-1, 4))
    return np.concatenate(found).astype(np.float32)


def load_detector(path: Path) -> Detector:
    """The network with the weights in a file of float16 and float32 arrays (``.npz``).

    Raises :class:`CheckpointError` where the file is not those weights.
    """
    network = Detector()
    expected = network.state_dict()
    try:
        with np.load(path, allow_pickle=False) as arrays:
            state = {name: torch.from_numpy(arrays[name]).float() for name in arrays.files}
    except Exception as error:  # a damaged archive fails in every way there is
        raise CheckpointError(f"{shown(path)}: not the detector's weights ({error})") from error
    _check(path, state, expected)
    network.load_state_dict(state)
    return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)


def _check(
    path: Path, state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]
) -> None:
    for name in sorted({*state, *expected}):
        same = name in state and name in expected and state[name].shape == expected[name].shape
        if not same or not state[name].isfinite().all():
            raise CheckpointError(f"{shown(path)}: not the detector's weights (tensor {name})")
