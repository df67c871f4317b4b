"""A contact sheet of a set: one person a column, as a reader would leaf through crops."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from qaconv_core.data.names import MARKET
from qaconv_core.errors import InputError


def make_sheet(
    folder: str | os.PathLike[str], columns: int, rows: int, cell: tuple[int, int] = (128, 64)
) -> Image.Image:
    """Pictures of the first ``columns`` people with at least ``rows`` of them, ``cell`` (height,
    width) each, spread over a person's pictures; distractors are left out.

    Raises :class:`InputError` when ``folder`` holds fewer such people.
    """
    people: dict[int, list[Path]] = {}
    for path in sorted(Path(folder).glob("*/*.jpg"), key=lambda p: p.name):
        fields = MARKET.read(path.name)
        if fields is not None and fields.pid > 0:
            people.setdefault(fields.pid, []).append(path)
    shown = [paths for _, paths in sorted(people.items()) if len(paths) >= rows][:columns]
    if len(shown) < columns:
        raise InputError(f"{folder}: has fewer than {columns} people with {rows} pictures")
    sheet = Image.new("RGB", (columns * cell[1], rows * cell[0]))
    for column, paths in enumerate(shown):
        for row, number in enumerate(np.linspace(0, len(paths) - 1, rows).round().astype(int)):
            with Image.open(paths[number]) as picture:
                small = picture.convert("RGB").resize((cell[1], cell[0]))
            sheet.paste(small, (column * cell[1], row * cell[0]))
    return sheet
