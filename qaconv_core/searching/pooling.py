"""Feature maps averaged over a coarser grid, and the head that matches them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from qaconv_core.matching.cpu import as_tensor
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import Float16, Float64, Grid

COARSEST = (6, 2)
"""The most cells of a pooled map, unless another grid is given."""


def pooled_grid(grid: Grid) -> Grid:
    """The grid (h, w) of the pooled map of a map of ``grid``."""
    return min(grid[0], COARSEST[0]), min(grid[1], COARSEST[1])


def pool(maps: npt.NDArray[np.floating], grid: Grid | None = None) -> Float16:
    """Maps (n, C, h, w) averaged over ``grid`` (None: :func:`pooled_grid`), float16.

    Every cell of the result has unit norm over C.
    """
    values = as_tensor(maps).float()
    h, w = values.shape[2:]
    grid = grid or pooled_grid((h, w))
    if h % grid[0] == 0 and w % grid[1] == 0:  # the same cells, twice as fast
        small = functional.avg_pool2d(values, (h // grid[0], w // grid[1]))
    else:
        small = functional.adaptive_avg_pool2d(values, grid)
    return functional.normalize(small, dim=1).half().numpy()


def pooled_head(head: AffineHead, grid: Grid | None = None) -> AffineHead:
    """The head for pooled maps, its weights averaged over the same cells.

    Its logits serve to order pictures only: their scale is not that of exact logits.
    """
    grid = grid or pooled_grid(head.grid)

    def average(weights: Float64) -> Float64:
        whole = torch.from_numpy(weights).view(1, 1, *head.grid)
        return functional.adaptive_avg_pool2d(whole, grid).flatten().numpy()

    return AffineHead(average(head.query_weights), average(head.gallery_weights), 0.0, grid)
