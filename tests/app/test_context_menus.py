"""Every list, every figure and every picture has a context menu, in the window and in dialogs."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QContextMenuEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QHeaderView,
    QLabel,
    QListWidget,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.state.session import PAGES
from app.views.dialogs.scene_canvas import SceneCanvas
from app.views.explore.breakdown_chart import BreakdownChart
from app.views.explore.match_canvas import MatchCanvas
from app.views.explore.score_context import ScoreContext
from app.views.explore.sightings import SightingTimeline
from app.views.widgets.chart import Chart
from app.views.widgets.copy_menu import offer_copying
from tests.app.real import WAIT, press
from tests.app.test_every_dialog import OPEN

FIGURES = (BreakdownChart, Chart, MatchCanvas, SceneCanvas, ScoreContext, SightingTimeline)


def asked_for(widget: QWidget) -> list[str]:
    """The entries of the menu that a right click in the middle of a widget opens."""
    inner = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
    at = inner.rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Mouse, at, inner.mapToGlobal(at))
    QApplication.sendEvent(inner, event)
    menu = QApplication.activePopupWidget()
    if not isinstance(menu, QMenu):
        return []
    found = [action.text() for action in menu.actions() if not action.isSeparator()]
    menu.close()
    return found


def without_menu(root: QWidget) -> list[str]:
    """Lists and figures that are seen in a widget and open nothing."""
    kinds = (QAbstractItemView, *FIGURES)
    looked_at = [
        widget
        for widget in root.findChildren(QWidget)
        if isinstance(widget, kinds)
        and not isinstance(widget, QHeaderView)
        and widget.isVisible()
        and widget.window() is root.window()
    ]
    return [
        f"{type(widget).__name__} {widget.accessibleName()!r}"
        for widget in looked_at
        if not asked_for(widget)
    ]


def test_lists_and_figures_of_every_page_have_one(qtbot, window):
    window.explore.results.find_bar.open()
    window.explore.results.find_bar.field.setText("0")
    window.case_commands.dock.show()
    window.case_commands.panel.whole.show()
    assert asked_for(window.case_commands.panel.tray)[0] == "Search by all pictures of the case"
    window.explore.details_dock.raise_()
    seen = {}
    for page in PAGES:
        window.pages.choose(page)
        qtbot.waitUntil(lambda page=page: window.page == page, timeout=WAIT)
        QApplication.processEvents()
        seen[page] = without_menu(window)
    assert seen == {page: [] for page in PAGES}


@pytest.mark.parametrize("name", sorted(OPEN))
def test_lists_and_figures_of_every_dialog_have_one(qtbot, window, name):
    dialog = OPEN[name](window)
    if name in ("AnswersDialog", "MatrixDialog"):  # made here, not by the window's dialogs
        dialog = window.dialogs._show(name, lambda: dialog)
    dialog.show()
    qtbot.waitUntil(dialog.isVisible, timeout=WAIT)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    found = without_menu(dialog)
    dialog.close()
    assert found == []


def menu_on(canvas: MatchCanvas, panel: int) -> QMenu | None:
    """The menu that a right click on one of the large pictures opens."""
    box = canvas.stage.boxes[panel]
    at = QPoint(round(box.x + box.width / 2), round(box.y + box.height / 2))
    event = QContextMenuEvent(QContextMenuEvent.Mouse, at, canvas.mapToGlobal(at))
    QApplication.sendEvent(canvas, event)
    menu = QApplication.activePopupWidget()
    return menu if isinstance(menu, QMenu) else None


DECIDE = ["Confirm", "Reject", "Unsure", "Note…", "Withdraw the decision"]


def test_the_large_candidate_is_decided_about_as_its_tile_is(qtbot, window):
    space, canvas = window.workspace, window.explore.inspector.canvas
    assert asked_for(window.explore.results.view)[: len(DECIDE)] == DECIDE
    query, candidate = (canvas.scene.find((side, 0)) for side in ("query", "gallery"))

    def decided():
        return getattr(space.decided.get(space.selection.candidate), "verdict", None)

    for words, verdict in (("Reject", "reject"), ("Confirm", "confirm"), (DECIDE[-1], None)):
        menu = menu_on(canvas, candidate)
        entries = [action for action in menu.actions() if not action.isSeparator()]
        assert [action.text() for action in entries[: len(DECIDE)]] == DECIDE
        entry = next(action for action in entries if action.text() == words)
        QTest.mouseClick(menu, Qt.LeftButton, pos=menu.actionGeometry(entry).center())
        qtbot.waitUntil(lambda want=verdict: decided() == want, timeout=WAIT)
    menu = menu_on(canvas, query)
    assert not {action.text() for action in menu.actions()} & set(DECIDE)
    menu.close()
    QApplication.setActiveWindow(window)
    window.explore.results.view.setFocus()
    press(window, Qt.Key_C)
    qtbot.waitUntil(lambda: len(canvas.scene.panels) == 3, timeout=WAIT)
    other = canvas.scene.find(("gallery", 1))
    menu = menu_on(canvas, other)
    assert not {action.text() for action in menu.actions()} & set(DECIDE), "it is not chosen"
    menu.close()


# ── what is copied ──────────────────────────────────────────────────────────────────────────────


def test_rows_are_copied_with_tabs_between_their_words(qtbot):
    root = QWidget()
    qtbot.addWidget(root)
    table = QTableWidget(2, 2, root)
    for row in range(2):
        for column in range(2):
            table.setItem(row, column, QTableWidgetItem(f"{row}\n{column}"))
    table.selectAll()
    offer_copying(root)
    table.customContextMenuRequested.emit(QPoint(4, 4))
    menu = QApplication.activePopupWidget()
    assert [action.text() for action in menu.actions()] == ["Copy", "Copy all rows", "Select all"]
    menu.actions()[0].trigger()
    menu.close()
    assert QApplication.clipboard().text() == "0 0\t0 1\n1 0\t1 1"


def test_a_list_with_a_menu_keeps_it_and_an_empty_one_copies_nothing(qtbot):
    root = QWidget()
    qtbot.addWidget(root)
    own, empty, figure = QListWidget(root), QListWidget(root), QLabel("figure", root)
    own.setContextMenuPolicy(Qt.ActionsContextMenu)
    offer_copying(root, [figure])
    assert own.contextMenuPolicy() == Qt.ActionsContextMenu
    empty.customContextMenuRequested.emit(QPoint(4, 4))
    menu = QApplication.activePopupWidget()
    assert [action.isEnabled() for action in menu.actions()] == [False, False]
    menu.close()
    figure.customContextMenuRequested.emit(QPoint(1, 1))
    menu = QApplication.activePopupWidget()
    menu.actions()[0].trigger()
    menu.close()
    assert QApplication.clipboard().image().size() == figure.size()
