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
from app.views.inspector import Inspector
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
    assert any("confirmed" in panel.spoken for panel in scene_of(space).panels)
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


def test_decisions_by_mouse_beside_the_candidate(qtbot, opened):
    controller, results, deciding = opened
    space, pictures = controller.workspace, ImageLoader(None)
    inspector = Inspector(space, pictures)
    qtbot.addWidget(inspector)
    handlers = deciding.handlers()
    inspector.command_wanted.connect(lambda id: handlers[id]())
    inspector.resize(900, 620)
    inspector.show()
    qtbot.waitExposed(inspector)
    bar = inspector.decisions

    def click(name):
        qtbot.mouseClick(bar.buttons[f"candidate.{name}"], Qt.LeftButton)

    def lit():
        return [id.split(".")[1] for id, button in bar.buttons.items() if button.isChecked()]

    first = space.selection.candidate
    assert lit() == []
    click("confirm")
    assert (verdict(space), lit()) == ("confirm", ["confirm"])
    click("reject")
    assert (verdict(space), lit()) == ("reject", ["reject"])
    results.step(1)
    assert lit() == []  # another candidate, not decided
    space.select_candidate(first)
    assert lit() == ["reject"]
    deciding.decide("reject", "another bag")
    assert lit() == ["reject", "note"]
    assert "another bag" in bar.buttons["candidate.note"].toolTip()
    click("reject")  # what is on is withdrawn
    assert (verdict(space), lit()) == (None, [])
    assert "(Y)" in bar.buttons["candidate.confirm"].toolTip()
    inspector.close()
    pictures.close()


def test_the_buttons_stand_at_the_outer_side_of_the_candidate(qtbot, space, tmp_path):
    pictures = ImageLoader(None)
    inspector = Inspector(space, pictures)
    qtbot.addWidget(inspector)
    inspector.resize(900, 620)
    inspector.show()
    canvas, bar = inspector.canvas, inspector.decisions
    home = canvas.stage.panes[canvas.scene.find(("gallery", 0))].home
    assert bar.isVisible()
    assert bar.x() >= home.x + home.width
    assert bar.geometry().right() <= canvas.width()
    inspector.choose_mode("compare")
    home = canvas.stage.panes[canvas.scene.find(("gallery", 0))].home
    assert bar.geometry().right() <= home.x
    space.select_queries((1,))
    space.set_pair(None)
    assert not bar.isVisible()  # nobody to decide about
    inspector.close()
    pictures.close()


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
