"""How long an adaptation takes and how much memory, before it starts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from qaconv_core.adaptation.grouping import MOST_TOGETHER
from qaconv_core.adaptation.learning import MOST_LEARNED, adapting_recipe, epochs_of, passes
from qaconv_core.adaptation.neighbours import KEPT, bytes_of_pairs, pairs_of_stages
from qaconv_core.adaptation.pictures import unlabelled
from qaconv_core.adaptation.replay import replayed_count
from qaconv_core.adaptation.values import AdaptationJob
from qaconv_core.device import available_memory, format_bytes, resident_memory, resolve_device
from qaconv_core.errors import DatasetError, ImageError, MemoryLimitError
from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.matching.plan import cpu_workers
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.camera_correction import MOST_PICTURES, pictures_to_fit
from qaconv_core.models.checkpoints import Checkpoint, load_checkpoint
from qaconv_core.progress import CancelToken, Phase
from qaconv_core.readable import counted
from qaconv_core.training.augmentation import resized_picture
from qaconv_core.training.memory import step_bytes
from qaconv_core.training.pictures import CACHE_SHARE, PictureCache
from qaconv_core.training.transforms import Pixels

LEARNING_COST = 4.0
"""What a picture costs in training, in forward passes."""
LEARNED_SHARE = 0.8
"""Share of the pictures that are in groups, about."""
CHECKED = 300
"""Pictures that a round's check and calibration look at, about."""
CHECK_STAGE, MIRRORED_STAGE = "checking: features", "checking: mirrored pictures"
"""What a check of a round reports as its stage, and the last one, with mirrored pictures too."""
_LIBRARY_BYTES = 700 << 20
_PROBE = 24
_NEAR_BYTES = 288 * KEPT  # lists, sparse distances and what they are made of, a picture
_TREE_BYTES = 14  # distances of a part's pictures, and SciPy's copies


@dataclass(frozen=True)
class Steps:
    """Seconds of the steps of one round; ``pairs`` are those of comparing pictures, by stage.
    ``mirrored`` pictures are checked once, at the end."""

    features: float
    pairs: Mapping[str, float]
    learning: float
    cameras: float
    checking: float
    mirrored: float = 0.0

    @property
    def whole(self) -> float:
        """Seconds of the round."""
        pairs = sum(self.pairs.values())
        return self.features + pairs + self.learning + self.cameras + self.checking


@dataclass(frozen=True)
class Forecast:
    """Seconds and bytes that an adaptation takes, as measured by a short trial.

    ``memory_bytes`` are needed beside the ``held_bytes`` that the program has already (0 where that
    is not known).
    """

    pictures: int
    rounds: int
    steps: Steps
    memory_bytes: int
    available_bytes: int
    held_bytes: int = 0

    def phases(self, epochs: int) -> list[Phase]:
        """The steps of all rounds by the stages that they report, with ``epochs`` a round."""
        steps, found = self.steps, []
        planned = epochs_of(_learned(self.pictures), epochs)
        for number in range(1, self.rounds + 1):
            parts = [(steps.features, ["grouping: features"]),
                     *((seconds, [stage]) for stage, seconds in steps.pairs.items())]  # fmt: skip
            for epoch in range(1, epochs + 1):
                # Fewer epochs than asked for are made of many pictures.
                names = [f"epoch {epoch}/{last}" for last in range(epoch, epochs + 1)]
                parts.append((steps.learning / planned if epoch <= planned else 0.0, names))
            parts.append((steps.cameras, ["learning: cameras"]))
            parts.append((steps.checking, [CHECK_STAGE]))
            if number == self.rounds:
                parts.append((steps.mirrored, [MIRRORED_STAGE]))
            found += [
                Phase(seconds, tuple(stage_of(number, self.rounds, name) for name in names))
                for seconds, names in parts
            ]
        return found

    @property
    def seconds(self) -> float:
        """Seconds of all rounds."""
        return self.rounds * self.steps.whole + self.steps.mirrored

    def describe(self) -> str:
        """One line for people."""
        minutes = self.seconds / 60
        took = counted(round(minutes), "minute") if minutes < 120 else f"{minutes / 60:.1f} hours"
        rounds = counted(self.rounds, "round")
        held = f"{format_bytes(self.held_bytes)} in use already, " if self.held_bytes else ""
        return (
            f"{rounds}: about {took} at the speed that this machine has now, at most "
            f"{format_bytes(self.memory_bytes + self.held_bytes)} of memory "
            f"({held}{format_bytes(self.available_bytes)} free)"
        )


def _learned(pictures: int) -> float:
    """Pictures that a round learns from, rendered ones among them, about."""
    own = min(LEARNED_SHARE * pictures, MOST_LEARNED)
    return own + replayed_count(own)


def _looked_at(book: PictureCache, channels: int) -> int:
    """Pictures that show what the cameras do, rendered ones among them, about."""
    own = len(pictures_to_fit(book.people.cameras, channels))
    return own + MOST_PICTURES if own else 0


def stage_of(number: int, rounds: int, step: str) -> str:
    """What a step of round ``number`` (from 1) reports as its stage."""
    return f"round {number}/{rounds}, {step}"


