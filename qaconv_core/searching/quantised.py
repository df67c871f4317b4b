"""Feature maps as 8-bit integers, with the rounding error of each cell, which gives a bound.

A map g becomes scale · k with integers k in [−127, 127] and one scale for the map. The error of
every cell, ‖g − scale · k‖, is stored. For two cells and their rounded forms g̃, q̃

    |⟨g, q⟩ − ⟨g̃, q̃⟩| ≤ ‖g − g̃‖·‖q‖ + ‖g̃‖·‖q − q̃‖        (Cauchy–Schwarz)

and a maximum changes by no more than the largest change of its candidates. So :func:`logit_bound`
bounds the error of an estimated logit, whatever the pictures show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError
from qaconv_core.matching.cpu import as_tensor
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import Float32, Float64

LEVELS = 127
_WIDER = 1 + 2**-10  # above the error of a float32 norm of some thousand numbers
_FLOOR = 2.0**-20  # above the error of a float32 difference of a number and its rounded form
_AT_ONCE = 8  # maps whose float32 forms stay in the cache

Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class QuantisedMaps:
    """Maps as ``cells`` int8 (n, h·w, C), times ``scale`` float32 (n,).

    ``norm`` float32 (n,) is the largest norm of a map's rounded cells, and ``lost`` float32
    (n, h·w) the norm of each cell's rounding error. Both are upper bounds: they include the float32
    error of their own computation.
    """

    cells: Int8
    scale: Float32
    norm: Float32
    lost: Float32

    def __post_init__(self) -> None:
        n, cells = self.lost.shape
        if self.cells.shape[:2] != (n, cells) or not len(self.scale) == len(self.norm) == n:
            raise InputError("the parts of quantised maps do not fit each other")

    def __len__(self) -> int:
        return len(self.scale)

    def part(self, start: int, stop: int) -> QuantisedMaps:
        """Maps ``start`` … ``stop``−1; nothing is copied."""
        at = slice(start, stop)
        return QuantisedMaps(self.cells[at], self.scale[at], self.norm[at], self.lost[at])

    @staticmethod
    def joined(parts: Sequence[QuantisedMaps]) -> QuantisedMaps:
        """The maps of all ``parts``, at least one, in order."""
        names = ("cells", "scale", "norm", "lost")
        return QuantisedMaps(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))


def quantise(maps: npt.NDArray[np.floating]) -> QuantisedMaps:
    """Maps (n, C, h, w) of any float type as 8-bit integers.

    ``lost`` is infinite for maps that are not finite.
    """
    n, channels, h, w = maps.shape
    found = QuantisedMaps(
        np.empty((n, h * w, channels), dtype=np.int8),
        np.empty(n, dtype=np.float32),
        np.empty(n, dtype=np.float32),
        np.empty((n, h * w), dtype=np.float32),
    )
    values = as_tensor(maps).flatten(2)
    for i in range(0, n, _AT_ONCE):
        part = slice(i, i + _AT_ONCE)
        found.cells[part], found.scale[part], found.norm[part], found.lost[part] = _rounded(
            values[part].float().transpose(1, 2).contiguous()
        )
    return found


def _rounded(values: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """``cells``, ``scale``, ``norm`` and ``lost`` of a few float32 maps (n, h·w, C)."""
    scale = values.abs().amax((1, 2)).div_(LEVELS)
    good = torch.isfinite(scale)
    if not good.all():
        values = torch.where(good[:, None, None], values, torch.zeros_like(values))
    scale = torch.where(good & (scale > 0), scale, torch.ones_like(scale))
    whole = (values / scale[:, None, None]).round_().clamp_(-LEVELS, LEVELS)
    rounded = whole * scale[:, None, None]
    norm = rounded.norm(dim=2).amax(1).mul_(_WIDER)
    lost = rounded.sub_(values).norm(dim=2).mul_(_WIDER).add_(_FLOOR * (norm[:, None] + 1))
    lost[~good] = torch.inf
    return whole.to(torch.int8), scale, norm, lost


@dataclass(frozen=True)
class Losses:
    """What bounds the error of estimates, of n maps in one role: of each map the largest norm of a
    cell, ``norm`` (n,), and how much its rounding can change a logit, ``lost`` (n,), before it is
    multiplied with the other map's norm."""

    norm: Float64
    lost: Float64


def query_losses(maps: QuantisedMaps, head: AffineHead) -> Losses:
    """:class:`Losses` of maps that are queries."""
    of_query, of_gallery = np.abs(head.query_weights), np.abs(head.gallery_weights)
    most = maps.lost.max(axis=1).astype(np.float64)
    norm = maps.norm.astype(np.float64) + most  # of the exact cells
    return Losses(norm, maps.lost @ of_query + of_gallery.sum() * most)


def gallery_losses(maps: QuantisedMaps, head: AffineHead) -> Losses:
    """:class:`Losses` of maps of a gallery; ``lost`` includes the rounding of float32."""
    of_query, of_gallery = np.abs(head.query_weights), np.abs(head.gallery_weights)
    most, norm = maps.lost.max(axis=1).astype(np.float64), maps.norm.astype(np.float64)
    total = float(of_query.sum() + of_gallery.sum())
    lost = of_query.sum() * most + maps.lost @ of_gallery
    return Losses(norm, lost + _rounding(maps.cells.shape) * total * (norm + most))


def logit_bounds(query: Losses, gallery: Losses, head: AffineHead, channels: int) -> Float64:
    """How far the estimated logit of each pair can be from the exact one, (p, g).

    The bound covers rounding to 8 bits, and the float32 arithmetic of both logits.
    """
    shape = (1, head.grid[0] * head.grid[1], channels)
    with np.errstate(invalid="ignore"):  # a norm of zero times an infinite loss
        found = query.norm[:, None] * gallery.lost + query.lost[:, None] * gallery.norm
    return np.nan_to_num(found + _rounding(shape) * abs(head.bias), nan=np.inf, posinf=np.inf)


def _rounding(shape: tuple[int, ...]) -> float:
    """Relative error of two float32 logits of maps of ``shape`` (n, h·w, C)."""
    return 2 * (shape[2] + 2 * shape[1] + 16) * 2.0**-24


def logit_bound(query: QuantisedMaps, gallery: QuantisedMaps, head: AffineHead) -> Float64:
    """:func:`logit_bounds` of one query map, (g,)."""
    sides = query_losses(query, head), gallery_losses(gallery, head)
    return np.asarray(logit_bounds(*sides, head, query.cells.shape[2])[0])
