"""The pages of failures and of trust, driven by keys and mouse in the whole window."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLabel

from app.jobs.insight_jobs import forecast as measure_times
from app.state.insights import InsightTimes, zone_totals
from app.state.requests import DataRequest
from app.state.words import adds_text
from app.views.dialogs.export_dialog import ExportDialog
from app.views.dialogs.open_data import OpenDataDialog
from app.views.shell.main_window import MainWindow
from qaconv_core.data.label_maps import label_path
from qaconv_core.errors import InputError
from qaconv_core.explaining.zones import ZONES
from tests.app.conftest import settle
from tests.app.controls import controls, name_of, needs_tip
from tests.app.real import WAIT, all_maps, tiny_market
from tests.app.saving import saved
from tests.builders import write_picture


@pytest.fixture
def known_times(monkeypatch):
    """What measuring this machine would find out, in no time."""
    monkeypatch.setattr("app.jobs.insight_jobs.forecast", lambda _matching: InsightTimes(42.0, 2.0))


@pytest.fixture
def empty_window(qtbot, known_times):
    window = MainWindow()
    window.controller.measure_unasked = False
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    yield window
    window.close()


def misleading_market(folder):
    """The tiny set with three queries that show somebody else: their first matches are false."""
    request = tiny_market(folder)
    root = request.root / "market"
    queries = sorted((root / "query").glob("*.jpg"))
    others = [sorted((root / "bounding_box_test").glob(f"{q.name[:4]}_c2*"))[0] for q in queries]
    for query, other in zip(queries[:3], others[1:4], strict=True):
        shutil.copyfile(other, query)
    return request


@pytest.fixture
def window(qtbot, empty_window, model, tmp_path):
    """The tiny set, with failures, open and its first match explained."""
    with qtbot.waitSignal(empty_window.controller.settled, timeout=WAIT):
        empty_window.begin(misleading_market(tmp_path), model)
    return empty_window


def press(window, key, modifiers=Qt.NoModifier):
    QTest.keyClick(QApplication.focusWidget() or window, key, modifiers)


def click(widget, place=None):
    QTest.mouseClick(widget, Qt.LeftButton, pos=place or widget.rect().center())


def begin(qtbot, window, kind):
    """The page of errors or of trust, opened by its key and started by its button."""
    press(window, Qt.Key_3 if kind == "failures" else Qt.Key_4, Qt.ControlModifier)
    page = window.insights.page(kind)
    assert window.pages.currentWidget() is page
    qtbot.waitUntil(page.empty.button.isEnabled, timeout=WAIT)
    click(page.empty.button)
    return page


def found(qtbot, page):
    qtbot.waitUntil(lambda: page.found is not None, timeout=WAIT)
    return page


@pytest.fixture
def failures(qtbot, window):
    """The page of errors, with what was found."""
    return found(qtbot, begin(qtbot, window, "failures"))


@pytest.fixture
def trust(qtbot, window):
    """The page of trust, measured on two pairs of each kind."""
    window.insights.insights.pairs = 2
    return found(qtbot, begin(qtbot, window, "trust"))


def test_failures_are_found_by_the_button_and_shown_in_groups(qtbot, window, failures):
    analysis = failures.insights.failures.analysis
    assert len(analysis.errors) == 3
    said = "3 of 5 valid queries have a false first match (60.0 %); most misleading: "
    assert failures.summary.text().startswith(said)
    zones = zone_totals(analysis.together.mean)
    worst = f"{ZONES[int(zones.argmax())]} ({adds_text(float(zones.max()))})."
    assert failures.summary.text().removeprefix(said) == worst
    assert failures.stack.currentIndex() == 1
    assert QApplication.focusWidget() is failures.groups
    assert failures.examples.model.rowCount() == 3
    press(window, Qt.Key_Down)
    group = failures.insights.group
    assert group is analysis.cameras[0], "the heading is walked over"
    assert failures.title.text() == group.name
    assert f"stands {adds_text(group.margin)} above" in failures.sentence.text()
    assert failures.bar.ends == tuple(adds_text(s * abs(group.mean).max()) for s in (-1, 1))
    assert [e.number - 1 for e in failures.examples.model.rows] == list(group.examples)


def test_errors_are_filtered_and_sorted_by_cause(qtbot, window, failures):
    insights, rows = failures.insights, lambda: failures.examples.model.rows
    zones = [zone_totals(one.failure.query_cells) for one in rows()]
    assert [one.cause for one in rows()] == [int(sums.argmax()) for sums in zones]
    assert sum(insights.causes().values()) == 3
    failures.sort.setFocus()
    press(window, Qt.Key_Down)
    assert insights.sort == "cause"
    causes = [one.cause for one in rows()]
    assert causes == sorted(causes)
    for key in ("cameras", "query"):
        press(window, Qt.Key_Down)
        assert insights.sort == key
        found = [one.cameras if key == "cameras" else one.number for one in rows()]
        assert found == sorted(found)
    failures.cause.setFocus()
    press(window, Qt.Key_Down)
    cause = failures.cause.currentData()
    assert insights.cause == cause
    assert failures.cause.currentText() == f"{ZONES[cause]} ({len(rows())})"
    assert {one.cause for one in rows()} == {cause}
    assert failures.order.text().startswith(f"{len(rows())} error")
    table = failures.examples.model
    assert table.index(0, 2).data() == ZONES[cause]


def test_what_the_examples_are_is_read_whole_on_a_small_window(qtbot, window, failures):
    window.resize(1280, 800)
    failures.map.setFocus()
    QTest.keyClick(failures.map, Qt.Key_Down)
    qtbot.wait(50)
    order = failures.order
    assert order.text().endswith("✓ first true match.")
    assert order.fontMetrics().horizontalAdvance(order.text()) <= order.contentsRect().width()


def test_a_cell_orders_the_examples_by_what_it_adds(qtbot, window, failures):
    cell = 5
    click(failures.map, failures.map.centre_of(cell))
    assert failures.insights.cell == cell
    values = [example.value for example in failures.examples.model.rows]
    assert values == sorted(values, reverse=True)
    assert failures.examples.model.columnCount() == 8
    press(window, Qt.Key_Right)
    assert failures.insights.cell == cell + 1
    press(window, Qt.Key_Escape)
    assert failures.insights.cell is None
    margins = [example.failure.margin for example in failures.examples.model.rows]
    assert margins == sorted(margins, reverse=True)


def opened(qtbot, window, example):
    """Whether the browser compares the false match with the true one."""
    space = window.workspace
    qtbot.waitUntil(lambda: space.why is not None and not space.pair_stale, timeout=WAIT)
    assert window.page == "explore"
    assert space.look.mode == "compare"
    chosen = space.selection
    assert space.data.query[chosen.query].path == example.query.path
    assert space.data.gallery[chosen.candidate].path == example.false.path
    assert space.data.gallery[chosen.other].path == example.true.path
    assert space.why.difference.total == pytest.approx(example.failure.margin, abs=1e-3)


def test_an_example_is_opened_by_mouse_and_by_return(qtbot, window, failures):
    tiles, examples = failures.examples.tiles, failures.examples.model.rows
    click(tiles.viewport(), tiles.visualRect(failures.examples.model.index(0, 0)).center())
    opened(qtbot, window, examples[0])
    press(window, Qt.Key_3, Qt.ControlModifier)
    assert failures.stack.currentIndex() == 1, "what was found stays"
    bar = failures.examples.tabBar()
    click(bar, bar.tabRect(1).center())
    table = failures.examples.table
    table.setFocus()
    press(window, Qt.Key_End)
    press(window, Qt.Key_Return)
    opened(qtbot, window, examples[table.currentIndex().row()])


@pytest.mark.parametrize("suffix", [".html", ".json"])
def test_the_report_on_failures_is_saved(qtbot, window, failures, tmp_path, suffix):
    click(failures.save)
    dialog = window.findChild(ExportDialog)
    assert Path(dialog.path.text()).stem == "errors_market"
    assert dialog.windowTitle() == "Save report on errors"
    dialog.format.setCurrentIndex([f.suffix for f in dialog._formats].index(suffix))
    target = tmp_path / f"f{suffix}"
    dialog.path.setText(str(target))
    saved(qtbot, dialog)
    text = target.read_text(encoding="utf-8")
    if suffix == ".json":
        assert json.loads(text) == json.loads(
            json.dumps(failures.insights.failures.analysis.to_dict())
        )
    else:
        assert "What misleads the model" in text


# ── trust ───────────────────────────────────────────────────────────────────────────────────────


def test_trust_is_measured_read_opened_and_saved(qtbot, window, trust, tmp_path):
    measured_as_far_as_it_goes(window, trust)
    pair_is_opened(qtbot, window, trust)
    report_is_saved(qtbot, window, tmp_path / "t.html")


def measured_as_far_as_it_goes(window, trust):
    """Without label maps, only what needs none, and the reason."""
    report = trust.insights.trust.report
    names = [row.name for row in trust.measures.rows]
    assert "Part agreement" not in names
    assert names[:2] == ["On the border", "Follows a shift of 1 cell"]
    words = [label.text() for label in trust.measures.findChildren(QLabel)]
    assert any("no label maps" in text for text in words)
    assert any("not a probability" in text for text in words), "what maps do not say"
    border = trust.measures.rows[0]
    assert border.values == tuple(g.quality["contribution"].border for g in report.groups)
    trust.order.setFocus()
    press(window, Qt.Key_Down)
    border = trust.measures.rows[0]
    assert border.values == tuple(g.quality["relative"].border for g in report.groups)
    assert len(trust.chart.canvas.figure.axes) == 3 * len(report.groups)


def report_is_saved(qtbot, window, target):
    window.commands.run("file.export_trust")
    dialog = window.findChild(ExportDialog)
    assert Path(dialog.path.text()).stem == "explanation_checks_market"
    assert dialog.windowTitle() == "Save report on explanation checks"
    dialog.path.setText(str(target))
    saved(qtbot, dialog)
    assert "How far the explanations can be trusted" in target.read_text(encoding="utf-8")


def pair_is_opened(qtbot, window, trust):
    """By Return, and not compared with anybody."""
    window.workspace.change_look(mode="compare")
    bar = trust.tabs.tabBar()
    click(bar, bar.tabRect(2).center())
    trust.tiles[1].setFocus()
    press(window, Qt.Key_End)
    press(window, Qt.Key_Return)
    query, gallery = trust.insights.trust.pairs_of(trust.insights.trust.report.groups[1])[-1]
    space = window.workspace
    qtbot.waitUntil(lambda: space.pair is not None and not space.pair_stale, timeout=WAIT)
    assert window.page == "explore"
    assert space.data.query[space.selection.query].path == query.path
    assert space.data.gallery[space.selection.candidate].path == gallery.path
    assert space.look.mode == "lines"


def with_label_maps(request):
    """Every picture's upper half is label 3, its lower half label 0 (background)."""
    labels = np.zeros((128, 64), dtype=np.uint8)
    labels[:64] = 3
    root = request.root / "market"
    for picture in (*(root / "query").glob("*.jpg"), *(root / "bounding_box_test").glob("*.jpg")):
        path = label_path(picture)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels).save(path)
    return request


