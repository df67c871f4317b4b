"""Commands, queries, recent sets and checkpoints in one list, searched by typing (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from PyQt5.QtCore import QEvent, QModelIndex, QObject, QPoint, QSize, Qt
from PyQt5.QtGui import QIcon, QKeyEvent, QPainter, QPalette, QPixmap
from PyQt5.QtWidgets import (
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.state.commands import COMMANDS, Command
from app.state.fuzzy import fuzzy_order, likeness
from app.views.dialogs.key_sheet import keys_words
from app.views.widgets.actions import Actions
from app.views.widgets.icons import icon
from app.views.widgets.layouts import in_column, in_row, size_on_screen
from app.views.widgets.theme import OutlinedStyle

_ID = Qt.UserRole
_KEYS = Qt.UserRole + 1
_HIDDEN = frozenset(("edit.palette",))


LEAST_TYPED, MOST_PLACES = 2, 12
"""Letters from which places are looked for, and how many of a kind are listed."""


@dataclass(frozen=True)
class PlaceEntry:
    """Something else than a command that the palette leads to."""

    words: str
    icon: str
    run: Callable[[], object]


PlaceSource = Callable[[str], Iterable[PlaceEntry]]
"""What was typed, in lower case → places that answer to it."""


class CommandPalette(QDialog):
    """Type to find a command or a place, Enter runs it. Opened anew for each use with
    :meth:`popup`. ``sources`` find places: queries, data sets, checkpoints, runs."""

    def __init__(
        self,
        actions: Actions,
        parent: QWidget | None = None,
        sources: Sequence[PlaceSource] = (),
    ) -> None:
        super().__init__(parent, Qt.Popup)
        self.actions_table, self._sources = actions, sources
        self._places: list[PlaceEntry] = []
        self.setWindowTitle("All commands")
        self.setAccessibleName("All commands")
        self._commands = [c for c in COMMANDS if c.id not in _HIDDEN]
        self._words = [f"{c.menu}: {c.title}" for c in self._commands]
        self.field = QLineEdit()
        self.field.setPlaceholderText(
            "Some letters of a command, query, data set, checkpoint, run or setting"
        )
        self.field.setAccessibleName("Command to find")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName("Commands found")
        self.list.setItemDelegate(_KeysDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(16, 16))
        blank = QPixmap(16, 16)
        blank.fill(Qt.transparent)
        self._no_icon = QIcon(blank)  # keeps the words of all rows under each other
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.NoFocus)
        self.list.itemClicked.connect(lambda _item: self.run_current())
        self.tip = QLabel()
        self.tip.setTextFormat(Qt.PlainText)
        bottom = in_row(self.tip, grows=self.tip)
        in_column(self.field, self.list, bottom, into=self, grows=self.list, margins=8)
        self.list.currentItemChanged.connect(self._show_tip)
        size_on_screen(self, 560, 400)

    def popup(self) -> None:
        """Show the palette over its window, with nothing typed yet."""
        self.actions_table.refresh()
        self.field.clear()
        self._search("")
        window = self.parentWidget()
        if window is not None:
            x = max(0, (window.width() - self.width()) // 2)
            self.move(window.mapToGlobal(QPoint(x, min(64, window.height() // 8))))
        self.show()
        self.field.setFocus()

    @property
    def found(self) -> list[str]:
        """Ids of the listed commands."""
        items = map(self.list.item, range(self.list.count()))
        ids = (item.data(_ID) for item in items if item is not None)
        return [id for id in ids if isinstance(id, str)]

    @property
    def places(self) -> list[str]:
        """Words of the listed places."""
        return [place.words for place in self._places]

    def _search(self, typed: str) -> None:
        self.list.clear()
        order = fuzzy_order(typed, self._words)
        order.sort(key=lambda i: self._place(typed, self._commands[i]))
        for index in order:
            self.list.addItem(self._item(self._commands[index], self._words[index]))
        self._list_places(typed.strip().lower())
        self.list.setCurrentRow(0)
        self._show_tip()

    def _list_places(self, typed: str) -> None:
        """Places after the commands."""
        self._places = []
        if len(typed) >= LEAST_TYPED:
            for source in self._sources:
                self._places += islice(source(typed), MOST_PLACES)
        for number, place in enumerate(self._places):
            item = QListWidgetItem(icon(place.icon), place.words)
            item.setData(_ID, number)
            item.setData(Qt.AccessibleTextRole, place.words)
            self.list.addItem(item)

    def _place(self, typed: str, command: Command) -> tuple[bool, bool, int]:
        """The command that was typed in full comes first, even to say why it is not available;
        then what can be chosen, what begins with the words typed before the rest."""
        alike = likeness(typed, command.title)
        return alike < 2, not self._can(command), -alike

    def _can(self, command: Command) -> bool:
        return self.actions_table.can_run(command.id)

    def _item(self, command: Command, words: str) -> QListWidgetItem:
        item = QListWidgetItem(icon(command.icon) if command.icon else self._no_icon, words)
        keys = keys_words(command)
        item.setData(_ID, command.id)
        item.setData(_KEYS, keys)
        spoken = f"{words}, {keys}" if keys else words
        if not self._can(command):
            item.setFlags(Qt.ItemIsSelectable)
            spoken += ", not available now"
        item.setData(Qt.AccessibleTextRole, spoken)
        return item

    def _show_tip(self, *_items: object) -> None:
        item = self.list.currentItem()
        if item is None:
            self.tip.setText("Nothing has these letters.")
            return
        if isinstance(item.data(_ID), int):
            self.tip.setText(item.text())
            return
        command = next(c for c in self._commands if c.id == item.data(_ID))
        words = command.tip or command.title
        if not self._can(command):
            why = self.actions_table.reason(command.id)
            words = f"Not available now: {why}" if why else "Not available now"
        self.tip.setText(words)

    def run_current(self) -> None:
        """Run the marked command; one that is not available keeps the palette open."""
        item = self.list.currentItem()
        if item is None:
            return
        if isinstance(item.data(_ID), int):
            self.accept()
            self._places[item.data(_ID)].run()
            return
        action = self.actions_table.by_id[item.data(_ID)]
        if not action.isEnabled():
            return
        self.accept()
        action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys typed in the field walk the list; Enter runs."""
        if event.type() == QEvent.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key_Return, Qt.Key_Enter):
                self.run_current()
                return True
            if event.key() in (Qt.Key_Up, Qt.Key_Down, Qt.Key_PageUp, Qt.Key_PageDown):
                self._walk(event.key())
                return True
        return super().eventFilter(watched, event)

    def _walk(self, key: int) -> None:
        steps: dict[int, int] = {
            Qt.Key_Up: -1,
            Qt.Key_Down: 1,
            Qt.Key_PageUp: -10,
            Qt.Key_PageDown: 10,
        }
        row = self.list.currentRow() + steps[key]
        self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))


class _KeysDelegate(QStyledItemDelegate):
    """Writes a command's keys at the right end of its row."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().paint(painter, option, index)
        keys = index.data(_KEYS)
        if not keys:
            return
        styled = QStyleOptionViewItem(option)
        self.initStyleOption(styled, index)
        enabled = bool(index.flags() & Qt.ItemIsEnabled)
        style = QApplication.style()
        chosen = bool(option.state & style.State_Selected)
        filled = chosen and not isinstance(style, OutlinedStyle)
        role = QPalette.HighlightedText if filled else QPalette.Text
        group = QPalette.Active if enabled else QPalette.Disabled
        painter.save()
        painter.setPen(option.palette.color(group, role))
        painter.drawText(
            option.rect.adjusted(8, 0, -8, 0), int(Qt.AlignRight | Qt.AlignVCenter), keys
        )
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        size = super().sizeHint(option, index)
        size.setHeight(max(size.height(), option.fontMetrics.height() + 8))
        return size
