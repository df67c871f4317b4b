"""Saving through an export dialog, as a person does."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QDialogButtonBox

from app.views.dialogs.export_dialog import ExportDialog
from tests.app.conftest import settle
from tests.app.real import WAIT


def saved(qtbot, dialog: ExportDialog) -> Path:
    """Press Save, and wait for the file."""
    with qtbot.waitSignal(dialog.saved, timeout=WAIT) as saved_file:
        QTest.mouseClick(dialog.buttons.button(QDialogButtonBox.Save), Qt.LeftButton)
    settle()
    return saved_file.args[0]
