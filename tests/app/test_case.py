"""A case in the window: begun, kept as one goes, brought back whole, its log complete."""

from __future__ import annotations

import configparser
import csv
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QDialogButtonBox

from app.state.requests import CaseRequest
from app.state.session import Session
from app.views.dialogs.case_dialog import CaseDialog
from qaconv_core.store.cases import CaseFile
from tests.app.real import WAIT, drop, press, settled, tiny_market

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def begin(qtbot, make_window, tmp_path, model):
    data = tiny_market(tmp_path)

    def make():
        window = make_window()
        window.begin(data, model)
        qtbot.waitUntil(lambda: window.controller.matching is not None, timeout=WAIT)
        settled(qtbot, window)
        return window

    return make


def new_case(qtbot, window, path):
    """Begin a case by keys."""
    press(window, Qt.Key_N, modifiers=Qt.ControlModifier | Qt.AltModifier)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, CaseDialog)
    QTest.keyClicks(dialog.title, "Theft of a bag")
    QTest.keyClicks(dialog.reference, "2026/17")
    QTest.keyClicks(dialog.examiner, "A. Examiner")
    dialog.path.setText(str(path))
    QTest.mouseClick(dialog.buttons.button(QDialogButtonBox.Save), Qt.LeftButton)
    jobs = window.case_commands.jobs
    qtbot.waitUntil(lambda: jobs.case is not None, timeout=WAIT)
    QApplication.setActiveWindow(window)
    window.explore.queries.list.setFocus()
    return jobs


def stored(path):
    return CaseFile(path).read()


def wait_for(qtbot, condition):
    qtbot.waitUntil(condition, timeout=WAIT)


def come_back(qtbot, make_window, **begun):
    """A window that opens a case again."""
    again = make_window()
    again.begin(**begun)
    wait_for(qtbot, lambda: again.case_commands.jobs.case is not None)
    wait_for(qtbot, lambda: again.controller.matching is not None)
    settled(qtbot, again)
    return again


def test_everything_is_kept_as_one_goes_and_comes_back(qtbot, begin, make_window, tmp_path):
    window, path = begin(), tmp_path / "theft.qcase"
    jobs, space = new_case(qtbot, window, path), window.workspace
    press(window, Qt.Key_Home, Qt.Key_Right)
    settled(qtbot, window)
    press(window, Qt.Key_Y)
    wait_for(qtbot, lambda: len(jobs.case.decisions) == 1)
    press(window, Qt.Key_Down)
    settled(qtbot, window)
    press(window, Qt.Key_D, modifiers=Qt.ControlModifier)
    wait_for(qtbot, lambda: len(jobs.case.queries) == 2)
    press(window, Qt.Key_Right)
    settled(qtbot, window)
    panel = window.case_commands.panel
    panel.notes.setFocus()
    QTest.keyClicks(panel.notes, "line one")
    QTest.keyClick(panel.notes, Qt.Key_Return)
    QTest.keyClicks(panel.notes, "line two")
    query, candidate = space.selection.query, space.selection.candidate
    looked = space.data.query[query].path, space.data.gallery[candidate].path
    window.close()
    case = stored(path)
    assert case.notes == "line one\nline two"
    assert (case.title, case.reference, case.examiner) == (
        "Theft of a bag", "2026/17", "A. Examiner",
    )  # fmt: skip
    assert case.data.pictures == 26
    assert case.model.sha256 == window.workspace.model.spec.sha256
    assert case.fault == ""
    assert {s.gallery.rsplit("/", 1)[-1] for s in case.seen} >= {looked[1].name}

    again = make_window()
    again.begin(case=path)
    wait_for(qtbot, lambda: again.controller.matching is not None)
    settled(qtbot, again)
    space = again.workspace
    assert space.data.query[space.selection.query].path == looked[0]
    assert space.data.gallery[space.selection.candidate].path == looked[1]
    assert again.case_commands.panel.notes.toPlainText() == "line one\nline two"
    assert again.case_commands.panel.tray.count() == 2
    assert not again.problems.problems
    press(again, Qt.Key_Up)
    wait_for(qtbot, lambda: len(space.decided) == 1)
    assert [d.verdict for d in space.decided.values()] == ["confirm"]
    assert again.settings.value.recent_cases[0] == CaseRequest(path)


