"""How people look, in a few numbers: colours of six strips from head to feet.

For telling apart the few people of neighbouring frames, in the same light, before one camera. For
anything else there are feature maps.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

STRIPS = 6
BINS = (8, 4, 4)
"""Of hue, saturation and value."""
SIZE = STRIPS * BINS[0] * BINS[1] * BINS[2]
_LOOKED_AT = (96, 32)

Look = npt.NDArray[np.float32]
"""(SIZE,), unit length."""


def look_of(crop: npt.NDArray[np.uint8]) -> Look:
    """The look of a person on a tight crop (h, w, 3) uint8 RGB; the middle counts most."""
    high, wide = _LOOKED_AT
    small = cv2.resize(crop, (wide, high), interpolation=cv2.INTER_AREA)
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV).astype(np.int64)
    bins = hsv * np.array(BINS) // np.array([180, 256, 256])
    index = (bins[..., 0] * BINS[1] + bins[..., 1]) * BINS[2] + bins[..., 2]
    strip = np.arange(high)[:, None] * STRIPS // high
    across = np.abs(np.arange(wide) + 0.5 - wide / 2) / (wide / 2)
    weight = np.broadcast_to(np.exp(-((across / 0.5) ** 2)), (high, wide))
    flat = (strip * int(np.prod(BINS)) + index).ravel()
    counts = np.sqrt(np.bincount(flat, weight.ravel(), SIZE))
    return (counts / np.linalg.norm(counts)).astype(np.float32)


def packed(look: Look) -> bytes:
    """A look in :data:`SIZE` bytes."""
    return np.rint(look * 255).astype(np.uint8).tobytes()


def unpacked(data: bytes) -> Look:
    """What :func:`packed` made; raises ValueError for anything else."""
    if len(data) != SIZE:
        raise ValueError("not the bytes of a look")
    look = np.frombuffer(data, np.uint8).astype(np.float32)
    return look / max(float(np.linalg.norm(look)), 1e-9)
