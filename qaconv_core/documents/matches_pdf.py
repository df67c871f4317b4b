"""The report on chosen candidates as PDF: a first page on all, then a page for each candidate."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from PIL import Image

from qaconv_core import __version__
from qaconv_core.data.images import read_image
from qaconv_core.documents.html import value_text
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
from qaconv_core.errors import ImageError
from qaconv_core.explaining.limits import LIMITS, NUMBERS
from qaconv_core.figures.colours import DECISIONS
from qaconv_core.figures.pages import (
    MARGIN,
    PAGE,
    in_lines,
    line_height,
    put_on_page,
    table_room,
    wrapped,
    write_lines,
    write_paragraph,
    write_picture,
    write_table,
)
from qaconv_core.figures.pair import Box
from qaconv_core.figures.style import FAINT, INK, blank_page, drawing, fit_text
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import shown
from qaconv_core.store.cases import Case

_WIDTH, _HEIGHT = PAGE
_INNER = _WIDTH - 2 * MARGIN
_FOOT = _HEIGHT - 0.32
_COLUMNS = {
    "rank": 0.7, "file": 4.8, "above strangers": 1.5, "by part": 1.0, "logit": 1.0, "score": 1.0,
    "person": 1.1, "camera": 0.9, "known to be": 1.6, "decided": 1.15,
}  # fmt: skip
_CASE_COLUMNS = {
    "decided": 1.75, "query": 2.0, "candidate": 2.2, "verdict": 0.95, "rank": 0.6, "logit": 0.85,
    "score": 0.75, "by part": 0.85, "note": 2.6,
}  # fmt: skip
_TO_RIGHT = ("rank", "above strangers", "by part", "logit", "score")
_TOP = 2.45  # of a candidate's figure: below heading and numbers
_NOTE_LINES = 7


def match_report_pdf(
    report: MatchReport,
    *,
    lines: int = 12,
    work: WorkContext = NO_CONTEXT,
) -> bytes:
    """The report as the content of a PDF file, with the words of its HTML.

    In place of a picture that can no longer be read stands the reason.
    """
    out = io.BytesIO()
    about = {"Title": shown(report.title), "Creator": f"QAConv Explorer {__version__}"}
    pages = PdfPages(out, metadata={**about, "CreationDate": None})
    wanted = report_pages(report, lines, work)
    for number in itertools.count(1):
        with drawing():  # anew for each page: others may draw in between
            page = next(wanted, None)
            if page is None:
                pages.close()
                return out.getvalue()
            _number(page, report.title, number)
            pages.savefig(page, dpi=200)
    raise AssertionError("pages never end")


def report_pages(
    report: MatchReport,
    lines: int = 12,
    work: WorkContext = NO_CONTEXT,
) -> Iterator[Figure]:
    """The pages, one after the other, without their numbers."""
    yield from _first_pages(report)
    if report.case is not None:
        yield from _case_pages(report.case)
    for candidate in one_by_one(report.candidates, work):
        yield from _candidate_pages(report, candidate, lines)
    yield _meaning_page()


def _number(page: Figure, title: str, number: int) -> None:
    words = f"{title} · page {number} · QAConv Explorer {__version__}"
    width, height = page.get_size_inches()
    page.text(
        MARGIN / width, 0.3 / height, fit_text(words, 8.0, width - 2 * MARGIN), size=8, color=FAINT
    )


# ── what it is about ────────────────────────────────────────────────────────────────────────────


def _first_pages(report: MatchReport) -> Iterator[Figure]:
    """Query, data set, model, what the numbers mean; the table continues on further pages."""
    figure, axes = blank_page(*PAGE)
    top = _heading(axes, report.title, 20.0)
    top = write_paragraph(axes, MARGIN, top, _INNER, report.lead, 10.5, FAINT) + 0.15
    column, shown_pictures = top, query_pictures(report)
    width = 2.2 / len(shown_pictures)
    for place, (picture, caption) in enumerate(shown_pictures):
        image, fault = _readable(picture)
        room = Box(MARGIN + place * width, top, width - 0.1 * place, 3.6)
        words = caption + (f" ({fault})" if fault else "")
        column = max(column, write_picture(axes, room, image, words))
    left = MARGIN + 2.6
    for name, words in report.facts:
        write_lines(axes, left, top, [name], 10.0, colour=FAINT)
        top = write_paragraph(axes, left + 1.0, top, _INNER - 3.6, words, 10.0)
    top += 0.1
    for remark in report.remarks:
        top = write_paragraph(axes, left, top, _INNER - 2.6, remark)
    top = max(top, column) + 0.3
    head, found = overview(report)
    yield from _table_pages(figure, axes, top, "Overview", head, found, _COLUMNS)


def _table_pages(
    figure: Figure,
    axes: Axes,
    top: float,
    title: str,
    head: Sequence[str],
    found: Sequence[Sequence[object]],
    columns: Mapping[str, float],
) -> Iterator[Figure]:
    """A page with a table from ``top`` on, and those on which the table continues."""
    rows = [tuple(value_text(cell) for cell in row) for row in found]
    widths = [columns[name] for name in head]
    if "file" in head:
        widths[head.index("file")] -= max(0.0, sum(widths) - _INNER)
    to_right = [place for place, name in enumerate(head) if name in _TO_RIGHT]
    begins = [True] * len(rows)
    if "note" in head:
        note = head.index("note")
        split = [in_lines(row, note, widths[note]) for row in rows]
        rows = [line for lines in split for line in lines]
        begins = [place == 0 for lines in split for place in range(len(lines))]
    while rows:
        fitting = table_room(_FOOT - top - 0.2)
        if fitting < min(len(rows), 4):
            yield figure
            figure, axes = blank_page(*PAGE)
            top = _heading(axes, title)
            fitting = table_room(_FOOT - top - 0.2)
        shown, rows = rows[:fitting], rows[fitting:]
        goes_on = [place for place, begin in enumerate(begins[:fitting]) if not begin]
        begins = begins[fitting:]
        top = write_table(
            axes, MARGIN, top, head, shown, widths, right=to_right, goes_on=goes_on
        )  # fmt: skip
    yield figure


def _case_pages(case: Case) -> Iterator[Figure]:
    """Notes of a case, and its decisions in their order."""
    lines = wrapped(case.notes, 10.0, _INNER) if case.notes else []
    room = int((_FOOT - 1.2) / line_height(10.0))
    for start in range(0, len(lines), room):
        figure, axes = blank_page(*PAGE)
        top = _heading(axes, "Notes")
        write_lines(axes, MARGIN, top, lines[start : start + room])
        yield figure
    if case.decisions:
        figure, axes = blank_page(*PAGE)
        title = "Decisions of the case, in their order"
        rows = case_rows(case)
        yield from _table_pages(
            figure, axes, _heading(axes, title), title, CASE_HEAD, rows, _CASE_COLUMNS
        )


def _meaning_page() -> Figure:
    figure, axes = blank_page(*PAGE)
    top = _heading(axes, MEANING)
    for words in (NUMBERS, LIMITS):
        top = write_paragraph(axes, MARGIN, top, _INNER, words) + 0.1
    return figure


def _heading(axes: Axes, words: str, size: float = 15.0) -> float:
    fitted = fit_text(words, size * 1.1, _INNER)  # bold letters are wider
    return write_lines(axes, MARGIN, MARGIN - 0.2, [fitted], size, bold=True) + 0.05


def _readable(picture: Path | Image.Image) -> tuple[Image.Image | None, str]:
    """A picture, or why there is none."""
    if isinstance(picture, Image.Image):
        return picture, ""
    try:
        return read_image(picture), ""
    except ImageError as error:
        return None, str(error)


# ── one candidate ───────────────────────────────────────────────────────────────────────────────


def _candidate_pages(report: MatchReport, candidate: Candidate, lines: int) -> Iterator[Figure]:
    """Numbers, decision and pictures above lines and maps; a long note goes on behind them."""
    try:
        figure = drawn(report, candidate, lines)
        own = figure.get_size_inches()
        # Pictures of unusual proportions have larger pages.
        width, height = max(_WIDTH, own[0] + 0.2), max(_HEIGHT, _TOP + own[1] + 0.35)
        axes = put_on_page(figure, width, height, (width - own[0]) / 2, _TOP)
        write_lines(axes, MARGIN, _TOP - 0.12, [drawn_words(candidate)], 9.0, colour=FAINT)
    except ImageError as error:
        figure, axes = blank_page(*PAGE)
        write_paragraph(axes, MARGIN, _TOP, _INNER, f"not drawn: {error}", colour=FAINT)
    note = _candidate_head(axes, report, candidate)
    yield figure
    room = int((_FOOT - 1.2) / line_height(10.0))
    for start in range(0, len(note), room):
        figure, axes = blank_page(*PAGE)
        top = _heading(axes, f"{candidate.name}: note")
        write_lines(axes, MARGIN, top, note[start : start + room])
        yield figure


def _candidate_head(axes: Axes, report: MatchReport, candidate: Candidate) -> list[str]:
    """Heading, numbers, decision, bare pictures; returns the lines of a note that do not fit."""
    top = _heading(axes, candidate.name)
    rows = [(what, value_text(value)) for what, value in number_rows(candidate)]
    write_table(axes, MARGIN, top, ("what", "value"), rows, (3.5, 1.0), right=(1,), size=8.0)
    left, width = MARGIN + 4.9, 4.3
    decision = candidate.decision
    colour = FAINT if decision is None else DECISIONS[decision.verdict]
    decided_text = wrapped(decided_words(decision), 10.0, width)
    top = write_lines(axes, left, top, decided_text, bold=decision is not None, colour=colour)
    top = write_paragraph(axes, left, top, width, hash_words(candidate.ref), 7.0, FAINT)
    note = wrapped(decision.note, 9.0, width) if decision is not None and decision.note else []
    shown = (
        note if len(note) <= _NOTE_LINES else [*note[:_NOTE_LINES], "… (whole on the next page)"]
    )
    write_lines(axes, left, top, shown, 9.0, colour=INK)
    left = _WIDTH - MARGIN - 2.2
    pictures = (query_pictures(report)[-1][0], candidate.ref.path)
    for words, picture in zip(("query", "candidate"), pictures, strict=True):
        image, _fault = _readable(picture)
        write_picture(axes, Box(left, MARGIN - 0.15, 1.0, 1.45), image, words)
        left += 1.15
    return wrapped(decision.note, 10.0, _INNER) if decision and len(shown) < len(note) else []
