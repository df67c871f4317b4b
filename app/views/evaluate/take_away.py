"""Taking results away: tables as text, figures as files, both to the clipboard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication

from app.state.evaluating import FinishedRun
from qaconv_core.errors import InputError
from qaconv_core.evaluation.curves import cmc_csv
from qaconv_core.evaluation.reports import (
    report_csv,
    report_latex,
    report_markdown,
    reports_json,
)
from qaconv_core.figures.style import FORMATS, drawing, save_figure
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.types import EvaluationReport

Reports = Sequence[EvaluationReport]

TABLE_FORMATS: dict[str, Callable[[Reports], str]] = {
    ".csv": lambda reports: report_csv(list(reports)),
    ".json": lambda reports: (
        json.dumps(reports_json(list(reports), per_query=True), indent=2, ensure_ascii=False) + "\n"
    ),
    ".tex": lambda reports: report_latex(list(reports)),
    ".md": lambda reports: report_markdown(list(reports)),
}
TABLE_FILTER = "CSV (*.csv);;JSON (*.json);;LaTeX (*.tex);;Markdown (*.md)"
FIGURE_FILTER = "PNG (*.png);;SVG (*.svg);;PDF (*.pdf)"
CMC_FILTER = f"{FIGURE_FILTER};;CSV, the numbers (*.csv)"


def reports_of(runs: Sequence[FinishedRun]) -> list[EvaluationReport]:
    """Reports of the shown runs; several tell their runs apart."""
    return [run.named_report(len(runs) > 1) for run in runs]


def file_name(what: str, runs: Sequence[FinishedRun], suffix: str) -> str:
    """A name that says what is in the file: ``cmc-demo-run3.png``."""
    sets = dict.fromkeys(run.report.dataset for run in runs)
    numbers = "-".join(str(run.id) for run in runs if run.id >= 0)
    parts = [what, *list(sets)[:3], f"run{numbers}" if numbers else "run"]
    return re.sub(r"[^\w.-]+", "_", "-".join(parts)) + suffix


def save_table(runs: Sequence[FinishedRun], path: str | Path) -> None:
    """Write the measures of runs by the file's suffix; InputError for another one."""
    suffix = Path(path).suffix.lower()
    if suffix not in TABLE_FORMATS:
        raise InputError(f"{path}: tables are saved as {', '.join(TABLE_FORMATS)}")
    atomic_write_text(path, TABLE_FORMATS[suffix](reports_of(runs)))


def save_cmc(reports: Reports, figure: Figure, path: str | Path, dpi: float = 200.0) -> None:
    """Write the CMC curve as a figure, or its numbers as CSV."""
    if Path(path).suffix.lower() == ".csv":
        atomic_write_text(path, cmc_csv(reports))
    else:
        save_figure(figure, path, dpi)


def with_suffix(path: str, chosen_filter: str, allowed: Sequence[str]) -> str:
    """The path; with the suffix of the filter chosen in the dialog where it has none of its own."""
    if Path(path).suffix.lower() in allowed:
        return path
    return path + chosen_filter.rsplit("*", 1)[-1].rstrip(")")


def copy_table(runs: Sequence[FinishedRun]) -> None:
    """The measures as a Markdown table to the clipboard."""
    QApplication.clipboard().setText(report_markdown(reports_of(runs)))


def figure_image(figure: Figure, dpi: float = 200.0) -> QImage:
    """A figure as a picture, on white."""
    out = BytesIO()
    with drawing():
        figure.savefig(out, format="png", dpi=dpi)
    return QImage.fromData(out.getvalue(), "PNG")


def copy_figure(figure: Figure) -> None:
    """A figure as a picture to the clipboard."""
    QApplication.clipboard().setImage(figure_image(figure))


__all__ = [
    "CMC_FILTER",
    "FIGURE_FILTER",
    "FORMATS",
    "TABLE_FILTER",
    "TABLE_FORMATS",
    "copy_figure",
    "copy_table",
    "file_name",
    "save_cmc",
    "save_figure",
    "save_table",
    "with_suffix",
]
