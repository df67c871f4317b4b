"""Evaluation reports as terminal table, JSON, CSV, LaTeX and Markdown.

Every form carries the protocol, the number of valid queries, and says beside the result where it
is an approximation. Tables show percent with one decimal; JSON and CSV hold fractions in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qaconv_core.data.published import counted_name
from qaconv_core.evaluation.camera_report import first_line
from qaconv_core.evaluation.formats import (
    flat_text,
    latex_escape,
    markdown_escape,
    method_label,
    percent,
    plain,
    text_table,
    write_text,
)
from qaconv_core.evaluation.open_set import open_set_lines
from qaconv_core.evaluation.protocol import origin_lines
from qaconv_core.readable import counted, csv_text, shown
from qaconv_core.store.records import is_number
from qaconv_core.types import EvaluationReport, MethodResult

__all__ = [
    "comparison_table",
    "method_label",
    "report_csv",
    "report_json",
    "report_latex",
    "report_markdown",
    "report_table",
    "reports_json",
    "runs_table",
    "set_name",
    "write_text",
]

Reports = EvaluationReport | Sequence[EvaluationReport]

RANKS = (1, 5, 10, 20)
MEASURES = (*(f"rank{k}" for k in RANKS), "mAP", "mINP")
HEADINGS = (*(f"Rank-{k}" for k in RANKS), "mAP", "mINP")


def _as_list(reports: Reports) -> list[EvaluationReport]:
    return [reports] if isinstance(reports, EvaluationReport) else list(reports)


def _measures(result: MethodResult) -> list[float]:
    """The six measures of a result in the order of :data:`MEASURES`."""
    return [result.rank(k) for k in RANKS] + [float(result.mAP), float(result.mINP)]


def set_name(report: EvaluationReport) -> str:
    """The data set's name; the counts beside it where they are not the published ones."""
    sizes = {"query": report.counts.query, "gallery": report.counts.gallery}
    return counted_name(report.dataset, sizes)


def _name(report: EvaluationReport) -> str:
    return shown(set_name(report))


def _counts_line(report: EvaluationReport) -> str:
    """``demo: 12 queries (10 valid), 60 gallery pictures``."""
    counts = report.counts
    return (
        f"{_name(report)}: {counted(counts.query, 'query', 'queries')} "
        f"({counts.valid_queries:,} valid), {counts.gallery:,} gallery pictures"
    )


def _left_out(report: EvaluationReport) -> str:
    """``3 files were left out``: the list itself stands in the JSON."""
    count = len(report.rejected)
    return f"{count:,} files were left out" if count > 1 else "one file was left out"


