"""Search by part and "what if" under mouse and keys, with the real engine on a tiny set.

What is shown is compared with the matching rule applied to the pair without the cells left out.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QMainWindow

from app.items.part_layers import PART
from app.jobs import engine
from app.jobs.controller import Controller
from app.jobs.job import JobContext
from app.jobs.match_exports import match_export
from app.jobs.ranking_exports import ranking_export
from app.jobs.what_if_jobs import next_candidate
from app.state import drawn_parts as parts
from app.state import part_words, words
from app.state.drawn_parts import DrawnParts
from app.state.overlay import lines_of
from app.state.values import Cell
from app.state.workspace import Workspace
from app.views.explore.explore_page import ExplorePage
from app.views.widgets.actions import Actions
from qaconv_core.explaining.covering import WINDOW, window_mask
from qaconv_core.explaining.part import part_evidence
from qaconv_core.explaining.zones import ZONES, zones_by_height
from qaconv_core.galleries import parts as part_search
from qaconv_core.galleries.search import open_search
from qaconv_core.galleries.values import Regions, WhatIf
from qaconv_core.matching.correspondences import match_maps
from qaconv_core.progress import CancelToken
from qaconv_core.types import RankingResult, score_of_logit
from tests.app.real import WAIT, tiny_market, tiny_model
from tests.app.samples import sample_ranking


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The set and the model, read once: (what was loaded, maps of the set)."""
    folder, context = tmp_path_factory.mktemp("parts"), JobContext(lambda _: None, CancelToken())
    model = engine.inspect_model(tiny_model(folder), context)
    dataset = engine.inspect_data(tiny_market(folder), context).dataset
    return model, open_search(model.model, engine.open_set(dataset), None)[0]


@pytest.fixture
def page(qtbot, runner, loaded):
    """The page to explore in a window with all its keys, the first match explained."""
    model, matching = loaded
    matching.parts = part_search.PartSearch(matching.model, matching.gallery, matching.query_map)
    controller = Controller(Workspace(), runner)
    controller.model = model.model
    controller.sources.use(matching)
    space = controller.workspace
    window = QMainWindow()
    qtbot.addWidget(window)
    made = ExplorePage(space, window)
    window.setCentralWidget(made)
    window.actions_ = Actions(window)
    window.actions_.bind(made.handlers())
    made.controller = controller
    window.resize(1200, 900)
    window.show()
    qtbot.waitExposed(window)
    space.open_data(matching.data)
    space.set_model(model.info)
    with qtbot.waitSignal(controller.settled, timeout=WAIT):
        space.select_queries((0,))
    window.actions_.watch(space.parts.changed, space.selection_changed, space.look_changed)
    yield made
    made.close_loaders()
    controller.close()


def key(page, code, modifier=Qt.NoModifier):
    QTest.keyClick(page.window(), code, modifier)


def spot(canvas, panel, x, y):
    """A point of a picture, by fractions of it."""
    box = canvas.stage.boxes[canvas.scene.find(panel)]
    return QPoint(round(box.x + x * box.width), round(box.y + y * box.height))


def drag(page, panel, *points, modifier=Qt.NoModifier, release=True):
    """The left button pressed at the first point, moved along the others, let go at the last."""
    canvas = page.inspector.canvas
    places = [spot(canvas, panel, *point) for point in points]
    QTest.mousePress(canvas, Qt.LeftButton, modifier, places[0])
    for place in places[1:]:
        event = QMouseEvent(
            QEvent.MouseMove, QPointF(place), Qt.NoButton, Qt.LeftButton, Qt.NoModifier
        )
        QApplication.sendEvent(canvas, event)
    if release:
        QTest.mouseRelease(canvas, Qt.LeftButton, modifier, places[-1])


def followed(qtbot, page):
    """Wait until ranking and match are those of what is drawn."""
    space = page.controller.workspace

    def there():
        part = space.parts.part
        return (
            not (space.ranking_stale or space.pair_stale)
            and space.ranking.part is part
            and space.pair.part is part
            and space.ranking.queries == space.selection.queries
        )

    qtbot.waitUntil(there, timeout=WAIT)
    return space


def without(page, query, candidate, part=None, hidden=None):
    """The plain matching rule on the cells that remain."""
    matching = page.controller.matching
    return match_maps(
        *matching.maps_of(query, candidate), matching.model.head,
        keep_query=part, keep_gallery=None if hidden is None else ~hidden,
    )  # fmt: skip


