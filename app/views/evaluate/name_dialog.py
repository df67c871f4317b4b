"""Name and note of a run."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QWidget

from app.state.evaluation import FinishedRun
from app.views.dialogs.job_dialog import dialog_buttons, save_by_ctrl_return
from app.views.widgets.fields import line_edit, text_area
from app.views.widgets.layouts import in_column, in_form, size_on_screen


class NameDialog(QDialog):
    """``wanted`` carries the run's number, its name and its note."""

    wanted = pyqtSignal(int, str, str)

    def __init__(self, run: FinishedRun, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Name of run {run.id}")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._id = run.id
        self.name = line_edit("Name", "A few words, shown wherever the run is.", run.name)
        self.note = text_area("Note", "What there is to say about this run.", run.note)
        form = in_form(("&Name", self.name), ("N&ote", self.note))
        buttons = dialog_buttons(self, QDialogButtonBox.Save, QDialogButtonBox.Cancel)
        in_column(form, buttons, into=self, margins=16)
        save_by_ctrl_return(self)
        size_on_screen(self, 440, 240)
        self.accepted.connect(self._tell)

    def _tell(self) -> None:
        name, note = self.name.text().strip(), self.note.toPlainText().strip()
        self.wanted.emit(self._id, name, note)
