"""Masks over the cells of a feature map: which cells take part in matching."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.types import Bool, Grid


def kept_cells(mask: npt.ArrayLike | None, grid: Grid, side: str = "query") -> Bool:
    """``mask`` as bool (h·w,), row-major: True where a cell takes part; None is all of them.

    ``mask`` has shape (h, w) or (h·w,) and holds booleans (or 0 and 1). Anything else raises
    :class:`InputError`, whose message names ``side``.
    """
    cells = grid[0] * grid[1]
    if mask is None:
        return np.ones(cells, dtype=np.bool_)
    array = np.asarray(mask)
    if array.shape not in (grid, (cells,)):
        raise InputError(
            f"a mask of {side} cells has shape {array.shape}; the grid is {grid[0]}×{grid[1]}"
        )
    if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
        raise InputError(f"a mask of {side} cells holds {array.dtype} numbers other than 0 and 1")
    return array.astype(np.bool_).reshape(cells)
