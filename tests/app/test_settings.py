"""Settings and the session come back; what is damaged, unknown or gone does no harm."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.state.requests import DataRequest, ModelRequest
from app.state.restoring import reopenable, restore
from app.state.session import Session, load_session, save_session, session_of
from app.state.settings import Settings, SettingsFile
from app.state.values import Look, Measures, QueryFilter, ResultFilter, Selection
from app.state.workspace import Workspace
from tests.app.samples import sample_set

FULL = Settings(
    theme="dark",
    data_folder="/data",
    device="cuda:1",
    precision="float32",
    recent_data=(DataRequest("market", Path("/data")), DataRequest("folder", Path("/own"))),
    recent_models=(ModelRequest("/m.pth.tar", "cpu", (256, 128), "bfloat16"),),
    geometry="AAEC",
    state="/wAA",
    splitters={"explore": (200, 800)},
    hints_seen=("explore",),
    restore_session=False,
)


def test_settings_come_back(tmp_path):
    SettingsFile(tmp_path).change(FULL)
    assert SettingsFile(tmp_path).value == FULL


def test_the_bundled_model_may_be_quick_and_others_are_exact_unless_asked():
    """``auto`` is what the command line computes in."""
    settings, own = Settings(), ModelRequest("/m.pth.tar")
    assert settings.bundled.arithmetic == "fast"
    assert settings.under(own).arithmetic == "auto"
    chosen = replace(settings, precision="float32")
    assert chosen.bundled.arithmetic == chosen.under(own).arithmetic == "float32"
    asked = ModelRequest("/m.pth.tar", precision="bfloat16")
    assert chosen.under(asked).arithmetic == "bfloat16"


def test_without_a_file_there_are_defaults(tmp_path):
    assert SettingsFile(tmp_path).value == Settings()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b"\xff\xfe", b'{"version": 99}', b"{}", b"[" * 100_000]
)
def test_a_damaged_file_is_set_aside(tmp_path, caplog, content):
    (tmp_path / "settings.json").write_bytes(content)
    assert SettingsFile(tmp_path).value == Settings()
    assert (tmp_path / "settings.json.damaged").read_bytes() == content
    assert len(caplog.records) == 1
    assert "settings.json" in caplog.text
    caplog.clear()


def test_what_is_unknown_or_of_a_wrong_kind_is_passed_over(tmp_path):
    record = {"version": 1, "theme": "pink", "precision": "int3", "data_folder": 7,
              "recent_data": [3, {"name": "duke"}],
              "recent_models": {"path": "x"}, "splitters": {"a": [1, "b", True], "c": 3},
              "hints_seen": "explore", "restore_session": 1, "more": {"of": "this"}}  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps(record))
    assert SettingsFile(tmp_path).value == Settings(
        recent_data=(DataRequest("duke"),), splitters={"a": (1,), "c": ()}
    )


def test_a_folder_that_cannot_be_written_to_costs_one_line(tmp_path, caplog):
    settings = SettingsFile(tmp_path)
    (tmp_path / "settings.json").mkdir()
    settings.change(replace(settings.value, theme="dark"))
    assert settings.value.theme == "dark"
    assert "not kept" in caplog.text
    caplog.clear()


def test_recent_files_are_few_and_the_last_comes_first():
    settings = Settings()
    for number in range(12):
        settings = settings.with_data(DataRequest("folder", Path(f"/{number}")))
        settings = settings.with_model(ModelRequest(f"/{number}.pth"))
    settings = settings.with_data(DataRequest("folder", Path("/7"))).with_data(DataRequest())
    settings = settings.with_model(ModelRequest("/9.pth", "cpu")).with_model(ModelRequest())
    assert [r.root.name for r in settings.recent_data] == ["7", "11", "10", "9", "8", "6", "5", "4"]
    assert settings.recent_models[0] == ModelRequest("/9.pth", "cpu")
    assert len({m.path for m in settings.recent_models}) == 8


SESSION = Session(
    data=DataRequest("market", Path("/data"), (Path("/q.jpg"),), "/gallery"),
    model=ModelRequest("/m.pth.tar", "cpu", (256, 128)),
    queries=("/q.jpg", "/r.jpg"),
    added=True,
    candidate="/c.jpg",
    compared=("/d.jpg", "/e.jpg"),
    look=Look(mode="heat", overlay=False, threshold=0.55, count=30, direction="mutual"),
    query_filter=QueryFilter("0002", 2, frozenset({0, 3}), True, "ap"),
    result_filter=ResultFilter(True, True, True, frozenset({1}), (3.0, 4.5)),
    method="qaconv+rerank",
    page="evaluate",
    normalise=True,
)


def test_a_session_comes_back(tmp_path):
    save_session(tmp_path, SESSION)
    assert load_session(tmp_path) == SESSION
    assert load_session(tmp_path / "elsewhere") == Session()


def test_a_session_survives_nonsense(tmp_path):
    record = {"version": 1, "data": 3, "model": [], "look": {"mode": "x", "threshold": "high",
              "count": 1e9, "opacity": -3}, "query_filter": {"pid": "2", "camids": [1, "2"]},
              "result_filter": {"time_range": [1]}, "method": "magic", "page": "moon"}  # fmt: skip
    (tmp_path / "session.json").write_text(json.dumps(record))
    assert load_session(tmp_path) == Session(
        look=Look(count=999, opacity=0.0), query_filter=QueryFilter(camids=frozenset({1}))
    )


def test_what_the_window_shows_comes_back(space, tmp_path):
    data = space.data
    space.select_queries((2, 0))
    space.select_candidate(5)
    space.change_look(mode="heat", threshold=0.6)
    space.change_query_filter(sort="ap")
    space.change_result_filter(hide_junk=True)
    session = session_of(space, DataRequest("folder", data.root), ModelRequest(), "evaluate")
    save_session(tmp_path, session)
    other = Workspace()
    other.open_data(sample_set(data.root, pictures=False))
    restore(other, load_session(tmp_path))
    assert (other.selection.queries, other.selection.candidate) == ((2, 0), 5)
    assert (other.look, other.query_filter) == (space.look, space.query_filter)
    assert other.result_filter == space.result_filter
    assert not session.added


@pytest.mark.parametrize("compared", [(4,), (0, 3), (0, 3, 4)])
def test_all_that_is_compared_comes_back(space, tmp_path, compared):
    data = space.data
    space.change_look(mode="compare")
    space.look_at(Selection.comparing((0,), 5, compared))
    save_session(tmp_path, session_of(space, DataRequest("folder", data.root), ModelRequest()))
    other = Workspace()
    other.open_data(sample_set(data.root, pictures=False))
    restore(other, load_session(tmp_path))
    assert other.look.mode == "compare"
    assert (other.selection.candidate, set(other.compared)) == (5, set(compared))


def test_a_query_that_is_not_in_the_set_any_more_is_passed_over(space):
    restore(
        space, Session(queries=("/gone.jpg",), candidate="/gone too.jpg", look=Look(mode="heat"))
    )
    assert space.selection.queries == (0,)
    assert space.look.mode == "heat"


def test_the_method_is_chosen_once_the_set_was_measured(space):
    restore(space, Session(method="qaconv+rerank"))
    assert space.method == "qaconv"
    known = Measures.unknown(4)
    space.set_measured({"qaconv": known, "qaconv+rerank": known}, {})
    assert space.method == "qaconv+rerank"
    space.set_method("qaconv")
    space.set_methods(("qaconv", "qaconv+rerank"), {})
    assert space.method == "qaconv", "chosen once, not again and again"


def test_another_set_is_not_ranked_by_the_sessions_method(space, tmp_path):
    restore(space, Session(method="qaconv+rerank"))
    space.open_data(sample_set(tmp_path / "other", pictures=False))
    space.set_measured({m: Measures.unknown(4) for m in ("qaconv", "qaconv+rerank")}, {})
    assert space.method == "qaconv"


def test_what_is_gone_is_said_and_replaced(tmp_path):
    there = tmp_path / "there.pth"
    there.write_bytes(b"x")
    session = Session(
        data=DataRequest("market", tmp_path / "gone"), model=ModelRequest(str(there)),
        queries=("/a",), candidate="/b", look=Look(mode="hover"),
    )  # fmt: skip
    found = reopenable(session)
    assert found.session.data == DataRequest()
    assert found.session.model == session.model
    assert (found.session.queries, found.session.look.mode) == ((), "hover")
    (sentence,) = found.missing
    assert str(tmp_path / "gone") in sentence
    assert "demo" in sentence


def test_a_gone_checkpoint_and_query_picture_are_said(tmp_path):
    session = Session(DataRequest(), ModelRequest("/gone.pth"), queries=("/q.jpg",), added=True)
    found = reopenable(session)
    assert found.session.model == ModelRequest()
    assert (found.session.queries, found.session.added) == ((), False)
    assert len(found.missing) == 2
    there = tmp_path / "there.jpg"
    there.write_bytes(b"x")
    found = reopenable(replace(session, queries=("/q.jpg", str(there))))
    assert (found.session.queries, found.session.added) == ((str(there),), True)
    assert reopenable(Session()).missing == ()


def test_a_session_with_a_number_beyond_all_bounds_is_put_aside_and_said(tmp_path, caplog):
    text = '{"version": 1, "look": {"threshold": 1' + "0" * 400 + "}}"
    for _ in range(2):
        (tmp_path / "session.json").write_text(text)
        session = load_session(tmp_path)
        assert "session.json" in session.note
        assert "put aside as session.json.damaged" in session.note
        assert replace(session, note="") == Session()
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["session.json.damaged", "session.json.damaged-2"]
    assert len(caplog.messages) == 2
    caplog.clear()


def test_names_that_are_no_text_come_back(tmp_path):
    session = Session(data=DataRequest("folder", Path("/caf\udce9")), queries=("/caf\udce9/a.jpg",))
    save_session(tmp_path, session)
    assert load_session(tmp_path) == session
