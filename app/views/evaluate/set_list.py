"""The list of data sets to tick."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QListWidget, QListWidgetItem, QWidget

from app.state.evaluation import SetChoice
from app.views.widgets.table_style import space_rows

_CHOICE = Qt.UserRole


class SetList(QListWidget):
    """Data sets with ticks. Those that were not found are there too, greyed, saying why."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Data sets to evaluate")
        self.setUniformItemSizes(True)
        self.setTextElideMode(Qt.ElideMiddle)
        space_rows(self)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self._browsed: list[SetChoice] = []
        self._first: object = None
        self.itemChanged.connect(lambda _item: self.changed.emit())

    @property
    def choices(self) -> list[SetChoice]:
        """All that are listed."""
        return [item.data(_CHOICE) for item in self._items()]

    @property
    def ticked(self) -> list[SetChoice]:
        """Those to evaluate."""
        return [item.data(_CHOICE) for item in self._items() if item.checkState() == Qt.Checked]

    def show_choices(self, choices: tuple[SetChoice, ...]) -> None:
        """List these and what was browsed for. Ticks stay; while a person has ticked nothing
        else, it is the first one, the set that is open."""
        opened = {choice.name for choice in choices if choice.opened is not None}
        choices = tuple(c for c in choices if not (c.missing and c.name in opened))
        ticked = {choice.key for choice in self.ticked}
        listed = [*choices[:1], *self._browsed, *choices[1:]]
        first = listed[0].key if listed else None
        if first is not None and ticked in (set(), {self._first}):
            ticked = {first}
        self._first = first
        self.blockSignals(True)
        self.clear()
        for choice in listed:
            self._add(choice, choice.key in ticked)
        self.blockSignals(False)
        self.changed.emit()

    def add_browsed(self, choice: SetChoice) -> None:
        """List and tick a set that a person looked for."""
        for item in self._items():
            if item.data(_CHOICE).key == choice.key:
                item.setCheckState(Qt.Checked)
                return
        self._browsed.append(choice)
        self._add(choice, True, row=min(1, self.count()))
        self.changed.emit()

    def tick_only(self, choice: SetChoice) -> None:
        """Tick this set and no other; it is listed where it is not yet."""
        for item in self._items():
            if item.flags() & Qt.ItemIsUserCheckable:
                item.setCheckState(Qt.Unchecked)
        listed = next(
            (item for item in self._items() if _same_set(item.data(_CHOICE), choice)), None
        )
        if listed is None:
            self.add_browsed(choice)
        else:
            listed.setCheckState(Qt.Checked)

    def _items(self) -> list[QListWidgetItem]:
        items = (self.item(row) for row in range(self.count()))
        return [item for item in items if item is not None]

    def _add(self, choice: SetChoice, on: bool, row: int | None = None) -> None:
        item = QListWidgetItem(choice.title)
        item.setData(_CHOICE, choice)
        item.setToolTip(_tip(choice))
        item.setData(Qt.AccessibleDescriptionRole, _tip(choice))
        if choice.missing:
            item.setText(f"{choice.title} – not found")
            item.setFlags(Qt.ItemIsSelectable)
        else:
            item.setFlags(Qt.ItemIsEnabled | Qt.ItemIsSelectable | Qt.ItemIsUserCheckable)
            item.setCheckState(Qt.Checked if on else Qt.Unchecked)
        self.insertItem(self.count() if row is None else row, item)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return ticks too, as Space does."""
        item = self.currentItem()
        if event.key() in (Qt.Key_Return, Qt.Key_Enter) and item is not None:
            if item.flags() & Qt.ItemIsUserCheckable:
                on = item.checkState() != Qt.Checked
                item.setCheckState(Qt.Checked if on else Qt.Unchecked)
            return
        super().keyPressEvent(event)


def _same_set(listed: SetChoice, choice: SetChoice) -> bool:
    """Whether these are one set; that which is open counts, too."""
    if listed.missing or listed.name != choice.name:
        return False
    if choice.root is None or listed.root is None:
        return choice.root is listed.root
    return choice.root == listed.root or choice.root == listed.root / choice.name


def _tip(choice: SetChoice) -> str:
    if choice.missing:
        return choice.missing
    if choice.opened is not None:
        return f"The set that is open: {choice.opened.root}"
    if choice.root is None:
        return "Synthetic people that come with the program."
    place = Path(choice.root)
    return f"Pictures of {place}" if choice.name == "folder" else f"Found in {place}"
