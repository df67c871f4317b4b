"""Two runs query by query: the right queries gained and lost, and a click opens one."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLabel

from app.items.picture_tiles import TILE_ROLE
from app.jobs.job import JobContext
from app.jobs.run_rankings import ranking_of
from app.state.evaluation import FinishedRun, RunList
from app.state.run_comparison import (
    QueryChange,
    RunResult,
    cameras_of_queries,
    comparison_words,
    query_changes,
)
from app.views.evaluate.changes_tab import NOT_OPEN, TOO_FEW, ChangesTab
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken
from tests.app.real import WAIT
from tests.checkpoints import write_checkpoint
from tests.core.records import make_report, make_result
from tests.small_world import small_checkpoint


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
    with qtbot.waitSignal(made.opened, timeout=2000) as opened:
        QTest.mouseClick(
            made.view.viewport(), Qt.LeftButton, pos=made.view.visualRect(index).center()
        )
    assert runs.current_id == 2  # the run that is chosen in the list stays
    first, second, change = opened.args
    assert (first.run.id, second.run.id) == (1, 2)
    assert change == made.model.rows[0]


def test_two_runs_open_with_the_last_method_of_each(tab):
    made, runs = tab
    more = []
    for id, methods in ((1, ("qaconv", "qaconv+rerank")), (2, ("qaconv", "qaconv+tlift"))):
        plain = run(id, BEFORE)
        results = tuple(replace(plain.report.results[0], method=method) for method in methods)
        more.append(replace(plain, report=replace(plain.report, results=results)))
    runs.put(tuple(reversed(more)))
    runs.tick(2, True)
    runs.tick(1, True)
    assert made.before.currentText() == "run 1 · QAConv + re-ranking"
    assert made.after.currentText() == "run 2 · QAConv + TLift"


def test_a_file_is_found_by_its_name(tab):
    made, runs = tab
    runs.tick(2, True)
    runs.tick(1, True)
    QTest.keyClicks(made.text, "B.j")
    assert [change.name for change in made.model.rows] == ["b.jpg"]


def test_queries_are_filtered_by_camera_pair(tab):
    made, runs = tab
    runs.tick(2, True)
    runs.tick(1, True)
    field = made.cameras
    assert not field.isEnabled()
    assert field.toolTip() == NOT_OPEN
    cameras = {"a": (0, {1, 2}), "b": (1, {0}), "d": (0, {2})}
    field.know({f"/data/query/{name}.jpg": (own, frozenset(others))
                for name, (own, others) in cameras.items()}, {1: "yard"})  # fmt: skip
    assert field.isEnabled()
    field.queries.boxes[1].click()
    assert {change.name for change in made.model.rows} == {"a.jpg", "d.jpg"}
    assert made.verdict.text().endswith("2 listed.")
    for camera in (0, 2):
        field.matches.boxes[camera].click()
    assert [change.name for change in made.model.rows] == ["a.jpg"]
    assert [chip.text() for chip in field.chips] == ["query: camera 1", "true match: camera yard"]
    QTest.mouseClick(field.chips[0], Qt.LeftButton)
    QTest.mouseClick(field.chips[0], Qt.LeftButton)
    assert len(made.model.rows) == 3


def test_cameras_of_queries_are_those_of_the_set(space):
    found = cameras_of_queries(space.data)
    for ref in space.data.query:
        others = {g.camid for g in space.data.gallery if g.pid == ref.pid} - {ref.camid}
        assert found[str(ref.path)] == (ref.camid, others)
    assert cameras_of_queries(None) == {}


def opened_result(window, method="qaconv", sha256=None, command=""):
    """A result of a run that was made of the open set."""
    report, matching = make_report(), window.controller.matching
    record = replace(report.checkpoint, sha256=sha256 or matching.model.spec.sha256)
    result = replace(make_result(), method=method)
    report = replace(report, checkpoint=record, results=(result,), dataset="market")
    return RunResult(FinishedRun(4, "2026-11-01", "evaluate", report, (), "", command), result)


def test_both_rankings_of_a_query_stand_one_above_the_other(qtbot, window, model, tmp_path):
    dialogs, matching = window.dialogs, window.controller.matching
    other = tmp_path / "other" / "checkpoint.pth.tar"
    other.parent.mkdir()
    content = small_checkpoint()
    criterion = content["criterion"]
    criterion["matcher.fc.weight"] = criterion["matcher.fc.weight"].flip(1)
    write_checkpoint(other, content)
    sha256 = hashlib.sha256(other.read_bytes()).hexdigest()
    command = f'qaconv evaluate --dataset market --checkpoint "{other}" --device cpu'
    second = opened_result(window, sha256=sha256, command=command)
    path = str(matching.data.query[2].path)
    change = QueryChange(path, 0.25, 0.5)
    window.pages._open_rankings(opened_result(window), second, change)
    qtbot.waitUntil(lambda: "answers" in dialogs._open, timeout=WAIT)
    dialog = dialogs._open["answers"]
    qtbot.waitUntil(dialog.isVisible, timeout=WAIT)
    titles = [label.text() for label in dialog.findChildren(QLabel)]
    assert "run 4 · QAConv: AP 0.250" in titles
    assert "run 4 · QAConv: AP 0.500" in titles
    listed = [[strip.model().index(row, 0).data(TILE_ROLE).place.candidate
               for row in range(strip.model().rowCount())] for strip in dialog.strips]  # fmt: skip
    plain = [matching.data.gallery[int(g)].path for g in matching.rank((2,)).order]
    assert listed[0] == [path for path in plain if path in listed[0]]
    assert listed[0] != listed[1]
    assert set(listed[1]) <= set(plain)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sha256": "0" * 64, "command": "qaconv evaluate --dataset market --checkpoint /gone.pth"},
         "gone.pth"),
        ({"sha256": "0" * 64, "method": "qaconv+rerank"}, "only plain QAConv"),
        ({"method": "qaconv+rerank"}, r"^QAConv \+ re-ranking needs .* evaluate this data set"),
    ],
)  # fmt: skip
def test_a_ranking_that_cannot_be_made_again_says_why(qtbot, window, more, words):
    wanted = opened_result(window, **more)
    context = JobContext(lambda _progress: None, CancelToken(), lambda _part: None)
    with pytest.raises(InputError, match=words):
        ranking_of(window.controller.matching, 0, wanted, context)
