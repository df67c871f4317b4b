"""Videos in the window: cameras and clocks are said, people are found in the background."""

from __future__ import annotations

import csv
from threading import Event
from typing import ClassVar

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPointF, Qt
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLineEdit

from app.jobs.videos import DETECT
from app.state.requests import DataRequest
from app.state.words import score_text
from app.views.dialogs.video_dialog import VideoDialog, out_for
from qaconv_core.types import RankingResult, score_of_logit
from tests.app.controls import words_of
from tests.app.real import WAIT, drop, press, settled
from tests.core.detection.made import find_blocks, write_video


class Blocks:
    """Stands for the detector: made videos hold blocks, not people."""

    hold = None

    chosen: ClassVar[list[str]] = []

    def __init__(self, detector: str) -> None:
        Blocks.chosen.append(detector)

    def bound(self, *_options):
        def find(picture, video, context):
            if Blocks.hold is not None:
                Blocks.hold()
            return find_blocks(picture)

        return find


@pytest.fixture(autouse=True)
def blocks(monkeypatch):
    monkeypatch.setattr("qaconv_core.detection.finder.PersonFinder", Blocks)
    yield
    Blocks.hold = None


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    return [
        write_video(folder / "north_20240501_120000.avi", frames=20),
        write_video(folder / "south.avi", frames=20),
    ]


@pytest.fixture
def dialog(qtbot, runner):
    made = VideoDialog(runner)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def cells(dialog, row):
    return [dialog.table.item(row, column).text() for column in range(4)]


def type_into(dialog, row, column, text):
    """As a person does: a click, F2, the text, Enter."""
    table = dialog.table
    at = table.visualItemRect(table.item(row, column)).center()
    QTest.mouseClick(table.viewport(), Qt.LeftButton, Qt.NoModifier, at)
    QTest.keyClick(table, Qt.Key_F2)
    editor = table.viewport().findChild(QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key_Return)
    QApplication.processEvents()  # the table takes it in the next turn
    QApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_video_has_a_camera_and_a_clock_that_can_be_changed(qtbot, dialog, videos):
    heard = []
    dialog.opened.connect(heard.append)
    dialog.choose(videos)
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    assert cells(dialog, 0) == [
        "north_20240501_120000.avi", "0:02", "north_20240501_120000.avi", "2024-05-01 12:00:00",
    ]  # fmt: skip
    assert cells(dialog, 1)[3] == "not known"
    dialog.resize(880, 560)  # as on a screen that is large enough
    table = dialog.table
    assert all(table.columnWidth(column) >= table.sizeHintForColumn(column) for column in range(4))
    assert "once each video has a start" in dialog.message.text()
    type_into(dialog, 1, 3, "noon")
    assert "“noon” is no date with time" in dialog.message.text()
    assert not dialog.start.isEnabled()
    type_into(dialog, 1, 3, "2024-05-01 12:00:05")
    type_into(dialog, 0, 2, "north")
    assert dialog.message.text() == "8 frames of 2 cameras at most."
    QTest.keyClick(dialog, Qt.Key_Return)
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT)
    out = videos[0].parent / "shop people"
    assert heard == [DataRequest("folder", out)]
    rows = rows_of(out / "pictures.csv")
    assert {row["camid"] for row in rows} == {"north", "south.avi"}
    assert rows[-1]["time"] == "2024-05-01 12:00:06.500"
    assert len({row["track"] for row in rows}) == 6


def test_a_stopped_search_goes_on_where_it_ended(qtbot, dialog, videos):
    seen = []

    def stop_at_third():
        seen.append(1)
        if len(seen) == 3:
            dialog.work.rows[0]._job.cancel_token.cancel()

    heard = []
    dialog.opened.connect(heard.append)
    dialog.choose(videos)
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    Blocks.hold = stop_at_third
    QTest.mouseClick(dialog.start, Qt.LeftButton)
    qtbot.waitUntil(lambda: dialog.message.text().startswith("Stopped"), timeout=WAIT)
    assert heard == []
    assert len(seen) == 3
    assert words_of(dialog.start) == "Go on"
    assert dialog.open_found.isVisible()
    QTest.mouseClick(dialog.start, Qt.LeftButton)
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT)
    assert len(seen) == 8  # of eight frames none was looked at twice


