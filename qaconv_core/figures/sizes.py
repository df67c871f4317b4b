"""Figures at a chosen width: pixels of a PNG, millimetres of a PDF or SVG.

A figure is scaled as a whole, text and lines included, so that it looks the same at every size.
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any, cast

from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_pdf import Op, PdfFile, RendererPdf
from matplotlib.figure import Figure

from qaconv_core.errors import InputError
from qaconv_core.figures.formats import FORMATS
from qaconv_core.figures.style import drawing
from qaconv_core.store.atomic import atomic_write_bytes

MM_PER_INCH = 25.4
WIDEST_PIXELS, WIDEST_MM = 20_000, 5_000
_DPI = 200.0  # of pictures inside a PDF or SVG, as save_figure has it


def save_at_width(figure: Figure, path: str | os.PathLike[str], width: float) -> None:
    """Write ``figure`` by the suffix of ``path``, atomically, ``width`` pixels or mm wide.

    A PNG is so many pixels wide, a PDF or SVG so many millimetres; the height follows.
    :class:`InputError` for another suffix, a width out of range or a file that cannot be written.
    """
    atomic_write_bytes(path, figure_bytes(figure, Path(path).suffix.lower(), width))


def figure_bytes(figure: Figure, suffix: str, width: float) -> bytes:
    """The file that :func:`save_at_width` writes."""
    if suffix not in FORMATS:
        raise InputError(
            f"figures are saved as {', '.join(FORMATS)}, not {suffix or 'without a suffix'}"
        )
    unit, widest = ("pixels", WIDEST_PIXELS) if suffix == ".png" else ("mm", WIDEST_MM)
    if not 1 <= width <= widest:
        raise InputError(f"a width of {width:g} {unit} is out of range; give 1 to {widest}")
    write = {".png": _png, ".pdf": _pdf, ".svg": _svg}[suffix]
    with drawing():
        return write(figure, width)


def _png(figure: Figure, width: float) -> bytes:
    # A little wider than requested: matplotlib cuts off fractions of a pixel.
    dpi = (round(width) + 1e-6) / figure.get_figwidth()
    return _saved(figure, "png", dpi)


def _svg(figure: Figure, width: float) -> bytes:
    """The view box stays; only the size that it is shown at is another."""
    text = _saved(figure, "svg", _DPI, {"Date": None}).decode("utf-8")
    height = width * figure.get_figheight() / figure.get_figwidth()
    start = text.index("<svg")
    end = text.index(">", start)
    tag = re.sub(r'\bwidth="[^"]*"', f'width="{width:.6g}mm"', text[start:end], count=1)
    tag = re.sub(r'\bheight="[^"]*"', f'height="{height:.6g}mm"', tag, count=1)
    return (text[:start] + tag + text[end:]).encode("utf-8")


def _saved(figure: Figure, kind: str, dpi: float, metadata: dict[str, None] | None = None) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=kind, dpi=dpi, metadata=metadata)
    return out.getvalue()


def _pdf(figure: Figure, width: float) -> bytes:
    """As matplotlib's own canvas does, on a page of another size with everything scaled to it."""
    wide, high = figure.get_size_inches()
    times = width / MM_PER_INCH / wide
    out, dpi = io.BytesIO(), figure.dpi
    figure.dpi = 72.0  # points, while a PDF is drawn
    try:
        file: Any = PdfFile(out, metadata={"CreationDate": None})
        file.newPage(wide * times, high * times)
        file.width, file.height = wide, high  # lines are clipped at the page before it is scaled
        file.output(times, 0, 0, times, 0, 0, Op.concat_matrix)
        inner = RendererPdf(file, _DPI, high, wide)
        renderer = MixedModeRenderer(figure, wide, high, _DPI, inner)
        figure.draw(cast(RendererBase, renderer))
        renderer.finalize()
        file.finalize()
        file.close()
    finally:
        figure.dpi = dpi
    return out.getvalue()
