"""Small JSON files of our own: bounded before they are used, put aside when damaged."""

from __future__ import annotations

import pytest

from qaconv_core.store.records import DamagedRecord, parse_json, put_aside, read_json


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1' + "0" * 400 + "}",
        '{"a": 9223372036854775808}',
        '{"a": 1e999}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        "[" * 40 + "]" * 40,
        "[" * 100_000,
        "",
        "{",
        b"\xff\xfe",
    ],
)
def test_what_we_never_write_is_damage(text):
    with pytest.raises(DamagedRecord) as error:
        parse_json(text)
    assert len(str(error.value).splitlines()) == 1


def test_what_we_write_is_read():
    assert parse_json('{"a": [-9223372036854775808, 1.5, null, "\\udce9"]}') == {
        "a": [-(2**63), 1.5, None, "\udce9"]
    }


def test_size_and_kind_are_looked_at_first(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("[1, 2, 3]")
    assert read_json(path) == [1, 2, 3]
    with pytest.raises(DamagedRecord, match="longer than 4 bytes"):
        read_json(path, largest=4)
    with pytest.raises(DamagedRecord, match="not an ordinary file"):
        read_json(tmp_path)


def test_damaged_files_are_all_kept(tmp_path, caplog):
    path = tmp_path / "x.json"
    for content in ("one", "two", "three"):
        path.write_text(content)
        assert "put aside" in put_aside(path, "it is broken")
    kept = sorted(tmp_path.iterdir())
    assert [p.read_text() for p in kept] == ["one", "two", "three"]
    assert len(caplog.messages) == 3
