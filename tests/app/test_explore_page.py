"""The browser as a whole: who has the keys, and what gives way in a small window."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PyQt5.QtCore import QCoreApplication, QPoint, QSize, Qt
from PyQt5.QtGui import QWheelEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLineEdit, QWidget

from app.state.settings import Settings
from app.state.values import MODES, Cell
from app.views.explore.explore_page import ROOM_FOR_BOTH, ExplorePage
from app.views.explore.match_controls import MatchControls
from app.views.widgets.actions import Actions
from app.views.widgets.filter_field import ChipText, FilterField


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


def test_the_hint_goes_once_it_was_followed(page, space):
    page.hint.show_unless_seen(Settings())
    assert page.hint.isVisible()
    seen = []
    page.hint.dismissed.connect(seen.append)
    space.set_hover(Cell("query", 4))
    assert not page.hint.isVisible()
    assert page.inspector.readout.isVisible()
    space.set_hover(None)
    space.set_hover(Cell("query", 5))
    assert seen == [page.hint.name]


def test_words_take_the_place_of_a_hint_that_is_closed(page, space):
    page.hint.show_unless_seen(Settings())
    space.look_changed.emit()
    assert not page.inspector.readout.isVisible()
    QTest.mouseClick(page.hint.button, Qt.LeftButton)
    assert page.inspector.readout.isVisible()


# ── room for the pictures ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("width", "height", "least"), [(1280, 800, 440), (1440, 900, 540)])
@pytest.mark.parametrize("mode", ["lines", "heat", "hover"])
def test_the_pictures_get_the_room(qtbot, make_window, space, width, height, least, mode):
    """In the whole window, with strip and breakdown open, at the layout of a first start."""
    window = make_window()
    window.workspace.open_data(space.data)
    window.workspace.set_model(space.model)
    window.workspace.select_queries(space.selection.queries)
    window.workspace.set_ranking(space.ranking)
    window.workspace.set_pair(space.pair)
    window.workspace.change_look(mode=mode)
    window.resize(width, height)
    page = window.explore
    qtbot.waitUntil(lambda: window.size() == QSize(width, height))
    page.arrange()
    canvas = page.inspector.canvas
    qtbot.waitUntil(lambda: canvas.stage.panes[0].home.height > least - 60)
    assert page.results.view.isVisible()
    assert page.details_dock.isVisible()
    assert page.queries_dock.isVisible()
    for pane in canvas.stage.panes:
        assert pane.home.height >= least
    tile = page.results.view.visualRect(page.results.model.index(0))
    assert page.results.view.viewport().height() >= tile.height()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", [420, 560, 700, 1200])
def test_controls_stand_on_one_line_and_never_lie_over_each_other(qtbot, space, mode, width):
    controls = MatchControls(space, lambda _mode: None)
    qtbot.addWidget(controls)
    space.change_look(mode=mode)
    controls.resize(width, controls.sizeHint().height())
    controls.show()
    qtbot.wait(1)
    places = [
        group.geometry()
        for group in controls.children()
        if group.isWidgetType() and group.isVisible() and group.layout() is not None
    ]
    assert len(places) >= 2
    assert all(controls.rect().contains(place) for place in places)
    assert not any(a.intersects(b) for i, a in enumerate(places) for b in places[:i])
    assert all(button.isVisible() for button in controls.modes.values())


@pytest.mark.parametrize("width", [560, 700, 840, 1200])
def test_the_modes_stay_in_their_place_when_another_one_is_chosen(qtbot, space, width):
    controls = MatchControls(space, lambda _mode: None)
    qtbot.addWidget(controls)
    controls.resize(width, controls.sizeHint().height())
    with qtbot.waitExposed(controls):
        controls.show()
    places = set()
    for mode in MODES:
        space.change_look(mode=mode)
        QCoreApplication.sendPostedEvents()  # layouts too, however often they ask for another one
        places.add(tuple(button.geometry().getRect() for button in controls.modes.values()))
    assert len(places) == 1


def test_panels_and_strip_grow_with_the_page_until_they_were_moved(page, qtbot):
    docks = page.queries_dock, page.details_dock

    def sizes(width, height):
        page.resize(width, height)
        qtbot.waitUntil(lambda: page.size() == QSize(width, height))
        qtbot.wait(1)
        return [dock.width() for dock in docks], page.results.height()

    page.arrange()
    small, low = sizes(1280, 720)
    large, high = sizes(2560, 1400)
    assert all(after > before for before, after in zip(small, large, strict=True))
    assert high > low
    assert sizes(1280, 720) == (small, low)
    page.resizeDocks([page.details_dock], [400], Qt.Horizontal)
    qtbot.waitUntil(lambda: page.details_dock.width() == 400)
    page.splitter.moveSplitter(300, 1)
    moved = page.results.height()
    widths, height = sizes(2560, 1400)
    assert widths == [small[0], 400]
    assert height == pytest.approx(moved, abs=2)


def test_what_find_took_from_the_match_comes_back(page, qtbot):
    page.arrange()
    page.resize(1280, 720)
    qtbot.wait(1)
    before, bar = page.splitter.sizes(), page.results.find_bar
    bar.open()
    QTest.keyClicks(bar.field, "0002")
    qtbot.waitUntil(lambda: page.splitter.sizes()[1] < before[1])
    for height in (760, 720):
        page.resize(1280, height)
        qtbot.wait(1)
    QTest.keyClick(bar.field, Qt.Key_Escape)
    qtbot.waitUntil(lambda: page.splitter.sizes() == before)
    page.splitter.moveSplitter(300, 1)
    moved = page.splitter.sizes()
    bar.open()
    bar.close_bar()
    qtbot.wait(1)
    assert page.splitter.sizes() == moved


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("width", "height"), [(960, 480), (1024, 520), (1280, 1000)])
def test_nothing_in_the_inspector_lies_over_another(page, qtbot, space, mode, width, height):
    inspector = page.inspector
    space.change_look(mode=mode)
    page.resize(width, height)
    qtbot.waitUntil(lambda: page.width() == width)
    page.arrange()
    qtbot.waitUntil(lambda: inspector.rect().contains(inspector.canvas.geometry()))
    parts = [inspector.controls, inspector._sentence, inspector.canvas]
    for above, below in pairwise(parts):
        assert above.geometry().bottom() < below.geometry().top()
    tools = inspector.tools
    assert tools.geometry().right() < inspector.canvas.geometry().left()
    places = [button.geometry() for button in tools.buttons.values()]
    assert all(tools.rect().contains(place) for place in places)
    assert not any(a.intersects(b) for i, a in enumerate(places) for b in places[:i])
    assert inspector.canvas.stage.panes[0].home.height >= 100


# ── strip, grid, closed; panels ─────────────────────────────────────────────────────────────────


@pytest.fixture
def keys(page):
    """The page's commands under their keys."""
    actions = Actions(page)
    actions.bind(page.handlers())
    page.activateWindow()
    return lambda key: QTest.keyClick(page, key)