def test_label_maps_tell_body_parts_and_the_background(qtbot, empty_window, model, tmp_path):
    window = empty_window
    with qtbot.waitSignal(window.controller.settled, timeout=WAIT):
        window.begin(with_label_maps(misleading_market(tmp_path)), model)
    failures = found(qtbot, begin(qtbot, window, "failures"))
    group = failures.insights.group
    assert dict(failures.bars.parts) == group.parts
    assert sum(group.parts.values()) == pytest.approx(group.mean.sum())
    assert failures.bars.isVisible()
    assert not failures.no_parts.isVisible()
    window.insights.insights.pairs = 1
    trust = found(qtbot, begin(qtbot, window, "trust"))
    names = [row.name for row in trust.measures.rows]
    assert names[:3] == ["Part agreement", "On the background", "Off the person"]
    assert all(v is not None for row in trust.measures.rows for v in row.values)


# ── what may come between ───────────────────────────────────────────────────────────────────────


def endless(_matching, _number, context):
    while True:
        context.cancel.raise_if_cancelled()
        time.sleep(0.005)


def test_work_is_cancelled_where_its_results_would_be(qtbot, window, monkeypatch):
    monkeypatch.setattr("app.jobs.insight_jobs.find_errors", endless)
    page = begin(qtbot, window, "failures")
    assert not page.empty.button.isVisible()
    assert not window.commands.can_run("evaluate.failures")
    (row,) = page.work.rows
    click(row.cancel_button)
    qtbot.waitUntil(page.empty.button.isVisible, timeout=WAIT)
    assert page.empty.button.isEnabled()
    assert page.found is None
    assert not window.problems.problems


