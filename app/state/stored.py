"""Small JSON files that the window keeps: written whole or not at all.

A file that is damaged is set aside under another name, with one line in the log, and the caller
goes on with defaults; unknown keys are ignored.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qaconv_core.errors import StoreError
from qaconv_core.store.atomic import atomic_write_text

log = logging.getLogger(__name__)

VERSION = 1
LARGEST = 4 << 20
"""Bytes; a longer file is not one of ours."""


def read_record(path: Path) -> dict[str, Any]:
    """What a file holds; empty where there is none, or where it had to be set aside."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("too long")
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("not an object")
        version = record.get("version")
        if not isinstance(version, int) or version > VERSION:
            raise ValueError(f"of version {version!r}, this program writes {VERSION}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _set_aside(path, error)
        return {}
    return record


def _set_aside(path: Path, error: Exception) -> None:
    aside = path.with_name(f"{path.name}.damaged")
    with contextlib.suppress(OSError):
        os.replace(path, aside)
    log.warning("%s cannot be used (%s); kept as %s, going on with defaults",
                path, error, aside.name)  # fmt: skip


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Replace the file. Raises :class:`~qaconv_core.errors.StoreError`."""
    text = json.dumps({"version": VERSION, **record}, indent=1, ensure_ascii=False)
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
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return fallback
    return min(max(value, least), most)


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
