"""Ctrl+F: find a person or a file in the gallery, see its rank, jump to it."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QModelIndex, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import (
    QLabel,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QWidget,
)

from app.items.find_model import FindModel
from app.items.row_texts import count_text
from app.state.workspace import Workspace
from app.views.explore.results_header import NO_FILTER
from app.views.widgets.fields import named
from app.views.widgets.hints import LinkButton
from app.views.widgets.layouts import in_column, in_row
from app.views.widgets.table_style import space_rows

OWN_KEYS = (Qt.Key_Escape, Qt.Key_Up, Qt.Key_Down, Qt.Key_PageUp, Qt.Key_PageDown)


class FindEdit(QLineEdit):
    """A field that keeps Esc and the vertical arrows for the bar it stands in."""

    pressed = pyqtSignal(int)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() in OWN_KEYS:
            event.accept()
            if event.type() == QEvent.KeyPress:
                self.pressed.emit(event.key())
            return True
        return super().event(event)


class FitToList(QStyledItemDelegate):
    """Rows no wider than their list: what is too long ends in "…"."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(0, super().sizeHint(option, index).height())


class FindBar(QWidget):
    """A field and what was found. ``closed`` tells that Esc or the button closed it."""

    closed = pyqtSignal()

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.model = FindModel(self)
        self.field = named(
            FindEdit(), "Find in the gallery",
            "Type, choose with ↑ and ↓, Enter jumps there, Esc closes.",
        )  # fmt: skip
        self.field.setPlaceholderText("Person, camera or part of a file name")
        self.field.setClearButtonEnabled(True)
        self.hits = named(
            QListView(), "Found in the gallery",
            "Found pictures with their rank; click to jump there.",
        )  # fmt: skip
        self.hits.setFocusPolicy(Qt.NoFocus)
        self.hits.setUniformItemSizes(True)
        self.hits.setEditTriggers(QListView.NoEditTriggers)
        space_rows(self.hits)
        self.hits.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.hits.setTextElideMode(Qt.ElideMiddle)
        self.hits.setItemDelegate(FitToList(self.hits))
        self.hits.setModel(self.model)
        self.message = QLabel()
        self.show_hidden = LinkButton("Show hidden", "Hide nothing, so that these can be seen.")
        self.close_button = named(QToolButton(), "Close find", "Close (Esc).")
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        line = in_row(self.field, self.message, self.show_hidden, self.close_button,
                   grows=self.field, spacing=4)  # fmt: skip
        in_column(line, self.hits, into=self, spacing=4)
        self._connect()

    def _connect(self) -> None:
        self.field.textChanged.connect(self.search)
        self.field.returnPressed.connect(lambda: self._jump(self.hits.currentIndex()))
        self.field.pressed.connect(self._key)
        self.hits.clicked.connect(self._jump)
        self.close_button.clicked.connect(self.close_bar)
        self.show_hidden.clicked.connect(lambda: self.workspace.change_result_filter(**NO_FILTER))
        space = self.workspace
        for event in (space.data_changed, space.ranking_changed, space.filters_changed):
            event.connect(self._update_hits)

    def open(self) -> None:
        """Show the bar and type into it."""
        self.show()
        self.search()
        self.field.setFocus(Qt.ShortcutFocusReason)
        self.field.selectAll()

    def close_bar(self) -> None:
        """Put the bar away; what was typed is kept for the next time."""
        self.hide()
        self.closed.emit()

    def _update_hits(self) -> None:
        if not self.isHidden():
            self.search()

    def search(self) -> None:
        """Find what the field says, under the ranking as it is now."""
        space, text = self.workspace, self.field.text()
        self.model.search(space.data, space.ranking, space.result_filter, text)
        self.message.setText(self._message(text))
        self.show_hidden.setVisible(bool(self.model.hidden))
        rows = self.model.rowCount()
        height = self.hits.sizeHintForRow(0) if rows else 0
        self.hits.setFixedHeight(min(rows, 4) * height + 2 * self.hits.frameWidth())
        self.hits.setVisible(rows > 0)
        if rows:
            self.hits.setCurrentIndex(self.model.index(0))

    def _message(self, text: str) -> str:
        if not text.strip():
            return ""
        total, hidden = self.model.total, len(self.model.hidden)
        if not total:
            return "Nothing found"
        words = f"{count_text(total)} found"
        if total > self.model.rowCount():
            words += f", the first {self.model.rowCount()} listed"
        return f"{words}, {count_text(hidden)} hidden by filters" if hidden else words

    def _key(self, key: int) -> None:
        if key == Qt.Key_Escape:
            self.close_bar()
            return
        steps = {Qt.Key_Up: -1, Qt.Key_Down: 1, Qt.Key_PageUp: -5, Qt.Key_PageDown: 5}
        row = self.hits.currentIndex().row() + steps[Qt.Key(key)]
        row = min(max(row, 0), self.model.rowCount() - 1)
        if row >= 0:
            self.hits.setCurrentIndex(self.model.index(row))

    def _jump(self, index: QModelIndex) -> None:
        if index.isValid():
            self.workspace.select_candidate(self.model.rows[index.row()])
