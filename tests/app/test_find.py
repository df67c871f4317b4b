"""Ctrl+F: a person or a file is found with its rank, and jumped to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.items.find_model import MOST
from app.views.explore.results_panel import ResultsPanel
from app.views.widgets.table_style import ABOVE
from qaconv_core.types import ImageSet, RankingResult
from tests.app.lists import large_set, rank, shown, thumbnails  # noqa: F401


@pytest.fixture
def panel(qtbot, space, thumbnails):  # noqa: F811
    made = ResultsPanel(space, thumbnails)
    made.window_ = shown(qtbot, made, 760, 460)
    return made


@pytest.fixture
def bar(panel):
    panel.handlers()["edit.find"].run()
    return panel.find_bar


def hits(bar):
    return bar.model.rows


def by_hand(space, text):
    """Places, in order, of pictures with that person or that name."""
    out = []
    for place, index in enumerate(space.ranking.order):
        ref = space.data.gallery[int(index)]
        if text.lower() in ref.path.name.lower() or text == str(ref.pid):
            out.append((place, int(index)))
    return [index for _, index in sorted(out)]


def test_the_model_keeps_qts_rules(bar, qtmodeltester):
    bar.field.setText("000")
    qtmodeltester.check(bar.model, force_py=True)


@pytest.mark.parametrize("text", ["3", "0002_", "C2S1", "0400", "png"])
def test_typing_finds_what_a_search_by_hand_finds(bar, space, text):
    assert bar.isVisible()
    QTest.keyClicks(bar.field, text)
    assert hits(bar) == by_hand(space, text)
    assert bar.message.text() == f"{len(hits(bar))} found"


def test_a_person_is_found_whatever_the_file_is_called(bar, space):
    nameless = tuple(
        replace(ref, path=ref.path.with_name(f"{'abc'[ref.camid]}_{'xyzw'[ref.pid - 1]}.png"))
        for ref in space.data.gallery
    )
    space.open_data(replace(space.data, gallery=ImageSet(nameless, "gallery")))
    QTest.keyClicks(bar.field, "3")
    assert [space.data.gallery[hit].pid for hit in hits(bar)] == [3, 3, 3]


def test_words_shown_are_found_as_whole_numbers(bar, space):
    """Person 6 is neither person 60 nor a file with a 6 in its name; c2 is camera 2."""
    known = ((6, 0, "a"), (60, 1, "b"), (7, 1, "img6"), (7, 11, "person 60"), (6, 1, "d"))
    refs = [
        replace(ref, pid=pid, camid=camid, path=ref.path.with_name(f"{name}.png"))
        for ref, (pid, camid, name) in zip(space.data.gallery, known, strict=False)
    ]
    space.open_data(replace(space.data, gallery=ImageSet(tuple(refs), "gallery")))

    def typed(text):
        bar.field.clear()
        QTest.keyClicks(bar.field, text)
        return sorted(hits(bar))

    assert typed("person 6") == typed("Person 6 ") == [0, 4]
    assert typed("person 60") == [1, 3]
    assert typed("camera 2") == typed("C2") == [1, 2, 4]
    assert typed("camera 1") == [0]
    assert typed("6") == [0, 2, 3, 4]


def test_hits_tell_their_rank(bar, space):
    QTest.keyClicks(bar.field, "0001_")
    for row, hit in enumerate(hits(bar)):
        text = bar.model.index(row).data(Qt.DisplayRole)
        rank_now = space.ranking.rank_of(hit)
        without = "same camera (ignored), no rank "
        assert text.startswith(f"rank {rank_now} " if rank_now else without)


def test_enter_jumps_and_esc_closes(panel, bar, space):
    QTest.keyClicks(bar.field, "0002_")
    QTest.keyClick(bar.field, Qt.Key_Down)
    QTest.keyClick(bar.field, Qt.Key_Return)
    assert space.selection.candidate == hits(bar)[1]
    assert panel.view.currentIndex().row() == space.ranking.place_of(hits(bar)[1])
    QTest.keyClick(bar.field, Qt.Key_Escape)
    assert bar.isHidden()


def test_the_outline_of_a_hit_leaves_its_words_alone(bar):
    QTest.keyClicks(bar.field, "0002_")
    assert bar.hits.sizeHintForRow(0) >= bar.fontMetrics().height() + 2 * ABOVE
    assert bar.hits.height() >= 3 * bar.hits.sizeHintForRow(0)


def test_arrows_stay_within_the_hits(bar):
    QTest.keyClicks(bar.field, "0002_")
    for key, row in ((Qt.Key_Up, 0), (Qt.Key_PageDown, 2), (Qt.Key_Down, 2), (Qt.Key_Up, 1)):
        QTest.keyClick(bar.field, key)
        assert bar.hits.currentIndex().row() == row


def test_a_click_jumps(bar, space):
    QTest.keyClicks(bar.field, "0003_")
    at = bar.hits.visualRect(bar.model.index(2)).center()
    QTest.mouseClick(bar.hits.viewport(), Qt.LeftButton, Qt.NoModifier, at)
    assert space.selection.candidate == hits(bar)[2]


def test_hidden_hits_are_said_to_be_hidden_and_can_be_shown(bar, space):
    space.change_result_filter(camids=frozenset({0}))
    QTest.keyClicks(bar.field, "0003_")
    assert bar.message.text() == "3 found, 2 hidden by filters"
    hidden = {h for h in hits(bar) if space.data.gallery[h].camid != 0}
    assert bar.model.hidden == hidden
    assert bar.show_hidden.isVisible()
    QTest.mouseClick(bar.show_hidden, Qt.LeftButton)
    assert space.result_filter.camids is None
    assert bar.message.text() == "3 found"
    assert bar.show_hidden.isHidden()


def test_nothing_found_is_said(bar, space):
    QTest.keyClicks(bar.field, "nobody")
    assert bar.message.text() == "Nothing found"
    QTest.keyClick(bar.field, Qt.Key_Return)
    assert space.selection.candidate == int(space.ranking.order[0])


def test_ranks_follow_another_ranking(bar, space):
    QTest.keyClicks(bar.field, "0004_")
    rank(space, 0, seed=5)
    assert hits(bar) == by_hand(space, "0004_")


def test_of_very_many_hits_the_first_are_listed(bar, space):
    space.open_data(large_set(space.data, 5000))
    space.select_queries((0,))
    ranking = rank(space)
    QTest.keyClicks(bar.field, "jpg")
    assert bar.message.text() == f"5,000 found, the first {MOST} listed"
    assert hits(bar) == ranking.order[:MOST].tolist()
    assert (ranking.truth != RankingResult.NOT_KNOWN).all()
    assert np.unique(hits(bar)).size == MOST


def test_rows_have_room_and_no_scroll_bar_takes_it(bar, space):
    names = tuple(
        replace(ref, path=ref.path.with_name(f"{'long_' * 40}{number}.png"))
        for number, ref in enumerate(space.data.gallery)
    )
    data = space.data
    space.extend_data(replace(data, gallery=ImageSet(names)))
    bar.field.setText("long")
    view = bar.hits
    first = view.visualRect(bar.model.index(0))
    assert first.height() >= view.fontMetrics().height() + 4
    assert view.viewport().height() == 4 * first.height()
    assert view.viewport().rect().contains(view.visualRect(bar.model.index(3)))
