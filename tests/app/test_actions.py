"""Actions ask their handlers: once a turn, before a menu, before a key."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QMainWindow

from app.state.events import Event
from app.views.widgets.actions import Actions, Handler


class Switch:
    """A command with its state; counts how often it is asked."""

    def __init__(self) -> None:
        self.can, self.on = False, False
        self.asked = self.runs = 0
        self.handler = Handler(
            self.run, self.enabled, checked=lambda: self.on, reason=lambda: "it is off"
        )

    def enabled(self) -> bool:
        self.asked += 1
        return self.can

    def run(self) -> None:
        self.runs += 1


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    window.shown = True
    window.actions_ = Actions(window, lambda command: window.shown or command.menu != "Match")
    window.switch = Switch()
    window.actions_.bind({"match.grid": window.switch.handler})
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    return window


def test_many_events_are_one_refresh(window, qtbot):
    event, switch = Event(), window.switch
    window.actions_.watch(event)
    action = window.actions_.on_button("match.grid")
    before = switch.asked
    switch.can = switch.on = True
    for _ in range(20):
        event.emit()
    assert switch.asked == before
    assert not action.isEnabled()
    qtbot.waitUntil(action.isEnabled)
    assert action.isChecked()
    qtbot.wait(10)
    assert switch.asked == before + 1


def test_what_no_button_shows_is_asked_when_a_menu_opens(window, qtbot):
    event, switch = Event(), window.switch
    menus = window.actions_.fill(window.menuBar())
    window.actions_.watch(event)
    action, before = window.actions_.by_id["match.grid"], switch.asked
    switch.can = True
    event.emit()
    qtbot.wait(10)
    assert switch.asked == before
    menus["Match"].popup(window.pos())
    assert action.isEnabled()
    switch.can = False
    event.emit()  # the menu is open
    qtbot.waitUntil(lambda: not action.isEnabled())
    menus["Match"].close()


def test_a_key_finds_its_command_up_to_date(window):
    switch = window.switch
    QTest.keyClick(window, Qt.Key_G)
    assert switch.runs == 0
    switch.can = True  # nobody tells of it
    QTest.keyClick(window, Qt.Key_G)
    assert switch.runs == 1
    switch.can = False
    QTest.keyClick(window, Qt.Key_G)
    window.actions_.run("match.grid")
    assert switch.runs == 1


def test_a_menu_opens_up_to_date(window):
    menus = window.actions_.fill(window.menuBar())
    window.switch.can = window.switch.on = True
    menus["Match"].aboutToShow.emit()
    action = window.actions_.by_id["match.grid"]
    assert (action.isEnabled(), action.isChecked()) == (True, True)


def test_a_click_that_changes_nothing_leaves_the_mark(window, qtbot):
    window.switch.can = window.switch.on = True
    action = window.actions_.on_button("match.grid")
    window.actions_.refresh()
    action.trigger()  # Qt takes the mark off
    qtbot.waitUntil(action.isChecked)


def test_what_does_not_belong_to_the_page_is_off_without_being_asked(window):
    window.switch.can, window.shown = True, False
    before = window.switch.asked
    window.actions_.refresh()
    assert not window.actions_.by_id["match.grid"].isEnabled()
    assert window.actions_.reason("match.grid") == ""
    assert window.switch.asked == before
    window.shown, window.switch.can = True, False
    assert window.actions_.reason("match.grid") == "it is off"


def test_only_commands_of_the_table_are_bound(window):
    with pytest.raises(KeyError, match=r"no\.such"):
        window.actions_.bind({"no.such": Handler(window.close)})
    assert window.actions_.bound == {"match.grid"}
