"""A report on chosen candidates of one query: pictures, lines, maps, scores and decisions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qaconv_core.data.images import read_image
from qaconv_core.documents import html
from qaconv_core.errors import ImageError
from qaconv_core.explaining.values import RelativeMatch
from qaconv_core.figures.match import match_figure
from qaconv_core.store.decisions import Decision
from qaconv_core.types import CorrespondenceMap, ImageRef, score_of_logit


@dataclass(frozen=True)
class Candidate:
    """One gallery picture of the report.

    ``logit`` is what it was ranked by (of a part of the query, where ``part`` says so), ``match``
    the explanation to draw, ``truth`` a word where it is known, ``decision`` what was decided.
    """

    ref: ImageRef
    rank: int
    logit: float
    match: CorrespondenceMap
    relative: RelativeMatch | None = None
    truth: str = ""
    decision: Decision | None = None


@dataclass(frozen=True)
class MatchReport:
    """What the report is about; ``created`` is a date in words, ``part`` how the query was cut."""

    query: ImageRef
    candidates: tuple[Candidate, ...]
    gallery: str
    pictures: int
    model: str
    created: str = ""
    part: str = ""
    notes: tuple[str, ...] = ()


def match_report_html(report: MatchReport, *, lines: int = 12) -> str:
    """The report as one HTML file; each candidate with its ``lines`` strongest correspondences.

    A picture that cannot be read any more is named with the reason and the rest goes on.
    """
    lead = f"{len(report.candidates)} of {report.pictures:,} pictures of {report.gallery}"
    lead += f"; model {report.model}" + (f"; {report.created}" if report.created else "")
    body = [html.pictures([(report.query.path, f"query: {report.query.path.name}")])]
    if report.part:
        body.append(html.paragraph(report.part))
    body += [html.paragraph(note) for note in report.notes]
    body += [_overview(report)]
    for candidate in report.candidates:
        body.append(_candidate(report.query, candidate, lines))
    return html.page(f"Candidates for {report.query.path.name}", lead, body)


def _overview(report: MatchReport) -> str:
    rows = [
        (
            c.rank,
            c.ref.path.name,
            c.logit,
            score_of_logit(c.logit),
            _person(c.ref),
            _camera(c.ref),
            c.truth or "–",
            c.decision.verdict if c.decision else "–",
        )
        for c in report.candidates
    ]
    head = ("rank", "file", "logit", "score", "person", "camera", "known to be", "decided")
    return html.heading("Overview") + html.table(head, rows)


def _candidate(query: ImageRef, candidate: Candidate, lines: int) -> str:
    path = candidate.ref.path
    parts = [
        html.heading(f"Rank {candidate.rank}: {path.name}"),
        html.pictures([(query.path, "query"), (path, str(path))]),
        _numbers(candidate),
        _decided(candidate.decision),
        _drawn(query.path, candidate, lines),
    ]
    return f'<section class="candidate">{"".join(parts)}</section>'


def _numbers(candidate: Candidate) -> str:
    match = candidate.match
    rows: list[tuple[str, object]] = [
        ("logit (larger is closer)", candidate.logit),
        ("score = sigmoid(logit / 10), not a probability", score_of_logit(candidate.logit)),
        ("query cells add", float(match.query_contribution.sum())),
        ("gallery cells add", float(match.gallery_contribution.sum())),
        ("bias", match.bias),
    ]
    if candidate.relative is not None:
        rows.append(("mean logit of the gallery", candidate.relative.mean_logit))
    return html.table(("what", "value"), rows)


def _decided(decision: Decision | None) -> str:
    if decision is None:
        return html.paragraph("Not decided.", "faint")
    when = f", {decision.decided}" if decision.decided else ""
    told = html.paragraph(f"Decided: {decision.verdict}{when}", decision.verdict)
    return told + (html.paragraph(decision.note, "note") if decision.note else "")


def _drawn(query: Path, candidate: Candidate, lines: int) -> str:
    try:
        images = read_image(query), read_image(candidate.ref.path)
    except ImageError as error:
        return html.paragraph(f"not drawn: {error}", "faint")
    relative = candidate.relative
    made = match_figure(
        *images,
        candidate.match,
        top=lines,
        colour_by="contribution" if relative is None else "relative",
        relative=relative,
        labels=(query.name, candidate.ref.path.name),
    )
    beyond = "" if relative is None else " beyond its average over the gallery"
    return html.figure(made, f"Strongest correspondences, and what every cell adds{beyond}")


def _person(ref: ImageRef) -> str:
    return "–" if ref.pid is None else str(ref.pid)


def _camera(ref: ImageRef) -> str:
    return "–" if ref.camid is None else f"c{ref.camid + 1}"
