"""What a camera does to all feature maps, undone; the camera is recognised from the map.

Colours, light and view of a camera change the feature maps of everybody who stands before it.
:func:`fit_camera_correction` measures by how much, from maps whose cameras are known: the mean of
each cell, and how the channels vary together (Sun et al., AAAI 2016, align two domains in that way;
Zhuang et al., ECCV 2020, keep statistics of norms for each camera). It also learns to tell the
cameras apart, so that afterwards nobody has to name the camera of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from qaconv_core.types import UNKNOWN, Float16, Float32, Float64, Int64

FEWEST_PICTURES = 20
"""Pictures from which a camera is measured; cameras with fewer are left as they are."""
MOST_PICTURES = 400
"""Pictures of a camera that are looked at, at most."""
MOST_IN_ALL = 6000
"""Pictures that are looked at where there are many cameras, about."""
MOST_CAMERAS = 256
MOST_CHANNELS = 512
_SHRINK_MEAN = 10.0  # pictures of an ordinary camera that a camera's mean is averaged with
_SHRINK_SPREAD = 50.0  # the same for how channels vary together
_LEAST_SPREAD = 1e-3  # of the mean variance: directions below it are not stretched further
_PENALTY = 1e-2  # on the squares of the weights that tell cameras apart
_STEPS = 200
_AT_ONCE = 256
_PARTS = ("weight", "bias", "mixes", "offsets")

Maps = Float16 | Float32


class CameraCorrection(nn.Module):
    """Maps as an ordinary camera would have given them.

    ``weight`` (3·C, k + 1) and ``bias`` (k + 1,) give the logits of k cameras, and of none of them,
    from :func:`summary`. A map x of camera i becomes x + ``mixes[i]`` x + ``offsets[i]``, with
    ``mixes`` (k, C, C) and ``offsets`` (k, C, h, w). A map of which the camera is not sure gets
    each camera's change by its probability. The tensors are no part of ``state_dict``.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    mixes: torch.Tensor
    offsets: torch.Tensor

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor,
        mixes: torch.Tensor,
        offsets: torch.Tensor,
    ) -> None:
        super().__init__()
        for name, value in zip(_PARTS, (weight, bias, mixes, offsets), strict=True):
            self.register_buffer(name, value, persistent=False)

    @property
    def cameras(self) -> int:
        """How many cameras it knows."""
        return len(self.offsets)

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a file keeps of it; see :func:`read_correction`."""
        return {name: getattr(self, name) for name in _PARTS}

    def probabilities(self, maps: torch.Tensor) -> torch.Tensor:
        """How likely each camera is, and last none of them, (n, k + 1), of maps (n, C, h, w)."""
        return torch.softmax(summary(maps) @ self.weight + self.bias, dim=1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (n, C, h, w) of unit norm over C, in and out."""
        likely = self.probabilities(maps)[:, :-1]
        mixes = (likely @ self.mixes.flatten(1)).view(-1, *self.mixes.shape[1:])
        changed = maps + torch.bmm(mixes, maps.flatten(2)).view_as(maps)
        changed = changed + (likely @ self.offsets.flatten(1)).view_as(maps)
        return functional.normalize(changed)


def summary(maps: torch.Tensor) -> torch.Tensor:
    """What cameras are told apart by, (n, 3·C), of maps (n, C, h, w): each channel's mean, its mean
    beside the person (first and last column), and its spread."""
    cells = maps.flatten(2)
    beside = maps[..., [0, -1]].mean((2, 3))
    return torch.cat((cells.mean(2), beside, cells.std(2, unbiased=False)), dim=1)


