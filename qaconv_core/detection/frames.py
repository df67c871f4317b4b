"""Frames of a video, one at a time, by OpenCV: by interval or where something moves.

Videos come from somebody else: only ordinary local files are opened, sizes are checked before a
frame is decoded, and what ends early is said. At most two frames are in memory.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from qaconv_core.data.images import MAX_PIXELS
from qaconv_core.data.scan import stat_fault
from qaconv_core.errors import ImageError, InputError
from qaconv_core.readable import shown

# FFmpeg reads these when it opens its first file: nothing on the terminal, nothing from a network.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
# OpenCV warns of files that are no video; our own message names them.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

DEFAULT_RATE = 2.0
"""Frames a second that are looked at unless told otherwise."""
_USUAL_RATE = 25.0
_CUT_SHORT = 0.9
_THUMBNAIL = (64, 36)
_MOVED = 12.0
"""Levels of grey by which a cell of the thumbnail must have changed."""
_MOVED_CELLS = 3
_MAC_EPOCH = datetime(1904, 1, 1)
_TOLD_EVERY = 32
_TRIES = 100
"""Frames in a row that cannot be decoded before a video counts as ended."""


@dataclass(frozen=True)
class Frame:
    """``number`` in the file from 0, ``time`` in seconds from the first frame, ``picture``
    (h, w, 3) uint8 RGB."""

    number: int
    time: float
    picture: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sampling:
    """Which frames are looked at: ``rate`` a second (None: all), and with ``motion`` only those
    that differ from the last one looked at."""

    rate: float | None = DEFAULT_RATE
    motion: bool = False

    def __post_init__(self) -> None:
        if self.rate is not None and not 0.001 <= self.rate <= 1000:
            raise InputError(f"frames a second must lie between 0.001 and 1000, not {self.rate:g}")


class VideoError(ImageError):
    """A video cannot be read; the others can."""


class Video:
    """One open file of video; close it after use."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises :class:`VideoError`."""
        if fault := stat_fault(path):
            raise VideoError(f"{fault}; name a video file", shown(path))
        self.path = path
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise VideoError(
                "not a video that can be read, or cut off before its index; copy or convert it "
                "again (MP4 with H.264 is read everywhere)",
                shown(path),
            )
        self.width = int(self._get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._get(cv2.CAP_PROP_FRAME_HEIGHT))
        if self.width * self.height > MAX_PIXELS:
            self.close()
            raise VideoError(
                f"frames of {self.width}×{self.height} pixels are too large (at most "
                f"{MAX_PIXELS // 10**6} megapixels are read); scale the video first",
                shown(path),
            )
        rate = self._get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 1000 else _USUAL_RATE
        count = self._get(cv2.CAP_PROP_FRAME_COUNT)
        self.count = int(count) if 0 < count < 2**40 else None
        """Frames by the file's own account; None where it has none."""
        self.read = 0
        """Frames that were really there, as far as has been read, broken ones between them too."""
        self._reached = 0.0
        """Seconds of the last frame that was gone to."""

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def seconds(self) -> float | None:
        """Length by the file's own account."""
        return None if self.count is None else self.count / self.rate

    def expected(self, sampling: Sampling) -> int | None:
        """How many frames will be looked at, motion aside; None where the file does not tell."""
        if self.count is None or sampling.rate is None:
            return self.count
        return max(1, min(self.count, round(self.count / self.rate * sampling.rate)))

    def frames(self, sampling: Sampling, after: int = -1) -> Iterator[Frame]:
        """The frames to be looked at, in order; those up to number ``after`` are passed over.

        Going on after a frame gives the same frames as going through from the first: times are
        those of the file (frames may follow at any interval), and nothing is skipped by seeking.
        """
        every = 0.0 if sampling.rate is None else 1 / sampling.rate
        wanted, before = 0.0, None
        while self._grab():
            number = self.read
            self.read += 1
            time = self._time(number)
            # Half a frame early is nearer than half an interval late.
            if time < wanted - 0.25 / self.rate:
                continue
            wanted = max(wanted + every, time + every - 0.5 / self.rate)
            # With motion, what was looked at before decides: it is gone through again.
            if number <= after and not sampling.motion:
                continue
            picture = self._retrieve()
            if picture is None:
                continue
            if sampling.motion:
                small = _thumbnail(picture)
                if before is not None and not _moved(before, small):
                    continue
                before = small
            if number > after:
                yield Frame(number, time, picture)

    def pictures_at(
        self, numbers: set[int], after: int = -1, on_read: Callable[[int], object] | None = None
    ) -> Iterator[Frame]:
        """The frames of these numbers that are there, in order, beyond number ``after``.

        ``on_read`` is called now and then with the number of frames that were gone through.
        """
        last = max(numbers, default=-1)
        while self.read <= last and self._grab():
            number = self.read
            self.read += 1
            if on_read is not None and self.read % _TOLD_EVERY == 0:
                on_read(_TOLD_EVERY)
            time = self._time(number)
            if number in numbers and number > after:
                picture = self._retrieve()
                if picture is not None:
                    yield Frame(number, time, picture)

    def sought(self, number: int) -> npt.NDArray[np.uint8] | None:
        """The frame that the file's index has under a number: quick, and not exact in every file.

        The frames after it cannot be gone through as the file's own.
        """
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        return self._retrieve() if self._capture.grab() else None

    def shortfall(self) -> str:
        """After the last frame: a line where the file holds far fewer frames than it says."""
        if self.count is None or self.read >= _CUT_SHORT * self.count:
            return ""
        # Of a variable rate the number of frames is a guess by the rate of the first ones.
        length, reached = self.count / self.rate, self._reached + 1 / self.rate if self.read else 0
        if reached >= _CUT_SHORT * length:
            return ""
        return (
            f"ends after {_seconds(reached)} of {_seconds(length)} seconds: "
            "cut short or damaged from there on"
        )

    def _grab(self) -> bool:
        """Go to the next frame that can be decoded; those before it are counted, and left out."""
        for broken in range(_TRIES):
            if self._capture.grab():
                self.read += broken
                return True
        return False

    def _time(self, number: int) -> float:
        """Seconds of the frame just grabbed; never less than those of the one before."""
        told = self._get(cv2.CAP_PROP_POS_MSEC) / 1000
        if number and not self._reached < told < self._reached + 86400:
            told = self._reached + 1 / self.rate
        self._reached = max(told, 0.0) if number else 0.0
        return self._reached

    def _retrieve(self) -> npt.NDArray[np.uint8] | None:
        whole, picture = self._capture.retrieve()
        if not whole or picture is None or picture.ndim != 3:
            return None
        return np.ascontiguousarray(picture[:, :, ::-1])

    def _get(self, what: int) -> float:
        value = float(self._capture.get(what))
        return value if np.isfinite(value) else 0.0


