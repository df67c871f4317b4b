"""Asks before the window closes on jobs that lose work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QMessageBox, QWidget

from app.jobs.job import Job

STOP, GO_ON = "&Stop and close", "&Keep running"


def losing(jobs: Sequence[Job]) -> list[Job]:
    """Those that are not done and would lose work."""
    return [job for job in jobs if job.loss and not job.state.final]


def question(
    jobs: Sequence[Job], window: QWidget, answered: Callable[[bool], object]
) -> QMessageBox:
    """A question that is not shown yet; ``answered`` is told whether to stop the jobs. Enter and
    Esc keep them."""
    are = "is running" if len(jobs) == 1 else "are running"
    stop = "Stop it and close?" if len(jobs) == 1 else "Stop them and close?"
    box = QMessageBox(window)
    box.setWindowTitle("QAConv Explorer")
    box.setTextFormat(Qt.PlainText)
    box.setText(f"{', '.join(job.title for job in jobs)} {are}. {stop}")
    box.setInformativeText(" ".join(dict.fromkeys(job.loss for job in jobs)))
    stop_them = box.addButton(STOP, QMessageBox.AcceptRole)
    go_on = box.addButton(GO_ON, QMessageBox.RejectRole)
    box.setDefaultButton(go_on)
    box.setEscapeButton(go_on)
    box.setAttribute(Qt.WA_DeleteOnClose)
    box.finished.connect(lambda _result: answered(box.clickedButton() is stop_them))
    return box
