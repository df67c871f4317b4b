"""Keys of stored feature maps: the model that computed them and the picture's file."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from qaconv_core.readable import counted, shown
from qaconv_core.store.atomic import reason
from qaconv_core.types import ImageRef, Rejected


class FileKey(NamedTuple):
    """A picture file as it was at one moment: absolute path, size in bytes, mtime in ns.

    The folder part of ``path`` is free of symbolic links, so that one file reached in two ways
    is one key. A file that was written again has another size or mtime, and so another key.
    """

    path: str
    size: int
    mtime_ns: int


def file_keys(files: Iterable[str | os.PathLike[str] | ImageRef]) -> list[FileKey | Rejected]:
    """A key for each file, in order, or the reason why there is none.

    Folders are resolved once each: resolving every path would cost ten times the rest.
    """
    folders: dict[str, str] = {}
    return [_key(os.fspath(f.path if isinstance(f, ImageRef) else f), folders) for f in files]


def fingerprint(files: Sequence[ImageRef], root: Path) -> str:
    """SHA-256 over names below ``root`` and keys of all files.

    Another one when a file comes, goes or is written again.
    """
    found, folder = hashlib.sha256(), Path(os.path.realpath(root))
    for key in file_keys(files):
        path = Path(key.path)
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
        stamp = key[1:] if isinstance(key, FileKey) else (-1, -1)
        found.update(f"{name}\t{stamp[0]}\t{stamp[1]}\n".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def written_since(files: Iterable[ImageRef], time_ns: int) -> str:
    """In words, which files are gone or were written after a moment; "" where none was."""
    keys = file_keys(files)
    late = [key.path for key in keys if isinstance(key, Rejected) or key.mtime_ns > time_ns]
    if not late:
        return ""
    more = f" and {counted(len(late) - 1, 'other file')}" if len(late) > 1 else ""
    return f"{shown(late[0])}{more} changed since"


def _key(name: str, folders: dict[str, str]) -> FileKey | Rejected:
    folder, base = os.path.split(name)
    try:
        if folder not in folders:
            folders[folder] = os.path.realpath(folder or os.curdir)
        path = os.path.join(folders[folder], base)
        status = os.stat(path)
    except OSError as cause:
        return Rejected(Path(name), _why(cause))
    except ValueError as cause:  # a NUL in the name
        return Rejected(Path(name), str(cause))
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not an ordinary file"
        return Rejected(Path(name), f"{kind}; name a picture file")
    return FileKey(path, status.st_size, status.st_mtime_ns)


def _why(cause: OSError) -> str:
    if isinstance(cause, FileNotFoundError):
        return "no such file; check the path"
    return f"cannot be read ({reason(cause)})"
