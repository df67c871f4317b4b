"""Opening a data set: its report comes first, and a wrong folder changes nothing."""

from __future__ import annotations

import threading

import pytest
from PyQt5.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLabel

from app.jobs import engine
from app.jobs.controller import Controller
from app.jobs.inspections import DATA
from app.state.requests import BY_CONTENT, DataRequest
from app.state.workspace import Workspace
from app.views.dialogs.check_panel import rejected_text
from app.views.dialogs.open_data import CHOICES, OpenDataDialog
from app.views.widgets.labels import sentence_case
from qaconv_core.data import DATASETS
from qaconv_core.types import Rejected
from tests.builders import (
    add_junk,
    write_market,
    write_msmt,
    write_names,
    write_randperson,
    write_table,
)


@pytest.fixture
def controller(runner):
    return Controller(Workspace(), runner)


@pytest.fixture
def dialog(qtbot, controller):
    made = OpenDataDialog(controller)
    qtbot.addWidget(made)
    made.show()
    return made


def row_of(name: str) -> int:
    return [choice[0] for choice in CHOICES].index(name)


def choose(dialog, name: str) -> None:
    """Click a data set in the list."""
    item = dialog.names.item(row_of(name))
    place = dialog.names.visualItemRect(item).center()
    QTest.mouseClick(dialog.names.viewport(), Qt.LeftButton, pos=place)


def type_path(dialog, path) -> None:
    dialog.path.setFocus()
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(path))
    QTest.keyClick(dialog.path, Qt.Key_Return)


def text_of(dialog) -> str:
    """All words of the report."""
    return "\n".join(label.text() for label in dialog.area.widget().findChildren(QLabel))


def idle(qtbot, dialog):
    qtbot.waitUntil(lambda: not dialog._jobs.has(DATA), timeout=5000)


def test_every_name_is_offered():
    assert {name for name, _, _ in CHOICES} == {*DATASETS, BY_CONTENT}


def test_nothing_can_be_opened_before_it_was_looked_at(dialog):
    assert not dialog.open_button.isEnabled()
    assert "Choose" in dialog.message.text()
    choose(dialog, "market")
    assert not dialog.open_button.isEnabled()
    assert "folder" in dialog.message.text()


def test_the_report_is_shown_and_open_opens(qtbot, controller, dialog, tmp_path):
    write_market(tmp_path / "market", people=4, cameras=3)
    add_junk(tmp_path / "market" / "query")
    opened = []
    dialog.opened.connect(opened.append)
    type_path(dialog, tmp_path)
    choose(dialog, "market")
    idle(qtbot, dialog)
    assert controller.workspace.data is None, "looking opens nothing"
    words = text_of(dialog)
    for part in ("Market-1501 folders", "12", "1–3", "Valid queries: 12 of 12", "1 distractors"):
        assert part in words
    panel = dialog.area.widget()
    assert not panel.rejected.isVisible()
    QTest.mouseClick(panel.fold, Qt.LeftButton)
    assert panel.rejected.isVisible()
    assert "notes.txt" in panel.rejected.toPlainText()
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    assert not dialog.isVisible()
    assert opened == [DataRequest("market", tmp_path)]
    assert controller.data_request == opened[0]
    assert controller.workspace.data.name == "market"
    assert controller.workspace.selection.queries == (0,)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda folder: write_market(folder), "market"),
        (lambda folder: write_msmt(folder), "msmt"),
        (lambda folder: write_names(folder, ["a.jpg", "b.jpg"]), "folder"),
    ],
)
def test_what_a_folder_is_its_content_tells(qtbot, dialog, tmp_path, write, name):
    write(tmp_path / "anything")
    type_path(dialog, tmp_path / "anything")
    idle(qtbot, dialog)
    assert dialog._found.request.name == name


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.mkdir(), "no picture in it"),
        (lambda path: None, "no such"),
        (lambda path: path.write_text("words"), "anything"),
    ],
)
def test_a_wrong_path_is_one_sentence_and_changes_nothing(
    qtbot, controller, dialog, tmp_path, make, says
):
    told = []
    controller.runner.problem.connect(told.append)
    path = tmp_path / "anything"
    make(path)
    type_path(dialog, path)
    idle(qtbot, dialog)
    assert says in dialog.message.text()
    assert "\n" not in dialog.message.text()
    assert "Traceback" not in dialog.message.text()
    assert not dialog.open_button.isEnabled()
    assert controller.workspace.data is None
    assert told == [], "the dialog has said it"


def test_a_set_without_gallery_cannot_be_opened(qtbot, dialog, tmp_path):
    write_randperson(tmp_path / "randperson")
    type_path(dialog, tmp_path)
    choose(dialog, "randperson")
    idle(qtbot, dialog)
    assert "RandPerson" in text_of(dialog)
    assert not dialog.open_button.isEnabled()
    assert "no gallery" in dialog.message.text()
    QTest.keyClick(dialog.path, Qt.Key_Return)
    assert dialog.isVisible()


