"""The run history keeps what it was given, with several writers and beside damaged files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

from qaconv_core.errors import InputError, StoreError
from qaconv_core.evaluation.reports import report_json
from qaconv_core.store.runs import RunHistory
from tests.core.records import make_report, make_result


@pytest.fixture
def history(tmp_path: Path) -> RunHistory:
    return RunHistory(tmp_path / "sub folder" / "runs é.sqlite")


def test_a_run_comes_back_as_it_was(history: RunHistory) -> None:
    report = report_json(make_report("dé_mo"))
    run_id = history.add(report, command="qaconv evaluate \udcff", kind="rescore")
    record = history.get(run_id)
    assert record.report == report
    assert (record.dataset, record.kind) == ("dé_mo", "rescore")
    assert record.command == "qaconv evaluate \\udcff"
    created = datetime.fromisoformat(record.created)
    assert created.utcoffset() == timezone.utc.utcoffset(None)
    assert record.results[0]["method"] == "qaconv"


def test_list_is_newest_first_filtered_and_limited(history: RunHistory) -> None:
    for name in ("a", "b", "a", "a"):
        history.add({"dataset": name})
    assert [r.id for r in history.list()] == [4, 3, 2, 1]
    assert [r.id for r in history.list(dataset="a", limit=2)] == [4, 3]
    assert history.list(dataset="'; DROP TABLE runs; --") == []
    assert history.list(limit=0) == []
    with pytest.raises(InputError, match="-1"):
        history.list(limit=-1)


def test_reading_creates_no_file(history: RunHistory) -> None:
    assert history.list() == []
    with pytest.raises(InputError, match="has no run 1; it is empty"):
        history.get(1)
    with pytest.raises(InputError, match="no run 1"):
        history.delete(1)
    assert not history.path.exists()


def test_delete_and_ids_are_never_reused(history: RunHistory) -> None:
    first, second = history.add({"dataset": "a"}), history.add({"dataset": "a"})
    history.delete(second)
    assert [r.id for r in history.list()] == [first]
    assert history.add({"dataset": "a"}) == second + 1
    with pytest.raises(InputError, match=r"no run 2; the newest are 3, 1"):
        history.delete(second)
    with pytest.raises(InputError):
        history.get(2**70)


def test_compare_gives_differences_to_the_first_of_the_same_kind(history: RunHistory) -> None:
    base = history.add(report_json(make_report()))
    better = make_report(results=(make_result(first=0.6), make_result("other", float("nan"))))
    other = history.add(report_json(better))
    elsewhere = history.add(report_json(make_report("duke")))
    rows = history.compare([base, other, elsewhere])
    assert [r["id"] for r in rows] == [1, 1, 1, 2, 2, 3, 3, 3]
    assert rows[0]["delta_rank1"] is None
    assert rows[3]["delta_rank1"] == pytest.approx(0.1)
    assert rows[3]["delta_mAP"] == pytest.approx(0.1)
    assert rows[4]["delta_mAP"] is None
    assert rows[5]["delta_mAP"] is None
    assert rows[1]["approximation"].startswith("re-ranked the top 100")
    assert rows[0]["valid_queries"] == 2
    assert rows[0]["checkpoint"] == "best_model.pth.tar"


def test_reports_that_are_not_json_are_refused(history: RunHistory) -> None:
    for report in ({"dataset": object()}, {"dataset": "x", "mAP": float("nan")}):
        with pytest.raises(InputError, match="plain JSON"):
            history.add(report)
    assert history.list() == []


_WRITER = """
import sys
from qaconv_core.store.runs import RunHistory
for i in range(15):
    RunHistory(sys.argv[1]).add({"dataset": sys.argv[2], "i": i})
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    root = Path(__file__).resolve().parents[3]
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name], cwd=root)
        for name in ("a", "b")
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    for name in ("a", "b"):
        assert [r.report["i"] for r in RunHistory(path).list(name)] == list(range(14, -1, -1))


def test_threads_write_at_once(history: RunHistory) -> None:
    def work() -> None:
        for _ in range(10):
            history.add({"dataset": "t"})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(r.id for r in history.list()) == list(range(1, 41))


def test_a_held_file_is_reported_after_the_timeout(history: RunHistory) -> None:
    history.add({"dataset": "a"})
    holder = sqlite3.connect(history.path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        RunHistory(history.path, timeout=0.05).add({"dataset": "b"})
    holder.close()
    assert len(history.list()) == 1


def test_an_empty_file_is_an_empty_history(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    path.touch()
    assert RunHistory(path).list() == []
    assert RunHistory(path).add({"dataset": "a"}) == 1


@pytest.mark.parametrize("method", ["list", "add"])
def test_files_that_are_no_history_are_named_and_left_alone(tmp_path: Path, method: str) -> None:
    def use(path: Path) -> None:
        history = RunHistory(path)
        history.list() if method == "list" else history.add({"dataset": "x"})

    text = tmp_path / "text.sqlite"
    text.write_text("this is no database\n" * 100)
    before = text.read_bytes()
    if method == "list":
        with pytest.raises(StoreError, match=r"text\.sqlite is damaged .*move the file away"):
            use(text)
        assert text.read_bytes() == before
    else:  # a new run is not lost for the sake of a broken file
        use(text)
        assert (tmp_path / "text.sqlite.damaged").read_bytes() == before
        assert len(RunHistory(text).list()) == 1

    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE cookies (x)")
    connection.close()
    with pytest.raises(StoreError, match=r"foreign\.sqlite is not a run history"):
        use(foreign)

    with pytest.raises(StoreError, match="is a folder"):
        use(tmp_path)

    newer = tmp_path / "newer.sqlite"
    RunHistory(newer).add({"dataset": "x"})
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer\.sqlite was written by a newer version"):
        use(newer)


def test_damage_inside_a_history_is_named(history: RunHistory) -> None:
    for i in range(50):
        history.add({"dataset": "x", "text": "y" * 500, "i": i})
    raw = bytearray(history.path.read_bytes())
    raw[4096:] = b"\xff" * (len(raw) - 4096)
    history.path.write_bytes(raw)
    with pytest.raises(StoreError, match=r"runs é\.sqlite is damaged"):
        history.list()


def test_a_stored_report_that_is_not_json_is_named(history: RunHistory) -> None:
    history.add({"dataset": "x"})
    for text in ("{", "[1]"):
        with sqlite3.connect(history.path) as connection:
            connection.execute("UPDATE runs SET report = ?", (text,))
        connection.close()
        with pytest.raises(StoreError, match="run 1 is not"):
            history.get(1)
        history.add({"dataset": "y"})
        assert {record.dataset for record in history.list()} == {
            "y"
        }  # the others are kept in sight
        history.delete(2 if text == "{" else 3)
