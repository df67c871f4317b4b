"""The ranked results, driven by keys, mouse and commands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.state.values import METHODS
from app.state.words import seconds_of, tenths_text
from app.views.explore.results_header import ResultsHeader
from app.views.explore.results_panel import ResultsPanel
from app.views.widgets.actions import Actions
from qaconv_core.types import ImageRef, ImageSet, RankingResult
from tests.app.lists import click, large_set, measures, pictures_painted, rank, shown, thumbnails  # noqa: F401

TRUE, FALSE, JUNK = RankingResult.TRUE, RankingResult.FALSE, RankingResult.JUNK


@pytest.fixture
def panel(qtbot, space, thumbnails):  # noqa: F811
    made = ResultsPanel(space, thumbnails)
    made.window_ = shown(qtbot, made, 760, 150)
    return made


def chosen(panel):
    return panel.view.currentIndex().row()


def truths(panel):
    ranking = panel.workspace.ranking
    return ranking.truth[panel.model.rows].tolist()


def test_the_model_keeps_qts_rules(panel, qtmodeltester, space):
    qtmodeltester.check(panel.model, force_py=True)
    space.change_result_filter(hide_false=True)
    qtmodeltester.check(panel.model, force_py=True)


def test_rows_say_rank_truth_score_and_who(panel, space):
    ranking, data = space.ranking, space.data
    rank_now = 0
    for row in range(panel.model.rowCount()):
        candidate = ranking.order[row]
        junk = ranking.truth[row] == JUNK
        rank_now += not junk
        text = panel.model.index(row).data(Qt.AccessibleTextRole)
        assert text.startswith("No rank, same camera" if junk else f"Rank {rank_now}, ")
        score = 1 / (1 + np.exp(-float(ranking.values[row]) / 10))
        assert f"Score {score:.3f}, logit " in text
        ref = data.gallery[int(candidate)]
        assert f"Person {ref.pid}, camera {ref.camid + 1}" in text
        assert text.endswith(ref.path.name)


def test_a_negative_logit_has_a_true_minus(panel, space):
    row = int(np.argmin(space.ranking.values))
    assert "logit −" in panel.model.index(row).data(Qt.ToolTipRole)


def test_moves_compare_ranks_not_places(panel, space):
    # Places under QAConv: 0 junk, 1, 2, 3; now the third leads and the junk stands second.
    n = len(space.data.gallery)
    truth = np.full(n, FALSE, dtype=np.int8)
    truth[1] = JUNK
    before = np.array([3, 0, 1, 2, *range(4, n)])
    rank(space, method="qaconv+rerank", kind="score", truth=truth, before=before)
    moves = [panel.model.entry(row).move for row in range(5)]
    assert moves == [2, 0, -1, -1, 0]
    texts = [panel.model.index(row).data(Qt.ToolTipRole) for row in range(5)]
    assert "2 ranks higher than by QAConv" in texts[0]
    assert "QAConv" not in texts[1].split("; re-ranked score")[0].split("by QAConv")[0]
    assert "1 rank lower than by QAConv" in texts[2]
    assert "The same rank as by QAConv" in texts[4]


@pytest.mark.parametrize("name", ["hide_junk", "hide_false", "hide_same_camera"])
def test_boxes_hide_what_they_say(panel, space, name):
    ranking, data = space.ranking, space.data
    hidden = {
        "hide_junk": ranking.truth == JUNK,
        "hide_false": ranking.truth == FALSE,
        "hide_same_camera": data.gallery_camids[ranking.order] == data.query_camids[0],
    }[name]
    QTest.mouseClick(panel.header.hides[name], Qt.LeftButton, pos=_box(panel.header.hides[name]))
    assert panel.model.rows.tolist() == np.flatnonzero(~hidden).tolist()
    assert panel.header.count.text() == f"{int((~hidden).sum())} of 12"
    panel.handlers()[f"candidate.{name}"].run()
    assert panel.model.rowCount() == 12
    assert not panel.header.hides[name].isChecked()


def _box(box):
    """Where a check box is pressed."""
    return box.rect().center() - box.rect().topLeft() if box.width() < 30 else _left(box)


def _left(box):
    point = box.rect().center()
    point.setX(8)
    return point


START = datetime(2024, 5, 1, 12, 0)


@pytest.mark.parametrize(
    ("text", "start", "seconds"),
    [
        ("21.8 s", None, 21.8), ("21,8", None, 21.8), ("−3 s", None, -3.0), ("12:05", None, 725.0),
        ("1:02:07", None, 3727.0), ("−1:05.5", None, -65.5), ("2024-05-01 12:05", None, None),
        ("noon", START, None), ("", START, None), ("12:05", START, 725.0),
        ("2024-05-01 12:05", START, 300.0), ("2024-05-02T12:00:00Z", START, 86400.0),
    ],
)  # fmt: skip
def test_a_time_is_read_as_it_is_written(text, start, seconds):
    assert seconds_of(text, start) == seconds


@pytest.mark.parametrize("seconds", [0.0, 21.8, 59.9, 60.0, 725.3, 3727.0, -65.5, 90061.1])
def test_what_the_field_shows_is_what_it_reads(seconds):
    assert seconds_of(tenths_text(seconds)) == pytest.approx(seconds)


def typed(field, text):
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key_Return)


def test_times_are_typed_as_the_pictures_have_them(panel, space):
    choice = panel.header.times
    assert "12:05" in choice.format.text()
    assert "date" not in choice.format.text()
    assert choice.low.text() == tenths_text(choice.low.minimum())
    typed(choice.low, "3:20")
    typed(choice.high, "5:01.5")
    assert space.result_filter.time_range == (200, 301.5)
    (chip,) = panel.header.filters.chips
    assert chip.text() == "3:20–5:01.5"
    typed(choice.low, "noon")
    assert space.result_filter.time_range == (200, 301.5), "what is no time changes nothing"
    assert not choice.format._mark.isHidden()
    choice.set_limits((0.0, 600.0), START)
    assert "They count from 2024-05-01 12:00:00" in choice.format.text()
    assert choice.format._mark.isHidden()
    typed(choice.low, "2024-05-01 12:05")
    assert space.result_filter.time_range[0] == 300


def test_cameras_and_times_are_chosen(panel, space):
    panel.header.cameras.boxes[1].click()
    data, order = space.data, space.ranking.order
    assert panel.model.rows.tolist() == np.flatnonzero(data.gallery_camids[order] != 1).tolist()
    panel.header.cameras.boxes[1].click()
    assert space.result_filter.camids is None
    panel.header.cameras.boxes[2].click()
    panel.header.cameras.everything.click()
    assert panel.model.rowCount() == 12
    panel.header.times.low.setValue(200)
    panel.header.times.high.setValue(301)
    times = data.gallery_times[order]
    assert space.result_filter.time_range == (200, 301)
    assert panel.model.rows.tolist() == np.flatnonzero((times >= 200) & (times <= 301)).tolist()
    panel.header.times.low.setValue(0)
    panel.header.times.high.setValue(9999)
    assert space.result_filter.time_range is None
    panel.header.times.low.setValue(200)
    panel.header.times.everything.click()
    assert space.result_filter.time_range is None
    assert panel.header.times.low.value() == panel.header.times.low.minimum()
    assert panel.model.rowCount() == 12


def test_times_that_are_not_known_cannot_be_chosen(panel, space):
    timeless = tuple(replace(ref, time=None) for ref in space.data.gallery)
    space.open_data(replace(space.data, gallery=ImageSet(timeless, "gallery")))
    assert not panel.header.times.isEnabled()
    assert "not known" in panel.header.times.toolTip()


def test_a_click_chooses_and_enter_opens(panel, space):
    heard, opened = [], []
    space.selection_changed.connect(lambda: heard.append(space.selection.candidate))
    panel.opened.connect(opened.append)
    click(panel.view, panel.model.index(2))
    assert heard == [panel.model.candidate_at(2)]
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key_Right)
    assert heard == [panel.model.candidate_at(2), panel.model.candidate_at(3)]
    QTest.keyClick(panel.view, Qt.Key_Return)
    assert opened == [panel.model.candidate_at(3)]
    assert len(heard) == 2


def test_what_is_chosen_elsewhere_is_followed_once(panel, space):
    heard = []
    space.selection_changed.connect(lambda: heard.append(1))
    space.select_candidate(panel.model.candidate_at(9))
    assert chosen(panel) == 9
    assert panel.view.selectionModel().isSelected(panel.model.index(9))
    space.select_candidate(panel.model.candidate_at(4))
    space.go_back()
    assert chosen(panel) == 9
    assert len(heard) == 3


def test_commands_walk(panel, space):
    do = panel.handlers()
    do["candidate.last"].run()
    assert chosen(panel) == 11
    do["candidate.next"].run()
    assert chosen(panel) == 11
    do["candidate.previous"].run()
    assert chosen(panel) == 10
    do["candidate.first"].run()
    assert chosen(panel) == 0


def test_true_matches_are_jumped_to(panel, space):
    do, places = panel.handlers(), np.flatnonzero(space.ranking.truth == TRUE).tolist()
    assert len(places) == 2
    do["candidate.first"].run()
    seen = []
    for _ in range(3):
        do["candidate.next_true"].run()
        seen.append(chosen(panel))
    wanted = [place for place in places if place > 0]
    assert seen == [*wanted, *[wanted[-1]] * (3 - len(wanted))]
    do["candidate.last"].run()
    do["candidate.previous_true"].run()
    assert chosen(panel) == max(place for place in places if place < 11)


def test_a_hidden_candidate_is_told_and_walked_on_from(panel, space):
    junk = int(np.flatnonzero(space.ranking.truth == JUNK)[0])
    space.select_candidate(panel.model.candidate_at(junk))
    space.change_result_filter(hide_junk=True)
    assert chosen(panel) == -1
    assert panel.note.text() == "The candidate, of the same camera, is hidden by the filters above."
    panel.handlers()["candidate.previous"].run()
    assert panel.model.rows[chosen(panel)] == junk - 1
    assert panel.note.isHidden()


def test_comparing_takes_the_first_true_match(panel, space):
    space.select_candidate(space.ranking.first(FALSE))
    panel.handlers()["candidate.compare"].run()
    assert space.selection.other == space.ranking.first(TRUE)
    assert space.look.mode == "compare"
    space.select_candidate(space.ranking.first(TRUE))
    panel.handlers()["candidate.compare"].run()
    assert space.selection.other == space.ranking.first(FALSE)


def test_methods_that_cannot_be_chosen_say_why(panel, space):
    rerank = panel.header.method.actions_["qaconv+rerank"]
    assert not rerank.isEnabled()
    assert "Evaluate this data set first" in rerank.toolTip()
    wanted = []
    panel.command_wanted.connect(wanted.append)
    panel.header.measure.trigger()
    assert wanted == ["evaluate.current"]
    some = measures([0.5] * 4, [1] * 4, [0.5] * 4)
    space.set_measured({"qaconv": some, "qaconv+rerank": some}, {METHODS[2]: "TLift needs times."})
    assert not panel.header.measure.isVisible()
    assert panel.header.method.actions_[METHODS[2]].toolTip() == "TLift needs times."
    rerank.trigger()
    assert space.method == "qaconv+rerank"
    panel.handlers()["candidate.method_qaconv"].run()
    assert panel.header.method.value == "qaconv"


def test_a_ranking_on_its_way_greys_the_old_one(panel, space):
    candidate = space.selection.candidate
    space.select_queries((1,))
    space.set_ranking_stale()
    assert panel.view.waiting == "Ranking…"
    panel.view.viewport().grab()
    panel.handlers()["candidate.next"].run()
    assert space.selection.candidate is None
    rank(space, 1)
    assert panel.view.waiting == ""
    space.select_candidate(candidate)
    assert panel.model.candidate_at(chosen(panel)) == candidate


def test_truth_that_is_not_there_is_said(panel, space):
    assert panel.header.truth.text() == "2 true"
    rank(space, truth=np.full(12, FALSE, dtype=np.int8))
    assert panel.header.truth.text() == "No true match in the gallery"
    own = ImageRef(space.data.root / "mine.png")
    space.extend_data(replace(space.data, query=ImageSet((*space.data.query, own), "query")))
    rank(space, 4, truth=np.full(12, RankingResult.NOT_KNOWN, dtype=np.int8))
    assert panel.header.truth.text() == "Person not known"
    assert "person not known" in panel.model.index(0).data(Qt.AccessibleTextRole)
    panel.view.viewport().grab()


def test_empty_states_say_what_to_do(panel, space):
    space.change_result_filter(camids=frozenset())
    assert panel.empty.label.text() == "All 12 pictures are hidden by the filters above."
    QTest.mouseClick(panel.empty.link, Qt.LeftButton)
    assert panel.model.rowCount() == 12
    assert panel.pages.currentWidget() is panel.view
    space.set_model(None)
    assert "Ctrl+Shift+O" in panel.empty.label.text()
    space.open_data(None)
    assert "Ctrl+O" in panel.empty.label.text()


def test_a_broken_picture_says_why(qtbot, space, thumbnails):  # noqa: F811
    broken, missing = (space.data.gallery[int(g)].path for g in space.ranking.order[:2])
    broken.write_bytes(b"not a picture")
    missing.unlink()
    panel = ResultsPanel(space, thumbnails)
    panel.window_ = shown(qtbot, panel, 760, 300)
    panel.view.viewport().repaint()
    for row, file in enumerate((broken, missing)):
        qtbot.waitUntil(lambda file=file: bool(thumbnails.fault(file)), timeout=5000)
        assert thumbnails.fault(file) in panel.model.index(row).data(Qt.ToolTipRole)
    panel.view.viewport().repaint()


def test_pictures_that_arrive_are_painted(qtbot, space, thumbnails):  # noqa: F811
    painted = pictures_painted(thumbnails)
    panel = ResultsPanel(space, thumbnails)
    panel.window_ = shown(qtbot, panel, 760, 300)
    wanted = {panel.model.file_of(row) for row in panel.view.visible_rows()}
    assert wanted
    qtbot.waitUntil(lambda: wanted <= painted, timeout=5000)


def test_truth_is_a_frame_in_its_colour(panel, space):
    from app.items.colours import truth_colour

    panel.view.viewport().repaint()
    picture = panel.view.viewport().grab().toImage()
    for row in panel.view.visible_rows()[:4]:
        if row == chosen(panel):
            continue
        rect = panel.view.visualRect(panel.model.index(row))
        colours = {
            picture.pixelColor(x, rect.center().y() - 20).name()
            for x in range(rect.left(), min(rect.right(), picture.width() - 1))
        }
        assert truth_colour(panel.model.entry(row).truth).name() in colours


def test_a_hundred_thousand_rows_make_nothing_before_they_are_seen(qtbot, panel, space):
    space.open_data(large_set(space.data, 100_000))
    space.select_queries((0,))
    made = []
    entry = panel.model.entry
    panel.model.entry = lambda row: made.append(row) or entry(row)
    ranking = rank(space)
    space.select_candidate(int(ranking.order[54_321]))
    panel.view.viewport().repaint()
    assert panel.model.rowCount() == 100_000
    assert panel.header.count.text() == "100,000"
    assert chosen(panel) == 54_321
    assert 54_321 in panel.view.visible_rows()
    assert len(set(made)) < 200
    panel.handlers()["candidate.next_true"].run()
    assert ranking.truth[panel.model.rows[chosen(panel)]] == TRUE
    assert (ranking.truth[54_322 : chosen(panel)] != TRUE).all()


def test_the_menu_shows_what_is_on(panel, space):
    actions = Actions(panel)
    actions.bind(panel.handlers())
    space.change_result_filter(hide_junk=True)
    actions.refresh()
    by_id = actions.by_id
    assert by_id["candidate.hide_junk"].isChecked()
    assert by_id["candidate.method_qaconv"].isChecked()
    assert not by_id["candidate.method_tlift"].isEnabled()
    assert by_id["candidate.next_true"].isEnabled()
    rank(space, truth=np.full(12, FALSE, dtype=np.int8))
    actions.refresh()
    assert not by_id["candidate.next_true"].isEnabled()
    assert by_id["candidate.next"].isEnabled()


def test_every_control_is_named(panel):
    header = panel.header
    for widget in (
        panel.view, header.method, header.cameras, header.times, header.size_slider,
        *header.views.values(), *header.hides.values(), panel.find_bar.field,
        panel.find_bar.hits, header.count,
    ):  # fmt: skip
        assert widget.accessibleName()
        assert widget.toolTip()


@pytest.mark.parametrize("width", [420, 700, 1100])
def test_at_its_least_height_nothing_is_cut_off(qtbot, panel, space, width):
    before = np.arange(12)
    rank(space, method="qaconv+rerank", kind="score", before=before)
    panel.find_bar.open()
    panel.find_bar.field.setText("000")
    for _ in range(3):  # the header's lines depend on the width, and the height on them
        panel.resize(width, panel.minimumSizeHint().height())
        qtbot.wait(1)
    parts = (panel.header, panel.find_bar, panel.pages)
    assert all(part.height() >= part.minimumSizeHint().height() for part in parts)
    assert panel.rect().contains(panel.pages.geometry())
    tile = panel.view.visualRect(panel.model.index(0))
    assert panel.view.viewport().height() >= tile.height()
    last = panel.header.count
    bottom = last.mapTo(panel, last.rect().bottomRight())
    assert panel.header.geometry().contains(bottom)


# ── several candidates ──────────────────────────────────────────────────────────────────────────


def rows_chosen(panel):
    more = panel.workspace.selection.chosen
    assert {i.row() for i in panel.view.selectionModel().selectedIndexes()} == {
        panel.model.row_of(c) for c in more
    }
    return sorted(panel.model.row_of(c) for c in more)


def click_with(panel, row, modifier):
    click(panel.view, panel.model.index(row), modifier)


@pytest.fixture
def keys(panel):
    actions = Actions(panel.window_)
    actions.bind(panel.handlers())
    actions.refresh()
    return lambda *pressed: [
        QTest.keyClick(panel.window_, key, Qt.ShiftModifier if shift else Qt.NoModifier)
        for key, shift in pressed
    ]


def test_ctrl_click_adds_and_takes_out(panel):
    click_with(panel, 0, Qt.NoModifier)
    click_with(panel, 2, Qt.ControlModifier)
    click_with(panel, 4, Qt.ControlModifier)
    assert (rows_chosen(panel), chosen(panel)) == ([0, 2, 4], 4)
    assert panel.header.chosen.text() == "3 chosen"
    assert panel.header.several.isVisible()
    click_with(panel, 2, Qt.ControlModifier)  # not the one looked at: it stays
    assert (rows_chosen(panel), chosen(panel)) == ([0, 4], 4)
    click_with(panel, 4, Qt.ControlModifier)  # the one looked at: its neighbour is looked at now
    assert (rows_chosen(panel), chosen(panel)) == ([0], 0)
    click_with(panel, 0, Qt.ControlModifier)  # the last one cannot be taken out
    assert (rows_chosen(panel), chosen(panel)) == ([0], 0)
    assert not panel.header.several.isVisible()


def test_shift_click_chooses_all_between_and_a_plain_click_one(panel):
    click_with(panel, 1, Qt.NoModifier)
    click_with(panel, 4, Qt.ShiftModifier)
    assert (rows_chosen(panel), chosen(panel)) == ([1, 2, 3, 4], 4)
    click_with(panel, 0, Qt.ShiftModifier)  # from the same beginning
    assert (rows_chosen(panel), chosen(panel)) == ([0, 1], 0)
    click_with(panel, 0, Qt.NoModifier)
    assert (rows_chosen(panel), chosen(panel)) == ([0], 0)


def test_shift_and_arrows_choose_one_more_and_one_less(panel, keys):
    click_with(panel, 1, Qt.NoModifier)
    keys((Qt.Key_Right, True), (Qt.Key_Right, True))
    assert (rows_chosen(panel), chosen(panel)) == ([1, 2, 3], 3)
    keys((Qt.Key_Left, True))
    assert (rows_chosen(panel), chosen(panel)) == ([1, 2], 2)
    keys((Qt.Key_Right, False))
    assert (rows_chosen(panel), chosen(panel)) == ([3], 3)


def test_what_is_chosen_besides_is_forgotten_with_its_query(panel, space):
    click_with(panel, 1, Qt.NoModifier)
    click_with(panel, 3, Qt.ShiftModifier)
    space.compare_with(int(space.ranking.order[5]))
    assert len(space.selection.chosen) == 3
    space.select_queries((1,))
    assert space.selection.chosen == frozenset()


def test_a_change_of_method_is_shown_once(panel, space, monkeypatch):
    shows = []
    real = ResultsHeader._show_exactness
    monkeypatch.setattr(
        ResultsHeader, "_show_exactness", lambda *some: (shows.append(1), real(*some))
    )
    space.set_methods(tuple(METHODS[:2]), {})
    shows.clear()
    space.set_method("qaconv+rerank")
    assert panel.header.method.actions_["qaconv+rerank"].isChecked()
    assert len(shows) == 1
