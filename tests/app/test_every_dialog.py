"""Every dialog and every page: small enough for a small screen, spoken names, a letter for each
control of a dialog, and none twice.

Dialogs are found by listing the classes of the program: a new one needs a way to be opened here.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import (
    QAbstractButton,
    QDialog,
    QDialogButtonBox,
    QGroupBox,
    QLabel,
    QMainWindow,
    QMenuBar,
    QScrollBar,
    QTabBar,
    QWidget,
)

import app.views
from app.views.dialogs.answers_dialog import AnswersDialog
from app.views.dialogs.case_dialog import CaseDialog
from app.views.dialogs.matrix_dialog import MatrixDialog
from app.views.dialogs.scene_dialog import KEYS
from app.views.evaluate.name_dialog import NameDialog
from app.views.widgets import layouts
from qaconv_core.evaluation.match_matrix import FirstCandidates
from tests.app.controls import controls, name_of
from tests.app.real import WAIT, settled

SCREEN = QSize(1024, 600)
FRAME = QSize(0, 40)
"""What a window manager puts around a dialog."""
SHARED = {"JobDialog", "DropDialog", "HelpedDialog"}
"""Classes that others are made of."""


def dialog_classes() -> set[str]:
    for module in pkgutil.walk_packages(app.views.__path__, "app.views."):
        importlib.import_module(module.name)
    found, waiting = set(), [QDialog]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if kind.__module__.startswith("app."):
                found.add(kind.__name__)
    return found - SHARED


def matrix(window):
    cells = np.arange(12)
    ones = np.ones(12, dtype=bool)
    firsts = FirstCandidates(cells, cells, ~ones)
    return MatrixDialog(firsts, {"camera": (cells, cells)}, {"camera": {}}, window)


def choose_several(window):
    row = window.explore.results.model.candidate_at
    window.workspace.choose_candidates(row(0), frozenset({row(1)}))


def sheet(window):
    choose_several(window)
    return window.export_commands.save_sheet()


def report(window):
    choose_several(window)
    return window.report_commands.ask_report()


def answers(window):
    rank, (query,) = window.controller.matching.rank, window.workspace.selection.queries
    rankings = rank((query,)), rank((query,))
    return AnswersDialog(window.workspace.data, rankings, window.explore.thumbnails, window)


def palette(window):
    window.dialogs.open_palette()
    return window.dialogs.palette


def keys(window):
    window.commands.run("help.keys")
    return window.dialogs._open["keys"]


OPEN = {
    "AdaptDialog": lambda window: window.dialogs.adapt(),
    "AnswersDialog": answers,
    "CaseDialog": lambda window: CaseDialog(Path.home(), None, window),
    "CommandPalette": palette,
    "ExportDialog": lambda window: window.export_commands.save(),
    "ForgetDialog": lambda window: window.dialogs.forget_data(),
    "HelpDialog": lambda window: window.dialogs.open_help("help.part"),
    "ImportDialog": lambda window: window.dialogs.import_pictures(),
    "KeySheet": keys,
    "MatrixDialog": matrix,
    "NoteDialog": lambda window: window.decision_commands.ask_note(),
    "NameDialog": lambda window: NameDialog(SimpleNamespace(id=1, name="", note=""), window),
    "OpenDataDialog": lambda window: window.dialogs.open_data(),
    "OpenModelDialog": lambda window: window.dialogs.open_model(),
    "ReportDialog": report,
    "SceneDialog": lambda window: window.dialogs.scenes(),
    "SettingsDialog": lambda window: window.dialogs.open_settings(),
    "SheetDialog": sheet,
    "VideoDialog": lambda window: window.dialogs.open_videos(),
    "WeightsDialog": lambda window: window.dialogs.open_weights(),
}


def test_every_dialog_of_the_program_is_looked_at():
    assert dialog_classes() == set(OPEN)


# ── what is held ────────────────────────────────────────────────────────────────────────────────


def focusable(root: QWidget) -> list[QWidget]:
    """What is seen and takes the focus, without inner parts of Qt's own widgets."""
    return [
        widget
        for widget in (root, *root.findChildren(QWidget))
        if widget.isVisible()
        and widget.focusPolicy() != Qt.NoFocus
        and widget.focusProxy() is None
        and not widget.objectName().startswith("qt_")
        and not isinstance(widget, (QScrollBar, QMenuBar, QDialog, QMainWindow))
    ]


def nameless(root: QWidget) -> list[str]:
    return [
        f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}"
        for widget in focusable(root)
        if not (name_of(widget) or (isinstance(widget, QLabel) and widget.text()))
    ]


def letters(root: QWidget) -> Counter[str]:
    """The letters that Alt reaches something by."""
    texts = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible():
            continue
        if isinstance(widget, (QAbstractButton, QGroupBox)):
            texts.append(widget.text() if isinstance(widget, QAbstractButton) else widget.title())
        elif isinstance(widget, QLabel) and widget.buddy() is not None:
            texts.append(widget.text())
        elif isinstance(widget, QTabBar):
            texts += [widget.tabText(tab) for tab in range(widget.count())]
        elif isinstance(widget, QMenuBar):
            texts += [action.text() for action in widget.actions()]
    return Counter(
        found.group(1).lower()
        for text in texts
        if (found := re.search(r"(?<!&)&(\w)", text)) is not None
    )


