"""Pictures that are dragged out of the window: as files, so that any program takes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QMimeData, QModelIndex, Qt, QUrl


def mime_of(paths: Iterable[Path]) -> QMimeData:
    """Files to be copied to where they are dropped."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


class DragsFiles:
    """Makes the rows of a list draggable; mixed into a model of Qt."""

    def file_of(self, row: int) -> Path:
        """The picture of a row."""
        raise NotImplementedError

    def flags(self, index: QModelIndex) -> Qt.ItemFlags:
        """As usual, and draggable."""
        usual: Any = super().flags(index)  # type: ignore[misc]  # the model it is mixed into has it
        return Qt.ItemFlags(usual | Qt.ItemIsDragEnabled) if index.isValid() else usual

    def mimeData(self, indexes: Iterable[QModelIndex]) -> QMimeData:
        """The files of rows."""
        return mime_of(self.file_of(row) for row in sorted({index.row() for index in indexes}))
