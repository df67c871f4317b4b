"""Feature maps and heads for tests of scoring."""

from __future__ import annotations

import numpy as np

from qaconv_core.models.qaconv import AffineHead


def unit_maps(count, channels, grid, seed, dtype=np.float32):
    """Random maps (count, C, h, w) with unit norm over C."""
    maps = np.random.default_rng(seed).standard_normal((count, channels, *grid))
    return (maps / np.linalg.norm(maps, axis=1, keepdims=True)).astype(dtype)


def people_maps(count, channels, grid, seed, each=4, dtype=np.float32):
    """Maps of which ``each`` in a row resemble each other, as those of one person do."""
    rng = np.random.default_rng(seed)
    person = rng.standard_normal((-(-count // each), channels, *grid)).repeat(each, axis=0)
    maps = person[:count] + 0.4 * rng.standard_normal((count, channels, *grid))
    return (maps / np.linalg.norm(maps, axis=1, keepdims=True)).astype(dtype)


def random_head(grid, seed=0, symmetric=False):
    """A head with weights of both signs."""
    rng = np.random.default_rng(seed)
    cells = grid[0] * grid[1]
    query = rng.uniform(-0.1, 0.5, cells)
    gallery = query if symmetric else rng.uniform(-0.1, 0.5, cells)
    return AffineHead(query, gallery, float(rng.normal()), grid)
