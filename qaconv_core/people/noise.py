"""Smooth random textures, made once and looked up: for cloth, ground, walls and leaves."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from qaconv_core.people.arrays import Floats

SIZE = 512


@lru_cache(maxsize=8)
def field(octaves: int = 4, coarsest: int = 8, seed: int = 7) -> Floats:
    """A periodic texture (:data:`SIZE`, :data:`SIZE`) of fractal value noise with mean 0 and
    deviation 1; ``coarsest`` lattice cells across, each octave twice as fine."""
    rng = np.random.default_rng([seed, octaves, coarsest])
    total = np.zeros((SIZE, SIZE), np.float32)
    for octave in range(octaves):
        cells = coarsest << octave
        lattice = rng.standard_normal((cells, cells)).astype(np.float32)
        tiled = np.tile(lattice, (3, 3))
        wide = cv2.resize(tiled, (SIZE * 3, SIZE * 3), interpolation=cv2.INTER_CUBIC)
        total += wide[SIZE : 2 * SIZE, SIZE : 2 * SIZE] * 0.5**octave
    total -= total.mean()
    return total / total.std()


def look_up(texture: Floats, u: Floats, v: Floats) -> Floats:
    """The texture at coordinates of any shape, in texels, repeated, nearest texel."""
    return texture[v.astype(np.int64) % SIZE, u.astype(np.int64) % SIZE]


def sample(texture: Floats, u: Floats, v: Floats) -> Floats:
    """The texture at 2-D arrays of coordinates in texels, repeated and interpolated."""
    u32, v32 = np.mod(u, SIZE).astype(np.float32), np.mod(v, SIZE).astype(np.float32)
    return cv2.remap(texture, u32, v32, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
