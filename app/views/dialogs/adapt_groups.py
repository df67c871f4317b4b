"""The list of an adaptation's groups: keys and mouse take groups and pictures out."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QModelIndex, Qt
from PyQt5.QtGui import QHelpEvent, QKeyEvent, QMouseEvent
from PyQt5.QtWidgets import QAbstractItemView, QListView, QToolTip, QWidget

from app.items.found_groups import (
    NUMBER_ROLE,
    PICTURES_ROLE,
    FoundGroupDelegate,
    FoundGroupModel,
)
from app.jobs.images import ImageLoader
from app.state.adaptation import Adaptation
from app.state.words import short_camera


class GroupList(QListView):
    """Rows of pictures that are believed to show one person each.

    A click on a picture, or X, takes it out of its group or back in. A click on the row's words,
    or Space, does so with the whole group.
    """

    def __init__(
        self, adaptation: Adaptation, thumbnails: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.adaptation = adaptation
        self.rows = FoundGroupModel(adaptation, self)
        self.delegate = FoundGroupDelegate(self.rows, thumbnails, self)
        self.setModel(self.rows)
        self.setItemDelegate(self.delegate)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setAccessibleName("Groups: pictures believed to show one person each")
        self.setToolTip("Click a picture, or press X, to take it out; click the words, or press "
                        "Space, to take the group out.")  # fmt: skip
        thumbnails.loaded.connect(self._show_picture)
        self.rows.modelReset.connect(self._begin)

    def _begin(self) -> None:
        self.delegate.column = 0
        if self.rows.rowCount():
            self.setCurrentIndex(self.rows.index(0))

    def _show_picture(self, _path: object) -> None:
        self.viewport().update()

    # ── taking out ──────────────────────────────────────────────────────────────────────────────

    def _toggle_group(self, index: QModelIndex) -> None:
        self.adaptation.toggle_group(index.data(NUMBER_ROLE))

    def _toggle_picture(self, index: QModelIndex, column: int) -> None:
        pictures = index.data(PICTURES_ROLE)
        if column < len(pictures):
            self.adaptation.toggle_picture(index.data(NUMBER_ROLE), pictures[column].path)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.pos())
        super().mousePressEvent(event)
        if not index.isValid() or event.button() != Qt.LeftButton:
            return
        count = len(index.data(PICTURES_ROLE))
        column = self.delegate.picture_at(self.visualRect(index), count, event.pos())
        if column is None:
            self._toggle_group(index)
        else:
            self.delegate.column = column
            self._toggle_picture(index, column)
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if not index.isValid():
            super().keyPressEvent(event)
            return
        shown = len(self.delegate.places(self.visualRect(index), len(index.data(PICTURES_ROLE))))
        if event.key() in (Qt.Key_Left, Qt.Key_Right):
            step = 1 if event.key() == Qt.Key_Right else -1
            self.delegate.column = min(max(self.delegate.column + step, 0), shown - 1)
            self.viewport().update()
        elif event.key() == Qt.Key_Space:
            self._toggle_group(index)
        elif event.key() in (Qt.Key_X, Qt.Key_Delete):
            self._toggle_picture(index, min(self.delegate.column, shown - 1))
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """The file and camera of the picture under the pointer."""
        if event.type() == QEvent.ToolTip and isinstance(event, QHelpEvent):
            index = self.indexAt(event.pos())
            pictures = index.data(PICTURES_ROLE) or []
            column = self.delegate.picture_at(self.visualRect(index), len(pictures), event.pos())
            if column is not None:
                ref = pictures[column]
                words = " · ".join(filter(None, (ref.path.name, short_camera(ref))))
                QToolTip.showText(event.globalPos(), words, self)
                return True
        return super().viewportEvent(event)
