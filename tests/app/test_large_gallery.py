"""Large galleries: the best are exact, the others estimated, and that is said beside the result."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.jobs.controller import Controller
from app.state.session import Session
from app.state.values import NORMALISED, Look
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


def test_nothing_is_measured_by_estimates(opened):
    assert "qaconv" not in opened.workspace.measures


def test_everything_can_be_scored_exactly(qtbot, opened):
    space = opened.workspace
    space.change_look(exact=True)
    qtbot.waitUntil(lambda: space.ranking.exact_to is None, timeout=WAIT)
    assert space.ranking.order.tolist() == opened.matching.rank((0,), exact=True).order.tolist()
    assert space.measures["qaconv"].first_true[0] > 0


def test_a_ranking_by_normalised_scores_is_made_anew_with_exact_logits(qtbot, opened):
    space = opened.workspace
    opened.normalise(NORMALISED)
    qtbot.waitUntil(lambda: space.ranking.method == NORMALISED, timeout=WAIT)
    assert not space.ranking_exact
    estimated = space.ranking
    space.change_look(exact=True)
    qtbot.waitUntil(lambda: space.ranking is not estimated, timeout=WAIT)
    assert space.ranking_exact
    exact = opened.matching.rank_normalised(space.ranking.queries, exact=True).ranking
    assert space.ranking.order.tolist() == exact.order.tolist()
    assert space.ranking.values.tolist() == exact.values.tolist()


def test_the_header_tells_it_and_offers_exact_scores(qtbot, space, thumbnails):  # noqa: F811
    panel = ResultsPanel(space, thumbnails)
    window = shown(qtbot, panel, 760, 300)
    assert window.isVisible()
    header = panel.header
    assert header.estimated.isHidden()
    words = "the best 5 are exact"
    estimated = replace(space.ranking, certainty="proved", exact_to=5, approximation=words)
    space.set_ranking(estimated)
    assert header.estimates.text() == "≈ first 5 exact, then estimates"
    assert header.estimates.toolTip() == words
    assert header.exact.isVisible()
    QTest.mouseClick(header.exact, Qt.LeftButton)
    assert space.look.exact
    panel.handlers()["candidate.exact"].run()
    assert not space.look.exact
    normalised = replace(estimated, method="qaconv+norm", certainty="measured", exact_to=0)
    space.set_ranking(normalised)
    assert header.estimates.text() == "≈ by estimates"
    assert header.exact.isVisible(), "their own logits can be exact"
    space.set_ranking(normalised, exact=True)
    assert header.estimates.text() == "≈ by estimates"
    assert header.exact.isHidden(), "what strangers look like stays estimated"
    rank(space, method="qaconv+rerank", kind="score", approximation="only the 50 nearest")
    assert header.estimates.text() == "≈ an approximation"
    assert header.exact.isHidden()


def test_the_choice_comes_back_with_the_session():
    record = Session(look=Look(exact=True)).to_record()
    assert Session.from_record(record).look.exact
