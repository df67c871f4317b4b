"""Files that are dragged onto a widget or lie on the clipboard."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QMimeData
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import QDialog, QWidget


def local_paths(mime: QMimeData) -> list[Path]:
    """Local files and folders among what is dragged or on the clipboard."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


class DropDialog(QDialog):
    """A dialog that takes files and folders dropped on it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)

    def take_dropped(self, paths: list[Path]) -> None:
        """What to do with what was dropped: one local file or folder at least."""
        raise NotImplementedError

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        local = local_paths(event.mimeData())
        if local:
            event.acceptProposedAction()
            self.take_dropped(local)
