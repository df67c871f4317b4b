"""Numbers as the evaluate page writes them."""

from __future__ import annotations

import math
from datetime import datetime

from qaconv_core.progress import Progress


def minus(text: str) -> str:
    """With a minus sign in place of the hyphen."""
    return text.replace("-", "−")


def duration(seconds: float) -> str:
    """``0:41``, ``12:05`` or ``1:02:09``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{rest // 60}:{rest % 60:02}"


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


def rate(progress: Progress) -> str:
    """``47 images/s``, ``36 pairs/ms``; nothing while it is not known."""
    if not progress.rate:
        return ""
    if progress.rate >= 10_000:
        return f"{progress.rate / 1000:,.0f} {progress.unit}/ms"
    digits = 0 if progress.rate >= 10 else 1
    return f"{progress.rate:,.{digits}f} {progress.unit}/s"


def local_time(created: str) -> str:
    """A time of the history (UTC, ISO) in the time of this place, to the minute."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created


def average_precision(value: float) -> str:
    """``0.812``; a dash where a query has no true match."""
    return f"{value:.3f}" if math.isfinite(value) else "–"


def points(difference: float | None) -> str:
    """A difference of fractions in percentage points, signed: ``+1.4``."""
    if difference is None or not math.isfinite(difference):
        return ""
    return minus(f"{100 * difference:+.1f}")
