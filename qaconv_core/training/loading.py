"""Batches as the network gets them, changed at random, made ahead of it in worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np
import torch

from qaconv_core.errors import InputError
from qaconv_core.processes import end_pool, fresh_pool, result_of, submit
from qaconv_core.progress import CancelToken
from qaconv_core.training.augmentation import Change, Item, Stacked, change_pictures
from qaconv_core.training.pictures import PictureCache
from qaconv_core.training.recipes import Augmentation
from qaconv_core.types import Grid, Int64

_AHEAD = 2  # batches a worker may be ahead of the network


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
        """A copy from which a GPU can read while the CPU goes on."""
        tensors = {name: value for name, value in vars(self).items() if value is not None}
        return Samples(**{name: value.pin_memory() for name, value in tensors.items()})


class Hands:
    """Processes that change pictures, kept from epoch to epoch; none with ``workers`` 0.

    They are started fresh when first needed, never forked, and get the pixels with the work, so
    that they need neither torch nor shared memory. :meth:`close` ends them.
    """

    def __init__(self, workers: int = 0, cancel: CancelToken | None = None) -> None:
        self.workers, self._cancel = workers, cancel
        self._pool: ProcessPoolExecutor | None = None

    def change_all(self, change: Change, batches: Iterable[list[Item]]) -> Iterator[Stacked]:
        """:func:`change_pictures` for each batch, in order, a few batches ahead.

        Raises :class:`~qaconv_core.errors.Cancelled` while a batch is made or waited for.
        """
        if self.workers < 1:
            yield from (change_pictures(change, items, self._cancel) for items in batches)
            return
        waiting: deque[Future[Stacked]] = deque()
        try:
            for items in batches:
                waiting.append(self._submit(change, items))
                if len(waiting) > self.workers * _AHEAD:
                    yield result_of(waiting.popleft(), self._cancel)
            while waiting:
                yield result_of(waiting.popleft(), self._cancel)
        except BrokenProcessPool:
            self.close()
            raise InputError(
                "a worker process that changes pictures has ended unexpectedly (out of memory?); "
                "--resume continues, with --workers 0 without such processes"
            ) from None
        finally:
            for future in waiting:
                future.cancel()

    def _submit(self, change: Change, items: list[Item]) -> Future[Stacked]:
        if self._pool is None:
            self._pool = fresh_pool(self.workers)
        return submit(self._pool, change_pictures, change, items)

    def close(self) -> None:
        """End the processes; more work starts new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            end_pool(pool, self._cancel)


def load_batches(
    book: PictureCache,
    plan: Int64,
    change: Augmentation,
    *,
    grid: Grid,
    seed: int,
    epoch: int,
    start: int = 0,
    share: tuple[int, int] = (0, 1),
    wants_places: bool = False,
    hands: Hands | None = None,
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
    own = plan[start:, rank * size // ranks : (rank + 1) * size // ranks]
    # Epoch first: seeds of neighbouring epochs must not share positions.
    how = Change(change, book.size, grid, book.people.has_label_maps, wants_places,
                 (seed, epoch + 1))  # fmt: skip
    first = [number * size + rank * size // ranks for number in range(start, batches)]
    # Half a batch away stands another person.
    behind = np.roll(plan, size // 2, axis=1)[start:, rank * size // ranks :]
    mixes = change.mix > 0
    work = (
        [
            book.item(at + k, int(index), int(other) if mixes else None)
            for k, (index, other) in enumerate(zip(row, others, strict=False))
        ]
        for at, row, others in zip(first, own, behind, strict=True)
    )
    changed = (hands or Hands()).change_all(how, work)
    return (_samples(book, row, stacked, pin) for row, stacked in zip(own, changed, strict=True))


def _samples(book: PictureCache, row: Int64, stacked: Stacked, pin: bool) -> Samples:
    tensors = {name: torch.from_numpy(values) for name, values in stacked.items()}
    labels = torch.from_numpy(book.people.labels[row])
    samples = Samples(labels=labels, pictures=torch.from_numpy(row.copy()), **tensors)
    return samples.pin_memory() if pin else samples
