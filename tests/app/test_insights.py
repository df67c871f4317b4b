"""The pages of failures and of trust, driven by keys and mouse in the whole window."""

from __future__ import annotations

import json
import shutil

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from app.views.export_dialog import ExportDialog
from app.views.main_window import MainWindow
from tests.app.real import WAIT, tiny_market, tiny_model
from tests.app.test_take_match import saved


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def empty_window(qtbot):
    window = MainWindow()
    window.controller.measure_unasked = False
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    yield window
    window.close()


def misleading_market(folder):
    """The tiny set with three queries that show somebody else: their first matches are false."""
    request = tiny_market(folder)
    root = request.root / "market"
    queries = sorted((root / "query").glob("*.jpg"))
    others = [sorted((root / "bounding_box_test").glob(f"{q.name[:4]}_c2*"))[0] for q in queries]
    for query, other in zip(queries[:3], others[1:4], strict=True):
        shutil.copyfile(other, query)
    return request


@pytest.fixture
def window(qtbot, empty_window, model, tmp_path):
    """The tiny set, with failures, open and its first match explained."""
    with qtbot.waitSignal(empty_window.controller.settled, timeout=WAIT):
        empty_window.begin(misleading_market(tmp_path), model)
    return empty_window


def press(window, key, modifiers=Qt.NoModifier):
    QTest.keyClick(QApplication.focusWidget() or window, key, modifiers)


def click(widget, place=None):
    QTest.mouseClick(widget, Qt.LeftButton, pos=place or widget.rect().center())


@pytest.fixture
def failures(qtbot, window):
    """The page of failures, with what was found."""
    press(window, Qt.Key_3, Qt.ControlModifier)
    page = window.insights.page("failures")
    qtbot.waitUntil(page.empty.button.isEnabled, timeout=WAIT)
    click(page.empty.button)
    qtbot.waitUntil(lambda: page.found is not None, timeout=WAIT)
    return page


def test_failures_are_found_by_the_button_and_shown_in_groups(qtbot, window, failures):
    found = failures.insights.failures.analysis
    assert len(found.failures) == 3
    assert failures.summary.text().startswith(f"{len(found.failures)} of 5 valid queries")
    assert failures.stack.currentIndex() == 1
    assert QApplication.focusWidget() is failures.groups
    assert failures.examples.model.rowCount() == len(found.failures)
    press(window, Qt.Key_Down)
    group = failures.insights.group
    assert group is found.cameras[0], "the heading is walked over"
    assert failures.title.text() == group.name
    assert [e.number - 1 for e in failures.examples.model.examples] == list(group.examples)


def test_a_cell_orders_the_examples_by_what_it_adds(qtbot, window, failures):
    cell = 5
    click(failures.map, failures.map.centre_of(cell))
    assert failures.insights.cell == cell
    values = [example.value for example in failures.examples.model.examples]
    assert values == sorted(values, reverse=True)
    assert failures.examples.model.columnCount() == 7
    press(window, Qt.Key_Right)
    assert failures.insights.cell == cell + 1
    press(window, Qt.Key_Escape)
    assert failures.insights.cell is None
    margins = [example.failure.margin for example in failures.examples.model.examples]
    assert margins == sorted(margins, reverse=True)


def opened(qtbot, window, example):
    """Whether the browser compares the false match with the true one."""
    space = window.workspace
    qtbot.waitUntil(lambda: space.why is not None and not space.pair_stale, timeout=WAIT)
    assert window.page == "explore"
    assert space.look.mode == "compare"
    chosen = space.selection
    assert space.data.query[chosen.query].path == example.query.path
    assert space.data.gallery[chosen.candidate].path == example.false.path
    assert space.data.gallery[chosen.other].path == example.true.path
    assert space.why.difference.total == pytest.approx(example.failure.margin, abs=1e-3)


def test_an_example_is_opened_by_mouse_and_by_return(qtbot, window, failures):
    tiles, examples = failures.examples.tiles, failures.examples.model.examples
    click(tiles.viewport(), tiles.visualRect(failures.examples.model.index(0, 0)).center())
    opened(qtbot, window, examples[0])
    press(window, Qt.Key_3, Qt.ControlModifier)
    assert failures.stack.currentIndex() == 1, "what was found stays"
    bar = failures.examples.tabBar()
    click(bar, bar.tabRect(1).center())
    table = failures.examples.table
    table.setFocus()
    press(window, Qt.Key_End)
    press(window, Qt.Key_Return)
    opened(qtbot, window, examples[table.currentIndex().row()])


@pytest.mark.parametrize("suffix", [".html", ".json"])
def test_the_report_on_failures_is_saved(qtbot, window, failures, tmp_path, suffix):
    click(failures.save)
    dialog = window.findChild(ExportDialog)
    assert "failures_market" in dialog.path.text()
    dialog.format.setCurrentIndex([f.suffix for f in dialog._formats].index(suffix))
    target = tmp_path / f"f{suffix}"
    dialog.path.setText(str(target))
    saved(qtbot, dialog)
    text = target.read_text(encoding="utf-8")
    if suffix == ".json":
        assert json.loads(text) == json.loads(
            json.dumps(failures.insights.failures.analysis.to_dict())
        )
    else:
        assert "What misleads the model" in text
