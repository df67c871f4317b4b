"""Brightness, contrast and sharpness of a picture on the screen; its file is never touched."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PyQt5.QtGui import QImage

from app.jobs.images import image_of
from app.state.values import Adjustment

Pixels = npt.NDArray[np.uint8]
_STRONGEST = 2.0
"""How much of the difference from its surroundings a pixel gains at full sharpness."""


def adjusted(image: QImage, by: Adjustment) -> QImage:
    """The image with another brightness, contrast and sharpness; itself where nothing changes."""
    if by == Adjustment():
        return image
    plain = image.convertToFormat(QImage.Format_RGB888)
    width, height = plain.width(), plain.height()
    bits = plain.constBits()
    bits.setsize(plain.sizeInBytes())
    whole = np.frombuffer(bits.asstring(), dtype=np.uint8)
    rows = whole.reshape(height, plain.bytesPerLine())
    pixels = changed(rows[:, : 3 * width].reshape(height, width, 3), by)
    return image_of(pixels)


def changed(pixels: Pixels, by: Adjustment) -> Pixels:
    """(h, w, 3) pixels: first sharpened, then contrast around the middle grey, then brightness."""
    values = pixels.astype(np.float32)
    if by.sharpness:
        values += _STRONGEST * by.sharpness / 100 * (values - _blurred(values))
    slope = (100 + by.contrast) / 100 if by.contrast < 0 else 1 + 3 * by.contrast / 100
    values = (values - 127.5) * slope + 127.5 + 1.275 * by.brightness
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _blurred(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean of each pixel and its eight neighbours; edges repeat."""
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    mean: npt.NDArray[np.float32] = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return mean