def test_keys_show_the_candidates_as_strip_grid_or_not_at_all(page, keys, qtbot):
    strip = page.results.view
    assert strip.is_strip
    keys(Qt.Key_A)
    assert (page.view, strip.is_strip) == ("grid", False)
    assert page.inspector.isHidden(), "no room for both"
    assert page.results.header.views["grid"].isChecked()
    QTest.keyClick(strip, Qt.Key_Return)
    assert page.view == "strip"
    assert page.inspector.isVisible()
    keys(Qt.Key_X)
    assert not strip.isVisible()
    assert page.results.header.isVisible()
    qtbot.waitUntil(lambda: page.inspector.height() > 0.9 * page.height())
    QTest.mouseClick(page.results.header.views["strip"], Qt.LeftButton)
    assert strip.isVisible()


def test_in_a_wide_window_grid_and_match_stand_side_by_side(page, keys, qtbot):
    page.resize(ROOM_FOR_BOTH + 900, 1000)
    qtbot.waitUntil(lambda: page.splitter.width() >= ROOM_FOR_BOTH)
    keys(Qt.Key_A)
    assert page.inspector.isVisible()
    assert page.splitter.orientation() == Qt.Horizontal
    page.resize(1200, 800)
    qtbot.waitUntil(page.inspector.isHidden)
    keys(Qt.Key_S)
    assert page.splitter.orientation() == Qt.Vertical


