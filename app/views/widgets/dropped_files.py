"""Files that are dragged onto a widget or lie on the clipboard."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QMimeData


def local_paths(mime: QMimeData) -> list[Path]:
    """Local files and folders among what is dragged or on the clipboard."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
