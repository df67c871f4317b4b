"""The measures of trust as rows: a name, a sentence that explains it, a number for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.state.insights import CheckFindings
from app.state.words import decimals, logit_text
from app.state.zones import percent
from qaconv_core.explaining.limits import PAIR_X
from qaconv_core.readable import counted

if TYPE_CHECKING:
    from qaconv_core.evaluation.explanation_checks import ExplanationCheckGroup

Unit = Literal["share", "cells", "area", "logit"]
ORDERS = {"contribution": "contribution", "relative": "above average"}
NO_LABELS = (
    "This data set has no label maps, which tell what every pixel shows: part agreement, "
    "background and what lies off the person cannot be measured. What follows needs none."
)
CONTROL = (
    "The second number is the control: what is as high for different people says nothing about "
    "persons."
)
SHIFTS = (
    "The candidate's content is moved: 1 says that matches move along, 0 that they stay at places "
    "of the frame."
)
CURVES = (
    "Mean logit while cells of the query are removed, the strongest first (deletion), or brought "
    "back into nothing (insertion), and the median rank among {crowd:,} pictures. The further a "
    "curve lies from random order, the more the cells it names decide."
)


@dataclass(frozen=True)
class MeasureRow:
    """One measure. ``values`` are in the order of the groups, None where not measured."""

    name: str
    sentence: str
    unit: Unit
    values: tuple[float | None, ...]

    def text(self, place: int) -> str:
        """A value as it is shown: "71 %", "0.93", "+0.21"; "–" where it was not measured."""
        value = self.values[place]
        if value is None:
            return "–"
        if self.unit == "share":
            return f"{decimals(100 * value, 0)} %"
        if self.unit == "cells":
            return decimals(value, 2)
        return decimals(value, 2, signed=True) if self.unit == "area" else logit_text(value)

    def share(self, place: int) -> float | None:
        """A value as a share of its bar; None where it has no bar."""
        value = self.values[place]
        if value is None or self.unit == "logit":
            return None
        return min(max(value, 0.0), 1.0)


_SHARES: tuple[tuple[str, str, str], ...] = (
    ("part_agreement", "Part agreement",
     "Strong matches whose two ends lie on the same body part or garment."),
    ("background", "On the background",
     "Strong matches of which either end lies on the background."),
    ("off_person", "Off the person",
     "Strong matches of which either end lies on anything but the person: background, something in "
     "front, somebody else."),
    ("border", "On the border", "Strong matches of which either end touches the picture's edge."),
)  # fmt: skip
_PLAUSIBLE = {
    "moved alike": ("More alike in movement", "its strong matches all move more alike"),
    "same part": ("More on the same part", "more of its strong matches join the same part"),
}
_LABELLED = ("part_agreement", "background", "off_person")


def measure_rows(found: CheckFindings, order: str) -> list[MeasureRow]:
    """All measures by one choice of strong matches (a key of :data:`ORDERS`)."""
    groups = found.report.groups
    qualities = [group.quality[order] for group in groups]
    rows = [
        MeasureRow(name, sentence, "share", tuple(getattr(q, field) for q in qualities))
        for field, name, sentence in _SHARES
        if found.labelled or field not in _LABELLED
    ]
    rows += _equal(found, order)
    rows += _shifts([quality.shift_following for quality in qualities])
    rows += [_area(groups, order, kind) for kind in ("deletion", "insertion")]
    return [*rows, MeasureRow(
        "Mean logit", "The mean logit of the pairs; larger is closer.", "logit",
        tuple(q.mean_logit for q in qualities),
    )]  # fmt: skip


def _equal(found: CheckFindings, order: str) -> list[MeasureRow]:
    """How often each kind looks more plausible where both have equal logits."""
    equal = found.report.equal
    if equal is None or len(found.report.groups) != 2:
        return []
    made = []
    for measure, one in equal.found[order].items():
        name, meaning = _PLAUSIBLE[measure]
        interval = ""
        if one.low is not None and one.high is not None:
            interval = f" The 95 % interval is {percent(one.low)} to {percent(one.high)}."
        cases = counted(len(equal.cases), "query has", "queries have")
        made.append(MeasureRow(
            name, f"{cases} a true and a false match of equal logits: in so many {meaning}. One "
            f"half is chance.{interval} The question is {PAIR_X}.", "share",
            (one.share, 1 - one.share),
        ))  # fmt: skip
    return made


def _shifts(found: Sequence[Mapping[int, float]]) -> list[MeasureRow]:
    """A row for each shift; the sentence stands below the first."""
    made: list[MeasureRow] = []
    for k in sorted({k for one in found for k in one}):
        name = "Follows a shift of 1 cell" if k == 1 else f"Follows a shift of {k} cells"
        sentence = "" if made else SHIFTS
        made.append(MeasureRow(name, sentence, "cells", tuple(one.get(k) for one in found)))
    return made


def _area(groups: tuple[ExplanationCheckGroup, ...], order: str, kind: str) -> MeasureRow:
    done = "removed, the strongest first" if kind == "deletion" else "brought back into nothing"
    falls = "falls" if kind == "deletion" else "rises"
    return MeasureRow(
        f"{kind.capitalize()} area",
        f"Cells are {done}: how much faster the logit {falls} than in random order, as a share of "
        "|logit − bias|. Positive: the cells named as strongest decide more than others.",
        "area",
        tuple(group.curves.area[order, kind] for group in groups),
    )


def group_words(group: ExplanationCheckGroup) -> str:
    """ "True pairs (50)"."""
    return f"{group.name.capitalize()} ({len(group.pairs)})"


def trust_verdict(found: CheckFindings) -> str:
    """The result in a sentence, by contribution, with what it was measured on."""
    groups = found.report.groups
    pairs = ", ".join(f"{len(g.pairs)} {g.name}" for g in groups)
    area = groups[0].curves.area["contribution", "deletion"]
    decide = "decide more than others" if area > 0 else "decide no more than others"
    said = f"the strongest cells {decide} ({decimals(area, 2, signed=True)})"
    parts = [group.quality["contribution"].part_agreement for group in groups]
    if len(parts) == 2 and None not in parts:
        one, two = (percent(part or 0.0) for part in parts)
        said = f"{one} of strong matches join the same part, {two} in the control; {said}"
    return f"{said[:1].upper()}{said[1:]}. Measured on {pairs}."


def notes_of(found: CheckFindings) -> str:
    """What should be known before the numbers: what could not be measured and why, the control."""
    notes = [note[:1].upper() + note[1:] + "." for note in found.report.notes]
    return " ".join([CONTROL, *([] if found.labelled else [NO_LABELS]), *notes])
