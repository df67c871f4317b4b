"""Feature maps of picture files: only missing ones are computed, and computed ones are kept."""

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
from qaconv_core.extraction.completed_maps import CompletedMaps, OnMaps
from qaconv_core.extraction.decoding import Decoded, decode_all, default_workers
from qaconv_core.extraction.map_writer import MapShape, MapWriter
from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.extraction.prefetch import prefetched
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker, raise_if_cancelled
from qaconv_core.store.keys import FileKey, file_keys
from qaconv_core.store.shelf import FeatureShelf
from qaconv_core.types import FeatureBank, Float32, ImageRef, Int64, Rejected

File = str | Path | ImageRef


@dataclass(frozen=True)
class Extraction:
    """Feature maps of a list of pictures.

    ``kept`` (n,) are the positions in the list that have a map, ascending, and ``bank`` holds the
    map of each. ``rejected`` names every file that has none, once, with the reason. ``cached`` and
    ``computed`` count distinct files: those found in the store, and those computed now.
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
    on_maps: OnMaps | None = None,
    stage: str = "features",
) -> Extraction:
    """Feature maps of picture ``files`` (paths or :class:`ImageRef`), float16.

    ``network`` maps (n, 3, H, W) in [0, 1] to (n, C, h, w). ``spec_shape`` is (C, h, w) and
    ``input_size`` (H, W). Maps that ``shelf`` holds are read from there; the others are computed
    and written there batch by batch. A file listed twice is computed once. ``workers`` is the
    number of decoding processes (None: what suits the machine; 0: none). For ``precision`` see
    :func:`~qaconv_core.device.resolve_precision`.

    ``on_maps`` is called in the calling thread with positions and maps as ``bank`` will have them:
    first those of the shelf, then each batch when it is done. Every position of ``kept`` is
    reported once. So a ranking can begin while the rest is computed.

    Files that cannot be read or decoded are rejected and the work goes on. When the shelf cannot
    be used, one warning is logged and the maps are kept in memory. Raises
    :class:`~qaconv_core.errors.Cancelled` between batches, with everything computed so far on the
    shelf, and :class:`~qaconv_core.errors.MemoryLimitError` when the maps do not fit into memory.
    """
    raise_if_cancelled(cancel)
    plan = _plan(files)
    writer = MapWriter(plan.keys, spec_shape, shelf)
    todo = writer.missing()
    completed = CompletedMaps(plan.number, on_maps)
    cached = len(plan.keys) - len(todo)
    bad: dict[int, str] = {}
    notes: list[str] = []
    total, ready = len(plan.keys) + len(plan.rejected), cached + len(plan.rejected)
    tracker = Tracker(stage, total, "images", progress, cancel, start=ready)
    completed.report_stored(writer, todo, cancel)
    if len(todo):
        runner = NetworkRunner(network, device, precision, batch_size, input_size, cancel=cancel)
        if workers is None:
            workers = default_workers(len(todo), runner.device.type)
        paths = [plan.keys[i].path for i in todo]
        decoded = decode_all(paths, input_size, workers, cancel)
        bad = _compute(runner, todo, decoded, writer, completed, tracker)
        notes += runner.notes
    kept, numbers = plan.positions(bad)
    rejected = [*plan.rejected, *(Rejected(plan.names[i], bad[i]) for i in sorted(bad))]
    bank = writer.bank(numbers)
    done = len(todo) - len(bad)
    return Extraction(bank, kept, tuple(rejected), cached, done, (*notes, *writer.notes))


@dataclass(frozen=True)
class _Plan:
    """The distinct files of a list, and for each position the number of its file (−1: none)."""

    keys: list[FileKey]
    names: list[Path]
    number: Int64
    rejected: list[Rejected]

    def positions(self, bad: dict[int, str]) -> tuple[Int64, Int64]:
        """Positions in the list that have a map, and the numbers of their files."""
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
    writer: MapWriter,
    completed: CompletedMaps,
    tracker: Tracker,
) -> dict[int, str]:
    """Give maps of the files ``todo`` to ``writer``; returns why others have none, by number."""
    bad: dict[int, str] = {}
    with (
        contextlib.closing(decoded),
        contextlib.closing(prefetched(_batches(todo, decoded, runner, bad))) as batches,
    ):
        try:
            for taken, numbers, pixels in batches:
                if len(numbers):
                    maps = _checked(runner.maps(pixels), writer.shape).astype(np.float16)
                    writer.add(numbers, maps)
                    completed.report(numbers, maps)
                tracker.advance(taken)
        finally:
            writer.flush()
    return bad


def _batches(
    todo: Int64, decoded: Iterable[Decoded], runner: NetworkRunner, bad: dict[int, str]
) -> Generator[tuple[int, Int64, npt.NDArray[np.uint8]], None, None]:
    """Batches of pictures: how many files were decoded, numbers of the good ones, and pixels.

    The runner may lower its batch size meanwhile, so that is read for each batch. Why a file cannot
    be decoded is put into ``bad``.
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
    parts = []
    for start in range(0, len(images), runner.batch):
        batch = images[start : start + runner.batch]
        pixels = [_pixels(image, start + i, input_size) for i, image in enumerate(batch)]
        parts.append(runner.maps(np.stack(pixels)))
    return np.concatenate(parts)


def _pixels(image: Any, number: int, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    try:
        return to_pixels(as_rgb(image.path if isinstance(image, ImageRef) else image), size)
    except ImageError as error:
        if isinstance(image, (str, Path, ImageRef)):
            raise  # it names the file
        raise ImageError(f"image {number}: {error}") from error
