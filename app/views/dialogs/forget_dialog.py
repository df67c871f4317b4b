"""Forgetting the open data set: what is kept of it, and a button that is pressed twice."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QDialogButtonBox, QWidget

from app.jobs.keeping import forget_set
from app.jobs.runner import JobRunner
from app.state.values import Problem
from app.views.dialogs.job_dialog import JobDialog, dialog_buttons
from app.views.widgets.fields import push_button
from app.views.widgets.labels import MessageLine, heading, plain_label
from app.views.widgets.layouts import fit_height, in_column
from app.views.widgets.work_strip import WorkStrip
from qaconv_core.galleries.values import OpenSet
from qaconv_core.readable import counted
from qaconv_core.store.forgetting import Forgotten

WIDTH = 520
FORGET = "&Forget"
WHAT_STAYS = (
    "Your pictures stay where they are, and so do the files beside them (qaconv.toml) and what you "
    "saved elsewhere, but for cases that hold them. What the program keeps is removed and "
    "overwritten; this cannot be undone."
)


class ForgetDialog(JobDialog):
    """Counts what is kept, and removes it.

    ``closing`` asks for the data set to be closed, so that nothing of it is written again;
    ``forgotten``: it is done.
    """

    closing = pyqtSignal(object)
    forgotten = pyqtSignal()

    def __init__(self, data: OpenSet, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__("Forget this data set", runner, parent)
        self.setMinimumWidth(WIDTH)
        self.data, self._runner = data, runner
        self.found = plain_label("Looking for what is kept…")
        self.found.setAccessibleName("What is kept of the data set")
        self.work = WorkStrip()
        self.message = MessageLine()
        self.forget = push_button(
            FORGET, "Close the data set and remove all that is kept of it.", self._press
        )
        self.forget.setEnabled(False)
        self.buttons = dialog_buttons(self, QDialogButtonBox.Cancel)
        self.buttons.addButton(self.forget, QDialogButtonBox.ActionRole)
        named = in_column(heading(data.name), plain_label(str(data.root)), spacing=4)
        in_column(
            named, self.found, plain_label(WHAT_STAYS), self.work, self.message, None, self.buttons,
            into=self, margins=16, spacing=12,
        )  # fmt: skip
        self.resize(WIDTH, 0)
        fit_height(self)
        self._run("count", "Looking for what is kept", True, self._show_counts)

    def _run(self, name: str, title: str, dry_run: bool, done: object) -> None:
        data = self.data
        job = self._jobs.replace(
            name, title, lambda context: forget_set(data, dry_run, context), done,  # type: ignore[arg-type]  # one of two methods
            failed=self._failed, lane="files", quiet=dry_run,
        )  # fmt: skip
        if not dry_run:
            self.work.add_job(title, job)

    def _show_counts(self, found: Forgotten) -> None:
        self.found.setText("Kept of it: " + _words(found))
        fit_height(self)
        self.forget.setEnabled(True)

    def _press(self) -> None:
        """Asked twice on the button itself: there is no way back."""
        running = [job.title for job in self._runner.jobs if not (job.quiet or job.state.final)]
        if running:
            self.message.say(f"{', '.join(running)}: wait for this, or cancel it, first; it would "
                             "keep more of the pictures", warning=True)  # fmt: skip
            return
        self.message.say("")
        if self.forget.text() == FORGET:
            self.forget.setText("Really &forget")
            return
        self.forget.setEnabled(False)
        self.closing.emit(self.data)
        self._run("forget", f"Forgetting {self.data.name}", False, self._show_done)

    def _show_done(self, done: Forgotten) -> None:
        self.forgotten.emit()
        self.forget.hide()
        self.buttons.button(QDialogButtonBox.Cancel).setText("Close")
        self.found.setText("Removed: " + _words(done))
        if done.left:
            files = ", ".join(map(str, done.left[:5]))
            left = counted(len(done.left), "file still names", "files still name")
            self.message.say(f"{left} it: {files}; look at them "
                             "yourself", warning=True)  # fmt: skip
        else:
            self.message.say("Nothing of it is kept any more.")
        fit_height(self)

    def _failed(self, problem: Problem) -> bool:
        self.message.say(problem.message, warning=True)
        self.forget.setText(FORGET)
        self.forget.setEnabled(True)
        return True


def _words(found: Forgotten) -> str:
    return ", ".join(found.words) or "nothing"
