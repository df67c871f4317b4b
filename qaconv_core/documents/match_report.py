"""The content and texts of a report on chosen candidates, the same for HTML and PDF."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from qaconv_core.data.images import read_image
from qaconv_core.data.names import shown_person
from qaconv_core.errors import ImageError
from qaconv_core.explaining.values import NormalisedBreakdown, Relative
from qaconv_core.figures.match import match_figure
from qaconv_core.figures.style import part_picture
from qaconv_core.naming import camera_label
from qaconv_core.progress import WorkContext
from qaconv_core.readable import counted
from qaconv_core.store.cases import Case, picture_hash
from qaconv_core.store.decisions import VERDICTS, Decision
from qaconv_core.types import Bool, CorrespondenceMap, ImageRef, score_of_logit

OVERVIEW = (
    "rank", "file", "above strangers", "by part", "logit", "score", "person", "camera",
    "known to be", "decided",
)  # fmt: skip
MEANING = "What the numbers mean, and what they do not"
NOT_DECIDED = "Not decided."
DECIDED = {"confirm": "confirmed", "reject": "rejected", "unsure": "unsure"}


@dataclass(frozen=True)
class Candidate:
    """One gallery picture of the report.

    ``rank`` counts from 1, 0 is junk; ``logit`` is that of the whole pictures, ``part_logit`` that
    by the part that was searched by, if any, ``match`` the explanation to draw (of the part),
    ``truth`` a word where it is known, ``decision`` what was decided. ``alike`` says how many
    strangers look as much alike, where ``relative`` are the parts of a normalised score.
    ``evidence`` says how the candidate's evidence stands among that of the set's pairs.
    """

    ref: ImageRef
    rank: int
    logit: float
    match: CorrespondenceMap
    relative: Relative | None = None
    truth: str = ""
    decision: Decision | None = None
    part_logit: float | None = None
    alike: str = ""
    evidence: str = ""

    @property
    def normalised(self) -> float | None:
        """N, where the candidate is explained by its parts."""
        found = self.relative
        return found.n if isinstance(found, NormalisedBreakdown) else None

    @property
    def name(self) -> str:
        """The candidate's rank and file."""
        place = f"Rank {self.rank}" if self.rank else "No rank, same camera (ignored)"
        return f"{place}: {self.ref.path.name}"


@dataclass(frozen=True)
class MatchReport:
    """What a report holds; ``created`` is a date in words.

    ``cells`` (h, w) are the query cells that were searched by, None where all were; ``part`` says
    so in words. ``precision`` is what the feature maps were computed in, "" where that is not said.
    ``case`` is the case that the report belongs to.
    """

    query: ImageRef
    candidates: tuple[Candidate, ...]
    gallery: str
    pictures: int
    model: str
    created: str = ""
    part: str = ""
    notes: tuple[str, ...] = ()
    cells: Bool | None = None
    model_sha256: str = ""
    precision: str = ""
    case: Case | None = None

    @property
    def title(self) -> str:
        """The heading of the whole."""
        return f"Candidates for {self.query.path.name}"

    @property
    def lead(self) -> str:
        """How many candidates there are, and what was decided."""
        count = len(self.candidates)
        counts = Counter(c.decision.verdict for c in self.candidates if c.decision is not None)
        decided = [f"{counts[v]} {DECIDED[v]}" for v in VERDICTS if counts[v]]
        open_ones = count - sum(counts.values())
        decided_text = ", ".join([*decided, *([f"{open_ones} not decided"] if open_ones else [])])
        return f"{counted(count, 'candidate')}: {decided_text}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What was searched, by which model, and when, as pairs of names and words."""
        found = [
            ("searched", f"{self.gallery}; {counted(self.pictures, 'picture')}"),
            ("model", self.model),
        ]
        if self.precision:
            found.append(("feature maps", _precision_words(self.precision, self.case)))
        if self.case is not None:
            found = [*_case_facts(self.case), *found]
        if self.model_sha256:
            found.append(("model file", f"SHA-256 {self.model_sha256}"))
        found.append(("query file", hash_words(self.query)))
        return [*found, ("made", self.created)] if self.created else found

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the query was cut, and the notes."""
        return (self.part, *self.notes) if self.part else self.notes


def _precision_words(precision: str, case: Case | None) -> str:
    """What the maps were computed in; the logits of a case can be from others, too."""
    words = f"computed in {precision}"
    others = () if case is None else tuple(p for p in case.precisions if p != precision)
    if not others:
        return words
    return f"{words}; at other times of the case in {' and '.join(others)}, where logits differ"


def _case_facts(case: Case) -> list[tuple[str, str]]:
    """What a case is called, whose it is, and whether its log holds."""
    log = f"{counted(len(case.entries), 'entry', 'entries')}; it ends with {case.seal}"
    holds = f"{log}; it does not hold: {case.fault}" if case.fault else f"{log}; the chain holds"
    holds = f"{holds}; {case.remark}" if case.remark else holds
    facts = [
        ("case", case.title),
        ("reference", case.reference),
        ("examiner", case.examiner),
        ("begun", day_and_time(case.created)),
        ("log", holds),
    ]
    if case.data is not None:
        facts.append(("data set", f"{case.data.title}, fingerprint {case.data.fingerprint}"))
    return [(name, words) for name, words in facts if words]


def hash_words(ref: ImageRef) -> str:
    """ "SHA-256 …" of a picture's file, or that it cannot be read."""
    digest = picture_hash(ref.path)
    return f"SHA-256 {digest}" if digest else "cannot be read any more"


