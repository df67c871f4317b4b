"""Importing own pictures in the window: the preview follows what is said, and is written."""

from __future__ import annotations

import json

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.jobs.controller import Controller
from app.jobs.imports import PROPOSE
from app.state.requests import DataRequest
from app.state.workspace import Workspace
from app.views.dialogs.import_dialog import ImportDialog
from app.views.dialogs.open_data import OpenDataDialog
from qaconv_core.data import open_folder, proposal, read_image
from qaconv_core.data.description import read_description
from qaconv_core.detection import given
from tests.app.controls import words_of
from tests.app.real import drop
from tests.builders import write_boxes, write_picture


@pytest.fixture
def folder(tmp_path):
    for camera in ("hof", "tor"):
        for person in ("ann", "李"):
            for shot in (1, 2):
                write_picture(tmp_path / "shop" / camera / person / f"{shot}.png", shot)
    return tmp_path / "shop"


@pytest.fixture
def dialog(qtbot, runner):
    made = ImportDialog(runner)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def texts(dialog):
    table = dialog.table
    return [
        tuple(table.item(row, column).text() for column in range(5))
        for row in range(table.rowCount())
    ]


def test_the_table_shows_what_is_understood_with_pictures(qtbot, dialog, folder):
    dialog.choose([folder])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert ("hof/ann/1.png", "ann", "hof", "–", "–") in texts(dialog)
    assert len(texts(dialog)) == 8
    assert "✓ Evaluate: 4 of 4 queries" in dialog.possible.text()
    table = dialog.table
    items = [table.item(row, 0) for row in range(table.rowCount())]
    qtbot.waitUntil(lambda: not any(item.icon().isNull() for item in items), timeout=10_000)


def test_the_preview_follows_what_is_said(qtbot, dialog, folder):
    dialog.choose([folder])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    dialog.folders.setCurrentText("persons/cameras")
    assert not dialog.save.isEnabled()  # not before the preview is there
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert ("hof/ann/1.png", "hof", "ann", "–", "–") in texts(dialog)
    dialog.pattern.setEditText("{pid")
    qtbot.waitUntil(lambda: "without }" in dialog.message.text(), timeout=10_000)
    assert not dialog.save.isEnabled()
    dialog.pattern.setEditText("{cam}/{pid}/{frame}")
    QTest.keyClicks(dialog.rate, "x")
    assert "number of frames" in dialog.rate_fault.text()
    dialog.rate.clear()
    QTest.keyClicks(dialog.rate, "2")
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert ("tor/李/2.png", "李", "tor", "1.0", "–") in texts(dialog)


def test_what_is_saved_is_what_was_shown(qtbot, dialog, folder):
    heard = []
    dialog.imported.connect(heard.append)
    dialog.choose([folder])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    QTest.mouseClick(dialog.save, Qt.LeftButton)
    qtbot.waitUntil(lambda: bool(heard), timeout=10_000)
    assert heard == [DataRequest("folder", folder)]
    assert open_folder(folder).camera_names == {0: "hof", 1: "tor"}


def test_a_folder_without_pictures_is_said_and_nothing_written(qtbot, dialog, tmp_path):
    (tmp_path / "empty").mkdir()
    dialog.choose([tmp_path / "empty"])
    qtbot.waitUntil(lambda: "no picture" in dialog.message.text(), timeout=10_000)
    assert not dialog.save.isEnabled()
    assert not list((tmp_path / "empty").iterdir())


def test_what_contradicts_itself_is_empty_or_damaged_is_said(qtbot, dialog, folder, tmp_path):
    (tmp_path / "yard").mkdir()
    (folder / "tor" / "ann" / "1.png").write_text("<html>not found</html>")
    dialog.choose([folder, tmp_path / "yard"])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert "1 folder holds no picture: yard" in dialog.message.text()
    assert dialog.possible.text().startswith("✓ Search: 7 pictures can be ranked\n")
    table = tmp_path / "list.csv"
    table.write_text("path,pid\nshop/hof/ann/1.png,ann\nshop/hof/ann/1.png,eve\n")
    dialog.choose([table])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    said = "1.png first (person ann on line 2, eve on line 3): the earlier line counts"
    assert said in dialog.message.text()


