"""The sheet of keys (F1), made from the table of commands."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QWidget,
)

from app.state.commands import COMMANDS, MENUS, Command
from app.views.dialogs.job_dialog import dialog_buttons
from app.views.widgets.labels import heading
from app.views.widgets.layouts import boxed, in_column, in_row, scrolled, size_on_screen

MOUSE = (
    ("Point at a picture", "Show where that place is matched"),
    ("Click", "Keep that place"),
    ("Wheel", "Zoom"),
    ("Drag", "Move the zoomed picture"),
    ("Drag with B, P, H", "Draw a part, or hide cells (Shift adds, Ctrl takes away)"),
)


def keys_words(command: Command) -> str:
    """A command's keys as this system writes them: ``Ctrl+O``; empty where it has none."""
    return " or ".join(QKeySequence(keys).toString(QKeySequence.NativeText)
                       for keys in command.keys)  # fmt: skip


Block = tuple[str, list[tuple[str, str]]]
"""A menu, and the keys and titles of its commands."""


def sheet() -> list[Block]:
    """(menu, [(keys, title), …]) for every menu that has commands with keys."""
    rows = [(menu, [(keys_words(c), c.title) for c in COMMANDS if c.menu == menu and c.keys])
            for menu in MENUS]  # fmt: skip
    return [(menu, keys) for menu, keys in rows if keys]


class KeySheet(QDialog):
    """All keys by menu, in columns; stays open beside the work."""

    COLUMNS = 3

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        size_on_screen(self, 1040, 640)
        columns = self._columns([*sheet(), ("Mouse", list(MOUSE))])
        page = in_row(margins=8, spacing=32)
        for blocks in columns:
            page.addLayout(in_column(*(_block(*block) for block in blocks), None, spacing=16), 1)
        area = scrolled(boxed(page), name="Sheet of keys")
        buttons = dialog_buttons(self, QDialogButtonBox.Close)
        in_column(area, buttons, into=self, grows=area, margins=16)

    def _columns(self, blocks: list[Block]) -> list[list[Block]]:
        """Blocks over columns of about one height, each column in the order of the menus."""
        columns: list[list[Block]] = [[] for _ in range(self.COLUMNS)]
        for block in sorted(blocks, key=lambda block: -len(block[1])):
            min(columns, key=_rows).append(block)
        for column in columns:
            column.sort(key=blocks.index)
        return sorted((c for c in columns if c), key=lambda column: blocks.index(column[0]))


def _rows(column: list[Block]) -> int:
    return sum(len(keys) + 2 for _, keys in column)


def _block(menu: str, keys: list[tuple[str, str]]) -> QWidget:
    box = QWidget()
    grid = QGridLayout(box)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(4)
    grid.addWidget(heading(menu), 0, 0, 1, 2)
    for row, (key, title) in enumerate(keys, start=1):
        words, pressed = QLabel(title), QLabel(key)
        for label in (words, pressed):
            label.setTextFormat(Qt.PlainText)
        words.setWordWrap(True)
        words.setAccessibleName(f"{title}: {key}")
        pressed.setAlignment(Qt.AlignRight | Qt.AlignTop)
        grid.addWidget(words, row, 0)
        grid.addWidget(pressed, row, 1)
    grid.setColumnStretch(0, 1)
    return box