def test_the_detector_is_chosen(qtbot, dialog, videos):
    dialog.choose([videos[0]])
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    assert dialog.wanted().detector == "bundled"
    dialog.detector.setCurrentIndex(dialog.detector.findData("fcos_resnet50_fpn"))
    heard = []
    dialog.help_wanted.connect(heard.append)
    QTest.keyClick(dialog, Qt.Key_F1, Qt.ShiftModifier)
    assert heard == ["help.videos"]
    Blocks.chosen.clear()
    QTest.mouseClick(dialog.start, Qt.LeftButton)
    qtbot.waitUntil(lambda: not dialog._jobs.has(DETECT), timeout=WAIT)
    assert Blocks.chosen == ["fcos_resnet50_fpn"]
    journal = (dialog.wanted().out / ".detect.jsonl").read_text(encoding="utf-8")
    assert '"detector": "fcos_resnet50_fpn"' in journal
    assert '"tiles": [[0], [0]]' in journal.replace("null", "0")  # the whole picture alone


def test_closing_lets_the_search_go_on(qtbot, dialog, videos):
    heard = []
    dialog.opened.connect(heard.append)
    dialog.choose(videos[:1])
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    QTest.mouseClick(dialog.start, Qt.LeftButton)
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert not dialog.isVisible()
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT)


def test_a_share_that_vanishes_is_said_and_the_search_goes_on_later(qtbot, dialog, videos):
    share = videos[0].parent
    heard, seen = [], []

    def unplug():
        seen.append(1)
        if len(seen) == 2:
            share.rename(share.with_name("away"))

    dialog.opened.connect(heard.append)
    dialog.choose(videos)
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    dialog.out.setText(str(share.parent / "people"))
    Blocks.hold = unplug
    QTest.mouseClick(dialog.start, Qt.LeftButton)
    QTest.keyClick(dialog, Qt.Key_Escape)  # it comes back to say so
    qtbot.waitUntil(lambda: "went away" in dialog.message.text(), timeout=WAIT)
    assert dialog.isVisible()
    assert "south.avi first" in dialog.message.text()
    assert "what was found is kept; connect it, and “Go on” looks at the rest" in (
        dialog.message.text()
    )
    assert heard == []
    share.with_name("away").rename(share)
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    assert words_of(dialog.start) == "Go on"
    QTest.mouseClick(dialog.start, Qt.LeftButton)
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT)
    rows = rows_of(share.parent / "people" / "pictures.csv")
    assert {row["scene"] for row in rows} == {video.name for video in videos}


def test_bad_videos_are_named_and_the_others_taken(qtbot, dialog, videos):
    broken = videos[0].parent / "broken.mp4"
    broken.write_bytes(b"no video")
    dialog.choose([broken])
    qtbot.waitUntil(lambda: "broken.mp4: not a video" in dialog.message.text(), timeout=WAIT)
    assert not dialog.start.isEnabled()
    dialog.take_dropped([videos[0]])
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    dialog.out.clear()
    QTest.keyClicks(dialog.out, "x")
    QTest.keyClick(dialog.out, Qt.Key_Backspace)
    assert not dialog.start.isEnabled()


def test_where_people_go(tmp_path):
    one, two = tmp_path / "a" / "gate.mp4", tmp_path / "a" / "yard.mp4"
    assert out_for([one]) == tmp_path / "a" / "gate people"
    assert out_for([one, two]) == tmp_path / "a" / "a people"
    assert out_for([tmp_path]).name == f"{tmp_path.name} people"


