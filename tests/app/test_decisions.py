"""Decisions by key: kept, marked, undone, handed over."""

from __future__ import annotations

import csv

import pytest
from PyQt5.QtCore import Qt

from app.jobs.controller import Controller
from app.jobs.images import ImageLoader
from app.state.scene import scene_of
from app.state.workspace import Workspace
from app.views.actions import Actions
from app.views.deciding import Deciding
from app.views.results import ResultsPanel
from tests.app.real import WAIT, open_and_wait, tiny_market, tiny_model


@pytest.fixture
def opened(qtbot, runner, tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    controller = Controller(Workspace(), runner)
    controller.measure_unasked = False
    open_and_wait(qtbot, controller, tiny_market(tmp_path), tiny_model(tmp_path / "m"))
    thumbnails = ImageLoader(64)
    results = ResultsPanel(controller.workspace, thumbnails)
    qtbot.addWidget(results)
    deciding, actions = Deciding(controller, results), Actions(results)
    actions.bind(deciding.handlers())
    deciding.refresh_actions(actions)
    results.show()
    yield controller, results, deciding
    thumbnails.close()
    controller.close()


def verdict(space):
    decision = space.decided.get(space.selection.candidate)
    return None if decision is None else decision.verdict


def test_decisions_by_key_are_marked_kept_and_undone(qtbot, opened, tmp_path):
    controller, results, deciding = opened
    space = controller.workspace
    qtbot.keyClick(results, Qt.Key_Y)
    assert verdict(space) == "confirm"
    assert any("confirmed" in panel.caption[0] for panel in scene_of(space).panels)
    row = results.model.row_of(space.selection.candidate)
    assert results.model.entry(row).decided == "confirm"
    qtbot.keyClick(results, Qt.Key_R)
    assert verdict(space) == "reject"
    again = Deciding(controller, results)  # as after a restart
    assert again.book.all()[0].verdict == "reject"
    qtbot.keyClick(results, Qt.Key_Z, Qt.ControlModifier)
    assert verdict(space) == "confirm"
    qtbot.keyClick(results, Qt.Key_Z, Qt.ControlModifier)
    assert verdict(space) is None
    note = deciding.ask_note()
    note.setTextValue("same bag")
    note.accept()
    assert space.decided[space.selection.candidate].note == "same bag"
    deciding.save_csv(tmp_path / "d.csv")
    rows = list(csv.DictReader((tmp_path / "d.csv").open()))
    assert [(r["verdict"], r["note"]) for r in rows] == [("unsure", "same bag")]


def test_the_report_holds_what_was_decided(qtbot, opened, tmp_path):
    controller, results, deciding = opened
    qtbot.keyClick(results, Qt.Key_U)
    path = tmp_path / "report.html"
    with qtbot.waitSignal(deciding.told, timeout=WAIT):
        deciding.save_report(path)
    text = path.read_text()
    assert "Decided: unsure" in text
    candidate = controller.workspace.data.gallery[controller.workspace.selection.candidate]
    assert candidate.path.name in text
