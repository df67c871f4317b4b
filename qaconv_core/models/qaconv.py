"""QAConv: how similar two feature maps are, by the best match of every cell on either side.

Liao & Shao, "Interpretable and Generalizable Person Re-Identification with Query-Adaptive
Convolution and Temporal Lifting", ECCV 2020. Two heads exist in published checkpoints; both are
here (DESIGN, "The matching rule"), and both fold into one affine form of the local maxima in
evaluation (:class:`AffineHead`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from qaconv_core.errors import CheckpointError, InputError
from qaconv_core.types import Float64, Grid

HEADS = ("shared", "two-sided")
_PREFIXES = ("module.", "matcher.")
_STATE_KEYS = (
    *(f"bn.{part}" for part in ("weight", "bias", "running_mean", "running_var")),
    *(f"logit_bn.{part}" for part in ("weight", "bias", "running_mean", "running_var")),
    "fc.weight",
    "fc.bias",
)


@dataclass(frozen=True)
class AffineHead:
    """The head in evaluation: logit = bias + Σ_s wq[s]·a[s] + Σ_r wg[r]·b[r].

    ``query_weights`` wq and ``gallery_weights`` wg have shape (h·w,), float64; a[s] is the best
    similarity that query cell s finds in the gallery picture, b[r] that of gallery cell r.
    """

    query_weights: Float64
    gallery_weights: Float64
    bias: float
    grid: Grid

    def __post_init__(self) -> None:
        cells = (self.grid[0] * self.grid[1],)
        if self.query_weights.shape != cells or self.gallery_weights.shape != cells:
            raise InputError(
                f"a {self.grid[0]}×{self.grid[1]} grid needs {cells[0]} weights a side, not "
                f"{self.query_weights.shape} and {self.gallery_weights.shape}"
            )

    @property
    def finite(self) -> bool:
        """Whether all numbers are finite in float32."""
        with np.errstate(over="ignore"):
            parts = [
                np.float32(part) for part in (self.query_weights, self.gallery_weights, self.bias)
            ]
        return all(bool(np.isfinite(part).all()) for part in parts)

    @property
    def symmetric(self) -> bool:
        """Whether exchanging query and gallery leaves every logit as it is."""
        return bool(np.array_equal(self.query_weights, self.gallery_weights))

    def exchanged(self) -> AffineHead:
        """The head under which query and gallery have each other's role."""
        return AffineHead(self.gallery_weights, self.query_weights, self.bias, self.grid)


