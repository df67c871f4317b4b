"""QActions out of the table of commands, and what they do.

Each view says which commands it answers (``handlers()``: id → function); the window joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt5.QtCore import QObject, Qt, pyqtSignal
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAction, QMenu, QMenuBar, QWidget

from app.state.commands import BY_ID, COMMANDS, MENUS, Command

Handler = Callable[[], object]
Handlers = Mapping[str, Handler]


class Actions(QObject):
    """One QAction for each command. ``ran`` tells the id of a command after it was run."""

    ran = pyqtSignal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._handlers: dict[str, Handler] = {}
        self._reasons: dict[str, str] = {}
        self.by_id: dict[str, QAction] = {c.id: self._make(c, window) for c in COMMANDS}

    def _make(self, command: Command, window: QWidget) -> QAction:
        action = QAction(command.title, window)
        action.setObjectName(command.id)
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.setShortcutContext(Qt.WindowShortcut)
        action.setCheckable(command.checkable)
        action.setStatusTip(command.tip)
        keys = action.shortcut().toString(QKeySequence.NativeText)
        words = command.tip or command.title
        action.setToolTip(f"{words} ({keys})" if keys else words)
        action.setEnabled(False)
        action.triggered.connect(lambda _checked=False, id=command.id: self.run(id))
        window.addAction(action)
        return action

    def bind(self, handlers: Handlers) -> None:
        """Say what commands do; they can be chosen from now on."""
        for id, handler in handlers.items():
            if id not in BY_ID:
                raise KeyError(f"{id} is not in the table of commands")
            self._handlers[id] = handler
            self.by_id[id].setEnabled(True)

    @property
    def bound(self) -> frozenset[str]:
        """Ids of the commands that do something."""
        return frozenset(self._handlers)

    def run(self, id: str) -> None:
        """Do a command by its id; nothing happens where it is switched off."""
        if id in self._handlers and self.by_id[id].isEnabled():
            self._handlers[id]()
            self.ran.emit(id)

    def check(self, id: str, on: bool) -> None:
        """Show a checkable command as on or off, without running it."""
        self.by_id[id].setChecked(on)

    def enable(self, id: str, on: bool, why: str = "") -> None:
        """Let a bound command be chosen, or not; ``why`` not, in a few words."""
        self.by_id[id].setEnabled(on and id in self._handlers)
        self._reasons[id] = "" if on else why

    def reason(self, id: str) -> str:
        """Why a command cannot be chosen now, where that is known."""
        return self._reasons.get(id, "")

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Menus in the order of the table; a new group starts with a line."""
        menus = {name: bar.addMenu(name) for name in MENUS}
        last: dict[str, int] = {}
        for command in COMMANDS:
            menu = menus[command.menu]
            if last.setdefault(command.menu, command.group) != command.group:
                menu.addSeparator()
            last[command.menu] = command.group
            menu.addAction(self.by_id[command.id])
            menu.setToolTipsVisible(True)
        return menus
