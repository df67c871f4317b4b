"""What a worker does to the pictures of a batch: read, change at random, stack. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from qaconv_core.data.images import read_image
from qaconv_core.data.label_maps import read_label_file
from qaconv_core.data.transforms import to_pixels
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.training.cells import MIXED, cell_parts
from qaconv_core.training.recipes import Augmentation
from qaconv_core.training.transforms import Pixels, View, augment, cell_places
from qaconv_core.types import Grid

Stacked = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Change:
    """How the pictures of an epoch are changed: ``size`` (H, W) and ``grid`` of the network's
    input, whether ``parts`` and ``places`` of the cells are wanted, and where chance begins."""

    augmentation: Augmentation
    size: tuple[int, int]
    grid: Grid
    wants_parts: bool
    wants_places: bool
    seed: tuple[int, int]


@dataclass(frozen=True)
class Item:
    """One place of a batch: ``position`` in the epoch, and picture and label map, each resized
    (H, W, 3), (H, W), or the file that it is read from; ``label_map`` None where there is none.
    ``backdrop`` is another picture of the batch with its label map, None where it is not needed."""

    position: int
    picture: Pixels | Path
    label_map: Pixels | Path | None
    backdrop: tuple[Pixels | Path, Pixels | Path] | None = None


def change_pictures(
    change: Change, items: Sequence[Item], cancel: CancelToken | None = None
) -> Stacked:
    """``pixels`` (n, 3, H, W) uint8, on request ``parts`` (n, h·w) and ``places`` (n, h·w, 2).

    What happens to a picture depends on the seed and its position alone. Raises
    :class:`ImageError` for a file that cannot be read, and
    :class:`~qaconv_core.errors.Cancelled` before a picture.
    """
    cv2.setNumThreads(0)
    views = [_view(change, item, cancel) for item in items]
    out: Stacked = {"pixels": np.stack([view.pixels.transpose(2, 0, 1) for view in views])}
    if change.wants_parts:
        out["parts"] = np.stack([_parts(view, change.grid) for view in views])
    if change.wants_places:
        out["places"] = np.stack(
            [cell_places(view.to_source, change.size, change.grid) for view in views]
        )
    return out


def _view(change: Change, item: Item, cancel: CancelToken | None) -> View:
    raise_if_cancelled(cancel)
    random = np.random.default_rng((*change.seed, item.position))
    picture = _picture(item.picture, change.size)
    mask = None if item.label_map is None else _label_map(item.label_map, change.size)
    backdrop = None
    if item.backdrop is not None:
        behind, behind_map = item.backdrop
        backdrop = _picture(behind, change.size), _label_map(behind_map, change.size)
    return augment(picture, mask, change.augmentation, random, backdrop)


def _picture(source: Pixels | Path, size: tuple[int, int]) -> Pixels:
    return resized_picture(source, size) if isinstance(source, Path) else source


def _label_map(source: Pixels | Path, size: tuple[int, int]) -> Pixels:
    return resized_label_map(source, size) if isinstance(source, Path) else source


def _parts(view: View, grid: Grid) -> npt.NDArray[np.int64]:
    if view.labels is None:
        return np.full(grid[0] * grid[1], MIXED, np.int64)
    return cell_parts(view.labels, grid)


def resized_picture(path: str | Path, size: tuple[int, int]) -> Pixels:
    """A picture as uint8 (H, W, 3). Raises :class:`ImageError` when it cannot be read."""
    return np.ascontiguousarray(to_pixels(read_image(path), size).transpose(1, 2, 0))


def resized_label_map(path: str | Path, size: tuple[int, int]) -> Pixels:
    """A label map as uint8 (H, W), resized without mixing labels; :class:`ImageError` as read."""
    image = Image.fromarray(read_label_file(path))
    return np.array(image.resize((size[1], size[0]), Image.Resampling.NEAREST), dtype=np.uint8)