def start_in_metadata(path: Path) -> datetime | None:
    """When an MP4 or MOV file says that it was made (UTC); None where it does not say."""
    try:
        with path.open("rb") as file:
            movie = _atom(file, b"moov", path.stat().st_size)
            header = None if movie is None else _atom(file, b"mvhd", movie)
            if header is None:
                return None
            data = file.read(12)
    except (OSError, struct.error, ValueError):
        return None
    if len(data) < 12:
        return None
    seconds = struct.unpack(">Q" if data[0] == 1 else ">I", data[4 : 12 if data[0] == 1 else 8])[0]
    moment = _MAC_EPOCH + timedelta(seconds=min(seconds, 2**36))
    # Recorders without a clock write 0, or 1970.
    return moment if 1990 < moment.year < 2100 else None


def _atom(file: Any, wanted: bytes, end: int) -> int | None:
    """Go to the content of an atom before ``end``; where it ends, or None."""
    for _ in range(1000):
        place = file.tell()
        head = file.read(8)
        if len(head) < 8 or place >= end:
            return None
        size, kind = struct.unpack(">I4s", head)
        length = 8
        if size == 1:
            size, length = struct.unpack(">Q", file.read(8))[0], 16
        if size == 0:
            size = end - place
        if kind == wanted:
            return int(place + size)
        if size < length or place + size > end:
            return None
        file.seek(place + size)
    return None


def _thumbnail(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    small = cv2.resize(picture, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _moved(before: npt.NDArray[np.float32], now: npt.NDArray[np.float32]) -> bool:
    """Whether enough cells changed, apart from light that changes everywhere alike."""
    change = now - before
    return int((np.abs(change - np.median(change)) > _MOVED).sum()) >= _MOVED_CELLS


def _seconds(time: float) -> str:
    """``7,200``; of a short video ``1.2``."""
    return f"{time:,.0f}" if time >= 10 else f"{time:.1f}"
