"""The window and the command line give one order, truth and ranks for the same queries."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.jobs import engine
from app.jobs.job import JobContext
from app.jobs.ranking_exports import RankingExport
from qaconv_core.cli import main
from qaconv_core.data.own_files import known_pictures
from qaconv_core.progress import CancelToken
from tests.app.real import tiny_market, tiny_model


@pytest.fixture
def doors(tmp_path, own_folders, monkeypatch):
    """Ranks query files through both doors: (the window's items, the command line's record)."""
    monkeypatch.chdir(tmp_path)
    context = JobContext(lambda _: None, CancelToken())
    request, checkpoint = tiny_market(tmp_path), tiny_model(tmp_path)
    model = engine.inspect_model(checkpoint, context).model
    data = engine.open_set(engine.inspect_data(request, context).dataset)
    search = engine.search_partly(model, data, (), context)

    def both(*refs, fuse="max"):
        first = len(search.data.query)
        search.add_queries(refs)
        chosen = tuple(range(first, first + len(refs)))
        ranking = search.rank(chosen, fuse=fuse)
        places = np.arange(len(ranking.order))
        export = RankingExport(search.data, ranking, places, "", "").record()
        own = search.own_files(chosen)
        export["results"] = [x for x in export["results"] if x["gallery_index"] not in own]
        command = ["rank", "--query", *(str(ref.path) for ref in refs), "--gallery", "market",
                   "--data-dir", str(request.root), "--checkpoint", checkpoint.path,
                   "--device", "cpu", "--top", "26", "--json", "r.json", "--csv", "r.csv",
                   "--quiet"]  # fmt: skip
        assert main([*command, *(("--joint", fuse) if len(refs) > 1 else ())]) == 0
        record = json.loads((tmp_path / "r.json").read_text())["queries"][0]
        return export, record, own

    both.data = data
    return both


def test_one_query_with_junk(doors):
    window, command, own = doors(doors.data.query[1])
    same(window, command)
    assert [x["rank"] for x in command["results"] if x["truth"] == "junk"] == [None]
    assert len(command["results"]) == 26
    assert own.tolist() == []


@pytest.mark.parametrize("fuse", ["max", "mean"])
def test_several_queries_of_one_person_one_of_them_in_the_gallery(doors, fuse):
    query = doors.data.query[1]
    place = next(
        i for i, ref in enumerate(doors.data.gallery)
        if ref.pid == query.pid and ref.camid != query.camid
    )  # fmt: skip
    window, command, own = doors(query, doors.data.gallery[place], fuse=fuse)
    same(window, command)
    assert own.tolist() == [place]
    assert command["gallery"] == 25
    truths = [x["truth"] for x in command["results"]]
    assert (truths.count("junk"), truths.count("true")) == (2, 2)
    assert command["pid"] == query.pid
    assert command["camid"] is None


def test_several_queries_of_different_persons(doors):
    window, command, _ = doors(doors.data.query[0], doors.data.query[3])
    same(window, command)
    assert {x["truth"] for x in command["results"]} == {"junk", "unknown"}
    assert command["pid"] is None


def test_a_query_that_stands_in_the_gallery_under_another_name(doors, tmp_path):
    place = 4
    link = tmp_path / "somebody.jpg"
    link.symlink_to(doors.data.gallery[place].path)
    window, command, own = doors(*known_pictures([link], doors.data.query, doors.data.gallery))
    assert own.tolist() == [place]
    assert command["gallery"] == 25
    assert window["results"][0]["truth"] == command["results"][0]["truth"] != "unknown"
    assert [x["gallery_index"] for x in window["results"]] == [
        x["gallery_index"] for x in command["results"]
    ]


def same(window, command):
    """Order, truth, ranks and values are the same, and no rank is written as 0."""
    for name in ("query", "query_paths", "pid", "camid"):
        assert window[name] == command[name]
    assert len(window["results"]) == len(command["results"]) > 0
    for ours, theirs in zip(window["results"], command["results"], strict=True):
        assert ours["logit"] == pytest.approx(theirs["logit"], abs=1e-4)
        assert {**ours, "logit": 0, "score": 0} == {**theirs, "logit": 0, "score": 0}
    counted = [x["rank"] for x in command["results"] if x["truth"] != "junk"]
    assert counted == list(range(1, len(counted) + 1))
    assert all(x["rank"] is None for x in command["results"] if x["truth"] == "junk")
