"""The menu of what was open lately: data sets, then checkpoints, then cases."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QMenu, QWidget

from app.state.requests import CaseRequest, DataRequest, ModelRequest, Request, place_of
from app.state.settings import SettingsFile


class RecentMenu(QMenu):
    """Filled anew each time it is opened. ``data_chosen``, ``model_chosen`` and ``case_chosen``
    tell a request."""

    data_chosen = pyqtSignal(object)
    model_chosen = pyqtSignal(object)
    case_chosen = pyqtSignal(object)

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
        for requests in (kept.recent_data, kept.recent_models, kept.recent_cases):
            if requests and not self.isEmpty():
                self.addSeparator()
            for request in requests:
                self._add(request)
        if self.isEmpty():
            self.addAction("Nothing was opened yet").setEnabled(False)

    def _add(self, request: Request) -> None:
        # An ampersand in a name is no mnemonic.
        action = self.addAction(request.title.replace("&", "&&"))
        action.setToolTip(place_of(request))
        chosen = {
            DataRequest: self.data_chosen,
            ModelRequest: self.model_chosen,
            CaseRequest: self.case_chosen,
        }[type(request)]
        action.triggered.connect(lambda _on: chosen.emit(request))
