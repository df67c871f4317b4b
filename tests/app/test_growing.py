"""The first ranking, while maps are still computed: it grows under the user's hands."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtTest import QTest

from app.jobs import ranking_jobs
from qaconv_core.galleries import partial
from qaconv_core.galleries.partial import PartialGallery
from qaconv_core.types import RankingResult
from tests.app.lists import click
from tests.app.real import WAIT, press, settled, tiny_market
from tests.builders import write_picture

SEVERAL_RANKINGS = 1000
"""Milliseconds in which the eight pictures of a portion are ranked several times."""


class Tap:
    """Lets maps of the gallery arrive in portions of eight, when the test says so."""

    def __init__(self) -> None:
        self._portions = threading.Semaphore(0)
        self._open = False
        self.given_up = lambda: False

    def __call__(self, growing, positions, maps, add=PartialGallery.add):
        while not (self._open or self.given_up() or self._portions.acquire(timeout=0.05)):
            pass
        add(growing, positions, maps)

    def let(self, portions: int) -> None:
        self._portions.release(portions)

    def open(self) -> None:
        self._open = True


@pytest.fixture
def tap(monkeypatch):
    made = Tap()
    monkeypatch.setattr(partial, "FEWEST", 1)
    monkeypatch.setattr(partial, "PAUSE", 0.0)
    monkeypatch.setattr(ranking_jobs, "POINTING", 0.0)
    monkeypatch.setattr(PartialGallery, "add", lambda *arguments: made(*arguments))
    return made


@pytest.fixture
def window(qtbot, tap, make_window, tmp_path, model):
    """A window in which the first eight of 26 gallery pictures are ranked."""
    made = make_window()
    tap.given_up = lambda: made.runner._closed  # it waits for its threads when it closes
    made.begin(tiny_market(tmp_path), model)
    tap.let(1)
    ranked(qtbot, made, 8)
    settled(qtbot, made)
    made.explore.results.view.setFocus()
    return made


def ranked(qtbot, window, count):
    """Wait until so many are ranked."""

    def there():
        ranking = window.workspace.ranking
        return ranking is not None and len(ranking.order) == count

    qtbot.waitUntil(there, timeout=WAIT)


def whole(qtbot, window):
    qtbot.waitUntil(lambda: window.workspace.ranking.whole, timeout=WAIT)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)


def count_text(window):
    return window.explore.results.header.count.text()


def test_what_has_arrived_is_ranked_and_its_best_match_is_shown(qtbot, window, tap):
    space = window.workspace
    assert count_text(window) == "ranked 8 of 26 so far"
    best = space.ranking.first(RankingResult.TRUE)
    assert space.pair.candidate == space.selection.candidate
    assert not window.commands.can_run("file.export_ranking")
    assert [row.title.text() for row in window.job_strip.rows.values()] == [
        "Feature maps of market"
    ]
    tap.let(1)
    ranked(qtbot, window, 16)
    assert count_text(window) == "ranked 16 of 26 so far"
    tap.open()
    whole(qtbot, window)
    assert count_text(window) == "26"
    assert best is not None
    full = window.controller.matching.rank((0,), "qaconv")
    assert np.array_equal(space.ranking.order, full.order)
    assert np.array_equal(space.ranking.values, full.values)
    assert window.commands.can_run("file.export_ranking")


def test_the_early_order_and_numbers_are_those_of_the_whole(qtbot, window, tap):
    early, pair = window.workspace.ranking, window.workspace.pair
    tap.open()
    whole(qtbot, window)
    full = window.workspace.ranking
    assert [c for c in full.order if c in set(early.order)] == early.order.tolist()
    values = [full.value_of(c) for c in early.order]
    assert early.values == pytest.approx(values, abs=1e-4)
    again = window.controller.matching.explain(0, pair.candidate)
    assert pair.match.logit == pytest.approx(again.match.logit, abs=1e-5)


def test_who_chose_nothing_sees_the_best_of_all_in_the_end(qtbot, window, tap):
    space = window.workspace
    tap.open()
    whole(qtbot, window)
    settled(qtbot, window)
    kept = space.ranking.order[space.ranking.truth != RankingResult.JUNK]
    assert space.selection.candidate == kept[0]
    assert not space.history.can_go_back, "nobody looked at the best ones so far"


@pytest.mark.parametrize("way", ["click", "key", "pin"])
def test_what_was_chosen_stays_chosen(qtbot, window, tap, way):
    space, view = window.workspace, window.explore.results.view
    if way == "click":
        click(view, view.model().index(3))
    elif way == "key":
        press(window, Qt.Key_Right, Qt.Key_Right)
    else:  # looking into the one that is shown is a choice too
        press(window, Qt.Key_2)
    settled(qtbot, window)
    chosen = space.selection
    tap.let(1)
    ranked(qtbot, window, 16)
    assert space.selection == chosen
    assert view.model().candidate_at(view.currentIndex().row()) == chosen.candidate
    tap.open()
    whole(qtbot, window)
    settled(qtbot, window)
    assert space.selection == chosen
    assert view.model().candidate_at(view.currentIndex().row()) == chosen.candidate


def test_a_click_on_the_one_that_is_shown_keeps_it(qtbot, window, tap):
    space, view = window.workspace, window.explore.results.view
    click(view, view.currentIndex())
    chosen = space.selection
    tap.open()
    whole(qtbot, window)
    assert space.selection == chosen


def test_another_query_is_ranked_over_what_is_there(qtbot, window, tap):
    space = window.workspace
    press(window, Qt.Key_Down)
    qtbot.waitUntil(lambda: space.ranking.queries == (1,), timeout=WAIT)
    settled(qtbot, window)
    assert count_text(window) == "ranked 8 of 26 so far"
    assert space.pair.query == 1
    press(window, Qt.Key_Up)
    tap.let(1)
    qtbot.waitUntil(lambda: space.ranking.queries == (0,), timeout=WAIT)
    ranked(qtbot, window, 16)
    tap.open()
    whole(qtbot, window)
    assert space.ranking.queries == (0,)


def test_several_queries_and_filters_work_meanwhile(qtbot, window, tap):
    space = window.workspace
    space.select_queries((0, 1))
    qtbot.waitUntil(lambda: space.ranking.queries == (0, 1), timeout=WAIT)
    settled(qtbot, window)
    header = window.explore.results.header
    header.hides["hide_same_camera"].click()
    shown = window.explore.results.model.rowCount()
    assert 0 < shown < 8
    assert count_text(window) == f"{shown} of 8 listed, ranked 8 of 26 so far"


def test_nothing_moves_under_a_moving_pointer(qtbot, window, tap, monkeypatch):
    view, heard = window.explore.results.view, []
    monkeypatch.setattr(ranking_jobs, "POINTING", 3600.0)
    grow = window.controller._ranking.grow
    monkeypatch.setattr(window.controller._ranking, "grow", lambda: (grow(), heard.append(1)))
    order = window.workspace.ranking.order.tolist()
    QTest.mouseMove(view.viewport(), QPoint(20, 20))
    QTest.mouseMove(view.viewport(), QPoint(30, 20))
    qtbot.waitUntil(lambda: window.workspace.pointed_at > 0, timeout=WAIT)
    tap.let(1)
    qtbot.waitUntil(lambda: len(heard) > 0, timeout=WAIT)
    qtbot.wait(SEVERAL_RANKINGS)
    assert window.workspace.ranking.order.tolist() == order
    monkeypatch.setattr(ranking_jobs, "POINTING", 0.0)
    ranked(qtbot, window, 16)  # it is caught up with once the pointer rests


def test_a_picture_of_the_user_is_a_query_at_once_and_stays_one(qtbot, window, tap, tmp_path):
    space = window.workspace
    picture = write_picture(tmp_path / "somebody.png", 3, (48, 128))
    window.controller.add_pictures([picture])
    qtbot.waitUntil(lambda: space.ranking.queries == (5,), timeout=WAIT)
    settled(qtbot, window)
    assert space.data.query[5].path == picture
    tap.open()
    whole(qtbot, window)
    settled(qtbot, window)
    assert space.ranking.queries == (5,)
    assert space.data.query[5].path == picture
    assert window.controller.matching.data.query[5].path == picture


def test_a_search_by_part_waits_for_all(qtbot, window, tap):
    space = window.workspace
    space.parts.draw(np.arange(48).reshape(12, 4) < 8)
    assert space.ranking_stale
    tap.open()
    whole(qtbot, window)
    qtbot.waitUntil(lambda: space.ranking.part is not None, timeout=WAIT)
    assert len(space.ranking.order) == 26


def test_cancelled_it_leaves_what_is_there(qtbot, window, tap):
    row = next(iter(window.job_strip.rows.values()))
    qtbot.mouseClick(row.cancel, Qt.LeftButton)
    tap.open()
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    assert count_text(window) == "ranked 8 of 26 so far"
    press(window, Qt.Key_Right)
    settled(qtbot, window)


def test_find_tells_what_is_not_ranked_yet(qtbot, window):
    press(window, Qt.Key_F, modifiers=Qt.ControlModifier)
    bar = window.explore.results.find_bar
    QTest.keyClicks(bar.field, "jpg")
    rows = [bar.model.index(row).data() for row in range(bar.model.rowCount())]
    assert len(rows) == 26
    assert [row.startswith("not ranked yet") for row in rows] == [False] * 8 + [True] * 18
    bar.hits.setCurrentIndex(bar.model.index(20))
    press(window, Qt.Key_Return)
    settled(qtbot, window)
    panel = window.explore.inspector.canvas.scene.panels[1]
    assert panel.caption[0] == "Candidate", "it has no rank yet"


def test_maps_that_are_stored_are_not_ranked_in_portions(qtbot, window, tap, make_window, model):
    request = window.controller.data_request
    tap.open()
    whole(qtbot, window)
    second, seen = make_window(), []
    second.workspace.ranking_changed.connect(lambda: seen.append(second.workspace.ranking))
    second.begin(request, model)
    settled(qtbot, second)
    assert all(ranking is None or ranking.whole for ranking in seen)
