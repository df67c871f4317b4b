"""Adapting the open model to the open pictures: before, meanwhile, afterwards."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QPalette, QShowEvent
from PyQt5.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QWidget,
)

from app.jobs.adaptation_jobs import AdaptationJobs
from app.jobs.images import ImageLoader
from app.jobs.job import Job, JobState
from app.state import adaptation_words as words
from app.state.adaptation import SUFFIX, AdaptationRequest
from app.state.values import Problem
from app.views.dialogs.adapt_groups import GroupList
from app.views.widgets.fields import line_edit, push_button, tick_box, whole_number
from app.views.widgets.file_dialogs import ask_new_path
from app.views.widgets.job_strip import JobBar, clock
from app.views.widgets.labels import ElidedLabel, MessageLine, heading, plain_label
from app.views.widgets.layouts import boxed, in_column, in_form, in_row, size_on_screen
from qaconv_core.paths import typed_path
from qaconv_core.progress import Progress

BEFORE, MEANWHILE, AFTERWARDS = range(3)
MOST_ROUNDS = 9
FIRST_SIZE, WORKING_SIZE = (960, 440), (960, 680)
"""Pixels of the dialog before there is something to follow, and then."""


class AdaptDialog(QDialog):
    """The open model learns the open pictures; the work goes on while the dialog is closed."""

    def __init__(
        self, jobs: AdaptationJobs, thumbnails: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.jobs, self.adaptation = jobs, jobs.adaptation
        self._typed = False
        self._job: Job | None = None
        self.setWindowTitle("Adapt to these pictures")
        size_on_screen(self, *FIRST_SIZE)
        self.pages = QStackedWidget()
        self._make_before()
        self._make_meanwhile(thumbnails)
        self._make_afterwards()
        in_column(self.pages, into=self, margins=16)
        self._connect()
        self.refresh()

    # ── how it looks ────────────────────────────────────────────────────────────────────────────

    def _make_before(self) -> None:
        self.title = heading(scale=1.25)
        self.path = line_edit("New model", "The file of the new model; the old one is not changed")
        self.browse = push_button("B&rowse…", "Choose folder and name", self._browse)
        self.rounds = whole_number(
            "Rounds", "Rounds of grouping and learning; the best one is kept",
            AdaptationRequest(Path()).rounds, MOST_ROUNDS,
        )  # fmt: skip
        self.review = tick_box(
            "&Stop in each round, so that I can take wrong groups out",
            "Off: it learns from the groups as they are found", on=True,
        )  # fmt: skip
        form = in_form(
            ("New &model", in_row(self.path, self.browse, grows=self.path)),
            ("Ro&unds", in_row(self.rounds, None)),
            ("", self.review),
            spacing=(8, 8),
        )
        self.forecast = plain_label()
        self.forecast.setAccessibleName("How long it takes, and how much memory")
        self.message = MessageLine()
        self.anew = push_button(
            "Begin &anew", "Forget what was begun for this file, and begin from the start",
            lambda: self._start(anew=True),
        )  # fmt: skip
        self.begin = push_button(
            "&Begin", "On the command line: qaconv adapt --dataset NAME --out FILE",
            lambda: self._start(anew=False),
        )  # fmt: skip
        self.pages.addWidget(boxed(in_column(
            self.title, plain_label(words.TEACH), plain_label(words.LIMITS), form,
            self.forecast, self.message, None,
            self._buttons(self.anew, self.begin), spacing=16,
        )))  # fmt: skip

    def _make_meanwhile(self, thumbnails: ImageLoader) -> None:
        self.step = ElidedLabel()
        self.bar = JobBar("the whole adaptation")
        self.left = QLabel()
        self.stop = push_button(
            "&Stop", "Stop after the batch in hand; it can be taken up again at any time",
            self.jobs.cancel,
        )  # fmt: skip
        self.kept = plain_label(words.KEPT)
        self.found = heading()
        self.look = plain_label(words.LOOK)
        self.groups = GroupList(self.adaptation, thumbnails)
        self.go_on = push_button(
            "&Learn from these groups", "Go on without what is taken out", self.jobs.go_on
        )
        head = in_row(self.step, self.bar, self.left, self.stop, spacing=12)
        head.setStretch(0, 2)
        head.setStretch(1, 1)
        self.pages.addWidget(boxed(in_column(
            head, self.kept, self.found, self.look, self.groups,
            self._buttons(self.go_on), grows=self.groups, spacing=12,
        )))  # fmt: skip

    def _make_afterwards(self) -> None:
        self.outcome = heading(scale=1.25)
        self.told = plain_label()
        self.table = QWidget()
        self.use_new = push_button(
            "&Use the new model", "Match with the adapted model from now on", self.jobs.use_new
        )
        self.use_old = push_button(
            "&Back to the old model", "Match with the model as it was", self.jobs.use_old
        )
        self.again = push_button(
            "&Adapt again…", "Choose anew, from the model that is open now", self._choose_anew
        )
        self._last = in_column(
            self.outcome, self.told, self.table, None,
            self._buttons(self.again, self.use_old, self.use_new), spacing=16,
        )  # fmt: skip
        self.pages.addWidget(boxed(self._last))

    def _buttons(self, *buttons: QPushButton) -> QHBoxLayout:
        close = push_button(
            "&Close", "Close this window; work that is under way goes on", self.close
        )
        return in_row(None, *buttons, close)

    def _connect(self) -> None:
        self.path.textEdited.connect(self._path_typed)
        self.rounds.valueChanged.connect(lambda _value: self._estimate())
        self.jobs.started.connect(self._follow)
        self.jobs.failed.connect(self._show_problem)
        space = self.jobs.controller.workspace
        self._heard = (
            (self.adaptation.changed, self.refresh),
            (self.adaptation.groups_changed, self._show_groups),
            (self.adaptation.groups_changed, self.groups.rows.refresh),
            (space.model_changed, self._other_opened),
            (space.data_changed, self._other_opened),
        )
        for event, listener in self._heard:
            event.connect(listener)
        self.finished.connect(self._leave)
        if self.jobs.job is not None:
            self._follow(self.jobs.job)

    def _leave(self, _result: int) -> None:
        """A closed dialog listens no more; the next one is a new one."""
        for event, listener in self._heard:
            event.disconnect(listener)

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    def refresh(self) -> None:
        """Show where the adaptation stands."""
        known = self.adaptation
        if known.result is not None:
            page = AFTERWARDS
            self._show_outcome()
        elif known.running or known.waiting:
            page = MEANWHILE
            self._show_work()
        else:
            page = BEFORE
            self._show_choices()
        arrived = page != self.pages.currentIndex()
        self.pages.setCurrentIndex(page)
        if arrived and page == MEANWHILE:
            grown = self.size().expandedTo(QSize(*WORKING_SIZE))
            size_on_screen(self, grown.width(), grown.height())
        if arrived and page == AFTERWARDS:
            (self.use_new if self.use_new.isEnabled() else self.again).setFocus()

    def _show_choices(self) -> None:
        space = self.jobs.controller.workspace
        model = "" if space.model is None else space.model.title
        data = "" if space.data is None else space.data.name
        self.title.setText(f"Adapt {model} to {data}")
        if not self._typed and not self.jobs.why_not():
            self.path.setText(str(self.jobs.proposed_out()))
        self._check_path()
        self.forecast.setText(self.adaptation.forecast or "Estimating how long it takes…")

    def _check_path(self) -> None:
        out, why = self.out, self.jobs.why_not()
        begun = None if out is None or why else self.jobs.unfinished(out)
        exists = out is not None and out.exists()
        if begun is not None and begun.planned != self.rounds.value():
            self.rounds.setValue(begun.planned)
        self.rounds.setEnabled(begun is None)
        self.anew.setVisible(begun is not None)
        self.begin.setText("&Begin" if begun is None else "&Go on")
        self.begin.setEnabled(out is not None and not exists and not why)
        if why:
            self.message.say(why)
        elif exists:
            self.message.say("This file is there already; choose another name.")
        elif begun is not None:
            self.message.say(
                f"An adaptation for this file was stopped in round {begun.round} of "
                f"{begun.planned}; it goes on there."
            )
        else:
            self.message.say("")

    def _show_work(self) -> None:
        known = self.adaptation
        for part in (self.stop, self.bar, self.left):
            part.setVisible(known.running)
        self.go_on.setVisible(known.waiting)
        self.look.setVisible(known.waiting)
        if known.waiting:
            self.step.setText("Waits for you: are these groups right?")
            self.left.setText("")
            self.groups.setFocus()
        self._show_groups()

    def _show_groups(self) -> None:
        found = self.adaptation.found
        self.found.setText("" if found is None else words.groups_title(found))
        self.found.setVisible(found is not None)

    def _show_outcome(self) -> None:
        result = self.adaptation.result
        assert result is not None
        self.outcome.setText(words.outcome_title(result))
        self.told.setText(words.outcome_words(result))
        old, self.table = self.table, self._outcome_table()
        self._last.replaceWidget(old, self.table)
        old.hide()
        old.deleteLater()
        used = self.jobs.new_in_use
        self.use_new.setVisible(result.helped)
        self.use_old.setVisible(result.helped)
        self.use_new.setEnabled(not used)
        self.use_old.setEnabled(used)

    def _outcome_table(self) -> QWidget:
        result = self.adaptation.result
        assert result is not None
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setColumnStretch(1, 1)
        names, kept = words.outcome_names(result), result.written_stage
        for column, name in enumerate(names, start=2):
            this = column - 2 == kept
            label = heading(name) if this else plain_label(name)
            label.setAlignment(Qt.AlignRight)
            label.setToolTip("This model is kept" if this else "")
            grid.addWidget(label, 0, column)
        for line, (name, meaning, texts) in enumerate(words.outcome_table(result), start=1):
            grid.addWidget(plain_label(name, wrap=False), line, 0, Qt.AlignTop)
            told = plain_label(meaning)
            told.setForegroundRole(QPalette.PlaceholderText)
            grid.addWidget(told, line, 1)
            for column, text in enumerate(texts, start=2):
                value = heading(text) if column - 2 == kept else plain_label(text)
                value.setAlignment(Qt.AlignRight)
                value.setAccessibleName(f"{name}, {names[column - 2]}: {text}")
                grid.addWidget(value, line, column)
        return table

    # ── following the job ───────────────────────────────────────────────────────────────────────

    def _follow(self, job: Job) -> None:
        self._job = job
        self.bar.setValue(0)
        self.left.setText("")
        job.progressed.connect(self._show_progress)
        job.state_changed.connect(self._show_state)
        self._show_state(job.state)
        if job.progress is not None:
            self._show_progress(job.progress)

    def _show_state(self, state: JobState) -> None:
        sentences = {
            JobState.QUEUED: "Waits for its turn",
            JobState.RUNNING: "Starting",
            JobState.CANCELLING: "Stopping after the batch in hand; what was done is kept",
        }
        if state in sentences:
            self.step.setText(sentences[state])
        self.stop.setEnabled(state is not JobState.CANCELLING)

    def _show_progress(self, progress: Progress) -> None:
        if self._job is None or self._job.state is JobState.CANCELLING:
            return
        self.step.setText(words.step_words(progress.stage))
        if progress.whole is not None:
            self.bar.setValue(round(1000 * progress.whole))
        if progress.eta is not None:
            self.left.setText(f"about {clock(progress.eta)} left")

    def _show_problem(self, problem: Problem) -> None:
        if self.pages.currentIndex() == BEFORE:
            self.forecast.setText("")
        self.adaptation.stop()
        self.message.say(problem.message, warning=True)

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    @property
    def out(self) -> Path | None:
        """The file of the new model; None while none is named."""
        text = self.path.text().strip()
        if not text or not typed_path(text).name:
            return None
        path = typed_path(text)
        path = path if path.name.endswith(SUFFIX) else path.with_name(path.name + SUFFIX)
        return path if path.is_absolute() else self.jobs.proposed_out().parent / path

    def _path_typed(self, _text: str) -> None:
        self._typed = True
        self._check_path()

    def _browse(self) -> None:
        ask_new_path(self, "New model", (self.out or Path.home()).parent, self._choose_path)

    def _choose_path(self, path: str) -> None:
        self.path.setText(path)
        self._path_typed(path)

    def _start(self, anew: bool) -> None:
        out = self.out
        if out is not None:
            self.message.say("")
            self.jobs.start(
                AdaptationRequest(out, self.rounds.value(), self.review.isChecked(), anew)
            )

    def _choose_anew(self) -> None:
        self._typed = False
        self.adaptation.forget()
        self._estimate()

    def _estimate(self) -> None:
        if self.isVisible() and self.pages.currentIndex() == BEFORE and not self.jobs.why_not():
            self.adaptation.set_forecast("")
            self.jobs.forecast(self.rounds.value())

    def _other_opened(self) -> None:
        """Another set or model: what is proposed and forecast belongs to the one before."""
        self.refresh()
        self._estimate()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._estimate()