def grid_of(page):
    return page.controller.matching.model.head.grid


# ── search by part ──────────────────────────────────────────────────────────────────────────────


def test_a_box_on_the_query_ranks_the_gallery_by_its_cells(qtbot, page):
    space = page.controller.workspace
    plain = space.ranking
    key(page, Qt.Key_B)
    page.window().actions_.refresh()
    assert page.window().actions_.by_id["match.part_box"].isChecked()
    assert page.inspector.tools.buttons["match.part_box"].isChecked()
    drag(page, ("query", 0), (0.01, 0.01), (0.3, 0.3), (0.55, 0.6))
    followed(qtbot, page)
    part = space.parts.part
    assert 0 < part.sum() < part.size
    expected = [without(page, 0, g, part).logit for g in range(len(space.data.gallery))]
    assert space.ranking.values == pytest.approx(np.array(expected)[space.ranking.order], abs=1e-4)
    assert (np.diff(space.ranking.values) <= 0).all()
    assert not np.array_equal(space.ranking.values, plain.values)
    # The best of the new ranking is shown, and what is shown adds up to its logit.
    assert space.ranking.rank_of(space.selection.candidate) == 1
    match = space.pair.match
    total = match.query_contribution.sum() + match.gallery_contribution.sum() + match.bias
    assert total == pytest.approx(match.logit, abs=1e-4)
    assert match.logit == pytest.approx(space.ranking.values.max(), abs=1e-4) or (
        space.ranking.truth[0] == RankingResult.JUNK
    )
    assert (match.query_contribution[~part] == 0).all()
    header = page.results.header
    assert header.by_part.isVisible()
    zones = zones_by_height(part.shape)
    assert header.part.text() == part_words.part_text(space.ranking, zones)
    most = ZONES[np.bincount(zones[part]).argmax()]
    assert header.part.text().startswith(f"By part: {most}")
    assert "cells" not in header.part.text()
    assert f"by {part.sum()} of {part.size} cells" in header.part.toolTip()
    assert f"{part.sum()} of {part.size}" in page.details.drawn.text()
    QTest.mouseClick(header.whole, Qt.LeftButton)
    followed(qtbot, page)
    assert space.ranking.values == pytest.approx(plain.values)
    assert not header.by_part.isVisible()


def test_lines_and_found_cells_are_those_of_the_part(qtbot, page):
    space = page.controller.workspace
    space.change_look(threshold=-1.0, count=999)
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.45))
    followed(qtbot, page)
    part = space.parts.part
    lines = page.inspector.canvas.stage.lines[0].drawn
    assert {line.query_cell for line in lines} == set(np.flatnonzero(part))
    assert {line.gallery_cell for line in lines} == set(np.flatnonzero(space.pair.found))
    assert page.details.table.model().rowCount() == part.sum()


def test_a_part_has_no_usual_and_the_whole_query_has_it_again(qtbot, page):
    space, inspector = page.controller.workspace, page.inspector
    qtbot.waitUntil(lambda: space.pair.relative is not None, timeout=WAIT)
    key(page, Qt.Key_4)
    qtbot.waitUntil(lambda: space.why is not None and not space.pair_stale, timeout=WAIT)
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.45))
    followed(qtbot, page)
    qtbot.waitUntil(lambda: space.why is not None and not space.pair_stale, timeout=WAIT)
    pairs = (space.pair, space.other_pair)
    assert [pair.relative for pair in pairs] == [None, None]
    assert inspector.canvas.stage.scale.kind == "contribution"
    assert {lines.kind for lines in inspector.canvas.stage.lines} == {"contribution"}
    # The difference is that of the part, to the last cell.
    terms = sum(reason.amount for reason in space.why.reasons)
    assert terms == pytest.approx(pairs[0].match.logit - pairs[1].match.logit, abs=1e-4)
    assert (space.why.difference.query[~space.parts.part] == 0).all()
    assert (space.why.difference.gallery_a == pairs[0].match.gallery_contribution).all()
    export = match_export(space)
    assert export.numbers()["relative"] is None
    export.figure()
    space.parts.whole_query()
    followed(qtbot, page)
    assert None not in (space.pair.relative, space.other_pair.relative)
    assert inspector.canvas.stage.scale.kind == "relative"