def twice(root: QWidget) -> list[str]:
    return [f"Alt+{letter} twice" for letter, count in letters(root).items() if count > 1]


# ── dialogs ─────────────────────────────────────────────────────────────────────────────────────


def faults(dialog: QDialog) -> list[str]:
    """What is wrong with a dialog on a small screen."""
    room = SCREEN - FRAME
    sizes = {
        "at least": dialog.minimumSizeHint().expandedTo(dialog.minimumSize()),
        "at first": dialog.size(),
    }
    large = [
        f"{when} {size.width()}×{size.height()}"
        for when, size in sizes.items()
        if size.width() > room.width() or size.height() > room.height()
    ]
    return [*large, *nameless(dialog), *twice(dialog)]


def test_dialogs_fit_on_a_small_screen_and_speak(qtbot, window, monkeypatch):
    monkeypatch.setattr(layouts, "screen_size", lambda: SCREEN)
    found = {}
    for name, open_one in OPEN.items():
        dialog = open_one(window)
        dialog.show()
        qtbot.waitUntil(dialog.isVisible, timeout=WAIT)
        qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
        assert type(dialog).__name__ == name
        found[name] = faults(dialog)
        dialog.close()
        settled(qtbot, window)
    assert {name: what for name, what in found.items() if what} == {}


def has_letter(text: str) -> bool:
    return re.search(r"(?<!&)&\w", text) is not None


def reached(control: QWidget, dialog: QDialog) -> bool:
    """Whether Alt and a letter give a control the focus or press it, or another key does."""
    if isinstance(control, QAbstractButton):
        box, role = control.parentWidget(), QDialogButtonBox.RejectRole
        if isinstance(box, QDialogButtonBox) and box.buttonRole(control) == role:
            return True  # Esc
        if not control.text():  # a sign alone: its key stands in its tooltip
            return control.toolTip().endswith(")")
        if has_letter(control.text()):
            return True
    labels = (label for label in dialog.findChildren(QLabel) if has_letter(label.text()))
    return control in {label.buddy() for label in labels}


ROWS = "rows, to which Tab goes; it is the first or the only list of its dialog"
READ = "text to read, to which Tab goes"
NO_LETTER = {
    "AdaptDialog": {"Groups: pictures believed to show one person each": ROWS},
    "AnswersDialog": {"First candidates of query 1 · c1": ROWS},
    "CommandPalette": {"Command to find": "it alone takes the focus"},
    "HelpDialog": {"Help texts": ROWS, "Search by part": READ},
    "ImportDialog": {"Pictures as they are understood": ROWS, "Files left out, by reason": READ},
    "MatrixDialog": {"Queries by row, first candidates by column": ROWS},
    "OpenDataDialog": {"Data sets": ROWS},
    "OpenModelDialog": {"Training width in pixels": "beside the height, which has one"},
    "SceneDialog": {"Scenes": ROWS, KEYS: "a sign whose tooltip is all there is to it"},
    "VideoDialog": {"Videos": ROWS},
    "WeightsDialog": {"Weights": ROWS},
}
"""Controls without a letter, by dialog and name, and why."""


def test_every_control_of_every_dialog_has_a_letter(qtbot, window):
    found = {}
    for name, open_one in OPEN.items():
        dialog = open_one(window)
        dialog.show()
        qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
        usable = [c for c in controls(dialog) if c.focusPolicy() & Qt.TabFocus]
        missed = [name_of(control) for control in usable if not reached(control, dialog)]
        found[name] = [one for one in missed if one not in NO_LETTER.get(name, {})]
        dialog.close()
        settled(qtbot, window)
    assert {name: missed for name, missed in found.items() if missed} == {}


# ── pages ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page", ["explore", "gallery", "evaluate", "failures", "trust"])
def test_pages_speak_and_no_letter_is_there_twice(qtbot, window, page):
    window.pages.choose(page)
    window.problems_dock.show()
    if page == "explore":
        window.explore.inspector.switch_adjust()
    qtbot.wait(50)
    assert nameless(window) + twice(window) == []


def test_the_welcome_speaks(qtbot, make_window):
    window = make_window()
    qtbot.waitUntil(window.pages.welcome.isVisible, timeout=WAIT)
    assert nameless(window) + twice(window) == []


@pytest.mark.parametrize("page", ["explore", "gallery", "evaluate", "failures", "trust"])
def test_the_whole_page_is_used_by_the_keyboard(qtbot, window, page):
    """Tab reaches what can be used. Tools that have commands with keys may be left out."""
    window.pages.choose(page)
    qtbot.wait(50)
    shown = [c for c in controls(window.pages.currentWidget()) if c.isVisible() and c.isEnabled()]
    missed = [name_of(c) for c in shown if not c.focusPolicy() & Qt.TabFocus]
    assert [name for name in missed if name] == []
