"""Pictures that are added while a set is measured: queries and measures stay in step."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QGuiApplication, QImage

from app.jobs import engine
from app.state.measure_table import MeasureTable
from app.state.session import Session
from app.state.values import Measures
from tests.app.real import WAIT, drop, press, settled, tiny_market
from tests.builders import write_picture


@pytest.fixture
def measuring(monkeypatch):
    """Measuring that ends when ``let`` is set; ``begun`` says that it began."""

    class Measuring:
        begun, let = threading.Event(), threading.Event()

    measure = engine.measure

    def held(matching, context):
        measured = measure(matching, context)
        Measuring.begun.set()
        while not (Measuring.let.wait(0.05) or context.cancel.cancelled):
            pass
        return measured

    monkeypatch.setattr(engine, "measure", held)
    yield Measuring
    Measuring.let.set()


@pytest.fixture
def window(qtbot, make_window, measuring):
    made = make_window()
    made.controller.measure_unasked = True
    return made


def paste(window, tmp_path):
    image = QImage(48, 128, QImage.Format_RGB32)
    image.fill(Qt.darkCyan)
    QGuiApplication.clipboard().setImage(image)
    press(window, Qt.Key_V, modifiers=Qt.ControlModifier)


def drop_picture(window, tmp_path):
    drop(window, write_picture(tmp_path / "somebody.png", 3, (48, 128)))


def in_step(qtbot, window, measuring):
    """Let measuring end beside the added query, and look at everything that shows measures."""
    space = window.workspace
    qtbot.waitUntil(lambda: len(space.data.query) == 6, timeout=WAIT)
    settled(qtbot, window)
    assert measuring.begun.is_set()
    assert not space.measures_complete
    measuring.let.set()
    qtbot.waitUntil(lambda: len(space.methods) == 6, timeout=WAIT)
    assert not window.problems.problems
    for method in space.methods:
        known = space.measures[method]
        assert len(known.ap) == len(known.first_true) == len(known.top) == 6
        assert not np.isnan(known.ap[:5]).any()
    rows = window.explore.queries.model
    assert {rows.entry(row).query for row in range(rows.rowCount())} == set(range(6))
    window.grab()
    for query in (0, 5):
        space.select_queries((query,))
        qtbot.waitUntil(lambda query=query: space.ranking.queries == (query,), timeout=WAIT)
        settled(qtbot, window)
        assert space.pair.query == query
    space.change_query_filter(sort="ap")
    assert rows.rowCount() == 6


@pytest.mark.parametrize("add", [paste, drop_picture])
def test_a_picture_is_added_while_the_set_is_measured(
    qtbot, window, measuring, model, tmp_path, add, monkeypatch
):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "kept"))
    window.begin(tiny_market(tmp_path), model)
    qtbot.waitUntil(measuring.begun.is_set, timeout=WAIT)
    settled(qtbot, window)
    add(window, tmp_path)
    in_step(qtbot, window, measuring)
    QGuiApplication.clipboard().clear()


def test_a_session_with_an_added_picture_is_reopened(qtbot, window, measuring, model, tmp_path):
    picture = write_picture(tmp_path / "added" / "me.png", 2, (48, 128))
    session = Session(tiny_market(tmp_path), model, queries=(str(picture),), added=True)
    window.begin(session=session)
    qtbot.waitUntil(measuring.begun.is_set, timeout=WAIT)
    in_step(qtbot, window, measuring)


def test_measures_are_as_long_as_the_set_has_queries():
    table = MeasureTable(3)
    table.put("qaconv", Measures.unknown(2).with_query(1, 0.5, 2, 0.9))
    assert table["qaconv"].first_true.tolist() == [0, 2, 0]
    table.grow(4)
    assert table["qaconv"].first_true.tolist() == [0, 2, 0, 0]
    assert table["qaconv"].ap[1] == 0.5
    assert np.isnan(table["qaconv"].top[2:]).all()
    assert len(table.of("qaconv+rerank").ap) == 4
    with pytest.raises(ValueError, match="5 queries for a set of 4"):
        table.put("qaconv", Measures.unknown(5))
