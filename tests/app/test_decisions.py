"""Decisions by key: kept, marked, undone, handed over."""

from __future__ import annotations

import csv
import hashlib

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtWidgets import QApplication, QDialogButtonBox

from app.items.colours import truth_colour
from app.jobs.controller import Controller
from app.jobs.images import ImageLoader
from app.jobs.job import JobState
from app.state.export_choices import ExportChoices
from app.state.report_choice import ranks_text
from app.state.scene import scene_of
from app.state.workspace import Workspace
from app.views.dialogs.report_dialog import ReportDialog
from app.views.explore.decision_commands import DecisionCommands
from app.views.explore.inspector import Inspector
from app.views.explore.report_commands import ReportCommands
from app.views.explore.results_panel import ResultsPanel
from app.views.widgets.actions import Actions
from qaconv_core.figures.colours import DECISIONS
from qaconv_core.types import RankingResult, score_of_logit
from tests.app.controls import words_of
from tests.app.lists import click
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
    decision_commands, actions = DecisionCommands(controller, results), Actions(results)
    report_commands = ReportCommands(
        controller, decision_commands.jobs, ExportChoices(folder=tmp_path), results
    )
    actions.bind(
        {**results.handlers(), **decision_commands.handlers(), **report_commands.handlers()}
    )
    results.show()
    rest(qtbot, runner)
    yield controller, results, decision_commands, report_commands
    thumbnails.close()
    controller.close()


def rest(qtbot, runner):
    qtbot.waitUntil(lambda: not runner.busy, timeout=WAIT)


def verdict(space):
    decision = space.decided.get(space.selection.candidate)
    return None if decision is None else decision.verdict


def test_decisions_by_key_are_marked_kept_and_undone(qtbot, opened, tmp_path):
    controller, results, decision_commands, _ = opened
    space, runner = controller.workspace, controller.runner

    def press(key, modifier=Qt.NoModifier):
        qtbot.keyClick(results, key, modifier)
        rest(qtbot, runner)
        return verdict(space)

    assert press(Qt.Key_Y) == "confirm"
    assert any("confirmed" in panel.spoken for panel in scene_of(space).panels)
    row = results.model.row_of(space.selection.candidate)
    assert results.model.entry(row).decided == "confirm"
    assert press(Qt.Key_R) == "reject"
    again = DecisionCommands(controller, results)  # as after a restart
    assert again.jobs.log.all()[0].verdict == "reject"
    rest(qtbot, runner)
    assert press(Qt.Key_Z, Qt.ControlModifier) == "confirm"
    assert press(Qt.Key_Delete) is None
    assert press(Qt.Key_Z, Qt.ControlModifier) == "confirm"
    assert press(Qt.Key_Z, Qt.ControlModifier) is None
    note = decision_commands.ask_note()
    note.note.setPlainText("same bag")
    note.accept()
    results.window().activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is results.window())
    rest(qtbot, runner)
    assert space.decided[space.selection.candidate].note == "same bag"
    assert "Unsure: same bag" in results.model.index(row).data(Qt.ToolTipRole)
    assert press(Qt.Key_Y) == "confirm"
    assert space.decided[space.selection.candidate].note == "same bag"  # the note stays
    decision_commands.jobs.save_csv(tmp_path / "d.csv")
    rest(qtbot, runner)
    rows = list(csv.DictReader((tmp_path / "d.csv").open()))
    assert [(r["verdict"], r["note"]) for r in rows] == [("confirm", "same bag")]


def test_one_key_for_several_is_said_and_undone_as_one(qtbot, opened):
    controller, results, decision_commands, _ = opened
    space, runner = controller.workspace, controller.runner
    said = []
    decision_commands.reported.connect(said.append)

    def press(key, modifier=Qt.NoModifier):
        qtbot.keyClick(results, key, modifier)
        rest(qtbot, runner)

    press(Qt.Key_R)
    first = dict(space.decided)
    for row in (1, 2, 3):
        click(results.view, results.model.index(row), Qt.ControlModifier)
    press(Qt.Key_Y)
    assert sorted(d.verdict for d in space.decided.values()) == ["confirm"] * 4
    press(Qt.Key_Z, Qt.ControlModifier)
    assert space.decided == first
    press(Qt.Key_Z, Qt.ControlModifier)
    assert space.decided == {}
    assert said[1:3] == ["Confirmed 4 candidates", "Undone: 4 candidates"]
    press(Qt.Key_U)
    decision_commands.decide(None, "same bag")
    rest(qtbot, runner)
    assert said[4:] == ["Unsure about 4 candidates", "Note on 4 candidates"]


