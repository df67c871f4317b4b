"""Training pictures as the network gets them: read, changed at random, put together to batches."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from qaconv_core.data.images import read_image
from qaconv_core.data.label_maps import read_label_file
from qaconv_core.data.transforms import to_pixels
from qaconv_core.device import available_memory, usable_cores
from qaconv_core.errors import InputError
from qaconv_core.matching.decoding import decode_all
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.training.parts import MIXED, cell_parts
from qaconv_core.training.people import TrainingSet
from qaconv_core.training.recipes import Augmentation
from qaconv_core.training.transforms import augment, cell_places
from qaconv_core.types import Grid, Int64

Pixels = npt.NDArray[np.uint8]
CACHE_SHARE = 2
"""At most one part in this many of the free memory is filled with decoded pictures."""


@dataclass(frozen=True)
class Samples:
    """A batch before the network: ``pixels`` (n, 3, H, W) uint8, ``labels`` (n,) classes,
    ``pictures`` (n,) places in the training set; ``parts`` (n, h·w) and ``places`` (n, h·w, 2)
    as the scratch loss wants them (None where no label map, or nobody, asks)."""

    pixels: torch.Tensor
    labels: torch.Tensor
    pictures: torch.Tensor
    parts: torch.Tensor | None = None
    places: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def pin_memory(self) -> Samples:
        """A copy from which a GPU can read while the CPU goes on (called by the loader)."""
        tensors = {name: value for name, value in vars(self).items() if value is not None}
        return Samples(**{name: value.pin_memory() for name, value in tensors.items()})


@dataclass(frozen=True)
class PictureBook:
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
        pixels = to_pixels(read_image(self.people.refs[index].path), self.size)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def label_map(self, index: int) -> Pixels | None:
        """Label map of picture ``index``, (H, W), None where it has none."""
        path = self.people.label_maps[index]
        if path is None:
            return None
        return self.labels[index] if self.labels is not None else resized_label_map(path, self.size)


def resized_label_map(path: str | Path, size: tuple[int, int]) -> Pixels:
    """A label map as uint8 (H, W), resized without mixing labels; :class:`ImageError` as read."""
    image = Image.fromarray(read_label_file(path))
    return np.array(image.resize((size[1], size[0]), Image.Resampling.NEAREST), dtype=np.uint8)


def open_book(
    people: TrainingSet,
    size: tuple[int, int],
    *,
    workers: int | None = None,
    memory: int | None = None,
    ranks: int = 1,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> PictureBook:
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
    with closing(decode_all(paths, size, workers)) as decoded:
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
    labels = _label_maps(left, size) if keep and people.has_label_maps else None
    return PictureBook(left, size, pixels, labels)


def _label_maps(people: TrainingSet, size: tuple[int, int]) -> Pixels:
    labels = np.zeros((len(people), *size), np.uint8)
    for i, path in enumerate(people.label_maps):
        if path is not None:
            labels[i] = resized_label_map(path, size)
    return labels


def default_workers(device_type: str) -> int:
    """Processes that change pictures: little work beside a CPU's network, much beside a GPU's."""
    cores = usable_cores()
    if device_type == "cpu":
        return 0 if cores == 1 else min(4, max(1, cores // 4))
    return min(8, cores - 1)


class _Changed(Dataset[dict[str, Any]]):
    """One changed picture for (position in the epoch, place in the set)."""

    def __init__(
        self,
        book: PictureBook,
        change: Augmentation,
        grid: Grid,
        wants: tuple[bool, bool],
        seed: tuple[int, int],
    ) -> None:
        self.book, self.change, self.grid = book, change, grid
        self.wants_parts, self.wants_places = wants
        self.seed = seed

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        position, index = key
        random = np.random.default_rng((*self.seed, position))
        mask = self.book.label_map(index) if self.wants_parts else None
        view = augment(self.book.picture(index), mask, self.change, random)
        item: dict[str, Any] = {
            "pixels": np.ascontiguousarray(view.pixels.transpose(2, 0, 1)),
            "pictures": index,
            "labels": int(self.book.people.labels[index]),
        }
        if self.wants_parts:
            cells = self.grid[0] * self.grid[1]
            item["parts"] = (
                np.full(cells, MIXED, np.int64)
                if view.labels is None
                else cell_parts(view.labels, self.grid)
            )
        if self.wants_places:
            item["places"] = cell_places(view.to_source, self.book.size, self.grid)
        return item


def load_batches(
    book: PictureBook,
    plan: Int64,
    change: Augmentation,
    *,
    grid: Grid,
    seed: int,
    epoch: int,
    start: int = 0,
    share: tuple[int, int] = (0, 1),
    wants_places: bool = False,
    workers: int = 0,
    pin: bool = False,
) -> Iterator[Samples]:
    """The batches of ``plan`` (batches, size) from number ``start`` on, changed at random.

    ``share`` (rank, ranks) takes one equal piece of every batch. What happens to a picture depends
    on ``seed``, ``epoch`` and its place in the plan alone. Raises :class:`ImageError` when a
    picture has become unreadable since it was checked.
    """
    rank, ranks = share
    batches, size = plan.shape
    if size % ranks:
        raise InputError(
            f"a batch of {size} pictures cannot be shared by {ranks} processes equally"
        )
    piece = slice(rank * size // ranks, (rank + 1) * size // ranks)
    keys = [
        [(b * size + i, int(plan[b, i])) for i in range(size)[piece]] for b in range(start, batches)
    ]
    wants = (book.people.has_label_maps, wants_places)
    # Epoch first: seeds of neighbouring epochs must not share positions.
    dataset = _Changed(book, change, grid, wants, (seed, epoch + 1))
    loader = DataLoader(
        dataset,
        batch_sampler=keys,
        num_workers=workers,
        collate_fn=_together,
        pin_memory=pin,
        worker_init_fn=_start_worker,
    )
    return iter(loader)


def _start_worker(number: int) -> None:
    """A worker must not die of Ctrl-C, which would break the batch in hand, nor wait for OpenCV's
    threads, which it has not inherited."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(0)


def _together(items: Sequence[dict[str, Any]]) -> Samples:
    def stack(name: str) -> torch.Tensor | None:
        if name not in items[0]:
            return None
        return torch.from_numpy(np.stack([item[name] for item in items]))

    def numbers(name: str) -> torch.Tensor:
        return torch.tensor([item[name] for item in items], dtype=torch.int64)

    pixels = stack("pixels")
    assert pixels is not None
    return Samples(pixels, numbers("labels"), numbers("pictures"), stack("parts"), stack("places"))
