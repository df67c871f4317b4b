"""``qaconv.toml``: how a person's own pictures are to be read.

The file lies beside the pictures, or in the user's data folder where it cannot be written there.
It may have come with somebody else's pictures: everything in it is checked before it is used, and
a file beside the pictures names only what lies below its folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qaconv_core.data.moments import UNITS
from qaconv_core.data.name_fields import FieldPattern
from qaconv_core.errors import DatasetError, InputError, StoreError
from qaconv_core.files import check_input
from qaconv_core.readable import shown
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.folders import data_dir

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "qaconv.toml"
FORMAT = 1
ROLES = ("persons", "cameras", "none")
COLUMN_NAMES = ("path", "pid", "camid", "time", "split")
_LARGEST = 1 << 18
_MOST_SOURCES = 1000
_MOST_PATTERNS = 20
_MOST_LEVELS = 10
_MOST_IMPORTS = 2000
_LONGEST = 2000
_FASTEST = 100_000.0
RATE_WORDS = f"a number of frames per second, above 0, up to {_FASTEST:,.0f}"
"""What a rate may be."""
_KEYS = {
    "": ("format", "name", "see", "source"),
    "source": ("path", "pattern", "folders", "columns", "time", "rate"),
}


@dataclass(frozen=True)
class Source:
    """One folder or table, and how it is read.

    ``path`` is absolute. ``patterns`` of file names are tried in order. ``folders`` holds one of
    :data:`ROLES` for each level of folders, the outermost first; None where it was not said, which
    means that folders say nothing. ``columns`` maps the names of :data:`COLUMN_NAMES` to the
    table's own. ``unit`` is one of :data:`~qaconv_core.data.moments.UNITS`, ``rate`` in frames per
    second.
    """

    path: Path
    patterns: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str = "seconds"
    rate: float | None = None

    @property
    def is_table(self) -> bool:
        """Whether the source is a table by its name."""
        return self.path.suffix.lower() == ".csv"


@dataclass(frozen=True)
class Description:
    """A person's own pictures: a name ("" for none) and where they are.

    ``file`` is the ``qaconv.toml`` that it was read from, None before it is written.
    """

    sources: tuple[Source, ...]
    name: str = ""
    file: Path | None = None


def read_description(file: Path) -> Description:
    """Read and check a ``qaconv.toml``.

    Raises :class:`DatasetError` in one line that names the file, the key and what may stand there.
    """
    values = _parsed(file)
    see = values.get("see")
    if see is not None:
        if set(values) - {"format", "name", "see"} or not _below(file, _own_folder()):
            raise _wrong(file, "see", "is for the program's own list of imports alone")
        return read_description(_see(file, see))
    given = values.get("source")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_SOURCES:
        raise _wrong(file, "source", f"has to be 1 to {_MOST_SOURCES:,} tables [[source]]")
    sources = tuple(_source(file, value) for value in given)
    return Description(sources, _name(file, values.get("name", "")), file)


def find_description(root: Path) -> Path | None:
    """The ``qaconv.toml`` of a folder or table: beside it, or in the user's data folder; None
    where there is none. ``root`` may be such a file itself."""
    if root.is_file() and (root.name == FILE_NAME or _below(root, _own_folder())):
        return root
    beside = (root if root.is_dir() else root.parent) / FILE_NAME
    if beside.is_file() and (root.is_dir() or _names_table(beside, root)):
        return beside
    own = own_file(root)
    return own if own.is_file() else None


def find_named(name: str) -> Path | None:
    """The ``qaconv.toml`` of an import that was given a name; None where there is none.

    Raises :class:`DatasetError`, saying where it lay, where it is not there any more.
    """
    listed = find_listed(name)
    if listed is None:
        return None
    file, place = listed
    if not file.exists():
        raise DatasetError(
            f"the data set “{shown(name)}” lay in {shown(place)}, which is missing or has no "
            f"{FILE_NAME} any more; connect its disk, import it again, or remove what is kept of "
            "it by qaconv forget"
        )
    return read_description(file).file


def opened_by(description: Description) -> Path:
    """The path by which a description that was written is opened: that of its one folder or table,
    else its file."""
    if len(description.sources) == 1 or description.file is None:
        return description.sources[0].path
    return description.file


def find_listed(name: str) -> tuple[Path, Path] | None:
    """The ``qaconv.toml`` to which a name was given, there or not, and the place of its pictures;
    None where the name is free."""
    for file in _own_files():
        try:
            values = _parsed(file)
            if name.casefold() != str(values.get("name", "")).casefold() or not name:
                continue
            if "see" in values:
                beside = _see(file, values["see"])
                if beside.is_file() and read_description(beside).name.casefold() != name.casefold():
                    continue  # other pictures are described there by now
                return beside, beside.parent
            return file, read_description(file).sources[0].path
        except DatasetError:
            continue
    return None


def check_name_free(description: Description) -> None:
    """Raise :class:`DatasetError` where a description's name was given to other pictures."""
    listed = find_listed(description.name)
    if listed is None:
        return
    home = _common_folder(description.sources)
    own = own_file(*(source.path for source in description.sources))
    beside = home and not _taken(home, description) and home / FILE_NAME
    if listed[0] not in (own, beside):
        raise DatasetError(
            f"“{shown(description.name)}” is the name of the data set in {shown(listed[1])}; give "
            "another name, or remove what is kept of that one by qaconv forget"
        )