def test_truth_and_decision_have_a_place_and_a_colour_each(qtbot, opened):
    controller, results, *_ = opened
    space = controller.workspace
    candidate = space.ranking.first(RankingResult.TRUE)
    space.select_candidate(candidate)
    qtbot.keyClick(results, Qt.Key_R)  # a true match is rejected
    rest(qtbot, controller.runner)
    rect = results.view.visualRect(results.model.index(results.model.row_of(candidate)))
    tile = results.view.viewport().grab(rect).toImage()
    wanted = truth_colour(RankingResult.TRUE).name(), DECISIONS["reject"].lower()
    assert wanted[0] != wanted[1]
    places = {name: [] for name in wanted}
    for y in range(tile.height()):
        for x in range(tile.width()):
            places.get(tile.pixelColor(x, y).name(), []).append((x, y))
    truth, decided = (places[name] for name in wanted)
    assert min(truth) < min(decided)  # the frame begins left of the badge,
    assert min(y for _x, y in truth) < min(y for _x, y in decided)  # and above it
    left, right = min(decided)[0], max(decided)[0]
    high = max(y for _x, y in decided) - min(y for _x, y in decided)
    assert high == pytest.approx(right - left, abs=2)  # it is round


def test_j_goes_to_the_next_undecided_and_the_decided_can_be_hidden(qtbot, opened):
    controller, results, *_ = opened
    space, model = controller.workspace, results.model
    listed = [model.candidate_at(row) for row in range(model.rowCount())]
    for candidate, verdict_key in ((listed[1], Qt.Key_Y), (listed[2], Qt.Key_R)):
        space.select_candidate(candidate)
        qtbot.keyClick(results, verdict_key)
        rest(qtbot, controller.runner)
    space.select_candidate(listed[0])
    seen = []
    for _ in listed:
        qtbot.keyClick(results, Qt.Key_J)
        seen.append(space.selection.candidate)
    assert seen == [*listed[3:], *listed[-1:] * 3]  # after the last one nothing moves
    box = results.header.hides["hide_decided"]
    qtbot.mouseClick(box, Qt.LeftButton, pos=QPoint(8, box.height() // 2))
    assert [model.candidate_at(row) for row in range(model.rowCount())] == [
        listed[0], *listed[3:]
    ]  # fmt: skip
    (chip,) = results.header.filters.chips
    assert chip.text() == "decided hidden"
    qtbot.mouseClick(chip, Qt.LeftButton)
    assert model.rowCount() == len(listed)


def test_quick_decisions_keep_their_order_and_survive_the_end(qtbot, opened):
    controller, _results, decision_commands, _ = opened
    space, log = controller.workspace, decision_commands.jobs.log
    order = [int(c) for c in space.ranking.order[:6]]
    for number, candidate in enumerate(order):
        space.select_candidate(candidate)
        decision_commands.decide(("confirm", "reject")[number % 2])
    controller.runner.close()  # while they are being written
    names = [log.name_of(space.data.gallery[c].path) for c in order]
    assert [d.gallery for d in log.all()] == names
    assert [d.verdict for d in log.all()] == ["confirm", "reject"] * 3


def test_a_file_that_cannot_be_used_is_a_problem_and_changes_nothing(qtbot, opened):
    controller, results, decision_commands, _ = opened
    space, runner = controller.workspace, controller.runner
    qtbot.keyClick(results, Qt.Key_Y)
    rest(qtbot, runner)
    path = decision_commands.jobs.log.path
    newer = path.read_text().replace('"version": 1', '"version": 99')
    path.write_text(newer)
    with qtbot.waitSignal(runner.problem, timeout=WAIT) as told:
        qtbot.keyClick(results, Qt.Key_R)
    assert str(path) in told.args[0].message
    assert "newer version" in told.args[0].message
    assert verdict(space) == "confirm"  # what was known last
    assert path.read_text() == newer


def test_decisions_of_another_query_are_read_when_it_is_chosen(qtbot, opened):
    controller, results, _decision_commands, _ = opened
    space, runner = controller.workspace, controller.runner
    qtbot.keyClick(results, Qt.Key_Y)
    rest(qtbot, runner)
    decided = dict(space.decided)
    space.select_queries((1,))
    assert space.decided == {}
    rest(qtbot, runner)
    assert space.decided == {}
    space.select_queries((0,))
    rest(qtbot, runner)
    assert space.decided == decided


def test_decisions_by_mouse_beside_the_candidate(qtbot, opened):
    controller, results, decision_commands, _ = opened
    space, pictures = controller.workspace, ImageLoader(None)
    inspector = Inspector(space, pictures)
    qtbot.addWidget(inspector)
    handlers = decision_commands.handlers()
    inspector.command_wanted.connect(lambda id: handlers[id].run())
    inspector.resize(900, 620)
    inspector.show()
    qtbot.waitExposed(inspector)
    bar = inspector.decisions

    def click(name):
        qtbot.mouseClick(bar.buttons[f"candidate.{name}"], Qt.LeftButton)
        rest(qtbot, controller.runner)

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
    decision_commands.decide(None, "another bag")
    rest(qtbot, controller.runner)
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


# ── the report ──────────────────────────────────────────────────────────────────────────────────


def test_ranks_are_told_and_junk_is_counted(space):
    ranking = space.ranking
    junk = [int(c) for c in ranking.order if not ranking.rank_of(int(c))]
    first, second, third = (int(c) for c in ranking.order if ranking.rank_of(int(c)) in (1, 2, 3))
    assert ranks_text(ranking, [first]) == "Rank 1"
    assert ranks_text(ranking, [first, second, third]) == "Ranks 1, 2 and 3"
    assert ranks_text(ranking, junk[:1]) == "Same camera (ignored), without a rank"
    assert (
        ranks_text(ranking, [first, junk[0], second])
        == "Ranks 1 and 2; 1 of the same camera (ignored)"
    )


def test_a_report_on_candidates_chosen_by_mouse(qtbot, opened, tmp_path):
    controller, results, _decision_commands, report_commands = opened
    space, runner = controller.workspace, controller.runner
    qtbot.keyClick(results, Qt.Key_U)
    rest(qtbot, runner)
    click(results.view, results.model.index(2), Qt.ControlModifier)
    click(results.view, results.model.index(1), Qt.ControlModifier)
    results.header.command_wanted.connect(lambda id: report_commands.handlers()[id].run())
    qtbot.mouseClick(results.header.report, Qt.LeftButton)
    dialog = results.findChild(ReportDialog)
    assert words_of(dialog.radios["chosen"]) == "The 3 candidates chosen in the ranking"
    assert dialog.radios["chosen"].isChecked()
    assert dialog.ranks.text() == ranks_text(space.ranking, space.ranking.order[:3].tolist())
    dialog.path.setText(str(tmp_path / "no such" / "r.html"))
    buttons = dialog.buttons
    qtbot.mouseClick(buttons.button(QDialogButtonBox.Save), Qt.LeftButton)
    assert "no such folder" in dialog.note.text()
    dialog.path.setText(str(tmp_path / "r.html"))
    with qtbot.waitSignal(report_commands.reported, timeout=WAIT):
        qtbot.mouseClick(buttons.button(QDialogButtonBox.Save), Qt.LeftButton)
    text = (tmp_path / "r.html").read_text()
    places = [
        text.index(f": {space.data.gallery[int(c)].path.name}</h2>")
        for c in space.ranking.order[:3]
    ]
    assert places == sorted(places)
    assert text.count('<section class="candidate">') == 3
    assert text.count("Decided: unsure") == 1
    assert text.count("Not decided.") == 2
    assert "1 unsure" in text
    data, model = space.data, controller.matching.model
    files = [data.query[space.selection.query].path]
    files += [data.gallery[int(c)].path for c in space.ranking.order[:3]]
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    assert len(set(hashes)) == 4
    assert [text.count(f"SHA-256 {digest}") for digest in hashes] == [1] * 4
    assert f"SHA-256 {model.spec.sha256}" in text


def test_all_decided_are_the_default_and_pdf_is_chosen_by_the_ending(qtbot, opened, tmp_path):
    controller, results, _decision_commands, report_commands = opened
    space, runner = controller.workspace, controller.runner
    for key in (Qt.Key_Y, Qt.Key_R):
        qtbot.keyClick(results, key)
        rest(qtbot, runner)
        qtbot.keyClick(results, Qt.Key_Right)
    rest(qtbot, runner)
    dialog = report_commands.ask_report()
    assert dialog.radios["decided"].isChecked()
    assert words_of(dialog.radios["decided"]) == "All 2 decided"
    dialog.radios["shown"].click()
    assert dialog.candidates == (space.selection.candidate,)
    dialog.path.setText(str(tmp_path / "r.pdf"))
    assert dialog.chosen.suffix == ".pdf"
    with qtbot.waitSignal(report_commands.reported, timeout=WAIT):
        qtbot.keyClick(dialog, Qt.Key_Return)
    content = (tmp_path / "r.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") == 3


def test_a_report_that_is_cancelled_leaves_no_file(qtbot, opened, tmp_path):
    controller, _results, _decision_commands, report_commands = opened
    order = tuple(int(c) for c in controller.workspace.ranking.order)
    (tmp_path / "r.html").write_text("before")
    job = report_commands.save_report(tmp_path / "r.html", order)
    with qtbot.waitSignal(job.ended, timeout=WAIT):
        job.progressed.connect(lambda _news: job.cancel())
    assert job.state is JobState.CANCELLED
    assert job.progress.stage == "writing the report"
    assert (tmp_path / "r.html").read_text() == "before"
    assert sorted(p.name for p in tmp_path.glob("*r*.html")) == ["r.html"]


def test_after_a_search_by_part_all_carry_the_logit_of_the_whole_pictures(qtbot, opened, tmp_path):
    controller, _results, decision_commands, report_commands = opened
    space, matching = controller.workspace, controller.matching
    part = np.zeros(matching.model.head.grid, dtype=bool)
    part[:3] = True
    with qtbot.waitSignal(controller.settled, timeout=WAIT):
        space.parts.draw(part)
    query, candidate = space.selection.query, space.selection.candidate
    whole = float(matching.logits(query)[candidate])
    by_part = space.ranking.value_of(candidate)
    assert by_part < whole - 1  # or this test shows nothing
    with qtbot.waitSignal(decision_commands.reported, timeout=WAIT):
        decision_commands.decide("confirm")
    with qtbot.waitSignal(decision_commands.reported, timeout=WAIT):
        decision_commands.jobs.save_csv(tmp_path / "d.csv")
    (row,) = csv.DictReader((tmp_path / "d.csv").open())
    assert float(row["logit"]) == pytest.approx(whole, abs=1e-3)
    assert float(row["score"]) == pytest.approx(score_of_logit(whole), abs=1e-4)
    assert float(row["part_logit"]) == pytest.approx(by_part, abs=1e-3)
    height, width = part.shape
    assert row["part"] == f"cells 0-{3 * width - 1} of {height} x {width}"
    assert (row["rank"], row["ranked_by"]) == ("1", "QAConv by part")
    assert row["dataset"] == space.data.name
    assert space.model.spec.describe() in row["model"]
    with qtbot.waitSignal(report_commands.reported, timeout=WAIT):
        report_commands.save_report(tmp_path / "r.html", (candidate,))
    text = (tmp_path / "r.html").read_text()
    for value in (whole, score_of_logit(whole), by_part):
        assert f"{value:,.3f}".replace("-", "−")[:-1] in text
    assert "searched by this part" in text
