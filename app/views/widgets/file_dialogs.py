"""Asking for a folder or a file, without waiting for the answer."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFileDialog, QWidget

TABLES = "Tables (*.csv);;All files (*)"
CHECKPOINTS = "Checkpoints (*.pth.tar *.pth *.pt *.tar);;All files (*)"


def ask_path(
    parent: QWidget, title: str, start: str, chosen: Callable[[str], object], filters: str = ""
) -> None:
    """Ask for a folder, or for a file of the kinds that ``filters`` names, beginning at ``start``.

    ``chosen`` takes the path.
    """
    dialog = QFileDialog(parent, title, start, filters)
    dialog.setAttribute(Qt.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.ExistingFile if filters else QFileDialog.Directory)
    dialog.setOption(QFileDialog.ShowDirsOnly, not filters)
    dialog.fileSelected.connect(chosen)
    dialog.open()
