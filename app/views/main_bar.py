"""The toolbar: where to go and what to open, and at its right end what is open."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QSizePolicy, QToolBar, QWidget

from app.state.commands import COMMANDS
from app.state.session import PAGES
from app.state.workspace import Workspace
from app.views.actions import Actions
from app.views.icons import icon

GROUPS = (
    tuple(f"view.{name}" for name in PAGES),
    ("view.back", "view.forward"),
    ("file.open_data", "file.open_model", "file.open_query"),
)
SHORT = {
    "file.open_data": "Data set…",
    "file.open_model": "Checkpoint…",
    "file.open_query": "Picture…",
}
"""Words on the buttons, shorter than in the menus: the name of what is open needs the room."""
ICON_ONLY = ("view.back", "view.forward")


class MainBar(QToolBar):
    """Buttons of the most used commands; ``place`` names data set, model and device."""

    def __init__(self, commands: Actions, parent: QWidget | None = None) -> None:
        super().__init__("Main", parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.PreventContextMenu)
        self.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        for command in COMMANDS:
            if command.icon:
                commands.by_id[command.id].setIcon(icon(command.icon))
        for id, words in SHORT.items():
            commands.by_id[id].setIconText(words)
        for ids in GROUPS:
            for id in ids:
                self.addAction(commands.by_id[id])
            self.addSeparator()
        for id in ICON_ONLY:
            self.widgetForAction(commands.by_id[id]).setToolButtonStyle(Qt.ToolButtonIconOnly)
        gap = QWidget(self)
        gap.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Preferred)
        self.addWidget(gap)
        self.place = QLabel(self)
        self.place.setContentsMargins(8, 0, 8, 0)
        self.place.setTextFormat(Qt.PlainText)
        self.addWidget(self.place)

    def show_place(self, space: Workspace) -> None:
        """What is open."""
        parts, tips = [], []
        if space.data is not None:
            parts.append(space.data.name)
            tips.append(f"{space.data.root}\n{space.data.layout}")
        if space.model is not None:
            parts += [space.model.title, "GPU" if "cuda" in space.model.device else "CPU"]
            maps = f"feature maps computed in {space.model.precision}"
            tips.append(f"{space.model.spec.describe()}\n{space.model.device}\n{maps}")
        self.place.setText(" · ".join(parts))
        self.place.setToolTip("\n\n".join(tips))
        self.place.setAccessibleName(f"Open: {', '.join(parts) or 'nothing'}")
