"""Commands about scenes: open pictures of them, and go back to them from a query or a candidate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QWidget

from app.jobs.controller import Controller
from app.jobs.job_slots import JobSlots
from app.views.shell.dialogs import Dialogs
from app.views.widgets.actions import Handler, Handlers
from app.views.widgets.file_dialogs import PICTURES, ask_paths
from qaconv_core.detection.crops import output_of

if TYPE_CHECKING:
    from qaconv_core.detection.origins import Origin

NO_SCENE = "it was not cut out of a scene by this program"


class SceneCommands(QObject):
    """``reported``: a sentence for the bottom line."""

    reported = pyqtSignal(str)

    def __init__(self, controller: Controller, dialogs: Dialogs, window: QWidget) -> None:
        super().__init__(window)
        self._workspace, self._dialogs, self._window = controller.workspace, dialogs, window
        self._jobs = JobSlots(controller.runner, self)

    def handlers(self) -> Handlers:
        """The commands answered here."""
        return {
            "file.open_scenes": Handler(self.ask),
            "file.open_videos": Handler(self._dialogs.open_videos),
            "query.show_scene": _of_picture(self._query, self.show_scene),
            "candidate.show_scene": _of_picture(self._candidate, self.show_scene),
        }

    def ask(self) -> None:
        """Choose pictures of scenes."""
        ask_paths(self._window, "Find people in scenes", self._dialogs.open_scenes, PICTURES)

    def show_scene(self, picture: Path) -> None:
        """Open the scene that a picture was cut out of."""
        from app.jobs.scenes import find_origin

        def show(origin: Origin | None) -> None:
            if origin is None:
                self.reported.emit(f"{picture.name}: no table says which scene it is of")
            else:
                self._dialogs.scenes().show_origin(origin, picture)

        find_origin(self._jobs, picture, show)

    def _query(self) -> Path | None:
        space = self._workspace
        chosen = space.selection.query
        return None if space.data is None or chosen is None else space.data.query[chosen].path

    def _candidate(self) -> Path | None:
        space = self._workspace
        chosen = space.selection.candidate
        return None if space.data is None or chosen is None else space.data.gallery[chosen].path


def _of_picture(path: Callable[[], Path | None], run: Callable[[Path], object]) -> Handler:
    """A command about the picture that ``path`` answers, where that has a scene."""

    def go() -> None:
        picture = path()
        if picture is not None:
            run(picture)

    def has_scene() -> bool:
        picture = path()
        return picture is not None and output_of(picture) is not None

    return Handler(go, has_scene, reason=lambda: NO_SCENE)
