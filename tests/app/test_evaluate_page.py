"""The evaluate page, driven by keys and mouse, with the real engine on a tiny set."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QColor, QPalette
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QDialogButtonBox, QLabel

from app.jobs.evaluation_jobs import request_of_run, stored_runs
from app.state.evaluation import FinishedRun, RunList
from app.state.events import Event
from app.state.export_choices import ExportChoices
from app.state.workspace import Workspace
from app.views.dialogs.export_dialog import ExportDialog
from app.views.evaluate import EvaluatePage
from app.views.evaluate.cameras_tab import CamerasTab
from app.views.evaluate.measures_tab import GIVING, METHOD, MeasuresModel, rows_of
from app.views.evaluate.name_dialog import NameDialog
from app.views.evaluate.queries_tab import QueriesModel
from app.views.evaluate.runs_list import RunsModel
from app.views.shell.main_window import MainWindow
from app.views.widgets.giving_table import LEAST_WORDS
from qaconv_core.errors import InputError
from qaconv_core.evaluation.separation import separation
from qaconv_core.evaluation.stored_runs import open_history, run_document
from qaconv_core.types import EvaluationCounts
from tests.app.controls import controls, needs_tip
from tests.app.real import WAIT
from tests.app.saving import saved
from tests.builders import write_duke
from tests.checkpoints import write_checkpoint
from tests.core.records import make_report, make_result
from tests.small_world import small_checkpoint, write_market

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("model") / "small.pth.tar", small_checkpoint())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Market-1501 that works, DukeMTMC-reID whose pictures are all broken."""
    root = write_market(tmp_path_factory.mktemp("sets"), people=4, cameras=2)
    write_duke(root / "duke", pictures=False)
    return root


@pytest.fixture
def page(qtbot, runner, tmp_path):
    """The page as it is first shown, with nothing below its data folder."""
    made = EvaluatePage(Workspace(), runner, choices=ExportChoices(tmp_path))
    qtbot.addWidget(made)
    made.resize(1280, 760)
    made.set_data_folder("")
    made.show()
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: made.content.form.sets.count() > 0)
    yield made
    made.hide()


@pytest.fixture
def ready(page, qtbot, data, checkpoint):
    """The page with the tiny sets found and the small model chosen; nothing ticked."""
    form = page.content.form
    form.add_checkpoint(str(checkpoint))
    type_into(form.folder, str(data))
    qtbot.waitUntil(lambda: form.sets.count() > 2)
    tick(form.sets, "demo", False)
    return page


def type_into(field, text):
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key_Return)


def tick(sets, name, on=True):
    """With the mouse to the item, with Space its tick."""
    (item,) = sets.findItems(name, Qt.MatchExactly)
    QTest.mouseClick(sets.viewport(), Qt.LeftButton, pos=sets.visualItemRect(item).center())
    if (item.checkState() == Qt.Checked) != on:
        QTest.keyClick(sets, Qt.Key_Space)
    assert (item.checkState() == Qt.Checked) == on


def press(button):
    QTest.mouseClick(button, Qt.LeftButton)


def at_rest(qtbot, page):
    qtbot.waitUntil(lambda: not page.runner.busy and not page._rest.isActive(), timeout=WAIT)


# ── starting ────────────────────────────────────────────────────────────────────────────────────


