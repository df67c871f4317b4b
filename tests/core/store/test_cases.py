"""Cases: what is put in comes back, nothing is changed silently, nothing foreign is believed."""

from __future__ import annotations

import csv
import io
import json
import threading

import pytest

from qaconv_core.errors import StoreError
from qaconv_core.store import cases
from qaconv_core.store.cases import CaseDecisions, CaseFile, case_log_csv

DATA = {
    "name": "market", "root": "/data", "gallery": "", "title": "market", "queries": 5,
    "pictures": 26, "fingerprint": "f" * 64,
}  # fmt: skip


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    return CaseFile.create(tmp_path / "theft.qcase", "Theft", "2026/17", "A. Examiner")


def edit(file, change):
    record = json.loads(file.path.read_text())
    change(record)
    file.path.write_text(json.dumps(record))


def test_what_is_put_in_comes_back(file, tmp_path):
    file.add("data", DATA)
    file.add("model", {"path": "demo", "sha256": "a" * 64, "description": "ResNet-50"})
    file.add("queries", {"pictures": [{"path": "q.jpg", "sha256": "b" * 64}]})
    file.add("note", {"text": "two\nlines"})
    file.add("looked", {"query": "q.jpg", "gallery": "g.jpg", "rank": 3, "logit": -1.5})
    book = CaseDecisions(file, "market", tmp_path)
    made = book.decide(tmp_path / "q.jpg", tmp_path / "g.jpg", "confirm", "the bag", logit=2.0)
    case = CaseFile(file.path).read()
    assert (case.title, case.reference, case.examiner) == ("Theft", "2026/17", "A. Examiner")
    assert case.data.pictures == 26
    assert case.model.description == "ResNet-50"
    assert [picture.path for picture in case.queries] == ["q.jpg"]
    assert case.notes == "two\nlines"
    assert (case.seen[0].gallery, case.seen[0].rank) == ("g.jpg", 3)
    assert case.decisions == [made]
    assert case.fault == ""


def test_what_maps_are_computed_in_is_kept_as_often_as_it_changes(file):
    model = {"path": "demo", "sha256": "a" * 64, "description": "ResNet-50"}
    assert file.add("model", model).model.precision == "", "an older program did not note it"
    for precision in ("bfloat16", "float32", "bfloat16"):
        file.add("model", model | {"precision": precision})
    case = file.read()
    assert case.model.precision == "bfloat16"
    assert case.precisions == ("bfloat16", "float32")
    *_, unknown, first, second, _third = case_log_csv(case).splitlines()
    assert "feature maps" not in unknown
    assert "feature maps in bfloat16" in first
    assert "feature maps in float32" in second
    edit(file, lambda record: record["entries"][-1]["what"].update(precision=3))
    with pytest.raises(StoreError, match="cannot be opened"):
        file.read()


def test_an_undone_decision_stays_in_the_log(file, tmp_path):
    book = CaseDecisions(file, "market", tmp_path)
    book.decide("q.jpg", "g.jpg", "reject")
    book.decide("q.jpg", "g.jpg", "confirm")
    assert book.undo().after.verdict == "confirm"
    assert [d.verdict for d in book.all()] == ["reject"]
    book.clear("q.jpg", "g.jpg")
    assert book.all() == []
    kinds = [entry.kind for entry in file.read().entries]
    assert kinds == ["created", "decision", "decision", "undone", "decision"]
    assert book.undo() is not None
    assert book.undo() is not None
    assert book.undo() is None


def test_what_one_command_decided_in_a_case_is_undone_at_once(file, tmp_path):
    book = CaseDecisions(file, "market", tmp_path)
    for name in ("g.jpg", "h.jpg"):
        book.decide("q.jpg", name, "reject", command="one")
    assert len(book.undo_command()) == 2
    case = file.read()
    assert [entry.kind for entry in case.entries[1:]] == ["decision"] * 2 + ["undone"] * 2
    assert case.decisions == []
    assert case.fault == ""


def _say_otherwise(record):
    record["entries"][1]["what"]["text"] = "other words"


def _remove_one(record):
    del record["entries"][1]


def _date_back(record):
    record["entries"][2]["time"] = "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("change", "number"), [(_say_otherwise, 2), (_remove_one, 2), (_date_back, 3)]
)
def test_a_silent_edit_is_detected(file, change, number):
    for text in ("one", "two", "three"):
        file.add("note", {"text": text})
    edit(file, change)
    assert f"entry {number} of the log" in file.read().fault


def test_going_on_does_not_hide_an_edit(file):
    file.add("note", {"text": "one"})
    edit(file, _say_otherwise)
    file.add("note", {"text": "two"})
    assert "entry 2 of the log" in file.read().fault


def test_a_log_that_was_cut_short_is_detected(file):
    for text in ("one", "two"):
        file.add("note", {"text": text})
    edit(file, lambda record: record["entries"].pop())
    assert file.read().fault == "1 entry at the end of the log is missing"