def title_of(sources: Sequence[Source]) -> str:
    """A name for pictures in several places that have no folder of their own, after the first of
    them; "" where they have one, or where the name is none or that of other pictures."""
    if _common_folder(sources) is not None:
        return ""
    places = [source.path.parent if source.is_table else source.path for source in sources]
    names = told_apart(places)
    more = f" and {len(names) - 1} more" if len(names) > 2 else f" and {names[-1]}"
    title = names[0] + more if len(names) > 1 else names[0]
    listed = find_listed(title) if fit_name(title) else None
    own = own_file(*(source.path for source in sources))
    return title if fit_name(title) and (listed is None or listed[0] == own) else ""


def told_apart(places: Sequence[Path]) -> list[str]:
    """What different folders are called: by their names; those of one name with that of the folder
    around them before it."""
    distinct = dict.fromkeys(places)
    often = Counter(place.name for place in distinct)
    names = (p.name if often[p.name] == 1 else f"{p.parent.name}-{p.name}" for p in distinct)
    return list(dict.fromkeys(names))


def own_file(*places: Path) -> Path:
    """The file in the user's data folder for pictures that lie in these places."""
    where = "\n".join(sorted(os.path.realpath(place) for place in places))
    digest = hashlib.sha256(where.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return _own_folder() / f"{digest}.toml"


def save_description(description: Description) -> Description:
    """Write a description beside its pictures where that is possible; what was written, with its
    file.

    One source: into its folder, or beside the table. Several in one folder: there. Otherwise, where
    the place cannot be written to, and where what describes other pictures lies there, into the
    user's data folder. What describes a table or has another name moves there where a folder is
    described in its place. A description with a name is listed there in any case, so that the name
    can be used. Raises :class:`StoreError`, and :class:`DatasetError` for a name of others.
    """
    check_name_free(description)
    places = [source.path for source in description.sources]
    own = own_file(*places)
    home = _common_folder(description.sources)
    if home is not None and os.access(home, os.W_OK) and not _taken(home, description):
        file = home / FILE_NAME
        earlier = _of_others(home, description)
        if earlier is not None:
            _save_own(earlier, own_file(*(source.path for source in earlier.sources)))
        try:
            atomic_write_text(file, description_toml(description, home), error=StoreError)
        except StoreError:
            return _save_own(description, own)
        _list_under_name(description, own, file)
        return Description(description.sources, description.name, file)
    return _save_own(description, own)


def description_toml(description: Description, folder: Path | None) -> str:
    """A description as TOML; paths relative to ``folder`` (None: absolute)."""
    lines = [
        "# How QAConv reads these pictures. Written by “qaconv import”; it may be edited.",
        f"format = {FORMAT}",
    ]
    if description.name:
        lines.append(f"name = {_toml(description.name)}")
    for source in description.sources:
        path = source.path if folder is None else source.path.relative_to(folder)
        lines += ["", "[[source]]", f"path = {_toml(path.as_posix())}"]
        if source.patterns:
            lines.append(f"pattern = [{', '.join(map(_toml, source.patterns))}]")
        if source.folders:
            lines.append(f"folders = [{', '.join(map(_toml, source.folders))}]")
        if source.columns:
            pairs = ", ".join(f"{key} = {_toml(value)}" for key, value in source.columns.items())
            lines.append(f"columns = {{ {pairs} }}")
        if source.unit != "seconds":
            lines.append(f"time = {_toml(source.unit)}")
        if source.rate:
            lines.append(f"rate = {source.rate!r}")
    return "\n".join(lines) + "\n"


def _save_own(description: Description, own: Path) -> Description:
    data_dir()  # says what is wrong where it cannot be written to
    own.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_text(own, description_toml(description, None), error=StoreError)
    return Description(description.sources, description.name, own)


def _list_under_name(description: Description, own: Path, file: Path) -> None:
    own.unlink(missing_ok=True)  # an earlier one, from when the place could not be written to
    if not description.name:
        return
    data_dir()
    own.parent.mkdir(parents=True, exist_ok=True)
    text = f"format = {FORMAT}\nname = {_toml(description.name)}\nsee = {_toml(str(file))}\n"
    atomic_write_text(own, text, error=StoreError)


def _common_folder(sources: Sequence[Source]) -> Path | None:
    """The folder that a description of these sources belongs into; None where there is none."""
    if len(sources) == 1:
        path = sources[0].path
        return path.parent if sources[0].is_table else path
    parents = {source.path.parent for source in sources}
    return parents.pop() if len(parents) == 1 else None


def _of_others(home: Path, description: Description) -> Description | None:
    """The description in the folder ``home``, where it is of other pictures than ``description``
    and would be lost in its place: of one folder or table, or of another name."""
    try:
        earlier = read_description(home / FILE_NAME)
    except DatasetError:
        return None
    if {source.path for source in earlier.sources} == {s.path for s in description.sources}:
        return None
    named = bool(earlier.name) and earlier.name.casefold() != description.name.casefold()
    return earlier if named or len(earlier.sources) == 1 else None


def _taken(home: Path, description: Description) -> bool:
    """Whether the file in ``home`` stays, as it describes others. A folder that is described itself
    is read by the file in it, so that one never does."""
    if len(description.sources) > 1:
        return _of_others(home, description) is not None
    file, source = home / FILE_NAME, description.sources[0]
    return source.is_table and file.is_file() and not _names_table(file, source.path)


def _own_folder() -> Path:
    return data_dir(write=False) / "imports"


def _own_files() -> list[Path]:
    try:
        names = sorted(os.listdir(_own_folder()))[:_MOST_IMPORTS]
    except OSError:
        return []
    return [_own_folder() / name for name in names if name.endswith(".toml")]


def _names_table(file: Path, table: Path) -> bool:
    try:
        return any(source.path == table for source in read_description(file).sources)
    except DatasetError:
        return False


def _parsed(file: Path) -> dict[str, Any]:
    if check_input(file, "description of pictures", DatasetError).st_size > _LARGEST:
        raise DatasetError(f"{shown(file)}: longer than {_LARGEST:,} bytes; shorten it")
    try:
        values = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"{shown(file)}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(
            f"{shown(file)}: not TOML ({shown(str(error))[:200]}); correct it, or run qaconv "
            "import again"
        ) from error
    _check_keys(file, values, "")
    if values.get("format") != FORMAT or isinstance(values["format"], bool):
        raise _wrong(file, "format", f"has to be {FORMAT}; a newer file needs a newer program")
    return values


