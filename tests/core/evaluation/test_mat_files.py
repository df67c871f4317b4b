"""The strict reader of MATLAB files against scipy's, and against files it must refuse."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.sparse import eye

from qaconv_core.errors import InputError
from qaconv_core.evaluation.mat_files import MatFile

ARRAYS: dict[str, Any] = {
    **{
        name: np.arange(-3 if name[0] != "u" else 0, 9).reshape(-1, 3).astype(name)
        for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
    },
    "logical": np.array([[True, False]]),
    "scalar": 3.5,
    "nothing": np.zeros((0, 0)),
    "cube": np.arange(24.0).reshape(2, 3, 4),
    "a_name_of_thirty_one_letters___": np.ones((1, 70)),
}


@pytest.mark.parametrize("compressed", [False, True])
def test_numbers_as_scipy_reads_them(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "numbers.mat"
    savemat(path, ARRAYS, do_compression=compressed)
    expected, file = loadmat(path), MatFile(path)
    assert set(file.shapes) == set(ARRAYS)
    for name in ARRAYS:
        found = file.read(name)
        assert file.shapes[name] == found.shape == expected[name].shape
        np.testing.assert_array_equal(found, expected[name])


@pytest.mark.parametrize("compressed", [False, True])
def test_texts(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "texts.mat"
    cells = np.array(["a.jpg", "", "é 人 𝄞.png"], dtype=object)
    texts = {"cells": cells, "row": "one é", "rows": np.array(["a", "bcd", "éf"]), "none": ""}
    savemat(path, texts, do_compression=compressed)
    file = MatFile(path)
    assert file.read("cells").tolist() == cells.tolist()
    assert file.read("row").tolist() == ["one é"]
    assert [row.rstrip() for row in file.read("rows").tolist()] == ["a", "bcd", "éf"]
    assert file.read("none").tolist() == []


def big_endian(dims: tuple[int, ...], numbers: list[int], promised: int = 0) -> bytes:
    """A file of another machine: one variable "x", doubles stored as 16-bit integers."""

    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    parts = element(6, struct.pack(">II", 6, 0))
    parts += element(5, struct.pack(f">{len(dims)}i", *dims))
    parts += struct.pack(">HH", 1, 1) + b"x\0\0\0"  # a small element: its length comes first
    parts += element(3, struct.pack(f">{len(numbers)}h", *numbers))
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H", 0x0100) + b"MI"
    return head + struct.pack(">II", 14, promised or len(parts)) + parts


def test_a_file_of_a_big_endian_machine(tmp_path: Path) -> None:
    path = tmp_path / "big.mat"
    path.write_bytes(big_endian((2, 3), [1, -2, 3, 4, 5, 600]))
    found = MatFile(path).read("x")
    np.testing.assert_array_equal(found, [[1, 3, 5], [-2, 4, 600]])
    np.testing.assert_array_equal(found, loadmat(path)["x"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (big_endian((2, 3), [1, 2]), "promises .* holds 2 numbers"),
        (big_endian((2**30, 2**30), [1, 2]), "promises"),
        (big_endian((-1, 2), [1, 2]), "negative"),
        (big_endian((1, 2), [1, 2], promised=4000), "cut short"),
        (big_endian((1, 2), [1, 2])[:-20], "cut short"),
        (b"x" * 200, "no header"),
        (big_endian((1, 2), [1, 2])[:128] + b"\0" * 64, "type 0"),
    ],
)
def test_damage_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "bad.mat"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=words):
        MatFile(path).read("x")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array([1j]), "found complex numbers"),
        (eye(3).tocsc(), "found a sparse matrix"),
        ({"a": 1}, "found a struct"),
        (np.array(["a", np.ones(3)], dtype=object), "found a cell with other things"),
    ],
)
def test_other_things_are_told_only_when_asked_for(
    tmp_path: Path, value: object, words: str
) -> None:
    path = tmp_path / "other.mat"
    savemat(path, {"x": value, "y": 1.0})
    file = MatFile(path)
    assert file.read("y") == 1.0
    with pytest.raises(InputError, match=f"'x' should hold .*{words}"):
        file.read("x")
