"""Title, reference and examiner of a case, and, for a new one, its file."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QLayout, QWidget

from app.views.dialogs.job_dialog import dialog_buttons
from app.views.widgets.fields import line_edit, push_button
from app.views.widgets.file_dialogs import CASES, ask_new_path
from app.views.widgets.labels import MessageLine, plain_label
from app.views.widgets.layouts import in_column, in_form, in_row
from qaconv_core.paths import typed_path
from qaconv_core.store.cases import SUFFIX, Case

HOLDS = (
    "The case is kept as you go: data set, model, query pictures, decisions, notes, and what was "
    "looked at, with a log in which a silent edit shows. Pictures are not copied."
)


class CaseDialog(QDialog):
    """``wanted`` carries the file (None for a case that is there), title, reference, examiner."""

    wanted = pyqtSignal(object, str, str, str)

    def __init__(
        self, folder: Path, case: Case | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("New case" if case is None else "Case")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._new = case is None
        known = case or Case("")
        self.title = line_edit("Title", "", known.title)
        self.reference = line_edit("Reference", "", known.reference)
        self.examiner = line_edit("Examiner", "", known.examiner)
        self.path = line_edit("File", "Where the case is kept", str(_new_file(folder)))
        self.path.setMinimumWidth(380)
        self.browse = push_button("&Browse…", "Choose folder and name", self._browse)
        self.note = MessageLine()
        rows: list[tuple[str, QWidget | QLayout]] = [
            ("&Title", self.title),
            ("&Reference", self.reference),
            ("&Examiner", self.examiner),
        ]
        if self._new:
            rows.append(("&File", in_row(self.path, self.browse, grows=self.path)))
        form = in_form(*rows, spacing=(8, 8))
        self.buttons = dialog_buttons(
            self, QDialogButtonBox.Save, QDialogButtonBox.Cancel, accepted=self.save
        )
        holds = [plain_label(HOLDS)] if self._new else []
        in_column(form, *holds, self.note, self.buttons, into=self, margins=16)
        self.title.textChanged.connect(self._allow)
        self.path.textChanged.connect(self._allow)
        self._allow()

    @property
    def target(self) -> Path:
        """The file of a new case; a folder's own path where no file is named."""
        path = typed_path(self.path.text().strip()).absolute()
        if not self.path.text().strip() or not path.name:
            return path
        return path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)

    def _allow(self) -> None:
        fault = ""
        if self._new and self.target.exists():
            fault = (
                "Name a file for the case."
                if self.target.is_dir()
                else "This file exists; choose another name."
            )
        elif self._new and not self.target.parent.is_dir():
            fault = "There is no such folder; choose another one."
        self.note.say(fault, warning=bool(fault))
        fine = bool(self.title.text().strip()) and not fault
        self.buttons.button(QDialogButtonBox.Save).setEnabled(fine)

    def _browse(self) -> None:
        ask_new_path(
            self, "New case", self.target.parent, self.path.setText, CASES, suffix=SUFFIX[1:]
        )

    def save(self) -> None:
        """Hand over what was written."""
        words = (field.text().strip() for field in (self.title, self.reference, self.examiner))
        self.wanted.emit(self.target if self._new else None, *words)
        self.accept()


def _new_file(folder: Path) -> Path:
    """``case.qcase``, or with the first number that no file there has."""
    names = (f"case{'' if number == 1 else f'-{number}'}{SUFFIX}" for number in count(1))
    return next(folder / name for name in names if not (folder / name).exists())