class QAConv(nn.Module):
    """Query-adaptive convolution with its small head of two batch norms and one linear layer.

    Called with query maps (p, C, h, w) and gallery maps (g, C, h, w), unit norm over C, it gives
    logits (p, g); larger is closer.
    """

    def __init__(self, grid: Grid, head: str = "shared") -> None:
        super().__init__()
        if head not in HEADS:
            raise InputError(f"unknown head {head!r}: choose from {', '.join(HEADS)}")
        self.grid, self.head = (int(grid[0]), int(grid[1])), head
        cells = self.grid[0] * self.grid[1]
        self.bn = nn.BatchNorm1d(1)
        self.fc = nn.Linear(cells if head == "shared" else 2 * cells, 1)
        self.logit_bn = nn.BatchNorm1d(1)

    @classmethod
    def from_state_dict(cls, state: Mapping[str, torch.Tensor], grid: Grid) -> QAConv:
        """The module that ``state`` (a checkpoint's ``criterion``) describes, in evaluation mode.

        Prefixes ``module.`` and ``matcher.`` are tolerated, other entries (``class_memory``)
        ignored. Which head it is follows from the length of ``fc.weight``: h·w is shared, 2·h·w
        two-sided. Raises :class:`CheckpointError` naming the tensor that does not fit.
        """
        tensors = head_tensors(state)
        module = cls(grid, head_kind(tensors["fc.weight"], grid))
        expected = module.state_dict()
        for name in _STATE_KEYS:
            if tuple(tensors[name].shape) != tuple(expected[name].shape):
                raise CheckpointError(
                    f"tensor {name} of the head has shape {tuple(tensors[name].shape)}, "
                    f"expected {tuple(expected[name].shape)}"
                )
        module.load_state_dict(tensors, strict=False)
        return module.float().eval()

    def rescale_logits(self, slope: float, shift: float) -> None:
        """Make every logit ``slope`` · logit + ``shift``; a ``slope`` above 0 keeps orders."""
        rescale_logits(dict(self.named_parameters()), slope, shift)

    def forward(self, query_maps: torch.Tensor, gallery_maps: torch.Tensor) -> torch.Tensor:
        """(p, C, h, w), (g, C, h, w) -> logits (p, g), differentiable."""
        self._check(query_maps, "query")
        self._check(gallery_maps, "gallery")
        p, g = len(query_maps), len(gallery_maps)
        if p == 0 or g == 0:
            return query_maps.new_zeros((p, g))
        best_query, best_gallery = two_way_maxima(query_maps, gallery_maps)
        # Both batch norms see one channel; in training their statistics run over all pairs.
        if self.head == "shared":
            both = torch.stack((best_query, best_gallery), dim=2).flatten(0, 2)
            z = self.fc(self._one_channel(self.bn, both)).view(p, g, 2).sum(dim=2)
        else:
            both = torch.cat((best_gallery, best_query), dim=2).flatten(0, 1)
            z = self.fc(self._one_channel(self.bn, both))
        return self.logit_bn(z.reshape(p * g, 1)).view(p, g)

    @staticmethod
    def _one_channel(norm: nn.BatchNorm1d, values: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = norm(values.unsqueeze(1)).squeeze(1)
        return out

    def _check(self, maps: torch.Tensor, side: str) -> None:
        if maps.ndim != 4 or tuple(maps.shape[2:]) != self.grid:
            raise InputError(
                f"{side} maps have shape {tuple(maps.shape)}, expected "
                f"(n, C, {self.grid[0]}, {self.grid[1]})"
            )

    def affine(self) -> AffineHead:
        """The head folded into one affine form, as it acts in evaluation; float64."""
        scale, shift = _affine_of(self.bn)
        out_scale, out_shift = _affine_of(self.logit_bn)
        w = self.fc.weight.detach().double().cpu().numpy()[0]
        b = float(self.fc.bias.detach().double().cpu())
        cells = self.grid[0] * self.grid[1]
        if self.head == "shared":
            gallery, query, offset = w, w, 2 * (shift * w.sum() + b)
        else:
            gallery, query, offset = w[:cells], w[cells:], shift * w.sum() + b
        return AffineHead(
            query_weights=out_scale * scale * query,
            gallery_weights=out_scale * scale * gallery,
            bias=float(out_scale * offset + out_shift),
            grid=self.grid,
        )


def two_way_maxima(
    query_maps: torch.Tensor, gallery_maps: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Best similarity of every query cell and of every gallery cell, for all pairs.

    (p, C, h, w), (g, C, h, w) -> a (p, g, h·w) over the query's cells and b (p, g, h·w) over the
    gallery's. The plain formulation: it holds p·g·(h·w)² numbers at once.
    """
    similarity = torch.einsum("gcr,pcs->pgrs", gallery_maps.flatten(2), query_maps.flatten(2))
    return similarity.amax(dim=2), similarity.amax(dim=3)


def strip_prefixes(name: str) -> str:
    """A tensor's name without what DataParallel and the criterion put in front of it."""
    while name.startswith(_PREFIXES):
        name = name.split(".", 1)[1]
    return name


def head_tensors(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The head's tensors out of a criterion's state, by their bare names."""
    found = {strip_prefixes(name): value for name, value in state.items()}
    for name in _STATE_KEYS:
        if not isinstance(found.get(name), torch.Tensor):
            raise CheckpointError(f"tensor {name} of the QAConv head is missing")
    wanted = (*_STATE_KEYS, "bn.num_batches_tracked", "logit_bn.num_batches_tracked")
    return {name: found[name] for name in wanted if name in found}


@torch.no_grad()
def rescale_logits(tensors: Mapping[str, torch.Tensor], slope: float, shift: float) -> None:
    """Make every logit ``slope`` · logit + ``shift``, of a head's ``tensors`` by bare names."""
    tensors["logit_bn.weight"].mul_(slope)
    tensors["logit_bn.bias"].mul_(slope).add_(shift)


def head_kind(fc_weight: torch.Tensor, grid: Grid) -> str:
    """``"shared"`` or ``"two-sided"``, from the length of ``fc.weight`` (1, h·w or 2·h·w)."""
    cells = grid[0] * grid[1]
    shape = tuple(fc_weight.shape)
    if shape == (1, cells):
        return "shared"
    if shape == (1, 2 * cells):
        return "two-sided"
    raise CheckpointError(
        f"tensor fc.weight of the head has shape {shape}; a {grid[0]}×{grid[1]} grid needs "
        f"(1, {cells}) for the shared or (1, {2 * cells}) for the two-sided head"
    )


def _affine_of(norm: nn.BatchNorm1d) -> tuple[float, float]:
    """(scale, shift) of a one-channel batch norm in evaluation."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance = float(norm.running_var.double().cpu())
    scale = float(norm.weight.detach().double().cpu()) / float(np.sqrt(variance + norm.eps))
    shift = float(norm.bias.detach().double().cpu()) - scale * float(
        norm.running_mean.double().cpu()
    )
    return scale, shift
