"""The one place where errors are shown: a line at the bottom of the window, and a dock of all."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, Qt, pyqtSignal
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import (
    QDockWidget,
    QFrame,
    QLabel,
    QToolButton,
    QWidget,
)

from app.jobs.runner import JobRunner
from app.state.values import Problem
from app.views.widgets.error_hooks import ErrorHooks, install_excepthook
from app.views.widgets.job_strip import JobList, JobStrip
from app.views.widgets.labels import (
    ElidedLabel,
    Mark,
    copy_with_details,
    details_box,
    fold_button,
    plain_label,
    sentence_case,
    small_button,
)
from app.views.widgets.layouts import boxed, in_column, in_row, scrolled

__all__ = [
    "ErrorHooks",
    "JobList",
    "JobStrip",
    "ProblemCard",
    "ProblemLog",
    "ProblemStrip",
    "ProblemsPanel",
    "install_excepthook",
    "sentence",
]

KEPT_PROBLEMS = 50


class ProblemLog(QObject):
    """What went wrong since the start, the newest last; the same one again moves to the end."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problems: list[Problem] = []
        self.unseen = 0

    def add(self, problem: Problem) -> None:
        """Show a problem."""
        self.problems = [p for p in self.problems if p != problem][1 - KEPT_PROBLEMS :]
        self.problems.append(problem)
        self.unseen += 1
        self.changed.emit()

    def dismiss(self, problem: Problem) -> None:
        """Take a problem off the list."""
        self.problems = [p for p in self.problems if p != problem]
        self.unseen = min(self.unseen, len(self.problems))
        self.changed.emit()

    def clear(self) -> None:
        """Take all problems off the list."""
        self.problems, self.unseen = [], 0
        self.changed.emit()

    def mark_seen(self) -> None:
        """The list was looked at: the strip need not point to it any more."""
        if self.unseen:
            self.unseen = 0
            self.changed.emit()


class ProblemCard(QFrame):
    """One problem: the sentence, details that fold out and can be copied, a button to dismiss."""

    def __init__(
        self, problem: Problem, dismiss: Callable[[Problem], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.problem = problem
        self.setFrameShape(QFrame.StyledPanel)
        self.setBackgroundRole(QPalette.Base)
        self.setAutoFillBackground(True)
        self.setAccessibleName(f"Problem: {problem.message}")
        self.message = plain_label(sentence(problem))
        self.message.setTextInteractionFlags(Qt.TextSelectableByMouse | Qt.TextSelectableByKeyboard)
        self.fold = fold_button("Details")
        self.copy = small_button("copy", "Copy this problem with its details")
        self.copy.clicked.connect(self.copy_text)
        self.dismiss = small_button("x", "Dismiss this problem")
        self.dismiss.clicked.connect(lambda: dismiss(problem))
        self.details = details_box(problem.details)
        self.details.hide()
        self.fold.toggled.connect(self.details.setVisible)
        mark = Mark("warning", 20)
        at_top = (mark, self.fold, self.copy, self.dismiss)
        top = in_row(mark, self.message, *at_top[1:], grows=self.message)
        for widget in at_top:
            top.setAlignment(widget, Qt.AlignTop)
        in_column(top, self.details, into=self, margins=8)
        # Only now: a widget shown before it has a place is a window of its own for a moment.
        self.fold.setVisible(bool(problem.details))

    def copy_text(self) -> None:
        """Put the sentence and the details on the clipboard."""
        copy_with_details(sentence(self.problem), self.problem.details)


def sentence(problem: Problem) -> str:
    """What happened to what."""
    subject = problem.message.split(":")[0]
    if problem.what and problem.what not in problem.message and subject not in problem.what:
        return f"{problem.what}: {problem.message}"
    return sentence_case(problem.message)


class ProblemsPanel(QDockWidget):
    """The dock with all running jobs and everything that went wrong, newest first."""

    def __init__(
        self, log: ProblemLog, parent: QWidget | None = None, runner: JobRunner | None = None
    ) -> None:
        super().__init__("Problems", parent)
        self.setObjectName("problems")
        self.setAccessibleName("Problems")
        self.log = log
        self.cards: list[ProblemCard] = []
        self.nothing = QLabel("Nothing went wrong.")
        self.nothing.setAlignment(Qt.AlignTop)
        jobs = () if runner is None else (JobList(runner),)
        self._first = len(jobs)
        self._column = in_column(*jobs, self.nothing, None, margins=8)
        area = scrolled(boxed(self._column), name="List of problems")
        self.setWidget(area)
        log.changed.connect(self._refresh)
        self.visibilityChanged.connect(lambda on: log.mark_seen() if on else None)
        self._refresh()

    def _refresh(self) -> None:
        wanted = self.log.problems[::-1]
        kept = {id(card.problem): card for card in self.cards}
        for card in self.cards:
            if all(card.problem is not problem for problem in wanted):
                self._column.removeWidget(card)
                card.hide()
                card.deleteLater()
        self.cards = [kept.get(id(p)) or ProblemCard(p, self.log.dismiss) for p in wanted]
        for place, card in enumerate(self.cards):
            self._column.insertWidget(self._first + place, card)
        self.nothing.setVisible(not wanted)


class ProblemStrip(QWidget):
    """The newest problem in the bottom line, in one line, until it was looked at."""

    opened = pyqtSignal()

    def __init__(self, log: ProblemLog, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.log = log
        self.mark = Mark("warning", 16)
        self.text = ElidedLabel()
        self.show_all = QToolButton()
        self.show_all.setAutoRaise(True)
        self.show_all.clicked.connect(self.opened)
        self.show_all.setToolTip("Show the list of problems, with details")
        self.dismiss = small_button("x", "Dismiss this problem")
        self.dismiss.clicked.connect(self._dismiss)
        in_row(self.mark, self.text, self.show_all, self.dismiss,
            into=self, grows=self.text, margins=(8, 0, 0, 0))  # fmt: skip
        log.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        self.setVisible(bool(self.log.unseen))
        if not self.log.unseen:
            return
        text = sentence(self.log.problems[-1])
        self.text.setText(text)
        self.text.setToolTip(text)
        self.setAccessibleName(f"Problem: {text}")
        count = len(self.log.problems)
        self.show_all.setText("Details" if count == 1 else f"All {count}")
        self.show_all.setAccessibleName("Show the list of problems")

    def _dismiss(self) -> None:
        self.log.dismiss(self.log.problems[-1])
        self.log.mark_seen()
