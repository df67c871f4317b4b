"""Random maps and heads, and logits computed with cells really taken out of the maps."""

from __future__ import annotations

import numpy as np

from qaconv_core.models.qaconv import AffineHead

GRIDS = ((1, 1), (2, 3), (4, 2), (5, 4))


def unit_maps(rng: np.random.Generator, count: int, grid, channels: int = 6) -> np.ndarray:
    """(count, C, h, w) with unit norm over C; neighbouring cells resemble each other."""
    maps = rng.standard_normal((count, channels, *grid)) + rng.standard_normal(
        (count, channels, 1, 1)
    )
    return (maps / np.linalg.norm(maps, axis=1, keepdims=True)).astype(np.float32)


def random_head(rng: np.random.Generator, grid, kind: str = "shared") -> AffineHead:
    """Weights of either sign; one set for both sides (``"shared"``) or two."""
    cells = grid[0] * grid[1]
    query = rng.standard_normal(cells)
    gallery = query if kind == "shared" else rng.standard_normal(cells)
    return AffineHead(query, gallery, float(rng.standard_normal()), grid)


def random_mask(rng: np.random.Generator, grid) -> np.ndarray:
    """Any mask, empty and whole ones too."""
    return rng.random(grid) < rng.choice([0.0, 0.2, 0.5, 0.9, 1.0])


def logit_without(query_map, gallery_map, head, keep_query=None, keep_gallery=None) -> float:
    """The logit of a pair whose maps lack the cells that are not kept, by plain loops."""
    cells = head.grid[0] * head.grid[1]
    query = [s for s in range(cells) if keep_query is None or np.ravel(keep_query)[s]]
    gallery = [r for r in range(cells) if keep_gallery is None or np.ravel(keep_gallery)[r]]
    p = query_map.reshape(len(query_map), -1).astype(np.float64)
    g = gallery_map.reshape(len(gallery_map), -1).astype(np.float64)
    logit = float(head.bias)
    if not query or not gallery:
        return logit
    for s in query:
        logit += head.query_weights[s] * max(float(g[:, r] @ p[:, s]) for r in gallery)
    for r in gallery:
        logit += head.gallery_weights[r] * max(float(g[:, r] @ p[:, s]) for s in query)
    return logit
