"""Label maps: which part of the person, or what else, every pixel of a synthetic picture shows.

``qaconv people --labels`` writes them as 8-bit PNG files into ``labels/`` beside the folders of
pictures, under the same names; their numbers are those of :data:`LABELS`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from qaconv_core.data.images import check_size
from qaconv_core.errors import ImageError, InputError
from qaconv_core.types import Dataset, Grid, ImageRef

__all__ = [
    "LABELS",
    "PERSON",
    "Labels",
    "cell_labels",
    "has_label_maps",
    "label_path",
    "read_label_file",
    "read_label_map",
]

LABELS = (
    "background", "face", "hair", "hat", "upper garment", "lower garment", "shoes", "bag", "arm",
    "leg", "thing", "other person", "occluder",
)  # fmt: skip
"""Meaning of the numbers in a label map. Bare skin is ``face`` (with the neck), ``arm`` (with the
hand) or ``leg``; ``thing`` is what the person carries or rides beside bags; ``occluder`` is what
stands in front of the person; background people far behind are ``other person`` too."""

(BACKGROUND, FACE, HAIR, HAT, UPPER, LOWER, SHOES, BAG, ARM, LEG, THING, OTHER, OCCLUDER) = range(
    len(LABELS)
)

PERSON = frozenset(range(len(LABELS))) - {BACKGROUND, OTHER, OCCLUDER}
"""Labels that belong to the person whom the picture is of."""


Labels = npt.NDArray[np.uint8]
"""(H, W) or (h, w): the label of each pixel or cell."""


def label_path(picture: Path, labels: Path | None = None) -> Path:
    """Where the label map of ``picture`` is: ``…/query/a.jpg`` → ``…/labels/query/a.png``.

    ``labels`` stands for ``…/labels`` where the maps are kept elsewhere. The one rule for training
    and for the measures of explanations.
    """
    folder = picture.parent
    root = folder.parent / "labels" if labels is None else labels
    return (root / folder.name / picture.name).with_suffix(".png")


def has_label_maps(dataset: Dataset) -> bool:
    """Whether the pictures have label maps beside them, judged by the first query."""
    return bool(len(dataset.query)) and label_path(dataset.query[0].path).is_file()


def read_label_map(ref: ImageRef) -> Labels:
    """The label map of a picture, (H, W), of :data:`LABELS`. Raises :class:`ImageError`."""
    path = label_path(ref.path)
    labels = read_label_file(path)
    if labels.max(initial=0) >= len(LABELS):
        raise ImageError(
            f"{path}: label {labels.max()} is unknown; known are 0 to {len(LABELS) - 1}"
        )
    return labels


def read_label_file(path: str | Path) -> Labels:
    """Any label map, (H, W), whatever its numbers mean.

    Raises :class:`ImageError`, naming the file, for what is not a PNG of small numbers.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            check_size(*image.size)
            if image.mode not in ("L", "P", "1"):
                raise ImageError(f"has mode {image.mode}; a label map holds one number a pixel")
            return np.array(image, dtype=np.uint8)
    except FileNotFoundError:
        raise ImageError(f"{path}: no label map; qaconv people --labels writes them") from None
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    except Exception as error:
        # Pillow's decoders raise many unrelated types.
        raise ImageError(f"{path}: not a label map that can be read ({error})") from None


def cell_labels(labels: Labels, grid: Grid) -> Labels:
    """The commonest label in every cell, (h, w), of a label map (H, W) of any size.

    Ties go to the lower number. A map smaller than the grid is looked up at the cells' centres.
    """
    if labels.ndim != 2 or labels.size == 0:
        raise InputError(f"a label map needs shape (H, W), not {labels.shape}")
    h, w = grid
    out = np.zeros(grid, dtype=np.uint8)
    rows = np.linspace(0, labels.shape[0], h + 1)
    columns = np.linspace(0, labels.shape[1], w + 1)
    for r in range(h):
        top, bottom = _span(rows[r], rows[r + 1])
        for c in range(w):
            left, right = _span(columns[c], columns[c + 1])
            out[r, c] = np.bincount(labels[top:bottom, left:right].ravel()).argmax()
    return out


def _span(begin: float, end: float) -> tuple[int, int]:
    first = round(begin)
    last = round(end)
    return (first, last) if last > first else (int((begin + end) / 2), int((begin + end) / 2) + 1)
