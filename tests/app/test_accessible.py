"""Every control of the dialogs and strips has a spoken name and a sentence that explains it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QProgressBar,
    QWidget,
)

from app.jobs.controller import Controller
from app.state.requests import DataRequest, ModelRequest
from app.state.settings import Settings
from app.state.values import Problem
from app.state.workspace import Workspace
from app.views.dialogs.check_panel import CheckPanel
from app.views.dialogs.command_palette import CommandPalette
from app.views.dialogs.help_dialog import HelpDialog
from app.views.dialogs.key_sheet import KeySheet
from app.views.dialogs.open_data import OpenDataDialog
from app.views.dialogs.open_model import OpenModelDialog
from app.views.dialogs.settings_dialog import SettingsDialog
from app.views.explore.welcome import HintStrip, WelcomePage
from app.views.shell.problems import ProblemLog, ProblemsPanel, ProblemStrip
from app.views.widgets.actions import Actions
from app.views.widgets.job_strip import JobList, JobStrip
from qaconv_core.data import check_dataset, open_dataset
from tests.app.controls import controls, name_of, needs_tip
from tests.builders import add_junk, write_market


@pytest.fixture
def widgets(qtbot, runner, tmp_path, monkeypatch):
    """One of each, filled with something."""
    monkeypatch.setenv("QACONV_CACHE_DIR", str(tmp_path / "cache"))
    controller = Controller(Workspace(), runner)
    window = QWidget()
    log = ProblemLog(window)
    log.add(Problem("x.pth: is not a checkpoint", "details", "Loading x.pth"))
    write_market(tmp_path / "market")
    add_junk(tmp_path / "market" / "query")
    report = check_dataset(open_dataset("market", tmp_path), decode=False)
    welcome = WelcomePage(window)
    data, model = DataRequest("folder", Path("/data/own")), ModelRequest("/m.pth")
    welcome.show_recent(Settings().with_data(data).with_model(model))
    runner.start("Evaluating duke", lambda context: context.cancel._event.wait(20))
    made = [
        OpenDataDialog(controller, "", window),
        OpenModelDialog(controller, "auto", window),
        SettingsDialog(Settings(), runner, window),
        CommandPalette(Actions(window), window),
        KeySheet(window),
        HelpDialog("help.part", window),
        ProblemsPanel(log, window, runner),
        ProblemStrip(log, window),
        JobStrip(runner, window),
        JobList(runner, window),
        CheckPanel(report, window),
        welcome,
        HintStrip(parent=window),
    ]
    qtbot.addWidget(window)
    yield made
    runner.cancel_all()
    qtbot.waitUntil(lambda: not runner.busy, timeout=25_000)


def test_every_control_has_a_name_and_a_tooltip(widgets):
    assert sum(len(controls(widget)) for widget in widgets) > 50, "the search finds them"
    for widget in widgets:
        for control in controls(widget):
            where = f"{type(control).__name__} in {type(widget).__name__}"
            assert name_of(control), f"{where} has no name"
            assert control.toolTip() or not needs_tip(control), f"{where}: {name_of(control)}"


def test_everything_that_can_be_used_is_reached_by_tab(widgets):
    for widget in widgets:
        for control in controls(widget):
            reached = control.focusPolicy() & Qt.TabFocus
            # The palette's list is walked from its field, a bar can only be looked at.
            excepted = isinstance(control, QProgressBar) or isinstance(widget, CommandPalette)
            assert reached or excepted, f"{name_of(control)} in {type(widget).__name__}"
