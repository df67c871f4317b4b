"""Copies a set in Market-1501's layout and gives every camera a strong cast of its own.

White balance, gamma, saturation and blur are drawn once for each camera, so that pictures of one
camera look alike and those of two do not. Used for docs/normalisation.md. Usage:

    python tools/cast_cameras.py SET OUT --seed 7
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

FOLDERS = ("bounding_box_train", "query", "bounding_box_test")
CAMERA = re.compile(r"_c(\d+)s")


def cast(picture: Image.Image, camera: int, seed: int) -> Image.Image:
    """The picture as the camera of that number would show it."""
    rng = np.random.default_rng([seed, camera])
    gain, gamma = rng.uniform(0.6, 1.35, 3), rng.uniform(0.6, 1.6)
    saturation, blur = rng.uniform(0.3, 1.2), rng.uniform(0.0, 1.2)
    blurred = picture.convert("RGB").filter(ImageFilter.GaussianBlur(blur))
    pixels = (np.asarray(blurred) / 255.0) ** gamma * gain
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * saturation
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def main() -> None:
    """Write the copy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    for folder in FOLDERS:
        for file in sorted((options.set / folder).glob("*.jpg")):
            found = CAMERA.search(file.name)
            if found is None:
                raise SystemExit(f"{file}: no camera in the name, e.g. 0001_c1s1_000123_00.jpg")
            out = options.out / folder / file.name
            out.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(file) as picture:
                cast(picture, int(found[1]), options.seed).save(out, quality=95)


if __name__ == "__main__":
    main()
