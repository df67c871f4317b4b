"""Weights are fetched, a data set is forgotten, exports are blurred: as a person does it."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from PIL import Image
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QDialogButtonBox

from app.jobs import keeping
from app.jobs.insight_jobs import check_explanations
from app.jobs.job import JobContext, JobState
from app.jobs.kept_findings import keep_findings
from app.views.dialogs.forget_dialog import ForgetDialog
from app.views.dialogs.weights_dialog import WeightsDialog
from qaconv_core.data import weights as catalogue
from qaconv_core.data.weights import Weights
from qaconv_core.progress import CancelToken
from qaconv_core.store.download import PART
from qaconv_core.store.folders import cache_dir, data_dir
from tests.app.controls import controls, name_of, needs_tip, words_of
from tests.app.real import WAIT, all_maps, open_and_wait, press, settled, tiny_market
from tests.app.test_case import new_case
from tests.serving import CONTENT, SHA

# ── weights ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def weights(qtbot, runner, monkeypatch, server):
    """The dialog, with three published files on a server of this machine."""
    items = tuple(
        Weights(name, f"{name}, made up", f"trying {name}", server.at(name), SHA[:8])
        for name in ("whole", "breaks", "wrong")
    )
    for module in (catalogue, keeping):
        monkeypatch.setattr(module, "PUBLISHED", items)
    dialog = WeightsDialog(runner)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.list.topLevelItemCount() == 3, timeout=WAIT)
    yield dialog
    dialog.close()


def choose(dialog, name):
    item = dialog.list.findItems(name, Qt.MatchExactly | Qt.MatchRecursive)[0]
    dialog.list.setCurrentItem(item)
    return item


def fetched(qtbot, dialog, name):
    choose(dialog, name)
    assert dialog.download.isEnabled()
    QTest.mouseClick(dialog.download, Qt.LeftButton)
    qtbot.waitUntil(lambda: not dialog._jobs.has("fetch"), timeout=WAIT)
    qtbot.waitUntil(lambda: not dialog._jobs.has("list"), timeout=WAIT)


def test_nothing_is_fetched_before_it_is_asked_for(weights, server):
    assert server.requests == []
    heads = [weights.list.topLevelItem(i).text(0) for i in range(3)]
    assert heads[0] == "Come with the program"
    assert heads[2] == "Published"
    bundled = weights.list.topLevelItem(0)
    assert bundled.childCount() >= 2
    assert all(bundled.child(i).text(3) for i in range(bundled.childCount()))
    weights.list.setCurrentItem(bundled.child(0))
    assert not weights.download.isEnabled(), "what is there is not fetched"


def test_weights_are_fetched_checked_and_then_on_this_disk(qtbot, weights):
    fetched(qtbot, weights, "whole")
    assert (data_dir() / "weights" / "whole").read_bytes() == CONTENT
    assert f"SHA-256 begins with {SHA[:8]}" in weights.message.text()
    assert "trying whole" in weights.message.text()
    published = weights.list.topLevelItem(2)
    row = next(published.child(i) for i in range(3) if published.child(i).text(0) == "whole")
    assert row.text(2) == "on this disk"
    weights.list.setCurrentItem(row)
    assert not weights.download.isEnabled()


def test_a_download_that_broke_off_goes_on(qtbot, weights, server):
    fetched(qtbot, weights, "breaks")
    assert "breaks" in weights.message.text()
    assert (data_dir() / "weights" / f"breaks{PART}").is_file()
    assert choose(weights, "breaks").text(2) == "broken off"
    assert words_of(weights.download) == "Go on"
    fetched(qtbot, weights, "breaks")
    assert (data_dir() / "weights" / "breaks").read_bytes() == CONTENT
    assert server.requests[-1][1] is not None, "only the rest was asked for"


def test_a_wrong_file_is_refused_in_words(qtbot, weights):
    fetched(qtbot, weights, "wrong")
    assert "is not the published one" in weights.message.text()
    assert not list((data_dir() / "weights").glob("wrong*"))


def test_a_download_is_cancelled_by_its_button_and_by_closing(qtbot, weights, monkeypatch):
    def endless(_weights, context):
        while True:
            context.cancel.raise_if_cancelled()
            time.sleep(0.01)

    monkeypatch.setattr("app.views.dialogs.weights_dialog.fetch_weights", endless)
    choose(weights, "whole")
    QTest.keyClick(weights.list, Qt.Key_Return)
    qtbot.waitUntil(lambda: bool(weights.work.rows), timeout=WAIT)
    QTest.mouseClick(weights.work.rows[0].cancel_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: not weights.work.rows, timeout=WAIT)
    qtbot.waitUntil(weights.download.isEnabled, timeout=WAIT)
    QTest.mouseClick(weights.download, Qt.LeftButton)
    weights.close()


def test_every_control_of_the_dialogs_is_named(weights):
    for control in controls(weights):
        assert name_of(control)
        assert control.toolTip() or not needs_tip(control), name_of(control)


# ── forgetting ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def window(qtbot, make_window, model, tmp_path):
    window = make_window()
    window.request = tiny_market(tmp_path / "gehéim 写真")
    with all_maps(window.controller):
        open_and_wait(qtbot, window.controller, window.request, model)
    window.dialogs._data_opened(window.request)
    return window


CONTEXT = JobContext(lambda _: None, CancelToken())


def rest(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)


def naming(*names):
    """Files that the program keeps and that name the pictures, in any form."""
    forms = {form for name in names for form in (name.encode(), json.dumps(name)[1:-1].encode())}
    files = (p for top in (data_dir(), cache_dir()) for p in top.rglob("*") if p.is_file())
    return [path for path in files if any(form in path.read_bytes() for form in forms)]


def test_nothing_is_left_of_a_set_that_was_used_in_every_way(qtbot, window, tmp_path):
    settled(qtbot, window)
    press(window, Qt.Key_Y)  # a decision
    rest(qtbot, window)
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    window.commands.run("gallery.from_decisions")  # labels
    qtbot.waitUntil(lambda: bool(window.gallery.gallery.people), timeout=WAIT)
    window.commands.run("gallery.sort_likeness")  # pooled maps
    qtbot.waitUntil(lambda: window.gallery.gallery.likeness is not None, timeout=WAIT)
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    press(window, Qt.Key_4, modifiers=Qt.AltModifier)  # cohorts
    qtbot.waitUntil(lambda: window.workspace.strangers is not None, timeout=WAIT)
    matching = window.controller.matching
    keep_findings(matching, "trust", check_explanations(matching, 2, CONTEXT))
    case = tmp_path / "theft.qcase"
    new_case(qtbot, window, case)
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    rest(qtbot, window)
    window.case_commands.jobs.finish()
    window._keeper._write_change()  # a session
    rest(qtbot, window)
    assert window.settings.value.recent_cases
    assert list(cache_dir().rglob("cohorts-*.npz"))
    assert list((data_dir() / "findings").iterdir())
    kept = naming("gehéim", "写真")
    assert len(kept) >= 4, kept
    assert list(cache_dir().rglob("*.pooled"))
    maps = next(cache_dir().rglob("*.f16"))
    assert np.any(np.fromfile(maps, np.uint8))
    pictures = sorted((tmp_path / "gehéim 写真").rglob("*.jpg"))

    window.commands.run("file.forget")
    dialog = window.dialogs._open["forget"]
    assert isinstance(dialog, ForgetDialog)
    qtbot.waitUntil(dialog.forget.isEnabled, timeout=WAIT)
    assert "feature maps" in dialog.found.text()
    for said in ("file of decisions", "1 case,", "file of findings"):
        assert said in dialog.found.text()
    QTest.mouseClick(dialog.forget, Qt.LeftButton)
    assert words_of(dialog.forget) == "Really forget"
    assert len(naming("gehéim", "写真")) == len(kept), "one press does nothing"
    QTest.mouseClick(dialog.forget, Qt.LeftButton)
    qtbot.waitUntil(lambda: "Removed" in dialog.found.text(), timeout=WAIT)
    assert dialog.message.text() == "Nothing of it is kept any more."
    assert window.workspace.data is None
    assert window.case_commands.jobs.case is None
    assert window.settings.value.recent_cases == ()
    assert window.pages.currentWidget() is window.gallery
    dialog.close()
    rest(qtbot, window)
    window.close()
    assert naming("gehéim", "写真", "theft") == []
    assert not case.exists()
    assert not list(cache_dir().rglob("cohorts-*.npz"))
    assert not list((data_dir() / "findings").iterdir())
    assert not list(cache_dir().rglob("*.pooled"))
    assert not any(np.any(np.fromfile(path, np.uint8)) for path in cache_dir().rglob("*.f16"))
    assert sorted((tmp_path / "gehéim 写真").rglob("*.jpg")) == pictures


def test_a_running_job_is_waited_for(qtbot, window):
    job = window.runner.start("Evaluating", lambda context: context.cancel._event.wait(20))
    window.commands.run("file.forget")
    dialog = window.dialogs._open["forget"]
    qtbot.waitUntil(dialog.forget.isEnabled, timeout=WAIT)
    QTest.mouseClick(dialog.forget, Qt.LeftButton)
    assert "Evaluating: wait for this" in dialog.message.text()
    assert window.workspace.data is not None
    job.cancel()
    qtbot.waitUntil(lambda: job.state is JobState.CANCELLED or job.state.final, timeout=WAIT)
    dialog.close()


# ── blurred exports ─────────────────────────────────────────────────────────────────────────────


def saved_picture(qtbot, dialog, path, blur):
    dialog.path.setText(str(path))
    dialog.blur.setCurrentIndex(dialog.blur.findData(blur))
    assert dialog.blur.isVisible()
    QTest.mouseClick(dialog.buttons.button(QDialogButtonBox.Save), Qt.LeftButton)
    qtbot.waitUntil(path.is_file, timeout=WAIT)
    return np.asarray(Image.open(path).convert("RGB"))


def test_pictures_are_blurred_in_exports_and_on_the_clipboard(qtbot, window, tmp_path):
    settled(qtbot, window)
    commands = window.export_commands
    plain = saved_picture(qtbot, commands.save(), tmp_path / "plain.png", "")
    rest(qtbot, window)
    faces = saved_picture(qtbot, commands.save(), tmp_path / "faces.png", "faces")
    rest(qtbot, window)
    again = commands.save()
    assert again.blur.currentData() == "faces", "the last choice stays"
    blurred = saved_picture(qtbot, again, tmp_path / "all.png", "all")
    rest(qtbot, window)
    changed = [np.count_nonzero(np.any(plain != other, axis=2)) for other in (faces, blurred)]
    assert 0 < changed[0] < changed[1]
    window.explore.inspector.setFocus()
    commands.copy_figure()
    rest(qtbot, window)
    image = QApplication.clipboard().image()
    assert not image.isNull()
    ranking = commands.save_ranking()
    assert ranking.blur.isVisible()
    ranking.path.setText(str(tmp_path / "ranking.csv"))
    assert not ranking.blur.isVisible(), "numbers hold no pictures"
    ranking.close()


def test_a_report_is_blurred(qtbot, window, tmp_path):
    settled(qtbot, window)
    sizes = {}
    for blur in ("", "all"):
        dialog = window.report_commands.ask_report()
        path = tmp_path / f"report{blur}.html"
        dialog.path.setText(str(path))
        dialog.blur.setCurrentIndex(dialog.blur.findData(blur))
        dialog.save()
        qtbot.waitUntil(path.is_file, timeout=WAIT)
        rest(qtbot, window)
        sizes[blur] = path.stat().st_size
    assert sizes["all"] < sizes[""], "blurred pictures hold less"
