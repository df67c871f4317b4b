"""Pictures that look like whole scenes: matching takes every picture as one person.

People stand upright in their crops. A picture that is wider than tall, or has far more pixels than
a crop, is likely to be a whole frame of a camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qaconv_core.data.images import picture_size
from qaconv_core.errors import ImageError
from qaconv_core.readable import shown

LARGEST_CROP = 2_000_000
"""Pixels; a crop of a person rarely has so many, a frame in full HD has."""
WAY_OUT = "crop the person first, or let qaconv detect find people in it"
BY_COMMAND = "let qaconv detect find them"
_SAMPLED = 64
_FEW = 0.1  # a share of wide pictures that any set of crops may hold


def looks_like_scene(width: int, height: int) -> bool:
    """Whether a picture of so many pixels is rather a scene than one person."""
    return width > height or width * height > LARGEST_CROP


def query_scene(path: Path) -> str:
    """That a query picture looks like a scene, and what to do; "" where it does not.

    What cannot be read is left to whoever reads it.
    """
    size = _size(path)
    if size is None or not looks_like_scene(*size):
        return ""
    return (
        f"{shown(path.name)} ({size[0]} × {size[1]} pixels) looks like a whole scene and is "
        f"searched as one person: {WAY_OUT}"
    )


def gallery_scenes(paths: Sequence[Path]) -> str:
    """That a gallery seems to hold scenes, and what to do; "" where it does not.

    A sample of it is looked at, spread evenly.
    """
    return scenes_among(_sample(paths), len(paths), "gallery pictures")


def mostly_scenes(paths: Sequence[Path]) -> bool:
    """Whether more than half of a sample of pictures, spread evenly, look like whole scenes."""
    sizes = _sample(paths)
    return 2 * sum(looks_like_scene(*size) for size in sizes) > len(sizes)


def _sample(paths: Sequence[Path]) -> list[tuple[int, int]]:
    """(width, height) in pixels of those of a sample that can be read."""
    step = max(1, len(paths) // _SAMPLED)
    return [size for size in map(_size, paths[::step][:_SAMPLED]) if size is not None]


def scenes_among(sizes: Sequence[tuple[int, int]], pictures: int, name: str = "pictures") -> str:
    """That so many pictures, called ``name``, seem to hold scenes, and what to do; else "".

    ``sizes`` are (width, height) of a sample of them in pixels.
    """
    scenes = sum(looks_like_scene(*size) for size in sizes)
    if not sizes or scenes <= _FEW * len(sizes):
        return ""
    of = f"{scenes} of {len(sizes)}" + (" looked at" if len(sizes) < pictures else "")
    return (
        f"{name} look like whole scenes ({of} are wider than tall or very large); each "
        f"is matched as one person: crop people first, or {BY_COMMAND}"
    )


def _size(path: Path) -> tuple[int, int] | None:
    try:
        return picture_size(path)
    except ImageError:
        return None
