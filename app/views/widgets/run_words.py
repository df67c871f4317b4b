"""Words that only the evaluate page needs."""

from __future__ import annotations

from datetime import datetime

from app.state.words import decimals


def about(seconds: float) -> str:
    """A duration that is only estimated, in words: ``about 40 s``, ``about 12 min``."""
    if seconds < 1:
        return "about a second"
    if seconds < 100:
        return f"about {_rough(seconds):.0f} s"
    if seconds < 100 * 60:
        return f"about {_rough(seconds / 60):.0f} min"
    return f"about {_rough(seconds / 3600):.0f} h"


def _rough(value: float) -> float:
    """Two digits are more than an estimate knows."""
    return value if value < 10 else round(value / 5) * 5


def local_time(created: str) -> str:
    """A time of the history (UTC, ISO) in the time of this place, to the minute."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created


def points(difference: float) -> str:
    """A difference of fractions in percentage points, signed: ``+1.4``."""
    return decimals(100 * difference, 1, signed=True)
