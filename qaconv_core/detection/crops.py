"""Crops of people: cut out of their scene with a little room around them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from qaconv_core.detection.boxes import PersonBox
from qaconv_core.errors import InputError
from qaconv_core.readable import shown
from qaconv_core.store.atomic import reason

FOLDER = "crops"
BOXES, PICTURES = "boxes.csv", "pictures.csv"
"""The tables beside that folder; see :mod:`qaconv_core.detection.tables`."""
JOURNAL = ".detect.jsonl"
"""What a run that was stopped goes on by, beside that folder too."""
PART = ".crop.part"
MARGIN = 0.03
"""Room on each side of a box, as a share of its height; never beyond the picture."""
QUALITY = 95


def crop_name(source: str, frame: int, number: int, video: bool) -> str:
    """Path of a crop below the output folder, with ``/``.

    ``c1.mp4/000120_02.jpg`` is the second person (from 1) in frame 120; ``gate/a.jpg_02.jpg`` the
    second one on a picture. Bytes and signs that cannot stand in a table become ``_``.
    """
    safe = shown(source).replace("\\", "_")
    place = f"{safe}/{frame:06d}" if video else safe
    return f"{FOLDER}/{place}_{number:02d}.jpg"


def output_of(crop: Path) -> Path | None:
    """The output folder that a crop lies in; None where it lies in none."""
    folders = (folder for folder in crop.parents if folder.name == FOLDER)
    return next((folder.parent for folder in folders if is_output(folder.parent)), None)


def is_output(folder: Path) -> bool:
    """Whether people were written into a folder before, as crops and tables."""
    tables = (folder / BOXES).is_file() and (folder / PICTURES).is_file()
    return tables or (folder / JOURNAL).is_file()


def cut(
    picture: npt.NDArray[np.uint8], box: PersonBox, margin: float = MARGIN
) -> npt.NDArray[np.uint8]:
    """The part of a picture (h, w, 3) within a box and its margin; at least one pixel."""
    high, wide = picture.shape[:2]
    room = margin * box.h
    left = min(max(math.floor(box.x - room), 0), wide - 1)
    top = min(max(math.floor(box.y - room), 0), high - 1)
    right = max(min(math.ceil(box.x + box.w + room), wide), left + 1)
    bottom = max(min(math.ceil(box.y + box.h + room), high), top + 1)
    return picture[top:bottom, left:right]


def write_crop(root: Path, name: str, crop: npt.NDArray[np.uint8]) -> None:
    """Write a crop as JPEG to ``name`` below ``root``, whole or not at all.

    Its folder is made. The disk is not waited for: there are thousands, and they can be made again.
    What a killed program leaves of one is replaced by the next. Raises :class:`InputError`.
    """
    path, part = root / name, root / PART
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(crop)).save(
            part, "JPEG", quality=QUALITY, subsampling=0
        )
        os.replace(part, path)
    except OSError as cause:
        part.unlink(missing_ok=True)
        raise InputError(f"{shown(path)}: cannot be written ({reason(cause)})") from cause
