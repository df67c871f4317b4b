"""Lists the pictures of a folder, fast and without decoding any of them.

What is not a picture is not dropped silently: each such file comes back with the reason. MSMT17
has 126,000 files, so nothing here does more per file than one ``stat``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from qaconv_core.data.videos import is_video_name
from qaconv_core.errors import DatasetError
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import counted, shown
from qaconv_core.types import Rejected

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
)
_REPORTED = 1000  # files after which progress is reported
_UNSEEN = ("not on disk", "cannot be looked at", "cannot be read")
"""How reasons begin that are none of what a file or folder holds."""
_SYSTEM_FILES = frozenset(("thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"))
_SYSTEM_FOLDERS = frozenset(("__macosx", "$recycle.bin", "system volume information", "@eadir"))


class Picture(NamedTuple):
    """A file that looks like a picture: its path, its name and the folders below the start."""

    path: Path
    name: str
    folders: tuple[str, ...] = ()


class Scan(NamedTuple):
    """What a folder holds: pictures, sorted by path below the folder, and what was left out.

    ``empty`` are folders that were looked into and hold no picture, in or below; of folders in each
    other the outermost.
    """

    pictures: list[Picture]
    rejected: list[Rejected]
    empty: tuple[Path, ...] = ()


def is_picture_name(name: str) -> bool:
    """Whether a file of that name is worth opening as a picture."""
    return file_fault(name) is None


def file_fault(name: str) -> str | None:
    """Why a file of that name is no picture; None when it looks like one."""
    lower = name.lower()
    if lower in _SYSTEM_FILES or lower == ".ds_store":
        return "a file of the operating system, not a picture"
    if name.startswith("._"):
        return "a resource fork that macOS left behind, not a picture"
    if name.startswith("."):
        return "a hidden file, not read"
    if is_video_name(name):
        return "a video, not a picture (qaconv detect cuts out its people)"
    suffix = os.path.splitext(lower)[1]
    if suffix not in IMAGE_SUFFIXES:
        return f"not a picture ({suffix} file)" if suffix else "not a picture (no suffix)"
    return None


def folder_fault(name: str) -> str | None:
    """Why a folder of that name is not looked into; None when it is."""
    if name.lower() in _SYSTEM_FOLDERS:
        return "a folder of the operating system or an archiver, not read"
    return "a hidden folder, not read" if name.startswith(".") else None


def _loop_fault(path: str, folder: Path) -> str | None:
    """Why a link at ``path`` is not followed: it leads to ``folder``, or to one above it."""
    if not os.path.islink(path):
        return None
    target, start = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    loops = target == start or target in start.parents
    return "a link to a folder above, not followed" if loops else None


def stat_fault(path: str | Path) -> str | None:
    """Why the file cannot hold a picture, as far as ``stat`` knows; None when it may."""
    try:
        info = os.stat(path)
    except FileNotFoundError:
        return "not on disk" if not os.path.islink(path) else "a link to nothing"
    except (OSError, ValueError) as error:
        return f"cannot be looked at ({getattr(error, 'strerror', None) or error})"
    if not stat.S_ISREG(info.st_mode):
        return "a folder" if stat.S_ISDIR(info.st_mode) else "not an ordinary file"
    return "empty (0 bytes)" if info.st_size == 0 else None


def scan_pictures(
    folder: Path, *, recursive: bool = False, context: WorkContext = NO_CONTEXT
) -> Scan:
    """The pictures of ``folder``, and with ``recursive`` of all folders below it.

    Links are followed, but no folder is read twice, and none above ``folder``. Raises
    :class:`DatasetError` when ``folder`` itself cannot be read; unreadable folders below it are
    reported in ``rejected``.
    """
    pictures: list[Picture] = []
    rejected: list[Rejected] = []
    seen: set[tuple[int, int]] = set()
    looked_into: list[tuple[str, tuple[str, ...]]] = []
    waiting: list[tuple[str, tuple[str, ...]]] = [(str(folder), ())]
    tracker = context.tracker("reading folders", None, "files")
    while waiting:
        here, folders = waiting.pop()
        try:
            if _read_before(here, seen):
                continue
            entries = _entries(here)
        except OSError as error:
            if not folders:
                raise DatasetError(_cannot_read(folder, error)) from error
            rejected.append(Rejected(Path(here), f"cannot be read ({error.strerror})"))
            continue
        looked_into.append((here, folders))
        for number, (name, is_folder) in enumerate(entries, start=1):
            if number % _REPORTED == 0 or number == len(entries):
                tracker.advance((number - 1) % _REPORTED + 1)
            path = os.path.join(here, name)
            if is_folder:
                fault = folder_fault(name) or (None if recursive else "a folder, not looked into")
                fault = fault or _loop_fault(path, folder)
                if fault is None:
                    waiting.append((path, (*folders, name)))
            else:
                fault = file_fault(name) or stat_fault(path)
                if fault is None:
                    pictures.append(Picture(Path(path), name, folders))
            if fault is not None:
                rejected.append(Rejected(Path(path), fault))
    pictures.sort(key=lambda p: (*p.folders, p.name))
    rejected.sort(key=lambda r: str(r.path))
    return Scan(pictures, rejected, _without_pictures(looked_into, pictures) if recursive else ())


def went_away(path: Path) -> bool:
    """Whether nothing is there any more, not even a link."""
    return not os.path.lexists(path)


def lost_among(rejected: Iterable[Rejected]) -> list[Path]:
    """Of what a scan left out, what was listed, and went away before it could be looked at."""
    return [r.path for r in rejected if r.reason.startswith(_UNSEEN) and went_away(r.path)]


def check_there(place: Path) -> None:
    """Raise :class:`DatasetError` where a folder or table that was read is not there any more."""
    if went_away(place):
        raise DatasetError(
            f"{shown(place)}: went away while it was read (a share or disk that was "
            "disconnected?); connect it and try again"
        )


def lost_words(lost: Sequence[Path], meanwhile: str, one: str = "picture", many: str = "") -> str:
    """That so many pictures, or other things, went away while something was done."""
    return (
        f"{counted(len(lost), one, many)} went away while {meanwhile}, {shown(lost[0].name)} "
        "first (a share or disk that was disconnected?)"
    )


def empty_note(scans: Mapping[Path, Scan]) -> str:
    """That folders hold no picture, named from the ones that were read; "" for none."""
    several = len(scans) > 1
    names = [
        path.relative_to(folder.parent if several or path == folder else folder).as_posix()
        for folder, scan in scans.items()
        for path in scan.empty
    ]
    holds = counted(len(names), "folder holds", "folders hold")
    return f"{holds} no picture: {peek(names)}" if names else ""


def _without_pictures(
    looked_into: Sequence[tuple[str, tuple[str, ...]]], pictures: Sequence[Picture]
) -> tuple[Path, ...]:
    """Of the folders (path, names below the start) the outermost that hold no picture."""
    used = {folders[:end] for folders in {p.folders for p in pictures}
            for end in range(len(folders) + 1)}  # fmt: skip
    empty = (
        (folders, path)
        for path, folders in looked_into
        if folders not in used and (not folders or folders[:-1] in used)
    )
    return tuple(Path(path) for _, path in sorted(empty))


def child_names(folder: Path) -> list[str]:
    """Names of everything in ``folder``, sorted; empty when it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def child_folder(folder: Path, name: str) -> Path | None:
    """The folder called ``name`` in ``folder``, whatever its case; an exact name wins."""
    matches = [n for n in child_names(folder) if n.lower() == name.lower()]
    matches.sort(key=lambda n: n != name)
    return next((folder / n for n in matches if (folder / n).is_dir()), None)


