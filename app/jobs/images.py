"""Pictures decoded in the background, newest request first, kept in a bounded cache.

``QImage`` objects are made in the worker threads; turning them into ``QPixmap`` is for the window's
thread. Requests of pictures that were scrolled past are dropped when newer ones come.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PyQt5.QtCore import QObject, Qt, pyqtSignal, pyqtSlot
from PyQt5.QtGui import QImage

from qaconv_core.caching import LruCache
from qaconv_core.data.images import read_image
from qaconv_core.errors import ImageError

THREADS = 2
LONGEST_QUEUE = 400
"""The most requests that wait. Older ones are dropped; the view requests them again."""


def decode(path: Path, height: int | None) -> QImage:
    """A picture as the engine reads it (upright, RGB), scaled down to ``height`` pixels.

    ``None`` keeps its size. Raises :class:`~qaconv_core.errors.ImageError`.
    """
    picture = read_image(path)
    if height is not None and picture.height > height:
        width = max(1, round(picture.width * height / picture.height))
        picture = picture.resize((width, height), reducing_gap=2.0)
    # In the form that is painted: the window's thread has nothing to convert.
    return image_of(np.asarray(picture)).convertToFormat(QImage.Format_RGB32)


def image_of(picture: npt.NDArray[np.uint8]) -> QImage:
    """Pixels (h, w, 3) uint8 RGB as Qt's picture."""
    pixels = np.ascontiguousarray(picture)
    rows, columns, _ = pixels.shape
    # A copy: QImage does not keep the array's memory alive.
    image = QImage(pixels.data, columns, rows, 3 * columns, QImage.Format_RGB888)  # type: ignore[call-overload]  # stub: bytes only
    return image.copy()


class ImageLoader(QObject):
    """Pictures of one height (None: their own), at most ``limit`` bytes of them kept.

    ``loaded`` carries, in the window's thread, a path for which :meth:`get` has an answer now.
    """

    loaded = pyqtSignal(object)
    _decoded = pyqtSignal(object, object, str)

    def __init__(
        self, height: int | None, limit: int = 64 << 20, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.height = height
        self._images: LruCache[Path, QImage] = LruCache(limit, QImage.sizeInBytes)
        self._faults: dict[Path, str] = {}
        self._waiting: OrderedDict[Path, None] = OrderedDict()
        self._under_way: set[Path] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._decoded.connect(self._keep, Qt.QueuedConnection)  # type: ignore[call-arg]  # stub: no type of connection

    def get(self, path: Path) -> QImage | None:
        """The picture; None while it is not decoded, or where it cannot be read (:meth:`fault`)."""
        image = self._images.get(path)
        if image is not None:
            return image
        if path not in self._faults:
            self._request(path)
        return None

    def fault(self, path: Path) -> str:
        """Why a picture cannot be shown; empty where it can, or is not read yet."""
        return self._faults.get(path, "")

    @property
    def busy(self) -> bool:
        """Whether requested pictures are not decoded yet."""
        with self._wake:
            return bool(self._waiting or self._under_way)

    def _request(self, path: Path) -> None:
        with self._wake:
            if self._closed or path in self._under_way:
                return
            self._waiting[path] = None
            self._waiting.move_to_end(path)
            while len(self._waiting) > LONGEST_QUEUE:
                self._waiting.popitem(last=False)
            self._wake.notify()
        while len(self._threads) < THREADS:
            thread = threading.Thread(target=self._work, name="qaconv-images", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        """In a worker thread: the newest request, again and again."""
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                path, _ = self._waiting.popitem(last=True)
                self._under_way.add(path)
            image, fault = None, ""
            try:
                image = decode(path, self.height)
            except ImageError as error:
                fault = str(error)
            except Exception as error:  # a decoder may fail in any way; the list must go on
                fault = f"{path}: cannot be read ({type(error).__name__})"
            if not self._closed:
                self._decoded.emit(path, image, fault)

    @pyqtSlot(object, object, str)
    def _keep(self, path: Path, image: QImage | None, fault: str) -> None:
        with self._wake:
            self._under_way.discard(path)
        if self._closed:
            return
        if image is None:
            self._faults[path] = fault
        else:
            self._images.put(path, image)
        self.loaded.emit(path)

    def close(self) -> None:
        """Stop the threads; no picture is completed any more."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
