"""Copies a set in Market-1501's layout and gives every camera a strong look of its own.

What a camera does is drawn once, so that pictures of one camera look alike and those of two do not:

- ``cast``: white balance, gamma, saturation and blur (docs/normalisation.md);
- ``coarse``: gamma, colours, far fewer pixels, blur, noise and JPEG (docs/adapting.md);
- ``night``: grey, dark, few pixels, much noise (docs/adapting.md).

    python tools/cast_cameras.py SET OUT --look cast --seed 7
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

FOLDERS = ("bounding_box_train", "query", "bounding_box_test")
CAMERA = re.compile(r"_c(\d+)s")
MOST_CAMERAS = 12
Pixels = npt.NDArray[Any]
Show = Callable[[Pixels, int], Pixels]
"""The picture (h, w, 3), BGR bytes, as the camera of a number from 1 shows it."""


def cast(seed: int) -> Show:
    """White balance, gamma, saturation and blur."""

    def show(pixels: Pixels, camera: int) -> Pixels:
        rng = np.random.default_rng([seed, camera])
        gain, gamma = rng.uniform(0.6, 1.35, 3), rng.uniform(0.6, 1.6)
        saturation, blur = rng.uniform(0.3, 1.2), rng.uniform(0.0, 1.2)
        picture = Image.fromarray(pixels[:, :, ::-1])
        blurred = picture.filter(ImageFilter.GaussianBlur(blur))
        found = (np.asarray(blurred) / 255.0) ** gamma * gain
        grey = found.mean(axis=2, keepdims=True)
        found = grey + (found - grey) * saturation
        return (np.clip(found, 0, 1) * 255).astype(np.uint8)[:, :, ::-1]

    return show


@dataclass(frozen=True)
class _Coarse:
    """``size`` is the share of a picture's width and height that is left."""

    gamma: float
    colours: Pixels
    offset: Pixels
    size: float
    blur: float
    quality: int
    noise: float


def coarse(seed: int) -> Show:
    """Gamma, colours, far fewer pixels, blur, noise and JPEG."""
    rng = np.random.default_rng(seed)

    def draw() -> _Coarse:
        gamma = rng.uniform(0.75, 1.4)
        colours = np.diag(rng.uniform(0.85, 1.1) * rng.uniform(0.94, 1.06, 3))
        colours = colours + rng.normal(0, 0.02, (3, 3))
        offset = rng.uniform(-0.03, 0.05) + rng.uniform(-0.02, 0.02, 3)
        size, blur = rng.uniform(0.25, 0.6), rng.uniform(0, 1.2)
        return _Coarse(gamma, colours, offset, size, blur, int(rng.uniform(25, 70)),
                       rng.uniform(0.0, 0.03))  # fmt: skip

    looks = [draw() for _ in range(MOST_CAMERAS)]

    def show(pixels: Pixels, camera: int) -> Pixels:
        look = looks[camera - 1]
        h, w = pixels.shape[:2]
        found = (pixels.astype(np.float32) / 255) ** look.gamma
        found = found @ look.colours.T.astype(np.float32) + look.offset.astype(np.float32)
        small = (max(8, int(w * look.size)), max(16, int(h * look.size)))
        found = cv2.resize(found, small, interpolation=cv2.INTER_AREA)
        if look.blur > 0.3:
            found = cv2.GaussianBlur(found, (0, 0), look.blur)
        found = found + rng.normal(0, look.noise, found.shape)
        return cv2.resize(compressed(found, look.quality), (w, h), interpolation=cv2.INTER_LINEAR)

    return show


def night(seed: int) -> Show:
    """Grey, dark, few pixels, much noise."""
    rng = np.random.default_rng(seed)
    looks = [
        (rng.uniform(0.25, 0.55), rng.uniform(0.4, 1.2), rng.uniform(0.03, 0.06),
         rng.uniform(0.3, 0.5))
        for _ in range(MOST_CAMERAS)
    ]  # fmt: skip

    def show(pixels: Pixels, camera: int) -> Pixels:
        light, blur, noise, size = looks[camera - 1]
        h, w = pixels.shape[:2]
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255
        small = (int(w * size), int(h * size))
        found = cv2.resize(grey, small, interpolation=cv2.INTER_AREA)
        found = cv2.GaussianBlur(found, (0, 0), blur) * light
        found = np.clip(found + rng.normal(0, noise, found.shape), 0, 1) * 1.3
        return cv2.resize(compressed(found, 50), (w, h))

    return show


def compressed(pixels: Pixels, quality: int) -> Pixels:
    """``pixels`` in [0, 1] after JPEG, as BGR bytes."""
    values = np.clip(pixels * 255, 0, 255).astype(np.uint8)
    _, file = cv2.imencode(".jpg", values, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))


LOOKS: dict[str, Callable[[int], Show]] = {"cast": cast, "coarse": coarse, "night": night}


def main() -> None:
    """Write the copy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--look", choices=tuple(LOOKS), default="cast")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    show = LOOKS[options.look](options.seed)
    for folder in FOLDERS:
        for file in sorted((options.set / folder).glob("*.jpg")):
            found = CAMERA.search(file.name)
            if found is None or not 1 <= int(found[1]) <= MOST_CAMERAS:
                raise SystemExit(
                    f"{file}: no camera from 1 to {MOST_CAMERAS} in the name, e.g. "
                    "0001_c1s1_000123_00.jpg"
                )
            out = options.out / folder / file.name
            out.parent.mkdir(parents=True, exist_ok=True)
            pixels = cv2.imread(str(file))
            if pixels is None:
                raise SystemExit(f"{file}: cannot be read as a picture")
            made = show(pixels, int(found[1]))
            Image.fromarray(np.ascontiguousarray(made[:, :, ::-1])).save(out, quality=95)


if __name__ == "__main__":
    main()
