"""Every long job has one bar that fills once, and knows the time until its end."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.jobs import evaluation_jobs
from app.jobs.phases import check_phases, errors_phases, evaluation_phases, maps_phases
from qaconv_core.evaluation.methods import MethodOptions
from tests.app.real import WAIT, all_maps, tiny_market


@pytest.fixture
def opened(make_window, tmp_path, model):
    window = make_window()
    with all_maps(window.controller):
        window.controller.open(tiny_market(tmp_path), model)
    return window


def progress_of(qtbot, window, title, start):
    """What a job reported from beginning to end, with the bar of its row."""
    seen, bars = [], []

    def added(job):
        if job.title.startswith(title):
            job.progressed.connect(seen.append)
            job.ended.connect(lambda: ends.append(job))

    def changed(job):
        row = window.job_strip.rows.get(job.serial)
        if row is not None and job.title.startswith(title):
            bars.append(row.bar.value())

    ends = []
    window.controller.runner.added.connect(added)
    window.controller.runner.changed.connect(changed)
    start()
    qtbot.waitUntil(lambda: bool(ends), timeout=WAIT)
    return seen, bars


def holds(seen, bars, phases):
    """The bar never falls and ends (nearly) full; every stage is in the plan or within one."""
    assert bars == sorted(bars)
    assert bars[-1] >= 950  # a small gallery is not prepared
    known = {name for phase in phases for name in phase.stages}
    stages = {progress.stage for progress in seen}
    assert stages - known <= {"comparing cells", "bringing the gallery into memory"}
    assert len(stages & known) > 1
    assert all(progress.whole is not None for progress in seen)


def test_measuring_the_set_has_one_bar(qtbot, opened):
    rates = _rates(opened)
    options = MethodOptions(rerank=True, tlift=True, normalise=True)
    plan = evaluation_phases(5, 26, 0, options, rates)
    seen, bars = progress_of(
        qtbot, opened, "Measuring",
        lambda: QTest.keyClick(opened, Qt.Key_E, Qt.ControlModifier | Qt.ShiftModifier),
    )  # fmt: skip
    holds(seen, bars, plan)


def test_opening_a_set_has_one_bar(qtbot, make_window, tmp_path, model):
    window = make_window()
    seen, bars = progress_of(
        qtbot, window, "Feature maps",
        lambda: window.controller.open(tiny_market(tmp_path), model),
    )  # fmt: skip
    holds(seen, bars, maps_phases(5, 26))


def test_errors_and_checks_have_one_bar_each(qtbot, opened):
    jobs = opened.insights.jobs
    seen, bars = progress_of(qtbot, opened, "Errors", lambda: jobs.start("failures"))
    holds(seen, bars, errors_phases(5, 26, _rates(opened)))
    jobs.insights.pairs = 2
    seen, bars = progress_of(qtbot, opened, "Explanation", lambda: jobs.start("trust"))
    holds(seen, bars, check_phases(1.0, 1.0))


def test_an_evaluation_with_all_methods_has_one_bar(qtbot, opened):
    options = MethodOptions(rerank=True, tlift=True, normalise=True)
    data, model = opened.controller.data_request, opened.controller.model_request
    choice = evaluation_jobs.SetChoice("market", "market", data.root)
    request = evaluation_jobs.EvaluationRequest(choice, model.path, "cpu", options)
    seen, bars = progress_of(
        qtbot, opened, "Evaluating", lambda: _evaluate_page(opened).evaluate(request)
    )
    before = [p for p in seen if p.stage in ("reading names", "loading the model")]
    holds(seen[len(before) :], bars, evaluation_phases(5, 26, 0, options, _rates(opened)))


def _rates(window):
    from app.jobs.machine_rates import usual_rates

    return usual_rates(window.controller.model)


def _evaluate_page(window):
    window.pages.choose("evaluate")
    page = window.pages.evaluate
    page.build()
    return page