def test_what_goes_wrong_is_said_on_the_page_and_among_the_problems(qtbot, window, monkeypatch):
    def fails(*_):
        raise InputError("demo: no query can be judged")

    with monkeypatch.context() as patch:
        patch.setattr("app.jobs.insight_jobs.check_explanations", fails)
        page = begin(qtbot, window, "trust")
        qtbot.waitUntil(lambda: bool(page.work.failures), timeout=WAIT)
    assert "no query can be judged" in page.work.failures[0].text.text()
    assert window.problems.problems[-1].message == "demo: no query can be judged"
    window.insights.insights.pairs = 1
    click(page.work.failures[0].again_button)
    found(qtbot, page)
    assert not page.work.failures


def test_another_model_or_set_clears_what_was_found(qtbot, window, failures, model, tmp_path):
    with all_maps(window.controller):
        window.controller.open_model(model)
    assert failures.found is None
    assert failures.stack.currentIndex() == 0
    assert not window.commands.can_run("file.export_failures")
    qtbot.waitUntil(failures.empty.button.isEnabled, timeout=WAIT)
    click(failures.empty.button)
    found(qtbot, failures)
    other = tiny_market(tmp_path / "other")
    with all_maps(window.controller):
        window.controller.open(other)
    assert failures.found is None


def test_nothing_failed_is_said(qtbot, empty_window, model, tmp_path):
    with qtbot.waitSignal(empty_window.controller.settled, timeout=WAIT):
        empty_window.begin(tiny_market(tmp_path), model)
    page = found(qtbot, begin(qtbot, empty_window, "failures"))
    assert page.summary.text().startswith("0 of 5")
    assert page.nothing.isVisible()
    assert not page.parts.isVisible()


