"""Contributions above average: computed, shown and exported."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import Qt

from app.items.correspondences import CorrespondenceModel
from app.jobs.controller import Controller
from app.jobs.match_exports import match_export
from app.state.overlay import beyond_usual, heat_of, lines_of, scale_of
from app.state.score_breakdown import breakdown_of
from app.state.session import Session
from app.state.values import Look
from app.state.workspace import Workspace
from app.views.explore.details_panel import DetailsPanel
from app.views.explore.inspector import Inspector
from tests.app.real import WAIT, open_and_wait, tiny_market, tiny_model
from tests.app.samples import above_average, sample_pair


@pytest.fixture
def known(space):
    space.set_pair(above_average(space.pair))
    return space


def until(qtbot, condition):
    qtbot.waitUntil(condition, timeout=WAIT)


def test_after_the_ranking_the_pair_is_set_against_the_whole_gallery(qtbot, runner, tmp_path):
    controller = Controller(Workspace(), runner)
    controller.measure_unasked = False
    open_and_wait(qtbot, controller, tiny_market(tmp_path), tiny_model(tmp_path / "m"))
    space, matching = controller.workspace, controller.matching
    until(qtbot, lambda: space.pair.relative is not None)
    own = matching.own_files((0,))
    others = [g for g in range(len(space.data.gallery)) if g not in own]
    pairs = [matching.explain(0, g).match for g in others]
    usual = np.mean([m.query_contribution for m in pairs], axis=0)
    found = space.pair.relative
    assert found.query == pytest.approx(space.pair.match.query_contribution - usual, abs=1e-4)
    assert found.mean_logit == pytest.approx(np.mean([m.logit for m in pairs]), abs=1e-3)
    total = found.query.sum() + found.gallery.sum() + found.mean_logit
    assert total == pytest.approx(space.pair.match.logit, abs=1e-4)
    # the next candidate of the query has it at once, another query gets its own
    space.select_candidate(int(space.ranking.order[-1]))
    until(qtbot, lambda: not space.pair_stale)
    assert space.pair.relative.mean_logit == found.mean_logit
    space.select_queries((2,))
    until(qtbot, lambda: space.pair.query == 2 and space.pair.relative is not None)
    assert space.pair.relative.mean_logit != found.mean_logit
    controller.close()


@pytest.mark.parametrize("direction", ["query", "gallery", "mutual"])
def test_lines_are_those_beyond_the_usual_and_plain_ones_until_that_is_known(space, direction):
    look, pair = Look(direction=direction, threshold=-1.0, count=5), above_average(space.pair)
    assert look.colour_by == look.heat_of == "relative"
    plain = lines_of(space.pair, look)
    assert (plain.kind, plain.drawn) == (
        "contribution",
        lines_of(space.pair, replace(look, colour_by="contribution")).drawn,
    )
    lines = lines_of(pair, look)
    query, gallery = pair.relative.sides
    for line, value in zip(lines.drawn, lines.values(), strict=True):
        terms = {"query": query.flat[line.query_cell], "gallery": gallery.flat[line.gallery_cell]}
        assert value == pytest.approx(terms.get(direction, sum(terms.values())))
    every = lines_of(pair, replace(look, count=999)).values()
    assert lines.values().tolist() == sorted(every, reverse=True)[:5]


def test_heat_and_scale_follow_what_is_known(known):
    pair = known.pair
    largest = max(np.abs(side).max() for side in pair.relative.sides)
    scale = scale_of("relative", pair.match, relatives=[pair.relative])
    assert (scale.kind, scale.high) == ("relative", pytest.approx(largest))
    assert scale_of("relative", pair.match, relatives=[None]).kind == "contribution"
    assert (
        heat_of(pair.match, "gallery", "relative", pair.relative) == pair.relative.gallery
    ).all()
    plain = heat_of(pair.match, "gallery", "relative")
    assert (plain == pair.match.gallery_contribution).all()


def test_the_sum_beyond_the_usual_adds_up_to_the_logit(known):
    pair = known.pair
    total = breakdown_of(pair.match, relative=pair.relative)
    assert [part.kind for part in total.totals] == ["strongest", "rest", "rest", "usual", "logit"]
    assert total.totals[-1].value == pytest.approx(pair.match.logit, abs=1e-4)
    shown = sum(part.shown for part in total.totals[:-1])
    assert shown == pytest.approx(total.totals[-1].shown, abs=1e-9)


def test_the_raw_measure_is_one_choice_away(qtbot, known, pictures):
    inspector, details = Inspector(known, pictures), DetailsPanel(known, pictures)
    for widget in (inspector, details):
        qtbot.addWidget(widget)
        widget.resize(900, 700)
        widget.show()
    assert inspector.bar._scale.kind == "relative"
    assert any(row.label == "average logit" for row in details.chart.rows)
    colours = inspector.controls.colour_by.actions_
    colours["contribution"].trigger()
    assert known.look.colour_by == "contribution"
    assert inspector.bar._scale.kind == "contribution"
    assert not any(row.label == "average logit" for row in details.chart.rows)
    colours["similarity"].trigger()
    assert known.look.colour_by == "similarity"


def test_the_table_tells_what_is_beyond_usual(qtmodeltester, known):
    model = CorrespondenceModel()
    model.set_pair(known.pair, known.look)
    qtmodeltester.check(model)
    pair, row = known.pair, model.rows[0]
    values = [beyond_usual([r], "query", pair.relative)[0] for r in model.rows]
    assert values == sorted(values, reverse=True)
    assert model.index(0, 4).data().startswith("+")
    percentile = pair.relative.query_percentile.flat[row.query_cell]
    assert f"{percentile:.0f} %" in model.index(0, 4).data(Qt.ToolTipRole)
    model.set_pair(sample_pair(), known.look)
    assert model.index(0, 4).data() == "–"
    adds = [r.contribution for r in model.rows]
    assert adds == sorted(adds, reverse=True)


def test_exports_follow_the_look(known):
    export = match_export(known)
    rows = list(csv.DictReader(io.StringIO(export.csv_text())))
    drawn = [float(row["beyond_usual"]) for row in rows if row["drawn"] == "1"]
    lines = lines_of(known.pair, known.look)
    assert sorted(drawn) == pytest.approx(sorted(lines.values()))
    assert export.numbers()["relative"]["mean_logit"] == known.pair.relative.mean_logit
    texts = [text.get_text() for axes in export.figure().axes for text in axes.texts]
    assert "average logit" in texts


def test_sessions_of_before_keep_what_they_had_chosen():
    record = Session().to_record()
    record["look"] = {**record["look"], "colour_by": "contribution", "heat_of": "similarity"}
    look = Session.from_record(record).look
    assert (look.colour_by, look.heat_of) == ("contribution", "similarity")
    assert Session.from_record({}).look.colour_by == "relative"
