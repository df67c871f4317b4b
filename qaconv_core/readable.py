"""Names and texts of other people's files, as they may stand on a terminal and in a table.

A file's name may hold bytes that are no text, control characters that a terminal obeys, and signs
that a spreadsheet takes for a formula. Whatever this program shows or writes goes through here.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_AFTER_COMMA = re.compile(r",(?=[=+\-@])")


def shown(value: object) -> str:
    """``value`` as text on one line.

    Control characters, invisible ones and bytes that are no text stand as escapes: ``\\x1b``,
    ``\\u202e``, ``\\udce9`` (the byte 0xE9).
    """
    text = str(value)
    return text if text.isprintable() else "".join(map(_escaped, text))


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things in words: ``1 query``, ``1,204 queries``; ``many`` is ``one`` with an s
    unless given."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def breadth(text: str) -> int:
    """How many places ``text`` takes in a font of one width: two for each emoji and each sign of
    East Asian scripts, none for accents that stand over another sign."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    over = sum(unicodedata.category(sign) in ("Mn", "Me") for sign in text)
    return len(text) + wide - over


def filled(text: str, places: int) -> str:
    """``text`` with spaces up to so many places: see :func:`breadth`."""
    return text + " " * (places - breadth(text))


def shown_lines(text: str) -> str:
    """``text`` of several lines for a terminal: :func:`shown` but for ends of lines and tabs.

    JSON stays the same JSON.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign in "\n\t" else _escaped(sign) for sign in text)


def encoded(text: str) -> bytes:
    """``text`` in UTF-8; what is no valid Unicode (in a file's name) as escapes like ``\\udce9``.

    In JSON such an escape is the very character, so that a reader gets the name as it is on disk.
    """
    return text.encode("utf-8", errors="backslashreplace")


def json_text(record: Any, indent: int | None = 2) -> str:
    """A result as JSON for a file or a terminal, names as they are."""
    return json.dumps(record, indent=indent, ensure_ascii=False) + "\n"


def csv_cell(value: Any) -> Any:
    """A value as it may stand in a cell: numbers as they are, None as an empty cell.

    Texts that a spreadsheet would take for a formula get a leading ``'``.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = "".join(sign if sign == "\n" else _escaped(sign) for sign in value)
    # Judged by the text as it came: a tab in front is an escape by now.
    formula = value.startswith(_FORMULA) and _NUMBER.fullmatch(value) is None
    return f"'{text}" if formula else text


def cell_text(cell: str) -> str:
    """A cell without the ``'`` that :func:`csv_cell` puts before what looks like a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def csv_text(
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    comments: Iterable[str] = (),
    quote_texts: bool = False,
) -> str:
    """A table as CSV text: ``comments`` in ``#`` lines, the header, a line for each row.

    ``quote_texts`` puts every text into quotes, so that no row can begin with ``#``.
    """
    out = io.StringIO()
    for comment in comments:
        # Whoever splits this line at its commas gets cells as well.
        out.write(f"# {_AFTER_COMMA.sub(', ', shown(comment))}\n")
    writer = csv.writer(
        out,
        quoting=csv.QUOTE_NONNUMERIC if quote_texts else csv.QUOTE_MINIMAL,
        lineterminator="\n",
    )
    writer.writerow(header)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _escaped(sign: str) -> str:
    if sign.isprintable():
        return sign
    if sign < " ":
        return sign.encode("unicode_escape").decode("ascii")
    # As JSON has it, with two escapes beyond the first 65,536 characters.
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
