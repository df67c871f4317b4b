"""Two to four candidates compared in the real window: chosen by mouse and keys."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from PyQt5.QtCore import QPoint, Qt

from app.items.match_painting import cell_point, rect_of
from app.items.match_stage import before_lines
from app.jobs.match_exports import match_export
from app.jobs.sheets import compare_request
from app.state.values import Cell
from tests.app.real import WAIT, opened_window, press, settled, tiny_market


@pytest.fixture
def window(qtbot, make_window, tmp_path, model):
    """The tiny set; the first match is explained."""
    return opened_window(qtbot, make_window, tiny_market(tmp_path), model)


def compared_with_chosen(qtbot, window, more):
    """Choose candidates with Ctrl and the mouse, and compare them."""
    space, view = window.workspace, window.explore.results.view
    for row in range(1, more + 1):
        place = view.visualRect(view.model().index(row)).center()
        qtbot.mouseClick(view.viewport(), Qt.LeftButton, Qt.ControlModifier, place)
    press(window, Qt.Key_4)
    qtbot.waitUntil(lambda: len(space.others) == more and not space.pair_stale, timeout=WAIT)
    settled(qtbot, window)


@pytest.mark.parametrize("more", [2, 3])
def test_chosen_candidates_stand_around_the_query(qtbot, window, more):
    space, canvas = window.workspace, window.explore.inspector.canvas
    press(window, Qt.Key_2)
    compared_with_chosen(qtbot, window, more)
    scene, stage = canvas.scene, canvas.stage
    assert {pair.candidate for pair in scene.pairs} == set(space.selection.chosen)
    query = scene.find(("query", 0))
    homes = [pane.home for pane in stage.panes]
    assert all(home.x < homes[query].x for home in homes[:query])
    assert all(home.x > homes[query].x for home in homes[query + 1 :])
    for one, other in itertools.combinations(range(len(homes)), 2):  # none over another
        assert not rect_of(homes[one]).intersects(rect_of(homes[other]))
    assert all(canvas.rect().contains(rect_of(home).toAlignedRect()) for home in homes)
    assert [panel.which for panel in scene.panels if panel.outlined] == [0]
    for panel in scene.panels:
        assert panel.side == "query" or "logit" in panel.caption[1]


def test_a_cell_is_joined_in_all_compared_candidates(qtbot, window):
    space, canvas = window.workspace, window.explore.inspector.canvas
    compared_with_chosen(qtbot, window, 3)
    scene = canvas.scene

    def point(key, cell):
        number = scene.find(key)
        at = cell_point(canvas.stage.boxes[number], cell, scene.pairs[0].match.grid)
        qtbot.mouseMove(canvas, QPoint(1, 1))
        qtbot.mouseMove(canvas, at.toPoint())
        qtbot.waitUntil(lambda: len(canvas.marks) == 4, timeout=WAIT)

    point(("query", 0), 5)
    assert [mark.answer.cell for mark in canvas.marks] == [Cell("query", 5)] * 4
    point(("gallery", 2), 3)
    first, *others = canvas.marks
    assert (first.pair, first.answer.cell) == (2, Cell("gallery", 3))
    assert {mark.answer.cell for mark in others} == {first.answer.best}
    assert {mark.pair for mark in others} == {0, 1, 3}
    said = window.explore.inspector.readout.text()
    assert said.endswith("row by row")
    canvas.grab()
    exported = match_export(space)
    assert exported.numbers()["logit"] == space.pair.match.logit
    assert [one["logit"] for one in json.loads(exported.json_text())["compared"]] == [
        pair.match.logit for pair in space.others
    ]
    # Lines go behind the words and the other candidates.
    assert before_lines(canvas.stage, 0)
    press(window, Qt.Key_Escape)
    assert space.look.mode == "lines"
    assert len(space.selection.chosen) == 4


def test_one_candidate_more_or_less_is_compared_at_once(qtbot, window):
    space, view = window.workspace, window.explore.results.view
    compared_with_chosen(qtbot, window, 3)
    place = view.visualRect(view.model().index(3)).center()
    qtbot.mouseClick(view.viewport(), Qt.LeftButton, Qt.ControlModifier, place)
    qtbot.waitUntil(lambda: len(space.others) == 2, timeout=WAIT)
    press(window, Qt.Key_C)  # two again
    qtbot.waitUntil(lambda: space.other_pair is not None and space.why is not None, timeout=WAIT)
    assert len(space.selection.chosen) == 3, "the choice stays, for a report"


def test_those_compared_of_many_stay_when_another_ranking_takes_its_place(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_Home)
    for _ in range(5):
        press(window, Qt.Key_Right, modifiers=Qt.ShiftModifier)
    press(window, Qt.Key_4)
    qtbot.waitUntil(lambda: len(space.others) == 3 and not space.pair_stale, timeout=WAIT)
    ranking, compared = space.ranking, space.compared
    assert list(compared) == ranking.order[:3].tolist()
    told = window.explore.results.header.chosen
    assert told.text() == "6 chosen, 4 compared"
    space.set_ranking(replace(ranking, order=ranking.order[::-1], truth=ranking.truth[::-1]))
    assert space.compared == compared
    request = compare_request(space, window.controller.matching)
    assert set(request.candidates) == {space.selection.candidate, *compared}
    press(window, Qt.Key_Escape)
    assert told.text() == "6 chosen"


def test_the_sheet_holds_what_is_compared_on_the_screen(qtbot, window):
    space = window.workspace
    compared_with_chosen(qtbot, window, 2)
    second = int(space.ranking.order[5])
    space.compare_with(second)
    qtbot.waitUntil(lambda: space.why is not None and not space.pair_stale, timeout=WAIT)
    shown = {space.pair.candidate, second}
    assert {pair.candidate for pair in window.explore.inspector.canvas.scene.pairs} == shown
    assert set(compare_request(space, window.controller.matching).candidates) == shown
