"""From a picture to the numbers that the network reads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from qaconv_core.data.images import to_rgb
from qaconv_core.errors import InputError

INPUT_SIZE = (384, 128)
"""Height and width in pixels of the published models' input."""


def to_pixels(image: Image.Image, size: tuple[int, int] = INPUT_SIZE) -> npt.NDArray[np.uint8]:
    """Resize a picture for the network: uint8, shape (3, H, W), channels R, G, B in [0, 255].

    Bicubic with antialiasing on 8-bit values, as in the published preprocessing; the model divides
    by 255 and normalises no further. ``size`` is (H, W).
    """
    height, width = size
    if height < 1 or width < 1:
        raise InputError(f"the input size must be positive, not {height}×{width}")
    if image.mode != "RGB":
        image = to_rgb(image)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8).transpose(2, 0, 1))