def test_ignoring_is_the_complement_and_esc_clears(qtbot, page):
    space = page.controller.workspace
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.45))
    region = space.parts.part
    key(page, Qt.Key_I)
    assert (space.parts.part == ~region).all()
    assert page.inspector.tools.buttons["match.part_ignore"].isChecked()
    followed(qtbot, page)
    best = space.ranking.order[0]
    expected = without(page, 0, best, ~region).logit
    assert space.ranking.values[0] == pytest.approx(expected, abs=1e-4)
    key(page, Qt.Key_Escape)
    assert space.parts.part is None
    assert space.parts.now.tool == ""
    followed(qtbot, page)
    assert space.pair.full_logit is None


def test_lasso_and_brush_shift_and_ctrl(page):
    space = page.controller.workspace
    h, w = grid_of(page)
    key(page, Qt.Key_B, Qt.ShiftModifier)
    assert space.parts.now.tool == "lasso"
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.01), (0.99, 0.5), (0.01, 0.5))
    assert space.parts.now.region[: h // 2].all()
    assert not space.parts.now.region[h // 2 + 1 :].any()
    page.controller.workspace.parts.whole_query()
    key(page, Qt.Key_P)
    drag(page, ("query", 0), (0.5 / w, 0.5 / h), (0.5 / w, 0.5 / h + 0.001))
    assert list(np.flatnonzero(space.parts.part)) == [0]
    drag(page, ("query", 0), (0.5 / w, 1.5 / h), (1.5 / w, 1.5 / h))
    assert list(np.flatnonzero(space.parts.part)) == [0, w, w + 1]
    drag(page, ("query", 0), (0.5 / w, 0.5 / h), (0.5 / w, 0.5 / h), modifier=Qt.ControlModifier)
    assert list(np.flatnonzero(space.parts.part)) == [w, w + 1]
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.5 / w, 0.5 / h), (0.5 / w, 0.5 / h), modifier=Qt.ShiftModifier)
    assert list(np.flatnonzero(space.parts.part)) == [0, w, w + 1]


def test_one_cell_no_cell_and_all_cells(qtbot, page):
    space = page.controller.workspace
    plain = space.ranking
    h, w = grid_of(page)
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.2, -0.006), (0.3, -0.005))  # above the picture
    assert space.parts.part is None
    assert page.inspector.readout.text() == parts.NO_CELL
    drag(page, ("query", 0), (-0.015, -0.005), (1.015, 1.005))
    assert space.parts.part is None
    assert page.inspector.readout.text() == parts.WHOLE
    assert space.ranking is plain
    QTest.mouseClick(
        page.inspector.canvas, Qt.LeftButton, Qt.NoModifier,
        spot(page.inspector.canvas, ("query", 0), 0.5 / w, 0.5 / h),
    )  # fmt: skip
    assert list(np.flatnonzero(space.parts.part)) == [0]
    followed(qtbot, page)
    assert np.isfinite(space.ranking.values).all()
    key(page, Qt.Key_P)
    cell = (0.5 / w, 0.5 / h)
    drag(page, ("query", 0), cell, cell, modifier=Qt.ControlModifier)
    assert page.inspector.readout.text() == parts.NONE_LEFT
    assert list(np.flatnonzero(space.parts.part)) == [0]


def test_the_gallery_is_compared_once_for_all_parts_of_a_query(qtbot, page, monkeypatch):
    passes = []
    real = part_search.query_maxima
    monkeypatch.setattr(
        part_search, "query_maxima", lambda *a, **k: (passes.append(1), real(*a, **k))[1]
    )
    key(page, Qt.Key_B)
    for end in (0.4, 0.6, 0.8):
        drag(page, ("query", 0), (0.01, 0.01), (0.99, end))
        followed(qtbot, page)
    assert passes == [1]


def test_with_several_queries_the_others_take_part_whole(qtbot, page):
    space = page.controller.workspace
    space.select_queries((0, 3))
    followed(qtbot, page)
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.45))
    followed(qtbot, page)
    part = space.parts.part
    gallery = range(len(space.data.gallery))
    rows = [
        [without(page, 0, g, part).logit for g in gallery],
        [without(page, 3, g).logit for g in gallery],
    ]
    expected = np.max(rows, axis=0)[space.ranking.order]
    assert space.ranking.values == pytest.approx(expected, abs=1e-4)
    assert page.results.header.part.text().endswith("1 more query whole")


