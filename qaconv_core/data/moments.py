"""Times as people's files have them: seconds, milliseconds, frames at a rate, dates with time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

UNITS = ("seconds", "milliseconds", "frames", "iso")
"""What the numbers of a time column or field are; ``iso``: dates with time."""

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,20}(?:[.][0-9]{0,20})?|[.][0-9]{1,20})(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE
)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
MOMENT = (
    "[12][0-9]{3}[-_.]?[0-9]{2}[-_.]?[0-9]{2}[Tt_ -]?"
    "[0-9]{2}[-_:.h]?[0-9]{2}[-_:.m]?[0-9]{2}(?:[.,]?[0-9]{1,6})?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
"""A regular expression of dates with time as file names have them."""
_MOMENT = re.compile(
    "([0-9]{4})[-_.]?([0-9]{2})[-_.]?([0-9]{2})[Tt_ -]?"
    "([0-9]{2})[-_:.h]?([0-9]{2})[-_:.m]?([0-9]{2})"
    "(?:[.,]?([0-9]{1,6}))?([Zz]|[+-][0-9]{2}:?[0-9]{2})?",
)


def number_of(text: str) -> float | None:
    """A finite number, also with a decimal comma; None where the text is none."""
    if _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def moment_of(text: str) -> datetime | None:
    """A date with time as UTC without a zone; None where the text is none.

    ISO form, and what file names make of it: ``20240501T120000``, ``2024-05-01_12-00-00.250``.
    """
    try:
        found = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        made = _from_digits(text)
        if made is None:
            return None
        found = made
    return found if found.tzinfo is None else found.astimezone(timezone.utc).replace(tzinfo=None)


def seconds_from_first(
    times: Sequence[float | datetime | None],
) -> tuple[list[float | None], datetime]:
    """Moments as seconds after the first of them, which comes with them; None for what is no
    moment. There is one at least."""
    first = min(time for time in times if isinstance(time, datetime))
    seconds = [
        (time - first).total_seconds() if isinstance(time, datetime) else None for time in times
    ]
    return seconds, first


def _from_digits(text: str) -> datetime | None:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    *numbers, fraction, zone = match.groups()
    try:
        year, month, day, hour, minute, second = map(int, numbers)
        found = datetime(year, month, day, hour, minute, second, tzinfo=_zone(zone))
    except ValueError:
        return None
    return found + timedelta(microseconds=int((fraction or "0").ljust(6, "0")))


def _zone(text: str | None) -> timezone | None:
    if not text or text in "Zz":
        return None
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def time_of(text: str, unit: str, rate: float | None) -> float | datetime | None:
    """Seconds, or a moment for ``iso``; None where the text is not of that unit.

    ``rate`` is in frames per second. Frames without a rate are no time.
    """
    if unit == "iso":
        return moment_of(text)
    value = number_of(text)
    if value is None:
        return None
    if unit == "frames":
        return value / rate if rate else None
    return value / 1000 if unit == "milliseconds" else value
