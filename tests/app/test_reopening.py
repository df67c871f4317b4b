"""The last session comes back with the real engine; what is gone is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.jobs.controller import Controller
from app.jobs.reopening import reopen
from app.jobs.runner import JobRunner
from app.state.requests import DataRequest, ModelRequest
from app.state.session import Session, load_session, save_session, session_of
from app.state.values import Look
from app.state.workspace import Workspace
from tests.app.real import WAIT, open_and_wait, tiny_market
from tests.builders import write_picture


@pytest.fixture
def data(tmp_path):
    return tiny_market(tmp_path)


@pytest.fixture
def start(qapp):
    """Makes a controller as a start of the program does; all are closed afterwards."""
    made: list[Controller] = []

    def make() -> Controller:
        controller = Controller(Workspace(), JobRunner())
        controller.measure_unasked = not made
        made.append(controller)
        return controller

    yield make
    for controller in made:
        controller.close()


def until(qtbot, condition):
    qtbot.waitUntil(condition, timeout=WAIT)


def test_a_session_is_reopened(qtbot, start, data, model, tmp_path):
    first = start()
    open_and_wait(qtbot, first, data, model)
    space = first.workspace
    until(qtbot, lambda: len(space.methods) == 6)
    space.change_look(mode="heat")
    space.set_method("qaconv+rerank")
    space.select_queries((3,))
    until(qtbot, lambda: space.ranking.queries == (3,) and space.ranking.method == space.method)
    candidate = int(space.ranking.order[7])
    space.select_candidate(candidate)
    save_session(tmp_path, session_of(space, first.data_request, first.model_request, "explore"))
    second = start()
    second.measure_unasked = True
    assert reopen(second, load_session(tmp_path)) == ()
    again = second.workspace
    until(qtbot, lambda: again.pair is not None and len(again.methods) == 6)
    assert (again.selection.queries, again.selection.candidate) == ((3,), candidate)
    assert again.look.mode == "heat"
    assert again.method == "qaconv+rerank"
    assert (second.data_request, second.model_request) == (data, model)


def test_query_pictures_of_the_user_are_reopened(qtbot, start, data, model, tmp_path):
    pictures = [write_picture(tmp_path / "own" / name) for name in ("me.png", "also me.png")]
    controller = start()
    gallery = sorted(data.root.rglob("bounding_box_test/*"))
    candidate, *compared = map(str, gallery[-4:])
    session = Session(
        data, model, tuple(map(str, pictures)), True, candidate, tuple(compared),
        look=Look(mode="compare"),
    )  # fmt: skip
    assert reopen(controller, session) == ()
    space = controller.workspace

    def shown() -> list[Path]:
        return [space.data.query[query].path for query in space.selection.queries]

    until(qtbot, lambda: space.data is not None and shown() == pictures)
    assert all(map(space.data.is_added, space.selection.queries))
    left = session_of(space, data, model)
    assert (left.queries, left.added) == (session.queries, True)
    assert (left.candidate, set(left.compared)) == (candidate, set(compared))
    until(qtbot, lambda: len(space.others) == 3 and not space.pair_stale)


def test_what_is_gone_is_said_and_the_demo_is_opened(start, monkeypatch, tmp_path):
    controller, opened = start(), []
    monkeypatch.setattr(controller, "open", lambda data, model, then: opened.append((data, model)))
    session = Session(DataRequest("market", tmp_path / "gone"), ModelRequest(str(tmp_path / "m")))
    sentences = reopen(controller, session)
    assert opened == [(DataRequest(), ModelRequest())]
    assert len(sentences) == 2
    assert all(str(tmp_path) in sentence for sentence in sentences)


def test_an_empty_session_opens_nothing_but_keeps_the_look(start, monkeypatch):
    controller = start()
    monkeypatch.setattr(controller, "open", lambda *_: pytest.fail("nothing was open"))
    assert reopen(controller, Session(look=Look(mode="hover"))) == ()
    assert controller.workspace.look.mode == "hover"


def test_a_picture_that_came_before_the_data_set_is_searched_for(
    qtbot, start, data, model, tmp_path
):
    picture = write_picture(tmp_path / "own" / "me.png")
    controller = start()
    controller.add_pictures([picture])
    controller.open(data, model)
    space = controller.workspace
    until(
        qtbot,
        lambda: space.data is not None and len(space.data.query) > space.data.added_from,
    )
    assert space.data.query[space.selection.query].path == picture
