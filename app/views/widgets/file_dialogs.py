"""Asking for a folder or a file, without waiting for the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFileDialog, QWidget

from qaconv_core.data.scan import IMAGE_SUFFIXES
from qaconv_core.store.cases import SUFFIX

CASES = f"Cases (*{SUFFIX})"
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


def ask_new_path(
    parent: QWidget,
    title: str,
    proposed: str | Path,
    chosen: Callable[[str], object],
    filters: str | Sequence[str] = "",
    *,
    suffix: str = "",
    confirm: bool = True,
) -> None:
    """Ask where a new file goes; ``chosen`` takes its path.

    ``proposed`` is a file, or the folder to begin in; ``suffix`` (without its dot) is added where
    a name has none. Without ``confirm`` the caller says itself that a file will be replaced.
    """
    dialog = QFileDialog(parent, title)
    dialog.setAttribute(Qt.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptSave)
    dialog.setOption(QFileDialog.DontConfirmOverwrite, not confirm)
    if filters:
        dialog.setNameFilters([filters] if isinstance(filters, str) else filters)
    if suffix:
        dialog.setDefaultSuffix(suffix)
    place = Path(proposed)
    dialog.setDirectory(str(place if place.is_dir() else place.parent))
    if not place.is_dir():
        dialog.selectFile(place.name)
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
