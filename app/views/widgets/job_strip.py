"""The bottom line of the window: what is being done, how far it is, and how to stop it."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QBoxLayout,
    QLabel,
    QProgressBar,
    QWidget,
)

from app.jobs.job import Job, JobState
from app.jobs.runner import JobRunner
from app.views.widgets.labels import small_button
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.progress import Progress


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, or hours: ``0:41``, ``1:02:03``."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def progress_words(progress: Progress | None) -> str:
    """Rate and time left, as far as they are known: ``212 pictures/s · 0:41 left``."""
    if progress is None:
        return ""
    parts = []
    if progress.rate:
        unit = "pictures" if progress.unit == "images" else progress.unit
        rate, per = progress.rate, "s"
        if rate >= 10_000:
            rate, per = rate / 1000, "ms"
        parts.append(f"{rate:,.0f} {unit}/{per}" if rate >= 10 else f"{rate:.1f} {unit}/{per}")
    if progress.eta is not None and progress.fraction != 1.0:
        parts.append(f"{clock(progress.eta)} left")
    return " · ".join(parts)


def percent_words(progress: Progress | None) -> str:
    """How much is done, as far as that is known: ``45 %``."""
    fraction = None if progress is None else progress.fraction
    return "" if fraction is None else f"{fraction:.0%}".replace("%", " %")


def state_words(job: Job) -> str:
    """What to say of a job beside its bar."""
    if job.state is JobState.QUEUED:
        return "waits for its turn"
    if job.state is JobState.CANCELLING:
        return "stops after the batch in hand"
    return progress_words(job.progress)


class JobBar(QProgressBar):
    """How much of a job is done; where that is not known, an empty bar: it needs no animation."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setAccessibleName(f"Progress of {title}")
        self.setMaximumHeight(14)
        self.setTextVisible(False)
        self.setRange(0, 1000)
        self.setValue(0)

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far it is, as far as that is known."""
        fraction = None if progress is None else progress.fraction
        self.setValue(round(1000 * (fraction or 0.0)))


class JobRow(QWidget):
    """One job: title, bar, percent, rate and time left, and a button that cancels it."""

    def __init__(self, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self.setAccessibleName(f"Job: {job.title}")
        self.title = QLabel(job.title)
        self.title.setTextFormat(Qt.PlainText)
        self.title.setMaximumWidth(320)
        self.bar = JobBar(job.title)
        self.bar.setFixedWidth(160)
        self.words = QLabel()
        self.cancel = small_button("x", "Cancel; what is computed so far is kept")
        self.cancel.setAccessibleName(f"Cancel {job.title}")
        self.cancel.clicked.connect(job.cancel)
        in_row(self.title, self.bar, self.words, self.cancel, into=self)
        self.show_job()

    def show_job(self) -> None:
        """Show where the job stands now."""
        progress = self.job.progress
        self.bar.show_progress(progress)
        words = (percent_words(progress), state_words(self.job))
        self.words.setText(" · ".join(filter(None, words)))
        self.bar.setToolTip(progress.stage if progress is not None else self.job.title)
        self.cancel.setEnabled(self.job.state in (JobState.QUEUED, JobState.RUNNING))


class JobList(QWidget):
    """The jobs that are under way or wait, the oldest first, each in a row of its own."""

    ALIGN = Qt.Alignment(Qt.AlignLeft)

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Running jobs")
        self.rows: dict[int, JobRow] = {}
        self.box = self._make_layout()
        runner.added.connect(self._add)
        runner.changed.connect(self._change)
        runner.removed.connect(self._remove)
        for job in runner.jobs:
            if not job.quiet:
                self._add(job)
        self._arrange()

    def _make_layout(self) -> QBoxLayout:
        return in_column(into=self)

    def _add(self, job: Job) -> None:
        self.rows[job.serial] = row = JobRow(job, self)
        self.box.addWidget(row, 0, self.ALIGN)
        self._arrange()

    def _change(self, job: Job) -> None:
        if job.serial in self.rows:
            self.rows[job.serial].show_job()

    def _remove(self, job: Job) -> None:
        row = self.rows.pop(job.serial, None)
        if row is not None:
            self.box.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._arrange()

    def _arrange(self) -> None:
        self.setVisible(bool(self.rows))


class JobStrip(JobList):
    """The job in hand, in the window's bottom line; the others are counted beside it."""

    ALIGN = Qt.Alignment()
    SHOWN = 1

    def _make_layout(self) -> QBoxLayout:
        self.more = QLabel()
        return in_row(self.more, into=self, spacing=16)

    def _arrange(self) -> None:
        """The oldest job is shown, being the one that runs."""
        rows = list(self.rows.values())
        for place, row in enumerate(rows):
            row.setVisible(place < self.SHOWN)
        hidden = rows[self.SHOWN :]
        self.more.setVisible(bool(hidden))
        self.more.setText(f"+ {len(hidden)} more")
        self.more.setToolTip("\n".join(row.job.title for row in hidden))
