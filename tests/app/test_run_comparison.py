"""Two runs query by query: the right queries gained and lost, and a click opens one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.state.evaluation import FinishedRun, RunList
from app.state.run_comparison import RunResult, comparison_words, query_changes
from app.views.evaluate.changes_tab import TOO_FEW, ChangesTab
from tests.core.records import make_report, make_result


def run(id, aps, root="/data/query", names="abcd"):
    report = make_report()
    result = replace(make_result(), ap=np.array(aps))
    report = replace(report, results=(result,))
    paths = tuple(f"{root}/{name}.jpg" for name in names)
    return FinishedRun(id, f"2026-11-0{id}T00:00:00+00:00", "evaluate", report, paths, "/data")


BEFORE = [0.5, 0.9, np.nan, 0.3]
AFTER = [0.8, 0.2, 0.7, 0.301]


def changes(first, second):
    return query_changes(*(RunResult(r, r.report.results[0]) for r in (first, second)))


@pytest.mark.parametrize("root", ["/data/query", "/elsewhere"])
def test_the_largest_change_comes_first(root):
    found = changes(run(1, BEFORE), run(2, AFTER, root))
    assert [(c.name, c.outcome) for c in found] == [
        ("b.jpg", "lost"), ("a.jpg", "won"), ("d.jpg", "same"),
    ]  # fmt: skip
    assert found[0].gain == pytest.approx(-0.7)
    assert comparison_words(found) == (
        "1 query gained, 1 lost, 1 stayed: mAP −13.3 over these 3."
    )  # fmt: skip


def test_runs_of_other_queries_have_nothing_in_common():
    found = changes(run(1, BEFORE), run(2, AFTER, names="wxyz"))
    assert found == ()
    assert comparison_words(found) == "These two have no query in common."


@pytest.fixture
def tab(qtbot):
    runs = RunList()
    made = ChangesTab(runs)
    qtbot.addWidget(made)
    made.resize(900, 400)
    made.show()
    runs.put((run(2, AFTER), run(1, BEFORE)))
    return made, runs


def test_ticked_runs_are_compared_and_a_click_opens_the_query(qtbot, tab):
    made, runs = tab
    assert made.verdict.text() == TOO_FEW
    runs.tick(2, True)
    runs.tick(1, True)
    assert made.before.currentText().startswith("run")
    assert len(made.model.rows) == 3
    made.outcome.setCurrentIndex(1)
    kept = [change.outcome for change in made.model.rows]
    assert kept == ["won"]
    index = made.model.index(0, 0)
    with qtbot.waitSignal(made.open_query, timeout=2000) as opened:
        QTest.mouseClick(
            made.view.viewport(), Qt.LeftButton, pos=made.view.visualRect(index).center()
        )
    assert opened.args[1] == made.model.rows[0].path


def test_a_file_is_found_by_its_name(tab):
    made, runs = tab
    runs.tick(2, True)
    runs.tick(1, True)
    QTest.keyClicks(made.text, "B.j")
    assert [change.name for change in made.model.rows] == ["b.jpg"]
