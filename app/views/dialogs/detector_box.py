"""Which detector finds people: the bundled one, or one of torchvision's whose weights are here."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QStandardItemModel
from PyQt5.QtWidgets import QComboBox, QWidget

from app.views.widgets.fields import named
from qaconv_core.data.weights import BUNDLED_DETECTOR, DETECTORS, find_weights

TIP = (
    "The bundled detector is small and looks at tiles. Torchvision's are larger and slower, and "
    "look at the whole picture; File, Weights… fetches them."
)


class DetectorBox(QComboBox):
    """Its :attr:`name` is what ``qaconv detect --detector`` takes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Detector", TIP)
        self.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(18)
        self.addItem("bundled detector", BUNDLED_DETECTOR)
        for weights in DETECTORS:
            self.addItem(weights.name, weights.name)
            here = find_weights(weights) is not None
            entries = self.model()
            assert isinstance(entries, QStandardItemModel)
            entries.item(self.count() - 1).setEnabled(here)
            if not here:
                why = f"Its weights ({weights.megabytes:g} MB) are not on this disk: File, Weights…"
                self.setItemData(self.count() - 1, why, Qt.ToolTipRole)
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 24)

    @property
    def name(self) -> str:
        """The detector that is chosen."""
        return str(self.currentData())
