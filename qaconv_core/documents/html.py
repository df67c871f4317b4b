"""Pieces of a self-contained HTML file: pictures are embedded, nothing is loaded, no script.

All text goes through :func:`text`; only functions of this package write tags.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from qaconv_core import __version__
from qaconv_core.data.images import read_image
from qaconv_core.errors import ImageError
from qaconv_core.explaining.limits import LIMITS
from qaconv_core.figures.colours import DECISIONS
from qaconv_core.figures.style import figure_bytes, rgb_array
from qaconv_core.readable import shown_lines

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1d1d1f;
  background: #fff; margin: 0 auto; padding: 32px 24px 64px; max-width: 1080px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 40px 0 8px; }
h3 { font-size: 16px; margin: 24px 0 8px; } p { margin: 8px 0; max-width: 72ch; }
.faint, figcaption, th { color: #6b6b70; } .limits { border-left: 3px solid #d5d5d8;
  padding-left: 16px; margin-top: 40px; }
table { border-collapse: collapse; margin: 8px 0; } th { font-weight: 600; text-align: left; }
th, td { padding: 4px 16px 4px 0; border-bottom: 1px solid #e6e6e9; vertical-align: top; }
td { white-space: pre-line; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 8px 0 16px; } figure > img { max-width: 100%; height: auto; }
.pictures { display: flex; flex-wrap: wrap; gap: 16px 24px; } .pictures figure { width: 132px; }
.pictures img { width: 128px; border: 2px solid #d5d5d8; }
.group { display: flex; gap: 8px; } .group figure { margin-bottom: 0; }
figcaption { font-size: 13px; overflow-wrap: anywhere; }
.note { white-space: pre-wrap; }
section { border-top: 1px solid #d5d5d8; margin-top: 32px; }
@media print {
  @page { size: A4; margin: 16mm; }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  h1, h2, h3, .leads { break-after: avoid; } p { orphans: 3; widows: 3; }
  figure, tr, .limits { break-inside: avoid; } figure > img { max-height: 200mm; }
  /* Rows of a flex container are cut where a page ends; those of inline blocks are not. */
  .pictures { display: block; }
  .pictures > * { display: inline-block; vertical-align: top; margin: 0 12px 8px 0; }
  .group { white-space: nowrap; } .group figure { display: inline-block; white-space: normal;
    vertical-align: top; margin-right: 8px; }
  .pictures figure { width: 88px; } .pictures img { width: 84px; }
  section { break-before: page; border-top: 0; margin-top: 0; }
}
""" + "".join(
    f".{verdict} {{ color: {colour}; font-weight: 600; }}\n"
    for verdict, colour in DECISIONS.items()
)


def value_text(value: object) -> str:
    """A number of a table with its digits and a true minus; anything else as it is."""
    if value is None:
        return "–"
    if isinstance(value, Real):
        shown = f"{value:,}" if isinstance(value, Integral) else f"{value:.3f}"
        return shown.replace("-", "−")
    return str(value)


def text(value: object) -> str:
    """``value`` as text that can stand anywhere in a page, attributes too.

    Control characters and what is no valid Unicode are written as escapes.
    """
    return html.escape(shown_lines(str(value)), quote=True)


def page(title: str, lead: str, body: Iterable[str], *, limits: bool = True) -> str:
    """A whole HTML file; ``body`` are pieces made by this module."""
    end = f'<p class="limits">{text(LIMITS)}</p>' if limits else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta name="generator" content="QAConv Explorer {text(__version__)}">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head><body>\n"
        f'<h1>{text(title)}</h1>\n<p class="faint">{text(lead)}</p>\n'
        + "\n".join(body)
        + f"\n{end}\n</body></html>\n"
    )


def heading(words: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{text(words)}</h{level}>"


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph; ``kind`` is a class of the style sheet."""
    return f'<p class="{text(kind)}">{text(words)}</p>' if kind else f"<p>{text(words)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers (and – for none) stand to the right."""
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    lines = ["".join(_cell(cell) for cell in row) for row in rows]
    inner = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{inner}</tbody></table>"


def _cell(value: object) -> str:
    kind = ' class="number"' if value is None or isinstance(value, Real) else ""
    return f"<td{kind}>{text(value_text(value))}</td>"


def figure(made: Figure, words: str) -> str:
    """A drawn figure with a caption, which is also its alternative text."""
    source = data_uri(figure_bytes(made, ".png", dpi=144.0), "image/png")
    return _figure(source, words, words)


def pictures(items: Iterable[tuple[Path | Image.Image, str]]) -> str:
    """Pictures beside each other with captions; the reason replaces a file that cannot be read."""
    return f'<div class="pictures">{"".join(_picture(*item) for item in items)}</div>'


def picture_groups(groups: Iterable[Iterable[tuple[Path | Image.Image, str]]]) -> str:
    """Pictures with captions as :func:`pictures` has them; those of a group stay in one row."""
    rows = ("".join(_picture(*item) for item in group) for group in groups)
    inner = "".join(f'<div class="group">{row}</div>' for row in rows)
    return f'<div class="pictures">{inner}</div>'


def _picture(picture: Path | Image.Image, words: str) -> str:
    try:
        source = picture_uri(picture)
    except ImageError as error:
        return f"<figure><figcaption>{text(words)}: {text(error)}</figcaption></figure>"
    return _figure(source, words, words)


def _figure(source: str, words: str, spoken: str) -> str:
    return (
        f'<figure><img alt="{text(spoken)}" src="{source}">'
        f"<figcaption>{text(words)}</figcaption></figure>"
    )


def picture_uri(picture: Path | Image.Image, longest: int = 512) -> str:
    """A picture as a data URI (JPEG, its pixels alone: no place, no camera, no comment)."""
    image = picture if isinstance(picture, Image.Image) else read_image(picture)
    out = io.BytesIO()
    Image.fromarray(rgb_array(image, longest)).save(out, "JPEG", quality=90)
    return data_uri(out.getvalue(), "image/jpeg")


def data_uri(content: bytes, kind: str) -> str:
    """``content`` as a data URI of that MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
