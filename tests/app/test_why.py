"""Why A stands above B: the differences by cell add up, are listed, mapped and asked for by key."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, Qt

from app.items.breakdown_painter import sections_of
from app.jobs.controller import Controller
from app.jobs.images import ImageLoader
from app.state.values import Cell
from app.state.why import breakdown_of_difference
from app.state.words import logit_text
from app.state.workspace import Workspace
from app.views.explore.details_panel import DetailsPanel
from app.views.explore.inspector import Inspector
from app.views.explore.results_panel import ResultsPanel
from qaconv_core.explaining.difference import difference, reasons
from qaconv_core.galleries.values import Why
from qaconv_core.types import RankingResult
from tests.app.real import WAIT, open_and_wait, tiny_market, tiny_model
from tests.app.samples import sample_pair


def why_of(first, second) -> Why:
    found = difference(first.match, second.match)
    return Why(found, tuple(reasons(found, None)))


@pytest.fixture
def compared(space):
    """The sample workspace with two candidates side by side."""
    first = space.pair
    other = int(space.ranking.order[1])
    second = sample_pair(0, other)
    space.compare_with(other)
    space.set_pair(first, (second,), why_of(first, second))
    space.change_look(mode="compare")
    return space


def test_the_terms_add_up_largest_first(compared):
    why, pairs = compared.why, (compared.pair, compared.other_pair)
    total = breakdown_of_difference(why)
    sizes = [abs(part.value) for part in total.cells]
    assert sizes == sorted(sizes, reverse=True)
    assert [part.kind for part in total.totals] == ["strongest"] + ["rest"] * 3 + ["difference"]
    expected = pairs[0].match.logit - pairs[1].match.logit
    assert sum(part.value for part in total.totals[:-1]) == pytest.approx(expected, abs=1e-4)
    shown = sum(part.shown for part in total.totals[:-1])
    assert shown == pytest.approx(total.totals[-1].shown, abs=1e-9)
    assert sum(part.cells for part in total.totals) == len(why.reasons) == 3 * 18


def test_the_details_list_the_differences_only_while_comparing(qtbot, compared, pictures):
    details = DetailsPanel(compared, pictures)
    qtbot.addWidget(details)
    details.resize(320, 800)
    details.show()
    chart = details.chart
    assert chart.rows[-1].label == "difference"
    logits = [logit_text(pair.match.logit) for pair in (compared.pair, compared.other_pair)]
    assert details.score.text().startswith(f"logit {logits[0]} − ({logits[1]}); scores ")
    row = chart.rows[0]
    qtbot.mouseClick(chart, Qt.LeftButton, pos=row.rect.center().toPoint() + QPoint(0, 0))
    assert compared.selection.cell == row.part.cell
    compared.change_look(mode="lines")
    assert chart.rows[-1].label == "logit"
    assert details.score.text().startswith("score ")


def test_a_cell_of_the_other_is_named_as_its_own(compared):
    total = breakdown_of_difference(compared.why, top=54)
    zones = [compared.zones_of(pair) for pair in (compared.pair, compared.other_pair)]
    rows = sections_of(total, compared.pair, zones, (), 300)[0].rows
    for row, reason in zip(rows, compared.why.reasons, strict=True):
        if reason.kind == "b":
            assert row.label == f"{zones[1].name(Cell('gallery', reason.cell_b))} (other)"
            assert row.part.cell == Cell("query", reason.query_cell)


def test_the_map_lies_over_the_query(qtbot, compared, pictures):
    inspector = Inspector(compared, pictures)
    qtbot.addWidget(inspector)
    inspector.resize(1000, 700)
    inspector.show()
    compared.change_look(count=0)  # no lines over it
    canvas = inspector.canvas
    qtbot.waitUntil(lambda: None not in canvas.stage.images, timeout=WAIT)

    def colour_of_largest() -> tuple[int, int]:
        values = compared.why.difference.query
        row, column = np.unravel_index(values.argmax(), values.shape)
        box = canvas.stage.boxes[canvas.scene.find(("query", 0))]
        x, y = box.at((column + 0.5) / values.shape[1], (row + 0.5) / values.shape[0])
        colour = canvas.grab().toImage().pixelColor(int(x), int(y))
        return colour.red(), colour.blue()

    red, blue = colour_of_largest()
    assert red > blue + 60
    assert "red speaks for the candidate" in inspector.readout.text()
    plain = colour_of_largest()
    compared.change_look(overlay=False)
    assert colour_of_largest() != plain


def test_w_sets_the_first_false_match_beside_the_first_true_one(qtbot, runner, tmp_path):
    controller = Controller(Workspace(), runner)
    controller.measure_unasked = False
    open_and_wait(qtbot, controller, tiny_market(tmp_path), tiny_model(tmp_path / "m"))
    space, thumbnails = controller.workspace, ImageLoader(64)
    results = ResultsPanel(space, thumbnails)
    qtbot.addWidget(results)
    results.handlers()["candidate.why_false"].run()
    ranking = space.ranking
    wanted = [ranking.first(truth) for truth in (RankingResult.FALSE, RankingResult.TRUE)]
    qtbot.waitUntil(lambda: space.why is not None and not space.pair_stale, timeout=WAIT)
    qtbot.waitUntil(lambda: space.pair.relative is not None, timeout=WAIT)
    assert [space.selection.candidate, space.selection.other] == wanted
    assert space.look.mode == "compare"
    logits = [ranking.value_of(candidate) for candidate in wanted]
    total = sum(reason.amount for reason in space.why.reasons)
    assert total == pytest.approx(logits[0] - logits[1], abs=1e-3)
    thumbnails.close()
    controller.close()


@pytest.mark.parametrize("mode", ["lines", "heat", "hover"])
def test_a_cell_pointed_at_while_comparing_is_no_fault_of_the_next_view(
    qtbot, compared, pictures, mode
):
    inspector = Inspector(compared, pictures)
    qtbot.addWidget(inspector)
    inspector.resize(1000, 700)
    inspector.show()
    qtbot.waitExposed(inspector)
    compared.set_hover(Cell("query", 3))
    assert len(inspector.canvas.marks) == 2
    inspector.canvas.grab()
    compared.change_look(mode=mode)
    inspector.canvas.grab()
    assert len(inspector.canvas.marks) == 1
    assert inspector.controls.modes[mode].isChecked()
    assert not inspector.controls.modes["compare"].isChecked()
    inspector.close()
