"""From picture files to feature maps: only what is new is computed, and everything done is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from qaconv_core.data.images import as_rgb
from qaconv_core.data.transforms import to_pixels
from qaconv_core.errors import ImageError, InputError
from qaconv_core.extraction.decoding import Decoded, decode_all, default_workers
from qaconv_core.extraction.delivery import Arrived, Delivery
from qaconv_core.extraction.map_writer import MapShape, MapWriter
from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.extraction.prefetch import one_ahead
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.store.keys import FileKey, file_keys
from qaconv_core.store.shelf import FeatureShelf
from qaconv_core.types import FeatureBank, Float32, ImageRef, Int64, Rejected

File = str | Path | ImageRef


@dataclass(frozen=True)
class Extraction:
    """Feature maps of a list of pictures.

    ``bank`` holds one map for each of ``kept``, the positions in the list that have one, in
    order; ``rejected`` names every file that has none, once, with the reason. ``cached`` and
    ``computed`` count distinct files: those found in the store, and those done now.
    """

    bank: FeatureBank
    kept: Int64
    rejected: tuple[Rejected, ...]
    cached: int
    computed: int
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.bank) != len(self.kept):
            raise InputError(f"{len(self.bank)} feature maps for {len(self.kept)} pictures")


def extract_features(
    network: nn.Module,
    files: Sequence[File],
    *,
    spec_shape: MapShape,
    input_size: tuple[int, int] = (384, 128),
    device: torch.device | str = "cpu",
    batch_size: int | None = None,
    workers: int | None = None,
    shelf: FeatureShelf | None = None,
    precision: str = "auto",
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    arrived: Arrived | None = None,
    stage: str = "features",
) -> Extraction:
    """Feature maps of picture ``files`` (paths or :class:`ImageRef`), float16.

    ``network`` maps (n, 3, H, W) in [0, 1] to (n, C, h, w); ``spec_shape`` is (C, h, w) and
    ``input_size`` (H, W). Maps that ``shelf`` holds are taken from there, the others are computed
    and put there as the work goes on; a file listed twice is computed once. ``workers`` is the
    number of decoding processes (None: what suits the machine; 0: none), ``precision`` see
    :func:`~qaconv_core.extraction.network_runner.resolve_precision`.

    ``arrived`` is called in the calling thread with the maps as the bank will have them, first
    those of the shelf, then each batch as it is done: every position of ``kept`` once, in the
    order of arrival. So a ranking can begin while the rest is computed.

    Files that cannot be read or decoded are rejected and the work goes on. When the shelf cannot
    be used, one warning is logged and the maps are kept in memory. Raises
    :class:`~qaconv_core.errors.Cancelled` between batches with everything done so far on the
    shelf, :class:`~qaconv_core.errors.MemoryLimitError` when the maps do not fit into memory.
    """
    if cancel is not None:
        cancel.raise_if_cancelled()
    plan = _plan(files)
    sink = MapWriter(plan.keys, spec_shape, shelf)
    todo = sink.missing()
    deliver = Delivery(plan.number, arrived)
    cached = len(plan.keys) - len(todo)
    bad: dict[int, str] = {}
    notes: list[str] = []
    total, ready = len(plan.keys) + len(plan.rejected), cached + len(plan.rejected)
    tracker = Tracker(stage, total, "images", progress, cancel, start=ready)
    deliver.stored(sink, todo, cancel)
    if len(todo):
        runner = NetworkRunner(network, device, precision, batch_size, input_size)
        if workers is None:
            workers = default_workers(len(todo), runner.device.type)
        paths = [plan.keys[i].path for i in todo]
        decoded = decode_all(paths, input_size, workers)
        bad = _compute(runner, todo, decoded, sink, deliver, tracker)
        notes += runner.notes
    kept, numbers = plan.positions(bad)
    rejected = [*plan.rejected, *(Rejected(plan.names[i], bad[i]) for i in sorted(bad))]
    bank = sink.bank(numbers)
    done = len(todo) - len(bad)
    return Extraction(bank, kept, tuple(rejected), cached, done, (*notes, *sink.notes))


@dataclass(frozen=True)
class _Plan:
    """The distinct files of a list: their keys and names, and which of them each position is."""

    keys: list[FileKey]
    names: list[Path]
    number: Int64
    rejected: list[Rejected]

    def positions(self, bad: dict[int, str]) -> tuple[Int64, Int64]:
        """Positions of the list that have a map, and the numbers of their files."""
        good = self.number >= 0
        if bad:
            good &= ~np.isin(self.number, list(bad))
        kept = np.flatnonzero(good)
        return kept, self.number[kept]


def _plan(files: Sequence[File]) -> _Plan:
    numbers: dict[FileKey, int] = {}
    names: list[Path] = []
    rejected: dict[Path, Rejected] = {}
    number = np.full(len(files), -1, dtype=np.int64)
    for i, (file, key) in enumerate(zip(files, file_keys(files), strict=True)):
        if isinstance(key, Rejected):
            rejected.setdefault(key.path, key)
            continue
        if key not in numbers:
            numbers[key] = len(names)
            names.append(file.path if isinstance(file, ImageRef) else Path(file))
        number[i] = numbers[key]
    return _Plan(list(numbers), names, number, list(rejected.values()))


def _compute(
    runner: NetworkRunner,
    todo: Int64,
    decoded: Generator[Decoded, None, None],
    sink: MapWriter,
    deliver: Delivery,
    tracker: Tracker,
) -> dict[int, str]:
    """Fill the sink with the maps of the files ``todo``; the reasons of those that have none."""
    bad: dict[int, str] = {}
    with (
        contextlib.closing(decoded),
        contextlib.closing(one_ahead(_batches(todo, decoded, runner, bad))) as batches,
    ):
        try:
            for taken, numbers, pixels in batches:
                if len(numbers):
                    maps = _checked(runner.maps(pixels), sink.shape).astype(np.float16)
                    sink.add(numbers, maps)
                    deliver(numbers, maps)
                tracker.advance(taken)
        finally:
            sink.flush()
    return bad


def _batches(
    todo: Int64, decoded: Iterable[Decoded], runner: NetworkRunner, bad: dict[int, str]
) -> Generator[tuple[int, Int64, npt.NDArray[np.uint8]], None, None]:
    """Pictures in batches of the runner's size: how many were looked at, which are good, pixels.

    The size is read anew for each batch, as the runner may lower it. Reasons are put into ``bad``.
    """
    taken, numbers, pixels = 0, [], []
    for number, picture in zip(todo.tolist(), decoded, strict=True):
        taken += 1
        if isinstance(picture, str):
            bad[number] = picture
        else:
            numbers.append(number)
            pixels.append(picture)
        if taken >= runner.batch:
            yield taken, np.array(numbers, dtype=np.int64), _stack(pixels)
            taken, numbers, pixels = 0, [], []
    if taken:
        yield taken, np.array(numbers, dtype=np.int64), _stack(pixels)


def _stack(pixels: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    return np.stack(pixels) if pixels else np.empty((0, 3, 0, 0), dtype=np.uint8)


def _checked(maps: Float32, shape: MapShape) -> Float32:
    if maps.shape[1:] != tuple(shape):
        raise InputError(
            f"the network gives feature maps of shape {maps.shape[1:]} (C, h, w), "
            f"but {tuple(shape)} was expected; check the input size"
        )
    return maps


def extract_arrays(
    network: nn.Module,
    images: Sequence[Any],
    *,
    input_size: tuple[int, int] = (384, 128),
    device: torch.device | str = "cpu",
    batch_size: int | None = None,
    precision: str = "auto",
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    spec_shape: MapShape | None = None,
) -> Float32:
    """Feature maps of pictures in memory, float32, shape (n, C, h, w).

    ``images`` are paths, PIL pictures or uint8 arrays (H, W, 3). Raises :class:`ImageError` that
    names the first bad one (by its path, or by its number, from 0). ``spec_shape`` (C, h, w) is
    only needed for an empty list, whose result is then (0, C, h, w).
    """
    if not len(images):
        return np.empty((0, *(spec_shape or (0, 0, 0))), dtype=np.float32)
    runner = NetworkRunner(network, device, precision, batch_size, input_size)
    tracker = Tracker("features", len(images), "images", progress, cancel)
    parts, start = [], 0
    while start < len(images):
        batch = images[start : start + runner.batch]
        pixels = [_pixels(image, start + i, input_size) for i, image in enumerate(batch)]
        parts.append(runner.maps(np.stack(pixels)))
        start += len(batch)
        tracker.advance(len(batch))
    return np.concatenate(parts)


def _pixels(image: Any, number: int, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    try:
        return to_pixels(as_rgb(image.path if isinstance(image, ImageRef) else image), size)
    except ImageError as error:
        if isinstance(image, (str, Path, ImageRef)):
            raise  # it names the file
        raise ImageError(f"image {number}: {error}") from error
