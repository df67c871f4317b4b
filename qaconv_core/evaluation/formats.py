"""Small tools for putting results into files: writing, escaping, tables of plain text."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qaconv_core.readable import breadth, filled, shown
from qaconv_core.store.atomic import atomic_write_text

ABSENT = "–"
"""Stands in tables for a number that does not exist (JSON has null)."""

_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: "\\" + sign for sign in "{}$&#_%"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    # pdflatex knows few signs beyond Latin letters: those that our own sentences use.
    "–": "--",
    "−": "$-$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "…": r"\ldots{}",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\rightarrow$",
    "✓": r"$\surd$",
    "✕": r"$\times$",
    "α": r"$\alpha$",
    "λ": r"$\lambda$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
}


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8, atomically.

    File names that are no valid Unicode are written with backslash escapes. Raises
    :class:`InputError`, naming the file, where it cannot be written.
    """
    atomic_write_text(path, text)


def percent(fraction: float) -> str:
    """A fraction as percent with one decimal, e.g. ``62.1``; :data:`ABSENT` for NaN."""
    return f"{100.0 * fraction:.1f}" if math.isfinite(fraction) else ABSENT


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: arrays as lists, tuples as lists, paths as text.

    Numbers that are not finite become None, because JSON has no name for them.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


def flat_text(value: Any) -> str:
    """A value of a protocol in words on one line: ``k1 20, k2 6``; NaN and None as ABSENT."""
    value = plain(value)
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(_named(shown(key), flat_text(item)) for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(flat_text(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return shown(value)


def _named(name: str, text: str) -> str:
    """``k1 20``; a text that begins with its name (``adapted without labels``) stays alone."""
    return text if text.startswith(f"{name} ") else f"{name} {text}"


def latex_escape(text: object) -> str:
    """``text`` so that LaTeX prints it as it stands."""
    return "".join(_LATEX.get(sign, sign) for sign in shown(text))


def markdown_escape(text: object) -> str:
    """``text`` so that Markdown shows it as it stands, also inside a table."""
    return "".join("\\" + sign if sign in r"\`*_|<>[]#" else sign for sign in shown(text))


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Lines of a table in a fixed-width font; the first ``left`` columns are flush left."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(breadth, column)) for column in columns]
    lines = []
    for row in (header, *rows):
        cells = [
            filled(cell, width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "─" * (sum(widths) + 2 * (len(widths) - 1)))
    return lines


_STEPS = {
    "qaconv": "QAConv",
    "norm": "camera normalisation",
    "rerank": "re-ranking",
    "tlift": "TLift",
}


def method_label(method: str) -> str:
    """A method's name for people: ``qaconv+rerank`` is ``QAConv + re-ranking``."""
    return " + ".join(_STEPS.get(step, shown(step)) for step in method.split("+"))
