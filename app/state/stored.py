"""Small JSON files that the window keeps: written whole or not at all.

A file that is damaged is put aside under another name, with one line in the log, and the caller
goes on with defaults; unknown keys are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qaconv_core.errors import StoreError
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.records import DamagedRecord, is_number, put_aside, read_json

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


# What a key holds, or the fallback where it is missing or of another kind.


def text_of(record: Mapping[str, Any], key: str, fallback: str = "") -> str:
    """A text."""
    value = record.get(key)
    return value if isinstance(value, str) else fallback


def one_of(record: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    """One of some words; the first of them where it is none."""
    value = record.get(key)
    return value if isinstance(value, str) and value in allowed else allowed[0]


def flag_of(record: Mapping[str, Any], key: str, fallback: bool) -> bool:
    """True or false."""
    value = record.get(key)
    return value if isinstance(value, bool) else fallback


def number_of(
    record: Mapping[str, Any], key: str, fallback: float, least: float, most: float
) -> float:
    """A number in [least, most]."""
    value = record.get(key)
    if not is_number(value):
        return fallback
    return min(max(float(value), least), most)  # type: ignore[arg-type]


def texts_of(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of texts, without anything else that may be in it."""
    value = record.get(key)
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))


def record_of(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A record in a record."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def numbers_of(record: Mapping[str, Any], key: str) -> tuple[int, ...]:
    """A list of whole numbers, without anything else that may be in it."""
    value = record.get(key)
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, int) and not isinstance(item, bool))
