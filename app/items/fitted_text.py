"""Words that give way where there is little room: whole parts go before letters do, and a number
is whole or not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFontMetrics, QFontMetricsF

from app.state.words import JOIN

_NUMBER = re.compile(r"(?:.* )?([+−]?\d+\.\d+)(?: [a-z ]+)?")
"""A measured number, alone, behind its name or before it."""
_CAMERA = re.compile(r"\bcamera (\d+\b)?")
"""Before the number or the name of a camera."""


def fitted(text: str, metrics: QFontMetrics | QFontMetricsF, width: float) -> str:
    """The longest form of a line that has room; where none has, the middle of the shortest goes.

    "person 2 · camera 5 · 17:22" becomes "person 2 · c5 · 17:22", "2 · c5 · 17:22", "2 · c5", "2";
    "logit +31.70 · score 0.960" becomes "logit +31.70", "+31.70", "…".
    """
    short = text
    for short in _shorter(text):
        if metrics.horizontalAdvance(short) <= width:
            return short
    if _NUMBER.fullmatch(short):
        return "…"
    return metrics.elidedText(short, Qt.ElideMiddle, width)  # type: ignore[arg-type]  # int or float


def _shorter(text: str) -> Iterator[str]:
    yield text
    parts = _CAMERA.sub(lambda found: f"c{found[1]}" if found[1] else "", text).split(JOIN)
    yield JOIN.join(parts)
    whose = parts[0].lower()
    if len(parts) > 1 and whose.startswith("person ") and whose != "person not known":
        parts[0] = parts[0].split(" ", 1)[1]
    for count in range(len(parts), 0, -1):
        yield JOIN.join(parts[:count])
    if number := _NUMBER.fullmatch(parts[0]):
        yield number[1]
