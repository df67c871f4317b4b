"""The whole window on the real engine, driven by keys and mouse as a person does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QWidget

from app.state.commands import COMMANDS
from app.state.session import load_session
from app.state.values import Cell, Problem
from app.views.dialogs.export_dialog import ExportDialog
from app.views.dialogs.open_data import OpenDataDialog
from app.views.shell.session_keeper import PAUSE_MS
from qaconv_core import device
from qaconv_core.store.folders import cache_dir, data_dir
from qaconv_core.types import RankingResult
from tests.app.real import WAIT, drop, drop_and_describe, press, settled, tiny_market
from tests.builders import write_picture

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data(tmp_path):
    return tiny_market(tmp_path)


@pytest.fixture
def window(qtbot, make_window, data, model):
    """A window with the tiny set open and its first match explained."""
    made = make_window()
    with qtbot.waitSignal(made.controller.settled, timeout=WAIT):
        made.begin(data, model)
    return made


def test_the_first_match_is_there_and_the_title_says_what_is_open(window):
    assert window.pages.currentWidget() is window.explore
    assert window.windowTitle().startswith("market")
    assert "checkpoint.pth.tar" in window.bar.place.text()
    assert window.workspace.pair is not None


def test_every_command_does_something_and_no_key_is_used_twice(window):
    window.pages.choose("evaluate")
    assert {command.id for command in COMMANDS} == window.commands.bound
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))


def test_arrows_walk_candidates_and_queries(qtbot, window):
    space = window.workspace
    window.explore.results.view.setFocus()
    first = space.selection.candidate
    press(window, Qt.Key_Right, Qt.Key_Right, Qt.Key_Left)
    settled(qtbot, window)
    place = space.ranking.place_of(space.selection.candidate)
    assert place == space.ranking.place_of(first) + 1
    press(window, Qt.Key_Down)
    settled(qtbot, window)
    assert space.selection.queries == (1,)
    press(window, Qt.Key_End)
    settled(qtbot, window)
    assert space.ranking.place_of(space.selection.candidate) == 25
    press(window, Qt.Key_Home)
    settled(qtbot, window)
    assert space.ranking.place_of(space.selection.candidate) == 0


def test_back_and_forward_walk_the_history(qtbot, window):
    space = window.workspace
    window.explore.results.view.setFocus()
    visited = [space.selection]
    for _ in range(2):
        press(window, Qt.Key_Right)
        settled(qtbot, window)
        visited.append(space.selection)
    press(window, Qt.Key_Left, modifiers=Qt.AltModifier)
    settled(qtbot, window)
    assert space.selection == visited[1]
    press(window, Qt.Key_Right, modifiers=Qt.AltModifier)
    settled(qtbot, window)
    assert space.selection == visited[2]


def test_another_candidate_keeps_mode_zoom_and_pin(qtbot, window):
    space = window.workspace
    window.explore.results.view.setFocus()
    press(window, Qt.Key_2, Qt.Key_G)
    window.explore.inspector.canvas.zoom_by(2.0)
    space.pin(Cell("query", 7))
    before = window.explore.inspector.canvas.grab().toImage()
    press(window, Qt.Key_Right)
    settled(qtbot, window)
    assert (space.look.mode, space.look.grid) == ("heat", True)
    assert space.selection.cell == Cell("query", 7)
    assert window.explore.inspector.canvas.zoom.factor == pytest.approx(2.0)
    assert window.explore.inspector.canvas.grab().toImage() != before


def test_letters_typed_into_a_filter_are_no_commands(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_L, modifiers=Qt.ControlModifier)
    mode, grid, queries = space.look.mode, space.look.grid, space.selection.queries
    QTest.keyClicks(QApplication.focusWidget(), "g2 ne")
    assert space.query_filter.text == "g2 ne"
    assert (space.look.mode, space.look.grid, space.selection.queries) == (mode, grid, queries)


def test_keys_of_the_browser_rest_on_the_other_page(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_2, modifiers=Qt.ControlModifier)
    assert window.page == "evaluate"
    mode, chosen = space.look.mode, space.selection
    press(window, Qt.Key_3, Qt.Key_Down, Qt.Key_Right)
    assert (space.look.mode, space.selection) == (mode, chosen)
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    assert window.pages.currentWidget() is window.explore


def test_a_dropped_picture_becomes_the_query(qtbot, window, tmp_path):
    picture = write_picture(tmp_path / "somebody.png", 3, (48, 128))
    drop(window, picture)
    space = window.workspace
    qtbot.waitUntil(lambda: space.selection.queries == (5,), timeout=WAIT)
    settled(qtbot, window)
    assert space.data.query[5].path == picture
    assert set(space.ranking.truth) == {RankingResult.NOT_KNOWN}


def test_a_dropped_folder_is_described_and_reported_before_it_is_opened(qtbot, window, tmp_path):
    for pid in (1, 2, 3):
        for shot in range(3):
            write_picture(tmp_path / "own" / f"p{pid}" / f"{shot}.png", pid, (48, 128))
    before = window.workspace.data
    dialog = drop_and_describe(qtbot, window, tmp_path / "own")
    qtbot.waitUntil(dialog.open_button.isEnabled, timeout=WAIT)
    assert window.workspace.data is before
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: window.workspace.data is not before, timeout=WAIT)
    settled(qtbot, window)
    assert len(window.workspace.data.gallery) > 0


def test_a_wrong_file_is_said_and_changes_nothing(qtbot, window, tmp_path):
    space = window.workspace
    qtbot.waitUntil(lambda: space.pair.relative is not None, timeout=WAIT)  # set above average
    before = (space.data, space.model, space.ranking, space.pair)
    wrong = write_picture(tmp_path / "broken.png", 1)
    wrong.write_bytes(wrong.read_bytes()[:60])
    drop(window, wrong)
    qtbot.waitUntil(lambda: bool(window.problems.problems), timeout=WAIT)
    assert "broken.png" in window.problems.problems[-1].message
    assert window.problem_strip.isVisible()
    assert (space.data, space.model, space.ranking, space.pair) == before
    press(window, Qt.Key_J, modifiers=Qt.ControlModifier)
    assert window.problems_dock.isVisible()


def test_a_job_is_cancelled_from_the_bottom_line(qtbot, window):
    started = []

    def work(context):
        started.append(True)
        while True:
            context.cancel.raise_if_cancelled()
            time.sleep(0.005)

    job = window.runner.start("Endless", work, lane="long")
    qtbot.waitUntil(lambda: bool(started))
    row = window.job_strip.rows[job.serial]
    with qtbot.waitSignal(job.ended, timeout=WAIT):
        QTest.mouseClick(row.cancel, Qt.LeftButton)
    assert not window.problems.problems
    assert not window.job_strip.rows


def test_measuring_brings_ap_and_the_other_methods(qtbot, window):
    space = window.workspace
    window.commands.run("evaluate.current")
    qtbot.waitUntil(lambda: len(space.methods) == 6, timeout=WAIT)
    press(window, Qt.Key_2, modifiers=Qt.AltModifier)
    qtbot.waitUntil(lambda: space.ranking.method == "qaconv+rerank", timeout=WAIT)
    settled(qtbot, window)
    assert space.ranking.before is not None


@pytest.mark.parametrize("suffix", [".csv", ".json", ".png"])
def test_the_ranking_is_saved_as_it_is_listed(qtbot, window, tmp_path, suffix):
    window.workspace.change_result_filter(hide_junk=True)
    window.commands.run("file.export_ranking")
    dialog = window.findChild(ExportDialog)
    dialog.format.setCurrentIndex([f.suffix for f in dialog._formats].index(suffix))
    stem = Path(dialog.path.text()).stem
    assert stem == "ranking_0001_c1_qaconv_of_25"
    target = tmp_path / f"r{suffix}"
    dialog.path.setText(str(target))
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        dialog.save()
    if suffix == ".csv":
        lines = target.read_text().splitlines()
        assert len(lines) == 1 + 25
        assert lines[1].split(",")[1] == "1"
    elif suffix == ".json":
        results = json.loads(target.read_text())["queries"][0]["results"]
        assert [item["rank"] for item in results] == list(range(1, 26))
        assert results[0]["logit"] >= results[-1]["logit"]
    else:
        assert target.read_bytes()[:4] == b"\x89PNG"


def test_a_restart_brings_everything_back(qtbot, make_window, window):
    space = window.workspace
    window.explore.results.view.setFocus()
    press(window, Qt.Key_Down, Qt.Key_Down, Qt.Key_2)
    settled(qtbot, window)
    press(window, Qt.Key_Right, Qt.Key_Right)
    settled(qtbot, window)
    window.use_theme("dark")
    window.explore.details_dock.hide()
    chosen = space.selection
    window.gallery.sort.actions_["time"].trigger()
    window.gallery.slider.setValue(180)
    window.close()
    again = make_window()
    qtbot.waitUntil(lambda: not again.explore.details_dock.isVisible())
    again.begin(session=load_session(data_dir()))
    qtbot.waitUntil(lambda: again.workspace.pair is not None, timeout=WAIT)
    settled(qtbot, again)
    assert again.workspace.selection == chosen
    assert again.workspace.look.mode == "heat"
    assert again.settings.value.theme == "dark"
    assert (again.gallery.gallery.look.sort, again.gallery.slider.value()) == ("time", 180)
    assert again.gallery.sort.text() == "by time"
    assert again.workspace.model.source == space.model.source
    again.use_theme("system")


def test_a_restart_brings_a_dropped_picture_and_its_candidate_back(
    qtbot, make_window, window, tmp_path
):
    picture = write_picture(tmp_path / "somebody.png", 3, (48, 128))
    drop(window, picture)
    space = window.workspace
    qtbot.waitUntil(lambda: space.selection.queries == (5,), timeout=WAIT)
    settled(qtbot, window)
    window.explore.results.view.setFocus()
    press(window, Qt.Key_Right, Qt.Key_Right, Qt.Key_Right)
    settled(qtbot, window)
    candidate = space.selection.candidate
    assert space.ranking.place_of(candidate) == 3
    window.close()
    again = make_window()
    again.begin(session=load_session(data_dir()))
    qtbot.waitUntil(lambda: again.workspace.selection.queries == (5,), timeout=WAIT)
    settled(qtbot, again)
    assert again.workspace.data.query[5].path == picture
    assert again.workspace.selection.candidate == candidate
    assert not again.problems.problems


def test_closing_during_a_job_leaves_a_cache_that_can_be_used(qtbot, make_window, data, model):
    window = make_window()
    window.begin(data, model)
    qtbot.waitUntil(lambda: window.runner.busy, timeout=WAIT)
    window.close()
    again = make_window()
    with qtbot.waitSignal(again.controller.settled, timeout=WAIT):
        again.begin(data, model)
    assert len(again.workspace.ranking.order) == 26


def test_the_program_starts_and_ends_in_order(tmp_path, data, model):
    """``python run_gui.py`` as a process of its own, ended by Ctrl-C."""
    folder = tmp_path / "user"
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QACONV_DATA_DIR": str(folder),
        "QACONV_CACHE_DIR": str(tmp_path / "cache"),
    }
    query = next((data.root / "market" / "query").glob("*.jpg"))
    arguments = ["--gallery", str(data.root / "market" / "bounding_box_test"), "--query",
                 str(query), "--checkpoint", model.path]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run_gui.py"), *arguments],
        stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path,
    )  # fmt: skip
    try:
        end = time.monotonic() + WAIT / 1000
        shelves = tmp_path / "cache" / "features"
        while not list(shelves.glob("*/maps-*.f16")) and time.monotonic() < end:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=WAIT / 1000)
    finally:
        process.kill()
    assert process.returncode == 0, complaints
    assert "Traceback" not in complaints
    session = load_session(folder)
    assert session.queries == (str(query),)
    assert not list(folder.glob("crash-*"))


ENDS_IN_THE_MIDDLE = """
import sys, threading
from app.program import Program
program = Program(["qaconv"])
window = program.window
if "unseen" not in sys.argv:
    window.show()
