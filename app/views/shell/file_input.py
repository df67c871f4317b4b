"""What people bring: picture files, folders, tables and checkpoints, dropped, pasted or chosen."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PyQt5.QtCore import QBuffer, QEvent, QMimeData, QObject, QPoint, Qt
from PyQt5.QtGui import QDropEvent, QGuiApplication, QImage, QPixmap
from PyQt5.QtWidgets import QFrame, QLabel, QWidget

from app.jobs.controller import Controller
from app.jobs.job import JobContext
from app.state.requests import BY_CONTENT, DataRequest
from app.state.values import Problem
from app.views.widgets.actions import Handler, Handlers
from app.views.widgets.dropped_files import local_paths
from app.views.widgets.file_dialogs import PICTURES, ask_paths
from qaconv_core.data.images import read_image
from qaconv_core.data.scan import IMAGE_SUFFIXES, Scan, is_picture_name
from qaconv_core.data.scenes import looks_like_scene, mostly_scenes
from qaconv_core.data.videos import is_video_name
from qaconv_core.errors import DatasetError, ImageError, StoreError
from qaconv_core.store.atomic import atomic_write_bytes
from qaconv_core.store.cases import SUFFIX
from qaconv_core.store.folders import data_dir

PASTED = "pasted"
_LOOKED_AT = 1000
_CHECKPOINTS = frozenset((".pth", ".tar", ".pt"))


def kind_of(path: Path) -> str:
    """``picture``, ``video``, ``folder``, ``table``, ``checkpoint``, ``case``, ``missing`` or
    ``unknown``.

    A folder that holds videos and no picture is ``video`` too.
    """
    if path.is_dir():
        return "video" if _holds_videos(path) else "folder"
    if not path.is_file():
        return "missing"
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return "picture"
    if is_video_name(path.name):
        return "video"
    if suffix in (".csv", SUFFIX):
        return "table" if suffix == ".csv" else "case"
    return "checkpoint" if suffix in _CHECKPOINTS else "unknown"


def _holds_videos(folder: Path) -> bool:
    """Whether the first files of a folder are videos, and none a picture."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, _LOOKED_AT)]
    except OSError:
        return False
    return any(map(is_video_name, names)) and not any(map(is_picture_name, names))