def _source(file: Path, values: object) -> Source:
    if not isinstance(values, dict):
        raise _wrong(file, "source", "has to be a table [[source]]")
    _check_keys(file, values, "source")
    patterns = _texts(file, "pattern", values.get("pattern", []), _MOST_PATTERNS)
    for pattern in patterns:
        try:
            FieldPattern(pattern)
        except InputError as error:
            raise DatasetError(f"{shown(file)}: {error}") from error
    unit = values.get("time", "seconds")
    if unit not in UNITS:
        raise _wrong(file, "time", f"has to be one of {', '.join(UNITS)}")
    folders = _texts(file, "folders", values.get("folders", []), _MOST_LEVELS)
    if set(folders) - set(ROLES):
        raise _wrong(file, "folders", f"has to hold {', '.join(ROLES)}")
    return Source(
        _path(file, values.get("path")),
        patterns,
        folders,
        _columns(file, values.get("columns", {})),
        unit,
        checked_rate(file, values.get("rate")),
    )


def checked_rate(file: Path | str, rate: object) -> float | None:
    """Frames per second as a finite number above 0; None where none is given."""
    if rate is None:
        return None
    if not is_rate(rate):
        raise _wrong(file, "rate", f"has to be {RATE_WORDS}")
    return float(str(rate))