window.begin(None, None, None)
while not window.runner.busy:
    program.application.processEvents()
window.dialogs.palette.popup()
window.dialogs.open_settings()
window.menuBar().actions()[0].menu().popup(window.pos())
program.application.processEvents()
try:
    raise TimeoutError("waited too long")
except TimeoutError as error:
    sys.exit(str(error))
finally:
    program.end()
    program.application.processEvents()
    print([t.name for t in threading.enumerate() if t.name.startswith("qaconv")])
"""


@pytest.mark.parametrize("how", ["seen", "unseen"])
def test_an_end_in_the_middle_of_jobs_and_dialogs_is_in_order(tmp_path, how):
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QACONV_DATA_DIR": str(tmp_path / "user"),
        "QACONV_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", ENDS_IN_THE_MIDDLE, how],
        capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=WAIT / 1000,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1] == "waited too long"
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() == "[]"
    assert not list((tmp_path / "user").glob("crash-*"))


PAINTED_FIRST = """
import gc, threading
from app import startup
startup.hold_collector()
from app.program import Program

def working():
    return any(t.name.startswith("qaconv") for t in threading.enumerate())

program = Program(["qaconv"])
window = program.window
window.begin(None, None, None)
program.application.processEvents()
print(window.runner.busy, working(), gc.isenabled())
window.show()
while not working():
    program.application.processEvents()
