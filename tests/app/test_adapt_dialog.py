"""Adapting from the window: driven by keys and mouse, on a few coloured people and a tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLabel

from app.state import adaptation_words as words
from app.state.requests import DataRequest, ModelRequest
from app.views.dialogs.adapt_dialog import AFTERWARDS, BEFORE, MEANWHILE, AdaptDialog
from qaconv_core.adaptation import replay
from qaconv_core.adaptation import rounds as engine
from tests.app.controls import words_of
from tests.app.real import WAIT
from tests.core.adaptation.small import adaptation_result, write_cameras, write_model


@pytest.fixture
def world(tmp_path) -> Path:
    write_cameras(tmp_path / "pictures")
    write_model(tmp_path / "model.pth.tar")
    return tmp_path


@pytest.fixture
def window(qtbot, make_window, world, monkeypatch):
    """The pictures open under the tiny model; whatever comes of so small a model is kept."""
    monkeypatch.setattr(engine, "best_round", lambda before, rounds, maps: len(rounds))
    monkeypatch.setattr(replay, "PAIRS", 4)
    made = make_window()
    request = ModelRequest(str(world / "model.pth.tar"), "cpu")
    made.begin(DataRequest("folder", world / "pictures"), request)
    qtbot.waitUntil(lambda: made.controller.matching is not None, timeout=WAIT)
    return made


def click(widget, place=None) -> None:
    QTest.mouseClick(widget, Qt.LeftButton, pos=place or widget.rect().center())


def opened(qtbot, window):
    window.commands.run("file.adapt")
    dialog = window.findChild(AdaptDialog)
    qtbot.waitUntil(lambda: "pictures" in dialog.forecast.text(), timeout=WAIT)
    return dialog


def begin(dialog, out: Path, rounds: int = 1) -> None:
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(out))
    dialog.rounds.setValue(rounds)
    click(dialog.begin)


def waiting(qtbot, dialog) -> None:
    qtbot.waitUntil(lambda: dialog.adaptation.waiting, timeout=6 * WAIT)


def test_beforehand_it_says_how_long_and_how_much_memory(qtbot, window):
    dialog = opened(qtbot, window)
    words = dialog.forecast.text()
    assert words.startswith("80 pictures of 2 cameras.\n2 rounds: about")
    assert "of memory" in words
    assert dialog.title.text() == "Adapt model.pth.tar to pictures"
    assert dialog.path.text().endswith("models/pictures-from-model.pth.tar")
    assert dialog.pages.currentIndex() == BEFORE


def test_groups_are_looked_at_then_learned_then_used(qtbot, window, world):
    dialog = opened(qtbot, window)
    out = world / "new.pth.tar"
    begin(dialog, out)
    waiting(qtbot, dialog)
    assert dialog.pages.currentIndex() == MEANWHILE
    groups, known = dialog.groups, dialog.adaptation
    assert groups.hasFocus()
    assert groups.rows.rowCount() == len(known.found.groups)
    first, second = groups.rows.number(0), groups.rows.number(1)
    # By key: the whole first group.
    QTest.keyClick(groups, Qt.Key_Space)
    assert known.groups_out == {first}
    assert "taken out" in groups.rows.index(0).data()
    # By mouse: the third picture of the second one.
    index = groups.rows.index(1)
    pictures = groups.rows.pictures(second)
    room = groups.visualRect(index)
    click(groups.viewport(), groups.delegate.places(room, len(pictures))[2].center())
    assert known.pictures_out == {pictures[2].path}
    learned = sum(
        len(group) for number, group in enumerate(known.found.groups, start=1)
        if number not in known.found.held_out
    ) - len(groups.rows.pictures(first)) - 1  # fmt: skip
    click(dialog.go_on)
    qtbot.waitUntil(lambda: known.result is not None, timeout=6 * WAIT)
    assert known.result.rounds[0].learned == learned
    assert dialog.pages.currentIndex() == AFTERWARDS
    assert out.is_file()
    assert not (world / "new.pth.tar.work").exists()
    click(dialog.use_new)
    qtbot.waitUntil(lambda: window.workspace.model.source == str(out), timeout=WAIT)
    assert "adapted" in window.bar.place.text()
    qtbot.waitUntil(dialog.use_old.isEnabled, timeout=WAIT)
    click(dialog.use_old)
    qtbot.waitUntil(
        lambda: window.workspace.model.source == str(world / "model.pth.tar"), timeout=WAIT
    )
    assert "adapted" not in window.bar.place.text()


def test_what_was_stopped_goes_on_in_another_window(qtbot, window, make_window, world):
    out = world / "new.pth.tar"
    dialog = opened(qtbot, window)
    begin(dialog, out)
    waiting(qtbot, dialog)
    QTest.keyClick(dialog.groups, Qt.Key_Space)
    number = dialog.groups.rows.number(0)
    window.close()
    other = make_window()
    request = ModelRequest(str(world / "model.pth.tar"), "cpu")
    other.begin(DataRequest("folder", world / "pictures"), request)
    qtbot.waitUntil(lambda: other.controller.matching is not None, timeout=WAIT)
    dialog = opened(qtbot, other)
    assert dialog.path.text() == str(out), "proposed, though another one was typed then"
    assert words_of(dialog.begin) == "Go on"
    QTest.keyClicks(dialog.path, "x")
    assert words_of(dialog.begin) == "Begin"
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(out))
    assert words_of(dialog.begin) == "Go on"
    assert "stopped in round 1 of 1" in dialog.message.text()
    click(dialog.begin)
    waiting(qtbot, dialog)
    assert dialog.groups.rows.number(0) == number
    click(dialog.go_on)
    qtbot.waitUntil(lambda: dialog.jobs.job is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: dialog.step.text().startswith("Round 1 of 1: "), timeout=6 * WAIT)
    shown = " ".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())
    assert "goes on from where it stopped" in shown
    assert not [word for word in ("loss", "bounding_box", "reach", "note:") if word in shown]
    click(dialog.stop)
    qtbot.waitUntil(lambda: not dialog.adaptation.running, timeout=6 * WAIT)


def test_a_file_that_is_there_is_not_replaced(qtbot, window, world):
    dialog = opened(qtbot, window)
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(world / "model.pth.tar"))
    assert not dialog.begin.isEnabled()
    assert "there already" in dialog.message.text()


def test_a_closed_dialog_is_followed_by_a_new_one(qtbot, window):
    first = opened(qtbot, window)
    QTest.keyClick(first, Qt.Key_Escape)
    assert not first.isVisible()
    window.dialogs.adaptation.adaptation.set_forecast("heard by nobody that was closed")
    assert "heard by nobody" not in first.forecast.text()
    window.commands.run("file.adapt")
    second = window.dialogs.adapt()
    assert second is not first
    qtbot.waitUntil(lambda: "pictures" in second.forecast.text(), timeout=WAIT)


@pytest.mark.parametrize(
    ("kept", "mirrored", "names", "column"),
    [
        (2, None, ["Before", "Round 1", "Round 2"], 2),
        (1, False, ["Before", "Round 1", "Round 2", "Mirrored too"], 1),
        (1, True, ["Before", "Round 1", "Round 2", "Mirrored too"], 3),
        (0, None, ["Before", "Round 1", "Round 2"], 0),
    ],
)
def test_the_outcome_shows_which_model_was_written(kept, mirrored, names, column):
    result = adaptation_result(kept, mirrored)
    assert words.outcome_names(result) == names
    assert result.written_stage == column
    rows = {name: texts for name, _meaning, texts in words.outcome_table(result)}
    assert all(len(texts) == len(names) for texts in rows.values())
    assert rows["Part agreement"] == ["0.750"] * len(names)
    assert ("twice as long to read" in words.outcome_words(result)) is bool(mirrored)
