"""Decisions survive a restart, can be undone step by step, and are never lost to a bad file."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qaconv_core.errors import InputError, StoreError
from qaconv_core.store.change_log import named_pictures, relative_name
from qaconv_core.store.decisions import DecisionLog, decisions_csv, decisions_path
from qaconv_core.types import ImageRef

ROOT = Path(__file__).parents[3]


@pytest.fixture
def log(tmp_path):
    return DecisionLog("my set", tmp_path / "data")


def test_decisions_survive_a_restart(log, tmp_path):
    root = tmp_path / "data"
    made = log.decide(root / "q/1.jpg", root / "g/2.jpg", "confirm", "same bag", logit=3.5, rank=2)
    assert (made.query, made.gallery) == ("q/1.jpg", "g/2.jpg")
    again = DecisionLog("my set", root)
    assert again.all() == [made]
    assert again.get(root / "q" / "1.jpg", root / "g" / ".." / "g" / "2.jpg") == made
    assert again.get(root / "q/1.jpg", root / "g/3.jpg") is None
    assert made.decided.endswith("+00:00")


def test_data_sets_have_files_of_their_own(tmp_path):
    paths = {decisions_path(n, r) for n in ("a/b", "c") for r in (tmp_path, tmp_path / "x")}
    assert len(paths) == 4
    assert all(path.parent.name == "decisions" for path in paths)


def test_every_change_can_be_undone(log, tmp_path):
    log.decide("a", "b", "confirm")
    log.decide("a", "c", "unsure")
    log.decide("a", "b", "reject", "other shoes")
    log.clear("a", "c")
    states = []
    while True:
        states.append([(d.gallery.rsplit("/")[-1], d.verdict) for d in log.all()])
        if log.undo() is None:
            break
    assert states == [
        [("b", "reject")],
        [("c", "unsure"), ("b", "reject")],
        [("b", "confirm"), ("c", "unsure")],
        [("b", "confirm")],
        [],
    ]
    assert DecisionLog(log.dataset, tmp_path / "data").all() == []


def test_undo_tells_what_it_took_back(log):
    made = log.decide("a", "b", "confirm")
    changed = log.decide("a", "b", "reject")
    back = log.undo()
    assert (back.before, back.after) == (made, changed)


def test_what_one_command_decided_is_undone_at_once(log, tmp_path):
    log.decide("a", "a", "confirm", command="first")
    for name in "bcd":
        log.decide("a", name, "reject", command="second")
    log.decide("a", "e", "unsure")
    again = DecisionLog(log.dataset, tmp_path / "data")  # as after a restart
    names = [[c.after.gallery.rsplit("/")[-1] for c in again.undo_command()] for _ in range(4)]
    assert names == [["e"], ["d", "c", "b"], ["a"], []]


def test_a_new_decision_drops_what_was_undone(log):
    log.decide("a", "b", "confirm")
    log.undo()
    log.decide("a", "c", "reject")
    assert [d.verdict for d in log.all()] == ["reject"]


def test_clearing_nothing_is_no_change(log):
    log.clear("a", "b")
    assert log.undo() is None
    assert not log.path.exists()


def test_two_logs_see_each_others_work(log, tmp_path):
    other = DecisionLog("my set", tmp_path / "data")
    log.decide("a", "b", "confirm")
    other.decide("a", "c", "reject")
    assert len(log.all()) == 2


def test_threads_do_not_lose_decisions(log):
    threads = [threading.Thread(target=log.decide, args=("q", f"g{i}", "unsure")) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.all()) == 8


DECIDES = """
import sys
from qaconv_core.store.decisions import DecisionLog
log = DecisionLog("set", sys.argv[1], sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    log.decide(f"{sys.argv[3]}.jpg", f"{number}.jpg", "confirm")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be held there")
def test_programs_do_not_lose_decisions(log, tmp_path):
    log.path.parent.mkdir(parents=True, exist_ok=True)
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", DECIDES, str(tmp_path), str(log.path), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in "ab"
    ]  # fmt: skip
    for program in programs:
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        program.stdin.write("go\n")
        program.stdin.flush()
    for program in programs:
        program.communicate(timeout=60)
        assert program.returncode == 0
    assert len(log.all()) == 80


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"version": 1, "changes": [], "done": 1' + b"0" * 400 + b"}",
        b'{"version": 1, "changes": [{"before": null, "after": {"query": "a", "gallery": "b", '
        b'"verdict": "confirm", "logit": NaN}}], "done": 1}',
        b'{"version": 1, "changes": [], "done": 3}',
        b'{"version": 1, "changes": [{"before": null, "after": null}], "done": 1}',
        b'{"version": 1, "changes": [{"before": null, "after": {"query": 1, "gallery": "b", '
        b'"verdict": "confirm"}}], "done": 1}',
        b'{"version": 1, "changes": [{"before": null, "after": {"query": "a", "gallery": "b", '
        b'"verdict": "maybe"}}], "done": 1}',
    ],
)
def test_a_damaged_file_is_put_aside_with_a_line(log, content, caplog):
    log.path.parent.mkdir(parents=True)
    log.path.write_bytes(content)
    log.decide("a", "b", "confirm")
    assert [d.verdict for d in log.all()] == ["confirm"]
    assert log.path.with_name(f"{log.path.name}.damaged").read_bytes() == content
    assert [str(log.path) in line for line in caplog.messages] == [True]


