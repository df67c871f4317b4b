"""A sheet for a paper: a figure, a caption, and a table of its numbers for LaTeX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.state.export_choices import FIGURES, Format
from qaconv_core.evaluation.formats import latex_escape
from qaconv_core.store.atomic import atomic_write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATEX = Format(".tex", "LaTeX with its figure", "mm")
SHEET_FORMATS: tuple[Format, ...] = (*FIGURES, LATEX)


@dataclass(frozen=True)
class Sheet:
    """A figure that is made when it is wanted, its caption, and its numbers as rows of text."""

    stem: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figure: Callable[[], Figure]
    """Makes the figure, in any thread."""

    def write(self, path: Path, width: float | None) -> None:
        """Write a file by the suffix of ``path``; beside LaTeX its figure, as PDF."""
        from qaconv_core.figures.sizes import save_at_width

        if path.suffix.lower() != LATEX.suffix:
            save_at_width(self.figure(), path, width or 2000)
            return
        save_at_width(self.figure(), path.with_suffix(".pdf"), width or 180)
        atomic_write_text(path, self.latex(path.stem, width or 180))

    def latex(self, stem: str, width: float) -> str:
        """The figure and the table of its numbers, with the caption."""
        columns = "l" + "r" * (len(self.head) - 1)
        rows = [" & ".join(map(_cell, row)) + r" \\" for row in (self.head, *self.rows)]
        return "\n".join(
            (
                r"\begin{figure}",
                r"  \centering",
                rf"  \includegraphics[width={width:g}mm]{{{stem}.pdf}}",
                rf"  \caption{{{latex_escape(self.caption)}}}",
                r"\end{figure}",
                r"\begin{table}",
                r"  \centering",
                rf"  \caption{{{latex_escape(self.caption)}}}",
                rf"  \begin{{tabular}}{{{columns}}}",
                r"    \hline",
                f"    {rows[0]}",
                r"    \hline",
                *(f"    {row}" for row in rows[1:]),
                r"    \hline",
                r"  \end{tabular}",
                r"\end{table}",
                "",
            )
        )


def _cell(text: str) -> str:
    """A cell of a LaTeX table; marks in words."""
    return latex_escape(text.replace("✓", "yes").replace("✕", "no"))