def test_while_it_is_measured_anew_the_old_stays_greyed(qtbot, window, failures, monkeypatch):
    before = failures.found
    monkeypatch.setattr("app.jobs.insight_jobs.find_errors", endless)
    click(failures.again)
    assert failures.results.graphicsEffect().opacity() < 1
    assert failures.stack.currentIndex() == 1
    press(window, Qt.Key_1, Qt.ControlModifier)
    press(window, Qt.Key_3, Qt.ControlModifier)
    click(failures.work.rows[0].cancel_button)
    qtbot.waitUntil(failures.again.isEnabled, timeout=WAIT)
    assert failures.results.graphicsEffect() is None
    assert failures.found is before


def test_without_persons_trust_is_measured_and_failures_say_why_not(
    qtbot, empty_window, model, tmp_path
):
    window = empty_window
    for number in range(4):
        write_picture(tmp_path / "q" / f"{number}.png", number, (48, 128))
        write_picture(tmp_path / "g" / f"{number}.png", number + 2, (48, 128))
    data = DataRequest(
        queries=tuple(sorted((tmp_path / "q").iterdir())), gallery=str(tmp_path / "g")
    )
    with qtbot.waitSignal(window.controller.settled, timeout=WAIT):
        window.begin(data, model)
    press(window, Qt.Key_3, Qt.ControlModifier)
    page = window.insights.page("failures")
    assert "persons of the queries are not known" in page.empty.state.text()
    assert not page.empty.button.isEnabled()
    assert "not known" in window.commands.reason("evaluate.failures")
    window.insights.insights.pairs = 1
    trust = found(qtbot, begin(qtbot, window, "trust"))
    assert [g.name for g in trust.insights.trust.report.groups] == ["best matches", "random pairs"]
    words = [label.text() for label in trust.measures.findChildren(QLabel)]
    assert any("no person is known on both sides" in text.lower() for text in words)