@pytest.mark.parametrize("queries", [(0,), (0, 3)])
def test_thumbnails_show_where_the_part_was_found(qtbot, page, queries):
    space, results = page.controller.workspace, page.results
    space.select_queries(queries)
    followed(qtbot, page)
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.6, 0.45))
    followed(qtbot, page)
    part, matching = space.parts.part, page.controller.matching
    rows = results.view.visible_rows()
    assert 0 < len(rows) < results.model.rowCount()
    qtbot.waitUntil(lambda: results.model.entry(rows[-1]).found is not None, timeout=WAIT)
    for row in rows:
        entry = results.model.entry(row)
        maps = matching.maps_of(queries[0], entry.candidate)
        best = without(page, queries[0], entry.candidate, part).query_best
        assert set(np.flatnonzero(entry.found.cells)) == set(best[part])
        share = part_evidence(*maps, matching.model.head, part)
        assert entry.found.evidence == pytest.approx(share)
        told = results.model.index(row).data(Qt.ToolTipRole)
        assert f"{part_words.share_text(share)} of this pair's evidence" in told
        whole = matching.joined(queries, "qaconv", "max")[entry.candidate]
        assert entry.logit == pytest.approx(whole, abs=1e-3)
        assert entry.value_text == words.score_text(score_of_logit(entry.logit))
        assert entry.part_logit == space.ranking.value_of(entry.candidate) <= entry.logit
    far = results.model.rowCount() - 1
    assert results.model.entry(far).found is None  # not seen yet
    space.select_candidate(results.model.candidate_at(far))
    qtbot.waitUntil(lambda: results.model.entry(far).found is not None, timeout=WAIT)
    followed(qtbot, page)
    assert f"{part_words.share_text(space.pair.evidence)}".replace(" ", "\u00a0") in (
        page.details.drawn.text()
    )
    key(page, Qt.Key_Backspace)
    followed(qtbot, page)
    assert results.model.entry(0).found is None
    assert results.model.entry(0).value_text == words.score_text(results.model.entry(0).score)
    assert space.parts.found == {}


def test_the_frame_is_painted_over_the_thumbnail(qtbot, page):
    space, view = page.controller.workspace, page.results.view

    def yellow():
        image = view.viewport().grab().toImage()
        colours = (
            image.pixelColor(x, y).getRgb()[:3]
            for x in range(image.width()) for y in range(image.height())
        )  # fmt: skip
        return sum(colour == PART.getRgb()[:3] for colour in colours)

    qtbot.waitUntil(lambda: not page.thumbnails.busy, timeout=WAIT)
    assert yellow() == 0
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.6, 0.45))
    followed(qtbot, page)
    qtbot.waitUntil(lambda: len(space.parts.found) > 0, timeout=WAIT)
    assert yellow() > 20


def test_a_part_stays_with_the_query_and_goes_with_it(qtbot, page):
    space = page.controller.workspace
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.45))
    followed(qtbot, page)
    part = space.parts.part
    space.select_candidate(int(space.ranking.order[-1]))
    followed(qtbot, page)
    assert space.pair.part is part
    assert space.pair.match.logit == pytest.approx(space.ranking.values[-1], abs=1e-4)
    space.select_queries((1,))
    assert space.parts.part is None
    followed(qtbot, page)
    assert space.ranking.part is None


def test_a_part_given_up_at_once_leaves_all_as_it_was(qtbot, page):
    space = page.controller.workspace
    ranking, pair = space.ranking, space.pair
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.45))
    key(page, Qt.Key_Escape)  # before the answer is there
    assert not space.ranking_stale
    assert not space.pair_stale
    qtbot.waitUntil(lambda: not page.controller.runner.busy, timeout=WAIT)
    assert space.ranking is ranking
    assert space.pair is pair


def test_aps_are_those_of_whole_queries(qtbot, page):
    space = page.controller.workspace
    before = space.current_measures.ap[0]
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.8), (0.4, 0.99))
    followed(qtbot, page)
    assert space.current_measures.ap[0] == before


def test_what_is_saved_names_the_part(qtbot, page):
    space = page.controller.workspace
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.45))
    followed(qtbot, page)
    cells = np.flatnonzero(space.parts.part).tolist()
    match = json.loads(match_export(space).json_text())
    assert match["part"] == cells
    assert match["whole_query_logit"] == pytest.approx(space.pair.full_logit)
    ranking = ranking_export(space)
    assert "_by_part_" in ranking.stem
    assert ranking.record()["part"] == cells
    assert ranking.record()["part_cells"].startswith(f"cells 0-{cells[-1]} of ")