def forecast(
    model: Checkpoint,
    book: PictureCache,
    rounds: int,
    epochs: int,
    *,
    device: torch.device,
    unread: bool = False,
    allowed: int | None = None,
    cancel: CancelToken | None = None,
) -> Forecast:
    """Measure a few pictures and pairs, and reckon with them.

    ``unread`` says that the pictures of ``book`` are still to be read into memory, of which they
    may fill ``allowed`` bytes (None: as :func:`~qaconv_core.training.pictures.open_book` has it).
    Raises :class:`MemoryLimitError` where the work does not fit into the free memory.
    """
    n = len(book.people)
    forward, pair = _rates(model, book, device, cancel)
    pairs = pairs_of_stages(book.people.cameras, model.spec.grid, device.type == "cpu")
    steps = Steps(
        features=n * forward,
        pairs={stage: count * pair for stage, count in pairs.items()},
        learning=passes(_learned(n), epochs) * LEARNING_COST * forward,
        cameras=_looked_at(book, model.spec.channels) * forward,
        checking=2 * CHECKED * forward,
        mirrored=3 * CHECKED * forward,  # both pictures, and the maps without
    )
    memory = memory_of(model, book, unread, allowed)
    free = available_memory("cpu")
    if memory > free:
        raise MemoryLimitError(
            f"adapting to {counted(n, 'picture')} takes {format_bytes(memory)} of memory and "
            f"{format_bytes(free)} are free; close other programs, or give fewer pictures"
        )
    return Forecast(n, rounds, steps, memory, free, resident_memory())


def forecast_job(job: AdaptationJob, cancel: CancelToken | None = None) -> Forecast:
    """What ``job`` takes, before any but a few pictures are read.

    Raises the errors of :func:`forecast`, and :class:`DatasetError` where none of those few
    pictures can be read.
    """
    model = load_checkpoint(job.start, input_size=job.input_size)
    size = model.spec.input_size
    refs = job.pictures.refs
    some = [refs[i] for i in np.linspace(0, len(refs) - 1, min(2 * _PROBE, len(refs)), dtype=int)]
    found: list[Pixels] = []
    for ref in some:
        with contextlib.suppress(ImageError):
            found.append(resized_picture(ref.path, size))
        if len(found) == _PROBE:
            break
    if not found:
        raise DatasetError(f"{job.pictures.name}: none of {len(some)} pictures can be read")
    book = PictureCache(unlabelled(job.pictures), size, np.stack(found))
    return forecast(
        model, book, job.rounds, job.epochs, device=resolve_device(job.device), unread=True,
        allowed=job.memory, cancel=cancel,
    )  # fmt: skip


def memory_of(
    model: Checkpoint, book: PictureCache, unread: bool = False, allowed: int | None = None
) -> int:
    """The most bytes that are needed at once beside the pictures already read; those still to be
    read are kept where they fit into ``allowed`` bytes (None: as by :func:`forecast`)."""
    n = len(book.people)
    spec = model.spec
    maps = n * spec.channels * spec.cells * 2
    pairs = bytes_of_pairs(n, spec.channels, spec.grid, cpu_workers())
    linking = _NEAR_BYTES * n + _TREE_BYTES * min(n, MOST_TOGETHER) ** 2
    grouping = maps + max(pairs, linking)
    height, width = book.size
    pixels = n * height * width * 3
    limit = available_memory("cpu") // (2 * CACHE_SHARE) if allowed is None else allowed
    fits = pixels <= limit
    kept = book.pixels is not None and (fits or not unread)
    recipe = adapting_recipe(spec, model.network.padding)
    # The pictures learned from, those beside rendered ones, and the label maps of these.
    copied = round(_learned(n)) * height * width * (3 + 3 + 1) if kept else 0
    learning = copied + step_bytes(model.network, book.size, recipe.batch_size, recipe.frozen)
    learning += _looked_at(book, spec.channels) * spec.channels * spec.cells * 2
    return _LIBRARY_BYTES + max(grouping, learning) + (pixels if kept and unread else 0)


def _rates(
    model: Checkpoint, book: PictureCache, device: torch.device, cancel: CancelToken | None
) -> tuple[float, float]:
    """Seconds of one picture's forward pass and of one pair."""
    runner = NetworkRunner(model.network.to(device), device, input_size=book.size, cancel=cancel)
    there = len(book.people) if book.pixels is None else len(book.pixels)
    count = min(_PROBE, there)
    pixels = np.stack([book.picture(i) for i in range(count)]).transpose(0, 3, 1, 2)
    pixels = np.ascontiguousarray(pixels)
    runner.maps(pixels[: runner.batch])  # the first pass makes ready
    began = time.perf_counter()
    maps = runner.maps(pixels)
    forward = (time.perf_counter() - began) / count
    gallery = np.concatenate([maps] * 8)
    head = model.matcher.affine()
    score_maps(maps[:4], maps, head, device=device, cancel=cancel)
    began = time.perf_counter()
    score_maps(maps, gallery, head, device=device, cancel=cancel)
    return forward, (time.perf_counter() - began) / (len(maps) * len(gallery))
