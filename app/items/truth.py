"""True, false, junk, not known: a sign, a colour and a word each. Never a colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5.QtGui import QColor

from qaconv_core.types import RankingResult


@dataclass(frozen=True)
class Mark:
    """How one kind of truth is shown; ``colour`` is empty where nothing is drawn."""

    sign: str
    colour: str
    word: str

    @property
    def ink(self) -> QColor:
        """The colour of frame and sign; invalid where nothing is drawn."""
        return QColor(self.colour) if self.colour else QColor()


# The colours of qaconv_core.figures.style, which would load matplotlib; a test holds them equal.
MARKS: dict[int, Mark] = {
    RankingResult.TRUE: Mark("✓", "#00798c", "true match"),
    RankingResult.FALSE: Mark("✕", "#d95f0e", "false match"),
    RankingResult.JUNK: Mark("–", "#7a7a7a", "junk: the query's person in its own camera"),
    RankingResult.NOT_KNOWN: Mark("", "", "person not known"),
}
