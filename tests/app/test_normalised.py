"""Ranking by normalised scores in the real window, by mouse and keys."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.items.row_models import ENTRY_ROLE
from app.jobs import engine
from app.jobs.ranking_exports import ranking_export
from app.state.overlay import lines_of
from app.state.part_words import drawn_text
from app.state.restoring import restore
from app.state.scene import scene_of
from app.state.session import Session, session_of
from app.state.values import METHODS, NORMALISED
from app.views.explore.results_panel import STRANGERS
from qaconv_core.progress import WorkContext
from qaconv_core.ranking.cohorts import CohortRule
from tests.app.real import WAIT, press, settled


@pytest.fixture
def window(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    return window


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
    wanted = matching.rank_normalised((0,))
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


@pytest.mark.parametrize("other_meanwhile", [False, True])
def test_waiting_for_strangers_is_seen_where_the_ranking_will_be(
    qtbot, window, monkeypatch, other_meanwhile
):
    gate, measure = threading.Event(), engine.measure_cohorts

    def later(matching, context):
        assert gate.wait(WAIT / 1000)
        return measure(matching, context)

    monkeypatch.setattr(engine, "measure_cohorts", later)
    space, view = window.workspace, window.explore.results.view
    press(window, Qt.Key_4, modifiers=Qt.AltModifier)
    assert view.waiting == STRANGERS
    assert space.ranking is not None, "the previous one stays, greyed"
    if other_meanwhile:
        press(window, Qt.Key_1, modifiers=Qt.AltModifier)
        assert not view.waiting
    gate.set()
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    settled(qtbot, window)
    assert not view.waiting
    assert space.method == ("qaconv" if other_meanwhile else NORMALISED)


def test_strangers_that_are_not_measured_are_not_waited_for(qtbot, window, monkeypatch):
    monkeypatch.setattr(engine, "measure_cohorts", lambda _m, context: context.cancel._event.wait())
    view = window.explore.results.view
    press(window, Qt.Key_4, modifiers=Qt.AltModifier)
    (job,) = [job for job in window.runner.jobs if job.title.startswith("Measuring strangers")]
    job.cancel()
    qtbot.waitUntil(lambda: not view.waiting, timeout=WAIT)
    assert window.workspace.method == "qaconv"


def test_keys_change_the_method_and_several_queries_are_joined(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_4, modifiers=Qt.AltModifier)
    ranked(qtbot, window)
    space.select_queries((1,))
    ranked(qtbot, window)
    assert space.ranking.queries == (1,)
    space.select_queries((0, 1))
    for fuse in ("max", "mean"):
        window.explore.queries.fuse_buttons[fuse].click()
        qtbot.waitUntil(
            lambda fuse=fuse: space.ranking.queries == (0, 1) and not space.ranking_stale
            and space.ranking_fuse == fuse, timeout=WAIT,
        )  # fmt: skip
        settled(qtbot, window)
        explained(qtbot, window)
        wanted = window.controller.matching.rank_normalised((0, 1), fuse)
        assert space.ranking.method == NORMALISED
        np.testing.assert_allclose(space.strangers.n, wanted.n)
        assert not window.explore.results.header.added_note.isVisible()
        assert space.pair.query == 0, "the first query is explained, as for logits"
        assert "2 queries together" in window.explore.details.score.text()
        (item,) = json.loads(ranking_export(space).json_text())["queries"]
        assert (item["normalised"]["queries"], item["normalised"]["fuse"]) == (2, fuse)
    space.select_queries((0,))
    ranked(qtbot, window)
    press(window, Qt.Key_1, modifiers=Qt.AltModifier)
    qtbot.waitUntil(lambda: space.ranking.method == "qaconv", timeout=WAIT)
    press(window, Qt.Key_4, modifiers=Qt.AltModifier)
    ranked(qtbot, window)
    assert np.isfinite(space.measures.of(NORMALISED).ap[:2]).all()
    assert (space.measures.of(NORMALISED).top[:2] < 1).all()


def by_n(qtbot, window):
    """Ranked and explained by normalised scores."""
    press(window, Qt.Key_4, modifiers=Qt.AltModifier)
    ranked(qtbot, window)
    explained(qtbot, window)


def explained(qtbot, window):
    space = window.workspace
    qtbot.waitUntil(
        lambda: space.pair.normalised is not None and not space.pair_stale, timeout=WAIT
    )


def test_pairs_are_explained_by_the_parts_of_n(qtbot, window):
    space, details = window.workspace, window.explore.details
    by_n(qtbot, window)
    pair, n = space.pair, space.strangers.n
    parts = pair.normalised
    assert parts.query.sum() + parts.gallery.sum() == pytest.approx(n[pair.candidate], abs=1e-4)
    rows = details.chart.rows
    assert rows[-1].label == "above strangers"
    assert rows[-1].part.value == pytest.approx(n[pair.candidate], abs=1e-4)
    assert space.strangers.share_words(pair.candidate) in details.score.text()
    zones = [row.part.value for row in rows if row.part.kind == "zone"]
    assert sum(zones) == pytest.approx(n[pair.candidate], abs=1e-4)
    assert lines_of(pair, space.look).values() == pytest.approx(
        [parts.query.flat[line.query_cell] for line in lines_of(pair, space.look).drawn]
    )
    assert details.table.rows.headerData(4, Qt.Horizontal) == "Part\nof N"
    assert "above strangers" in window.explore.inspector.readout.toolTip()
    assert window.explore.inspector.controls.colour_by.text() == "above strangers"
    space.change_look(colour_by="contribution", heat_of="contribution")
    assert details.chart.rows[-1].label == "logit", "plain contributions stay one choice away"
    press(window, Qt.Key_1, modifiers=Qt.AltModifier)
    qtbot.waitUntil(lambda: space.pair.normalised is None and not space.pair_stale, timeout=WAIT)


def test_a_part_two_candidates_and_what_if_follow_n(qtbot, window):
    space, matching = window.workspace, window.controller.matching
    by_n(qtbot, window)
    part = np.zeros(space.pair.match.grid, bool)
    part[: part.shape[0] // 2] = True
    space.parts.draw(part)
    part = space.parts.part
    qtbot.waitUntil(lambda: space.ranking.part is part and not space.ranking_stale, timeout=WAIT)
    explained(qtbot, window)
    assert space.ranking.method == NORMALISED
    best = matching.explain(0, space.pair.candidate, part, normalised=True)
    assert space.strangers.n[space.pair.candidate] == pytest.approx(best.total, abs=1e-4)
    assert (space.pair.normalised.query[~part] == 0).all()
    space.parts.whole_query()
    qtbot.waitUntil(lambda: space.ranking.part is None and not space.ranking_stale, timeout=WAIT)
    explained(qtbot, window)

    space.change_look(mode="compare")
    qtbot.waitUntil(lambda: space.why is not None and not space.pair_stale, timeout=WAIT)
    difference, n = space.why.difference, space.strangers.n
    wanted = n[space.pair.candidate] - n[space.other_pair.candidate]
    parts = (difference.query, difference.gallery_a, difference.gallery_b)
    assert sum(p.sum() for p in parts) == pytest.approx(wanted, abs=1e-4)
    assert difference.total == pytest.approx(wanted, abs=1e-4)
    space.change_look(mode="lines")

    hidden = np.zeros_like(part)
    hidden[0] = True
    space.parts.hide("query", hidden)
    qtbot.waitUntil(
        lambda: space.parts.now.what_if is not None
        and space.parts.now.what_if.rank_after is not None, timeout=WAIT,
    )  # fmt: skip
    answer, covered = space.parts.now.what_if, space.shown_pair
    left = matching.explain(0, space.pair.candidate, ~hidden, normalised=True)
    assert answer.normalised == pytest.approx((space.pair.total, left.total), abs=1e-4)
    assert covered.normalised.query.sum() + covered.normalised.gallery.sum() == pytest.approx(
        left.total, abs=1e-4
    )
    after = matching.rank_normalised((0,), part=~hidden)
    assert answer.rank_after == after.ranking.rank_of(space.pair.candidate)
    assert "above strangers" in drawn_text(space.parts.now)


def test_the_line_is_drawn_and_says_when_nobody_is_there(qtbot, window, tmp_path):
    space, results = window.workspace, window.explore.results
    by_n(qtbot, window)
    strangers, ranking = space.strangers, space.ranking
    header = results.header
    assert header.lined.isVisible()
    counted = ranking.truth != ranking.JUNK
    above = int((ranking.values[counted] > strangers.line.value).sum())
    assert header.line.text().startswith(f"{above} above" if above else "Probably nobody")
    rows = [results.model.entry(row) for row in range(results.model.rowCount())]
    assert [r.below for r in rows] == [
        strangers.n[r.candidate] <= strangers.line.value for r in rows
    ]
    assert sum(r.first_below for r in rows) == 1
    tip = results.model.index(0).data(Qt.ToolTipRole)
    assert strangers.share_words(rows[0].candidate) in tip
    before = strangers.line.value
    header.alarms.actions_["0.01"].trigger()
    qtbot.waitUntil(
        lambda: space.strangers.line.false_alarms == 0.01 and not space.ranking_stale, timeout=WAIT
    )
    assert space.strangers.line.value > before
    assert "Probably nobody" in header.line.text() or space.strangers.above(space.ranking)
    kept = session_of(space, None, window.controller.model_request)
    again = Session.from_record(json.loads(json.dumps(kept.to_record())))
    assert (again.method, again.look.false_alarms) == (NORMALISED, 0.01)
    (item,) = json.loads(ranking_export(space).json_text())["queries"]
    assert item["normalised"]["false_alarms"] == 0.01


def test_normalised_scores_are_re_ranked_as_on_the_command_line(qtbot, window):
    space, matching = window.workspace, window.controller.matching
    window.controller.measure()
    qtbot.waitUntil(lambda: bool(space.measures_complete), timeout=WAIT)
    assert space.methods == METHODS
    press(window, Qt.Key_5, modifiers=Qt.AltModifier)
    qtbot.waitUntil(
        lambda: space.ranking.method == "qaconv+norm+rerank" and not space.ranking_stale,
        timeout=WAIT,
    )
    explained(qtbot, window)
    wanted = matching.measured.scores["qaconv+norm+rerank"][0]
    np.testing.assert_allclose(space.ranking.gallery_values, wanted)
    assert space.pair.total == pytest.approx(space.strangers.n[space.pair.candidate], abs=1e-4)
    captions = " ".join(str(panel) for panel in scene_of(space).panels)
    assert "re-ranked" in captions
    assert "above strangers" in captions or "below strangers" in captions


def test_a_session_ranked_by_n_comes_back(qtbot, window):
    by_n(qtbot, window)
    space, controller = window.workspace, window.controller
    kept = session_of(space, controller.data_request, controller.model_request)
    space.set_method("qaconv")
    controller.measure_unasked = False
    controller.open(kept.data, restore=lambda: restore(space, kept))
    qtbot.waitUntil(
        lambda: space.ranking is not None and space.ranking.method == NORMALISED
        and not space.ranking_stale, timeout=WAIT,
    )  # fmt: skip
