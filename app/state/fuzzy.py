"""Finding words by some of their letters: ``nxtr`` finds *Next true match*."""

from __future__ import annotations

from collections.abc import Sequence


def fuzzy_score(typed: str, text: str) -> int | None:
    """How well ``text`` answers to what was typed, larger is better; None where it does not.

    Every word that was typed must be found, its letters in order. Letters that begin a word or
    follow one that was found count more; a gap costs a little.
    """
    total = 0
    lower = text.lower()
    for word in typed.lower().split():
        found = _best_word_score(word, lower)
        if found is None:
            return None
        total += found
    return total


def _best_word_score(word: str, text: str) -> int | None:
    """The best over all places where the first letter stands."""
    starts = (i for i, letter in enumerate(text) if letter == word[0])
    scores = [s for s in (_score_from(word, text, start) for start in starts) if s is not None]
    return max(scores, default=None)


def _score_from(word: str, text: str, start: int) -> int | None:
    score, at = 0, start
    for place, letter in enumerate(word):
        found = text.find(letter, at)
        if found < 0:
            return None
        begins = found == 0 or not text[found - 1].isalnum()
        follows = place > 0 and found == at
        score += 1 + (8 if begins else 0) + (5 if follows else 0) - min(found - at, 3) * (place > 0)
        at = found + 1
    return score


def fuzzy_order(typed: str, texts: Sequence[str]) -> list[int]:
    """Indices of the texts that answer, best first, shorter first among equal ones. All in their
    order, for nothing."""
    scores = [fuzzy_score(typed, text) for text in texts]
    found = [i for i, score in enumerate(scores) if score is not None]
    if not typed.strip():
        return found
    return sorted(found, key=lambda i: (-(scores[i] or 0), len(texts[i])))


def likeness(typed: str, title: str) -> int:
    """2 where ``title`` is what was typed (no matter the case, and with or without its "…"), 1
    where it begins so, else 0; 0 for nothing."""
    wanted, title = (" ".join(text.lower().split()).rstrip("…") for text in (typed, title))
    return 2 if wanted and wanted == title else int(bool(wanted) and title.startswith(wanted))