# ── what if ─────────────────────────────────────────────────────────────────────────────────────


def answered(qtbot, page):
    """Wait for score and rank of what is hidden."""
    space = page.controller.workspace
    qtbot.waitUntil(
        lambda: (
            space.parts.now.what_if is not None and space.parts.now.what_if.rank_after is not None
        ),
        timeout=WAIT,
    )
    return space.parts.now.what_if


def counted_rank(space, values, candidate):
    """The rank of a picture by values (g,), counted one by one; junk has none."""
    truth = dict(zip(space.ranking.order.tolist(), space.ranking.truth.tolist(), strict=True))
    others = [v for g, v in enumerate(values) if g != candidate and truth[g] != RankingResult.JUNK]
    return 1 + sum(value > values[candidate] for value in others)


def test_hiding_cells_of_the_candidate(qtbot, page):
    space = page.controller.workspace
    candidate = space.selection.candidate
    key(page, Qt.Key_H)
    drag(page, ("gallery", 0), (0.01, 0.01), (0.5, 0.3), (0.99, 0.6))
    hidden = space.parts.now.hidden_gallery
    assert hidden.any()
    assert space.parts.now.hidden_query is None
    answer = answered(qtbot, page)
    after = without(page, 0, candidate, None, hidden).logit
    assert answer.logit_before == pytest.approx(space.pair.match.logit, abs=1e-4)
    assert answer.logit_after == pytest.approx(after, abs=1e-4)
    values = np.array(space.ranking.values[space.ranking.places], dtype=np.float64)
    assert answer.rank_before == space.ranking.rank_of(candidate) == 1
    values[candidate] = after
    assert answer.rank_after == counted_rank(space, values, candidate)
    text = part_words.what_if_text(answer)
    assert text in page.inspector.readout.text()
    assert text in page.details.drawn.text()
    for direction in ("query", "gallery", "mutual"):
        space.change_look(direction=direction, threshold=-1.0, count=999)
        drawn = lines_of(page.inspector.canvas.scene.pairs[0], space.look).drawn
        assert drawn
        assert not any(hidden.flat[line.gallery_cell] for line in drawn)
    (total,) = (row.part for row in page.details.chart.rows if row.part.kind == "logit")
    assert total.value == pytest.approx(after, abs=1e-4)
    assert page.details.score.text() == (
        f"score {words.score_text(score_of_logit(after))} = sigmoid(logit / 10), "
        "with the cells covered"
    )
    key(page, Qt.Key_Right)
    assert space.parts.now.hidden_gallery is None
    assert space.shown_pair is space.pair


def test_hiding_cells_of_the_query_hides_them_from_the_whole_gallery(qtbot, page):
    space = page.controller.workspace
    candidate = space.selection.candidate
    QTest.mouseClick(page.inspector.tools.buttons["match.hide_box"], Qt.LeftButton)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.6))
    hidden = space.parts.now.hidden_query
    answer = answered(qtbot, page)
    gallery = range(len(space.data.gallery))
    values = np.array([without(page, 0, g, ~hidden).logit for g in gallery])
    assert answer.logit_after == pytest.approx(values[candidate], abs=1e-4)
    assert answer.rank_after == counted_rank(space, values, candidate)


def test_the_answer_follows_the_pointer_and_esc_gives_up(qtbot, page):
    space = page.controller.workspace
    key(page, Qt.Key_H)
    drag(page, ("gallery", 0), (0.01, 0.01), (0.99, 0.3), release=False)
    small = space.parts.now.hidden_gallery.sum()
    first = answered(qtbot, page)
    canvas = page.inspector.canvas
    event = QMouseEvent(
        QEvent.MouseMove, QPointF(spot(canvas, ("gallery", 0), 0.99, 0.99)), Qt.NoButton,
        Qt.LeftButton, Qt.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)
    assert space.parts.now.hidden_gallery.sum() > small
    qtbot.waitUntil(lambda: space.parts.now.what_if.logit_after != first.logit_after, timeout=WAIT)
    bias = page.controller.matching.model.head.bias
    assert space.parts.now.what_if.logit_after == pytest.approx(bias)  # nothing is left to match
    key(page, Qt.Key_Escape)
    assert space.parts.now.hidden_gallery is None
    assert space.parts.now.what_if is None
    assert space.parts.now.tool == "hide"