def child_file(folder: Path, name: str) -> Path | None:
    """The file called ``name`` in ``folder``, whatever its case; an exact name wins."""
    matches = [n for n in child_names(folder) if n.lower() == name.lower()]
    matches.sort(key=lambda n: n != name)
    return next((folder / n for n in matches if (folder / n).is_file()), None)


def subfolders(folder: Path) -> Iterator[Path]:
    """The folders in ``folder``, sorted by name, without those of the system."""
    try:
        names = [name for name, is_folder in _entries(str(folder)) if is_folder]
    except OSError:
        return
    for name in sorted(names):
        if folder_fault(name) is None:
            yield folder / name


def peek(names: list[str], limit: int = 6) -> str:
    """The first few names for a message: ``a, b, c and 12 more``."""
    if not names:
        return "nothing"
    text = ", ".join(shown(name) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit:,} more"


def _entries(folder: str) -> list[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        return [(entry.name, _is_folder(entry)) for entry in entries]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _read_before(folder: str, seen: set[tuple[int, int]]) -> bool:
    info = os.stat(folder)
    key = (info.st_dev, info.st_ino)
    if key in seen and info.st_ino:
        return True
    seen.add(key)
    return False


def _cannot_read(folder: Path, error: OSError) -> str:
    return (
        f"{shown(folder)}: the folder cannot be read ({error.strerror}); "
        "check that it exists and that you may open it"
    )