def pictures_to_fit(cameras: Int64, channels: int) -> Int64:
    """Places, ascending, of pictures that a correction is measured from, of ``cameras`` (n,).

    None (an empty array) where fewer than two cameras have :data:`FEWEST_PICTURES`, and for maps of
    more than :data:`MOST_CHANNELS` channels.
    """
    places, known = [], _known(cameras, channels)
    most = min(MOST_PICTURES, max(FEWEST_PICTURES, MOST_IN_ALL // max(1, len(known))))
    for camera in known:
        own = np.flatnonzero(cameras == camera)
        few = min(len(own), most)
        places.append(own[np.linspace(0, len(own) - 1, few).round().astype(np.int64)])
    if len(places) < 2:
        return np.empty(0, dtype=np.int64)
    return np.sort(np.concatenate(places))


def _known(cameras: Int64, channels: int) -> Int64:
    """The cameras that can be measured by maps of so many channels."""
    if channels > MOST_CHANNELS:
        return np.empty(0, dtype=np.int64)
    found, counts = np.unique(cameras[cameras != UNKNOWN], return_counts=True)
    return np.asarray(found[counts >= FEWEST_PICTURES][:MOST_CAMERAS], dtype=np.int64)


def fit_camera_correction(
    maps: Maps, cameras: Int64, strangers: Maps, *, step: Callable[[], None] = lambda: None
) -> CameraCorrection | None:
    """Measure maps (n, C, h, w) before ``cameras`` (n,), −1 where not known.

    ``strangers`` (m, C, h, w), which may be empty, are maps before none of these cameras. None
    where fewer than two cameras have :data:`FEWEST_PICTURES`, and for maps of more than
    :data:`MOST_CHANNELS` channels. ``step`` is called between steps.
    """
    known = _known(cameras, maps.shape[1])
    if len(known) < 2:
        return None
    places = np.flatnonzero(np.isin(cameras, known))
    labels = np.searchsorted(known, cameras[places])
    sizes = np.bincount(labels)
    means, spreads = [], []
    for number in range(len(known)):
        step()
        own = maps[places[labels == number]].astype(np.float32)
        means.append(own.mean(axis=0, dtype=np.float64))
        spreads.append(_spread(own - means[-1].astype(np.float32)))
    ordinary, usual = np.mean(means, axis=0), np.mean(spreads, axis=0)
    widened = _power(usual, 0.5)
    mixes, offsets = [], []
    for mean, spread, size in zip(means, spreads, sizes, strict=True):
        step()
        trust = size / (size + _SHRINK_MEAN)
        mean = ordinary + trust * (mean - ordinary)
        trust = size / (size + _SHRINK_SPREAD)
        mix = widened @ _power(usual + trust * (spread - usual), -0.5)
        mixes.append(mix - np.eye(len(mix)))
        offsets.append(ordinary - np.einsum("cd,dhw->chw", mix, mean))
    rows = np.concatenate([_summaries(maps[places]), _summaries(strangers)])
    classes = np.concatenate([labels, np.full(len(strangers), len(known))])
    weight, bias = _told_apart(rows, classes, len(known) + 1, step)
    return CameraCorrection(
        weight,
        bias,
        torch.from_numpy(np.stack(mixes).astype(np.float32)),
        torch.from_numpy(np.stack(offsets).astype(np.float32)),
    )


def _spread(deviations: Float32) -> Float64:
    """How the channels of maps (n, C, h, w) vary together, (C, C)."""
    cells = deviations.transpose(0, 2, 3, 1).reshape(-1, deviations.shape[1])
    return np.asarray(cells.T @ cells, dtype=np.float64) / len(cells)


def _power(spread: Float64, exponent: float) -> Float64:
    """A power of a covariance (C, C)."""
    values, vectors = np.linalg.eigh(spread)
    values = np.maximum(values, max(_LEAST_SPREAD * values.mean(), np.finfo(np.float32).tiny))
    return np.asarray((vectors * values**exponent) @ vectors.T)


def _summaries(maps: Maps) -> Float32:
    parts = [
        summary(torch.from_numpy(np.asarray(maps[i : i + _AT_ONCE], dtype=np.float32))).numpy()
        for i in range(0, len(maps), _AT_ONCE)
    ]
    return np.concatenate([np.empty((0, 3 * maps.shape[1]), dtype=np.float32), *parts])


@torch.inference_mode(False)
@torch.enable_grad()
def _told_apart(
    rows: Float32, labels: Int64, classes: int, step: Callable[[], None]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (D, classes) and bias of a logistic regression on rows (n, D) that counts every class
    alike."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    inputs = torch.from_numpy((rows - mean) / spread).double()
    wanted = torch.from_numpy(labels.astype(np.int64))
    counts = torch.bincount(wanted, minlength=classes).clamp(min=1).double()
    weight = torch.zeros(inputs.shape[1], classes, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        step()
        optimiser.zero_grad()
        wrong = functional.cross_entropy(inputs @ weight + bias, wanted, weight=1 / counts)
        total = wrong + _PENALTY * weight.square().sum()
        total.backward()
        return total

    optimiser.step(loss)
    scaled = weight.detach().float() / torch.from_numpy(spread)[:, None]
    return scaled, bias.detach().float() - torch.from_numpy(mean) @ scaled


def read_correction(entry: Any, channels: int, grid: tuple[int, int]) -> CameraCorrection:
    """The correction of a checkpoint for maps of ``channels`` on ``grid``; tensors are plain ones.

    Raises ValueError, with the reason, where ``entry`` is anything else.
    """
    if not isinstance(entry, Mapping) or set(entry) != set(_PARTS):
        raise ValueError(f"holds no {', '.join(_PARTS)}")
    parts = [entry[name] for name in _PARTS]
    if not all(isinstance(part, torch.Tensor) and part.is_floating_point() for part in parts):
        raise ValueError("holds something else than tensors of numbers")
    offsets = parts[3]
    k = len(offsets) if offsets.ndim else 0
    wanted = ((3 * channels, k + 1), (k + 1,), (k, channels, channels), (k, channels, *grid))
    if not 2 <= k <= MOST_CAMERAS:
        raise ValueError(f"knows {k} cameras, expected 2 to {MOST_CAMERAS}")
    for name, part, shape in zip(_PARTS, parts, wanted, strict=True):
        if tuple(part.shape) != shape:
            raise ValueError(f"has {name} of shape {tuple(part.shape)}, expected {shape}")
        if not bool(torch.isfinite(part).all()):
            raise ValueError(f"has {name} with numbers that are not finite")
    return CameraCorrection(*(part.to(torch.float32, copy=True).contiguous() for part in parts))
