"""The inspector under keys and mouse: modes, pointing, pinning, zoom, comparison, empty states."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt
from PyQt5.QtGui import QMouseEvent, QWheelEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QMainWindow

from app.items.colours import heat_table, steps
from app.items.match_painting import cell_point
from app.items.match_stage import tags_of
from app.state import reading_line as readout
from app.state import words
from app.state.overlay import matched_cell, scale_of
from app.state.scene import second_candidate
from app.state.values import Cell
from app.state.workspace import Workspace
from app.views.explore.inspector import Inspector
from app.views.widgets.actions import Actions, Handler
from app.views.widgets.stale_overlay import AFTER_MS
from tests.app.samples import GRID, sample_pair, sample_set


@pytest.fixture
def show(qtbot, pictures):
    """A window with an inspector of a workspace, its commands bound to their keys."""

    def make(space, size=(900, 620)):
        window = QMainWindow()
        qtbot.addWidget(window)
        inspector = Inspector(space, pictures, window)
        window.setCentralWidget(inspector)
        actions = Actions(window)
        actions.bind(inspector.handlers())
        window.actions_ = actions
        actions.watch(space.look_changed, space.selection_changed)
        window.resize(*size)
        window.show()
        qtbot.waitExposed(window)
        window.activateWindow()
        inspector.kept = window  # Python alone keeps it
        canvas = inspector.canvas
        if space.pair is not None:
            qtbot.waitUntil(lambda: canvas.stage.images[0] is not None, timeout=3000)
            qtbot.waitUntil(lambda: canvas.stage.images[1] is not None, timeout=3000)
        return inspector

    return make


def place(canvas, key, cell):
    """Where a cell lies on the canvas."""
    stage = canvas.stage
    number = canvas.scene.find(key)
    grid = canvas.scene.pairs[0].match.grid
    return cell_point(stage.boxes[number], cell, grid).toPoint()


def point_at(canvas, key, cell):
    # A jump inside the widget first: QTest moves the real cursor only where there is one.
    at = place(canvas, key, cell)
    QTest.mouseMove(canvas, at + QPoint(1, 0))
    QTest.mouseMove(canvas, at)
    QApplication.processEvents()


def key(inspector, code, modifier=Qt.NoModifier):
    QTest.keyClick(inspector.window(), code, modifier)


def move_held(canvas, at):
    """The pointer moves with the left button held, which QTest cannot say."""
    event = QMouseEvent(QEvent.MouseMove, QPointF(at), Qt.NoButton, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(canvas, event)


def wheel(canvas, at, turns):
    event = QWheelEvent(
        QPointF(at), QPointF(canvas.mapToGlobal(at)), QPoint(), QPoint(0, 120 * turns),
        Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


# ── modes and keys ──────────────────────────────────────────────────────────────────────────────


def test_keys_choose_modes_and_switch_overlays(show, space):
    inspector = show(space)
    for code, mode in ((Qt.Key_2, "heat"), (Qt.Key_3, "hover"), (Qt.Key_4, "compare"),
                       (Qt.Key_1, "lines")):  # fmt: skip
        key(inspector, code)
        assert space.look.mode == mode
        assert inspector.controls.modes[mode].isChecked()
        inspector.window().actions_.refresh()
        assert inspector.window().actions_.by_id[f"match.{mode}"].isChecked()
    key(inspector, Qt.Key_Space)
    assert not space.look.overlay
    assert inspector.readout.text() == readout.HIDDEN
    key(inspector, Qt.Key_G)
    assert space.look.grid
    key(inspector, Qt.Key_D)
    assert space.look.direction == "gallery"


def test_keys_change_number_and_threshold_of_lines(show, space):
    inspector = show(space)
    key(inspector, Qt.Key_BracketRight)
    assert space.look.threshold == pytest.approx(0.35)
    assert inspector.controls.threshold_number.text() == "0.35"
    key(inspector, Qt.Key_BracketLeft)
    key(inspector, Qt.Key_Minus)
    assert space.look.count == 10
    assert inspector.controls.count.value() == 10
    assert words.shown_text(10, 18) in inspector.readout.text()
    key(inspector, Qt.Key_Equal)
    assert space.look.count == 11
    key(inspector, Qt.Key_2)
    key(inspector, Qt.Key_Minus)
    assert space.look.count == 11  # there are no lines to be fewer


def test_commands_say_whether_they_can_be_run_and_are_on(show, space):
    inspector = show(space)
    actions = inspector.window().actions_
    space.change_look(grid=True)
    actions.refresh()
    assert actions.by_id["match.grid"].isChecked()
    off = {name for name in inspector.handlers() if not actions.by_id[name].isEnabled()}
    swiping = {"match.swipe_left", "match.swipe_right", "match.swipe_original"}
    assert off == {"match.unpin", *swiping}  # nothing is pinned, swiped over or adjusted
    space.change_look(mode="heat")
    actions.refresh()
    assert actions.by_id["match.heat"].isChecked()
    assert not actions.by_id["match.lines"].isChecked()
    assert not actions.by_id["match.more_lines"].isEnabled()


def test_a_number_keeps_its_arrows_while_it_has_the_focus(show, space):
    inspector = show(space)
    pressed = []
    action = inspector.window().actions_
    action.bind({"query.previous": Handler(lambda: pressed.append("previous"))})
    inspector.controls.count.setFocus()
    QTest.keyClick(inspector.controls.count, Qt.Key_Up)
    assert space.look.count == 13
    assert pressed == []


def test_controls_are_live(show, space):
    inspector = show(space)
    controls = inspector.controls
    controls.threshold.setValue(95)
    assert space.look.threshold == 0.95
    QTest.mouseClick(controls.modes["heat"], Qt.LeftButton)
    assert controls.opacity.isVisible()
    assert not controls.threshold.isVisible()
    controls.opacity.setValue(40)
    assert space.look.opacity == 0.4
    QTest.mouseClick(controls.modes["heat"], Qt.LeftButton)
    assert controls.modes["heat"].isChecked()
    controls.heat_of.actions_["similarity"].trigger()
    assert space.look.heat_of == "similarity"
    assert inspector.bar.ends == ("≤ 0", "1")


def test_a_slider_keeps_its_arrows_only_while_it_has_the_focus(show, space):
    inspector = show(space)
    slider = inspector.controls.threshold
    slider.setFocus()
    before = slider.value()
    QTest.keyClick(slider, Qt.Key_Right)
    assert slider.value() == before + 1
    QTest.mouseClick(inspector.canvas, Qt.LeftButton, pos=QPoint(2, 2))
    assert not slider.hasFocus()


# ── pointing and pinning ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("side", ["query", "gallery"])
@pytest.mark.parametrize("mode", ["lines", "heat", "hover"])
def test_pointing_shows_where_a_cell_is_matched(show, space, side, mode):
    space.change_look(mode=mode)
    inspector = show(space)
    point_at(inspector.canvas, (side, 0), 7)
    assert space.hover == Cell(side, 7)
    (mark,) = inspector.canvas.marks
    assert mark.answer.best == matched_cell(space.pair, Cell(side, 7))
    text = inspector.readout.text()
    zones = space.zones_of(space.pair)
    assert text.startswith(f"{zones.words(Cell(side, 7))} → ")
    assert "row 3 of 6, column 2 of 3" in inspector.readout.toolTip()
    assert words.adds_text(mark.answer.adds) in text
    QTest.mouseMove(inspector.canvas, QPoint(3, 3))
    QApplication.processEvents()
    assert space.hover is None
    assert inspector.canvas.marks == ()


def test_a_click_pins_escape_lets_go(show, space):
    inspector = show(space)
    at = place(inspector.canvas, ("query", 0), 4)
    QTest.mouseClick(inspector.canvas, Qt.LeftButton, pos=at)
    assert space.selection.cell == Cell("query", 4)
    QTest.mouseMove(inspector.canvas, QPoint(3, 3))
    assert inspector.canvas.marks[0].answer.cell == Cell("query", 4)
    key(inspector, Qt.Key_Escape)
    assert space.selection.cell is None
    QTest.mouseClick(inspector.canvas, Qt.LeftButton, pos=at)
    QTest.mouseClick(inspector.canvas, Qt.LeftButton, pos=at)
    assert space.selection.cell is None


def test_another_candidate_keeps_mode_zoom_and_pin(show, space):
    inspector = show(space)
    space.change_look(mode="hover")
    space.pin(Cell("query", 4))
    key(inspector, Qt.Key_Plus, Qt.ControlModifier)
    zoom = inspector.canvas.zoom
    candidate = int(space.ranking.order[1])
    space.select_candidate(candidate)
    space.set_pair(sample_pair(0, candidate))
    assert space.look.mode == "hover"
    assert inspector.canvas.zoom == zoom
    assert zoom.factor == pytest.approx(1.25)
    assert inspector.canvas.marks[0].answer.best == matched_cell(space.pair, Cell("query", 4))


def test_what_is_out_of_date_is_greyed_after_a_moment(show, space, qtbot):
    inspector = show(space)
    shown = inspector.canvas.scene.panels
    space.set_pair_stale()
    assert not inspector.canvas.stale_overlay.drawn
    qtbot.waitUntil(lambda: inspector.canvas.stale_overlay.drawn, timeout=20 * AFTER_MS)
    assert inspector.canvas.scene.panels == shown
    assert inspector.readout.text() == readout.WAIT
    space.set_pair(sample_pair(0, space.selection.candidate))
    assert not inspector.canvas.stale_overlay.drawn
    assert words.shown_text(12, 18) in inspector.readout.text()


# ── zoom ────────────────────────────────────────────────────────────────────────────────────────


def test_linked_pictures_zoom_and_move_together(show, space):
    inspector = show(space)
    canvas = inspector.canvas
    at = place(canvas, ("query", 0), 4)
    wheel(canvas, at, 3)
    assert canvas.zoom_of(("query", 0)) == canvas.zoom_of(("gallery", 0))
    assert canvas.zoom.factor > 1.9
    before = canvas.zoom
    QTest.mousePress(canvas, Qt.LeftButton, pos=at)
    move_held(canvas, at + QPoint(40, 30))
    QTest.mouseRelease(canvas, Qt.LeftButton, pos=at + QPoint(40, 30))
    assert canvas.zoom.x < before.x
    assert canvas.zoom_of(("gallery", 0)) == canvas.zoom
    assert space.selection.cell is None  # a drag is no click
    key(inspector, Qt.Key_0, Qt.ControlModifier)
    assert canvas.zoom.factor == 1.0
    assert inspector.tools.buttons["match.zoom_fit"].toolTip().startswith("100 %")


def test_alone_only_the_picture_pointed_at_zooms(show, space):
    inspector = show(space)
    canvas = inspector.canvas
    key(inspector, Qt.Key_L)
    wheel(canvas, place(canvas, ("gallery", 0), 4), 2)
    assert canvas.zoom_of(("query", 0)).factor == 1.0
    assert canvas.zoom_of(("gallery", 0)).factor > 1.5
    key(inspector, Qt.Key_L)
    assert canvas.zoom_of(("query", 0)) == canvas.zoom_of(("gallery", 0))


def test_the_cell_under_the_pointer_stays_there_when_zooming(show, space):
    canvas = show(space).canvas
    at = place(canvas, ("gallery", 0), 8)
    wheel(canvas, at, 4)
    assert canvas.cell_under(QPointF(at)) == (("gallery", 0), Cell("gallery", 8))


def test_lines_out_of_sight_are_counted(show, space):
    inspector = show(space)
    for _ in range(8):
        key(inspector, Qt.Key_Plus, Qt.ControlModifier)
    assert "out of sight" in inspector.readout.text()


# ── comparing ───────────────────────────────────────────────────────────────────────────────────


def compared_with(space):
    """The second candidate, selected as the controller does it."""
    space.compare_with(second_candidate(space))
    assert space.selection.other not in (None, space.selection.candidate)
    return space.selection.other


def test_a_comparison_answers_in_both(show, space, qtbot):
    inspector = show(space)
    canvas = inspector.canvas
    key(inspector, Qt.Key_4)
    other = compared_with(space)
    space.set_pair(space.pair, (sample_pair(0, other),))
    qtbot.waitUntil(lambda: None not in canvas.stage.images, timeout=3000)
    first, second = (p.match.logit for p in (space.pair, space.other_pair))
    captions = [line for panel in canvas.scene.panels for line in panel.caption]
    for logit in (first, second):
        assert any(f"logit {words.logit_text(logit)}" in line for line in captions)
    difference = words.logit_text(round(first, 2) - round(second, 2))
    assert inspector.readout.text() == f"Difference {difference}"
    point_at(canvas, ("query", 0), 7)
    assert [mark.answer.best for mark in canvas.marks] == [
        matched_cell(space.pair, Cell("query", 7)),
        matched_cell(space.other_pair, Cell("query", 7)),
    ]
    point_at(canvas, ("gallery", 1), 5)
    (mark,) = canvas.marks
    assert mark.answer.best == matched_cell(space.other_pair, Cell("gallery", 5))
    assert space.hover is None  # the other panels speak of the first candidate
    inspector.grab()


def test_the_three_numbers_of_a_compared_cell_agree(show, space, qtbot):
    inspector = show(space)
    canvas = inspector.canvas
    key(inspector, Qt.Key_4)
    space.set_pair(space.pair, (sample_pair(0, compared_with(space)),))
    qtbot.waitUntil(lambda: None not in canvas.stage.images, timeout=3000)
    for cell in range(space.pair.match.query_contribution.size):
        point_at(canvas, ("query", 0), cell)
        said = inspector.readout.text().replace("−", "-")
        first, second, difference = (float(n) for n in re.findall(r"[+-]?[0-9]+[.][0-9]+", said))
        assert round(first - second, 2) == difference, said


@pytest.mark.parametrize("mode", [Qt.Key_1, Qt.Key_4])
def test_the_numbers_beside_a_cell_keep_clear_of_the_buttons(show, space, qtbot, mode):
    inspector = show(space, (700, 420))
    canvas, buttons = inspector.canvas, inspector.decisions
    key(inspector, mode)
    if mode == Qt.Key_4:
        space.set_pair(space.pair, (sample_pair(0, compared_with(space)),))
    qtbot.waitUntil(lambda: None not in canvas.stage.images, timeout=3000)
    assert buttons.isVisible()
    taken = QRectF(buttons.geometry())
    for cell in range(GRID[0] * GRID[1]):
        point_at(canvas, ("query", 0), cell)
        tags = tags_of(canvas.stage, canvas.marks, canvas.font())
        assert tags
        for _, rect, text in tags:
            assert not rect.intersects(taken), (text, rect, taken, canvas.stage.covered)


# ── painting ────────────────────────────────────────────────────────────────────────────────────


class PaintedAreas(QObject):
    """Notes what a widget is asked to paint."""

    def __init__(self, widget):
        super().__init__(widget)
        self.areas = []
        widget.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Paint:
            self.areas.append(event.region().boundingRect())
        return False


@pytest.mark.parametrize("mode", ["lines", "hover"])
def test_pointing_elsewhere_paints_only_what_changes(show, space, mode):
    space.change_look(mode=mode)
    canvas = show(space).canvas
    space.set_hover(Cell("query", 4))
    QApplication.processEvents()
    painted = PaintedAreas(canvas)
    space.set_hover(Cell("query", 5))
    QApplication.processEvents()
    (area,) = painted.areas
    clip = canvas.stage.panes[1].clip
    assert area.width() < canvas.width()
    assert area.height() < canvas.height() - 40  # captions stay
    assert mode == "lines" or area.right() >= clip.x + clip.width - 1


def middle_colour(canvas, key, cell):
    image = canvas.grab().toImage()
    at = place(canvas, key, cell) * canvas.devicePixelRatioF()
    return np.array(image.pixelColor(at).getRgb()[:3], dtype=float)


def test_heat_maps_have_the_colour_of_the_value(show, space, qtbot):
    """Opaque over white: a whole cell is its colour, whatever the picture below."""
    space.change_look(mode="heat", opacity=1.0, heat_of="contribution")
    canvas = show(space).canvas
    match = space.pair.match
    scale = scale_of("contribution", match)
    for side, values in (
        ("query", match.query_contribution),
        ("gallery", match.gallery_contribution),
    ):
        cell = int(np.abs(values).argmax())
        expected = heat_table("contribution")[int(steps(values.ravel()[cell : cell + 1], scale)[0])]
        covered = expected[3] / 255
        colour = middle_colour(canvas, (side, 0), cell)
        # What the picture can change is its share of 85 to 245.
        low = covered * expected[:3] + (1 - covered) * 85
        high = covered * expected[:3] + (1 - covered) * 245
        assert (colour >= low - 3).all()
        assert (colour <= high + 3).all()


def test_a_hidden_overlay_leaves_the_bare_picture(show, space):
    space.change_look(mode="heat", opacity=1.0)
    inspector = show(space)
    with_heat = middle_colour(inspector.canvas, ("query", 0), 7)
    key(inspector, Qt.Key_Space)
    bare = middle_colour(inspector.canvas, ("query", 0), 7)
    image = inspector.canvas.stage.images[0]
    x, y = image.width() * 1.5 / GRID[1], image.height() * 2.5 / GRID[0]
    around = [
        image.pixelColor(int(x) + i, int(y) + j).getRgb()[:3] for i in (-1, 0) for j in (-1, 0)
    ]
    assert np.abs(bare - np.mean(around, axis=0)).max() < 12
    assert np.abs(with_heat - bare).max() > 20


def test_the_response_map_covers_the_other_picture_only(show, space):
    space.change_look(mode="hover", opacity=1.0)
    inspector = show(space)
    before = [middle_colour(inspector.canvas, (side, 0), 16) for side in ("query", "gallery")]
    space.set_hover(Cell("query", 0))
    after = [middle_colour(inspector.canvas, (side, 0), 16) for side in ("query", "gallery")]
    assert np.abs(before[0] - after[0]).max() == 0
    assert np.abs(before[1] - after[1]).max() > 10


# ── empty and broken ────────────────────────────────────────────────────────────────────────────


def test_nothing_open_says_so(show):
    inspector = show(Workspace())
    inspector.grab()
    assert "Open a data set" in inspector.canvas.scene.message
    assert inspector.readout.text() == ""
    for code in (Qt.Key_1, Qt.Key_2, Qt.Key_4, Qt.Key_Escape, Qt.Key_Space):
        key(inspector, code)
    key(inspector, Qt.Key_Plus, Qt.ControlModifier)
    QTest.mouseClick(inspector.canvas, Qt.LeftButton)
    QTest.mouseMove(inspector.canvas, QPoint(100, 100))


def test_no_pair_yet_shows_the_pictures(show, tmp_path, qtbot):
    space = Workspace()
    space.open_data(sample_set(tmp_path / "set"))
    space.select_queries((0,))
    inspector = show(space)
    qtbot.waitUntil(lambda: inspector.canvas.stage.images[0] is not None, timeout=3000)
    inspector.grab()
    QTest.mouseMove(inspector.canvas, QPoint(200, 200))
    assert space.hover is None


def test_a_broken_picture_says_why(show, space, qtbot):
    candidate = int(space.ranking.order[1])
    path = space.data.gallery[candidate].path
    path.write_bytes(b"no picture")
    inspector = show(space)
    space.select_candidate(candidate)
    space.set_pair(sample_pair(0, candidate))
    qtbot.waitUntil(lambda: bool(inspector.canvas.stage.faults[1]), timeout=3000)
    inspector.grab()
    assert path.name in inspector.canvas.stage.faults[1]


def test_a_picture_matched_with_itself_is_told(show, space):
    from dataclasses import replace

    from qaconv_core.types import ImageSet

    data = space.data
    refs = (*data.gallery.refs, data.query[0])
    space.data = replace(data, gallery=ImageSet(refs, "gallery"))
    space.ranking = replace(
        space.ranking,
        order=np.append(space.ranking.order, len(refs) - 1),
        values=np.append(space.ranking.values, -9),
        truth=np.append(space.ranking.truth, -1).astype(np.int8),
    )
    space.select_candidate(len(refs) - 1)
    space.set_pair(sample_pair(0, len(refs) - 1))
    inspector = show(space)
    assert inspector.readout.text().startswith(readout.OWN_FILE)


def test_every_control_has_a_name_and_a_tooltip(show, space):
    from PyQt5.QtWidgets import QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox

    inspector = show(space)
    for kind in (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox):
        for control in inspector.controls.findChildren(kind):
            if not control.objectName().startswith("qt_"):
                assert control.accessibleName(), control
                assert control.toolTip(), control
    assert "Rank" in inspector.canvas.accessibleDescription()
