"""Decisions survive a restart, can be undone step by step, and are never lost to a bad file."""

from __future__ import annotations

import csv
import io
import json
import os
import threading

import pytest

from qaconv_core.errors import InputError, StoreError
from qaconv_core.store.decisions import DecisionLog, decisions_csv, decisions_path


@pytest.fixture
def book(tmp_path):
    return DecisionLog("my set", tmp_path / "data")


def test_decisions_survive_a_restart(book, tmp_path):
    root = tmp_path / "data"
    made = book.decide(root / "q/1.jpg", root / "g/2.jpg", "confirm", "same bag", logit=3.5, rank=2)
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


def test_every_change_can_be_undone_and_made_again(book, tmp_path):
    book.decide("a", "b", "confirm")
    book.decide("a", "c", "unsure")
    book.decide("a", "b", "reject", "other shoes")
    book.clear("a", "c")
    states = []
    while True:
        states.append([(d.gallery.rsplit("/")[-1], d.verdict) for d in book.all()])
        if book.undo() is None:
            break
    assert states == [
        [("b", "reject")],
        [("c", "unsure"), ("b", "reject")],
        [("b", "confirm"), ("c", "unsure")],
        [("b", "confirm")],
        [],
    ]
    assert not book.can_undo
    reopened = DecisionLog(book.dataset, tmp_path / "data")
    forward = []
    while reopened.can_redo:
        assert reopened.redo() is not None
        forward.append([(d.gallery.rsplit("/")[-1], d.verdict) for d in reopened.all()])
    assert forward == states[-2::-1]
    assert reopened.redo() is None


def test_undo_tells_what_it_took_back(book):
    made = book.decide("a", "b", "confirm")
    changed = book.decide("a", "b", "reject")
    back = book.undo()
    assert (back.before, back.after) == (made, changed)
    assert book.redo() == back


def test_a_new_decision_drops_what_was_undone(book):
    book.decide("a", "b", "confirm")
    book.undo()
    book.decide("a", "c", "reject")
    assert not book.can_redo
    assert [d.verdict for d in book.all()] == ["reject"]


def test_clearing_nothing_is_no_change(book):
    book.clear("a", "b")
    assert not book.can_undo
    assert not book.path.exists()


def test_two_books_see_each_others_work(book, tmp_path):
    other = DecisionLog("my set", tmp_path / "data")
    book.decide("a", "b", "confirm")
    other.decide("a", "c", "reject")
    assert len(book.all()) == 2


def test_threads_do_not_lose_decisions(book):
    threads = [
        threading.Thread(target=book.decide, args=("q", f"g{i}", "unsure")) for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book.all()) == 8


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
def test_a_damaged_file_is_put_aside_with_a_line(book, content, caplog):
    book.path.parent.mkdir(parents=True)
    book.path.write_bytes(content)
    book.decide("a", "b", "confirm")
    assert [d.verdict for d in book.all()] == ["confirm"]
    assert book.path.with_name(f"{book.path.name}.damaged").read_bytes() == content
    assert [str(book.path) in line for line in caplog.messages] == [True]


def test_a_newer_file_is_left_alone(book):
    book.decide("a", "b", "confirm")
    record = json.loads(book.path.read_text()) | {"version": 99}
    book.path.write_text(json.dumps(record))
    with pytest.raises(StoreError, match="newer version"):
        book.all()


def test_unknown_verdicts_are_refused(book):
    with pytest.raises(InputError, match="confirm, reject, unsure"):
        book.decide("a", "b", "perhaps")
    assert not book.path.exists()


def test_the_table(book):
    book.decide("ä, q", os.fsdecode(b"b\xff"), "confirm", 'says "yes",\nloudly', logit=1.25)
    text = decisions_csv(DecisionLog(book.dataset, book.root).all())
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["query"].endswith("ä, q")
    assert row["gallery"].endswith("b\\udcff")
    assert row["note"] == 'says "yes",\nloudly'
    assert (row["verdict"], row["logit"], row["rank"]) == ("confirm", "1.25", "")
    assert decisions_csv([]).count("\n") == 1
