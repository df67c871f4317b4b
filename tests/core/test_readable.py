"""Names of other people's files on terminals and in tables."""

from __future__ import annotations

import csv
import io
import json
import os

import pytest

from qaconv_core.readable import (
    breadth,
    counted,
    csv_cell,
    csv_text,
    encoded,
    filled,
    shown,
    shown_lines,
)


def test_a_name_is_one_line_that_no_terminal_obeys():
    assert shown("ä 人.jpg") == "ä 人.jpg"
    assert shown(os.fsdecode(b"caf\xe9.jpg")) == "caf\\udce9.jpg"
    assert shown("\x1b[31mred\x07\n\x7f\x9b\u202e") == "\\x1b[31mred\\x07\\n\\u007f\\u009b\\u202e"
    assert shown("\U000e0001") == "\\udb40\\udc01"


def test_things_are_counted_in_words():
    assert counted(1, "picture") == "1 picture"
    assert counted(0, "picture") == "0 pictures"
    assert counted(1204, "query", "queries") == "1,204 queries"
    assert counted(1, "file was", "files were") == "1 file was"


def test_lines_keep_their_ends_and_json_its_meaning():
    record = {"name": "a\x1b\x9b\udce9\u202e", "more": ["x\ny"]}
    text = json.dumps(record, ensure_ascii=False, indent=1)
    safe = shown_lines(text)
    assert json.loads(safe) == record
    assert all(sign.isprintable() or sign == "\n" for sign in safe)
    assert json.loads(encoded(text)) == record


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_cell_is_no_formula(sign):
    cell = csv_cell(f"{sign}SUM(1)")
    assert cell.startswith("'")
    assert "\t" not in cell
    assert "\r" not in cell


def test_numbers_stay_numbers():
    assert [csv_cell(value) for value in (-1.5, 3, None, "-1.5", "+2e3", "x=1")] == [
        -1.5, 3, "", "-1.5", "+2e3", "x=1",
    ]  # fmt: skip


def test_a_table_with_comments():
    text = csv_text(
        ("name", "n"), [("=1+1", -2), ("a,b", None)], comments=["of a,=1+1\n"], quote_texts=True
    )
    comment, *rows = text.splitlines()
    assert comment == "# of a, =1+1\\n"
    assert list(csv.reader(io.StringIO("\n".join(rows)))) == [
        ["name", "n"], ["'=1+1", "-2"], ["a,b", ""],
    ]  # fmt: skip
    for row in csv.reader(io.StringIO(text)):
        assert not any(cell.startswith(("=", "+", "@", "\t")) for cell in row)


@pytest.mark.parametrize(
    ("text", "places"), [("abc", 3), ("院子", 4), ("é", 1), ("e\u0301", 1), ("🙂_1", 4), ("شخص", 3)]
)
def test_columns_stand_under_each_other_in_any_script(text, places):
    assert breadth(text) == places
    assert filled(text, 6) == text + " " * (6 - places)
