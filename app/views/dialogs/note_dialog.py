"""A note of several lines on a candidate."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QWidget

from app.views.dialogs.job_dialog import dialog_buttons, save_by_ctrl_return
from app.views.widgets.fields import text_area
from app.views.widgets.labels import label_of
from app.views.widgets.layouts import in_column, size_on_screen


class NoteDialog(QDialog):
    """``wanted`` carries the note, without space around it."""

    wanted = pyqtSignal(str)

    def __init__(self, note: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Note")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.note = text_area(
            "Note", "Return begins another line, Ctrl+Return saves; reports show the lines.", note
        )
        buttons = dialog_buttons(self, QDialogButtonBox.Save, QDialogButtonBox.Cancel)
        in_column(
            label_of("&Note on this candidate", self.note), self.note, buttons,
            into=self, grows=self.note, margins=16,
        )  # fmt: skip
        save_by_ctrl_return(self)
        size_on_screen(self, 440, 240)
        self.accepted.connect(lambda: self.wanted.emit(self.note.toPlainText().strip()))