def test_slider_and_wheel_change_the_size_of_the_grids_pictures(page, keys):
    view, slider = page.results.view, page.results.header.size_slider
    assert not slider.isVisible()
    keys(Qt.Key_A)
    assert slider.isVisible()
    slider.setValue(200)
    large = view.grid().height
    slider.setValue(48)
    assert view.grid().height < large / 2
    at = QPoint(20, 20)
    turn = QWheelEvent(
        at, view.viewport().mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.NoButton,
        Qt.ControlModifier, Qt.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view.viewport(), turn)
    assert slider.value() == page.tile_size > 48


def test_one_key_hides_all_panels_and_brings_them_back(page, keys, qtbot):
    page.arrange()
    before = page.splitter.sizes()
    keys(Qt.Key_F)
    for panel in (page.queries_dock, page.details_dock, page.results):
        assert not panel.isVisible()
    qtbot.waitUntil(lambda: page.inspector.width() > 0.95 * page.width())
    kept = page.layout_to_keep(Settings())
    assert kept.panels_hidden
    keys(Qt.Key_F)
    for panel in (page.queries_dock, page.details_dock, page.results, page.results.view):
        assert panel.isVisible()
    assert page.splitter.sizes()[0] == before[0]
    page.restore(Settings.from_record(kept.to_record()))
    assert page.panels_hidden
    assert not page.results.isVisible()
    keys(Qt.Key_F)
    assert page.queries_dock.isVisible()


def test_the_view_of_the_candidates_is_remembered(page, keys):
    keys(Qt.Key_A)
    page.results.header.size_slider.setValue(77)
    kept = Settings.from_record(page.layout_to_keep(Settings()).to_record())
    keys(Qt.Key_S)
    page.restore(kept)
    assert (page.view, page.tile_size) == ("grid", 77)


# ── filters ─────────────────────────────────────────────────────────────────────────────────────


def test_filters_are_chips_that_end_with_a_click(page, space):
    header = page.results.header
    header.hides["hide_false"].click()
    header.cameras.boxes[1].click()
    assert [chip.key for chip in header.filters.chips] == ["hide_false", "camids"]
    shown = page.results.model.rowCount()
    QTest.mouseClick(header.filters.chips[0], Qt.LeftButton)
    assert not space.result_filter.hide_false
    assert [chip.key for chip in header.filters.chips] == ["camids"]
    assert page.results.model.rowCount() > shown
    QTest.mouseClick(header.filters.chips[0], Qt.LeftButton)
    assert header.filters.chips == []
    bar = page.queries.filter_bar
    bar.person.setText("2")
    bar.errors.click()
    assert [chip.key for chip in bar.filters.chips] == ["errors", "pid"]
    for _ in range(2):
        QTest.mouseClick(bar.filters.chips[0], Qt.LeftButton)
    assert space.query_filter.pid is None
    assert not space.query_filter.errors


def test_chips_without_room_are_counted(qtbot):
    field = FilterField("Filter.", QWidget())
    qtbot.addWidget(field)
    field.resize(260, 30)
    field.show()
    field.show_chips(tuple(ChipText(str(n), f"camera {n}", "") for n in range(9)))
    seen = [chip for chip in field.chips if not chip.isHidden()]
    assert 0 < len(seen) < 9
    assert field.more.text() == f"+{9 - len(seen)}"
    assert "camera 8" in field.more.toolTip()
    field.resize(1600, 30)
    qtbot.waitUntil(lambda: all(not chip.isHidden() for chip in field.chips))
    assert field.more.isHidden()
