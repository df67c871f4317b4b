"""The toolbar: where to go and what to open, and at its right end what is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt5.QtCore import QEvent, QSize, Qt
from PyQt5.QtGui import QPainter, QPaintEvent, QResizeEvent
from PyQt5.QtWidgets import QLabel, QSizePolicy, QToolBar, QToolButton, QWidget

from app.state.commands import COMMANDS
from app.state.session import PAGES
from app.state.workspace import Workspace
from app.views.widgets.actions import Actions
from app.views.widgets.icons import icon
from app.views.widgets.labels import sentence_case

GROUPS = (
    tuple(f"view.{name}" for name in PAGES),
    ("view.back", "view.forward"),
    ("file.open_data", "file.open_model", "file.open_query"),
)
SHORT = {
    "file.open_data": "Data set…",
    "file.open_model": "Checkpoint…",
    "file.open_query": "Picture…",
}
"""Words on the buttons, shorter than in the menus: the name of what is open needs the room."""
ICON_ONLY = ("view.back", "view.forward")
BETWEEN = " · "
ICON = 18
FEWEST = 5
"""Letters, the ellipsis among them, that stay of a name."""
READABLE = 12
"""Letters that stay of a name while buttons still have words to give up."""


def fitted(parts: Sequence[str], room: int, width: Callable[[str], int]) -> str:
    """The parts in one line of at most ``room``, the longest of them shortened in their middle.

    ``width`` measures a text. Parts are never shortened to less than :data:`FEWEST` letters, so
    that the line may still be too long.
    """
    kept = [len(part) for part in parts]

    def line() -> str:
        return BETWEEN.join(map(_shortened, parts, kept))

    while width(line()) > room and max(kept, default=0) > FEWEST:
        longest = kept.index(max(kept))
        kept[longest] -= 1
    return line()


def _shortened(text: str, letters: int) -> str:
    """``text`` with an ellipsis in its middle where it is longer than ``letters``."""
    if len(text) <= letters:
        return text
    end = (letters - 1) // 2
    return f"{text[: letters - 1 - end]}…{text[len(text) - end :]}"


class Place(QLabel):
    """Names what is open; where there is little room it shows less of long names, never nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parts: tuple[str, ...] = ()
        self.setContentsMargins(8, 0, 8, 0)
        self.setTextFormat(Qt.PlainText)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Preferred)

    def name(self, parts: Sequence[str], tips: Sequence[str]) -> None:
        """Show the parts, and under the pointer what else is to be said of them."""
        self.parts = tuple(parts)
        self.setText(BETWEEN.join(parts))
        self.setToolTip("\n\n".join((self.text(), *tips)) if parts else "")
        self.setAccessibleName(f"Open: {', '.join(parts) or 'nothing'}")

    @property
    def shown(self) -> str:
        """The line as it is painted."""
        return fitted(self.parts, self.contentsRect().width(), self._width)

    @property
    def wanted(self) -> int:
        """Pixels that the whole line takes."""
        margins = self.contentsMargins()
        return self._width(self.text()) + margins.left() + margins.right()

    @property
    def least(self) -> int:
        """Pixels that the line takes with its names shortened as far as they can still be read."""
        margins = self.contentsMargins()
        short = BETWEEN.join(_shortened(part, READABLE) for part in self.parts)
        return self._width(short) + margins.left() + margins.right()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def _width(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        align = int(Qt.AlignRight | Qt.AlignVCenter)
        self.style().drawItemText(
            painter, self.contentsRect(), align, self.palette(), self.isEnabled(), self.shown,
            self.foregroundRole(),
        )  # fmt: skip
        painter.end()


class MainBar(QToolBar):
    """Buttons of the most used commands; ``place`` names data set, model and device.

    Where there is not room for all words, the buttons that open something keep their icons only;
    where that is not enough, those of the pages do, too.
    """

    def __init__(self, commands: Actions, parent: QWidget | None = None) -> None:
        super().__init__("Main", parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.PreventContextMenu)
        self.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(ICON, ICON))
        for command in COMMANDS:
            if command.icon:
                commands.by_id[command.id].setIcon(icon(command.icon))
        for id, words in SHORT.items():
            commands.by_id[id].setIconText(words)
        for place, ids in enumerate(GROUPS):
            if place:
                self.addSeparator()
            for id in ids:
                self.addAction(commands.on_button(id))
        for id in ICON_ONLY:
            self.button(commands, id).setToolButtonStyle(Qt.ToolButtonIconOnly)
        self.opening = [self.button(commands, id) for id in SHORT]
        self._foldable = (self.opening, [self.button(commands, id) for id in GROUPS[0]])
        self._saved: list[int] = []
        """Pixels that each group of buttons without words gave up."""
        self.place = Place(self)
        self.addWidget(self.place)

    def button(self, commands: Actions, id: str) -> QToolButton:
        """The button of a command."""
        button = self.widgetForAction(commands.by_id[id])
        assert isinstance(button, QToolButton)
        return button

    def show_place(self, space: Workspace) -> None:
        """What is open."""
        parts, tips = [], []
        if space.data is not None:
            parts.append(space.data.name)
            tips.append(f"{space.data.root}\n{space.data.layout}")
        if space.model is not None:
            model = space.model
            adapted = sentence_case(model.spec.adapted)
            name = f"{model.title}, adapted" if adapted else model.title
            parts += [name, "GPU" if "cuda" in model.device else "CPU"]
            maps = f"feature maps computed in {space.map_precision}"
            if space.map_precision != model.precision:
                maps += ", as they were stored"
            lines = (model.spec.describe(), adapted, model.device, maps)
            tips.append("\n".join(filter(None, lines)))
        self.place.name(parts, tips)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.FontChange, QEvent.StyleChange) and hasattr(self, "place"):
            self._fit()

    def _fit(self) -> None:
        """Words on as many buttons as there is room for beside what is open."""
        others = [w for w in map(self.widgetForAction, self.actions()) if w is not self.place]
        taken = sum(w.sizeHint().width() for w in others if w is not None)
        # The margins and spaces of the bar are what its own wish has besides its widgets'.
        frame = self.sizeHint().width() - taken - self.place.sizeHint().width()
        left = self.width() - taken - max(frame, 0)
        wanted = (self.place.wanted, self.place.least)
        folded = len(self._saved)
        if folded and left >= wanted[folded - 1] + self._saved[-1]:
            self._saved.pop()
            self._set_words(self._foldable[folded - 1], True)
            self._fit()
        elif folded < len(self._foldable) and left < wanted[folded]:
            self._saved.append(self._set_words(self._foldable[folded], False))
            self._fit()

    @staticmethod
    def _set_words(buttons: Sequence[QToolButton], on: bool) -> int:
        """Words on the buttons or none; returns by how many pixels they became narrower."""
        before = sum(button.sizeHint().width() for button in buttons)
        style = Qt.ToolButtonTextBesideIcon if on else Qt.ToolButtonIconOnly
        for button in buttons:
            button.setToolButtonStyle(style)
        return before - sum(button.sizeHint().width() for button in buttons)
