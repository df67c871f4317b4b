"""A strict reader of matrices and texts in MATLAB files of format 5 (v5 to v7).

``scipy.io.loadmat`` ends the whole process (segmentation fault) on some damaged files, and score
files come from anywhere. This reader knows only what such files need – real numeric arrays, char
arrays, cell arrays of texts, each compressed or not – and checks every length before it reads.

The format: a header of 128 bytes, then elements with a tag of type and length. An element is a
matrix (flags, dimensions, name, data, each an element again) or a zlib stream that holds one. See
"MAT-File Format" by The MathWorks.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.readable import shown

_NUMBERS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_MATRIX, _COMPRESSED = 14, 15
_UTF8, _UTF16, _UTF32 = 16, 17, 18
_CELL, _CHAR = 1, 4
_NUMERIC = range(6, 16)
_OTHER = {2: "a struct", 3: "an object", 5: "a sparse matrix"}
_COMPLEX = 0x0800
_HEAD = 4096  # flags, dimensions and name of a matrix are far shorter


@dataclass(frozen=True)
class _Head:
    """The header of a matrix: what stands before its data."""

    kind: int
    is_complex: bool
    dims: tuple[int, ...]
    name: str
    data_at: int

    @property
    def count(self) -> int:
        """The number of cells, letters or numbers by the dimensions."""
        return int(prod(self.dims))


@dataclass(frozen=True)
class _Place:
    """Where an element lies in the file: its content, without the tag."""

    offset: int
    size: int
    compressed: bool


class MatFile:
    """The variables of a MATLAB file; ``shapes`` by name is known at once, numbers when read.

    ``sizes`` are each variable's bytes in memory and in the file.

    Raises :class:`ValueError` where the file is damaged or of another format, :class:`InputError`
    where a variable that is asked for holds something else than numbers or texts, and
    :class:`OSError` where the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._order = self._byte_order()
        self._places: dict[str, _Place] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        for place in self._elements():
            head = self._head(self._content(place, _HEAD))
            self.sizes[head.name] = self._unpacked(place), place.size
            self._places[head.name] = place
            self.shapes[head.name] = head.dims

    def read(self, name: str) -> npt.NDArray[Any]:
        """A numeric array as stored; texts of a cell array (object) or of the rows of a char
        matrix, flat."""
        return self._array(self._content(self._places[name]))

    # ── elements ──────────────────────────────────────────────────────────────────────────────

    def _byte_order(self) -> str:
        with self._path.open("rb") as stream:
            head = stream.read(128)
        order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
        if len(head) < 128 or order is None:
            raise ValueError("no header of MATLAB's formats v5 to v7")
        return order

    def _elements(self) -> Iterator[_Place]:
        with self._path.open("rb") as stream:
            at = 128
            while at < self._size:
                stream.seek(at)
                tag = stream.read(8)
                if len(tag) < 8:
                    raise ValueError("cut short")
                kind, size = struct.unpack(self._order + "II", tag)
                if kind not in (_MATRIX, _COMPRESSED):
                    raise ValueError(f"an element of type {kind} where a variable should be")
                if at + 8 + size > self._size:
                    raise ValueError("cut short")
                yield _Place(at + 8, size, kind == _COMPRESSED)
                at += 8 + size

    def _content(self, place: _Place, limit: int | None = None) -> memoryview:
        """The bytes of a matrix, all of them or the first ``limit``."""
        size = place.size if limit is None else min(place.size, limit)
        with self._path.open("rb") as stream:
            stream.seek(place.offset)
            if not place.compressed:
                return memoryview(stream.read(size))
            stored = stream.read(size)
        try:
            return memoryview(self._inflated(stored, limit))
        except zlib.error as error:
            raise ValueError(f"a compressed variable is damaged: {error}") from error

    def _unpacked(self, place: _Place) -> int:
        """Bytes of a matrix once it is read."""
        if not place.compressed:
            return place.size
        with self._path.open("rb") as stream:
            stream.seek(place.offset)
            stored = stream.read(min(place.size, _HEAD))
        tag = zlib.decompressobj().decompress(stored, 8)
        return int(struct.unpack(self._order + "II", tag)[1])

    def _inflated(self, stored: bytes, limit: int | None) -> bytes:
        """A matrix out of a zlib stream (without its tag), never more than the tag promises."""
        inflate = zlib.decompressobj()
        tag = inflate.decompress(stored, 8)
        if len(tag) < 8:
            raise ValueError("a compressed variable is cut short")
        kind, size = struct.unpack(self._order + "II", tag)
        if kind != _MATRIX:
            raise ValueError(f"a compressed element of type {kind}")
        wanted = size if limit is None else min(size, limit)
        data = inflate.decompress(inflate.unconsumed_tail, wanted) if wanted else b""
        if limit is None and (len(data) < size or not _ends_well(inflate)):
            raise ValueError("a compressed variable is cut short")
        return data

    def _split(self, content: memoryview, at: int) -> tuple[int, memoryview, int]:
        """Type and data of the element at ``at``, and where the next one begins."""
        if at + 8 > len(content):
            raise ValueError("a variable is cut short")
        first, size = struct.unpack_from(self._order + "II", content, at)
        if first >> 16:  # a small element: type, length and up to four bytes in one tag
            kind, size, begin = first & 0xFFFF, first >> 16, at + 4
            if size > 4:
                raise ValueError("a small element with more than four bytes")
            after = at + 8
        else:
            kind, begin = first, at + 8
            after = begin + size + (-size) % 8
        if begin + size > len(content):
            raise ValueError("a variable is cut short")
        return kind, content[begin : begin + size], after

    # ── matrices ──────────────────────────────────────────────────────────────────────────────

    def _head(self, content: memoryview) -> _Head:
        kind, flags, at = self._split(content, 0)
        if kind != 6 or len(flags) != 8:
            raise ValueError("a variable without flags")
        (word,) = struct.unpack_from(self._order + "I", flags)
        kind, sizes, at = self._split(content, at)
        if kind not in (5, 6) or not 8 <= len(sizes) <= 128 or len(sizes) % 4:
            raise ValueError("a variable without dimensions")
        dims = struct.unpack(f"{self._order}{len(sizes) // 4}i", sizes)
        if min(dims) < 0:
            raise ValueError("a variable with negative dimensions")
        _, name, at = self._split(content, at)
        text = bytes(name).decode("ascii", "backslashreplace")
        return _Head(word & 0xFF, bool(word & _COMPLEX), dims, text, at)

    def _array(self, content: memoryview) -> npt.NDArray[Any]:
        head = self._head(content)
        if head.kind == _CELL:
            return self._cells(content, head)
        if head.kind == _CHAR:
            return np.array(self._texts(content, head), dtype=np.str_)
        if head.kind not in _NUMERIC or head.is_complex:
            what = "complex numbers" if head.kind in _NUMERIC else _OTHER.get(head.kind, "no array")
            raise self._unfit(head, "numbers or texts", what)
        values = self._numbers(content, head)
        if len(values) != head.count:
            raise ValueError(f"'{head.name}' promises {head.dims}, holds {len(values)} numbers")
        return values.reshape(head.dims, order="F")

    def _unfit(self, head: _Head, expected: str, found: str) -> InputError:
        return InputError(
            f"{self._path}: '{shown(head.name)}' should hold {expected}, found {found}"
        )

    def _numbers(self, content: memoryview, head: _Head) -> npt.NDArray[Any]:
        kind, data, _ = self._split(content, head.data_at)
        if kind not in _NUMBERS:
            raise ValueError(f"'{head.name}' holds data of type {kind}, not numbers")
        dtype = np.dtype(self._order + _NUMBERS[kind])
        if len(data) % dtype.itemsize:
            raise ValueError(f"'{head.name}' ends within a number")
        return np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False)

    def _texts(self, content: memoryview, head: _Head) -> list[str]:
        """The rows of a char matrix, which is stored column by column."""
        if head.count == 0:
            return []
        kind, data, _ = self._split(content, head.data_at)
        letters = self._letters(kind, data)
        rows = head.dims[0]
        if rows == 1:
            return [letters]
        if len(letters) != head.count:
            raise ValueError(f"'{head.name}' promises {head.dims}, holds {len(letters)} letters")
        return [letters[row::rows] for row in range(rows)]

    def _letters(self, kind: int, data: memoryview) -> str:
        wide = {"<": "le", ">": "be"}[self._order]
        encodings = {
            1: "utf-8", 2: "utf-8", _UTF8: "utf-8",
            3: f"utf-16-{wide}", 4: f"utf-16-{wide}", _UTF16: f"utf-16-{wide}",
            6: f"utf-32-{wide}", _UTF32: f"utf-32-{wide}",
        }  # fmt: skip
        if kind not in encodings:
            raise ValueError(f"texts of type {kind}")
        return bytes(data).decode(encodings[kind], "backslashreplace")

    def _cells(self, content: memoryview, head: _Head) -> npt.NDArray[Any]:
        """The texts of a cell array; a cell with anything else is an error."""
        count, at, texts = head.count, head.data_at, []
        for _ in range(count):
            kind, cell, at = self._split(content, at)
            if kind != _MATRIX:
                raise ValueError(f"'{head.name}' has a cell of type {kind}")
            inner = self._head(cell) if len(cell) else None
            if inner is not None and inner.kind != _CHAR and inner.count:
                raise self._unfit(head, "texts", "a cell with other things")
            rows = self._texts(cell, inner) if inner is not None and inner.kind == _CHAR else []
            if len(rows) > 1:
                raise self._unfit(head, "one text a cell", f"a cell with {len(rows)}")
            texts.append(rows[0] if rows else "")
        out = np.empty(count, dtype=object)
        out[:] = texts
        return out


def _ends_well(inflate: Any) -> bool:
    """Whether the stream is at its end, with its checksum in order."""
    rest = inflate.decompress(inflate.unconsumed_tail, 1)
    return inflate.eof and not rest
