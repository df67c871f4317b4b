"""Ranking by normalised scores in the real window, by mouse and keys."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.items.row_models import ENTRY_ROLE
from app.jobs.ranking_exports import ranking_export
from app.state.scene import scene_of
from app.state.values import NORMALISED
from qaconv_core.progress import WorkContext
from qaconv_core.ranking.cohorts import CohortRule
from tests.app.real import WAIT, press, settled, tiny_market


@pytest.fixture
def window(qtbot, make_window, tmp_path, model):
    made = make_window()
    made.begin(tiny_market(tmp_path), model)
    qtbot.waitUntil(lambda: made.controller.matching is not None, timeout=WAIT)
    settled(qtbot, made)
    qtbot.waitUntil(lambda: not made.runner.busy, timeout=WAIT)
    return made


def choose(window):
    """The entry of the menu above the candidates, by the mouse."""
    method = window.explore.results.header.method
    menu, action = method.menu(), method.actions_[NORMALISED]
    assert action.isEnabled()
    menu.popup(method.mapToGlobal(method.rect().bottomLeft()))
    QTest.mouseClick(menu, Qt.LeftButton, pos=menu.actionGeometry(action).center())


def ranked(qtbot, window):
    space = window.workspace
    qtbot.waitUntil(
        lambda: space.ranking.method == NORMALISED and not space.ranking_stale, timeout=WAIT
    )
    settled(qtbot, window)


def test_the_first_choice_measures_strangers_and_ranks_by_n(qtbot, window):
    space, matching = window.workspace, window.controller.matching
    plain = space.ranking
    titles = []
    window.runner.added.connect(lambda job: titles.append(job.title))
    choose(window)
    assert space.method == "qaconv", "strangers are not measured yet"
    ranked(qtbot, window)
    assert "Measuring strangers of market" in titles
    assert window.explore.results.header.method.value == NORMALISED

    matching.measure_cohorts(CohortRule(), WorkContext())
    wanted = matching.rank_normalised(0)
    ranking = space.ranking
    assert ranking.order.tolist() == wanted.ranking.order.tolist() != plain.order.tolist()
    first = int(ranking.order[0])
    assert ranking.value_of(first) == pytest.approx(wanted.n[first], abs=1e-5)
    assert ranking.logit_at(0) == pytest.approx(plain.value_of(first), abs=1e-4)
    assert ranking.before[0] == plain.place_of(first)

    model = window.explore.results.model
    entry = model.index(0).data(ENTRY_ROLE)
    assert entry.aside == f"{wanted.n[entry.candidate]:+.1f} σ".replace("-", "−")
    tip = model.index(0).data(Qt.ToolTipRole)
    assert f"{abs(wanted.n[entry.candidate]):.1f} above strangers" in tip
    assert "no probability" in tip
    assert f"logit {entry.logit:+.2f}".replace("-", "−") in tip
    captions = " ".join(str(panel) for panel in scene_of(space).panels)
    assert "strangers" in captions

    items = json.loads(ranking_export(space).json_text())["queries"][0]["results"]
    assert [item["normalised"] for item in items] == pytest.approx(ranking.values.tolist())
    window.controller.measure()
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    assert space.measures_complete
    assert space.method == NORMALISED, "measuring takes nothing away"


def test_keys_change_the_method_and_several_queries_are_ranked_plainly(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_4, modifiers=Qt.AltModifier)
    ranked(qtbot, window)
    space.select_queries((1,))
    ranked(qtbot, window)
    assert space.ranking.queries == (1,)
    space.select_queries((0, 1))
    qtbot.waitUntil(lambda: space.ranking.queries == (0, 1), timeout=WAIT)
    settled(qtbot, window)
    assert space.ranking.method == "qaconv"
    note = window.explore.results.header.added_note
    assert note.isVisible()
    assert "Several queries" in note.text()
    space.select_queries((0,))
    ranked(qtbot, window)
    press(window, Qt.Key_1, modifiers=Qt.AltModifier)
    qtbot.waitUntil(lambda: space.ranking.method == "qaconv", timeout=WAIT)
    press(window, Qt.Key_4, modifiers=Qt.AltModifier)
    ranked(qtbot, window)
    assert np.isfinite(space.measures.of(NORMALISED).ap[:2]).all()
    assert (space.measures.of(NORMALISED).top[:2] < 1).all()
