"""QActions made from the table of commands, and what each command does.

A view registers its commands as :class:`Handler` values (``handlers()``: id → handler); the window
binds them. Nobody enables or checks an action from outside: :class:`Actions` asks the handlers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from PyQt5.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QKeySequence
from PyQt5.QtWidgets import QAction, QApplication, QMenu, QMenuBar, QWidget

from app.jobs.timers import pause_timer
from app.state.commands import BY_ID, COMMANDS, MENUS, Command

MNEMONICS = {"Evaluate": "E&valuate", "View": "V&iew"}
"""Menus whose first letter another one has: Alt and the marked letter open a menu."""


def _always() -> bool:
    return True


def _no_reason() -> str:
    return ""


@dataclass(frozen=True)
class Handler:
    """What a command does (``run``), whether it can be run now (``enabled``) and is on
    (``checked``; None for a command that is never on). ``reason``: why it cannot be run."""

    run: Callable[[], object]
    enabled: Callable[[], bool] = _always
    checked: Callable[[], bool] | None = None
    reason: Callable[[], str] = _no_reason


Handlers = Mapping[str, Handler]


def toggle_of(widget: QWidget) -> Handler:
    """Shows a widget or hides it; on while it is visible."""
    return Handler(lambda: widget.setVisible(not widget.isVisible()), checked=widget.isVisible)


class Actions(QObject):
    """One QAction for each command of the table. ``refused``: why a key that was pressed does
    nothing now.

    Actions on a button are brought up to date once per turn of the event loop after a watched
    event, a key or a command; all of them at once before a menu opens, and those of a key before it
    is tried as a shortcut. ``available`` says whether a command belongs to what the window shows
    now; a handler is asked only then.
    """

    refused = pyqtSignal(str)

    def __init__(
        self, window: QWidget, available: Callable[[Command], bool] = lambda _command: True
    ) -> None:
        super().__init__(window)
        self._available = available
        self._handlers: dict[str, Handler] = {}
        self.by_id: dict[str, QAction] = {c.id: self._make(c, window) for c in COMMANDS}
        self._seen: set[str] = set()
        self._by_keys: dict[str, list[str]] = {}
        for id, action in self.by_id.items():
            for keys in action.shortcuts():
                self._by_keys.setdefault(keys.toString(), []).append(id)
        self._due = pause_timer(self, 0, self._refresh_seen)
        window.installEventFilter(self)

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
        """Register what commands do."""
        for id, handler in handlers.items():
            if id not in BY_ID:
                raise KeyError(f"{id} is not in the table of commands")
            self._handlers[id] = handler
            self._show_state(id)

    def on_button(self, id: str) -> QAction:
        """The action of a command, for a button: its state is seen without opening a menu."""
        self._seen.add(id)
        return self.by_id[id]

    @property
    def bound(self) -> frozenset[str]:
        """Ids of the commands that do something."""
        return frozenset(self._handlers)

    def watch(self, *events: Any) -> None:
        """Refresh after each of these events or signals, whatever their arguments."""
        for event in events:
            event.connect(self.refresh_later)

    def refresh_later(self, *_arguments: object) -> None:
        """Refresh what is seen once, in the next turn of the event loop."""
        self._due.start()

    def _refresh_seen(self) -> None:
        if QApplication.activePopupWidget() is not None:  # an open menu
            self.refresh()
            return
        for id in self._seen & self._handlers.keys():
            self._show_state(id)

    def refresh(self) -> None:
        """Bring every action up to date now."""
        self._due.stop()
        for id in self._handlers:
            self._show_state(id)

    def _show_state(self, id: str) -> None:
        action, checked = self.by_id[id], self._handlers[id].checked
        action.setEnabled(self.can_run(id))
        if checked is not None:
            action.setChecked(checked())

    def can_run(self, id: str) -> bool:
        """Whether a command does something now."""
        handler = self._handlers.get(id)
        return handler is not None and self._available(BY_ID[id]) and handler.enabled()

    def reason(self, id: str) -> str:
        """Why a command cannot be run now, where that is known."""
        handler = self._handlers.get(id)
        if handler is None or not self._available(BY_ID[id]) or handler.enabled():
            return ""
        return handler.reason()

    def run(self, id: str) -> None:
        """Run a command by its id; nothing happens where it cannot be run."""
        if self.can_run(id):
            self._handlers[id].run()
        self.refresh_later()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Qt runs the shortcuts of enabled actions only: a key must find them up to date.
        if event.type() == QEvent.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            of_key = self._of_key(event)
            for id in of_key:
                self._show_state(id)
            if not of_key:  # a layout may make another key of it
                self.refresh()
            self._say_why(of_key)
            self.refresh_later()
        return super().eventFilter(watched, event)

    def _of_key(self, event: QKeyEvent) -> list[str]:
        """The commands that a key may run; Shift may be what a sign as + is typed with."""
        pressed = int(event.modifiers()) & ~int(Qt.KeypadModifier)
        found = []
        for modifiers in dict.fromkeys((pressed, pressed & ~int(Qt.ShiftModifier))):
            keys = QKeySequence(event.key() | modifiers).toString()
            found += [id for id in self._by_keys.get(keys, ()) if id in self._handlers]
        return found

    def _say_why(self, ids: Iterable[str]) -> None:
        """Why these commands cannot be run, where that is known."""
        for id in ids:
            if not self.by_id[id].isEnabled():
                why = self.reason(id)
                if why:
                    self.refused.emit(f"{BY_ID[id].title}: {why}")

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Menus in the order of the table; a new group starts with a line."""
        menus = {name: bar.addMenu(MNEMONICS.get(name, f"&{name}")) for name in MENUS}
        last: dict[str, int] = {}
        for command in COMMANDS:
            menu = menus[command.menu]
            if last.setdefault(command.menu, command.group) != command.group:
                menu.addSeparator()
            last[command.menu] = command.group
            menu.addAction(self.by_id[command.id])
        for menu in menus.values():
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(self.refresh)
        return menus