def test_the_map_tells_what_hiding_each_region_does(qtbot, page):
    space = page.controller.workspace
    candidate = space.selection.candidate
    key(page, Qt.Key_O)
    qtbot.waitUntil(lambda: space.parts.now.regions is not None, timeout=WAIT)
    regions = space.parts.now.regions
    grid = grid_of(page)
    rival = next_candidate(space.ranking, candidate)
    assert regions.rival == rival
    base = space.pair.match.logit
    for cell in (0, grid[1], grid[0] * grid[1] - 1):
        mask = window_mask(cell, WINDOW, grid)
        query = without(page, 0, candidate, ~mask).logit
        own = without(page, 0, candidate, None, mask).logit
        assert regions.changes["query", 0].flat[cell] == pytest.approx(query - base, abs=1e-4)
        assert regions.changes["gallery", 0].flat[cell] == pytest.approx(own - base, abs=1e-4)
        below = own < without(page, 0, rival).logit
        assert regions.flips["gallery", 0].flat[cell] == below
    assert page.inspector.canvas.stage.scale.kind == "hiding"
    assert page.inspector.bar.ends[1] == words.adds_text(regions.limit)
    assert page.inspector.readout.text() == part_words.regions_text(regions)
    key(page, Qt.Key_O)
    assert space.parts.now.regions is None
    qtbot.waitUntil(lambda: space.pair.relative is not None, timeout=WAIT)
    assert page.inspector.canvas.stage.scale.kind == "relative"


def test_compared_candidates_show_the_change_of_the_lead(qtbot, page):
    space = page.controller.workspace
    key(page, Qt.Key_O)
    key(page, Qt.Key_4)
    qtbot.waitUntil(
        lambda: space.parts.now.regions is not None and space.parts.now.regions.lead, timeout=WAIT
    )
    regions = space.parts.now.regions
    a, b = space.pair, space.other_pair
    assert regions.rival == b.candidate
    lead = a.match.logit - b.match.logit
    cell = 1
    mask = window_mask(cell, WINDOW, grid_of(page))
    covered = (
        without(page, 0, a.candidate, ~mask).logit - without(page, 0, b.candidate, ~mask).logit
    )
    assert regions.changes["query", 0].flat[cell] == pytest.approx(covered - lead, abs=1e-4)
    other = a.match.logit - without(page, 0, b.candidate, None, mask).logit
    assert regions.changes["gallery", 1].flat[cell] == pytest.approx(other - lead, abs=1e-4)
    assert regions.flips["gallery", 1].flat[cell] == (np.sign(other) != np.sign(lead))


def test_a_search_by_part_leaves_the_compared_candidates_and_esc_gives_back(qtbot, page):
    space = page.controller.workspace
    worst = [int(c) for c in space.ranking.order[::-1][:4]]
    space.choose_candidates(worst[0], frozenset(worst[1:]))
    key(page, Qt.Key_4)
    qtbot.waitUntil(lambda: len(space.others) == 3 and not space.pair_stale, timeout=WAIT)
    before = space.selection
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.05, 0.05), (0.5, 0.2))
    followed(qtbot, page)
    assert space.parts.part is not None
    assert {pair.candidate for pair in (space.pair, *space.others)} == set(worst)
    assert space.selection == before
    key(page, Qt.Key_Escape)
    followed(qtbot, page)
    assert space.parts.part is None
    assert {pair.candidate for pair in (space.pair, *space.others)} == set(worst)
    assert (space.selection, space.look.mode) == (before, "compare")


def test_what_is_covered_is_said_where_two_or_four_are_compared(qtbot, page):
    space = page.controller.workspace
    best = [int(c) for c in space.ranking.order[:4]]
    key(page, Qt.Key_4)
    qtbot.waitUntil(lambda: space.shown_why is not None, timeout=WAIT)
    key(page, Qt.Key_H)
    drag(page, ("query", 0), (0.05, 0.05), (0.5, 0.2))
    answered(qtbot, page)
    text = page.details.score.text()
    assert text.startswith(f"logit {words.logit_text(space.pair.match.logit)} − (")
    assert text.endswith(", uncovered")
    space.choose_candidates(best[0], frozenset(best[1:]))
    qtbot.waitUntil(lambda: len(space.others) == 3 and not space.pair_stale, timeout=WAIT)
    answer = answered(qtbot, page)
    score = words.score_text(score_of_logit(answer.logit_after))
    assert page.details.score.text().startswith(f"score {score} = ")


