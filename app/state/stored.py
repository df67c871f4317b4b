"""Small JSON files that the window keeps: written whole or not at all.

A file that is damaged is put aside under another name, with one line in the log, and the caller
goes on with defaults; unknown keys are ignored.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from qaconv_core.errors import StoreError
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.records import DamagedRecord, is_number, put_aside, read_json

T = TypeVar("T")
Limits = Mapping[str, tuple[Any, ...]]

VERSION = 1
LARGEST = 4 << 20
"""Bytes; a longer file is not one of ours."""


def read_record(path: Path) -> dict[str, Any]:
    """What a file holds; empty where there is none, or where it had to be put aside."""
    return read_noted(path)[0]


def read_noted(path: Path) -> tuple[dict[str, Any], str]:
    """:func:`read_record`, and the line that says that the file was put aside ("" where not)."""
    try:
        record = read_json(path, LARGEST)
        if not isinstance(record, dict):
            raise DamagedRecord("not an object")
        version = record.get("version")
        if isinstance(version, bool) or not isinstance(version, int) or version > VERSION:
            raise DamagedRecord(f"of version {version!r}, this program writes {VERSION}")
    except FileNotFoundError:
        return {}, ""
    except (OSError, DamagedRecord) as error:
        return {}, put_aside(path, error)
    return record, ""


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Replace the file. Raises :class:`~qaconv_core.errors.StoreError`."""
    # ASCII, so that names which are no valid Unicode come back as they were.
    text = json.dumps({"version": VERSION, **record}, indent=1)
    atomic_write_text(path, text + "\n", error=StoreError)


def plain(value: Any) -> Any:
    """A dataclass of the window's state as JSON has it: sets sorted, paths as text.

    A field's metadata may name another ``key``; those whose key is empty are not kept.
    """
    if dataclasses.is_dataclass(value):
        fields = ((_key(field), getattr(value, field.name)) for field in dataclasses.fields(value))
        return {key: plain(item) for key, item in fields if key}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def fitting(usual: T, record: Any, limits: Limits) -> T:
    """``usual``, a dataclass, with whatever of a record of :func:`plain` makes sense.

    ``limits`` are by the name of a field: the words that it may have, or the least and the largest
    number.
    """
    if not isinstance(record, dict):
        return usual
    hints = typing.get_type_hints(type(usual))
    found = {
        field.name: _read(
            hints[field.name],
            record[_key(field)],
            getattr(usual, field.name),
            limits.get(field.name, ()),
            limits,
        )
        for field in dataclasses.fields(usual)  # type: ignore[arg-type]  # a dataclass
        if _key(field) in record
    }
    return dataclasses.replace(usual, **found)  # type: ignore[type-var]  # a dataclass


def _key(field: dataclasses.Field) -> str:
    return str(field.metadata.get("key", field.name))


def _read(kind: Any, value: Any, usual: Any, limit: tuple[Any, ...], limits: Limits) -> Any:
    """A value of a kind; the usual one where it is of another, or beyond its limit."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return _read(inner[0], value, usual, limit, limits) if value not in (None, "", {}) else None
    if origin is tuple and inner[1:] != (Ellipsis,):
        fits = isinstance(value, list) and len(value) == len(inner)
        fits = fits and all(_number(inner[0], item, limit) == item for item in value)
        return tuple(map(inner[0], value)) if fits else usual
    if origin in (tuple, frozenset):
        items = value if isinstance(value, list) else []
        found = (_read(inner[0], item, None, limit, limits) for item in items)
        return origin(item for item in found if item is not None)
    if origin is dict:
        named = value if isinstance(value, dict) else {}
        return {name: _read(inner[1], item, (), limit, limits) for name, item in named.items()}
    if dataclasses.is_dataclass(kind):
        made: Any = kind
        return fitting(made(), value, limits) if isinstance(value, dict) else usual
    if kind in (int, float):
        number = _number(kind, value, limit)
        return usual if number is None else number
    if kind is Path:
        return Path(value) if isinstance(value, str) else usual
    if kind is bool:
        return value if isinstance(value, bool) else usual
    words = inner or limit  # those of a Literal are its own limit
    known = isinstance(value, str) and (value in words if words else value != "")
    return value if known else usual


def _number(kind: Any, value: Any, limit: tuple[float, ...]) -> Any:
    """A number within its limits; None where it is none, or not a whole one where it should be."""
    if not is_number(value) or kind(value) != value:
        return None
    return kind(min(max(value, limit[0]), limit[1])) if limit else kind(value)
