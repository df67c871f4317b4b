"""The pictures of a training set, resized, in memory where they fit."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qaconv_core.device import available_memory
from qaconv_core.extraction.decoding import decode_all
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker, raise_if_cancelled
from qaconv_core.threads import usable_cores
from qaconv_core.training.augmentation import Item, resized_label_map, resized_picture
from qaconv_core.training.people import TrainingSet
from qaconv_core.training.transforms import Pixels

CACHE_SHARE = 2
"""At most one part in this many of the free memory is filled with decoded pictures."""


@dataclass(frozen=True)
class PictureCache:
    """The pictures of a training set, resized to ``size`` (H, W), in memory or on disk.

    ``pixels`` (n, H, W, 3) and ``labels`` (n, H, W) are there when they fit into memory.
    """

    people: TrainingSet
    size: tuple[int, int]
    pixels: Pixels | None = None
    labels: Pixels | None = None

    def picture(self, index: int) -> Pixels:
        """Picture ``index``, (H, W, 3). Raises :class:`ImageError` when it cannot be read now."""
        if self.pixels is not None:
            return self.pixels[index]
        return resized_picture(self.people.refs[index].path, self.size)

    def label_map(self, index: int) -> Pixels | None:
        """Label map of picture ``index``, (H, W), None where it has none."""
        path = self.people.label_maps[index]
        if path is None:
            return None
        return self.labels[index] if self.labels is not None else resized_label_map(path, self.size)

    def item(self, position: int, index: int, behind: int | None = None) -> Item:
        """Picture ``index`` at ``position`` of an epoch, before picture ``behind`` where it can:
        from memory, or the files to read."""
        picture, mask = self._sources(index)
        backdrop = None
        if behind is not None and mask is not None:
            surroundings, surroundings_map = self._sources(behind)
            if surroundings_map is not None:
                backdrop = surroundings, surroundings_map
        return Item(position, picture, mask, backdrop)

    def _sources(self, index: int) -> tuple[Pixels | Path, Pixels | Path | None]:
        picture = self.people.refs[index].path if self.pixels is None else self.pixels[index]
        mask = self.people.label_maps[index]
        return picture, mask if mask is None or self.labels is None else self.labels[index]


def open_book(
    people: TrainingSet,
    size: tuple[int, int],
    *,
    workers: int | None = None,
    memory: int | None = None,
    ranks: int = 1,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> PictureCache:
    """Read every picture once; leave out what cannot be read, keep the rest where it fits.

    ``memory`` are bytes that may be filled (None: half of what is free, shared with the other
    ``ranks`` of this training, which are taken to run on the same machine). Pictures left out
    are in ``book.people.rejected``; a label map that cannot be read raises :class:`ImageError`,
    because silence would train on wrong labels.
    """
    n, (height, width) = len(people), size
    depth = 4 if people.has_label_maps else 3
    if memory is None:
        memory = available_memory("cpu") // (CACHE_SHARE * ranks)
    keep = n * height * width * depth <= memory
    pixels = np.empty((n, height, width, 3), np.uint8) if keep else None
    bad: dict[int, str] = {}
    paths = [str(ref.path) for ref in people.refs]
    if workers is None:
        workers = default_workers("cuda") if n >= 256 else 0
    tracker = Tracker("reading pictures", n, "images", progress, cancel)
    with closing(decode_all(paths, size, workers, cancel)) as decoded:
        for i, found in enumerate(decoded):
            if isinstance(found, str):
                bad[i] = found
            elif pixels is not None:
                pixels[i] = found.transpose(1, 2, 0)
            tracker.advance()
    left = people.without(bad)
    kept = np.array([i for i in range(n) if i not in bad], dtype=np.int64)
    if pixels is not None and bad:
        pixels = pixels[kept]
    labels = _label_maps(left, size, cancel) if keep and people.has_label_maps else None
    return PictureCache(left, size, pixels, labels)


def _label_maps(people: TrainingSet, size: tuple[int, int], cancel: CancelToken | None) -> Pixels:
    labels = np.zeros((len(people), *size), np.uint8)
    for i, path in enumerate(people.label_maps):
        raise_if_cancelled(cancel)
        if path is not None:
            labels[i] = resized_label_map(path, size)
    return labels


def default_workers(device_type: str) -> int:
    """Processes that change pictures: little work beside a CPU's network, much beside a GPU's."""
    cores = usable_cores()
    if device_type == "cpu":
        return 0 if cores == 1 else min(4, max(1, cores // 4))
    return min(8, cores - 1)
