"""What the pages of errors and of explanation checks share: introduction, progress, results."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QShowEvent
from PyQt5.QtWidgets import (
    QGraphicsOpacityEffect,
    QStackedWidget,
    QWidget,
)

from app.jobs.images import ImageLoader
from app.jobs.insight_jobs import InsightJobs
from app.jobs.job import Job
from app.state import insight_words as words
from app.state.insights import REASONS, Kind
from app.state.values import Failure
from app.state.workspace import Workspace
from app.views.widgets.fields import push_button, whole_number
from app.views.widgets.labels import ElidedLabel, Mark, heading, label_of, plain_label
from app.views.widgets.layouts import boxed, in_column, in_row
from app.views.widgets.run_words import about
from app.views.widgets.work_strip import WorkStrip
from qaconv_core.readable import counted

ICONS: dict[Kind, str] = {"failures": "warning-circle", "trust": "scales"}
NUMBERS: dict[Kind, tuple[str, int, str, str]] = {
    "failures": (
        "Clusters", 20, "At most so many clusters of errors that look alike (--clusters).",
        "clusters",
    ),
    "trust": (
        "Pairs", 2000, "At most so many pairs of each kind are measured (--pairs).", "pairs"
    ),
}  # fmt: skip
"""What is chosen beside a kind's results: name, largest value, tooltip, field of the insights."""
GREY = 0.45


