"""What is dropped, pasted or chosen does the right thing; what cannot be used changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt5.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QFileDialog, QMainWindow

from app.jobs.controller import Controller
from app.state.requests import BY_CONTENT, DataRequest
from app.state.workspace import Workspace
from app.views.shell.file_input import FileInput, _drop_words, keep_image, kind_of
from app.views.widgets.actions import Actions
from qaconv_core.data import read_image
from qaconv_core.data.description import save_description
from qaconv_core.data.proposal import propose
from tests.app.samples import sample_set
from tests.builders import write_picture
from tests.small_world import write_market


class Asked:
    """A window with a file input, and what it was asked to do."""

    def __init__(self, runner) -> None:
        self.window = QMainWindow()
        self.controller = Controller(Workspace(), runner)
        self.data, self.models, self.problems, self.pictures = [], [], [], []
        self.imports, self.scans, self.scenes, self.videos = [], [], [], []
        self.controller.add_pictures = self.pictures.append
        self.file_input = FileInput(
            self.window, self.controller, open_data=self.data.append,
            import_pictures=self.take_import, open_scenes=self.scenes.append,
            open_videos=self.videos.append,
            open_model=self.models.append, tell=self.problems.append,
        )  # fmt: skip
        self.actions = Actions(self.window)
        self.actions.bind(self.file_input.handlers())

    def take_import(self, places, scans) -> None:
        self.imports.append(places)
        self.scans.append(scans)

    def drop(self, *paths: Path) -> bool:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        return self.drop_mime(mime)

    def drop_mime(self, mime: QMimeData) -> bool:
        point = self.window.rect().center()
        enter = QDragEnterEvent(point, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
        enter.ignore()
        QApplication.sendEvent(self.window, enter)
        if not enter.isAccepted():
            return False
        drop = QDropEvent(QPointF(point), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
        QApplication.sendEvent(self.window, drop)
        return drop.isAccepted()


@pytest.fixture
def asked(qtbot, runner, tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "data"))
    made = Asked(runner)
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    QGuiApplication.clipboard().clear()


def test_files_are_told_apart(tmp_path):
    names = {"a.JPG": "picture", "t.csv": "table", "c.pth.tar": "checkpoint", "c.pth": "checkpoint",
             "x.docx": "unknown"}  # fmt: skip
    for name, kind in names.items():
        (tmp_path / name).write_bytes(b"x")
        assert kind_of(tmp_path / name) == kind
    assert kind_of(tmp_path) == "folder"
    assert kind_of(tmp_path / "gone.jpg") == "missing"


def test_dropped_pictures_become_queries(qtbot, asked, tmp_path):
    asked.controller.workspace.open_data(sample_set(tmp_path / "set", pictures=False))
    paths = [write_picture(tmp_path / f"{n}.png", n) for n in range(2)]
    assert asked.drop(*paths)
    qtbot.waitUntil(lambda: asked.pictures == [paths])
    assert (asked.data, asked.models, asked.problems) == ([], [], [])


def test_without_a_data_set_it_is_asked_where_to_search(qtbot, asked, tmp_path):
    asked.drop(write_picture(tmp_path / "a.png"))
    qtbot.waitUntil(lambda: asked.pictures != [])
    assert asked.data == [None]


def test_a_broken_picture_is_one_line_and_the_others_are_taken(qtbot, asked, tmp_path):
    asked.controller.workspace.open_data(sample_set(tmp_path / "set", pictures=False))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")
    asked.drop(broken)
    qtbot.waitUntil(lambda: len(asked.problems) == 1)
    assert "broken.jpg" in asked.problems[0].message
    assert "\n" not in asked.problems[0].message
    assert asked.pictures == []
    good = write_picture(tmp_path / "good.png")
    asked.drop(broken, good)
    qtbot.waitUntil(lambda: asked.pictures == [[good]])
    assert len(asked.problems) == 2


def test_of_a_dropped_folder_or_table_it_is_first_said_how_it_is_read(qtbot, asked, tmp_path):
    own, table = tmp_path / "own", tmp_path / "t.csv"
    write_picture(own / "a.png")
    table.write_text("path,door\nown/a.png,north\n")
    asked.drop(own)
    qtbot.waitUntil(lambda: asked.imports == [[own]])
    (scan,) = asked.scans[0].values()
    assert [picture.path for picture in scan.pictures] == [own / "a.png"]
    asked.drop(table)
    qtbot.waitUntil(lambda: asked.imports == [[own], [table]])
    assert asked.scans[1] == {}
    assert not asked.data


def test_a_dropped_set_that_needs_no_import_is_opened_with_its_report(qtbot, asked, tmp_path):
    benchmark, own, table = tmp_path / "data", tmp_path / "own", tmp_path / "t.csv"
    write_market(benchmark)
    write_picture(own / "a.png")
    table.write_text("path,door\nown/a.png,north\n")
    for place in (own, table):
        save_description(propose([place]).description)
    for place, request in (
        (benchmark / "market", DataRequest(BY_CONTENT, benchmark / "market")),
        (own, DataRequest(BY_CONTENT, own)),
        (table, DataRequest("folder", table)),
    ):
        asked.drop(place)
        qtbot.waitUntil(lambda request=request: asked.data[-1:] == [request])
    assert not asked.imports


def test_a_dropped_checkpoint_is_looked_at(asked, tmp_path):
    file = tmp_path / "checkpoint.pth.tar"
    file.write_bytes(b"x")
    asked.drop(file)
    assert asked.models == [str(file)]


def test_other_files_are_refused_in_one_line(asked, tmp_path):
    (tmp_path / "letter.docx").write_bytes(b"x")
    asked.drop(tmp_path / "letter.docx")
    asked.drop(tmp_path / "gone.jpg")
    assert "letter.docx: not a picture" in asked.problems[0].message
    assert "no such file" in asked.problems[1].message
    assert (asked.data, asked.models, asked.pictures) == ([], [], [])


def test_dragged_text_is_not_for_us(asked):
    mime = QMimeData()
    mime.setText("words")
    assert not asked.drop_mime(mime)


def paste(asked) -> None:
    QTest.keyClick(asked.window, Qt.Key_V, Qt.ControlModifier)


def test_a_pasted_picture_is_kept_as_png(qtbot, asked, tmp_path):
    image = QImage(20, 40, QImage.Format_RGB32)
    image.fill(Qt.darkCyan)
    QGuiApplication.clipboard().setImage(image)
    paste(asked)
    qtbot.waitUntil(lambda: asked.pictures != [])
    ((path,),) = asked.pictures
    assert path.parent == tmp_path / "data" / "pasted"
    assert read_image(path).size == (20, 40)
    assert read_image(path).getpixel((3, 3)) == (0, 128, 128)
    assert keep_image(image) == path, "the same picture again is the same file"


def test_pasted_files_are_opened(qtbot, asked, tmp_path):
    path = write_picture(tmp_path / "a b.png")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    QGuiApplication.clipboard().setMimeData(mime)
    paste(asked)
    qtbot.waitUntil(lambda: asked.pictures == [[path]])


def test_a_pasted_path_is_opened_and_other_text_is_not(qtbot, asked, tmp_path):
    path = write_picture(tmp_path / "a.png")
    QGuiApplication.clipboard().setText(str(path))
    paste(asked)
    qtbot.waitUntil(lambda: asked.pictures == [[path]])
    QGuiApplication.clipboard().setText("just words")
    paste(asked)
    assert "no picture on the clipboard" in asked.problems[0].message
    assert len(asked.pictures) == 1


def test_pictures_are_chosen_in_a_dialog(qtbot, asked, tmp_path):
    path = write_picture(tmp_path / "a.png")
    QTest.keyClick(asked.window, Qt.Key_I, Qt.ControlModifier)
    (dialog,) = asked.window.findChildren(QFileDialog)
    dialog.setOption(QFileDialog.DontUseNativeDialog)
    dialog.filesSelected.emit([str(path)])
    dialog.close()
    qtbot.waitUntil(lambda: asked.pictures == [[path]])


def test_several_folders_are_imported_together(asked, tmp_path):
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
    assert asked.drop(tmp_path / "north", tmp_path / "south")
    assert asked.imports == [[tmp_path / "north", tmp_path / "south"]]
    assert asked.data == []


def test_videos_and_boxes_that_are_dropped_have_their_own_ways(asked, tmp_path):
    video, boxes = tmp_path / "gate.mp4", tmp_path / "boxes.json"
    for file in (video, boxes):
        file.write_bytes(b"{}")
    (tmp_path / "scenes").mkdir()
    assert asked.drop(video)
    assert asked.videos == [[video]]
    for others in ((tmp_path / "scenes",), (write_picture(tmp_path / "a.png"),), (video,), ()):
        assert asked.drop(*others, boxes)
        assert asked.imports[-1] == [*others, boxes]
    assert (asked.data, asked.pictures, asked.problems) == ([], [], [])
    words = {
        (video,): "Drop to find the people in this video",
        (tmp_path / "a.png", boxes): "Drop to cut people out by these boxes",
        (tmp_path / "scenes", tmp_path): "Drop to import these together",
        (tmp_path / "scenes",): "Drop to open this set",
    }
    assert {paths: _drop_words(paths) for paths in words} == words


def test_what_is_dropped_beside_pictures_and_left_out_is_said(qtbot, asked, tmp_path):
    asked.controller.workspace.open_data(sample_set(tmp_path / "set", pictures=False))
    picture, table = write_picture(tmp_path / "a.png"), tmp_path / "persons.csv"
    table.write_text("path\n")
    asked.drop(picture, table)
    qtbot.waitUntil(lambda: asked.pictures == [[picture]])
    assert [p.message for p in asked.problems] == [
        "persons.csv: left out; drop other things than pictures by themselves"
    ]


def test_pictures_of_whole_scenes_are_not_taken_for_people(qtbot, asked, tmp_path):
    asked.controller.workspace.open_data(sample_set(tmp_path / "set", pictures=False))
    person = write_picture(tmp_path / "person.png")
    wide = tmp_path / "street.png"
    read_image(person).resize((200, 100)).save(wide)
    asked.drop(wide, person)
    qtbot.waitUntil(lambda: asked.pictures == [[person]])
    assert asked.scenes == [[wide]]
    assert asked.problems == []


def test_a_dropped_folder_of_scenes_goes_where_dropped_scenes_go(qtbot, asked, tmp_path):
    street = [write_picture(tmp_path / "street" / f"{n}.png", n, (200, 100)) for n in range(3)]
    person = write_picture(tmp_path / "street" / "person.png")
    asked.drop(tmp_path / "street")
    qtbot.waitUntil(lambda: bool(asked.scenes or asked.imports), timeout=20_000)
    assert not asked.imports
    assert sorted(asked.scenes[0]) == sorted([*street, person])
    for n in range(9):
        write_picture(tmp_path / "street" / f"person {n}.png")
    asked.drop(tmp_path / "street")
    qtbot.waitUntil(lambda: asked.imports == [[tmp_path / "street"]], timeout=20_000)
    assert len(asked.scenes) == 1
