"""The failures of a group: as tiles of three pictures, or as a table. Each opens in the browser."""

from __future__ import annotations

from PyQt5.QtCore import QModelIndex, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QHeaderView, QTableView, QTabWidget, QWidget

from app.items.error_model import WIDEST, ExampleModel
from app.items.picture_tiles import TILE_ROLE, TileDelegate
from app.jobs.images import ImageLoader
from app.state.insights import Insights
from app.views.widgets.picture_tiles import PictureTiles
from app.views.widgets.table_style import show_as_rows

TIP = "Click an error, or press Return, to open it: the false match beside the true one."

WIDEST_NAME = 280
"""Pixels that a column takes at most; longer names are cut in their middle."""


class ExampleTable(QTableView):
    """Numbers and files. ``open_pair`` carries the place of a row that was clicked or entered."""

    open_pair = pyqtSignal(object)

    def __init__(self, model: ExampleModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        show_as_rows(self)
        self.setAlternatingRowColors(True)
        self.setTextElideMode(Qt.ElideMiddle)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        self.horizontalHeader().setMaximumSectionSize(WIDEST_NAME)
        self.horizontalHeader().setStretchLastSection(True)
        self.clicked.connect(self._open)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens the failure."""
        if event.key() in (Qt.Key_Return, Qt.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
            return
        super().keyPressEvent(event)

    def _open(self, index: QModelIndex) -> None:
        self.open_pair.emit(index.siblingAtColumn(0).data(TILE_ROLE).place)


class Examples(QTabWidget):
    """Tiles and table of the same failures. ``open_pair`` carries the place of one."""

    open_pair = pyqtSignal(object)

    def __init__(
        self, insights: Insights, thumbnails: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._insights = insights
        self.model = ExampleModel(self)
        self.tiles = PictureTiles(self.model, TileDelegate(thumbnails, 3, WIDEST, self), self)
        self.table = ExampleTable(self.model)
        self.setDocumentMode(True)
        self.setAccessibleName("Examples")
        for view, name in ((self.tiles, "Pictures"), (self.table, "Table")):
            view.setAccessibleName(f"Errors of the group: {name.lower()}")
            view.setAccessibleDescription(TIP)
            self.setTabToolTip(self.addTab(view, name), TIP)
            view.open_pair.connect(self.open_pair)

    def show_examples(self) -> None:
        """Those of the group and cell that are looked at."""
        self.model.set_examples(self._insights.examples())
        self.tiles.to_top()