def test_of_many_pictures_some_may_be_damaged(qtbot, dialog, tmp_path, monkeypatch):
    monkeypatch.setattr(proposal, "_SIZES", 2)
    for number in range(4):
        write_picture(tmp_path / "flat" / f"{number}.png", number)
    (tmp_path / "flat" / "2.png").write_text("<html>not found</html>")  # of 0 and 2 that are opened
    dialog.choose([tmp_path / "flat"])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert dialog.possible.text().startswith("✓ Search: at most 3 pictures can be ranked\n")


def test_a_folder_that_goes_away_before_it_is_saved_is_said(qtbot, dialog, folder):
    heard = []
    dialog.imported.connect(heard.append)
    dialog.choose([folder])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    folder.rename(folder.with_name("away"))
    QTest.mouseClick(dialog.save, Qt.LeftButton)
    qtbot.waitUntil(lambda: "went away" in dialog.message.text(), timeout=10_000)
    assert heard == []
    folder.with_name("away").rename(folder)
    QTest.mouseClick(dialog.save, Qt.LeftButton)
    qtbot.waitUntil(lambda: heard == [DataRequest("folder", folder)], timeout=10_000)


def test_a_folder_of_ones_own_leads_from_the_report_to_the_import(qtbot, runner, folder):
    opened = OpenDataDialog(Controller(Workspace(), runner))
    qtbot.addWidget(opened)
    opened.show()
    wanted = []
    opened.import_wanted.connect(wanted.append)
    opened.choose(DataRequest("auto", folder))
    qtbot.waitUntil(opened.describe.isVisible, timeout=10_000)
    QTest.mouseClick(opened.describe, Qt.LeftButton)
    assert wanted == [folder]
    assert not opened.isVisible()


def test_the_window_names_its_fields_and_no_options(qtbot, dialog, tmp_path):
    for number in range(3):
        write_picture(tmp_path / "a" / f"frame_{number:06}_{number}.png", number)
        write_picture(tmp_path / "b" / f"frame_{number:06}_{number}.png", number)
    dialog.choose([tmp_path])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert "--" not in dialog.message.text()
    assert "--" not in dialog.possible.text()
    dialog.pattern.setEditText("no field")
    qtbot.waitUntil(lambda: "has no field" in dialog.message.text(), timeout=10_000)
    assert "--" not in dialog.message.text()


def choose(box, words):
    """One of a box's entries, by the keys that find it."""
    box.setFocus()
    QTest.keyClicks(box, words)


def test_a_tables_columns_are_recognised_and_assigned_by_hand(qtbot, dialog, tmp_path):
    table = tmp_path / "t.csv"
    rows = "".join(
        f"{write_picture(tmp_path / f'{n}.png', n).name};gate {n % 2};Ann;{n // 2}\n"
        for n in range(4)
    )
    table.write_text(f"bild;door;guard;badge\n{rows}", encoding="utf-8")
    dialog.choose([tmp_path])
    assert not dialog.table_row.isVisible(), "a folder has no columns"
    dialog.choose([table])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert dialog.table_row.isVisible()
    dialog.folders.setFocus()
    for box in dialog.columns.values():
        QTest.keyClick(dialog.focusWidget(), Qt.Key_Tab)
        assert dialog.focusWidget() is box
    recognised = {ours: box.currentText() for ours, box in dialog.columns.items()}
    assert recognised == {
        "path": "bild (auto)", "pid": "Recognise", "camid": "door (auto)",
        "time": "Recognise", "split": "Recognise",
    }  # fmt: skip
    assert texts(dialog)[0][:3] == ("0.png", "–", "gate 0")
    choose(dialog.columns["pid"], "badge")
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert [cells[1] for cells in texts(dialog)] == ["0", "0", "1", "1"]
    assert "✓ Evaluate: 2 of 2 queries have a true match from another camera" in (
        dialog.possible.text()
    )
    choose(dialog.columns["camid"], "none")
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert {cells[2] for cells in texts(dialog)} == {"–"}
    assert "from another camera" not in dialog.possible.text()
    QTest.mouseClick(dialog.save, Qt.LeftButton)
    qtbot.waitUntil(lambda: not dialog.isVisible(), timeout=10_000)
    (source,) = read_description(tmp_path / "qaconv.toml").sources
    assert source.columns == {"path": "bild", "pid": "badge"}