def test_a_dropped_folder_of_videos_ends_with_the_opened_set_and_its_tracks_play(
    qtbot, make_window, model, videos
):
    window = make_window()
    window.controller.open_model(model)
    drop(window, videos[0].parent)
    qtbot.waitUntil(lambda: "videos" in window.dialogs._open, timeout=WAIT)
    dialog = window.dialogs._open["videos"]
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    QTest.mouseClick(dialog.start, Qt.LeftButton)
    space = window.workspace
    qtbot.waitUntil(lambda: space.data is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: "videos" not in window.dialogs._open, timeout=WAIT)
    window.activateWindow()
    qtbot.waitUntil(lambda: window.controller.matching is not None, timeout=WAIT)
    drop(window, space.data.gallery[0].path)  # the people of a video are all gallery
    qtbot.waitUntil(lambda: space.ranking is not None, timeout=WAIT)
    settled(qtbot, window)
    tracks = space.data.gallery_tracks
    assert len(tracks) == len(space.data.gallery)
    panel = window.explore.results
    listed = [panel.model.candidate_at(row) for row in range(panel.model.rowCount())]
    assert len(listed) < len(tracks)
    entry = panel.model.entry(1)
    assert entry.pictures == len(space.data.track_of(entry.candidate)) > 1
    assert "The best of the" in panel.model.data(panel.model.index(1), Qt.ToolTipRole)
    ranks = {int(space.ranking.rank_of(int(i))) for i in space.data.track_of(entry.candidate)}
    assert ranks == {entry.rank}
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    space.select_candidate(entry.candidate)
    settled(qtbot, window)
    panel.view.setFocus()
    press(window, Qt.Key_V)
    assert panel.player.playing == entry.candidate
    played = set()

    def all_played():
        played.update(panel.delegate.playing.values())
        return len(played) == entry.pictures

    qtbot.waitUntil(all_played, timeout=WAIT)
    press(window, Qt.Key_V)
    assert panel.delegate.playing == {}
    at = panel.view.visualRect(panel.model.index(1)).center()
    move = QMouseEvent(QEvent.MouseMove, QPointF(at), Qt.NoButton, Qt.NoButton, Qt.NoModifier)
    QApplication.sendEvent(panel.view.viewport(), move)
    assert panel.player.playing == entry.candidate
    QApplication.sendEvent(panel.view.viewport(), QEvent(QEvent.Leave))
    assert panel.player.playing is None
    few = panel.model.rowCount()
    header = panel.header
    assert not header.by_mean.isHidden()
    header.by_mean.click()
    settled(qtbot, window)
    assert space.ranking.track_rule == "mean"
    own = {int(i): space.ranking.value_of(int(i)) for i in space.ranking.order}
    assert panel.model.rowCount() == few
    for row in range(few):
        entry = panel.model.entry(row)
        counted = [int(i) for i in space.data.track_of(entry.candidate)
                   if space.ranking.truth_of(int(i)) != RankingResult.JUNK]  # fmt: skip
        if entry.pictures > 1 and entry.truth != RankingResult.JUNK:
            mean = np.mean([own[i] for i in counted])
            assert entry.mean == pytest.approx(mean, abs=1e-3)
            assert entry.value_text == f"Ø {score_text(score_of_logit(mean))}"
            assert "ranked by their mean" in panel.model.data(
                panel.model.index(row), Qt.ToolTipRole
            )
    assert space.pair.logit == pytest.approx(own[space.pair.candidate], abs=1e-3)
    assert [chip.key for chip in header.filters.chips] == ["tracks"]
    window.commands.run("candidate.tracks_mean")
    settled(qtbot, window)
    assert space.ranking.track_rule == "best"
    window.commands.run("candidate.every_picture")
    assert panel.model.rowCount() > few


def test_a_video_dropped_while_people_are_looked_for_is_refused_aloud(qtbot, dialog, videos):
    heard = []
    dialog.opened.connect(heard.append)
    drop(dialog, videos[0])
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    going = Event()
    Blocks.hold = lambda: going.wait(WAIT / 1000)
    QTest.mouseClick(dialog.start, Qt.LeftButton)
    drop(dialog, videos[1])
    text = dialog.message.text()
    assert "south.avi: not taken while people are looked for" in text
    assert "You may close this dialog" in text
    assert dialog.paths == videos[:1]
    going.set()
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT)
