"""Small JSON files that this program keeps for itself, read as if somebody else had written them.

Size, depth and numbers are bounded before anything uses them. What cannot be used is put aside
under another name, with one line in the log, so that nothing is lost and nothing stands in the way.
"""

from __future__ import annotations

import json
import logging
import math
import os
import stat
from itertools import count
from pathlib import Path
from typing import Any

from qaconv_core.readable import shown
from qaconv_core.store.atomic import reason

log = logging.getLogger(__name__)

LARGEST = 64 << 20
"""Bytes; a longer file is not one of ours."""
_DEEPEST = 32
_LONGEST_NUMBER = 19  # digits; larger ones are no counts and no ids of ours


class DamagedRecord(ValueError):
    """A file or text of ours that holds something we never wrote; the message says what."""


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text: finite numbers below 2^63, at most 32 levels deep.

    Raises :class:`DamagedRecord`.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_no_constant)
    except DamagedRecord:
        raise
    except UnicodeDecodeError:
        raise DamagedRecord("it is not text in UTF-8") from None
    except RecursionError:
        raise DamagedRecord("it is nested too deeply") from None
    except (TypeError, ValueError) as cause:
        raise DamagedRecord(f"it is not JSON: {shown(cause)}") from None
    _check_depth(value)
    return value


def read_json(path: Path, largest: int = LARGEST) -> Any:
    """What a JSON file holds, as :func:`parse_json` has it.

    Raises :class:`FileNotFoundError` and other :class:`OSError`, and :class:`DamagedRecord`, also
    where ``path`` is no ordinary file or longer than ``largest`` bytes.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise DamagedRecord("it is not an ordinary file")
    if status.st_size > largest:
        raise DamagedRecord(f"it is longer than {largest:,} bytes")
    return parse_json(path.read_bytes())


def put_aside(path: Path, why: object) -> str:
    """Move a file that cannot be used away, as ``<name>.damaged``; the line that says so.

    An earlier one is never replaced. A file that cannot be moved stays.
    """
    try:
        aside = path.with_name(f"{path.name}.damaged")
        if os.path.lexists(aside):
            names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(2))
            aside = next(name for name in names if not os.path.lexists(name))
        os.replace(path, aside)
        what = f"it was put aside as {shown(aside.name)}"
    except OSError as cause:
        what = f"it cannot be put aside ({reason(cause)})"
    line = f"{shown(path)} cannot be used ({shown(why)}); {what}, going on without it"
    log.warning("%s", line)
    return line


def is_number(value: object) -> bool:
    """Whether a value of a record is a finite number (true and false are none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(digits: str) -> int:
    value = int(digits) if len(digits) <= _LONGEST_NUMBER + 1 else 1 << 63
    if not -(1 << 63) <= value < 1 << 63:
        raise DamagedRecord(f"a number of {len(digits)} digits")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise DamagedRecord("a number beyond all bounds")
    return value


def _no_constant(name: str) -> float:
    raise DamagedRecord(f"{name} where a number should be")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise DamagedRecord("it is nested too deeply")
