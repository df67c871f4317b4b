"""Words of the rows of queries and results; numbers are written by :mod:`app.state.words`."""

from __future__ import annotations

from qaconv_core.data.names import shown_person_words
from qaconv_core.naming import camera_words
from qaconv_core.types import ImageRef


def count_text(number: int) -> str:
    """``15,870``."""
    return f"{number:,}"


def shown_of(shown: int, total: int) -> str:
    """``12 of 242``."""
    return f"{count_text(shown)} of {count_text(total)}"


def person_title(ref: ImageRef) -> str:
    """``Person 2`` at the beginning of a text; empty where not known."""
    words = shown_person_words(ref)
    return words[:1].upper() + words[1:]


def who_sentence(ref: ImageRef) -> str:
    """``Person 2, camera 1``."""
    person = person_title(ref) or "Person not known"
    return ", ".join(filter(None, (person, camera_words(ref.camid, ref.camera))))


def track_sentence(pictures: int, mean: str = "") -> str:
    """``The best of the 12 pictures of a track``, and the ``mean`` that it is ranked by, if it is;
    empty for a single picture."""
    if pictures == 1:
        return ""
    told = f"The best of the {count_text(pictures)} pictures of a track"
    return f"{told}, which is ranked by their mean, {mean}" if mean else told


def move_text(move: int | None) -> str:
    """``▲12``, ``▼3`` or ``=``; empty where there is nothing to compare with."""
    if move is None:
        return ""
    if move == 0:
        return "="
    return f"▲{count_text(move)}" if move > 0 else f"▼{count_text(-move)}"


def move_sentence(move: int | None) -> str:
    """``12 ranks higher than by QAConv``."""
    if move is None:
        return ""
    if move == 0:
        return "The same rank as by QAConv"
    ranks = "rank" if abs(move) == 1 else "ranks"
    return f"{count_text(abs(move))} {ranks} {'higher' if move > 0 else 'lower'} than by QAConv"