class FileInput(QObject):
    """Takes what is dropped on the window, pasted or chosen, and does the right thing with it.

    Pictures become queries, once it is known that they can be read; those that look like whole
    scenes go to ``open_scenes``, as folders of them do, videos to ``open_videos``. Other folders
    and tables go to ``import_pictures``, those of which is known how they are read to
    ``open_data``, checkpoints to ``open_model`` (each shows its report first); ``tell`` shows what
    cannot be used.
    Pictures that come from the window itself are taken where ``takes_own`` says so of a point.
    Without an open data set a picture is kept, and ``open_data`` asks where to search for it.
    """

    def __init__(
        self,
        window: QWidget,
        controller: Controller,
        *,
        open_data: Callable[[DataRequest | None], object],
        open_model: Callable[[str], object],
        import_pictures: Callable[[Sequence[Path], Mapping[Path, Scan]], object],
        open_scenes: Callable[[Sequence[Path]], object],
        open_videos: Callable[[Sequence[Path]], object],
        open_case: Callable[[Path], object] = lambda _path: None,
        tell: Callable[[Problem], object],
        takes_own: Callable[[QPoint], bool] = lambda _at: False,
    ) -> None:
        super().__init__(window)
        self.window, self.controller = window, controller
        self._open_data, self._open_model, self._tell = open_data, open_model, tell
        self._import_pictures, self._open_case = import_pictures, open_case
        self._takes_own = takes_own
        self._open_scenes, self._open_videos = open_scenes, open_videos
        self._plate = DropPlate(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def handlers(self) -> Handlers:
        """The commands answered here."""
        return {"file.open_query": Handler(self.ask), "edit.paste": Handler(self.paste)}

    # ── three ways in ───────────────────────────────────────────────────────────────────────────

    def ask(self) -> None:
        """Choose picture files."""
        ask_paths(self.window, "Search by picture", self.take, PICTURES)

    def paste(self) -> None:
        """Take what is on the clipboard: files, a picture, or the path of a file as text."""
        if not self.take_mime(QGuiApplication.clipboard().mimeData()):
            self._say("there is no picture on the clipboard; copy a picture or a file first")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.DragEnter, QEvent.DragMove):
            assert isinstance(event, QDropEvent)
            mime = event.mimeData()
            own = event.source() is not None
            if own and not self._takes_own(event.pos()):
                self._plate.hide()
                event.ignore()
                return True
            if local_paths(mime) or mime.hasImage():
                event.acceptProposedAction()
                if event.type() == QEvent.DragEnter or self._plate.isHidden():  # a look at the disk
                    self._plate.show_over(_drop_words(local_paths(mime)))
                return True
        if event.type() in (QEvent.DragLeave, QEvent.Drop):
            self._plate.hide()
        if isinstance(event, QDropEvent) and event.type() == QEvent.Drop:
            foreign = event.source() is None or self._takes_own(event.pos())
            if foreign and self.take_mime(event.mimeData()):
                event.acceptProposedAction()
                return True
        return False

    # ── what to do with it ──────────────────────────────────────────────────────────────────────

    def take_mime(self, mime: QMimeData) -> bool:
        """Take what is dragged or copied; False where nothing of it is for us."""
        paths = local_paths(mime)
        if paths:
            self.take(paths)
            return True
        if mime.hasImage():
            self.take_image(_image_of(mime.imageData()))
            return True
        text = mime.text().strip()
        if text and "\n" not in text and len(text) < 4096 and Path(text).is_file():
            self.take([Path(text)])
            return True
        return False

    def take(self, paths: Sequence[Path]) -> None:
        """Pictures become queries; else people are found in videos; else folders and tables are
        imported, or the one is opened where it is known how it is read, or a checkpoint is. What is
        beside a file of boxes is imported with it."""
        boxes = [path for path in paths if _is_boxes_file(path)]
        if boxes and (len(paths) > 1 or boxes[0].suffix.lower() != ".csv"):
            self._import_pictures(paths, {})  # boxes alone are said there to lack their pictures
            return
        kinds = [(kind_of(path), path) for path in paths]
        pictures = [path for kind, path in kinds if kind == "picture"]
        videos = [path for kind, path in kinds if kind == "video"]
        taken = pictures or videos
        left = [path for _, path in kinds if path not in taken] if taken else []
        if left:
            names = ", ".join(path.name for path in left[:2]) + (", …" if len(left) > 2 else "")
            self._say(f"{names}: left out; drop other things than "
                      f"{'pictures' if pictures else 'videos'} by themselves")  # fmt: skip
        if pictures:
            self._take_pictures(pictures)
            return
        if videos:
            self._open_videos(videos)
            return
        places = [path for kind, path in kinds if kind in ("folder", "table")]
        if len(places) > 1:
            self._import_pictures(places, {})
            return
        for kind, path in kinds:
            if kind in ("folder", "table"):
                self._take_place(path.absolute(), BY_CONTENT if kind == "folder" else "folder")
                return
            if kind == "checkpoint":
                self._open_model(str(path.absolute()))
                return
            if kind == "case":
                self._open_case(path.absolute())
                return
        if kinds:
            self._refuse(*kinds[0])

    def _take_place(self, path: Path, name: str) -> None:
        """Open a folder or table; where nobody has said how it is read, find the people in its
        scenes, or say first how it is read."""
        from qaconv_core.data.catalog import needs_import  # with the readers of all data sets

        def look(context: JobContext) -> tuple[bool, dict[Path, Scan], list[Path]]:
            if not needs_import(path):
                return False, {}, []
            scans = _scans_of(path, context)
            pictures = [picture.path for scan in scans.values() for picture in scan.pictures]
            return True, scans, pictures if mostly_scenes(pictures) else []

        def use(found: tuple[bool, dict[Path, Scan], list[Path]]) -> None:
            unsaid, scans, scenes = found
            if scenes:
                self._open_scenes(scenes)
            elif unsaid:
                self._import_pictures([path], scans)
            else:
                self._open_data(DataRequest(name, path))

        self.controller.runner.start(
            f"Looking at {path.name}", look, lane="files", quiet=True, done=use
        )

    def _refuse(self, kind: str, path: Path) -> None:
        if kind == "missing":
            self._say(f"{path}: no such file")
        else:
            self._say(f"{path.name}: not a picture, a video, a folder, a table (.csv), a "
                      "checkpoint (.pth.tar) or a case (.qcase)")  # fmt: skip

    def take_image(self, image: QImage) -> None:
        """Keep a picture that is no file yet, under the data folder, and take it as a query."""
        if image.isNull():
            self._say("the picture on the clipboard cannot be read")
            return
        self.controller.runner.start(
            "Keeping the pasted picture",
            lambda _context: keep_image(image),
            lane="files",
            quiet=True,
            done=lambda path: self._take_pictures([path]),
        )

    def _take_pictures(self, paths: Sequence[Path]) -> None:
        names = ", ".join(path.name for path in paths[:2])

        def look(context: JobContext) -> Readable:
            return readable(paths, context)

        def use(found: Readable) -> None:
            faults = found.faults
            if faults:
                more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
                self._say(faults[0] + more, "\n".join(faults))
            if found.people:
                self.search(found.people)
            if found.scenes:
                self._open_scenes(found.scenes)

        self.controller.runner.start(
            f"Reading {names}", look, lane="files", quiet=len(paths) < 8, done=use
        )

    def search(self, paths: Sequence[Path]) -> None:
        """Search for pictures of people; where no set is open, ask for one first."""
        self.controller.add_pictures(paths)
        if self.controller.workspace.data is None:
            self._open_data(None)

    def _say(self, message: str, details: str = "") -> None:
        self._tell(Problem(message, details))