print(window.isVisible(), gc.isenabled())
program.end()
"""


def test_no_job_takes_time_from_the_first_painting(tmp_path):
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QACONV_DATA_DIR": str(tmp_path / "user"),
        "QACONV_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PAINTED_FIRST], capture_output=True, text=True, env=environment,
        cwd=ROOT, timeout=WAIT / 1000,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True False False", "True True"]


class ShownWindows(QObject):
    """Notes every widget that is shown as a window of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(f"{type(watched).__name__} {watched.objectName()}".strip())
        return False


def test_no_part_of_the_window_flashes_up_as_a_window(qtbot, qapp, make_window, data, model):
    notes = ShownWindows()
    qapp.installEventFilter(notes)
    try:
        window = make_window()
        with qtbot.waitSignal(window.controller.settled, timeout=WAIT):
            window.begin(data, model)
        window.problems.add(Problem("something", "with details"))
        window.commands.run("view.problems")
        window.commands.run("evaluate.show")
        qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    finally:
        qapp.removeEventFilter(notes)
    assert notes.shown == ["MainWindow main"]


@pytest.mark.parametrize("stored", [True, False])
def test_another_precision_in_the_settings_loads_the_model_again(
    stored, qtbot, window, monkeypatch
):
    """Better maps are used as they are, where they are stored."""
    monkeypatch.setattr(device, "cpu_knows_bfloat16", lambda: True)
    space = window.workspace
    assert "computed in float32" in window.bar.place.toolTip()
    exact, chosen = space.ranking, space.selection.queries
    if not stored:
        rmtree(cache_dir() / "features")
    dialog = window.dialogs.open_settings()
    dialog.precision.setFocus()
    QTest.keyClick(dialog.precision, Qt.Key_Home)
    QTest.keyClick(dialog.precision, Qt.Key_Down)
    with qtbot.waitSignal(window.controller.settled, timeout=WAIT):
        QTest.keyClick(dialog, Qt.Key_Return)
    assert window.controller.model.precision == "bfloat16"
    taken = "float32, as they were stored" if stored else "bfloat16"
    assert f"computed in {taken}" in window.bar.place.toolTip()
    assert space.selection.queries == chosen
    assert np.array_equal(space.ranking.values, exact.values) == stored
    assert window.session().model.precision == window.settings.value.precision == "fast"


