"""The empty window offers three ways to begin; the hint comes once."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLabel, QToolButton

from app.state.commands import BY_ID
from app.state.requests import CaseRequest, DataRequest, ModelRequest
from app.state.session import Session
from app.state.settings import Settings, SettingsFile
from app.views.dialogs.open_data import OpenDataDialog
from app.views.explore.welcome import EXPLORE_HINT, HintStrip, WelcomePage
from tests.app.real import WAIT
from tests.builders import write_picture


def shown(qtbot, widget):
    qtbot.addWidget(widget)
    widget.resize(1000, 600)
    widget.show()
    yield widget  # kept alive while what was posted for it is delivered


@pytest.fixture
def page(qtbot):
    yield from shown(qtbot, WelcomePage())


@pytest.fixture
def strip(qtbot):
    yield from shown(qtbot, HintStrip())


def test_three_choices_run_commands_by_mouse_and_keyboard(page):
    chosen = []
    page.chosen.connect(chosen.append)
    for button in page.choices:
        assert button.choice.command in BY_ID
        assert button.accessibleName()
        QTest.mouseClick(button, Qt.LeftButton)
    page.choices[0].setFocus()
    QTest.keyClick(page.choices[0], Qt.Key_Space)
    assert chosen == ["file.import", "file.open_data", "file.open_demo", "file.import"]


def test_recent_files_are_listed_and_opened(qtbot, page):
    page.show_recent(Settings())
    assert not page.recent.isVisible()
    data, model = DataRequest("folder", Path("/data/own")), ModelRequest("/m/best.pth.tar")
    page.show_recent(Settings().with_data(data).with_model(model))
    page.show_recent(Settings().with_data(data).with_model(model))
    qtbot.waitUntil(lambda: len(page.recent.findChildren(QToolButton)) == 2)
    buttons = page.recent.findChildren(QToolButton)
    assert [b.text() for b in buttons] == ["own", "best.pth.tar"]
    opened = []
    page.reopen_data.connect(opened.append)
    page.reopen_model.connect(opened.append)
    for button in buttons:
        QTest.mouseClick(button, Qt.LeftButton)
    assert opened == [data, model]


def test_the_hint_is_shown_until_it_was_dismissed(strip):
    strip.show_unless_seen(Settings())
    assert strip.isVisible()
    seen = []
    strip.dismissed.connect(seen.append)
    QTest.mouseClick(strip.button, Qt.LeftButton)
    assert not strip.isVisible()
    assert seen == [EXPLORE_HINT]
    strip.show_unless_seen(Settings().with_hint_seen(EXPLORE_HINT))
    assert not strip.isVisible()


def test_large_letters_are_not_cut(qtbot):
    page = WelcomePage()
    qtbot.addWidget(page)
    font = page.font()
    font.setPointSizeF(15)
    page.setFont(font)
    page.resize(1000, 700)
    page.show()
    for button in page.choices:
        qtbot.waitUntil(
            lambda button=button: all(
                label.height() >= label.heightForWidth(label.width())
                for label in button.findChildren(QLabel)
            ),
            timeout=5000,
        )


def test_a_recent_case_and_the_button_lead_to_cases(qtbot, tmp_path):
    page = WelcomePage()
    qtbot.addWidget(page)
    request = CaseRequest(tmp_path / "theft.qcase")
    page.show_recent(Settings().with_case(request))
    page.show()
    button = next(b for b in page.recent.findChildren(QToolButton) if b.text() == "theft")
    with qtbot.waitSignal(page.reopen_case, timeout=2000) as opened:
        QTest.mouseClick(button, Qt.LeftButton)
    assert opened.args == [request]
    with qtbot.waitSignal(page.chosen, timeout=2000) as chosen:
        QTest.mouseClick(page.case, Qt.LeftButton)
    assert chosen.args == ["file.open_case"]


def test_an_empty_window_lists_recent_sets_and_opens_them(qtbot, make_window, tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    for place in (own, other):
        write_picture(place / "1.png", 1, (48, 128))
    settings = SettingsFile()
    for place in (other, own):
        settings.change(settings.value.with_data(DataRequest("folder", place)))
    window = make_window()
    assert window.welcome.isVisible()
    buttons = window.welcome.recent.findChildren(QToolButton)
    assert [button.text() for button in buttons] == ["own", "other"]
    QTest.mouseClick(buttons[1], Qt.LeftButton)
    dialog = window.findChild(OpenDataDialog)
    qtbot.waitUntil(dialog.open_button.isEnabled, timeout=WAIT)
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: window.workspace.data is not None, timeout=WAIT)
    assert window.workspace.data.root == other
    assert not window.welcome.isVisible()
    window.controller.close_data()
    buttons = window.welcome.recent.findChildren(QToolButton)
    shown = [button.text() for button in buttons if button.isVisible()]
    assert window.welcome.isVisible()
    assert shown == ["other", "own"]


def test_a_set_is_closed_and_the_next_start_shows_the_ways_to_begin(qtbot, make_window, tmp_path):
    """And from there a set is opened and ranked, without the demo having been seen."""
    for camera in (1, 2):
        for person in (1, 2):
            write_picture(
                tmp_path / f"set/000{person}_c{camera}s1_00{person}.png", person, (48, 96)
            )
    request = DataRequest("folder", tmp_path / "set")
    window = make_window()
    window.begin(request)
    qtbot.waitUntil(lambda: window.workspace.ranking is not None, timeout=WAIT)
    assert not window.session().closed
    window.commands.run("file.close_data")
    assert window.welcome.isVisible()
    assert not window.commands.can_run("file.close_data")
    session = Session.from_record(window.session().to_record())
    assert session.closed

    second = make_window()
    second.begin(None, None, session)
    qtbot.waitUntil(lambda: second.workspace.model is not None, timeout=WAIT)
    assert second.welcome.isVisible()
    assert second.workspace.data is None
    assert second.session().closed
    second.dialogs.open_data(request)
    dialog = second.findChild(OpenDataDialog)
    qtbot.waitUntil(dialog.open_button.isEnabled, timeout=WAIT)
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: second.workspace.ranking is not None, timeout=WAIT)
    assert not second.session().closed