def test_decisions_of_a_case_are_its_own(qtbot, begin, tmp_path):
    window = begin()
    press(window, Qt.Key_Home, Qt.Key_R)
    wait_for(qtbot, lambda: len(window.workspace.decided) == 1)
    new_case(qtbot, window, tmp_path / "a.qcase")
    wait_for(qtbot, lambda: not window.workspace.decided)
    window.commands.run("file.close_case")
    wait_for(qtbot, lambda: len(window.workspace.decided) == 1)


def test_undo_is_an_entry_of_the_log_which_can_be_exported(qtbot, begin, tmp_path):
    window = begin()
    jobs = new_case(qtbot, window, tmp_path / "a.qcase")
    press(window, Qt.Key_Home, Qt.Key_Y)
    wait_for(qtbot, lambda: len(jobs.case.decisions) == 1)
    press(window, Qt.Key_Z, modifiers=Qt.ControlModifier)
    wait_for(qtbot, lambda: not jobs.case.decisions)
    jobs.save_log(tmp_path / "log.csv")
    wait_for(qtbot, (tmp_path / "log.csv").is_file)
    with (tmp_path / "log.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    kinds = [row["kind"] for row in rows]
    assert kinds[:2] == ["created", "data"]
    assert kinds.index("decision") < kinds.index("undone")
    assert rows[-1]["hash"] == jobs.case.seal


def test_a_silent_edit_is_told(qtbot, begin, make_window, tmp_path):
    window, path = begin(), tmp_path / "a.qcase"
    jobs = new_case(qtbot, window, path)
    press(window, Qt.Key_Home, Qt.Key_Y)
    wait_for(qtbot, lambda: len(jobs.case.decisions) == 1)
    window.close()
    path.write_text(path.read_text().replace('"confirm"', '"reject"'))
    again = make_window()
    again.begin(case=path)
    wait_for(qtbot, lambda: bool(again.problems.problems))
    assert "of the log" in again.problems.problems[0].message
    panel = again.case_commands.panel
    wait_for(qtbot, lambda: again.controller.matching is not None)
    settled(qtbot, again)
    assert "does not hold" in panel.fault.text()


def test_maps_in_another_arithmetic_are_told_and_noted_once(qtbot, begin, make_window, tmp_path):
    window, path = begin(), tmp_path / "a.qcase"
    jobs = new_case(qtbot, window, path)
    assert jobs.case.model.precision == "float32"
    model = vars(jobs.case.model)
    window.close()
    CaseFile(path).add("model", model | {"precision": "bfloat16"})  # as on another machine
    again = come_back(qtbot, make_window, case=path)
    wait_for(qtbot, lambda: bool(again.problems.problems))
    (problem,) = again.problems.problems
    assert problem.message.startswith(
        "a.qcase: feature maps are in float32 now, the case's were in bfloat16; "
    )
    wait_for(qtbot, lambda: stored(path).model.precision == "float32")
    press(again, Qt.Key_Right)
    settled(qtbot, again)
    again.close()
    kinds = [entry.what.get("precision") for entry in stored(path).entries if entry.kind == "model"]
    assert kinds == ["float32", "bfloat16", "float32"]
    once_more = come_back(qtbot, make_window, case=path)
    assert not once_more.problems.problems, "the case is in this arithmetic from now on"


def test_changed_pictures_are_told(qtbot, begin, make_window, tmp_path):
    window, path = begin(), tmp_path / "a.qcase"
    new_case(qtbot, window, path)
    picture = window.workspace.data.query[window.workspace.selection.query].path
    other = window.workspace.data.query[1].path
    window.close()
    shutil.copy(other, picture)
    again = make_window()
    again.begin(case=path)
    wait_for(qtbot, lambda: bool(again.problems.problems))
    assert "not the picture that it was" in again.problems.problems[0].message
    wait_for(qtbot, lambda: again.controller.matching is not None)
    settled(qtbot, again)


def test_all_pictures_of_a_case_are_searched_by_together(qtbot, begin, tmp_path):
    window = begin()
    jobs = new_case(qtbot, window, tmp_path / "a.qcase")
    press(window, Qt.Key_Down)
    settled(qtbot, window)
    press(window, Qt.Key_D, modifiers=Qt.ControlModifier)
    wait_for(qtbot, lambda: len(jobs.case.queries) == 2)
    window.explore.queries.list.setFocus()
    press(window, Qt.Key_D, modifiers=Qt.ControlModifier | Qt.ShiftModifier)
    wait_for(qtbot, lambda: len(window.workspace.selection.queries) == 2)
    settled(qtbot, window)
    panel = window.case_commands.panel
    panel.tray.setCurrentRow(0)
    QTest.mouseClick(panel.remove, Qt.LeftButton)
    wait_for(qtbot, lambda: panel.tray.count() == 1)


def test_a_sighting_on_the_timeline_opens_the_pair(qtbot, begin, tmp_path):
    window = begin()
    jobs, space = new_case(qtbot, window, tmp_path / "a.qcase"), window.workspace
    for key in (Qt.Key_Home, Qt.Key_Right):
        press(window, key)
        settled(qtbot, window)
        press(window, Qt.Key_Y)
        wait_for(qtbot, lambda key=key: space.selection.candidate in space.decided)
    timeline = window.case_commands.panel.timeline
    wait_for(qtbot, lambda: len(timeline.sightings) == 2)
    cameras = {space.data.gallery[s.candidate].camid for s in timeline.sightings}
    assert set(timeline.rows) == cameras
    press(window, Qt.Key_Down)
    settled(qtbot, window)
    first = timeline.sightings[0]
    QTest.mouseClick(timeline, Qt.LeftButton, pos=timeline.point_of(0).toPoint())
    wait_for(qtbot, lambda: space.selection.candidate == first.candidate)
    assert space.selection.query == first.query
    settled(qtbot, window)
    assert len(jobs.confirmed()) == 2


def test_a_dropped_case_is_opened_and_another_set_closes_it(qtbot, begin, tmp_path):
    window, path = begin(), tmp_path / "a.qcase"
    jobs = new_case(qtbot, window, path)
    window.commands.run("file.close_case")
    assert jobs.case is None
    drop(window, path)
    wait_for(qtbot, lambda: jobs.ready)
    wait_for(qtbot, lambda: window.controller.matching is not None)
    settled(qtbot, window)
    window.controller.open(tiny_market(tmp_path / "other"))
    wait_for(qtbot, lambda: jobs.case is None)
    wait_for(qtbot, lambda: window.controller.matching is not None)
    settled(qtbot, window)
    assert stored(path).fault == ""
    kept = Session.from_record(stored(path).view)
    assert kept.data.root == tmp_path / "data", "the view is that from before the switch"


def test_a_case_whose_view_is_of_another_set_opens_its_own(qtbot, begin, tmp_path):
    window, path = begin(), tmp_path / "a.qcase"
    jobs, own = new_case(qtbot, window, path), str(window.workspace.data.root)
    window.commands.run("file.close_case")
    wait_for(qtbot, lambda: not window.runner.busy)
    view, other = window.session().to_record(), tiny_market(tmp_path / "other")
    view["data"]["root"] = str(other.root)
    CaseFile(path).show_as(view)
    window.controller.open(other)
    wait_for(qtbot, lambda: str(window.workspace.data.root) != own)
    drop(window, path)
    wait_for(qtbot, lambda: jobs.ready)
    settled(qtbot, window)
    assert str(window.workspace.data.root) == own
    assert "its view was of another data set" in window.problems.problems[-1].message
    press(window, Qt.Key_Home, Qt.Key_Y)
    wait_for(qtbot, lambda: len(jobs.case.decisions) == 1)
    assert len(stored(path).decisions) == 1


def test_two_windows_on_one_case_keep_each_others_work(qtbot, begin, make_window, tmp_path):
    window, path = begin(), tmp_path / "a.qcase"
    jobs = new_case(qtbot, window, path)
    assert not window.problems.problems
    other = make_window()
    other.begin(case=path)
    wait_for(qtbot, lambda: other.case_commands.jobs.ready)
    settled(qtbot, other)
    assert "is open in another window" in other.problems.problems[0].message
    for one, words in ((window, "seen at noon"), (other, "seen at night")):
        panel = one.case_commands.panel
        QTest.keyClicks(panel.notes, words)
        panel.keep_notes()
        wait_for(qtbot, lambda words=words: words in stored(path).notes)
    assert stored(path).notes == "seen at noon\nseen at night"
    wait_for(qtbot, lambda: panel.notes.toPlainText() == "seen at noon\nseen at night")
    jobs.describe("Another title", "", "")
    wait_for(qtbot, lambda: "night" in window.case_commands.panel.notes.toPlainText())
    window.commands.run("file.close_case")
    other.commands.run("file.close_case")
    assert not other.problems.problems, "what was said of the case goes with it"
    drop(window, path)
    wait_for(qtbot, lambda: jobs.ready)
    settled(qtbot, window)
    assert not window.problems.problems


def test_notes_are_kept_when_another_case_is_opened(qtbot, begin, tmp_path):
    window, first = begin(), tmp_path / "a.qcase"
    jobs = new_case(qtbot, window, first)
    CaseFile.create(tmp_path / "b.qcase", "Another")
    QTest.keyClicks(window.case_commands.panel.notes, "not yet written")
    jobs.open(tmp_path / "b.qcase")
    wait_for(qtbot, lambda: jobs.case is not None and jobs.case.title == "Another")
    wait_for(qtbot, lambda: stored(first).notes == "not yet written")
    assert window.case_commands.panel.notes.toPlainText() == ""
    wait_for(qtbot, lambda: not window.runner.busy)


def test_a_refused_case_leaves_the_open_one_and_says_so(qtbot, begin, tmp_path):
    window, bad = begin(), tmp_path / "bad.qcase"
    jobs = new_case(qtbot, window, tmp_path / "a.qcase")
    bad.write_text("{}")
    jobs.open(bad)
    wait_for(qtbot, lambda: bool(window.problems.problems))
    assert window.problems.problems[0].message.endswith("; a.qcase stays open")
    assert jobs.file.path.name == "a.qcase"


def test_a_new_case_is_offered_a_file_that_is_not_there(qtbot, tmp_path):
    for name in ("case.qcase", "case-2.qcase", "case-3.qcase"):
        dialog = CaseDialog(tmp_path)
        qtbot.addWidget(dialog)
        assert dialog.target == tmp_path / name
        dialog.target.write_text("")


def test_a_case_in_a_folder_that_is_not_there_is_refused_in_the_dialog(qtbot, begin, tmp_path):
    dialog = begin().case_commands.ask_new()
    dialog.title.setText("Theft")
    save = dialog.buttons.button(QDialogButtonBox.Save)
    assert save.isEnabled()
    dialog.path.setText(str(tmp_path / "none" / "a.qcase"))
    assert not save.isEnabled()
    assert "no such folder" in dialog.note.text()
    for nothing in ("", "/"):
        dialog.path.setText(nothing)
        assert not save.isEnabled()
        assert dialog.note.text() == "Name a file for the case."
    dialog.reject()


def test_a_candidate_without_rank_is_noted_without_one(qtbot, begin, tmp_path):
    window = begin()
    jobs, space = new_case(qtbot, window, tmp_path / "a.qcase"), window.workspace
    wait_for(qtbot, lambda: space.ranking is not None and space.ranking.whole)
    unranked = [i for i in range(len(space.data.gallery)) if not space.ranking.rank_of(i)]
    space.select_candidate(unranked[0])
    name = space.data.gallery[unranked[0]].path.name
    wait_for(qtbot, lambda: any(s.gallery.endswith(name) for s in jobs.case.seen))
    assert jobs.case.seen[-1].rank is None


def test_the_last_session_brings_its_case_back(qtbot, begin, make_window, tmp_path):
    window, path = begin(), tmp_path / "a.qcase"
    new_case(qtbot, window, path)
    session = window.session()
    assert session.case == str(path)
    window.close()
    come_back(qtbot, make_window, session=session)


def test_hidden_panels_stay_hidden_when_a_case_comes_back(qtbot, begin, make_window, tmp_path):
    window, path = begin(), tmp_path / "a.qcase"
    new_case(qtbot, window, path)
    press(window, Qt.Key_F)
    assert not any(dock.isVisible() for dock in window.explore.docks)
    window.close()
    again = come_back(qtbot, make_window, case=path)
    assert again.explore.panels_hidden
    assert not any(dock.isVisible() for dock in again.explore.docks)
    press(again, Qt.Key_F)
    assert again.case_commands.dock.isVisible()
    press(again, Qt.Key_F)
    again.commands.run("file.close_case")
    wait_for(qtbot, lambda: again.case_commands.jobs.case is None)
    press(again, Qt.Key_F)
    assert again.explore.queries_dock.isVisible()
    assert not again.case_commands.dock.isVisible()


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"format": "qaconv-case"})])
def test_a_damaged_case_is_one_line_and_changes_nothing(qtbot, begin, tmp_path, content):
    window, path = begin(), tmp_path / "bad.qcase"
    path.write_text(content)
    drop(window, path)
    wait_for(qtbot, lambda: bool(window.problems.problems))
    assert "bad.qcase" in window.problems.problems[0].message
    assert path.read_text() == content
    assert not list(tmp_path.glob(".bad*")), "no lock is left beside it"
    assert window.case_commands.jobs.case is None


