"""Tiles of pictures that open in the browser: what both pages show their examples by."""

from __future__ import annotations

from PyQt5.QtCore import QAbstractItemModel, QModelIndex, pyqtSignal
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QWidget

from app.items.picture_tiles import TILE_ROLE, TileDelegate
from app.views.widgets.tile_view import TileView

PICTURE = 200
"""Pixels of height of the pictures of a grid."""


class PictureTiles(TileView):
    """Arrows walk, a click or Return opens: ``open_pair`` carries the tile's place.

    One that ``wraps`` is a grid where there is room for two rows of :data:`PICTURE`, else a strip.
    """

    open_pair = pyqtSignal(object)

    def __init__(
        self,
        model: QAbstractItemModel,
        delegate: TileDelegate,
        parent: QWidget | None = None,
        *,
        wraps: bool = False,
    ) -> None:
        super().__init__(delegate, parent)
        self._wraps = wraps
        self.setModel(model)
        self.clicked.connect(self._open)
        self.opened.connect(self._open)
        self.selectionModel().currentChanged.connect(lambda index, _before: self.scrollTo(index))
        delegate.thumbnails.loaded.connect(self.show_arrived)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Strip or grid, by the height."""
        super().resizeEvent(event)
        row = self._tiles.tile_size(self.font(), PICTURE).height()
        if not self._wraps or (self.height() >= 2 * row) != self.is_strip:
            return
        if self.is_strip:
            self.show_as_grid(PICTURE)
        else:
            self.is_strip = True
            self._rearranged()

    def to_top(self) -> None:
        """Other tiles are shown: from the first one."""
        self.measure_tiles()
        self.verticalScrollBar().setValue(0)
        self.horizontalScrollBar().setValue(0)

    def _open(self, index: QModelIndex) -> None:
        self.open_pair.emit(index.data(TILE_ROLE).place)