def test_a_flat_folder_has_no_queries_and_is_measured_all_the_same(
    qtbot, empty_window, model, tmp_path
):
    window, space = empty_window, empty_window.workspace
    for number in range(6):
        write_picture(tmp_path / "own" / f"{number}.png", number, (48, 128))
    with all_maps(window.controller):
        window.begin(DataRequest("folder", tmp_path / "own"), model)
    assert len(space.data.query) == 0
    window.insights.insights.pairs = 2
    press(window, Qt.Key_4, Qt.ControlModifier)
    state = window.insights.page("trust").empty.state
    qtbot.waitUntil(lambda: "2 pairs of each kind" in state.text(), timeout=WAIT)
    assert state.text().startswith("No queries: some of the 6 gallery pictures instead")
    trust = found(qtbot, begin(qtbot, window, "trust"))
    words = [label.text() for label in trust.measures.findChildren(QLabel)]
    assert any("There are no queries: 2 of the gallery's pictures" in text for text in words)
    trust.tabs.setCurrentIndex(1)
    trust.tiles[0].setFocus()
    press(window, Qt.Key_Home)
    press(window, Qt.Key_Return)
    query, gallery = trust.insights.trust.pairs_of(trust.insights.trust.report.groups[0])[0]
    qtbot.waitUntil(lambda: space.pair is not None and not space.pair_stale, timeout=WAIT)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    assert window.page == "explore"
    assert space.data.query[space.selection.query].path == query.path
    assert space.data.gallery[space.selection.candidate].path == gallery.path
    assert trust.found is not None, "the set is still the same"


def test_with_nothing_open_the_page_teaches_and_opens_a_data_set(qtbot, empty_window):
    press(empty_window, Qt.Key_4, Qt.ControlModifier)
    page = empty_window.insights.page("trust")
    assert "Nothing is open" in page.empty.state.text()
    click(page.empty.button)
    assert empty_window.findChild(OpenDataDialog).isVisible()


def test_the_time_it_takes_is_told_beforehand(qtbot, window):
    for key, kind, words in (
        (Qt.Key_3, "failures", "5 queries, 26 gallery pictures: about 40 s."),
        (Qt.Key_4, "trust", "5 queries, 26 gallery pictures, 50 pairs of each kind: about 2 min."),
    ):
        press(window, key, Qt.ControlModifier)
        page = window.insights.page(kind)
        qtbot.waitUntil(lambda page=page: "about" in page.empty.state.text(), timeout=WAIT)
        assert page.empty.state.text().startswith(words)


def test_times_are_measured_on_the_model_and_the_set(qtbot, window):
    times = measure_times(window.controller.matching)
    assert times.failures > 0
    assert times.trust(20) == pytest.approx(2 * times.trust(10))
    assert times.trust(1) > 0


def test_every_control_has_a_name_a_tooltip_and_is_reached_by_tab(qtbot, window, failures):
    window.insights.insights.pairs = 1
    trust = found(qtbot, begin(qtbot, window, "trust"))
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    settle()  # rows of jobs that have ended are gone
    for page in (failures, trust):
        assert len(controls(page)) >= 6
        for control in controls(page):
            assert name_of(control), f"{type(control).__name__} in {page.kind}"
            assert control.toolTip() or not needs_tip(control), name_of(control)
            assert control.focusPolicy() & Qt.TabFocus, name_of(control)
    rows = failures.groups.model()
    spoken = [rows.index(row, 0).data(Qt.AccessibleTextRole) for row in range(rows.rowCount())]
    assert spoken[0].startswith("All errors: 3 errors, margin +")
    tile = failures.examples.model.index(0, 0).data(Qt.AccessibleTextRole)
    assert "query 000" in tile
    assert "false match 000" in tile


def test_examples_wrap_where_there_is_room_for_two_rows(qtbot, window, failures):
    tiles = failures.examples.tiles
    assert tiles.is_strip
    window.resize(1600, 1400)
    qtbot.waitUntil(lambda: not tiles.is_strip, timeout=WAIT)
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: tiles.is_strip, timeout=WAIT)
