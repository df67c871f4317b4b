"""The tiles of the page Gallery: choosing one or several, unfolding near-duplicates."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QMouseEvent
from PyQt5.QtWidgets import QAbstractItemView, QWidget

from app.items.gallery_model import TILE_ROLE, GalleryDelegate, GalleryModel
from app.views.widgets.tile_view import TileView


class GalleryGrid(TileView):
    """Arrows walk; Ctrl and Shift choose several, by mouse or arrows, as in a file manager.

    ``fold_switched`` carries the picture of a tile whose plate was clicked. What is chosen is told
    to the gallery, the current tile first.
    """

    fold_switched = pyqtSignal(int)

    def __init__(
        self, model: GalleryModel, delegate: GalleryDelegate, parent: QWidget | None = None
    ) -> None:
        super().__init__(delegate, parent)
        self._rows, self._delegate = model, delegate
        self._anchor = -1
        self.setModel(model)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setAccessibleName("Gallery")
        self.setToolTip("The pictures of the gallery; Return searches by the chosen one.")
        self.added.connect(self._add)
        self.extended.connect(self._extend)
        model.modelReset.connect(self._show_chosen)
        self.selectionModel().selectionChanged.connect(lambda *_: self._tell())
        self.selectionModel().currentChanged.connect(lambda *_: self._tell())
        delegate.thumbnails.loaded.connect(self.show_arrived)
        model.gallery.chosen_changed.connect(self._show_chosen)

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press on the plate of near-duplicates unfolds them."""
        index = self.indexAt(event.pos())
        if index.isValid() and event.button() == Qt.LeftButton:
            option = self.viewOptions()
            option.rect = self.visualRect(index)
            tile = index.data(TILE_ROLE)
            if self._delegate.badge_rect(option, tile).contains(event.pos()):
                self.fold_switched.emit(tile.picture)
                return
            if not event.modifiers() & Qt.ShiftModifier:
                self._anchor = index.row()
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """With Shift, arrows choose all from the tile that was chosen without it."""
        before = self.currentIndex().row()
        if event.text().isalpha() and not event.modifiers():
            event.ignore()  # no search by first letters: the page may have a use for it
            return
        super().keyPressEvent(event)
        now = self.currentIndex().row()
        if now != before and event.modifiers() & Qt.ShiftModifier:
            self._extend(self.currentIndex())
        elif now != before:
            self._anchor = now
        if now >= 0:
            self.scrollTo(self.currentIndex())

    def selectionCommand(
        self, index: QModelIndex, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlags:
        """One tile; with Shift and a key :meth:`keyPressEvent` chooses the others, too."""
        shift = isinstance(event, QKeyEvent) and event.modifiers() & Qt.ShiftModifier
        flag = QItemSelectionModel.NoUpdate if shift else QItemSelectionModel.ClearAndSelect
        return QItemSelectionModel.SelectionFlags(flag)

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        super().currentChanged(current, previous)
        self.viewport().update()

    def _add(self, index: QModelIndex) -> None:
        """Ctrl and a click: one more, or one less."""
        self._anchor = index.row()
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.Toggle)

    def _extend(self, index: QModelIndex) -> None:
        """Shift: all from the anchor to here."""
        first = self._anchor if 0 <= self._anchor < self._rows.rowCount() else index.row()
        stretch = QItemSelection()
        ends = sorted((first, index.row()))
        stretch.select(self._rows.index(ends[0]), self._rows.index(ends[1]))
        selection = self.selectionModel()
        selection.setCurrentIndex(index, QItemSelectionModel.NoUpdate)
        selection.select(stretch, QItemSelectionModel.ClearAndSelect)
        self.viewport().update()

    def _tell(self) -> None:
        current = self.currentIndex().row()
        rows = {index.row() for index in self.selectionModel().selectedIndexes()}
        ordered = sorted(rows, key=lambda row: (row != current, row))
        self._rows.gallery.choose(tuple(self._rows.picture_at(row) for row in ordered))

    def _show_chosen(self) -> None:
        """Select the chosen pictures that are listed."""
        self.measure_tiles()
        rows = [self._rows.row_of(picture) for picture in self._rows.gallery.chosen]
        listed = [row for row in rows if row is not None]
        selection = self.selectionModel()
        if {i.row() for i in selection.selectedIndexes()} == set(listed):
            return
        marked = QItemSelection()
        for row in listed:
            marked.select(self._rows.index(row), self._rows.index(row))
        if listed:
            selection.setCurrentIndex(self._rows.index(listed[0]), QItemSelectionModel.NoUpdate)
            self.scrollTo(self._rows.index(listed[0]))
        selection.select(marked, QItemSelectionModel.ClearAndSelect)
