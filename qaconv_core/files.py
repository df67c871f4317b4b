"""Ordinary files, told from folders, pipes, sockets and devices before anything is opened.

Opening a pipe that nobody writes to waits for ever, and a device may never end.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from qaconv_core.errors import InputError, QAConvError
from qaconv_core.readable import shown

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_BLOCK = 1 << 20


def unlike_file(mode: int) -> str:
    """What a path of this ``st_mode`` is where it is no ordinary file; "" where it is one."""
    if stat.S_ISREG(mode):
        return ""
    return next((name for test, name in _KINDS if test(mode)), "not an ordinary file")


def check_input(
    path: str | os.PathLike[str], what: str = "file", error: type[QAConvError] = InputError
) -> os.stat_result:
    """The status of an ordinary file that can be looked at, empty or not.

    Raises ``error``, one line that names the file and says that a ``what`` was expected.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise error(f"{shown(path)}: no such {what}; check the path") from None
    except (OSError, ValueError) as cause:  # ValueError: a NUL in the name
        why = getattr(cause, "strerror", None) or cause
        raise error(f"{shown(path)}: cannot be read ({why})") from None
    kind = unlike_file(status.st_mode)
    if kind:
        raise error(f"{shown(path)}: is {kind}; name a {what}")
    return status


def check_output(path: str | os.PathLike[str], error: type[QAConvError] = InputError) -> None:
    """Raise ``error`` where a result cannot take the place of what stands at ``path``.

    A path where nothing stands passes.
    """
    try:
        kind = unlike_file(os.stat(path).st_mode)
    except (OSError, ValueError):
        return
    if kind:
        hint = "give the name of a file"
        if kind in ("a pipe", "a device"):
            hint += ", or - for standard output where the option knows it"
        raise error(f"{shown(path)}: cannot be written, it is {kind}; {hint}")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits. Raises :class:`OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