def test_without_a_table_there_is_no_gap_among_the_fields(qtbot, dialog, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(f"path\n{write_picture(tmp_path / 'a' / '1.png')}\n", encoding="utf-8")

    def gap():
        return dialog.unit.y() - dialog.folders.geometry().bottom()

    before = gap()
    for places, shown in (([table], True), ([tmp_path / "a"], False), ([table], True)):
        dialog.choose(places)
        qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
        qtbot.waitUntil(lambda shown=shown: (gap() > before) == shown, timeout=10_000)
        assert dialog.table_row.isVisible() == dialog.table_label.isVisible() == shown


def test_a_table_whose_pictures_are_not_recognised_is_read_by_hand(qtbot, dialog, tmp_path):
    write_picture(tmp_path / "one.png")
    table = tmp_path / "t.csv"
    table.write_text("what,which\n7,nothing\n8,nothing\n9,one.png\n", encoding="utf-8")
    dialog.choose([table])
    qtbot.waitUntil(lambda: "choose the column of files" in dialog.message.text(), timeout=10_000)
    assert not dialog.save.isEnabled()
    choose(dialog.columns["path"], "which")
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert [cells[0] for cells in texts(dialog)] == ["one.png"]


def test_two_cameras_of_one_picture_are_said(qtbot, dialog, tmp_path):
    write_picture(tmp_path / "yard" / "north" / "a.png")
    write_picture(tmp_path / "yard" / "south" / "b.png")
    (tmp_path / "t.csv").write_text("path,camera\nyard/north/a.png,gate\n", encoding="utf-8")
    dialog.choose([tmp_path / "yard", tmp_path / "t.csv"])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert "1 picture is given two cameras" in dialog.message.text()
    assert "a.png: gate, not north" in dialog.message.text()
    assert {cells[0]: cells[2] for cells in texts(dialog)} == {
        "yard/north/a.png": "gate", "yard/south/b.png": "south",
    }  # fmt: skip


@pytest.fixture
def scenes(tmp_path):
    """Two scenes, and three boxes on the first as COCO has them."""
    for number in (1, 2):
        write_picture(tmp_path / "street" / f"{number}.png", number, size=(320, 240))
    write_boxes(tmp_path / "boxes.json")
    return tmp_path


def test_a_file_of_boxes_beside_pictures_is_proposed_as_boxes(qtbot, dialog, scenes):
    dialog.take_dropped([scenes / "street", scenes / "boxes.json"])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert texts(dialog) == [("1.png", "3 boxes", "", "", "")]
    assert "boxes.json: 3 boxes of people on 1 picture or video" in dialog.message.text()
    assert "1 picture has no box" in dialog.message.text()
    assert "not among the pictures: 9.png" in dialog.message.text()
    assert words_of(dialog.save) == "Cut out and open…"
    assert not dialog.pattern.isEnabled()
    heard = []
    dialog.imported.connect(heard.append)
    QTest.mouseClick(dialog.save, Qt.LeftButton)
    qtbot.waitUntil(lambda: bool(heard), timeout=10_000)
    assert heard == [DataRequest("folder", scenes / "street people")]
    assert len(open_folder(scenes / "street people").gallery) == 3
    assert len(list((scenes / "street people" / "crops").rglob("*.jpg"))) == 3


def drop_on(widget, *paths):
    """Drop files on a widget: what lies around it gets them where it takes none."""
    while not widget.acceptDrops():
        widget = widget.parentWidget()
    drop(widget, *paths)


def ready(qtbot, dialog):
    qtbot.waitUntil(dialog.save.isEnabled, timeout=20_000)
    return dialog.table.rowCount()


def test_what_is_dropped_by_mouse_is_looked_at(qtbot, dialog, scenes, folder, tmp_path):
    drop_on(dialog.table.viewport(), folder)
    assert ready(qtbot, dialog) == 8
    drop_on(dialog.pattern.lineEdit(), folder / "hof", folder / "tor")
    assert not dialog.save.isEnabled()
    ready(qtbot, dialog)
    assert {row[2] for row in texts(dialog)} == {"hof", "tor"}
    assert dialog.pattern.currentText() == "Recognise", "no path is typed into the field"
    table = tmp_path / "list.csv"
    table.write_text("file,who\nshop/hof/ann/1.png,ann\n")
    drop_on(dialog.rate, table)
    assert ready(qtbot, dialog) == 1
    assert texts(dialog) == [("shop/hof/ann/1.png", "ann", "–", "–", "–")]
    drop_on(dialog.name, scenes / "street", scenes / "boxes.json")
    assert ready(qtbot, dialog) == 1
    assert words_of(dialog.save) == "Cut out and open…"
    drop(dialog, scenes / "street" / "1.png")
    qtbot.waitUntil(lambda: "neither a folder" in dialog.message.text(), timeout=20_000)
    assert "dropped on the window itself" in dialog.message.text()
    assert not dialog.save.isEnabled()


def test_a_dropped_video_is_handed_on(dialog, tmp_path):
    video, handed = tmp_path / "gate.mp4", []
    video.write_bytes(b"x")
    dialog.videos_dropped.connect(handed.append)
    drop(dialog, video)
    assert handed == [[video]]
    assert not dialog.isVisible()


def people_of(item, size):
    return item.icon().pixmap(size).toImage()


def test_people_of_boxes_are_shown_as_they_would_be_cut_out(qtbot, dialog, scenes):
    dialog.take_dropped([scenes / "street", scenes / "boxes.json"])
    ready(qtbot, dialog)
    item, size = dialog.table.item(0, 0), dialog.table.iconSize()
    qtbot.waitUntil(lambda: people_of(item, size).pixelColor(5, 24).alpha() > 0, timeout=20_000)
    strip = people_of(item, size)
    assert strip.size() == size
    scene = read_image(scenes / "street" / "1.png")
    left = 0
    for x, y, w, h in ((10, 20, 40, 100), (100, 20, 40, 110), (200, 30, 50, 120)):
        shown = strip.pixelColor(left + 5, 24)
        room = 0.03 * h
        at = x - room + 5 / 48 * (h + 2 * room), y + h / 2
        true = scene.getpixel(tuple(map(int, at)))
        assert all(abs(a - b) < 40 for a, b in zip(shown.getRgb()[:3], true, strict=True))
        left += int(48 * (w + 2 * room) / (h + 2 * room)) + 4
    assert strip.pixelColor(size.width() - 3, 24).alpha() == 0, "there are three people"


def test_boxes_that_are_being_shown_are_given_up_with_the_dialog(
    qtbot, dialog, scenes, runner, monkeypatch
):
    for number in range(3, 40):
        write_picture(scenes / "street" / f"{number}.png", number, size=(320, 240))
    images = [{"id": n, "file_name": f"{n}.png"} for n in range(1, 40)]
    boxes = [{"image_id": n, "bbox": [10, 20, 40, 100]} for n in range(1, 40)]
    (scenes / "boxes.json").write_text(json.dumps({"images": images, "annotations": boxes}))
    begun, cut = [], given.cut

    def counted_cut(*arguments):
        begun.append(arguments)
        return cut(*arguments)

    monkeypatch.setattr(given, "cut", counted_cut)
    dialog.take_dropped([scenes / "street", scenes / "boxes.json"])
    qtbot.waitUntil(lambda: bool(begun), timeout=20_000)
    dialog.close()
    qtbot.waitUntil(lambda: not runner.busy, timeout=20_000)
    assert len(begun) < 39


def test_boxes_alone_and_pictures_again(qtbot, dialog, scenes, folder):
    dialog.take_dropped([scenes / "boxes.json"])
    qtbot.waitUntil(lambda: "the pictures or the video" in dialog.message.text(), timeout=10_000)
    assert not dialog.save.isEnabled()
    dialog.take_dropped([scenes / "street", scenes / "boxes.json"])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    dialog.choose([folder])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert words_of(dialog.save) == "Save and open…"
    assert dialog.pattern.isEnabled()
    assert dialog.boxes is None


def test_a_folder_with_its_own_table_keeps_what_the_table_says(qtbot, dialog, folder):
    rows = "path,camid,time,track\nhof/ann/1.png,gate,3,1\ntor/ann/1.png,door,4.5,2\n"
    (folder / "pictures.csv").write_text(rows)
    dialog.choose([folder])
    qtbot.waitUntil(dialog.save.isEnabled, timeout=10_000)
    assert ("tor/ann/1.png", "–", "door", "4.5", "–") in texts(dialog)
    assert "shop has a table of its own, pictures.csv" in dialog.message.text()
    assert "--" not in dialog.message.text()
    dialog.folders.setCurrentText("cameras/persons")
    qtbot.waitUntil(lambda: len(texts(dialog)) == 8, timeout=10_000)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", "a/b", "use letters, digits, spaces"),
        ("name", "demo", "a published set has it"),
        ("rate", "-5", "frames per second, above 0"),
        ("rate", "nan", "frames per second, above 0"),
    ],
)
def test_what_could_not_be_read_again_is_refused_beside_its_field(
    qtbot, dialog, folder, field, typed, said
):
    dialog.choose([folder])
    ready(qtbot, dialog)
    dialog.pattern.setEditText("{cam}/{pid}/{frame}")
    line, fault = getattr(dialog, field), getattr(dialog, f"{field}_fault")
    QTest.keyClicks(line, typed)
    assert said in fault.text()
    assert fault.isVisible()
    QTest.qWait(600)  # longer than the pause after the last key
    qtbot.waitUntil(lambda: not dialog._jobs.has(PROPOSE), timeout=20_000)
    QTest.mouseClick(dialog.save, Qt.LeftButton)
    assert not dialog.save.isEnabled()
    assert not (folder / "qaconv.toml").exists()
    line.selectAll()
    QTest.keyClicks(line, "7")
    ready(qtbot, dialog)
    assert not fault.isVisible()