def _drop_words(paths: Sequence[Path]) -> str:
    """What dropping these will do."""
    kinds = {kind_of(path) for path in paths} or {"picture"}
    if len(paths) > 1 and any(map(_is_boxes_file, paths)):
        return "Drop to cut people out by these boxes"
    if kinds == {"case"}:
        return "Drop to open this case"
    if "picture" in kinds:
        return "Drop to search by this picture"
    if "video" in kinds:
        return "Drop to find the people in this video"
    if kinds == {"checkpoint"}:
        return "Drop to open this checkpoint"
    return "Drop to open this set" if len(paths) == 1 else "Drop to import these together"


class DropPlate(QLabel):
    """Says over the window what dropping will do."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAlignment(Qt.AlignCenter)
        self.setAutoFillBackground(True)
        self.setFrameShape(QFrame.Box)
        self.setMargin(24)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.hide()

    def show_over(self, words: str) -> None:
        """In the middle of the window."""
        self.setText(words)
        self.adjustSize()
        middle = self.parentWidget().rect().center()
        self.move(middle - self.rect().center())
        self.raise_()
        self.show()


def _image_of(content: object) -> QImage:
    """What a program has put on the clipboard as a picture; a null image where it is none."""
    if isinstance(content, QPixmap):
        return content.toImage()
    return content if isinstance(content, QImage) else QImage()


@dataclass
class Readable:
    """Pictures that can be decoded, of one person or of whole scenes, and a sentence for each of
    the others."""

    people: list[Path] = field(default_factory=list)
    scenes: list[Path] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def readable(paths: Sequence[Path], context: JobContext) -> Readable:
    """Decode pictures, and tell people from scenes."""
    found = Readable()
    for path in paths:
        context.cancel.raise_if_cancelled()
        try:
            scene = looks_like_scene(*read_image(path).size)
        except ImageError as error:
            found.faults.append(str(error))
        else:
            (found.scenes if scene else found.people).append(path)
    return found


def _scans_of(place: Path, context: JobContext) -> dict[Path, Scan]:
    """What lies in and below a folder; nothing of a table, and where it cannot be read."""
    from qaconv_core.data.described import scan_source

    try:
        return {place: scan_source(place, context)} if place.is_dir() else {}
    except DatasetError:  # whoever imports the folder says why
        return {}


def keep_image(image: QImage) -> Path:
    """Write a picture as PNG into the data folder, named by its content, and return its path.

    Raises :class:`~qaconv_core.errors.StoreError`.
    """
    buffer = QBuffer()
    buffer.open(QBuffer.WriteOnly)
    if not image.save(buffer, "PNG"):
        raise StoreError("the picture on the clipboard cannot be written as PNG")
    content = bytes(buffer.data())
    folder = data_dir() / PASTED
    folder.mkdir(exist_ok=True)
    path = folder / f"pasted-{hashlib.sha256(content).hexdigest()[:12]}.png"
    atomic_write_bytes(path, content, error=StoreError)
    return path


def _is_boxes_file(path: Path) -> bool:
    """Whether ``path`` is a file of boxes. Its readers load OpenCV, so they wait for a drop."""
    from qaconv_core.detection.given import is_boxes_file

    return is_boxes_file(path)
