"""Documents: everything inside, nothing run, all text escaped, all tags closed."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qaconv_core.documents import html
from qaconv_core.documents.errors_of_ranking import errors_html
from qaconv_core.documents.matches import (
    Candidate,
    MatchReport,
    match_report_bytes,
    match_report_html,
    write_match_report,
)
from qaconv_core.documents.matches_pdf import report_pages
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.evaluation.error_groups import ErrorGroup, RankingError
from qaconv_core.evaluation.errors_of_ranking import ErrorAnalysis
from qaconv_core.explaining.limits import LIMITS, NUMBERS
from qaconv_core.explaining.values import RelativeMatch
from qaconv_core.figures.pages import PAGE, wrapped
from qaconv_core.figures.style import drawing, text_width
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.store.cases import CaseDecisions, CaseFile
from qaconv_core.store.decisions import Decision
from qaconv_core.types import ImageRef, ImageSet
from tests.builders import write_picture
from tests.core.records import make_match

HOSTILE = '<script>alert("1")</script>&\'\x07'
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Collects tags, sources and text; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        values = dict(attrs)
        assert not any(name.startswith("on") for name in values)
        self.sources += [values[name] for name in ("src", "href") if name in values]
        if tag == "img":
            assert values["alt"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def checked(text: str) -> Reader:
    """A page that needs nothing else."""
    reader = Reader(text)
    assert not reader.tags & {"script", "iframe", "object", "link", "form"}
    assert all(source.startswith("data:image/") for source in reader.sources)
    assert "default-src 'none'" in text
    text.encode("utf-8")
    return reader


@pytest.fixture
def report(tmp_path):
    query = write_picture(tmp_path / f"q&{HOSTILE[:4].strip('/')}.png", 1)
    good = write_picture(tmp_path / "good.png", 2)
    match = make_match((6, 3), 0, False)
    beyond = RelativeMatch(
        match.query_contribution - 0.1,
        match.gallery_contribution.astype(float),
        np.full((6, 3), 50.0),
        np.full((6, 3), 50.0),
        1.5,
        match.logit,
    )
    decision = Decision("q", "g", "confirm", HOSTILE, "2026-01-01")
    candidates = (
        Candidate(ImageRef(good, 4, 1), 1, 3.25, match, beyond, "true", decision),
        Candidate(ImageRef(tmp_path / "gone.png"), 2, -1.0, match),
    )
    return MatchReport(
        ImageRef(query), candidates, HOSTILE, 763, HOSTILE, "today", HOSTILE, (HOSTILE,)
    )


def test_a_match_report_shows_all_and_escapes_all(report):
    text = match_report_html(report)
    reader = checked(text)
    words = " ".join(reader.words)
    assert "<script>" not in text
    assert words.count('<script>alert("1")</script>&\'\\x07') >= 4  # as text
    assert "Decided: confirmed" in words
    assert "Not decided." in words
    assert "gone.png" in words
    assert "not drawn: " in words
    assert "763" in words
    assert "3.250" in words
    assert "−1.000" in words
    assert LIMITS in words
    # query, then query and candidate for the good one, query for the other, one figure
    assert len(reader.sources) == 1 + 2 + 1 + 1


def pages_of(report) -> list[str]:
    """The words of every page, a space between lines."""
    with drawing():
        pages = list(report_pages(report))
    for page in pages:
        assert tuple(page.get_size_inches()) == PAGE
    return [" ".join(text.get_text() for axes in page.axes for text in axes.texts)
            for page in pages]  # fmt: skip


def test_the_pdf_has_the_words_of_the_html_and_a_page_for_each_candidate(report):
    first, good, gone, meaning = pages_of(report)
    assert report.lead.replace("\x07", "\\x07") in first
    for words in (NUMBERS, LIMITS):
        assert words in meaning
    assert "query: q&" in first
    assert "good.png" in first
    assert "3.250" in first
    assert "−1.000" in first
    assert "Rank 1: good.png" in good
    assert "Decided: confirmed, 2026-01-01" in good
    assert '<script>alert("1")</script>&\'\\x07' in good  # the note
    assert "not drawn: " in gone
    assert "Not decided." in gone
    content = match_report_bytes(report, ".PDF")
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") == 4
    assert content == match_report_bytes(report, ".pdf")  # no date inside


def test_what_is_long_goes_on_on_further_pages(report):
    many = replace(report, candidates=(report.candidates[1],) * 60)
    words = pages_of(many)
    overview = words[:-61]  # a page for each, and the meaning of the numbers
    assert len(overview) > 1
    assert sum(page.count("gone.png") for page in overview) == 60
    assert all(page.startswith("Overview") for page in overview[1:])
    decision = replace(report.candidates[0].decision, note="seen again " * 900)
    noted = replace(report, candidates=(replace(report.candidates[1], decision=decision),))
    words = pages_of(noted)
    assert "whole on the next page" in words[1]
    assert sum(page.count("seen again") for page in words[2:-1]) == 900


def test_lines_are_as_long_as_their_room():
    lines = wrapped("a word\n\nand " + "w" * 300, 10.0, 2.0)
    assert lines[:2] == ["a word", ""]
    assert all(text_width(line, 10.0) <= 2.0 for line in lines)
    assert "".join(lines[2:]).count("w") == 300


def test_a_report_is_written_whole_or_not_at_all(report, tmp_path):
    told = []
    write_match_report(report, tmp_path / "r.pdf", work=WorkContext(told.append))
    assert [news.done for news in told] == [0, 1, 2]
    assert told[-1].total == 2
    with pytest.raises(InputError, match=r"\.pdf"):
        write_match_report(report, tmp_path / "r.docx")
    cancel = CancelToken()
    for name in ("r.pdf", "r.html"):
        (tmp_path / name).write_text("before")
        with pytest.raises(Cancelled):
            write_match_report(
                report, tmp_path / name, work=WorkContext(lambda _news: cancel.cancel(), cancel)
            )
        assert (tmp_path / name).read_text() == "before"


def test_pictures_carry_their_pixels_alone(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    path = tmp_path / "with exif.jpg"
    Image.new("RGB", (2000, 1000), "red").save(path, exif=exif)
    uri = html.picture_uri(path)
    content = base64.b64decode(uri.split(",", 1)[1])
    assert b"secret" not in content
    assert Image.open(io.BytesIO(content)).size == (512, 256)


def test_text_survives_what_is_no_unicode():
    assert html.text("a\udcff<b>") == "a\\udcff&lt;b&gt;"
    assert html.table(("x",), [(None,), (1234,), (-0.5,), ("<",)]).count("<tr>") == 5


def failure_analysis(tmp_path: Path) -> ErrorAnalysis:
    refs = ImageSet(
        tuple(ImageRef(write_picture(tmp_path / f"<{i}>.png", i), i, 0) for i in range(3))
    )
    cells = np.linspace(-1, 1, 18).reshape(6, 3)
    failures = tuple(RankingError(i, 1, 2, 1.5 + i, cells, 0.5) for i in range(2))
    group = ErrorGroup("all", (1, 0), cells, 2.0, {"bag": 1.0})
    return ErrorAnalysis("set", "model", (6, 3), 9, failures, group, (group,), (group,), refs, refs)


def test_the_page_of_failures_names_its_examples(tmp_path):
    reader = checked(errors_html(failure_analysis(tmp_path)))
    words = " ".join(reader.words)
    assert "2 of 9 valid queries" in words
    assert "errors number 2, 1" in words
    assert "✕ first false <1>.png" in words
    assert "bag" in words
    assert len(reader.sources) == 3 * (1 + 2 * 3)


def test_a_report_of_a_case_says_what_is_needed_to_check_it(report, tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    file = CaseFile.create(tmp_path / "a.qcase", "Theft", "2026/17", HOSTILE)
    file.add("note", {"text": "first line\nsecond line"})
    book = CaseDecisions(file, "set", tmp_path)
    file.add("model", {"path": "demo", "sha256": "c" * 64, "description": "ResNet-50",
                       "precision": "bfloat16"})  # fmt: skip
    book.decide(tmp_path / "q.png", tmp_path / "b.png", "reject", logit=-3.0, rank=2)
    book.decide(tmp_path / "q.png", tmp_path / "a.png", "confirm", "bag", logit=20.0, rank=1,
                part_logit=1.25)  # fmt: skip
    case = file.read()
    with_case = replace(report, case=case, model_sha256="c" * 64, precision="float32")
    picture = report.candidates[0].ref.path
    digest = hashlib.sha256(picture.read_bytes()).hexdigest()
    page = match_report_html(with_case)
    checked(page)
    pdf = " ".join(pages_of(with_case))
    for words in (
        "Theft", "2026/17", case.seal, "the chain holds", "c" * 64, digest, "first line",
        "second line", "−3.000", "1.250", "0.881", "cannot be read any more",
        "computed in float32; at other times of the case in bfloat16",
    ):  # fmt: skip
        assert words in html_words(page), words
        assert words in pdf, words
    text = html_words(page)
    assert text.index("b.png") < text.index("a.png")  # in the order of the decisions


def test_the_lines_of_a_note_are_shown_as_lines(report, tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    file = CaseFile.create(tmp_path / "a.qcase", "Theft")
    note = "the bag\nand the shoes\n\nseen at the gate"
    CaseDecisions(file, "set", tmp_path).decide("q.png", "a.png", "confirm", note)
    decision = file.read().decisions[0]
    noted = replace(report.candidates[0], decision=decision)
    with_case = replace(report, candidates=(noted,), case=file.read())
    page = match_report_html(with_case)
    assert f'<p class="note">{note}</p>' in page
    assert f"<td>{note}</td>" in page
    assert {"white-space: pre-wrap", "white-space: pre-line"} <= set(
        re.findall(r"white-space: pre-\w+", page)
    )
    with drawing():
        pages = [[text.get_text() for axes in page.axes for text in axes.texts]
                 for page in report_pages(with_case)]  # fmt: skip
    table, candidate = pages[-3], pages[-2]
    for texts in (table, candidate):
        places = [texts.index(line) for line in note.splitlines() if line]
        assert places == sorted(places)
    assert table.count("confirmed") == 1, "a row goes on, it is not repeated"


def html_words(page: str) -> str:
    return " ".join(Reader(page).words)
