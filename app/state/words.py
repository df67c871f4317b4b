"""Numbers and names as the window writes them, and the sentences that explain them.

One place, so that a logit has two decimals everywhere and a minus is a minus (U+2212).
"""

from __future__ import annotations

import math
import re
from datetime import datetime

from app.state.values import METHODS, NORMALISED, Cell
from qaconv_core.data.moments import moment_of, number_of
from qaconv_core.data.names import shown_person, shown_person_words
from qaconv_core.naming import camera_label, camera_words
from qaconv_core.readable import counted
from qaconv_core.types import Grid, ImageRef, RankingResult

LOGIT = (
    "The logit is what QAConv computes for a pair of pictures: the contributions of all cells and "
    "the bias, added up. Larger is closer; it has no fixed range."
)
SCORE = (
    "The score is sigmoid(logit / 10), between 0 and 1. It keeps the order of the logits. It is "
    "not a probability that the two pictures show one person."
)
SIMILARITY = (
    "Similarity is the inner product of two cells' features, from −1 to 1. A cell is matched with "
    "the most similar cell of the other picture."
)
ADDS = (
    "What a cell adds to the logit: its similarity to its best match, times the weight the model "
    "learned for that place. It says what the model counted, not what makes a person that person."
)
ZONE = (
    "What all cells of this zone contribute together, in both pictures. A cell's zone is what most "
    "of its pixels show where there is a label map; elsewhere it follows from its height."
)
BEYOND = (
    "A cell's contribution minus its average over the whole gallery, for this query. Cells "
    "that look alike in everybody's picture, such as pavement, come near zero."
)
ABOVE_STRANGERS = (
    "A cell's part of the normalised score: its contribution minus the average over strangers of "
    "the two cameras, in standard deviations of their logits. All parts add up to the score."
)
NORMALISED_SCORE = (
    "The normalised score says how far the logit stands above those of strangers between the two "
    "cameras, in standard deviations: 3 is what one stranger in some 700 reaches. It is not a "
    "probability that the two pictures show one person."
)
USUAL = "The mean logit of the whole gallery for this query: what any picture gets."
DIFFERENCE = (
    "The logit of the candidate minus that of the other, cell by cell. The query's cells are the "
    "same for both; the cells of the two candidates stand apart. Positive speaks for the candidate."
)
COMPARED = (
    "Over the query: what each cell adds for the candidate minus what it adds for the other. Lines "
    "have a scale of their own: the strongest is the darkest."
)
HIDING = (
    "What happens to the logit when the window of cells around a place is covered: its terms drop "
    "out, and the other picture's cells look for their match among what remains. Exact for the "
    "match; the network does not see the picture again."
)
MISLEADS = (
    "What a cell of the query adds for the first false match minus what it adds for the first true "
    "one, averaged over the errors. Red cells speak for the false match: they mislead."
)
BIAS = "The bias is the same for every pair of pictures: what the logit would be with no match."
AP = "Average precision of one query: 1 when all its true matches come first."
CELL = "Rows and columns of the model's grid are counted from 1, from the top left."
REST = "Rounded so that the numbers shown sum to the logit shown."
RERANKED = "re-ranked score (1 − re-ranked distance)"
LIFTED = "TLift value (re-ranked score × its weight in time: may exceed 1)"
METHOD_NAMES: dict[str, str] = dict(
    zip(
        METHODS,
        ("QAConv", "QAConv + re-ranking", "QAConv + re-ranking + TLift",
         "QAConv + camera normalisation", "QAConv + camera normalisation + re-ranking",
         "QAConv + camera normalisation + re-ranking + TLift"),
        strict=True,
    )
)  # fmt: skip
VALUE_NAMES: dict[str, str] = dict(
    zip(
        METHODS,
        ("logit", "re-ranked", "TLift", "normalised", "re-ranked", "TLift"),
        strict=True,
    )
)
VALUE_SENTENCES: dict[str, str] = dict(
    zip(
        METHODS,
        ("logit", RERANKED, LIFTED, "normalised by camera: standard deviations, no probability",
         RERANKED, LIFTED),
        strict=True,
    )
)  # fmt: skip
DIRECTIONS = {
    "query": "query → gallery",
    "gallery": "gallery → query",
    "mutual": "mutual",
}
SIGNS = {RankingResult.TRUE: "✓", RankingResult.FALSE: "✕", RankingResult.JUNK: "–"}
TRUTHS = {
    RankingResult.TRUE: "true match",
    RankingResult.FALSE: "false match",
    RankingResult.JUNK: "same camera (ignored)",
}


