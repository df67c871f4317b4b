"""Feature maps as 8-bit integers, with what each cell lost, so that a bound can be proved.

A map g becomes scale · k with whole numbers k in [−127, 127] and one scale for the map. What that
loses is known: e = ‖g − scale · k‖ of every cell. For two cells and their rounded forms g̃, q̃

    |⟨g, q⟩ − ⟨g̃, q̃⟩| ≤ ‖g − g̃‖·‖q‖ + ‖g̃‖·‖q − q̃‖        (Cauchy–Schwarz)

and a maximum moves by no more than the most that any of its candidates moves. So an estimated
logit is off by no more than :func:`logit_bound` says, whatever the pictures show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError
from qaconv_core.matching.cpu import as_tensor
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import Float32, Float64

LEVELS = 127
_WIDER = 1 + 2**-10  # more than float32 can be wrong in a norm of some thousand numbers
_FLOOR = 2.0**-20  # and in the difference of a number and its rounded form
_AT_ONCE = 8  # maps; their float32 forms stay in the cache

Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class QuantisedMaps:
    """``cells`` int8 (n, h·w, C) and, float32, for each map ``scale`` (n,) and ``norm`` (n,), the
    largest norm of a rounded cell, and ``lost`` (n, h·w), the norm of what each cell lost.

    ``norm`` and ``lost`` are upper bounds: the rounding of their own computation is included.
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


def quantise(maps: npt.NDArray[np.floating]) -> QuantisedMaps:
    """Maps (n, C, h, w) of any float type as 8-bit integers.

    Maps with numbers that are not finite lose everything (``lost`` is infinite).
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
    """Cells, scale, norm and lost of a few maps (n, h·w, C) in float32."""
    scale = values.abs().amax((1, 2)).div_(LEVELS)
    good = torch.isfinite(scale)
    if not good.all():
        values = torch.where(good[:, None, None], values, torch.zeros_like(values))
    scale = torch.where(good & (scale > 0), scale, torch.ones_like(scale))
    whole = (values / scale[:, None, None]).round_().clamp_(-LEVELS, LEVELS)
    rounded = whole * scale[:, None, None]
    norm = rounded.norm(dim=2).amax(1).mul_(_WIDER)
    lost = values.sub_(rounded).norm(dim=2).mul_(_WIDER).add_(_FLOOR * (norm[:, None] + 1))
    lost[~good] = torch.inf
    return whole.to(torch.int8), scale, norm, lost


def logit_bound(query: QuantisedMaps, gallery: QuantisedMaps, head: AffineHead) -> Float64:
    """How far an estimated logit of the one query map can be from the exact one, (g,).

    Covers rounding to 8 bits and the float32 arithmetic of the estimate and of the exact logit.
    """
    of_query, of_gallery = np.abs(head.query_weights), np.abs(head.gallery_weights)
    most = gallery.lost.max(axis=1).astype(np.float64)
    total = float(of_query.sum() + of_gallery.sum())
    query_lost = query.lost[0].astype(np.float64)
    query_norm = float(query.norm[0]) + float(query_lost.max())  # of the exact cells
    gallery_part = of_query.sum() * most + gallery.lost @ of_gallery
    query_part = float(of_query @ query_lost + of_gallery.sum() * query_lost.max())
    norms = gallery.norm.astype(np.float64)
    terms = query.cells.shape[2] + 2 * query.cells.shape[1] + 16
    rounding = 2 * terms * 2.0**-24 * (total * query_norm * (norms + most) + abs(head.bias))
    return np.nan_to_num(query_norm * gallery_part + norms * query_part + rounding, nan=np.inf)