def test_a_dropped_folder_is_looked_at(qtbot, dialog, tmp_path):
    write_market(tmp_path / "m")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "m"))])
    point = dialog.rect().center()
    enter = QDragEnterEvent(point, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(dialog, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(point), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(dialog, drop)
    idle(qtbot, dialog)
    assert dialog.open_button.isEnabled()
    assert dialog.path.text() == str(tmp_path / "m")


def test_a_table_is_opened(qtbot, controller, dialog, tmp_path):
    write_names(tmp_path, ["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    table = write_table(
        tmp_path / "t.csv",
        [("a.jpg", 1, 0, 1.5, "query"), ("b.jpg", 1, 1, 2.5, "gallery"), ("c.jpg", 2, 1, 9, "")],
    )
    dialog.choose(DataRequest("folder", table))
    idle(qtbot, dialog)
    QTest.keyClick(dialog, Qt.Key_Return)
    assert controller.workspace.data is not None


def test_every_picture_can_be_decoded_first(qtbot, dialog, tmp_path):
    write_market(tmp_path)
    broken = next((tmp_path / "bounding_box_test").glob("0001*"))
    broken.write_bytes(b"\xff\xd8 and no more")
    type_path(dialog, tmp_path)
    idle(qtbot, dialog)
    assert "not decoded" in text_of(dialog)
    QTest.mouseClick(dialog.decode, Qt.LeftButton)
    idle(qtbot, dialog)
    assert "every picture was decoded" in text_of(dialog)
    assert broken.name in dialog.area.widget().rejected.toPlainText()
    assert dialog.open_button.isEnabled()


def test_decoding_is_stopped_by_its_button_and_the_report_stays(qtbot, dialog, tmp_path, monkeypatch):  # fmt: skip  # noqa: E501
    write_market(tmp_path)
    type_path(dialog, tmp_path)
    idle(qtbot, dialog)
    started, plain = threading.Event(), engine.inspect_data

    def slow(request, context, decode=False):
        if decode:
            started.set()
            while True:
                context.cancel.raise_if_cancelled()
        return plain(request, context, decode)

    monkeypatch.setattr(engine, "inspect_data", slow)
    QTest.mouseClick(dialog.decode, Qt.LeftButton)
    qtbot.waitUntil(started.is_set)
    assert dialog.bar.isVisible()
    assert not dialog.open_button.isEnabled()
    QTest.mouseClick(dialog.stop, Qt.LeftButton)
    idle(qtbot, dialog)
    assert not dialog.bar.isVisible()
    assert "Stopped" in dialog.message.text()
    assert "Valid queries" in text_of(dialog)
    assert dialog.open_button.isEnabled()


def test_another_choice_drops_the_answer_to_the_one_before(qtbot, dialog, tmp_path, monkeypatch):
    write_market(tmp_path / "market")
    go, plain = threading.Event(), engine.inspect_data

    def slow(request, context, decode=False):
        if request.name == "duke":
            go.wait(5)
        return plain(request, context, decode)

    monkeypatch.setattr(engine, "inspect_data", slow)
    dialog.path.setText(str(tmp_path))
    choose(dialog, "duke")
    choose(dialog, "market")
    idle(qtbot, dialog)
    go.set()
    qtbot.waitUntil(lambda: not dialog.controller.runner.busy, timeout=5000)
    assert dialog._found.request.name == "market"
    assert dialog.open_button.isEnabled()
    assert not dialog.message.text()


def test_closing_the_dialog_stops_what_it_started(qtbot, dialog, monkeypatch):
    started = threading.Event()

    def endless(request, context, decode=False):
        started.set()
        while True:
            context.cancel.raise_if_cancelled()

    monkeypatch.setattr(engine, "inspect_data", endless)
    choose(dialog, "demo")
    qtbot.waitUntil(started.is_set)
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert not dialog.isVisible()
    qtbot.waitUntil(lambda: not dialog.controller.runner.busy, timeout=5000)


def test_rejected_files_are_grouped_and_long_lists_are_cut(tmp_path):
    files = [Rejected(tmp_path / f"{n}.txt", "not a picture") for n in range(300)]
    lines = rejected_text([*files, Rejected(tmp_path / "x", "empty")]).splitlines()
    assert lines[0] == "300 × not a picture"
    assert lines[201] == "    … and 100 more"
    assert lines[202:] == ["1 × empty", f"    {tmp_path / 'x'}"]


def test_sentences_begin_with_a_capital_but_file_names_do_not():
    assert sentence_case("no times") == "No times"
    assert sentence_case("list_val.txt is missing") == "list_val.txt is missing"
