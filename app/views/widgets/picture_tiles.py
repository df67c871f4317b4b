"""Tiles of pictures that open in the browser: what both pages show their examples by."""

from __future__ import annotations

from PyQt5.QtCore import QAbstractItemModel, QModelIndex, pyqtSignal
from PyQt5.QtWidgets import QWidget

from app.items.picture_tiles import TILE_ROLE, TileDelegate
from app.views.widgets.tile_view import TileView


class PictureTiles(TileView):
    """Arrows walk, a click or Return opens: ``open_pair`` carries the tile's place."""

    open_pair = pyqtSignal(object)

    def __init__(
        self, model: QAbstractItemModel, delegate: TileDelegate, parent: QWidget | None = None
    ) -> None:
        super().__init__(delegate, parent)
        self.setModel(model)
        self.clicked.connect(self._open)
        self.opened.connect(self._open)
        self.selectionModel().currentChanged.connect(lambda index, _before: self.scrollTo(index))
        delegate.thumbnails.loaded.connect(self._picture_arrived)

    def _picture_arrived(self, _path: object) -> None:
        self.viewport().update()

    def to_top(self) -> None:
        """Other tiles are shown: from the first one."""
        self.measure_tiles()
        self.verticalScrollBar().setValue(0)
        self.horizontalScrollBar().setValue(0)

    def _open(self, index: QModelIndex) -> None:
        self.open_pair.emit(index.data(TILE_ROLE).place)
