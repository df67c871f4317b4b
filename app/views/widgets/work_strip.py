"""Work under way, and work that failed: shown where its results will be."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QFrame, QLabel, QWidget

from app.jobs.job import Job, JobState
from app.state.values import Failure
from app.views.widgets.fields import push_button
from app.views.widgets.job_strip import JobBar, percent_words, progress_words
from app.views.widgets.labels import ElidedLabel, copy_with_details, details_box, plain_label
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.progress import Progress

SENTENCES = {
    JobState.QUEUED: "waits for its turn",
    JobState.RUNNING: "starting",
    JobState.CANCELLING: "stopping after the batch in hand; what was computed is kept",
}


class WorkStrip(QWidget):
    """One row for each job under way, and one for each that failed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = in_column(into=self, spacing=4)
        self.rows: list[JobRow] = []
        self.failures: list[FailureRow] = []
        self.hide()

    def add_job(self, title: str, job: Job) -> None:
        """Show a job until it ends."""
        row = JobRow(title, job)
        self.rows.append(row)
        self._column.addWidget(row)
        row.ended.connect(lambda: self._drop(row, self.rows))
        self.show()

    def fail(self, failure: Failure, again: Callable[[], object] | None = None) -> None:
        """Show why a data set could not be evaluated, until a person closes it."""
        row = FailureRow(failure)
        row.close_button.clicked.connect(lambda _on: self._drop(row, self.failures))
        if again is not None:
            row.again_button.clicked.connect(lambda _on: self._retry(row, again))
        else:
            row.again_button.hide()
        self.failures.append(row)
        self._column.addWidget(row)
        self.show()

    def forget_failures(self) -> None:
        """Take away what failed before."""
        for row in list(self.failures):
            self._drop(row, self.failures)

    def _retry(self, row: FailureRow, again: Callable[[], object]) -> None:
        self._drop(row, self.failures)
        again()

    def _drop(self, row: QWidget, rows: list) -> None:
        if row in rows:
            rows.remove(row)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
        self.setVisible(bool(self.rows or self.failures))


class JobRow(QWidget):
    """Name, step, bar, rate, time left, cancel. ``ended`` tells that the job has ended."""

    ended = pyqtSignal()

    def __init__(self, title: str, job: Job) -> None:
        super().__init__()
        self._job = job
        self.title = ElidedLabel(title)
        self.title.setToolTip(title)
        self.step = QLabel(SENTENCES[JobState.QUEUED])
        self.bar = JobBar(title)
        self.bar.setMinimumWidth(60)
        self.rate = QLabel()
        self.rate.setToolTip("Rate of this step, and time left until the whole is done.")
        tip = "Stop; feature maps that were computed are kept."
        self.cancel_button = push_button("Cancel", tip, job.cancel, f"Cancel: {title}")
        row = in_row(self.title, self.step, self.bar, self.rate, self.cancel_button,
                     into=self, grows=self.bar, margins=(8, 4, 8, 4), spacing=12)  # fmt: skip
        row.setStretch(0, 2)
        self.rate.setMinimumWidth(24 * self.rate.fontMetrics().averageCharWidth())
        self.rate.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
        job.state_changed.connect(self._show_state)
        job.progressed.connect(self._show_progress)
        job.ended.connect(self.ended)
        self._show_state(job.state)

    def _show_state(self, state: JobState) -> None:
        self.step.setText(SENTENCES.get(state, ""))
        self.bar.setVisible(state is not JobState.QUEUED)
        self.cancel_button.setEnabled(state is not JobState.CANCELLING)

    def _show_progress(self, progress: Progress) -> None:
        if self._job.state is JobState.CANCELLING:
            return
        self.step.setText(progress.stage)
        self.bar.show_progress(progress)
        words = (percent_words(progress), progress_words(progress))
        self.rate.setText(" · ".join(filter(None, words)))


class FailureRow(QFrame):
    """What happened to what, in one sentence; details fold out and can be copied."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.setFrameShape(QFrame.StyledPanel)
        self.text = plain_label(f"{failure.title}: {failure.problem.message}")
        self.details = details_box(failure.problem.details)
        self.details.hide()
        self.again_button = push_button("Try again", "Do it once more.")
        self.details_button = push_button("Details", "Show the details.")
        self.details_button.setCheckable(True)
        self.details_button.toggled.connect(self.details.setVisible)
        self.copy_button = push_button("Copy", "Copy all of it.", self._copy)
        self.close_button = push_button("Close", "Hide this.")
        head = in_row(self.text, grows=self.text, spacing=-1)
        for button in (self.again_button, self.details_button, self.copy_button, self.close_button):
            button.setAccessibleName(f"{button.text()}: {failure.title}")
            head.addWidget(button, 0, Qt.AlignTop)
        in_column(head, self.details, into=self, margins=(8, 4, 8, 4), spacing=-1)

    def _copy(self) -> None:
        copy_with_details(self.text.text(), self.details.toPlainText())
