"""Scoring on the CPU of maps with few cells: products of many maps with many.

Where a map has a dozen cells, the product of one pair is too small to be quick. So a product takes
one cell of many queries and all cells of many gallery maps. Its results lie with pairs innermost,
and both maxima are those of whole planes of pairs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.cpu import as_tensor
from qaconv_core.matching.plan import tile_bytes
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.threads import BUDGET
from qaconv_core.types import Float32

_LEAST_STEP = 16


class PlaneTiles:
    """Float32 logits of ``queries`` maps at once; each thread has its own, for it owns scratch
    memory. Unlike :class:`~qaconv_core.matching.cpu.FloatTiles` the last bits of a logit may depend
    on the tile."""

    def __init__(
        self, head: AffineHead, channels: int, queries: int, cancel: CancelToken | None = None
    ) -> None:
        self._cancel = cancel
        self.cells = head.grid[0] * head.grid[1]
        self.query_weights = [float(weight) for weight in head.query_weights]
        self.gallery_weights = torch.from_numpy(head.gallery_weights.astype(np.float32))
        self.bias = float(head.bias)
        # One tile of products, and one of the same size for the maxima over query cells.
        self.step = max(_LEAST_STEP, tile_bytes() // (8 * self.cells * queries))
        self.maps = torch.empty(self.cells * self.step * channels)
        self.product = torch.empty(self.cells * self.step * queries)
        self.best = torch.empty(self.cells * self.step * queries)

    def score(self, query: npt.NDArray[np.floating], gallery: npt.NDArray[np.floating]) -> Float32:
        """Logits (p, g) of cells (h·w, p, C) of at most ``queries`` maps, and (h·w, g, C).

        Raises :class:`~qaconv_core.errors.Cancelled` between tiles when asked to stop.
        """
        columns = as_tensor(query).float().transpose(1, 2).contiguous()
        rows = as_tensor(gallery)
        out = torch.empty(query.shape[1], gallery.shape[1])
        for start in range(0, rows.shape[1], self.step):
            raise_if_cancelled(self._cancel)
            BUDGET.step_aside()
            part = rows[:, start : start + self.step]
            out[:, start : start + self.step] = self._tile(columns, part).t()
        return np.asarray(out.add_(self.bias).numpy())

    def _tile(self, query: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        """Logits (t, p), without the bias, of cells (s, C, p) and (r, t, C)."""
        r, t, channels = part.shape
        p = query.shape[2]
        maps = self.maps[: part.numel()].view(r, t, channels).copy_(part).view(r * t, channels)
        product = self.product[: r * t * p].view(r, t, p)
        best = self.best[: r * t * p].view(r, t, p)
        found, most = torch.zeros(t, p), torch.empty(t, p)
        for number, (columns, weight) in enumerate(zip(query, self.query_weights, strict=True)):
            torch.mm(maps, columns, out=product.view(r * t, p))
            found.add_(torch.amax(product, 0, out=most), alpha=weight)
            if number == 0:
                best.copy_(product)
            else:
                torch.maximum(best, product, out=best)
        return found.add_(best.mul_(self.gallery_weights.view(r, 1, 1)).sum(0))