class EmptyState(QWidget):
    """What a page does, how long it takes, and one button to begin."""

    def __init__(self, kind: Kind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = heading(words.TITLES[kind], 1.5)
        self.explanation = plain_label(words.TEACH[kind])
        self.state = plain_label()
        self.state.setAccessibleName("Whether it can begin, and how long it takes")
        tip = f"On the command line: {words.COMMANDS[kind]}"
        self.button = push_button(words.BUTTONS[kind], tip)
        self.button.setDefault(True)
        self.button.setMinimumWidth(160)
        middle = in_column(spacing=16)
        middle.addStretch(2)
        for label in (self.explanation, self.state):
            label.setAlignment(Qt.AlignHCenter)
            label.setFixedWidth(600)
        parts = (Mark(ICONS[kind], 40), self.title, self.explanation, self.state, self.button)
        for part in parts:
            middle.addWidget(part, 0, Qt.AlignHCenter)
        middle.addStretch(3)
        in_row(None, middle, None, into=self, margins=-1, spacing=-1)


class InsightPage(QWidget):
    """One kind of findings. ``open_pair`` carries a :class:`~app.state.insights.PairPlace`.

    ``save_requested`` asks for the dialog that saves the report, ``data_requested`` for the dialog
    that opens a data set.
    """

    open_pair = pyqtSignal(object)
    save_requested = pyqtSignal()
    data_requested = pyqtSignal()

    kind: Kind

    def __init__(
        self,
        workspace: Workspace,
        jobs: InsightJobs,
        thumbnails: ImageLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace, self.jobs, self.thumbnails = workspace, jobs, thumbnails
        self.insights, kind = jobs.insights, self.kind
        self._shown: Any = None
        self.setAccessibleName(kind.capitalize())
        self.work = WorkStrip()
        self.empty = EmptyState(kind)
        self.empty.button.clicked.connect(lambda _on: self._begin())
        self.summary = ElidedLabel()
        name, most, tip, field = NUMBERS[kind]
        self.number = whole_number(name, tip, getattr(self.insights, field), most)
        self.number.valueChanged.connect(lambda value: setattr(self.insights, field, value))
        again = "Measure again" if kind == "trust" else "Find again"
        self.again = push_button(again, "Once more, with the number beside.", self._begin)
        tip = f"HTML or JSON. On the command line: {words.COMMANDS[kind]}"
        self.save = push_button("Save report…", tip, self.save_requested.emit)
        self.results = self._make_results()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._whole())
        in_column(self.work, self.stack, into=self, grows=self.stack, margins=8)
        jobs.started.connect(self._show_job)
        self.insights.changed.connect(self.refresh)
        workspace.data_changed.connect(self.refresh)
        workspace.model_changed.connect(self.refresh)
        self.refresh()

    # ── for subclasses ──────────────────────────────────────────────────────────────────────────

    def _make_results(self) -> QWidget:
        raise NotImplementedError

    @property
    def first(self) -> QWidget:
        """The widget that takes the focus when findings are shown."""
        raise NotImplementedError

    def _show_found(self, found: Any) -> None:
        """Show findings that were not shown yet."""
        raise NotImplementedError

    @property
    def found(self) -> Any:
        """The findings of this kind."""
        return getattr(self.insights, self.kind)

    # ── laying out ──────────────────────────────────────────────────────────────────────────────

    def _whole(self) -> QWidget:
        label = label_of(self.number.accessibleName(), self.number)
        title, widgets = heading(words.TITLES[self.kind]), (self.number, self.again, self.save)
        head = in_row(title, None, label, *widgets)
        return boxed(in_column(head, self.summary, self.results, grows=self.results))

    # ── following ───────────────────────────────────────────────────────────────────────────────

    def showEvent(self, event: QShowEvent) -> None:
        """What is seen is brought up to date."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Show what is known now, or what could be found out."""
        running, there = self.jobs.running(self.kind), self.found is not None
        arrived = there and self.stack.currentIndex() == 0 and self.isVisible()
        self.stack.setCurrentIndex(1 if there else 0)
        self.again.setEnabled(not running and self.jobs.ready)
        if there:
            if self.found is not self._shown:
                self._shown = self.found
                self._show_found(self._shown)
            self._grey(running)
            if arrived:
                self.first.setFocus()
        else:
            self._explain(running)

    def _grey(self, on: bool) -> None:
        """What is shown stays, greyed, while it is measured anew."""
        if on == (self.results.graphicsEffect() is not None):
            return
        effect = None
        if on:
            effect = QGraphicsOpacityEffect(self.results)
            effect.setOpacity(GREY)
        self.results.setGraphicsEffect(effect)  # type: ignore[arg-type]  # stub: None removes it

    def _explain(self, running: bool) -> None:
        data = self.workspace.data
        button, state = self.empty.button, self.empty.state
        button.setVisible(not running)
        if data is None:
            state.setText(words.NO_DATA)
            button.setText("Open data set…")
            button.setEnabled(True)
            return
        why = REASONS[self.kind](data)
        button.setText(words.BUTTONS[self.kind])
        button.setEnabled(not why and self.jobs.ready)
        if running:
            state.setText("Results will stand here; other pages can be used meanwhile.")
        elif why or not self.jobs.ready:
            state.setText(why or words.NOT_READY)
        else:
            state.setText(self._forecast(data.added_from, len(data.gallery)))

    def _forecast(self, queries: int, galleries: int) -> str:
        size = f"{counted(queries, 'query', 'queries')}, {counted(galleries, 'gallery picture')}"
        if not queries:
            size = f"No queries: some of the {galleries:,} gallery pictures instead"
        times = self.insights.times
        if times is None:
            if self.isVisible():
                self.jobs.forecast()
            return f"{size}; estimating how long it takes…"
        seconds = times.failures if self.kind == "failures" else times.trust(self.insights.pairs)
        more = "" if self.kind == "failures" else f", {self.insights.pairs} pairs of each kind"
        return f"{size}{more}: {about(seconds)}. You can go on working meanwhile."

    def _begin(self) -> None:
        if self.workspace.data is None:
            self.data_requested.emit()
        else:
            self.jobs.start(self.kind)

    def _show_job(self, kind: Kind, job: Job) -> None:
        if kind != self.kind:
            return
        self.work.forget_failures()
        self.work.add_job(job.title, job)
        job.failed.connect(
            lambda problem: self.work.fail(Failure(job.title, problem), lambda: self._begin())
        )