def test_the_map_of_a_part_is_exact_too(qtbot, page):
    space = page.controller.workspace
    key(page, Qt.Key_B)
    drag(page, ("query", 0), (0.01, 0.01), (0.99, 0.45))
    followed(qtbot, page)
    part = space.parts.part
    key(page, Qt.Key_O)
    qtbot.waitUntil(lambda: space.parts.now.regions is not None, timeout=WAIT)
    candidate = space.selection.candidate
    mask = window_mask(0, WINDOW, grid_of(page))
    change = without(page, 0, candidate, part & ~mask).logit - space.pair.match.logit
    regions = space.parts.now.regions
    assert regions.changes["query", 0].flat[0] == pytest.approx(change, abs=1e-4)


# ── keys alone ──────────────────────────────────────────────────────────────────────────────────


def test_cells_are_taken_by_keys_alone(qtbot, page):
    space = page.controller.workspace
    key(page, Qt.Key_T)
    assert page.inspector.readout.text() == parts.PIN_FIRST
    page.details.table.setFocus()
    QTest.keyClick(page.details.table, Qt.Key_Down)  # a row of the list pins its cell
    cell = space.selection.cell
    assert cell.side == "query"
    key(page, Qt.Key_T)
    assert list(np.flatnonzero(space.parts.part)) == [cell.number]
    followed(qtbot, page)
    key(page, Qt.Key_Escape)  # first the cell
    assert space.selection.cell is None
    assert space.parts.part is not None
    key(page, Qt.Key_Backspace)
    assert space.parts.part is None
    followed(qtbot, page)
    key(page, Qt.Key_H)
    space.pin(Cell("gallery", 2))
    key(page, Qt.Key_T)
    assert list(np.flatnonzero(space.parts.now.hidden_gallery)) == [2]
    answered(qtbot, page)
    key(page, Qt.Key_T)
    assert not space.parts.now.hiding


def test_a_part_is_drawn_on_the_query_alone(page):
    space = page.controller.workspace
    key(page, Qt.Key_B)
    drag(page, ("gallery", 0), (0.2, 0.2), (0.6, 0.6))
    assert space.parts.part is None
    space.pin(Cell("gallery", 1))
    key(page, Qt.Key_T)
    assert space.parts.now.notice == parts.QUERY_ONLY


# ── state and words ─────────────────────────────────────────────────────────────────────────────


def test_ignoring_needs_a_part():
    made = DrawnParts()
    made.switch_ignore()
    assert made.now.notice == parts.NO_REGION


def test_the_same_again_tells_nobody():
    made, told = DrawnParts(), []
    made.changed.connect(lambda: told.append(made.now))
    made.clear()
    made.whole_query()
    assert told == []
    made.choose_tool("box")
    made.choose_tool("box")
    assert [now.tool for now in told] == ["box", ""]


def test_words_of_an_answer_agree_with_each_other():
    text = part_words.what_if_text(WhatIf(6.104, 4.316, 1, 3))
    assert text == "logit +6.10 → +4.32 (−1.78), rank 1 → 3, score 0.648 → 0.606"
    assert part_words.what_if_text(WhatIf(1.0, 1.0, 0, 0)).split(", ")[1] == "no rank (same camera)"
    assert "rank" not in part_words.what_if_text(WhatIf(1.0, 1.0))


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.001, "under 1 %"), (0.314, "31 %"), (0.999, "over 99 %"), (1.0, "100 %")],
)
def test_shares_are_never_rounded_to_nothing_or_all(share, text):
    assert part_words.share_text(share) == text


def test_a_gallery_of_one_has_no_rival(space):
    ranking = sample_ranking(space.data)
    truth = np.full(len(ranking.order), RankingResult.FALSE, dtype=np.int8)
    alone = replace(ranking, truth=truth).select(np.array([0]))
    assert next_candidate(alone, int(alone.order[0])) is None
    assert "no other candidate" in part_words.regions_text(Regions({}, {}, (3, 3)))
    assert Regions({}, {}, (3, 3)).limit == 1.0
    junk = Regions({}, {}, (3, 3), has_rank=False)
    assert "has no rank" in part_words.regions_text(junk)
