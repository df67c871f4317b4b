"""Atomic writing: a file is either the old one or the new one, never half of it.

The new content is written beside the target, flushed to the disk and moved over it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from qaconv_core.errors import InputError, QAConvError
from qaconv_core.files import check_output
from qaconv_core.readable import encoded, shown


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


@contextlib.contextmanager
def folder_held(folder: Path, patience: float = 2.0) -> Iterator[None]:
    """Keep other processes that hold the same folder out, to read and then write a file in it.

    Goes on without after ``patience`` seconds, and where the folder or the system has no such
    locks: a change is then no worse than without one.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        _lock(handle, time.monotonic() + patience)
        yield
    finally:
        os.close(handle)  # which gives the lock back


def _lock(handle: int, end: float) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    while time.monotonic() < end:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.002)
        except OSError:
            return


def reason(cause: OSError) -> str:
    """The system's reason for an error, without the path that it repeats."""
    return cause.strerror or str(cause) or type(cause).__name__


def _beside(target: Path) -> Path:
    """A new, empty file in the target's folder, with the target's permissions."""
    token = secrets.token_hex(6)
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
