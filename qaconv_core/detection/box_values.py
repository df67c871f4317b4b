"""Numbers of boxes that somebody else wrote, checked one by one."""

from __future__ import annotations

import math

from qaconv_core.detection.boxes import PersonBox
from qaconv_core.errors import InputError
from qaconv_core.readable import shown

PERSONS = frozenset(("person", "pedestrian", "people", "persons", "pedestrians", "human"))
"""Names of the category whose boxes are taken where there are several."""


def checked_box(
    x: float, y: float, w: float, h: float, score: float | None, track: int | None, where: str
) -> PersonBox:
    """A box in pixels whose numbers make sense. Raises :class:`InputError` that begins with
    ``where``."""
    if not all(math.isfinite(v) and abs(v) < 1e7 for v in (x, y, w, h)) or w <= 0 or h <= 0:
        raise InputError(f"{where}: {x:g}, {y:g}, {w:g}, {h:g} is no box; sizes are above 0 pixels")
    return PersonBox(x, y, w, h, score, track)


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def finite_number(text: str, name: str, where: str) -> float:
    """The number that a text is; ``name`` says what it was to be. Raises :class:`InputError`."""
    if not is_number(text):
        raise InputError(f"{where}: “{shown(text[:40])}” is no number ({name})")
    return float(text)
