"""The empty window: three ways to begin, what was open before, and a hint for the first time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.state.requests import CaseRequest, DataRequest, ModelRequest, Request, place_of
from app.state.settings import Settings
from app.views.widgets.fields import push_button
from app.views.widgets.icons import icon
from app.views.widgets.labels import ElidedLabel, Mark, heading, plain_label, small_button
from app.views.widgets.layouts import in_row

EXPLORE_HINT = "explore"
ICONS = {DataRequest: "folder", ModelRequest: "cube", CaseRequest: "briefcase"}
EXPLORE_HINT_WORDS = (
    "Point at a picture: the other shows what matches; a click pins it · F1: all keys"
)


@dataclass(frozen=True)
class Choice:
    """One way to begin; ``command`` is its id in the table of commands."""

    command: str
    name: str
    title: str
    words: str


CHOICES = (
    Choice("file.import", "image", "Find a person in my pictures",
           "Folders or a table of your own. You see how they are understood first."),
    Choice("file.open_data", "folder-open", "Look at a benchmark",
           "Market-1501, MSMT17 and others, or any data set. You see what it holds first."),
    Choice("file.open_demo", "play", "Try the demo",
           "The bundled synthetic people with the bundled model. Nothing to download."),
)  # fmt: skip


class ChoiceButton(QPushButton):
    """A large button: icon, title, one sentence."""

    def __init__(self, choice: Choice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        self.setAccessibleName(f"{choice.title}. {choice.words}")
        self.setToolTip(choice.words)
        self.setMinimumSize(240, 160)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(Mark(choice.name, 40), 0, Qt.AlignHCenter)
        title = heading(choice.title, 1.25)
        title.setWordWrap(True)
        title.setAlignment(Qt.AlignHCenter)
        column.addWidget(title)
        words = plain_label(choice.words)
        words.setAlignment(Qt.AlignHCenter | Qt.AlignTop)
        column.addWidget(words, 1)
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WA_TransparentForMouseEvents)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As high as its words need at this width: fonts differ."""
        super().resizeEvent(event)
        layout = self.layout()
        self.setMinimumHeight(max(160, layout.totalHeightForWidth(self.width())))
        layout.invalidate()
        layout.setGeometry(self.rect())


class WelcomePage(QWidget):
    """Shown while nothing is open. ``chosen`` tells the id of a command, ``reopen_data`` and
    ``reopen_model`` and ``reopen_case`` a recent data set, checkpoint or case."""

    chosen = pyqtSignal(str)
    reopen_data = pyqtSignal(object)
    reopen_model = pyqtSignal(object)
    reopen_case = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Begin")
        self.choices = [ChoiceButton(choice) for choice in CHOICES]
        self.recent = QWidget()
        self._recent = QGridLayout(self.recent)
        self._recent.setContentsMargins(0, 0, 0, 0)
        self._recent.setHorizontalSpacing(24)
        self._recent.setVerticalSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(16)
        for button in self.choices:
            button.clicked.connect(lambda _on, id=button.choice.command: self.chosen.emit(id))
            row.addWidget(button)
        middle = QWidget()
        middle.setMaximumWidth(960)
        column = QVBoxLayout(middle)
        column.setSpacing(16)
        column.addStretch(2)
        column.addWidget(heading("See why two pictures match", 1.5), 0, Qt.AlignHCenter)
        column.addLayout(row)
        hint = plain_label(
            "Or drop a folder, a picture, a video, a checkpoint or a case on this window."
        )
        hint.setAlignment(Qt.AlignHCenter)
        column.addWidget(hint)
        self.case = push_button(
            "Open a case…",
            "Go on with a case: one file with queries, decisions and notes",
            lambda: self.chosen.emit("file.open_case"),
        )
        column.addWidget(self.case, 0, Qt.AlignHCenter)
        column.addWidget(self.recent)
        column.addStretch(3)
        across = QHBoxLayout(self)
        across.addStretch(1)
        across.addWidget(middle, 100)
        across.addStretch(1)

    def show_recent(self, settings: Settings) -> None:
        """List what was open before."""
        while self._recent.count():
            widget = self._recent.takeAt(0).widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._list(0, "Recent data sets", settings.recent_data, self.reopen_data.emit)
        self._list(1, "Recent checkpoints", settings.recent_models, self.reopen_model.emit)
        self._list(2, "Recent cases", settings.recent_cases, self.reopen_case.emit)
        lists = (settings.recent_data, settings.recent_models, settings.recent_cases)
        self.recent.setVisible(any(lists))

    def _list(
        self,
        column: int,
        title: str,
        requests: Sequence[Request],
        open_it: Callable[[object], None],
    ) -> None:
        if not requests:
            return
        self._recent.addWidget(heading(title), 0, column)
        for row, request in enumerate(requests[:5], start=1):
            button = QToolButton()
            button.setText(request.title)
            button.setAutoRaise(True)
            button.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
            button.setIcon(icon(ICONS[type(request)]))
            button.setIconSize(QSize(16, 16))
            where = place_of(request)
            button.setToolTip(where)
            button.setAccessibleName(f"Open {request.title}, {where}")
            button.clicked.connect(lambda _on, request=request: open_it(request))
            self._recent.addWidget(button, row, column, Qt.AlignLeft)


class HintStrip(QWidget):
    """One line that says what to do first; ``dismissed`` once it was followed or closed."""

    dismissed = pyqtSignal(str)

    def __init__(
        self,
        name: str = EXPLORE_HINT,
        words: str = EXPLORE_HINT_WORDS,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.name = name
        self.setAccessibleName(f"Hint: {words}")
        text = ElidedLabel(words)
        text.setToolTip(words)
        self.button = small_button("x", "Do not show this hint again")
        self.button.setIconSize(QSize(12, 12))
        self.button.clicked.connect(self.dismiss)
        in_row(Mark("lightbulb"), text, self.button, into=self, grows=text)
        self.hide()

    def show_unless_seen(self, settings: Settings) -> None:
        """Show the hint where it was not dismissed before."""
        self.setVisible(self.name not in settings.hints_seen)

    def dismiss(self) -> None:
        """Hide it for good."""
        self.hide()
        self.dismissed.emit(self.name)