def test_what_is_left_out_is_counted_with_its_reasons(qtbot, dialog, tmp_path):
    good = [write_picture(tmp_path / f"{n}.png", n).name for n in range(3)]
    rows = [*(f"{name},ann" for name in good), "0.png,bob,more", "1.png,bob,more", "gone.png,bob"]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["path,pid", *rows, ""]), encoding="utf-8")
    dialog.choose([table])
    assert ready(qtbot, dialog) == 3
    assert "3 left out, the first: 3 fields, but the header has 2" in dialog.left_out.text()
    for line in (5, 6, 7):
        assert f"t.csv line {line}" in dialog.all_left_out.toPlainText()
    assert not dialog.all_left_out.isVisible()
    QTest.mouseClick(dialog.fold, Qt.LeftButton)
    assert dialog.all_left_out.isVisible()
    table.write_text("\n".join(["path,pid", *rows[:3], *["0.png,a,b"] * 40, ""]), encoding="utf-8")
    drop(dialog, table)
    assert ready(qtbot, dialog) == 3
    assert "40 left out" in dialog.left_out.text()
    assert dialog.all_left_out.toPlainText().count("t.csv line") == 40
    table.write_text("\n".join(["path,pid", *rows[:3], ""]), encoding="utf-8")
    drop(dialog, table)
    assert ready(qtbot, dialog) == 3
    assert not dialog.left_out.isVisible()
    assert not dialog.fold.isVisible()
    assert not dialog.all_left_out.isVisible()


