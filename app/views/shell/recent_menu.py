"""The menu of what was open lately: data sets first, then checkpoints."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QMenu, QWidget

from app.state.requests import DataRequest, ModelRequest
from app.state.settings import SettingsFile


class RecentMenu(QMenu):
    """Filled anew each time it is opened. ``data_chosen`` and ``model_chosen`` tell a request."""

    data_chosen = pyqtSignal(object)
    model_chosen = pyqtSignal(object)

    def __init__(self, settings: SettingsFile, parent: QWidget | None = None) -> None:
        super().__init__("Open recent", parent)
        self.settings = settings
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)
        self.fill()

    def fill(self) -> None:
        """List what the settings remember."""
        self.clear()
        kept = self.settings.value
        for request in kept.recent_data:
            self._add(request, str(request.root or request.gallery))
        if kept.recent_data and kept.recent_models:
            self.addSeparator()
        for model in kept.recent_models:
            self._add(model, model.path)
        if self.isEmpty():
            self.addAction("Nothing was opened yet").setEnabled(False)

    def _add(self, request: DataRequest | ModelRequest, where: str) -> None:
        # An ampersand in a name is no mnemonic.
        action = self.addAction(request.title.replace("&", "&&"))
        action.setToolTip(where)
        is_data = isinstance(request, DataRequest)
        signal = self.data_chosen if is_data else self.model_chosen
        action.triggered.connect(lambda _on: signal.emit(request))