def entry_of(kind):
    """The text of a file that docs/cases.md says to write for a double click."""
    text = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    return re.search(rf"<<'{kind}'\n(.*?)\n{kind}\n", text, re.DOTALL).group(1)


def test_a_double_click_on_the_desktop_opens_the_case(qtbot, begin, tmp_path):
    """The documented entry is started as a desktop does: its command, with the file for %f."""
    window, path = begin(), tmp_path / "seen at the gate.qcase"
    new_case(qtbot, window, path)
    wait_for(qtbot, lambda: not window.runner.busy)
    window.close()
    mime = ElementTree.fromstring(entry_of("XML").encode())
    (kind,) = mime
    glob = kind.find("{*}glob").get("pattern")
    assert Path(path).match(glob)
    entry = configparser.RawConfigParser()
    entry.optionxform = str
    entry.read_string(entry_of("DESKTOP"))
    entry = entry["Desktop Entry"]
    assert entry["MimeType"] == f"{kind.get('type')};"
    program, *words = entry["Exec"].split()
    assert f"{program} = qaconv_core" in (ROOT / "setup.cfg").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "qaconv_core", *(str(path) if w == "%f" else w for w in words)]
    before = len(stored(path).entries)
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(qtbot, lambda: len(stored(path).entries) > before or running.poll() is not None)
        assert stored(path).entries[before].kind == "opened"
    finally:
        running.send_signal(signal.SIGINT)
        _out, said = running.communicate(timeout=WAIT / 1000)
    assert (running.returncode, said) == (0, "")
    assert stored(path).fault == ""


def test_the_command_line_names_a_case(tmp_path):
    missing = tmp_path / "none.qcase"
    done = subprocess.run(
        [sys.executable, "-m", "qaconv_core", "gui", str(missing)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no such case" in done.stderr or "not installed" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
