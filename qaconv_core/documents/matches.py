"""A report on chosen candidates of one query: pictures, lines, maps, scores and decisions."""

from __future__ import annotations

import os
from pathlib import Path

from qaconv_core.documents import html
from qaconv_core.documents.match_report import (
    CASE_HEAD,
    MEANING,
    Candidate,
    MatchReport,
    case_rows,
    decided_words,
    drawn,
    drawn_words,
    hash_words,
    number_rows,
    one_by_one,
    overview,
    query_pictures,
)
from qaconv_core.errors import ImageError, InputError
from qaconv_core.explaining.limits import LIMITS, NUMBERS
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.store.atomic import atomic_write_bytes
from qaconv_core.store.cases import Case
from qaconv_core.store.decisions import Decision

__all__ = [
    "SUFFIXES",
    "Candidate",
    "MatchReport",
    "match_report_bytes",
    "match_report_html",
    "write_match_report",
]

SUFFIXES = (".html", ".htm", ".pdf")
LINES = 12


def write_match_report(
    report: MatchReport,
    path: str | os.PathLike[str],
    *,
    lines: int = LINES,
    work: WorkContext = NO_CONTEXT,
) -> None:
    """Write the report atomically, as HTML or PDF by the suffix of ``path``."""
    suffix = Path(path).suffix
    content = match_report_bytes(report, suffix, lines=lines, work=work)
    work.raise_if_cancelled()
    atomic_write_bytes(path, content)


def match_report_bytes(
    report: MatchReport,
    suffix: str,
    *,
    lines: int = LINES,
    work: WorkContext = NO_CONTEXT,
) -> bytes:
    """The report as the content of a file of one of :data:`SUFFIXES`; :class:`InputError` else."""
    if suffix.lower() not in SUFFIXES:
        raise InputError(f"reports are written as {', '.join(SUFFIXES)}; choose one of these")
    if suffix.lower() == ".pdf":
        from qaconv_core.documents.matches_pdf import match_report_pdf

        return match_report_pdf(report, lines=lines, work=work)
    page = match_report_html(report, lines=lines, work=work)
    return page.encode("utf-8")


def match_report_html(
    report: MatchReport,
    *,
    lines: int = LINES,
    work: WorkContext = NO_CONTEXT,
) -> str:
    """The report as one HTML file; each candidate with its ``lines`` strongest correspondences.

    In place of a picture that can no longer be read stands the reason.
    """
    body = [html.pictures(query_pictures(report))]
    body += [html.table(("report", ""), report.facts)]
    body += [html.paragraph(remark) for remark in report.remarks]
    body += [html.heading("Overview"), html.table(*overview(report))]
    if report.case is not None:
        body += _case(report.case)
    for candidate in one_by_one(report.candidates, work):
        body.append(_candidate(report, candidate, lines))
    body.append(_meaning())
    return html.page(report.title, report.lead, body, limits=False)


def _case(case: Case) -> list[str]:
    """Notes of a case, and its decisions in their order."""
    found = [html.heading("Notes"), html.paragraph(case.notes, "note")] if case.notes else []
    if case.decisions:
        found.append(html.heading("Decisions of the case, in their order"))
        found.append(html.table(CASE_HEAD, case_rows(case)))
    return found


def _meaning() -> str:
    """What the numbers mean and what they do not, on a page of its own when printed."""
    parts = [html.heading(MEANING), html.paragraph(NUMBERS), html.paragraph(LIMITS)]
    return f'<section class="meaning">{"".join(parts)}</section>'


def _candidate(report: MatchReport, candidate: Candidate, lines: int) -> str:
    path = candidate.ref.path
    parts = [
        html.heading(candidate.name),
        html.pictures([(query_pictures(report)[-1][0], "query"), (path, str(path))]),
        html.table(("what", "value"), number_rows(candidate)),
        html.paragraph(f"File: {hash_words(candidate.ref)}", "faint"),
        _decided(candidate.decision),
        _drawn(report, candidate, lines),
    ]
    return f'<section class="candidate">{"".join(parts)}</section>'


def _decided(decision: Decision | None) -> str:
    kind = "faint" if decision is None else decision.verdict
    decided_text = html.paragraph(decided_words(decision), kind)
    note = "" if decision is None else decision.note
    return decided_text + (html.paragraph(note, "note") if note else "")


def _drawn(report: MatchReport, candidate: Candidate, lines: int) -> str:
    try:
        made = drawn(report, candidate, lines)
    except ImageError as error:
        return html.paragraph(f"not drawn: {error}", "faint")
    return html.figure(made, drawn_words(candidate))