def test_what_was_open_lately_is_in_the_file_menu(qtbot, make_window, data, model):
    window = make_window()
    settings = window.settings
    settings.change(settings.value.with_data(data).with_model(model))
    window.recent.aboutToShow.emit()
    names = [action.text() for action in window.recent.actions() if not action.isSeparator()]
    assert names == ["market", "checkpoint.pth.tar"]
    window.recent.actions()[0].trigger()
    dialog = window.findChild(OpenDataDialog)
    qtbot.waitUntil(dialog.open_button.isEnabled, timeout=WAIT)
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: window.workspace.data is not None, timeout=WAIT)
    assert window.workspace.data.name == "market"


def test_the_session_is_written_while_the_window_is_open(qtbot, make_window, tmp_path, model):
    window = make_window()
    window.begin(tiny_market(tmp_path), model)
    settled(qtbot, window)
    window.workspace.select_queries((3,))
    settled(qtbot, window)  # the candidate of this query is part of the session

    def kept() -> bool:
        return load_session(data_dir()) == window.session()

    qtbot.waitUntil(kept, timeout=WAIT)
    assert window.session().queries == (str(window.workspace.data.query[3].path),)
    before = (data_dir() / "session.json").stat().st_mtime_ns
    window.workspace.selection_changed.emit()  # a change that is no other session
    qtbot.wait(2 * PAUSE_MS)
    after = (data_dir() / "session.json").stat().st_mtime_ns
    assert after == before


def test_the_last_session_is_written_after_one_that_waits(qtbot, make_window, tmp_path, model):
    window = make_window()
    window.begin(tiny_market(tmp_path), model)
    settled(qtbot, window)
    gate = threading.Event()
    window.runner.start("Writing", lambda _context: gate.wait(20), lane="records", quiet=True)
    paths = [str(ref.path) for ref in window.workspace.data.query]
    window.workspace.select_queries((1,))
    qtbot.wait(2 * PAUSE_MS)  # its session now waits behind the other record
    window.workspace.select_queries((2,))
    threading.Timer(0.3, gate.set).start()
    window.close()
    assert load_session(data_dir()).queries == (paths[2],)