def test_a_newer_file_is_left_alone(log):
    log.decide("a", "b", "confirm")
    record = json.loads(log.path.read_text()) | {"version": 99}
    log.path.write_text(json.dumps(record))
    with pytest.raises(StoreError, match="newer version"):
        log.all()


def test_unknown_verdicts_are_refused(log):
    with pytest.raises(InputError, match="confirm, reject, unsure"):
        log.decide("a", "b", "perhaps")
    assert not log.path.exists()


def test_the_table(log):
    log.decide("ä, q", os.fsdecode(b"b\xff"), "confirm", 'says "yes",\nloudly', logit=1.25)
    text = decisions_csv(DecisionLog(log.dataset, log.root).all())
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["query"].endswith("ä, q")
    assert row["gallery"].endswith("b\\udcff")
    assert row["note"] == 'says "yes",\nloudly'
    assert (row["verdict"], row["logit"], row["rank"]) == ("confirm", "1.25", "")
    assert decisions_csv([]).count("\n") == 1


def deciding(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("decide_often.py")
    return subprocess.Popen(
        [sys.executable, str(script), str(path), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_two_programs_do_not_lose_each_others_decisions(tmp_path):
    path = tmp_path / "decisions.json"
    programs = [deciding(path, name, 40) for name in ("a", "b")]
    for program in programs:
        program.communicate(timeout=60)
        assert program.returncode == 0
    assert len(DecisionLog("set", "/nowhere", path).all()) == 80


def test_what_was_acknowledged_outlives_a_kill(tmp_path):
    path = tmp_path / "decisions.json"
    for run in range(4):
        program = deciding(path, f"run {run}", 10_000)
        assert program.stdout is not None
        for _ in range(3 + 4 * run):
            acknowledged = int(program.stdout.readline())
        program.kill()
        program.communicate()
        known = [d for d in DecisionLog("set", "/nowhere", path).all() if f"run {run}" in d.query]
        assert [d.gallery.rsplit("/", 1)[-1] for d in known][: acknowledged + 1] == [
            f"g{number}" for number in range(acknowledged + 1)
        ]


def test_what_a_killed_program_half_wrote_is_removed(log):
    log.decide("a", "b", "confirm")
    old, new, other = (
        log.path.with_name(name)
        for name in (
            f".{log.path.stem[:40]}-0123456789ab.json",
            f".{log.path.stem[:40]}-0123456789ac.json",
            f".{log.path.stem[:40]}-notes.json",
        )
    )
    for path in (old, new, other):
        path.write_text("{")
    for path in (old, other):
        os.utime(path, (1, 1))
    log.decide("a", "c", "confirm")
    assert [path.exists() for path in (old, new, other)] == [False, True, True]


def test_pictures_are_found_by_their_names_in_a_log_through_links_too(tmp_path):
    root, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    for path in (root / "a" / "1.png", root / "2.png", elsewhere / "3.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "door").symlink_to(root)
    (root / "other name.png").symlink_to(root / "a" / "1.png")
    (root / "out.png").symlink_to(elsewhere / "3.png")
    (root / "to a").symlink_to(root / "a")
    paths = [root / "a" / "1.png", root / "2.png", root / "other name.png", root / "out.png",
             root / "to a" / "1.png", elsewhere / "3.png", tmp_path / "door" / "2.png",
             root / "gone.png"]  # fmt: skip
    pictures = [ImageRef(path) for path in paths]
    expected = {index: relative_name(root, path) for index, path in enumerate(paths)}
    assert expected[2] == expected[4] == "a/1.png"
    every = set(expected.values())
    assert named_pictures(root, pictures, every) == expected
    assert named_pictures(tmp_path / "door", pictures, every) == expected
    assert named_pictures(root, pictures, {"a/1.png"}) == dict.fromkeys((0, 2, 4), "a/1.png")
    assert named_pictures(root, pictures, ()) == {}