CASE_HEAD = (
    "decided",
    "query",
    "candidate",
    "verdict",
    "rank",
    "logit",
    "score",
    "by part",
    "note",
)


def case_rows(case: Case) -> list[tuple[object, ...]]:
    """The decisions of a case in the order they were made, as rows below :data:`CASE_HEAD`."""
    return [
        (
            day_and_time(d.decided),
            d.query,
            d.gallery,
            DECIDED[d.verdict],
            d.rank,
            d.logit,
            d.score,
            d.part_logit,
            d.note,
        )
        for d in case.decisions
    ]


def overview(report: MatchReport) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Head and rows of the table of all candidates: :data:`OVERVIEW`, as far as it applies."""
    rows: list[tuple[object, ...]] = [
        (
            c.rank or "–",
            c.ref.path.name,
            c.normalised,
            c.part_logit,
            c.logit,
            score_of_logit(c.logit),
            shown_person(c.ref) or "–",
            camera_label(c.ref.camid, c.ref.camera) or "–",
            c.truth or "–",
            DECIDED[c.decision.verdict] if c.decision else "–",
        )
        for c in report.candidates
    ]
    normalised = any(c.normalised is not None for c in report.candidates)
    shown = {"by part": report.cells is not None, "above strangers": normalised}
    kept = [place for place, name in enumerate(OVERVIEW) if shown.get(name, True)]
    return tuple(OVERVIEW[i] for i in kept), [tuple(row[i] for i in kept) for row in rows]


def query_pictures(report: MatchReport) -> list[tuple[Path | Image.Image, str]]:
    """The query with its caption and, in a search by part, the part: the rest pale.

    Where the file cannot be read any more it stands alone.
    """
    path = report.query.path
    found: list[tuple[Path | Image.Image, str]] = [(path, f"query: {path.name}")]
    if report.cells is not None:
        with contextlib.suppress(ImageError):
            found.append((part_picture(read_image(path), report.cells), "searched by this part"))
    return found


def number_rows(candidate: Candidate) -> list[tuple[str, float]]:
    """The terms that add up to a candidate's logit, or to its normalised score."""
    match, found = candidate.match, candidate.relative
    if isinstance(found, NormalisedBreakdown):
        return _normalised_rows(candidate, found)
    rows = [
        ("logit (larger is closer)", candidate.logit),
        ("score = sigmoid(logit / 10), not a probability", score_of_logit(candidate.logit)),
    ]
    if candidate.part_logit is not None:
        rows.append(("score by the part", score_of_logit(candidate.part_logit)))
        rows.append(("logit by the part, the sum of", candidate.part_logit))
    rows += [
        ("query cells add", float(match.query_contribution.sum())),
        ("gallery cells add", float(match.gallery_contribution.sum())),
        ("bias", match.bias),
    ]
    if found is not None:
        rows.append(("mean logit of the gallery", found.mean_logit))
    return rows


def _normalised_rows(candidate: Candidate, found: NormalisedBreakdown) -> list[tuple[str, float]]:
    by_part = "" if candidate.part_logit is None else " by the part"
    rows = [
        (f"standard deviations above strangers{by_part}, the sum of", found.n),
        ("query cells add", float(found.query.sum())),
        ("gallery cells add", float(found.gallery.sum())),
        ("logit (larger is closer)", candidate.logit),
        ("score = sigmoid(logit / 10), not a probability", score_of_logit(candidate.logit)),
    ]
    if candidate.part_logit is not None:
        rows.append(("logit by the part", candidate.part_logit))
    return rows


def decided_words(decision: Decision | None) -> str:
    """The decision and its time, without its note."""
    if decision is None:
        return NOT_DECIDED
    when = f", {day_and_time(decision.decided)}" if decision.decided else ""
    return f"Decided: {DECIDED[decision.verdict]}{when}"


def day_and_time(moment: str) -> str:
    """ "2026-11-28 13:29 UTC" of an ISO time; one that is not, as it is."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    zone = f" {read:%Z}" if read.tzinfo is not None else ""
    return f"{read:%Y-%m-%d %H:%M}{zone}"


def drawn_words(candidate: Candidate) -> str:
    """What the candidate's figure shows."""
    above = "" if candidate.relative is None else " beyond its average over the gallery"
    if candidate.normalised is not None:
        above = " above strangers, in standard deviations"
        above += f"; {candidate.alike}" if candidate.alike else ""
    drawn = f"Strongest correspondences, and what every cell adds{above}"
    return f"{drawn}. {candidate.evidence}" if candidate.evidence else drawn


def drawn(report: MatchReport, candidate: Candidate, lines: int) -> Figure:
    """The candidate's figure: lines and maps. :class:`ImageError` where a picture is gone."""
    relative, query = candidate.relative, report.query
    return match_figure(
        read_image(query.path),
        read_image(candidate.ref.path),
        candidate.match,
        top=lines,
        colour_by="contribution" if relative is None else "relative",
        relative=relative,
        labels=(query.path.name, candidate.ref.path.name),
        among=report.cells,
    )


def one_by_one(candidates: Sequence[Candidate], work: WorkContext) -> Iterator[Candidate]:
    """The candidates one after the other; reports progress and stops when asked to."""
    tracker = work.tracker("writing the report", len(candidates), "candidates")
    for candidate in candidates:
        yield candidate
        tracker.advance()
