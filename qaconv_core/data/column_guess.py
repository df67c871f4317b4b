"""Says which columns of somebody's table are the picture, person, camera, time and split."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from qaconv_core.data.headers import ALIASES, COLUMNS
from qaconv_core.data.moments import moment_of, number_of
from qaconv_core.data.scan import is_picture_name
from qaconv_core.data.table import SPLITS, table_text
from qaconv_core.errors import DatasetError
from qaconv_core.readable import shown

_LOOKED_AT = 200
_NUMBERED = ("pid", "camid")
_COUNTS = re.compile(r"(id|no|nr|num|number|name|code)$")
_MORE = {
    "path": ("bild", "imagename", "imagefile", "picturefile", "crop", "croppath", "uri", "name"),
    "pid": ("who", "label", "personname", "target", "trackid", "subject", "customer", "id"),
    "camid": (
        *("cameraname", "device", "source", "station", "location", "view", "site", "kamera"),
        *("door", "gate", "sensor", "place", "entrance", "exit", "channel", "room", "floor"),
        *("zone", "area", "spot", "position", "where", "cctv", "ipcam", "lens", "stream"),
        *(
            "caméra",
            "cámara",
            "câmera",
            "telecamera",
            "камера",
            "摄像头",
            "摄像机",
            "相机",
            "カメラ",
        ),
        *("tür", "tuer", "tor", "eingang", "ort", "standort", "porte", "lieu", "puerta", "lugar"),
    ),
    "time": ("when", "date", "capturedat", "takenat", "ts", "clock", "zeit"),
}
FRAME_NAMES = ("frame", "frameid", "framenumber", "frameno", "framenr", "frameindex")
_MILLISECONDS_FROM = 1e11  # seconds up to the year 5138
_RESULTS_DELIMITERS = ",;\t"


def guess_columns(file: Path, given: Mapping[str, str] | None = None) -> tuple[dict[str, str], str]:
    """The columns of a table by our names, and the unit of its times (see
    :data:`~qaconv_core.data.moments.UNITS`).

    Names are compared without case and punctuation, our own before others; those of persons and
    cameras also without a number's name (``door no``). The picture's column is also known by its
    content. ``given`` are columns that somebody named ("": there is none); they are among the ones
    returned as they are. Raises :class:`DatasetError` where no column holds pictures.
    """
    header, rows = _head(file)
    plain = [_plain(name) for name in header]
    found: dict[str, str] = dict(given or {})
    for ours in COLUMNS:
        if ours in found:
            continue
        taken = {name.casefold() for name in found.values()}
        for column in _of_name(ours, plain):
            fits = _fits(ours, [row[column] for row in rows if column < len(row)])
            if fits and header[column].casefold() not in taken:
                found[ours] = header[column]
                break
    if "path" not in found:
        pictures = _picture_column(header, rows)
        if pictures is None:
            seen = ", ".join(shown(name) for name in header[:20])
            raise DatasetError(
                f"{shown(file)}: no column holds names of pictures; columns seen: {seen}; name it "
                "(--columns path=…)"
            )
        found["path"] = header[pictures]
    found = {ours: found[ours] for ours in COLUMNS if ours in found}
    frame = next((name for name in FRAME_NAMES if name in plain), None)
    if "time" not in found and frame is not None:
        found["time"] = header[plain.index(frame)]
    if frame is not None and _plain(found.get("time", "")) == frame:
        return found, "frames"
    return found, _unit(header, rows, found.get("time"))


def _of_name(ours: str, plain: Sequence[str]) -> list[int]:
    """The columns whose name says that they are ``ours``, the likeliest first."""
    names = list(map(_plain, (ours, *ALIASES.get(ours, ()), *_MORE.get(ours, ()))))
    found = [plain.index(name) for name in names if name in plain]
    if ours in _NUMBERED:
        short = [_COUNTS.sub("", name) for name in plain]
        found += [short.index(name) for name in names if name in short]
    return found


def columns_of(file: Path) -> list[str]:
    """The names of a table's columns as they stand there. Raises :class:`DatasetError`."""
    return _head(file)[0]


def _head(file: Path) -> tuple[list[str], list[list[str]]]:
    text = table_text(file)
    lines = text.split("\n", _LOOKED_AT)[:_LOOKED_AT]
    delimiter = max(_RESULTS_DELIMITERS, key=lines[0].count)
    try:
        rows = list(csv.reader(StringIO("\n".join(lines), newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise DatasetError(f"{shown(file)}: not a table ({error})") from error
    if not rows:
        raise DatasetError(f"{shown(file)}: no line in it; name a table of pictures")
    return [cell.strip() for cell in rows[0]], [[c.strip() for c in row] for row in rows[1:] if row]


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _fits(ours: str, values: Sequence[str]) -> bool:
    """Whether a column of a fitting name may hold what it should."""
    if ours == "path":
        return _share_of_pictures(values) > 0
    if ours == "split":
        return all(value.lower() in SPLITS for value in values if value)
    if ours == "time":
        return any(number_of(v) is not None or moment_of(v) is not None for v in values if v)
    return any(values)


def _picture_column(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    shares = [
        _share_of_pictures([row[i] for row in rows if i < len(row)]) for i in range(len(header))
    ]
    best = max(range(len(header)), key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] > 0.5 else None


def _share_of_pictures(values: Sequence[str]) -> float:
    names = [value.replace("\\", "/").rpartition("/")[2] for value in values if value]
    return sum(map(is_picture_name, names)) / len(names) if names else 0.0


def _unit(header: Sequence[str], rows: Sequence[Sequence[str]], column: str | None) -> str:
    if column is None:
        return "seconds"
    place = next((i for i, name in enumerate(header) if name.casefold() == column.casefold()), None)
    if place is None:  # a column that was given and is not there: reading the table says so
        return "seconds"
    values = [row[place] for row in rows if place < len(row) and row[place]]
    numbers = [number_of(value) for value in values]
    known = [number for number in numbers if number is not None]
    if sum(moment_of(value) is not None for value in values) > len(known):
        return "iso"
    return "milliseconds" if known and min(known) >= _MILLISECONDS_FROM else "seconds"