def test_a_cut_log_is_told_until_it_is_whole_again(file):
    for text in ("one", "two", "three"):
        file.add("note", {"text": text})
    whole = file.path.read_bytes()
    edit(file, lambda record: record.update(entries=record["entries"][:2]))
    assert "2 entries at the end" in file.read().fault
    for _ in range(4):
        assert "2 entries" in file.open().fault
        assert file.read().fault == "2 entries after entry 2 of the log are missing"
    file.path.write_bytes(whole)
    assert file.read().fault == ""
    assert file.open().fault == ""


def test_a_cut_log_that_is_moved_is_still_told(file):
    file.add("note", {"text": "one"})
    edit(file, lambda record: record["entries"].pop())
    moved = CaseFile(file.path.rename(file.path.with_name("moved.qcase")))
    moved.open()
    assert moved.read().fault == "1 entry after entry 1 of the log is missing"


def test_a_copy_that_goes_further_is_no_fault_of_the_original(file, tmp_path):
    copy = CaseFile(tmp_path / "copy.qcase")
    copy.path.write_bytes(file.path.read_bytes())
    assert copy.add("note", {"text": "of the copy"}).fault == ""
    case = file.read()
    assert case.fault == ""
    assert case.remark == f"another copy of this case has gone further: {copy.path}"
    assert file.open().fault == ""
    file.add("note", {"text": "of the original"})
    assert file.read().remark == f"another copy of this case has other entries: {copy.path}"
    assert copy.read().fault == ""
    assert "another copy" in copy.read().remark


def test_a_copy_that_is_handed_back_and_a_case_that_is_moved_hold(file, tmp_path):
    copy = CaseFile(tmp_path / "copy.qcase")
    copy.path.write_bytes(file.path.read_bytes())
    copy.add("note", {"text": "of the copy"})
    file.path.unlink()
    moved = CaseFile(copy.path.rename(file.path))
    assert (moved.read().fault, moved.read().remark) == ("", "")


def test_a_log_written_anew_with_right_hashes_is_detected(file):
    file.add("note", {"text": "one"})
    _say = cases._entry

    def forge(record):
        first = record["entries"][0]
        record["entries"][1] = vars(_say(first["hash"], "note", {"text": "forged"}))

    edit(file, forge)
    assert file.read().fault == "the log was written anew outside of this program"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b"\x00\x01",
        b'{"format": "qaconv-case", "version": 99, "entries": []}',
        b'{"format": "qaconv-case", "version": 1, "entries": []}',
        b'{"format": "qaconv-case", "version": 1, "entries": [5]}',
        b'{"format": "qaconv-case", "version": 1, "entries": [{"time": "", "kind": "created",'
        b' "what": {"id": "../../x", "title": "", "reference": "", "examiner": ""}, "hash": ""}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_case_is_one_line_and_stays_where_it_is(tmp_path, content):
    path = tmp_path / "x.qcase"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"x\.qcase: cannot be opened") as error:
        CaseFile(path).open()
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path], "no lock is left beside it"


def test_a_case_that_is_not_there_or_a_folder_is_one_line(tmp_path):
    for path in (tmp_path / "none" / "none.qcase", tmp_path):
        with pytest.raises(StoreError):
            CaseFile(path).open()
    assert not list(tmp_path.iterdir())


def test_a_new_case_replaces_none(file):
    with pytest.raises(StoreError, match="is there already"):
        CaseFile.create(file.path, "Other")


def test_a_new_case_makes_no_folders(file, tmp_path):
    with pytest.raises(StoreError, match="there is no such folder"):
        CaseFile.create(tmp_path / "none" / "deeper" / "a.qcase", "Theft")
    assert not (tmp_path / "none").exists()


def test_notes_of_two_writers_are_both_kept(file):
    file.note("mine", "")
    assert file.note("theirs", "").notes == "mine\ntheirs"
    assert file.note("theirs, longer", "theirs").notes == "mine\ntheirs, longer"
    assert file.note("mine, too", "mine").notes == "mine\ntheirs, longer\nmine, too"
    assert file.note("all new", file.read().notes).notes == "all new"
    entries = len(file.read().entries)
    assert len(file.note("all new", "").entries) == entries


def test_entries_of_two_writers_are_all_kept(file):
    def write(name):
        for number in range(20):
            CaseFile(file.path).add("note", {"text": f"{name} {number}"})

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    case = file.read()
    assert len(case.entries) == 41
    assert case.fault == ""


def test_the_view_is_kept_beside_the_log(file):
    file.show_as({"page": "explore"})
    file.add("note", {"text": "one"})
    case = file.read()
    assert case.view == {"page": "explore"}
    assert len(case.entries) == 2
    assert case.fault == ""


def test_the_log_as_a_table(file, tmp_path):
    CaseDecisions(file, "market", tmp_path).decide("q.jpg", "g.jpg", "confirm", "=1+1")
    file.add("note", {"text": "=cmd()"})
    rows = list(csv.DictReader(io.StringIO(case_log_csv(file.read()))))
    assert [row["kind"] for row in rows] == ["created", "decision", "note"]
    assert rows[1]["what"].startswith("confirm: ")
    assert rows[2]["hash"] == file.read().seal
