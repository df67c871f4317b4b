"""What two queries find first, side by side: from Ctrl and a click to the match that opens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.items.answer_tiles import answer_tiles, first_candidates
from app.items.picture_tiles import TILE_ROLE
from app.views.dialogs.answers_dialog import NUMBERS, common_words
from qaconv_core.types import RankingResult
from tests.app.lists import click
from tests.app.real import WAIT, press, settled
from tests.app.samples import sample_ranking


def test_one_query_has_no_answers_to_compare(qtbot, window):
    press(window, Qt.Key_Q, modifiers=Qt.ShiftModifier)
    assert "choose two queries" in window.statusBar().currentMessage()


def test_three_queries_are_too_many(qtbot, window):
    window.workspace.select_queries((0, 1, 2))
    press(window, Qt.Key_Q, modifiers=Qt.ShiftModifier)
    assert "3 queries are chosen; choose two" in window.statusBar().currentMessage()
    assert "answers" not in window.dialogs._open


def test_of_three_persons_no_two_are_taken(qtbot, window):
    queries = window.explore.queries
    click(queries.list, queries.model.index(0))
    click(queries.list, queries.model.index(2), Qt.ShiftModifier)
    assert len(window.workspace.selection.queries) == 1
    assert queries.two is None
    assert "Only queries of one person" in queries.note.text()
    assert "compares" not in queries.note.text()


def test_two_queries_of_a_former_set_are_forgotten(qtbot, window):
    queries, space = window.explore.queries, window.workspace
    click(queries.list, queries.model.index(0))
    settled(qtbot, window)
    click(queries.list, queries.model.index(1), Qt.ControlModifier)
    assert queries.two is not None
    shown = queries.two[0]
    space.open_data(replace(space.data))
    space.select_queries((shown,))
    assert queries.two is None


def test_two_queries_are_two_no_more_after_another_was_looked_at(qtbot, window):
    queries = window.explore.queries
    click(queries.list, queries.model.index(0))
    settled(qtbot, window)
    click(queries.list, queries.model.index(1), Qt.ControlModifier)
    assert queries.two is not None
    press(window, Qt.Key_Down)
    settled(qtbot, window)
    assert queries.two is None
    press(window, Qt.Key_Up)
    settled(qtbot, window)
    assert queries.two is None
    assert "choose two queries" in queries.why_not_two()


@pytest.fixture
def dialog(qtbot, window):
    """The first query of the list and the second, of another person."""
    queries = window.explore.queries
    click(queries.list, queries.model.index(0))
    settled(qtbot, window)
    click(queries.list, queries.model.index(1), Qt.ControlModifier)
    press(window, Qt.Key_Q, modifiers=Qt.ShiftModifier)
    qtbot.waitUntil(lambda: "answers" in window.dialogs._open, timeout=WAIT)
    found = window.dialogs._open["answers"]
    qtbot.waitUntil(found.isVisible, timeout=WAIT)
    return found


def tiles(strip):
    return [strip.model().index(row, 0).data(TILE_ROLE) for row in range(strip.model().rowCount())]


def test_common_candidates_are_marked_in_both(dialog, window):
    first, second = map(tiles, dialog.strips)
    found = [{tile.place.candidate for tile in strip} for strip in (first, second)]
    assert first[0].place.query != second[0].place.query
    common = found[0] & found[1]
    assert common
    for strip in (first, second):
        assert {tile.place.candidate for tile in strip if tile.marked} == common
    assert dialog.words.text().startswith(f"{len(common)} of the first ")
    of_second = {tile.place.candidate: tile.line.split(" · ")[0] for tile in second}
    for tile in first:
        also = of_second.get(tile.place.candidate)
        assert ("also" in tile.line) == (also is not None)
        assert also is None or tile.line.endswith(f"also {also}")


def test_choosing_in_one_strip_chooses_in_the_other_and_opens(qtbot, dialog, window):
    row = next(row for row, tile in enumerate(tiles(dialog.strips[1])) if tile.marked)
    index = dialog.strips[1].model().index(row, 0)
    dialog.strips[1].scrollTo(index)
    place = dialog.strips[1].visualRect(index).center()
    QTest.mouseClick(dialog.strips[1].viewport(), Qt.LeftButton, pos=place)
    wanted = index.data(TILE_ROLE).place
    assert dialog.strips[0].currentIndex().data(TILE_ROLE).place.candidate == wanted.candidate
    space = window.workspace
    assert space.data.query[space.selection.query].path == wanted.query
    assert space.data.gallery[space.selection.candidate].path == wanted.candidate
    settled(qtbot, window)
    QTest.keyClick(dialog.strips[1], Qt.Key_Home)
    best = tiles(dialog.strips[1])[0]
    assert dialog.strips[1].currentIndex().data(TILE_ROLE) == best


def test_a_picture_that_arrives_after_closing_is_no_fault(qtbot, dialog, window):
    with qtbot.waitSignal(dialog.destroyed, timeout=WAIT):
        dialog.close()
    window.explore.thumbnails.loaded.emit(window.workspace.data.query[0].path)


def test_it_closes_with_its_data_set_and_stays_while_pictures_are_added(qtbot, dialog, window):
    space = window.workspace
    space.extend_data(replace(space.data))
    assert dialog.isVisible()
    with qtbot.waitSignal(dialog.destroyed, timeout=WAIT):
        window.controller.close_data()


def test_the_head_says_what_the_numbers_are_where_they_do_not_rank(space):
    plain = sample_ranking(space.data, 0, 0)
    lifted = replace(plain, method="qaconv+rerank", kind="score", whole_logits=plain.values)
    assert NUMBERS not in common_words(plain, plain)
    for two in ((lifted, lifted), (plain, lifted)):
        assert common_words(*two, queries=False).endswith(f"both. {NUMBERS}")


def test_junk_is_left_out_and_ranks_are_those_of_the_ranking(space):
    ranking, other = (sample_ranking(space.data, query, query) for query in (0, 1))
    first = first_candidates(ranking, 5)
    assert list(first.values()) == [1, 2, 3, 4, 5]
    assert all(ranking.truth_of(candidate) != RankingResult.JUNK for candidate in first)
    made = answer_tiles(space.data, ranking, first_candidates(other))
    assert [tile.line.split(" · ")[0] for tile in made[:5]] == ["1", "2", "3", "4", "5"]
    assert " common to both queries" in common_words(ranking, other)