def test_sets_estimate_start_progress_and_the_finished_run(ready, qtbot):
    form, work = ready.content.form, ready.content.work
    listed = {choice.title: choice for choice in form.sets.choices}
    assert not listed["market"].missing
    assert "MSMT17 not found" in listed["msmt"].missing
    (missing,) = form.sets.findItems("msmt – not found", Qt.MatchExactly)
    assert "expected" in missing.toolTip()
    assert not missing.flags() & Qt.ItemIsUserCheckable
    assert ready.content.results.currentWidget() is ready.content.empty

    assert not form.start_button.isEnabled()
    tick(form.sets, "market")
    qtbot.waitUntil(lambda: "pairs" in form.estimate.text(), timeout=WAIT)
    before = form.estimate.text()
    assert "memory" in before
    assert "17 pictures (0 already" in before
    QTest.mouseClick(
        form.methods.rerank, Qt.LeftButton, pos=QPoint(8, form.methods.rerank.height() // 2)
    )
    assert not form.methods.rerank.isChecked()
    qtbot.waitUntil(lambda: "52 pairs" in form.estimate.text(), timeout=WAIT)
    assert form.estimate.text() != before

    form.start_button.setFocus()
    QTest.keyClick(form.start_button, Qt.Key_Space)
    assert len(work.rows) == 1
    stages = []
    work.rows[0]._job.progressed.connect(lambda progress: stages.append(progress.stage))
    assert work.isVisible()
    at_rest(qtbot, ready)
    assert {"query features", "gallery features", "scoring"} <= set(stages)
    assert not work.isVisible()
    (kept,) = open_history().list()
    run = ready.runs.current
    assert run.id == kept.id
    assert kept.report["results"][0]["mAP"] == run.report.results[0].mAP
    assert [r.method for r in run.report.results] == ["qaconv", "qaconv+tlift"]
    assert "--no-rerank" in kept.command
    assert len(run.query_paths) == 4
    table = ready.content.table.model
    shown = table.index(0, 4).data()
    assert shown == f"{100 * run.report.results[0].rank(1):.1f}"
    qtbot.waitUntil(lambda: "17 already" in form.estimate.text(), timeout=WAIT)


def test_normalised_scores_are_measured_and_the_cameras_shown(ready, qtbot):
    form, methods = ready.content.form, ready.content.form.methods
    tick(form.sets, "market")
    type_into(methods.top, "3")
    left = QPoint(8, methods.normalise.height() // 2)
    QTest.mouseClick(methods.normalise, Qt.LeftButton, pos=left)
    assert methods.normalise.isChecked()
    assert not methods.top.isEnabled(), "normalised scores are re-ranked over the whole gallery"
    qtbot.waitUntil(lambda: "pairs" in form.estimate.text(), timeout=WAIT)
    press(form.start_button)
    at_rest(qtbot, ready)
    (kept,) = open_history().list()
    steps = ("", "+rerank", "+rerank+tlift")
    wanted = [f"qaconv{norm}{step}" for norm in ("", "+norm") for step in steps]
    assert [result["method"] for result in kept.results] == wanted
    assert "--normalise" in kept.command
    assert "--rerank-top" not in kept.command
    content, (run,) = ready.content, ready.runs.runs
    table = content.table.model
    assert table.index(3, 3).data() == "QAConv + camera normalisation"
    assert table.index(3, 4).data() == f"{100 * run.report.results[3].rank(1):.1f}"
    assert content.cmc.method.findText("QAConv + camera normalisation + re-ranking") > 0
    assert "camera normalisation" in ready.exports.table().texts[".tex"]()

    titles = [content.queries.model.headerData(i, Qt.Horizontal) for i in range(2, 6)]
    again = "QAConv + camera normalisation"
    assert titles == ["+ re-ranking", "+ TLift", again, "+ re-ranking"]

    bar = content.tabs.tabBar()
    QTest.mouseClick(bar, Qt.LeftButton, pos=bar.tabRect(bar.count() - 1).center())
    cameras = content.cameras
    assert cameras.isVisible()
    pair = run.report.cameras["pairs"][0]
    at = pair["query_camera"], pair["gallery_camera"] + 1
    assert cameras.view.item(*at).text().startswith(f"{pair['mean']:.1f} ± {pair['std']:.1f}, ")
    assert "Detected and identified, QAConv + camera normalisation: " in cameras.rates.text()
    assert "default line" in cameras.rates.text()


def test_titles_of_cameras_stand_over_their_numbers(qtbot):
    pair = {"query_camera": 0, "gallery_camera": 1, "mean": -70.14, "std": 21.4, "tpr": None}
    report = SimpleNamespace(cameras={"pairs": [pair], "fpr": 0.01}, open_set={})
    runs = SimpleNamespace(shown_changed=Event(), current=SimpleNamespace(report=report))
    tab = CamerasTab(runs)
    qtbot.addWidget(tab)
    view = tab.view
    assert view.item(0, 1).text() == "−70.1 ± 21.4, –"
    for column, side in ((0, Qt.AlignLeft), (1, Qt.AlignRight)):
        for item in (view.horizontalHeaderItem(column), view.item(0, column)):
            assert item.textAlignment() == int(side | Qt.AlignVCenter)


def test_a_run_of_unknown_cameras_says_so(page, qtbot):
    made_run()
    page.load_runs()
    qtbot.waitUntil(lambda: len(page.runs.runs) == 1)
    cameras = page.content.cameras
    page.content.tabs.setCurrentWidget(cameras)
    assert "no cameras" in cameras.title.text()
    assert not cameras.view.isVisible()
    assert not cameras.rates.isVisible()


def test_cancel_keeps_the_page_and_adds_no_run(ready, qtbot):
    tick(ready.content.form.sets, "market")
    at_rest(qtbot, ready)
    press(ready.content.form.start_button)
    (row,) = ready.content.work.rows
    press(row.cancel_button)
    assert "stopping" in row.step.text()
    assert not row.cancel_button.isEnabled()
    at_rest(qtbot, ready)
    assert not ready.content.work.rows
    assert not ready.runs.runs
    assert open_history().list() == []
    assert ready.content.form.start_button.isEnabled()


def test_one_set_that_fails_says_why_and_loses_no_other(ready, qtbot):
    problems = []
    ready.runner.problem.connect(problems.append)
    tick(ready.content.form.sets, "duke")
    tick(ready.content.form.sets, "market")
    press(ready.content.form.start_button)
    assert len(ready.content.work.rows) == 2
    at_rest(qtbot, ready)
    assert [run.report.dataset for run in ready.runs.runs] == ["market"]
    (failure,) = ready.content.work.failures
    assert failure.text.text().startswith("duke: ")
    assert "none of the query pictures can be read" in failure.text.text()
    assert not problems, "what the page shows is not told twice"
    assert not failure.details.isVisible()
    press(failure.details_button)
    assert failure.details.isVisible()
    press(failure.copy_button)
    assert "none of the query" in QApplication.clipboard().text()
    press(failure.close_button)
    assert not ready.content.work.isVisible()


def test_the_estimate_knows_the_maps_of_a_run_that_failed(ready, qtbot, monkeypatch):
    real = ready.jobs.run

    def fails_late(request, context):
        real(request, context)
        raise InputError("the disk is full")

    monkeypatch.setattr(ready.jobs, "run", fails_late)
    tick(ready.content.form.sets, "market")
    estimate = ready.content.form.estimate
    qtbot.waitUntil(lambda: "pairs" in estimate.text(), timeout=WAIT)
    assert "(0 already" in estimate.text()
    press(ready.content.form.start_button)
    qtbot.waitUntil(lambda: "(17 already" in estimate.text(), timeout=WAIT)
    at_rest(qtbot, ready)


def test_a_file_that_is_no_checkpoint_is_said_in_the_place_of_the_estimate(ready, qtbot, tmp_path):
    wrong = tmp_path / "notes.pth.tar"
    wrong.write_text("not a model")
    ready.content.form.add_checkpoint(str(wrong))
    tick(ready.content.form.sets, "market")
    qtbot.waitUntil(lambda: "notes.pth.tar" in ready.content.form.estimate.text(), timeout=WAIT)
    press(ready.content.form.start_button)
    at_rest(qtbot, ready)
    assert "notes.pth.tar" in ready.content.work.failures[0].text.text()


def test_why_tlift_is_off_and_another_folder(ready, qtbot, data):
    form = ready.content.form
    form.browsed.emit(data / "market" / "query")
    qtbot.waitUntil(lambda: bool(form.sets.ticked), timeout=10_000)
    assert [choice.name for choice in form.sets.ticked] == ["folder"]
    qtbot.waitUntil(lambda: "Estimating" not in form.estimate.text(), timeout=WAIT)
    note = form.methods.tlift_note
    assert "time" in note.text() or "nothing can be evaluated" in form.estimate.text()


def test_folds_hold_the_parameters(page):
    form = page.content.form.methods
    assert not form.k1.isVisible()
    press(form.rerank_fold.button)
    press(form.tlift_fold.button)
    assert form.k1.isVisible()
    assert form.tau.isVisible()
    for field, keys in ((form.k1, "7"), (form.top, "50"), (form.alpha, "0.5")):
        type_into(field, keys)
    options = form.options()
    assert (options.k1, options.rerank_top, options.alpha) == (7, 50, 0.5)
    assert (options.tau, options.sigma, options.k, options.lambda_) == (100, 200, 10, 0.3)


# ── runs ────────────────────────────────────────────────────────────────────────────────────────


def made_run(dataset="market", seed=0, first=0.5, approximation=""):
    """A run in the history whose scores are known; its values and truth."""
    random = np.random.default_rng(seed)
    p, g = 6, 40
    ids, cams = (np.arange(p), np.arange(g) % p), (np.zeros(p, int), np.ones(g, int))
    true = ids[0][:, None] == ids[1]
    values = (random.normal(0, 3, (p, g)) + 5 * true).astype(np.float32)
    result = make_result("qaconv", first)
    again = make_result("qaconv+rerank", first + 0.1, approximation)
    ap = random.permutation(np.linspace(0.1, 0.9, p))
    ap[2] = np.nan
    results = tuple(
        type(r)(r.method, r.cmc, r.mAP, r.mINP, ap, r.approximation) for r in (result, again)
    )
    report = make_report(
        dataset, results=results, separation=separation(values, *ids, *cams).to_dict(),
        counts=EvaluationCounts(p, g, p - 1),
    )  # fmt: skip
    paths = [f"/sets/{dataset}/query/{i:04}.jpg" for i in range(p)]
    open_history().add(run_document(report, paths))
    return values, true, ap, paths


@pytest.fixture
def two(page, qtbot):
    """Two runs in the history, shown."""
    made_run(seed=1, first=0.5)
    made_run(seed=2, first=0.625, approximation="only the 50 nearest re-ranked")
    page.load_runs()
    qtbot.waitUntil(lambda: len(page.runs.runs) == 2)
    return page


def test_two_runs_side_by_side(two, qtbot):
    view, content = two.content.runs, two.content
    assert two.runs.current_id == 2
    view.setFocus()
    QTest.keyClick(view, Qt.Key_Space)
    QTest.keyClick(view, Qt.Key_Down)
    QTest.keyClick(view, Qt.Key_Space)
    assert two.runs.compared == (2, 1)
    assert two.runs.current_id == 1
    model = content.table.model
    cells = [[model._cells[r][c] for c in (0, 3, 4, 11)] for r in range(model.rowCount())]
    assert cells == [
        ["2", "QAConv", "62.5", ""],
        ["2", "QAConv + re-ranking ≈1", "72.5", ""],
        ["1", "QAConv", "50.0", "−12.5"],
        ["1", "QAConv + re-ranking", "60.0", "−12.5"],
    ]
    assert "≈1  an approximation: only the 50 nearest" in content.table.notes.text()
    assert not content.table.facts.isVisible()
    QTest.mouseClick(content.table.fold, Qt.LeftButton)
    assert content.table.facts.isVisible()
    assert dict(content.table.facts.facts)["ap"].startswith("step-wise")
    names = {label.text() for label in content.table.facts.findChildren(QLabel)}
    assert "AP" in names
    assert "Ap" not in names
    QTest.mouseClick(content.table.fold, Qt.LeftButton)
    assert model.index(1, 3).data() == "+ re-ranking ≈1", "what the row above says is left out"
    assert model.index(1, 0).data() == ""
    bold = [r for r in range(4) if model.index(r, 4).data(Qt.FontRole) is not None]
    assert bold == [1]

    axes = content.cmc.chart.canvas.figure.axes[0]
    assert len(axes.lines) == 4
    content.cmc.method.setFocus()
    QTest.keyClick(content.cmc.method, Qt.Key_Down)
    assert len(content.cmc.chart.canvas.figure.axes[0].lines) == 2
    view.setFocus()
    QTest.keyClick(view, Qt.Key_Space)
    assert two.runs.compared == (2,)
    assert model.rowCount() == 2


def test_table_and_curve_stand_beside_each_other_where_there_is_room(two, qtbot):
    table = two.content.table
    table.refresh()
    assert table.splitter.orientation() == Qt.Vertical
    two.resize(2400, 1200)
    qtbot.waitUntil(lambda: table.splitter.orientation() == Qt.Horizontal)
    assert table.view.width() >= table.view.horizontalHeader().length()
    assert table.cmc.width() > 400


def test_a_run_is_named_found_by_its_name_and_keeps_both(two, qtbot):
    content = two.content
    two.runs.select(1)
    QTest.mouseClick(content.name_button, Qt.LeftButton)
    (dialog,) = two.findChildren(NameDialog)
    QTest.keyClicks(dialog.name, "Baseline")
    QTest.keyClicks(dialog.note, "before the new crops")
    dialog.accept()
    qtbot.waitUntil(lambda: two.runs.find(1).name == "Baseline")
    assert two.runs.find(1).title == "run 1 (Baseline)"
    QTest.keyClicks(content.filter, "baseline qaconv")
    assert [run.id for run in content.runs.model().rows] == [1]
    assert content.runs.model().index(0, 0).data() == "1 · Baseline"
    content.filter.clear()
    assert len(content.runs.model().rows) == 2
    (kept,) = [run for run in stored_runs(None) if run.id == 1]
    assert (kept.name, kept.note) == ("Baseline", "before the new crops")
    two.runs.tick(1, True)
    assert "before the new crops" in content.table.notes.text()


def test_the_time_of_a_named_run_is_whole_in_a_small_window(page, qtbot):
    view = page.content.runs
    report = make_report("market", counts=EvaluationCounts(3368, 15913, 3368))
    run = FinishedRun(1, "2026-11-30T18:00:00+00:00", "evaluate", report, name="before " * 9)
    page.runs.put((run,))
    page.content.show_results(True)
    qtbot.waitUntil(view.isVisible)
    assert view.horizontalScrollBar().maximum() == 0, "nothing is to the right of the window"
    wanted = view.wanted()
    for column in (4, 5, 6):
        assert view.columnWidth(column) >= wanted[column], "numbers and the time are whole"
    for column in range(4):
        assert view.columnWidth(column) >= LEAST_WORDS
        index = view.model().index(0, column)
        if column != 2:
            assert index.data(Qt.ToolTipRole).startswith(index.data())


def test_a_run_is_repeated_with_one_change(ready, qtbot):
    form = ready.content.form
    tick(form.sets, "market")
    form.methods.rerank.setChecked(True)
    form.methods.k1.setValue(7)
    form.methods.tlift.setChecked(False)
    (request,) = form.requests()
    QTest.mouseClick(form.start_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: bool(ready.runs.runs), timeout=20_000)
    at_rest(qtbot, ready)
    run = ready.runs.runs[0]
    assert run.command == request.command()
    form.methods.k1.setValue(20)
    form.methods.tlift.setChecked(True)
    form.methods.junk.setChecked(False)
    QTest.mouseClick(ready.content.repeat_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: form.methods.k1.value() == 7)
    (again,) = form.requests()
    assert again.command() == request.command()
    unknown = replace(run, command="qaconv evaluate --of-another-version")
    with pytest.raises(InputError, match="of-another-version"):
        request_of_run(unknown)


def test_a_run_is_deleted_from_the_history_too(two, qtbot):
    press(two.content.delete_button)
    qtbot.waitUntil(lambda: len(two.runs.runs) == 1)
    assert [record.id for record in open_history().list()] == [1]
    assert two.runs.current_id == 1
    press(two.content.delete_button)
    qtbot.waitUntil(lambda: not two.runs.runs)
    assert two.content.results.currentWidget() is two.content.empty
    assert "No runs yet" in two.content.empty.text()


def test_the_threshold_is_dragged_by_mouse_and_keys(page, qtbot):
    values, true, _ap, _paths = made_run(seed=3)
    page.load_runs()
    qtbot.waitUntil(lambda: len(page.runs.runs) == 1)
    page.content.tabs.setCurrentWidget(page.content.scores)
    scores = page.content.scores
    chart = scores.chart
    qtbot.waitUntil(lambda: chart.canvas is not None)
    QApplication.processEvents()

    def accepted(side):
        return int((values[side] > chart.threshold).sum())

    def agrees():
        assert scores.point.true_accepted == accepted(true)
        assert scores.point.false_accepted == accepted(~true)
        assert scores.point.tpr == pytest.approx(accepted(true) / true.sum())
        assert scores.point.fpr == pytest.approx(accepted(~true) / (~true).sum())
        assert f"{accepted(true):,} of {true.sum():,} true pairs" in scores.words.text()

    agrees()
    where = chart.to_point(chart.threshold, 0).toPoint()
    middle = QPoint(where.x(), chart.height() // 2)
    QTest.mousePress(chart, Qt.LeftButton, pos=middle)
    target = chart.to_point(1.5, 0).toPoint()
    for x in np.linspace(middle.x(), target.x(), 6).round().astype(int):
        move(chart, QPoint(int(x), middle.y()))
        agrees()
    QTest.mouseRelease(chart, Qt.LeftButton, pos=QPoint(target.x(), middle.y()))
    assert chart.threshold == pytest.approx(1.5, abs=0.05)
    chart.setFocus()
    seen = [chart.threshold]
    for key, modifier in (
        (Qt.Key_Right, Qt.NoModifier), (Qt.Key_PageUp, Qt.NoModifier),
        (Qt.Key_Left, Qt.ShiftModifier), (Qt.Key_Home, Qt.NoModifier),
        (Qt.Key_Left, Qt.NoModifier), (Qt.Key_End, Qt.NoModifier),
    ):  # fmt: skip
        QTest.keyClick(chart, key, modifier)
        seen.append(chart.threshold)
        agrees()
    low, high = values.min(), values.max()
    step = (high - low) / 200
    assert np.diff(seen)[:3] == pytest.approx([step, 10 * step, -step / 10])
    assert seen[-3:] == pytest.approx([low, low, high])
    assert scores.point.true_accepted == scores.point.false_accepted == 0
    press(scores.mark_buttons[2])
    assert scores.point.fpr <= 0.1
    agrees()
    type_into(scores.number, "2.25")
    assert chart.threshold == 2.25
    agrees()


def move(widget, place):
    """The mouse, with its left button held."""
    from PyQt5.QtCore import QEvent, QPointF
    from PyQt5.QtGui import QMouseEvent

    at = QPointF(place)
    event = QMouseEvent(QEvent.MouseMove, at, Qt.NoButton, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(widget, event)


def test_a_query_is_opened_from_the_chart_and_from_the_table(page, qtbot):
    _values, _true, ap, paths = made_run(seed=4)
    page.load_runs()
    qtbot.waitUntil(lambda: len(page.runs.runs) == 1)
    page.content.tabs.setCurrentWidget(page.content.queries)
    queries = page.content.queries
    qtbot.waitUntil(lambda: queries.chart.canvas is not None)
    QApplication.processEvents()
    opened = []
    page.open_query.connect(lambda *what: opened.append(what))
    worst_first = sorted(np.flatnonzero(np.isfinite(ap)), key=lambda q: ap[q])
    assert queries.model.rowCount() == 5
    place = 3
    point = queries.chart.point_of(place).toPoint()
    QTest.mouseClick(queries.chart, Qt.LeftButton, pos=point)
    assert opened == [(page.runs.current, paths[worst_first[place]])]
    assert queries.view.currentIndex().row() == place
    assert queries.chart.marked == place
    QTest.mouseClick(queries.chart, Qt.LeftButton, pos=QPoint(point.x(), 2))
    assert len(opened) == 1, "a click into the blue opens nothing"

    first = queries.view.visualRect(queries.model.index(0, 0)).center()
    QTest.mouseClick(queries.view.viewport(), Qt.LeftButton, pos=first)
    QTest.keyClick(queries.view, Qt.Key_Down)
    assert len(opened) == 2, "walking opens nothing"
    QTest.keyClick(queries.view, Qt.Key_Return)
    assert [path for _name, path in opened[1:]] == [paths[q] for q in worst_first[:2]]


def test_in_the_window_the_curve_is_saved_at_the_first_look(qtbot):
    made_run()
    window = MainWindow()
    qtbot.addWidget(window)
    window.show()
    window.commands.run("file.export_cmc")
    qtbot.waitUntil(lambda: window.findChild(ExportDialog) is not None)
    assert Path(window.findChild(ExportDialog).path.text()).stem == "cmc_market_run1"
    window.findChild(ExportDialog).reject()
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    window.close()


def test_in_the_window_a_query_opens_with_its_data_set(qtbot, data):
    files = sorted((data / "market" / "query").glob("*.jpg"))
    ap = np.linspace(0.2, 0.8, len(files))
    report = make_report("market", results=(replace(make_result(), ap=ap),))
    history = open_history()
    history.add(run_document(report, [str(file) for file in files], str(data / "market")))
    history.add(run_document(report, [str(file) for file in files]))
    window = MainWindow()
    qtbot.addWidget(window)
    window.show()
    window.commands.run("view.evaluate")
    page = window.evaluate
    qtbot.waitUntil(lambda: len(page.runs.runs) == 2)
    page.content.tabs.setCurrentWidget(page.content.queries)
    view = page.content.queries.view
    view.setFocus()
    QTest.keyClick(view, Qt.Key_Down)
    QTest.keyClick(view, Qt.Key_Return)
    assert window.page == "evaluate", "the newest run did not keep where its set was"
    assert "open the data set market" in window.problems.problems[-1].message
    page.content.runs.setFocus()
    QTest.keyClick(page.content.runs, Qt.Key_Down)
    view.setFocus()
    QTest.keyClick(view, Qt.Key_Down)
    QTest.keyClick(view, Qt.Key_Return)
    space = window.workspace
    qtbot.waitUntil(lambda: space.data is not None and bool(space.selection.queries))
    assert window.page == "explore"
    assert space.data.query[space.selection.query].path == files[view.currentIndex().row()]
    window.commands.run("view.evaluate")
    first = view.visualRect(page.content.queries.model.index(0, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.LeftButton, pos=first)
    assert window.page == "explore"
    assert space.data.query[space.selection.query].path == files[0]
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    window.close()


# ── taking away ─────────────────────────────────────────────────────────────────────────────────


def chosen(page, menu, text):
    """Choose an entry of the Save or Copy menu, as the menu offers it."""
    menu.aboutToShow.emit()
    (action,) = [action for action in menu.actions() if action.text() == text]
    assert action.isEnabled()
    action.trigger()
    return page.findChild(ExportDialog)


def save_each(qtbot, page, text, folder, name, suffixes):
    """Save by the menu in every form; the names proposed."""
    proposed = []
    for suffix in suffixes:
        dialog = chosen(page, page.content.save_button.menu(), text)
        proposed.append(Path(dialog.path.text()).stem)
        dialog.path.setText(str(folder / f"{name}{suffix}"))
        if dialog.chosen.unit == "px":
            dialog.width_field.setValue(777)
        saved(qtbot, dialog)
    return proposed


def rows_of_csv(path):
    lines = path.read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_tables_are_saved_in_every_form(two, qtbot, tmp_path):
    for run in two.runs.runs:
        two.runs.tick(run.id, True)
    suffixes = (".csv", ".json", ".tex", ".md")
    proposed = save_each(qtbot, two, "Table…", tmp_path, "table", suffixes)
    assert set(proposed) == {"measures_market_run2-1"}
    rows = rows_of_csv(tmp_path / "table.csv")
    assert [row["mAP"] for row in rows] == ["0.625", "0.725", "0.5", "0.6"]
    assert rows[0]["dataset"] == "market (run 2)"
    documents = json.loads((tmp_path / "table.json").read_text())
    assert [d["results"][0]["rank1"] for d in documents] == [0.625, 0.5]
    assert (tmp_path / "table.tex").read_text().count("\\\\") > 4
    assert (tmp_path / "table.md").read_text().startswith("| data set | method |")
    chosen(two, two.content.copy_button.menu(), "Table")
    assert QApplication.clipboard().text() == (tmp_path / "table.md").read_text()


def test_the_cmc_curve_is_saved_as_figure_and_numbers(two, qtbot, tmp_path):
    suffixes = (".png", ".svg", ".pdf", ".csv")
    proposed = save_each(qtbot, two, "CMC curve…", tmp_path, "cmc", suffixes)
    assert set(proposed) == {"cmc_market_run2"}
    with Image.open(tmp_path / "cmc.png") as picture:
        assert picture.width == 777
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert "<svg" in (tmp_path / "cmc.svg").read_text()
    assert (tmp_path / "cmc.pdf").read_bytes().startswith(b"%PDF")
    rows = rows_of_csv(tmp_path / "cmc.csv")
    assert [float(r["cmc"]) for r in rows[:25]] == two.runs.current.report.results[0].cmc.tolist()
    for text, name in (("Score distributions…", "scores"), ("AP of every query…", "ap")):
        proposed = save_each(qtbot, two, text, tmp_path, name, (".png",))
        assert proposed == [f"{name}_market_run2"]
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width == 777


def test_the_cmc_command_can_be_chosen_once_there_is_a_run(qtbot):
    window = MainWindow()
    qtbot.addWidget(window)
    window.show()
    window.commands.run("view.evaluate")
    action, page = window.commands.by_id["file.export_cmc"], window.evaluate
    window.commands.refresh()
    assert not action.isEnabled()
    made_run()
    page.load_runs()
    qtbot.waitUntil(lambda: bool(page.runs.runs))
    window.commands.refresh()
    action.trigger()
    dialog = page.findChild(ExportDialog)
    assert dialog.isVisible()
    dialog.path.setText("/no/such/folder/cmc.png")
    press(dialog.buttons.button(QDialogButtonBox.Save))
    qtbot.waitUntil(lambda: "/no/such/folder" in dialog.note.text())
    dialog.reject()
    window.close()


def test_figures_follow_the_palette_but_are_saved_on_white(two, qtbot):
    content = two.content
    dark = QPalette(two.palette())
    dark.setColor(QPalette.Base, QColor("#202022"))
    dark.setColor(QPalette.Text, QColor("#eeeeee"))
    for tab in (content.cmc, content.scores, content.queries):
        content.tabs.setCurrentWidget(content.table if tab is content.cmc else tab)
        qtbot.waitUntil(lambda tab=tab: tab.chart.canvas is not None)
        colours = [line.get_color() for line in tab.chart.canvas.figure.axes[0].lines]
        two.setPalette(dark)
        figure = tab.chart.canvas.figure
        assert figure.get_facecolor() == pytest.approx(QColor("#202022").getRgbF())
        label = figure.axes[0].xaxis.label.get_color()
        assert label == "#eeeeee"
        if tab is content.cmc:
            assert [line.get_color() for line in figure.axes[0].lines] == colours
        chosen(two, content.copy_button.menu(), "Figure")
        qtbot.waitUntil(lambda: not two.runner.busy)
        picture = QApplication.clipboard().image()
        assert picture.width() == 2000
        assert picture.pixelColor(0, 0) == QColor("white")
        two.setPalette(QPalette())
        content.tabs.setCurrentWidget(content.table)


# ── the rest ────────────────────────────────────────────────────────────────────────────────────


def test_models_behave(two, qtmodeltester):
    runs = RunList()
    runs.put(two.runs.runs)
    measures, queries = MeasuresModel(), QueriesModel()
    measures.show_rows(rows_of(two.runs.runs)[0])
    queries.show_run(two.runs.runs[0], 1)
    for model in (RunsModel(runs), measures, queries):
        qtmodeltester.check(model)
        assert model.index(0, 0).data(Qt.AccessibleTextRole)


def test_everything_has_a_name_for_screen_readers(two):
    folds = (two.content.form.methods.rerank_fold, two.content.form.methods.tlift_fold)
    assert all(fold.button.accessibleName() and fold.button.toolTip() for fold in folds)
    for control in controls(two.content):
        assert control.accessibleName(), control
        assert control.toolTip() or not needs_tip(control), control.accessibleName()


def test_neither_torch_nor_matplotlib_is_loaded_before_the_page_is_shown():
    code = (
        "import sys, app.views.evaluate; "
        "print([m for m in ('torch', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_words_give_way_to_numbers_where_the_table_is_narrow(two, qtbot):
    view = two.content.table.view
    valid = two.content.table.model.columnCount() - 1
    view.resize(2400, 200)
    assert {column: view.columnWidth(column) for column in view.wanted()} == view.wanted()
    wanted = sum(view.wanted().values())
    view.resize(wanted - 60, 200)
    right = view.columnViewportPosition(valid) + view.columnWidth(valid)
    assert right <= view.viewport().width()
    assert view.columnWidth(valid) == view.wanted()[valid]
    words = [view.wanted()[column] - view.columnWidth(column) for column in GIVING]
    assert sum(words) >= 60
    index = two.content.table.model.index(0, METHOD)
    assert index.data(Qt.ToolTipRole) == two.content.table.model._cells[0][METHOD]
