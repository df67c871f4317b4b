"""Large galleries: the best are exact, the others estimated, and that is said beside the result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.jobs import large_gallery
from app.jobs.controller import Controller
from app.state.session import Session
from app.state.values import Look
from app.state.workspace import Workspace
from app.views.explore.results_panel import ResultsPanel
from qaconv_core.searching import choice
from qaconv_core.searching import top as top_module
from tests.app.lists import rank, shown, thumbnails  # noqa: F401
from tests.app.real import WAIT, open_and_wait, tiny_market


@pytest.fixture
def opened(qtbot, runner, tmp_path, model, monkeypatch):
    """A set of 26 pictures that counts as large; integer products are right everywhere."""
    limits = replace(choice.LIMITS, ranking_from=20, ranking_head=5)
    monkeypatch.setattr(choice, "LIMITS", limits)
    monkeypatch.setattr(top_module, "fast_bytes", lambda _: True)
    monkeypatch.setattr(top_module, "_PORTION", 1)
    controller = Controller(Workspace(), runner)
    controller.measure_unasked = False
    open_and_wait(qtbot, controller, tiny_market(tmp_path), model)
    yield controller
    controller.close()


def exact_order(matching, queries, fuse="max"):
    return matching.rank(queries, "qaconv", fuse, exact=True).order


def test_the_best_are_exact_and_the_ranking_says_where_that_ends(opened):
    ranking, matching = opened.workspace.ranking, opened.matching
    assert ranking.exact_to == 5
    assert ranking.approximation.startswith("the best 5 are exact; scores of others are estimates")
    exact = matching.rank((0,), "qaconv", exact=True)
    assert exact.exact_to is None
    assert exact.approximation == ""
    np.testing.assert_array_equal(ranking.order[:5], exact.order[:5])
    np.testing.assert_array_equal(ranking.values[:5], exact.values[:5])
    assert len(ranking.order) == 26
    off = ranking.values[ranking.places] - exact.values[exact.places]
    assert 0 < np.abs(off).max() < 1
    # known exactly, it is not estimated again
    assert matching.rank((0,), "qaconv").exact_to is None


def test_nothing_is_measured_by_estimates(opened):
    assert "qaconv" not in opened.workspace.measures


def test_several_queries_are_joined_by_their_best(opened):
    matching = opened.matching
    found = matching.rank((0, 1), "qaconv", "max")
    assert found.exact_to == 0
    assert "of each query" in found.approximation
    assert found.order[0] == exact_order(matching, (0, 1))[0]


def test_everything_can_be_scored_exactly(qtbot, opened):
    space = opened.workspace
    space.change_look(exact=True)
    qtbot.waitUntil(lambda: space.ranking.exact_to is None, timeout=WAIT)
    assert space.ranking.order.tolist() == exact_order(opened.matching, (0,)).tolist()
    assert space.measures["qaconv"].first_true[0] > 0


def test_small_galleries_and_those_that_cannot_gain_are_scored_in_whole(opened, monkeypatch):
    matching = opened.matching
    context = type("Context", (), {"progress": None, "cancel": None})
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, ranking_from=27))
    assert large_gallery.prepare_large(matching.model, matching.gallery, context) is None
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, ranking_from=20))
    monkeypatch.setattr(top_module, "fast_bytes", lambda _: False)  # and a 12×4 grid is coarse
    assert large_gallery.prepare_large(matching.model, matching.gallery, context) is None


def test_the_header_tells_it_and_offers_exact_scores(qtbot, space, thumbnails):  # noqa: F811
    panel = ResultsPanel(space, thumbnails)
    window = shown(qtbot, panel, 760, 300)
    assert window.isVisible()
    header = panel.header
    assert header.estimated.isHidden()
    space.set_ranking(replace(space.ranking, exact_to=200, approximation="the best 200 are exact"))
    assert header.estimates.text() == "≈ first 200 exact, then estimates"
    assert header.estimates.toolTip() == "the best 200 are exact"
    assert header.exact.isVisible()
    QTest.mouseClick(header.exact, Qt.LeftButton)
    assert space.look.exact
    panel.handlers()["candidate.exact"].run()
    assert not space.look.exact
    rank(space, method="qaconv+rerank", kind="score", approximation="only the 50 nearest")
    assert header.estimates.text() == "≈ an approximation"
    assert header.exact.isHidden()


def test_the_choice_comes_back_with_the_session():
    record = Session(look=Look(exact=True)).to_record()
    assert Session.from_record(record).look.exact


def test_estimates_of_a_query_are_kept(opened, monkeypatch):
    calls, real = [], opened.model.rank_top
    monkeypatch.setattr(
        opened.model,
        "rank_top",
        lambda *a, **k: calls.append(1) or real(*a, **k),
    )
    for _ in range(2):
        opened.matching.rank((2,), "qaconv")
    assert len(calls) == 1