def is_rate(rate: object) -> bool:
    """Whether a value can be a number of frames per second: see :data:`RATE_WORDS`."""
    number = isinstance(rate, int | float) and not isinstance(rate, bool)
    return number and 0 < float(str(rate)) <= _FASTEST


def _path(file: Path, text: object) -> Path:
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST or "\0" in text:
        raise _wrong(file, "path", "has to name a folder or table")
    if _below(file, _own_folder()):
        return Path(os.path.abspath(text))
    path = Path(os.path.normpath(file.parent / text))
    if os.path.isabs(text) or file.parent not in (path, *path.parents):
        raise _wrong(file, "path", f"“{shown(text)[:80]}” does not lie below this file's folder")
    return path


def _see(file: Path, text: object) -> Path:
    if not isinstance(text, str) or not os.path.isabs(text) or Path(text).name != FILE_NAME:
        raise _wrong(file, "see", f"has to be the whole path of a {FILE_NAME}")
    if _below(Path(text), _own_folder()):
        raise _wrong(file, "see", "leads to itself")
    return Path(text)


def _columns(file: Path, values: object) -> dict[str, str]:
    if not isinstance(values, dict) or set(values) - set(COLUMN_NAMES):
        raise _wrong(file, "columns", f"may name {', '.join(COLUMN_NAMES)}")
    texts = _texts(file, "columns", list(values.values()), len(COLUMN_NAMES))
    return dict(zip(values, texts, strict=True))


def _texts(file: Path, key: str, values: object, most: int) -> tuple[str, ...]:
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or len(values) > most:
        raise _wrong(file, key, f"has to be a list of up to {most} texts")
    if not all(isinstance(value, str) and len(value) <= _LONGEST for value in values):
        raise _wrong(file, key, "has to hold texts")
    return tuple(values)


def _name(file: Path, name: object) -> str:
    if not isinstance(name, str) or (name and not fit_name(name)):
        raise _wrong(file, "name", "has to be up to 80 letters, digits, spaces and - _ .")
    return name


def fit_name(name: str) -> bool:
    """Whether a data set may be called so: letters of any script, digits, spaces and ``-_.``."""
    return re.fullmatch(r"[\w .-]{1,80}", name) is not None and name.strip(" .") == name


def _check_keys(file: Path, values: Mapping[str, Any], where: str) -> None:
    unknown = sorted(set(values) - set(_KEYS[where]))
    if unknown:
        raise _wrong(file, unknown[0][:40], f"is not known; known are {', '.join(_KEYS[where])}")


def _wrong(file: Path | str, key: str, why: str) -> DatasetError:
    return DatasetError(f"{shown(file)}: “{shown(key)}” {why}")


def _below(path: Path, folder: Path) -> bool:
    return folder in path.parents


def _toml(text: str) -> str:
    """A text in TOML's quotes. Raises :class:`InputError` for what is no valid Unicode."""
    if any(0xD800 <= ord(sign) < 0xE000 for sign in text):
        raise InputError(f"{shown(text)}: its name is no valid text and cannot be kept; rename it")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    signs = (sign if sign >= " " and sign != "\x7f" else f"\\u{ord(sign):04x}" for sign in escaped)
    return f'"{"".join(signs)}"'
