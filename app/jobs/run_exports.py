"""Runs as files and for the clipboard: tables as text, curves and charts as figures.

All of it runs in worker threads; matplotlib is loaded by the first figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtGui import QImage

from app.state.evaluation import FinishedRun
from app.state.export_choices import CSV, FIGURES, JSON, Format
from qaconv_core.errors import InputError
from qaconv_core.evaluation.curves import cmc_csv
from qaconv_core.evaluation.reports import (
    report_csv,
    report_latex,
    report_markdown,
    reports_json,
)
from qaconv_core.readable import json_text
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.types import EvaluationReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATEX = Format(".tex", "LaTeX table")
MARKDOWN = Format(".md", "Markdown table")
TABLE_FORMATS: tuple[Format, ...] = (CSV, JSON, LATEX, MARKDOWN)
CMC_FORMATS: tuple[Format, ...] = (*FIGURES, CSV)
FIGURE_FORMATS = FIGURES
DEFAULT_WIDTH = 2000.0


@dataclass(frozen=True)
class RunsExport:
    """An export of runs: texts by suffix, and a figure. ``stem`` says what is in the file.

    ``draw`` makes the figure anew, on white, in the worker thread; None where there is none.
    """

    stem: str
    formats: tuple[Format, ...]
    texts: dict[str, Callable[[], str]]
    draw: Callable[[], Figure] | None = None

    def write(self, path: Path, width: float | None) -> None:
        """Write a file by the suffix of ``path``; ``width`` in pixels or mm where it has one."""
        suffix = path.suffix.lower()
        if suffix in self.texts:
            atomic_write_text(path, self.texts[suffix]())
        elif self.draw is not None:
            from qaconv_core.figures.sizes import save_at_width

            save_at_width(self.draw(), path, width or DEFAULT_WIDTH)
        else:
            known = ", ".join(format.suffix for format in self.formats)
            raise InputError(f"{path}: tables are saved as {known}; choose one of these")

    def image(self, width: float = DEFAULT_WIDTH) -> QImage:
        """The figure as a picture so many pixels wide, for the clipboard."""
        from qaconv_core.figures.sizes import figure_bytes

        assert self.draw is not None
        return QImage.fromData(figure_bytes(self.draw(), ".png", width), "PNG")


def named_reports(runs: Sequence[FinishedRun]) -> list[EvaluationReport]:
    """Reports of the shown runs; several tell their runs apart."""
    return [run.named_report(len(runs) > 1) for run in runs]


def table_export(runs: Sequence[FinishedRun]) -> RunsExport:
    """The measures of runs."""
    reports = named_reports(runs)

    def document() -> str:
        found = reports_json(reports, per_query=True)
        return json_text(found)

    texts: dict[str, Callable[[], str]] = {
        CSV.suffix: lambda: report_csv(reports),
        JSON.suffix: document,
        LATEX.suffix: lambda: report_latex(reports),
        MARKDOWN.suffix: lambda: report_markdown(reports),
    }
    return RunsExport(_stem("measures", runs), TABLE_FORMATS, texts)


def cmc_export(runs: Sequence[FinishedRun], reports: Sequence[EvaluationReport]) -> RunsExport:
    """The CMC curves that are drawn of runs."""
    from qaconv_core.figures.curves import cmc_figure

    return RunsExport(
        _stem("cmc", runs),
        CMC_FORMATS,
        {CSV.suffix: lambda: cmc_csv(reports)},
        lambda: cmc_figure(reports),
    )


def figure_export(what: str, run: FinishedRun, draw: Callable[[], Figure]) -> RunsExport:
    """Another figure of one run."""
    return RunsExport(_stem(what, (run,)), FIGURE_FORMATS, {}, draw)


def _stem(what: str, runs: Sequence[FinishedRun]) -> str:
    """A name that says what is in the file: ``cmc_demo_run3``."""
    sets = dict.fromkeys(run.report.dataset for run in runs)
    numbers = "-".join(str(run.id) for run in runs if run.id >= 0)
    parts = [what, *list(sets)[:3], f"run{numbers}"]
    return re.sub(r"[^\w.-]+", "_", "_".join(parts))[:120]
