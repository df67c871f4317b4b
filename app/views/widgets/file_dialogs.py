"""Asking for a folder or a file, without waiting for the answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFileDialog, QWidget

from qaconv_core.data.scan import IMAGE_SUFFIXES

TABLES = "Tables (*.csv);;All files (*)"
PICTURES = f"Pictures ({' '.join(f'*{suffix}' for suffix in sorted(IMAGE_SUFFIXES))})"
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


def ask_paths(
    parent: QWidget, title: str, chosen: Callable[[list[Path]], object], filters: str = ""
) -> None:
    """Ask for files; ``chosen`` takes their paths."""
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setAttribute(Qt.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.ExistingFiles)
    dialog.filesSelected.connect(lambda names: chosen([Path(name) for name in names]))
    dialog.open()
