"""Commands are found by typing; the sheet of keys is whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLabel, QMainWindow

from app.state.commands import COMMANDS
from app.state.fuzzy import fuzzy_order, fuzzy_score, likeness
from app.views.dialogs.command_palette import CommandPalette
from app.views.dialogs.key_sheet import KeySheet, keys_words
from app.views.widgets.actions import Actions, Handler

LETTERS = st.text("abc d", max_size=8)


def in_order(letters: str, text: str) -> bool:
    """Slow and obvious: whether the letters stand in the text one after the other."""
    rest = iter(text)
    return all(letter in rest for letter in letters)


@given(LETTERS, LETTERS)
def test_exactly_those_are_found_that_have_the_letters_in_order(typed, text):
    found = fuzzy_score(typed, text) is not None
    assert found == all(in_order(word, text) for word in typed.split())


def test_beginnings_of_words_come_first():
    texts = ["Fewer lines", "Next candidate", "Next true match", "Sort by top score"]
    assert fuzzy_order("ntm", texts) == [2]
    assert fuzzy_order("next", texts) == [1, 2]
    assert fuzzy_order("MATCH next", texts) == [2]
    assert fuzzy_order("s", texts)[0] == 3
    assert fuzzy_order("", texts) == [0, 1, 2, 3]


@pytest.fixture
def window(qtbot):
    """A window whose commands note that they were run."""
    window = QMainWindow()
    window.ran = []
    window.table = Actions(window)
    window.table.bind({c.id: Handler(lambda id=c.id: window.ran.append(id)) for c in COMMANDS})
    window.palette_ = CommandPalette(window.table, window)
    window.table.bind({"edit.palette": Handler(window.palette_.popup)})
    qtbot.addWidget(window)
    window.resize(800, 600)
    window.show()
    window.activateWindow()
    return window


def test_a_command_is_found_by_some_letters_and_run_by_enter(window):
    QTest.keyClick(window, Qt.Key_P, Qt.ControlModifier | Qt.ShiftModifier)
    palette = window.palette_
    assert palette.isVisible()
    QTest.keyClicks(palette.field, "next true")
    assert palette.found[0] == "candidate.next_true"
    assert palette.list.item(0).data(Qt.UserRole + 1) == "N"
    assert "true match" in palette.tip.text()
    QTest.keyClick(palette.field, Qt.Key_Return)
    assert not palette.isVisible()
    assert window.ran == ["candidate.next_true"]


def test_arrows_walk_the_list_and_a_click_runs(window):
    palette = window.palette_
    palette.popup()
    assert len(palette.found) == len(COMMANDS) - 1
    QTest.keyClick(palette.field, Qt.Key_Down)
    QTest.keyClick(palette.field, Qt.Key_Down)
    QTest.keyClick(palette.field, Qt.Key_Up)
    QTest.keyClick(palette.field, Qt.Key_Return)
    assert window.ran == [palette.found[1]]
    palette.popup()
    item = palette.list.item(0)
    QTest.mouseClick(
        palette.list.viewport(), Qt.LeftButton, pos=palette.list.visualItemRect(item).center()
    )
    assert window.ran[1:] == [palette.found[0]]


def test_escape_closes_and_runs_nothing(window):
    window.palette_.popup()
    QTest.keyClicks(window.palette_.field, "next")
    QTest.keyClick(window.palette_, Qt.Key_Escape)
    assert not window.palette_.isVisible()
    window.palette_.popup()
    assert window.palette_.field.text() == ""
    window.palette_.close()
    assert window.ran == []


def test_what_was_typed_in_full_comes_first_then_what_begins_so(window):
    palette = window.palette_
    palette.popup()
    QTest.keyClicks(palette.field, "save report")
    assert palette.found[:3] == ["file.save_report", "file.export_failures", "file.export_trust"]
    QTest.keyClick(palette.field, Qt.Key_Return)
    assert window.ran == ["file.save_report"]
    palette.popup()
    QTest.keyClicks(palette.field, "Save report on")
    assert palette.found[0] == "file.export_failures"
    window.table.bind({"file.save_report": Handler(window.close, lambda: False)})
    palette.popup()
    QTest.keyClicks(palette.field, "save report")
    QTest.keyClick(palette.field, Qt.Key_Return)
    assert palette.isVisible()
    assert window.ran == ["file.save_report"], "no other command runs in its place"
    palette.close()


def test_a_shorter_text_comes_first_among_equal_ones():
    assert fuzzy_order("save", ["Save report on errors", "Save report"]) == [1, 0]
    assert [likeness("save  Report", text) for text in ("Save report…", "Save reports", "A")] == [
        2, 1, 0,
    ]  # fmt: skip


def test_what_is_not_available_is_last_and_says_why(window):
    unable = Handler(window.close, lambda: False, reason=lambda: "times are not known")
    window.table.bind({"candidate.method_tlift": unable})
    palette = window.palette_
    palette.popup()
    assert palette.found[-1] == "candidate.method_tlift"
    QTest.keyClicks(palette.field, "qaconv tlift")
    assert "times are not known" in palette.tip.text()
    assert "not available" in palette.list.item(0).data(Qt.AccessibleTextRole)
    QTest.keyClick(palette.field, Qt.Key_Return)
    assert palette.isVisible()
    QTest.keyClicks(palette.field, "zzzz")
    assert palette.found == []
    QTest.keyClick(palette.field, Qt.Key_Return)
    QTest.keyClick(palette.field, Qt.Key_Down)
    assert window.ran == []
    palette.close()


def test_checkable_commands_are_switched_as_in_the_menu(window):
    window.palette_.popup()
    QTest.keyClicks(window.palette_.field, "show overlay")
    QTest.keyClick(window.palette_.field, Qt.Key_Return)
    assert window.ran == ["match.overlay"]
    assert window.table.by_id["match.overlay"].isChecked()


def test_the_sheet_has_every_key(qtbot):
    sheet = KeySheet()
    qtbot.addWidget(sheet)
    sheet.show()
    words = {label.text() for label in sheet.findChildren(QLabel)}
    for command in COMMANDS:
        if command.keys:
            assert {command.title, keys_words(command)} <= words
    QTest.keyClick(sheet, Qt.Key_Escape)
    assert not sheet.isVisible()
