"""Pictures of whole scenes: people are found, boxes corrected, and searched for or opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QIcon, QImage, QKeyEvent, QPixmap
from PyQt5.QtWidgets import (
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QWidget,
)

from app.jobs.images import ImageLoader
from app.jobs.runner import JobRunner
from app.jobs.scenes import FIND, KEEP, Kept, find_people, keep_people, load_scene
from app.state.requests import DataRequest
from app.state.scene_boxes import SceneBoxes
from app.state.values import Problem
from app.views.dialogs.detector_box import DetectorBox
from app.views.dialogs.job_dialog import HelpedDialog, dialog_buttons
from app.views.dialogs.scene_canvas import STEP, SceneCanvas
from app.views.widgets.fields import push_button
from app.views.widgets.labels import MessageLine, label_of, quiet_label, small_button
from app.views.widgets.layouts import in_column, in_row, size_on_screen
from qaconv_core.data.scan import is_picture_name
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.progress import Progress
from qaconv_core.readable import counted

if TYPE_CHECKING:
    from qaconv_core.detection.origins import Origin

KEYS = (
    "Click a person, Ctrl+click more (N: the next, Ctrl+A: all).\n"
    "Drag a box or its edges (arrows; Ctrl: right and lower edge, Alt: left and upper; "
    "Shift: ten pixels).\n"
    "Drag over free ground to draw a box (B). Del removes, Ctrl+Z takes back.\n"
    "The wheel zooms (+ − 0), the middle button moves. Page Up and Down: other scenes."
)
HINT = "Click people to choose them; drag edges to correct, drag free ground to draw."
_THUMBNAIL = 72


def people_words(number: int) -> str:
    """``1 person``, ``8 people``."""
    return counted(number, "person", "people")


class SceneDialog(HelpedDialog):
    """Scenes and the people on them.

    ``queries_wanted`` carries the crops to search for, ``gallery_wanted`` the request that opens
    the crops as a data set, ``whole_wanted`` the pictures to be searched for as they are.
    """

    queries_wanted = pyqtSignal(object)
    gallery_wanted = pyqtSignal(object)
    whole_wanted = pyqtSignal(object)

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__("People in scenes", runner, parent)
        size_on_screen(self, 1040, 720)
        self.scenes: list[SceneBoxes] = []
        self._looking: SceneBoxes | None = None
        self._image: QImage | None = None
        self._thumbnails = ImageLoader(_THUMBNAIL, parent=self)
        self._thumbnails.loaded.connect(self._show_thumbnail)
        self._make()
        self._lay_out()
        self._connect()
        self._refresh()

    def _make(self) -> None:
        self.list = QListWidget()
        self.list.setAccessibleName("Scenes")
        self.list.setFixedWidth(208)
        self.list.setIconSize(QSize(80, _THUMBNAIL))
        self.list.setWordWrap(True)
        self.canvas = SceneCanvas()
        self.canvas.setToolTip("")
        self.hint = quiet_label(HINT)
        self.hint.setToolTip(KEYS)
        self.zoom_in = small_button("magnifying-glass-plus", "Zoom in (+)")
        self.zoom_out = small_button("magnifying-glass-minus", "Zoom out (−)")
        self.zoom_fit = small_button("corners-in", "Show the whole scene (0)")
        self.undo = small_button("arrow-counter-clockwise", "Take the last change back (Ctrl+Z)")
        self.delete = small_button("trash", "Delete the chosen boxes (Del)")
        self.keys = small_button("keyboard", KEYS)
        self.detector = DetectorBox()
        self.make_help("people in scenes", "help.scenes")
        self.message = MessageLine()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.bar.setAccessibleName("Progress of finding people")
        self.buttons = dialog_buttons(self, QDialogButtonBox.Cancel)
        self.search = push_button(
            "", "Cut the chosen people out and search the open gallery for each", self.accept
        )
        self.search.setDefault(True)
        self.gallery = push_button(
            "", "Cut the chosen people out and open them as a data set to search",
            lambda: self._keep(self._open_gallery),
        )  # fmt: skip
        self.whole = push_button(
            "Search &whole pictures", "Search for these pictures as they are, each as one person",
            self._search_whole,
        )  # fmt: skip

    def _lay_out(self) -> None:
        tools = in_row(
            self.hint, self.help, self.keys, self.undo, self.delete, self.zoom_out, self.zoom_in,
            self.zoom_fit, grows=self.hint, spacing=4,
        )  # fmt: skip
        right = in_column(self.canvas, tools, grows=self.canvas)
        both = in_row(self.list, right, grows=right, spacing=16)
        said = in_row(
            self.message, self.bar, label_of("&By", self.detector), self.detector,
            grows=self.message,
        )  # fmt: skip
        last = in_row(self.whole, None, self.buttons, self.gallery, self.search)
        in_column(both, said, last, into=self, grows=both, margins=16)

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._show)
        self.canvas.changed.connect(self._refresh)
        self.canvas.opened.connect(self.accept)
        self.detector.currentIndexChanged.connect(self._look_again)
        self.canvas.refused.connect(lambda words: self.message.say(words, warning=True))
        self.zoom_in.clicked.connect(lambda: self.canvas.zoom_by(STEP))
        self.zoom_out.clicked.connect(lambda: self.canvas.zoom_by(1 / STEP))
        self.zoom_fit.clicked.connect(self.canvas.zoom_fit)
        self.undo.clicked.connect(lambda: self._edit("undo"))
        self.delete.clicked.connect(lambda: self._edit("delete"))

    # ── which scenes ────────────────────────────────────────────────────────────────────────────

    def open_scenes(self, paths: Sequence[Path]) -> None:
        """Show pictures and find the people on them; they are added to those that are shown."""
        known = {scene.path for scene in self.scenes if scene.frame is None}
        first = len(self.scenes)
        for path in dict.fromkeys(path.absolute() for path in paths):
            if path not in known:
                self._add(SceneBoxes(path))
        if len(self.scenes) > first:
            self.list.setCurrentRow(first)
        self._refresh()

    def show_origin(self, origin: Origin, crop: Path) -> None:
        """Show the scene that a picture was cut out of, with its box chosen."""
        found = origin.scene
        for row, scene in enumerate(self.scenes):
            if (scene.path, scene.frame, scene.boxes) == (found.path, found.frame, found.boxes):
                scene.choose(origin.own)
                self.list.setCurrentRow(row)
                break
        else:
            scene = SceneBoxes(found.path, found.frame, crop)
            scene.set_found(found.boxes, origin.own)
            self._add(scene)
            self.list.setCurrentRow(len(self.scenes) - 1)
        self.canvas.refresh()
        self._refresh()

    def _add(self, scene: SceneBoxes) -> None:
        self.scenes.append(scene)
        item = QListWidgetItem(scene.title)
        item.setToolTip(str(scene.path))
        self.list.addItem(item)
        if scene.frame is None:
            self._thumbnails.get(scene.path)
        else:
            self._thumbnails.get(scene.crop or scene.path)

    def take_dropped(self, paths: list[Path]) -> None:
        pictures = [path for path in paths if is_picture_name(path.name)]
        if pictures:
            self.open_scenes(pictures)
        else:
            self.message.say("Drop pictures of scenes here.", warning=True)

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    @property
    def scene(self) -> SceneBoxes | None:
        """The scene that is shown."""
        row = self.list.currentRow()
        return self.scenes[row] if 0 <= row < len(self.scenes) else None

    def _show(self, _row: int) -> None:
        scene = self.scene
        self.canvas.show_scene(scene)
        if scene is not None:
            load_scene(self._jobs, scene, self._show_image, self._cannot_read)
        self._refresh()

    def _show_image(self, image: QImage) -> None:
        scene = self.scene
        if scene is None:
            return
        scene.size = (image.width(), image.height())
        self.canvas.show_scene(scene, image)
        if scene.crop is not None and scene.current is not None:
            self.canvas.zoom_to(scene.current)
        self.canvas.setFocus()
        self._refresh()

    def _cannot_read(self, problem: Problem) -> bool:
        if self.scene is not None:
            self.scene.fault = problem.message
            if self.scene.found == "waiting":
                self.scene.found = "failed"
            self.canvas.refresh()
        self._refresh()
        return True

    def _show_thumbnail(self, path: Path) -> None:
        for row, scene in enumerate(self.scenes):
            shown = scene.path if scene.frame is None else scene.crop
            image = self._thumbnails.get(path) if shown == path else None
            item = self.list.item(row)
            if image is not None and item is not None:
                item.setIcon(QIcon(QPixmap.fromImage(image)))

    def _refresh(self) -> None:
        """Words, buttons and the list follow the boxes; the next scene is looked at."""
        self._look_further()
        for row, scene in enumerate(self.scenes):
            words = {"waiting": "waits", "looking": "looking…", "failed": "cannot be read"}
            said = words.get(scene.found, people_words(len(scene.boxes)))
            if scene.chosen:
                said += f"\n{len(scene.chosen):,} chosen"
            item = self.list.item(row)
            if item is not None:
                item.setText(f"{scene.title}\n{said}")
        self.list.setVisible(len(self.scenes) > 1)
        number = sum(len(people) for _, people in self.wanted())
        busy = self._jobs.has(KEEP)
        self.search.setText(f"&Search for {people_words(number)}")
        self.gallery.setText(f"&Open {people_words(number)} as gallery")
        for button in (self.search, self.gallery):
            button.setEnabled(number > 0 and not busy)
        self.whole.setVisible(any(scene.frame is None for scene in self.scenes))
        self.undo.setEnabled(self.scene is not None and self.scene.can_undo)
        self.delete.setEnabled(self.scene is not None and bool(self.scene.chosen))
        self._say()

    def _say(self) -> None:
        looking = sum(scene.found in ("waiting", "looking") for scene in self.scenes)
        self.bar.setVisible(looking > 0)
        faults = [scene.fault for scene in self.scenes if scene.fault]
        if looking:
            done = len(self.scenes) - looking + 1
            of = f" on scene {done:,} of {len(self.scenes):,}" if len(self.scenes) > 1 else ""
            self.message.say(f"Looking for people{of}…")
        elif faults:
            self.message.say(faults[0], warning=True)
        elif self.scene is not None and not self.scene.boxes:
            self.message.say("Nobody was found here. Drag over the picture to draw a box.")
        else:
            chosen = sum(len(scene.chosen) for scene in self.scenes)
            boxes = sum(len(scene.boxes) for scene in self.scenes)
            self.message.say(
                f"{chosen:,} of {people_words(boxes)} chosen."
                if chosen
                else f"{people_words(boxes)} found; with none chosen, all are taken."
            )

    def _look_again(self) -> None:
        """Find people by another detector, on all scenes that are pictures."""
        self._jobs.stop(FIND)
        self._looking = None
        for scene in self.scenes:
            if scene.frame is None:
                scene.look_again()
        self.canvas.refresh()
        self._refresh()

    # ── finding people ──────────────────────────────────────────────────────────────────────────

    def _look_further(self) -> None:
        """Find the people on the scene that is shown, else on the first that waits."""
        if self._looking is not None:
            return
        waiting = [scene for scene in self.scenes if scene.found == "waiting"]
        if not waiting:
            return
        scene = self.scene if self.scene in waiting and self.scene is not None else waiting[0]
        scene.found, self._looking = "looking", scene
        job = find_people(self._jobs, scene, self.detector.name, self._found, self._not_found)
        job.progressed.connect(self._show_progress)

    def _show_progress(self, progress: Progress) -> None:
        if progress.total:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)

    def _found(self, found: tuple[tuple[PersonBox, ...], tuple[int, int]]) -> None:
        scene, self._looking = self._looking, None
        if scene is not None:
            boxes, scene.size = found
            scene.set_found(boxes)
        self.canvas.refresh()
        self._refresh()

    def _not_found(self, problem: Problem) -> bool:
        scene, self._looking = self._looking, None
        if scene is not None:
            scene.found, scene.fault = "failed", problem.message
        self._refresh()
        return True

    # ── keys ────────────────────────────────────────────────────────────────────────────────────

    def _edit(self, what: str) -> None:
        if self.scene is not None:
            getattr(self.scene, what)()
            self.canvas.refresh()
            self._refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Page Up and Down go to other scenes."""
        step = int(event.key() == Qt.Key_PageDown) - int(event.key() == Qt.Key_PageUp)
        if step:
            row = self.list.currentRow() + step
            if 0 <= row < len(self.scenes):
                self.list.setCurrentRow(row)
            return
        super().keyPressEvent(event)

    # ── deciding ────────────────────────────────────────────────────────────────────────────────

    def wanted(self) -> list[tuple[SceneBoxes, tuple[PersonBox, ...]]]:
        """The people to cut out: those chosen on any scene, else all."""
        chosen = [(scene, scene.picked()) for scene in self.scenes if scene.chosen]
        return chosen or [(scene, scene.boxes) for scene in self.scenes if scene.boxes]

    def accept(self) -> None:
        """Search for the chosen people."""
        if self.search.isEnabled():
            self._keep(self._search)

    def _keep(self, then: Callable[[Kept], None]) -> None:
        keep_people(self._jobs, self.wanted(), then, self._not_kept)
        self._refresh()
        self.message.say("Cutting people out…")

    def _not_kept(self, problem: Problem) -> bool:
        self._refresh()
        self.message.say(problem.message, warning=True)
        return True

    def _search(self, kept: Kept) -> None:
        self.queries_wanted.emit(list(kept.crops))
        super().accept()

    def _open_gallery(self, kept: Kept) -> None:
        self.gallery_wanted.emit(DataRequest("folder", kept.folder))
        super().accept()

    def _search_whole(self) -> None:
        self.whole_wanted.emit([scene.path for scene in self.scenes if scene.frame is None])
        super().accept()

    def stop_work(self) -> None:
        super().stop_work()
        self._thumbnails.close()