def decimals(value: float, places: int, signed: bool = False) -> str:
    """``value`` with so many decimals and a true minus; never "−0.00"."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:{'+' if signed else ''}.{places}f}"
    if not text.strip("+-.0"):
        text = f"{0:.{places}f}"
    return text.replace("-", "−")


def value_text(method: str, value: float) -> str:
    """What a method ranks by: ``re-ranked 0.912``, ``3.1 above strangers``."""
    if method != NORMALISED:
        return f"{VALUE_NAMES[method]} {score_text(value)}"
    side = "below" if value < 0 else "above"
    return f"{decimals(abs(value), 1)} {side} strangers"


def value_sentence(method: str, value: float) -> str:
    """What a method ranks by, and what that is."""
    if method != NORMALISED:
        return f"{VALUE_SENTENCES[method]} {score_text(value)}"
    return f"{value_text(method, value)} ({VALUE_SENTENCES[method]})"


def deviations_text(value: float) -> str:
    """A normalised score where there is little room: ``+3.1 σ``."""
    return f"{decimals(value, 1, signed=True)} σ"


def logit_text(logit: float) -> str:
    """A logit: "+6.10"."""
    return decimals(logit, 2, signed=True)


def adds_text(contribution: float) -> str:
    """A contribution to the logit: "+1.24"."""
    return decimals(contribution, 2, signed=True)


def percentile_text(percentile: float) -> str:
    """How a cell stands in the gallery: "adds more here than for 97 % of the gallery"."""
    return f"adds more here than for {decimals(percentile, 0)} % of the gallery"


def score_text(score: float) -> str:
    """A score in (0, 1): "0.664"."""
    return decimals(score, 3)


def similarity_text(similarity: float) -> str:
    """A similarity in [−1, 1]: "0.62"."""
    return decimals(similarity, 2)


def ap_text(ap: float) -> str:
    """An average precision: "0.812"; "–" where it is not known."""
    return decimals(ap, 3)


def cell_name(number: int, grid: Grid) -> str:
    """A cell by its place, counted from 1: "r3 c2"."""
    row, column = divmod(number, grid[1])
    return f"r{row + 1} c{column + 1}"


def cell_words(cell: Cell, grid: Grid) -> str:
    """A cell with its picture: "query r3 c2"."""
    return f"{cell.side} {cell_name(cell.number, grid)}"


def cell_sentence(number: int, grid: Grid) -> str:
    """The long form for tooltips and screen readers."""
    row, column = divmod(number, grid[1])
    return f"row {row + 1} of {grid[0]}, column {column + 1} of {grid[1]}, from the top left"


def person_text(ref: ImageRef) -> str:
    """ "person 2"; words where the person is not known."""
    return shown_person_words(ref) or "person not known"


def camera_text(ref: ImageRef) -> str:
    """ "camera 1" (counted from 1, as the data sets' file names do), or its name; empty where not
    known."""
    return camera_words(ref.camid, ref.camera)


def time_text(seconds: float | None) -> str:
    """A moment: "21.8 s", "12:05", "1:02:07"; empty where not known."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if abs(seconds) < 60:
        return f"{decimals(seconds, 1)} s"
    return _clock(seconds, round(abs(seconds)))


def tenths_text(seconds: float) -> str:
    """A moment as :func:`time_text` has it, to the tenth of a second: "12:05.3"."""
    if abs(seconds) < 60:
        return time_text(seconds)
    whole, tenth = divmod(round(10 * abs(seconds)), 10)
    return _clock(seconds, whole) + (f".{tenth}" if tenth else "")


def _clock(seconds: float, whole: int) -> str:
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    clock = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"−{clock}" if seconds < 0 else clock


_CLOCK = re.compile(r"(-?)(?:([0-9]{1,6}):)?([0-9]{1,4}):([0-9]{1,2}(?:[.,][0-9]{1,6})?)")


def seconds_of(text: str, start: datetime | None = None) -> float | None:
    """The seconds of a moment that somebody typed as :func:`time_text` has it, or as a number;
    with the ``start`` of the times also of a date. None where it is no time."""
    typed = text.strip().replace("−", "-")
    number = number_of(typed.removesuffix("s").rstrip())
    if number is not None:
        return number
    found = _CLOCK.fullmatch(typed)
    if found is not None:
        sign, hours, minutes, rest = found.groups()
        seconds = 3600 * int(hours or 0) + 60 * int(minutes) + float(rest.replace(",", "."))
        return -seconds if sign else seconds
    moment = moment_of(typed) if start is not None else None
    return None if moment is None or start is None else (moment - start).total_seconds()


def time_format(start: datetime | None) -> str:
    """How a time is typed: a sentence."""
    words = "Type times as the pictures have them: 21.8 s, 12:05 or 1:02:07"
    if start is None:
        return f"{words}."
    return f"{words}; or a date with time. They count from {start.isoformat(' ', 'seconds')}."


JOIN = " · "
"""Between the parts of a line of words; whole parts go where there is no room."""


def who_text(ref: ImageRef) -> str:
    """Person, camera and time of a picture in words, as far as they are known."""
    return _known(person_text(ref), camera_text(ref), time_text(ref.time))


def short_camera(ref: ImageRef) -> str:
    """``c1`` for camera 0 inside, as in file names, or its name; empty where not known."""
    return camera_label(ref.camid, ref.camera)


def who_label(ref: ImageRef) -> str:
    """``2 · c1``: person and camera where there is little room, as far as they are known."""
    return _known(shown_person(ref), short_camera(ref))


def _known(*parts: str) -> str:
    return JOIN.join(filter(None, parts))


DECIDED = {"confirm": "confirmed", "reject": "rejected", "unsure": "unsure"}
_DECIDED_SEVERAL = {"confirm": "Confirmed", "reject": "Rejected", "unsure": "Unsure about"}


def several_decided(verdict: str | None, count: int) -> str:
    """ "Confirmed 4 candidates"; None: they have another note."""
    return f"{_DECIDED_SEVERAL.get(verdict or '', 'Note on')} {counted(count, 'candidate')}"


def decided_sentence(verdict: str, note: str = "") -> str:
    """ "Confirmed: same bag"; empty where nothing was decided."""
    what = DECIDED.get(verdict, "").capitalize()
    return f"{what}: {note}" if what and note else what


def truth_text(truth: int) -> str:
    """Sign and words: "✓ true match"; empty where the truth is not known."""
    return f"{SIGNS[truth]} {TRUTHS[truth]}" if truth in SIGNS else ""


def shown_text(shown: int, total: int) -> str:
    """ "12 of 192 matches shown"."""
    return f"{shown} of {total} matches shown"