class _Marks:
    """Numbers the approximations of a table, so that a row can point to its footnote."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, approximation: str) -> str:
        """``""`` for an exact result, else the number of its footnote."""
        if not approximation:
            return ""
        if approximation not in self.texts:
            self.texts.append(approximation)
        return str(self.texts.index(approximation) + 1)

    def footnotes(self) -> list[tuple[str, str]]:
        """(number, text) of every footnote."""
        return [(str(i + 1), f"approximation: {shown(t)}") for i, t in enumerate(self.texts)]


# ── terminal ────────────────────────────────────────────────────────────────────────────────────


def report_table(reports: Reports) -> str:
    """A table for a terminal with a fixed-width font, one block for each data set."""
    reports = _as_list(reports)
    blocks = [_table_block(report) for report in reports]
    origin = ["protocol", *(f"  {line}" for line in origin_lines(reports))]
    return "\n\n".join("\n".join(block) for block in [*blocks, origin]) + "\n"


def _table_block(report: EvaluationReport) -> list[str]:
    marks = _Marks()
    rows = []
    for result in report.results:
        mark = marks.mark(result.approximation)
        label = method_label(result.method) + (f" [{mark}]" if mark else "")
        rows.append([label, *(percent(value) for value in _measures(result))])
    lines = [_counts_line(report)]
    lines += text_table(("in %", *HEADINGS), rows)
    lines += [f"[{number}] {text}" for number, text in marks.footnotes()]
    lines += [*filter(None, [first_line(report.cameras)]), *open_set_lines(report.open_set)]
    if report.rejected:
        lines.append(f"note: {_left_out(report)}")
    lines += [f"note: {shown(note)}" for note in report.notes]
    if report.seconds:
        lines.append(f"time: {_total_seconds(report.seconds):,.1f} s")
    return lines


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────


def _total_seconds(seconds: Mapping[str, float]) -> float:
    """The ``total`` entry where there is one, else the sum of the stages."""
    return float(seconds.get("total", sum(seconds.values())))


def report_json(report: EvaluationReport, per_query: bool = False) -> dict[str, Any]:
    """What ``evaluate --json`` writes; fractions in [0, 1], None where a number does not exist.

    ``seconds`` is the total; its parts stand in ``seconds_by_stage``. With ``per_query`` each
    result also lists the AP of every query (None where the query is not valid).
    """
    results = []
    for result in report.results:
        entry: dict[str, Any] = {"method": result.method}
        entry.update(zip(MEASURES, _measures(result), strict=True))
        entry["approximation"] = result.approximation
        if per_query:
            entry["ap"] = result.ap
        results.append(entry)
    measured = {"cameras": report.cameras, "open_set": report.open_set}
    document = {
        "dataset": report.dataset,
        "counts": report.counts.to_dict(),
        "results": results,
        "protocol": report.protocol.to_dict(),
        "checkpoint": report.checkpoint.to_dict(),
        "device": report.device,
        "seconds": _total_seconds(report.seconds),
        "seconds_by_stage": {k: v for k, v in report.seconds.items() if k != "total"},
        "separation": report.separation,
        **{name: part for name, part in measured.items() if part},
        "rejected": [{"path": str(r.path), "reason": r.reason} for r in report.rejected],
        "notes": list(report.notes),
    }
    out: dict[str, Any] = plain(document)
    return out


def reports_json(
    reports: Reports, per_query: bool = False
) -> dict[str, Any] | list[dict[str, Any]]:
    """One report as :func:`report_json` has it, several as a list of such."""
    reports = _as_list(reports)
    documents = [report_json(report, per_query) for report in reports]
    return documents[0] if len(documents) == 1 else documents


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────────


def report_csv(reports: Reports) -> str:
    """One row for each data set and method; the protocol in ``#`` lines before the header.

    All texts are quoted, so that no row begins with ``#``. Numbers that do not exist are empty.
    """
    reports = _as_list(reports)
    counted = ("query", "gallery", "valid_queries")
    rows = (
        [
            shown(report.dataset),
            result.method,
            *plain(_measures(result)),
            *(getattr(report.counts, name) for name in counted),
            shown(result.approximation),
        ]
        for report in reports
        for result in report.results
    )
    return csv_text(
        ["dataset", "method", *MEASURES, *counted, "approximation"],
        rows,
        comments=("measures are fractions in [0, 1]", *origin_lines(reports), *_notes(reports)),
        quote_texts=True,
    )


def _notes(reports: Sequence[EvaluationReport]) -> list[str]:
    """The notes of all reports, each once; preceded by the data set where there are several."""
    notes: dict[str, None] = {}
    for report in reports:
        before = f"{shown(report.dataset)}: " if len(reports) > 1 else ""
        texts = [shown(note) for note in report.notes]
        if report.rejected:
            texts.append(_left_out(report))
        notes.update(dict.fromkeys(f"note: {before}{text}" for text in texts))
    return list(notes)


# ── LaTeX ───────────────────────────────────────────────────────────────────────────────────────


def report_latex(reports: Reports) -> str:
    """A ``booktabs`` tabular in percent; protocol in comment lines, footnotes under the rule.

    Needs ``\\usepackage{booktabs}`` and ``\\usepackage[T1]{fontenc}``.
    """
    reports = _as_list(reports)
    marks = _Marks()
    body: list[str] = []
    for i, report in enumerate(reports):
        body += [r"\midrule"] if i else []
        body += [_latex_row(report, result, j, marks) for j, result in enumerate(report.results)]
    columns = 2 + len(MEASURES)
    notes = [
        rf"\multicolumn{{{columns}}}{{l}}{{\footnotesize {text}}} \\"
        for text in _latex_notes(reports, marks)
    ]
    lines = [f"% {line}" for line in (*origin_lines(reports), *_notes(reports))]
    lines += [r"% \usepackage{booktabs}", rf"\begin{{tabular}}{{ll{'r' * len(MEASURES)}}}"]
    lines += [r"\toprule", " & ".join(("Data set", "Method", *HEADINGS)) + r" \\", r"\midrule"]
    lines += [*body, r"\bottomrule", *notes, r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _latex_row(report: EvaluationReport, result: MethodResult, j: int, marks: _Marks) -> str:
    """A table row; the data set is named in its first row only."""
    mark = marks.mark(result.approximation)
    label = latex_escape(method_label(result.method)) + (f"$^{{{mark}}}$" if mark else "")
    dataset = latex_escape(set_name(report)) if j == 0 else ""
    values = (latex_escape(percent(value)) for value in _measures(result))
    return " & ".join((dataset, label, *values)) + r" \\"


def _latex_notes(reports: Sequence[EvaluationReport], marks: _Marks) -> list[str]:
    notes = [rf"{latex_escape(_counts_line(report))}, in \%" for report in reports]
    return notes + [f"$^{{{n}}}$ {latex_escape(text)}" for n, text in marks.footnotes()]


# ── Markdown ────────────────────────────────────────────────────────────────────────────────────


def report_markdown(reports: Reports) -> str:
    """A table in percent with its footnotes, followed by the protocol as a list."""
    reports = _as_list(reports)
    marks = _Marks()
    lines = ["| " + " | ".join(("data set", "method", *(f"{h} (%)" for h in HEADINGS))) + " |"]
    lines.append("| --- | --- |" + " ---: |" * len(MEASURES))
    for report in reports:
        for result in report.results:
            mark = marks.mark(result.approximation)
            label = markdown_escape(method_label(result.method)) + (f" ({mark})" if mark else "")
            values = (percent(value) for value in _measures(result))
            lines.append(
                "| " + " | ".join((markdown_escape(set_name(report)), label, *values)) + " |"
            )
    facts = [markdown_escape(_counts_line(report)) for report in reports]
    facts += [f"({n}) {markdown_escape(text)}" for n, text in marks.footnotes()]
    facts += [markdown_escape(note) for note in _notes(reports)]
    lines += ["", *(f"- {fact}" for fact in facts), "", "Protocol:", ""]
    lines += [f"- {markdown_escape(line)}" for line in origin_lines(reports)]
    return "\n".join(lines) + "\n"


# ── run history ─────────────────────────────────────────────────────────────────────────────────


def _shown(value: Any) -> str:
    """A measure out of a stored report as percent; the history may hold anything."""
    return percent(float(value)) if is_number(value) else percent(float("nan"))


def runs_table(records: Sequence[Any]) -> str:
    """Stored runs (:class:`~qaconv_core.store.runs.RunRecord`), one line for each method."""
    rows = []
    for record in records:
        for i, result in enumerate(record.results):
            counts = record.report.get("counts")
            name = counted_name(record.dataset, counts if isinstance(counts, dict) else {})
            head = [str(record.id), record.created, record.kind, shown(name)]
            values = [_shown(result.get(name)) for name in ("rank1", "mAP", "mINP")]
            label = method_label(str(result.get("method", ""))) + _flag(result)
            rows.append([*(head if i == 0 else [""] * len(head)), label, *values])
    header = ("run", "when (UTC)", "kind", "data set", "in %", "Rank-1", "mAP", "mINP")
    return "\n".join(text_table(header, rows, left=5)) + "\n"


def _flag(result: Mapping[str, Any]) -> str:
    """Marks an approximation where there is no room for the footnote."""
    return " (approximate)" if result.get("approximation") else ""


def comparison_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of :meth:`~qaconv_core.store.runs.RunHistory.compare`; changes in percentage points."""
    lines = []
    for row in rows:
        label = method_label(str(row.get("method", ""))) + _flag(row)
        name = counted_name(row["dataset"], row.get("counts") or {})
        cells = [str(row["id"]), flat_text(row.get("checkpoint") or None), shown(name)]
        cells += [label, *(_shown(row.get(name)) for name in MEASURES)]
        for name in ("delta_rank1", "delta_mAP"):
            delta = row.get(name)
            cells.append("" if delta is None else f"{100 * delta:+.1f}")
        lines.append(cells)
    header = ("run", "checkpoint", "data set", "in %", *HEADINGS, "ΔRank-1", "ΔmAP")
    notes = [f"note: {row['unlike']}" for row in rows if row.get("unlike")]
    names = dict.fromkeys(shown(row["dataset"]) for row in rows)
    if len(names) > 1:
        notes.append(f"note: runs of different data sets ({', '.join(names)}) are not compared")
    return "\n".join((*text_table(header, lines, left=4), *dict.fromkeys(notes))) + "\n"
