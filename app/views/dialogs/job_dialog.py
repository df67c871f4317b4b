"""What dialogs have in common: their buttons, jobs that end with them, dropped files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtGui import QDragEnterEvent, QDropEvent, QIcon, QKeyEvent, QKeySequence
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QPushButton, QShortcut, QWidget

from app.jobs.job_slots import JobSlots
from app.jobs.runner import JobRunner
from app.views.widgets.dropped_files import local_paths
from app.views.widgets.labels import small_button

_WORDS = {
    QDialogButtonBox.Save: "&Save",
    QDialogButtonBox.Open: "&Open",
    QDialogButtonBox.Ok: "&OK",
}
"""With the letter that Alt reaches them by; Esc does what the others do."""


def dialog_buttons(
    dialog: QDialog,
    *kinds: QDialogButtonBox.StandardButton,
    accepted: Callable[[], object] | None = None,
) -> QDialogButtonBox:
    """Buttons of standard kinds, with words alone, that accept and reject a dialog.

    ``accepted`` is called in place of its ``accept``.
    """
    box = QDialogButtonBox()
    for kind in kinds:
        made = box.addButton(kind)
        made.setText(_WORDS.get(kind, made.text()))
    for button in box.buttons():
        button.setIcon(QIcon())
    box.accepted.connect(accepted or dialog.accept)
    box.rejected.connect(dialog.reject)
    return box


def save_by_ctrl_return(dialog: QDialog) -> None:
    """Accept a dialog by Ctrl+Return, where Return begins another line."""
    for keys in ("Ctrl+Return", "Ctrl+Enter"):
        QShortcut(QKeySequence(keys), dialog, dialog.accept)


class JobDialog(QDialog):
    """A dialog with a button that accepts it, whose jobs are stopped when it closes."""

    def __init__(self, title: str, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._jobs = JobSlots(runner, self)

    def make_buttons(
        self, kind: QDialogButtonBox.StandardButton, words: str = "", tip: str = ""
    ) -> QPushButton:
        """Make ``buttons``, one of a standard kind and *Cancel*; returns the first."""
        self.buttons = dialog_buttons(self, kind, QDialogButtonBox.Cancel)
        button = self.buttons.button(kind)
        if words:
            button.setText(words)
        button.setToolTip(tip)
        return button

    def stop_work(self) -> None:
        """Stop what is under way; the dialog closes."""
        self._jobs.stop_all()

    def done(self, result: int) -> None:
        self.stop_work()
        super().done(result)


class DropDialog(JobDialog):
    """A dialog that takes files and folders dropped on it."""

    def __init__(self, title: str, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(title, runner, parent)
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


class HelpedDialog(DropDialog):
    """One with a button for help on it. ``help_wanted`` carries the id of a help text."""

    help_wanted = pyqtSignal(str)

    def make_help(self, about: str, id: str) -> None:
        """Make the button ``help``, which Shift+F1 presses."""
        self.help = small_button("question", f"Help on {about} (Shift+F1)")
        self.help.clicked.connect(lambda: self.help_wanted.emit(id))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Shift+F1 opens the help."""
        if event.matches(QKeySequence.WhatsThis):
            self.help.click()
        else:
            super().keyPressEvent(event)
