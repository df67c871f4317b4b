"""Decodes and resizes pictures for the network, in worker processes where there are many.

Nothing here imports torch, so that a worker starts in a quarter of a second and stays small. A file
that crashes the decoder ends its worker, and is then rejected like any other bad file.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qaconv_core.data.images import read_image
from qaconv_core.data.transforms import to_pixels
from qaconv_core.errors import ImageError
from qaconv_core.processes import end_pool, fresh_pool, result_of, submit
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.threads import usable_cores

log = logging.getLogger(__name__)

Decoded = npt.NDArray[np.uint8] | str
"""Pixels (3, H, W), or the reason why there are none."""

FEW = 64
"""Below this number of pictures starting workers costs more than it saves."""
_CHUNK = 8  # pictures a worker takes at a time
_PREFETCHED = 4  # chunks that a worker decodes in advance, at 1 MB each


def default_workers(count: int, device_type: str) -> int:
    """How many worker processes pay for ``count`` pictures on this machine; 0: none.

    A GPU waits for pictures, so it gets up to eight. On a CPU the network takes some thirty times
    as long as decoding, and more workers would only take its cores.
    """
    cores = usable_cores()
    if count < FEW or cores < 2:
        return 0
    if device_type == "cpu":
        return 1 if cores < 8 else 2
    return min(cores, 8)


def decode(path: str | Path, size: tuple[int, int]) -> Decoded:
    """One picture resized to ``size`` (H, W), uint8 (3, H, W); for a bad one the reason."""
    try:
        return to_pixels(read_image(path), size)
    except ImageError as error:
        return error.reason
    except Exception as error:  # one picture must never end the work on all the others
        return f"cannot be decoded ({type(error).__name__}: {error})"


def decode_many(paths: Sequence[str], size: tuple[int, int]) -> list[Decoded]:
    """:func:`decode` for each of ``paths``."""
    return [decode(path, size) for path in paths]


def decode_all(
    paths: Sequence[str],
    size: tuple[int, int],
    workers: int,
    cancel: CancelToken | None = None,
) -> Generator[Decoded, None, None]:
    """:func:`decode` for each of ``paths``, in order, a bounded number of them in advance.

    Raises :class:`~qaconv_core.errors.Cancelled` before a picture, and while a worker is waited
    for.
    """
    if workers < 1 or not paths:
        for path in paths:
            raise_if_cancelled(cancel)
            yield decode(path, size)
        return
    chunks = [paths[i : i + _CHUNK] for i in range(0, len(paths), _CHUNK)]
    with contextlib.closing(_Workers(workers, size, cancel)) as crew:
        waiting: deque[tuple[Sequence[str], Future[list[Decoded]] | None]] = deque()
        for chunk in chunks:
            waiting.append((chunk, crew.submit(chunk)))
            if len(waiting) >= workers * _PREFETCHED:
                yield from crew.result(*waiting.popleft())
        while waiting:
            yield from crew.result(*waiting.popleft())


class _Workers:
    """A pool that survives the death of its processes."""

    def __init__(self, workers: int, size: tuple[int, int], cancel: CancelToken | None) -> None:
        self._workers, self._size, self._cancel = workers, size, cancel
        self._pool: ProcessPoolExecutor | None = None
        self._usable = True

    def submit(self, chunk: Sequence[str]) -> Future[list[Decoded]] | None:
        """Give ``chunk`` to a worker; None where workers cannot be used."""
        if not self._usable:
            return None
        try:
            return self._submit(chunk)
        except BrokenProcessPool:
            self.close()  # its other chunks fail as well; result() deals with them
            return self.submit(chunk)
        except OSError as cause:
            self._give_up(str(cause))
            return None

    def _submit(self, chunk: Sequence[str]) -> Future[list[Decoded]]:
        if self._pool is None:
            self._pool = fresh_pool(self._workers)
        return submit(self._pool, decode_many, list(chunk), self._size)

    def result(self, chunk: Sequence[str], future: Future[list[Decoded]] | None) -> list[Decoded]:
        """The decoded pictures of ``chunk``; one by one when its worker died over it."""
        if future is not None:
            try:
                return result_of(future, self._cancel)
            except BrokenProcessPool:
                self.close()
        return [self._alone(path) for path in chunk]

    def _alone(self, path: str) -> Decoded:
        """Decode one picture in a worker of its own, so that a crash is this picture's."""
        for attempt in ([], [path]):  # the empty one shows whether workers start at all
            future = self.submit(attempt)
            if future is None:
                return decode(path, self._size)
            try:
                found = result_of(future, self._cancel)
            except BrokenProcessPool:
                self.close()
                if attempt:
                    return "the decoder crashed on it; convert the picture to PNG"
                self._give_up("they end as soon as they start")
                return decode(path, self._size)
        return found[0]

    def _give_up(self, why: str) -> None:
        log.warning("worker processes cannot be used (%s); pictures are decoded in this one", why)
        self._usable = False
        self.close()

    def close(self) -> None:
        """End the workers; a later submit starts new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            end_pool(pool, self._cancel)
