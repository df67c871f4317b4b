"""Atomic writing: a file is either the old one or the new one, never half of it.

The new content is written beside the target, flushed to the disk and moved over it.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from qaconv_core.errors import InputError, QAConvError
from qaconv_core.files import check_output
from qaconv_core.readable import encoded, shown

_TOKEN = 6  # random bytes in the name of a file that is not whole yet
_LEFT_AFTER = 60.0  # seconds after which nobody is still writing such a file


def atomic_write_bytes(
    path: str | os.PathLike[str], data: bytes, *, error: type[QAConvError] = InputError
) -> None:
    """Replace (or create) the file ``path`` with ``data``.

    Raises ``error`` with one line that names the file when that fails; the old
    file is then unchanged.
    """
    with replacing(path, error=error) as temporary, temporary.open("wb") as stream:
        stream.write(data)


def atomic_write_text(
    path: str | os.PathLike[str], text: str, *, error: type[QAConvError] = InputError
) -> None:
    """:func:`atomic_write_bytes` for text, as UTF-8 and with line ends as they are in ``text``.

    What is no valid Unicode (in a file's name) is written as escapes.
    """
    atomic_write_bytes(path, encoded(text), error=error)


@contextlib.contextmanager
def replacing(
    path: str | os.PathLike[str], *, error: type[QAConvError] = InputError
) -> Iterator[Path]:
    """A temporary path with the suffix of ``path``, which replaces it when the block succeeds.

    For libraries which write files themselves (figures, archives). When the block fails, the new
    file is removed and the old one stays; an :class:`OSError` becomes ``error``.
    """
    check_output(path, error)
    target = Path(os.path.realpath(path))
    try:
        temporary = _beside(target)
        try:
            yield temporary
            _flush(temporary)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _flush_folder(target.parent)
    except OSError as cause:
        raise error(f"{shown(path)}: cannot be written ({reason(cause)})") from cause


def remove_leftovers(path: Path) -> None:
    """Remove what killed programs began to write in place of ``path`` a minute ago or earlier."""
    head = re.escape(f".{path.stem[:40]}-")
    name = re.compile(f"{head}[0-9a-f]{{{2 * _TOKEN}}}{re.escape(path.suffix)}")
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(path.parent)):
            if name.fullmatch(entry.name) and time.time() - entry.stat().st_mtime > _LEFT_AFTER:
                os.unlink(entry.path)


def reason(cause: OSError) -> str:
    """The system's reason for an error, without the path that it repeats."""
    return cause.strerror or str(cause) or type(cause).__name__


def _beside(target: Path) -> Path:
    """A new, empty file in the target's folder, with the target's permissions."""
    token = os.urandom(_TOKEN).hex()
    path = target.parent / f".{target.stem[:40]}-{token}{target.suffix}"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    with contextlib.suppress(OSError):
        os.chmod(path, stat.S_IMODE(target.stat().st_mode))
    return path


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    """Flush the move itself to the disk, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
