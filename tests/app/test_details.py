"""The sum and the list: they add up, sort, select and follow."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QColor, QImage, QPainter
from PyQt5.QtTest import QTest

from app.items.breakdown_painter import PATCH, BreakdownPainter
from app.items.correspondences import CorrespondenceModel
from app.state import words
from app.state.values import Cell, Look
from app.state.workspace import Workspace
from app.state.zones import SHORT
from app.views.explore.details_panel import DetailsPanel
from qaconv_core.explaining.zones import zones_by_height
from tests.app.samples import GRID, sample_pair


@pytest.fixture
def panel(qtbot, space, pictures):
    made = DetailsPanel(space, pictures)
    qtbot.addWidget(made)
    made.resize(320, 700)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_what_comes_later_finds_room_and_what_goes_moves_nothing(qtbot, panel):
    panel.resize(320, 900)
    qtbot.wait(1)
    low = panel.splitter.sizes()[0]
    panel.score.setText(panel.score.text() * 4)
    qtbot.waitUntil(lambda: panel.splitter.sizes()[0] >= panel._wanted())
    high = panel.splitter.sizes()[0]
    panel.evidence.hide()
    qtbot.wait(1)
    assert panel.splitter.sizes()[0] == high > low


def number(text):
    return float(text.replace("−", "-"))


def column(table, which):
    model = table.model()
    return [model.index(row, which).data() for row in range(model.rowCount())]


def test_the_bars_shown_add_up_to_the_logit(panel, space):
    rows = panel.chart.rows
    cells = [row for row in rows if row.part.kind == "cell"]
    zones = [row for row in rows if row.part.kind == "zone"]
    *terms, logit = [row for row in rows if row.part.kind not in ("cell", "zone")]
    match = space.pair.match
    assert sum(row.part.value for row in zones) == pytest.approx(match.logit - match.bias, abs=1e-4)

    def shown(row):
        return number(words.adds_text(row.part.shown))

    assert sum(map(shown, cells)) == pytest.approx(shown(terms[0]))
    assert sum(map(shown, terms)) == pytest.approx(shown(logit))
    assert words.adds_text(logit.part.shown) == words.logit_text(space.pair.match.logit)
    assert logit.label == "logit"


def test_each_bar_begins_where_the_one_before_ended(panel):
    *terms, logit = [r for r in panel.chart.rows if r.part.kind not in ("cell", "zone")]
    at = 0.0
    for row in terms:
        ends = sorted((at, at + row.part.value))
        assert (row.low, row.high) == pytest.approx(tuple(ends))
        at += row.part.value
    assert (logit.low, logit.high) == pytest.approx(tuple(sorted((0.0, at))))


def test_strong_cells_show_both_ends_of_their_match(panel):
    """Before the words, the query's cell and the gallery's, cut out of their pictures."""
    rows, columns = GRID
    images = []
    for blue in (0, 255):
        image = QImage(40 * columns, 40 * rows, QImage.Format_RGB32)
        painter = QPainter(image)
        for cell in range(rows * columns):
            row, column = divmod(cell, columns)
            colour = QColor(20 * row, 60 * column, blue)
            painter.fillRect(40 * column, 40 * row, 40, 40, colour)
        painter.end()
        images.append(image)
    with_cells = [row for row in panel.chart.rows if row.cells]
    assert with_cells
    seen = QImage(panel.chart.size(), QImage.Format_RGB32)
    painter = QPainter(seen)
    bars = BreakdownPainter(painter, panel.font(), panel.palette(), tuple(images), GRID)
    bars.paint(panel.chart._sections, float(panel.chart.width()), ())
    painter.end()
    for bar in with_cells:
        y = round(bar.rect.center().y())
        for place, cell in enumerate(bar.cells):
            at = seen.pixelColor(round(place * (PATCH + 3) + PATCH / 2), y)
            row, column = divmod(cell.number, columns)
            assert at.getRgb()[:3] == (20 * row, 60 * column, 255 * place)


def test_the_score_is_named_and_no_probability(panel, space):
    text = panel.score.text()
    assert words.score_text(space.pair.match.score) in text
    assert "sigmoid(logit / 10)" in text
    assert "not a probability" in panel.score.toolTip()


def test_the_chart_is_spoken(panel, space):
    spoken = panel.chart.accessibleDescription()
    assert f"logit {words.logit_text(space.pair.match.logit)}" in spoken
    assert "bias −3.00" in spoken


def test_a_click_on_a_bar_pins_its_cell(panel, space):
    row = next(row for row in panel.chart.rows if row.part.kind == "cell")
    at = row.rect.center().toPoint()
    QTest.mouseClick(panel.chart, Qt.LeftButton, pos=at)
    assert space.selection.cell == row.part.cell
    QTest.mouseClick(panel.chart, Qt.LeftButton, pos=at)
    assert space.selection.cell is None


@pytest.mark.parametrize("which", [2, 3])
def test_columns_sort_both_ways(panel, which):
    header = panel.table.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(which) + 12, header.height() // 2)
    orders = []
    for _ in range(2):
        QTest.mouseClick(header.viewport(), Qt.LeftButton, pos=at)
        orders.append([number(text) for text in column(panel.table, which)])
    up, down = sorted(orders[0]), sorted(orders[0], reverse=True)
    assert sorted(orders) == sorted([up, down])


def test_it_starts_with_what_adds_most(panel):
    adds = [number(text) for text in column(panel.table, 3)]
    assert adds == sorted(adds, reverse=True)


def test_selecting_a_row_pins_and_pinning_selects_the_row(panel, space):
    table = panel.table
    QTest.mouseClick(table.viewport(), Qt.LeftButton,
                     pos=table.visualRect(table.rows.index(3, 1)).center())  # fmt: skip
    assert space.selection.cell == table.rows.cell_of(3)
    space.pin(Cell("query", 9))
    row = table.currentIndex().row()
    assert table.rows.cell_of(row) == Cell("query", 9)
    space.pin(None)
    assert not table.selectionModel().hasSelection()


def test_arrows_walk_the_list_while_it_has_the_focus(panel, space):
    table = panel.table
    table.setFocus()
    table.selectRow(0)
    QTest.keyClick(table, Qt.Key_Down)
    assert space.selection.cell == table.rows.cell_of(1)


def test_sorting_and_other_candidates_keep_the_pinned_row_selected(panel, space):
    table = panel.table
    space.pin(Cell("query", 9))
    table.sortByColumn(2, Qt.AscendingOrder)
    assert table.rows.cell_of(table.currentIndex().row()) == Cell("query", 9)
    other = int(space.ranking.order[1])
    space.select_candidate(other)
    space.set_pair(sample_pair(0, other))
    assert table.rows.cell_of(table.currentIndex().row()) == Cell("query", 9)
    assert space.selection.cell == Cell("query", 9)
    similarity = [number(text) for text in column(table, 2)]
    assert similarity == sorted(similarity)


def test_a_gallery_cell_finds_the_row_that_leads_to_it(space):
    model = CorrespondenceModel()
    model.set_pair(space.pair, Look(direction="query"))
    best = int(space.pair.match.query_best.ravel()[0])
    row = model.row_of(Cell("gallery", best))
    assert model.index(row, 1).data() == SHORT[zones_by_height(GRID).ravel()[best]]
    place = words.cell_sentence(best, space.pair.match.grid)
    assert place in model.index(row, 1).data(Qt.ToolTipRole)
    unmatched = set(range(18)) - set(space.pair.match.query_best.ravel().tolist())
    assert model.row_of(Cell("gallery", unmatched.pop())) is None


def test_pointing_at_a_row_shows_its_cell(panel, space):
    table = panel.table
    table.scrollTo(table.rows.index(2, 1))
    rect = table.visualRect(table.rows.index(2, 1))
    QTest.mouseMove(table.viewport(), rect.center() + QPoint(1, 0))
    QTest.mouseMove(table.viewport(), rect.center())
    assert space.hover == table.rows.cell_of(2)


def test_direction_and_threshold_change_the_list_and_the_count(panel, space):
    space.change_look(direction="mutual", count=2, threshold=-1.0)
    best = space.pair.match
    mutual = [q for q, g in enumerate(best.query_best.ravel()) if best.gallery_best.ravel()[g] == q]
    assert panel.table.rows.rowCount() == len(mutual)
    assert panel.shown.text() == words.shown_text(min(2, len(mutual)), len(mutual))


def test_rows_are_spoken_and_cells_explained(panel):
    index = panel.table.rows.index(0, 0)
    assert index.data(Qt.AccessibleTextRole).startswith("query ")
    assert "from the top left" in index.data(Qt.ToolTipRole)


def test_the_model_keeps_qts_rules(qtmodeltester, space):
    model = CorrespondenceModel()
    model.set_pair(space.pair, space.look)
    qtmodeltester.check(model)
    model.set_pair(None, space.look)
    qtmodeltester.check(model)


def test_nothing_is_said_of_no_pair(qtbot, pictures):
    space = Workspace()
    panel = DetailsPanel(space, pictures)
    qtbot.addWidget(panel)
    panel.show()
    panel.grab()
    assert panel.table.rows.rowCount() == 0
    assert not panel.score.isVisible()
