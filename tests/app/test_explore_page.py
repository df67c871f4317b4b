"""The browser as a whole: who has the keys, and what gives way in a small window."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLineEdit

from app.state.values import MODES
from app.views.explore.explore_page import ROOM_FOR_HINT, ExplorePage
from app.views.explore.match_controls import MatchControls


@pytest.fixture
def page(qtbot, space):
    made = ExplorePage(space)
    qtbot.addWidget(made)
    made.setMinimumSize(1, 1)  # as in a window, which decides itself how small it can be
    made.resize(1200, 800)
    made.show()
    yield made
    made.close_loaders()


def test_keys_are_not_text_when_the_browser_takes_the_focus(page, qtbot):
    page.activateWindow()
    page.setFocus()
    assert not isinstance(page.focusWidget(), QLineEdit)
    QTest.keyClick(page.focusWidget(), Qt.Key_N)
    assert all(not field.text() for field in page.queries.findChildren(QLineEdit))


def test_the_hint_gives_way_in_a_low_window(page, qtbot):
    page.hint.show()
    page.resize(1200, ROOM_FOR_HINT + 200)
    qtbot.waitUntil(lambda: page.hint.height() > 0)
    page.resize(1200, ROOM_FOR_HINT - 1)
    qtbot.waitUntil(lambda: page.hint.height() == 0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", [360, 420, 700, 1200])
def test_controls_never_lie_over_each_other(qtbot, space, mode, width):
    controls = MatchControls(space, lambda _mode: None, lambda _times: None, lambda: None)
    qtbot.addWidget(controls)
    space.change_look(mode=mode)
    controls.resize(width, 20)
    controls.show()
    qtbot.wait(1)
    places = [
        group.geometry()
        for group in controls.children()
        if group.isWidgetType() and group.isVisible() and group.layout() is not None
    ]
    assert len(places) >= 4
    assert all(controls.rect().contains(place) for place in places)
    assert not any(a.intersects(b) for i, a in enumerate(places) for b in places[:i])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("width", "height"), [(960, 640), (1280, 1000)])
def test_nothing_in_the_inspector_lies_over_another(page, qtbot, space, mode, width, height):
    inspector = page.inspector
    space.change_look(mode=mode)
    page.resize(width, height)
    qtbot.waitUntil(lambda: page.width() == width)
    page.arrange()
    qtbot.waitUntil(lambda: inspector.rect().contains(inspector.controls.geometry()))
    parts = [inspector.canvas, inspector.readout, inspector.controls]
    assert inspector.tools.isVisible() or height < 1000, "the tools give way in a low window only"
    if inspector.tools.isVisible():
        parts.append(inspector.tools)
    for above, below in pairwise(parts):
        assert above.geometry().bottom() < below.geometry().top()
    for rows in parts[2:]:
        assert rows.height() >= rows.heightForWidth(rows.width())
        assert inspector.rect().contains(rows.geometry())
