"""From a choice to a ranking to an explanation, with the real engine on a tiny set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.jobs.controller import Controller
from app.jobs.engine import DataRequest, ModelRequest
from app.state.workspace import Workspace
from qaconv_core.types import RankingResult
from tests.app.real import WAIT, open_and_wait, tiny_market
from tests.builders import write_picture


@pytest.fixture
def data(tmp_path):
    return tiny_market(tmp_path)


@pytest.fixture
def controller(runner):
    made = Controller(Workspace(), runner)
    yield made
    made.close()


@pytest.fixture
def opened(qtbot, controller, data, model):
    open_and_wait(qtbot, controller, data, model)
    return controller


def until(qtbot, condition):
    qtbot.waitUntil(condition, timeout=WAIT)


def test_opening_shows_the_first_match_explained(opened):
    space = opened.workspace
    assert space.selection.queries == (0,)
    assert len(space.ranking.order) == len(space.data.gallery) == 26
    assert space.pair.candidate == space.selection.candidate
    best = space.ranking.order[space.ranking.truth != RankingResult.JUNK][0]
    assert space.selection.candidate == best
    match = space.pair.match
    total = match.query_contribution.sum() + match.gallery_contribution.sum() + match.bias
    assert total == pytest.approx(space.ranking.value_of(best), abs=1e-3)
    assert space.pair.similarity.max(axis=0) == pytest.approx(match.query_similarity.ravel())


def test_the_set_is_measured_unasked_and_its_methods_can_be_chosen(qtbot, opened):
    space = opened.workspace
    until(qtbot, lambda: len(space.methods) == 6)
    assert not np.isnan(space.measures["qaconv"].ap).any()
    space.set_method("qaconv+rerank")
    until(qtbot, lambda: space.ranking.method == "qaconv+rerank" and not space.ranking_stale)
    moved = space.ranking
    plain = opened.matching.rank((0,), "qaconv")
    assert (plain.order[moved.before] == moved.order).all()


def test_one_querys_measures_equal_those_of_the_whole_set(qtbot, opened):
    space = opened.workspace
    opened.measure_unasked = False
    first = space.measures["qaconv"]
    ap, rank, top = first.ap[0], first.first_true[0], first.top[0]
    until(qtbot, lambda: len(space.methods) == 6)
    whole = space.measures["qaconv"]
    assert (whole.ap[0], whole.first_true[0]) == (pytest.approx(ap), rank)
    assert whole.top[0] == pytest.approx(top, abs=1e-5)


def test_only_the_last_of_many_choices_is_answered(qtbot, opened):
    space = opened.workspace
    for query in (1, 2, 3, 4, 2):
        space.select_queries((query,))
    until(qtbot, lambda: space.pair is not None and space.pair.query == 2 and not space.pair_stale)
    assert space.ranking.queries == (2,)


def test_several_queries_are_ranked_by_their_joint_evidence(qtbot, opened):
    space = opened.workspace
    space.select_queries((0, 3))
    until(qtbot, lambda: space.ranking.queries == (0, 3) and not space.ranking_stale)
    rows = np.stack([opened.matching.logits(0), opened.matching.logits(3)])
    assert space.ranking.values == pytest.approx(rows.max(axis=0)[space.ranking.order])
    space.change_look(fuse="mean")
    until(
        qtbot,
        lambda: (
            space.ranking.values == pytest.approx(rows.mean(axis=0)[space.ranking.order], abs=1e-4)
        ),
    )


def test_a_picture_becomes_a_query(qtbot, opened, tmp_path):
    space = opened.workspace
    picture = write_picture(tmp_path / "somebody.png", 3, (48, 128))
    opened.add_pictures([picture])
    until(qtbot, lambda: space.ranking.queries == (5,) and not space.ranking_stale)
    assert space.data.is_added(5)
    assert (space.ranking.truth == RankingResult.NOT_KNOWN).all()
    space.select_queries((0,))
    opened.add_pictures([picture])  # once more: no second row
    until(qtbot, lambda: space.ranking.queries == (5,) and not space.ranking_stale)
    assert len(space.data.query) == 6


def test_pictures_that_are_there_or_on_their_way_get_no_second_row(qtbot, opened, tmp_path):
    space = opened.workspace
    first, second, third = (
        write_picture(tmp_path / f"{name}.png", number, (48, 128))
        for number, name in enumerate(("one", "two", "three"))
    )
    opened.add_pictures([first])
    opened.add_pictures([first])  # while it is being read
    until(qtbot, lambda: space.ranking.queries == (5,) and not space.ranking_stale)
    opened.add_pictures([second, first, second, third], together=True)
    until(qtbot, lambda: space.ranking.queries == (6, 5, 7) and not space.ranking_stale)
    files = [ref.path.name for ref in space.data.query][5:]
    assert files == ["one.png", "two.png", "three.png"]


def test_a_scene_as_query_is_told_of(qtbot, opened, runner, tmp_path):
    space = opened.workspace
    scene = write_picture(tmp_path / "street.png", 3, (320, 180))
    with qtbot.waitSignal(runner.problem, timeout=WAIT) as told:
        opened.add_pictures([scene])
    assert told.args[0].message.startswith("street.png (320 × 180 pixels) looks like a whole scene")
    until(qtbot, lambda: space.ranking.queries == (5,))  # it is searched all the same


def test_a_gallery_picture_as_query_is_not_matched_with_itself(qtbot, opened):
    space = opened.workspace
    path = space.data.gallery[4].path
    opened.add_pictures([path])
    until(qtbot, lambda: space.ranking.queries == (5,) and not space.ranking_stale)
    assert space.ranking.truth[space.ranking.place_of(4)] == RankingResult.JUNK
    assert space.selection.candidate != 4


def test_a_set_is_searched_for_the_pictures_that_were_named_with_it(
    qtbot, controller, data, model, tmp_path
):
    """``qaconv gui --dataset SET --query PICTURE``: a set with queries of its own too."""
    picture = write_picture(tmp_path / "somebody.png", 3, (48, 128))
    open_and_wait(qtbot, controller, replace(data, queries=(picture,)), model)
    space = controller.workspace
    assert [ref.path for ref in space.data.query] == [picture]
    assert space.ranking.queries == (0,)
    assert len(space.data.gallery) == 26


@pytest.mark.parametrize("kind", ["text as checkpoint", "no such folder", "broken picture"])
def test_a_wrong_file_leaves_the_last_good_state(qtbot, opened, tmp_path, kind):
    space = opened.workspace
    until(qtbot, lambda: space.pair.relative is not None)  # the match is shown whole
    before = (space.data, space.model, space.ranking, space.pair, space.selection)
    wrong = tmp_path / "wrong.pth.tar"
    wrong.write_text("hello")
    with qtbot.waitSignal(opened.runner.problem, timeout=WAIT) as told:
        if kind == "text as checkpoint":
            opened.open_model(ModelRequest(str(wrong)))
        elif kind == "no such folder":
            opened.open(DataRequest("market", tmp_path / "nowhere"))
        else:
            opened.add_pictures([wrong])
    assert "wrong.pth.tar" in told.args[0].message or "nowhere" in told.args[0].message
    until(qtbot, lambda: not opened.runner.busy)
    assert (space.data, space.model, space.ranking, space.pair, space.selection) == before


def test_unreadable_pictures_are_left_out_of_the_set(qtbot, controller, data, model):
    broken = sorted((Path(data.root) / "market" / "bounding_box_test").glob("*.jpg"))[3]
    broken.write_bytes(b"\xff\xd8 not a picture")
    told = []
    controller.runner.problem.connect(told.append)
    open_and_wait(qtbot, controller, data, model)
    until(qtbot, lambda: not controller.runner.busy)
    (problem,) = told
    assert problem.message.startswith(
        f"1 picture of market cannot be read and is left out: {broken.name} ("
    )
    space = controller.workspace
    assert len(space.data.gallery) == 25
    assert broken in [item.path for item in space.data.rejected]
    assert len(space.ranking.order) == 25


def test_another_model_keeps_the_choice(qtbot, opened, model):
    space = opened.workspace
    space.select_queries((2,))
    until(qtbot, lambda: space.pair is not None and space.pair.query == 2)
    with qtbot.waitSignal(opened.settled, timeout=WAIT):
        opened.open_model(model)
    assert space.selection.queries == (2,)
    assert space.pair.query == 2