def test_a_new_drop_starts_from_nothing(qtbot, dialog, folder, scenes, tmp_path):
    drop(dialog, folder)
    ready(qtbot, dialog)
    dialog.pattern.setEditText("{cam}/{pid}/{frame}")
    dialog.folders.setCurrentText("persons")
    QTest.keyClicks(dialog.name, "shop")
    QTest.keyClicks(dialog.rate, "25")
    ready(qtbot, dialog)
    (tmp_path / "empty").mkdir()
    drop(dialog, tmp_path / "empty")
    assert dialog.table.rowCount() == 0
    assert dialog.possible.text() == ""
    qtbot.waitUntil(lambda: "no picture" in dialog.message.text(), timeout=20_000)
    assert dialog.table.rowCount() == 0
    assert dialog.possible.text() == ""
    assert (dialog.pattern.currentText(), dialog.folders.currentText()) == ("Recognise",) * 2
    assert (dialog.name.text(), dialog.rate.text()) == ("", "")
    drop(dialog, scenes / "street", scenes / "boxes.json")
    ready(qtbot, dialog)
    drop(dialog, tmp_path / "empty")
    qtbot.waitUntil(lambda: "no picture" in dialog.message.text(), timeout=20_000)
    assert dialog.pattern.isEnabled(), "boxes alone lock the fields"


def test_scenes_are_warned_of_without_a_command(qtbot, dialog, scenes):
    dialog.choose([scenes / "street"])
    ready(qtbot, dialog)
    assert "drop them on the window" in dialog.message.text()
    assert "qaconv detect" not in dialog.message.text()
