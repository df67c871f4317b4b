"""What people call cameras and persons: by their names where the data set has any, else by number.

The names are known to the pictures (:class:`~qaconv_core.types.ImageRef`), as their data set was
read; every text of window, command line, figures and reports comes from here. Whom a single picture
shows is said by :mod:`qaconv_core.data.names`, which knows distractors by their files.
"""

from __future__ import annotations

from collections.abc import Mapping

from qaconv_core.readable import shown


def camera_label(camid: int | None, name: str = "") -> str:
    """``entrance``, or ``c1`` for camid 0 or a camera called 1; empty where not known."""
    if camid is None or camid < 0:
        return ""
    called = camera_called(camid, name)
    return f"c{called}" if called.isdecimal() else shown(called)


def camera_called(camid: int | None, name: str = "") -> str:
    """What a camera is called in names of files and in tables: its name, or its number from 1;
    empty where not known."""
    if camid is None or camid < 0:
        return ""
    return name or str(camid + 1)


def camera_words(camid: int | None, name: str = "") -> str:
    """``camera entrance``, or ``camera 1`` for camid 0; empty where not known."""
    if camid is None or camid < 0:
        return ""
    return _with_word("camera", shown(camera_called(camid, name)))


def person_label(pid: int | None, name: str = "") -> str:
    """``anna``, or the number; empty where not known."""
    if pid is None or pid < 0:
        return ""
    return shown(name) if name else str(pid)


def person_words(pid: int | None, name: str = "") -> str:
    """``person anna`` or ``person 2``; empty where not known."""
    label = person_label(pid, name)
    return _with_word("person", label) if label else ""


def _with_word(word: str, label: str) -> str:
    """``person anna``; a label that begins with the word, such as ``person 1``, as it is."""
    return label if label.casefold().startswith(f"{word} ") else f"{word} {label}"


def camera_numbered(label: str, names: Mapping[int, str]) -> int | None:
    """The camid that people mean by a name, or by a number from 1; None where it is neither."""
    for camid, name in names.items():
        if name == label:
            return camid
    camid = int(label) - 1 if label.isdecimal() else -1
    return None if camid < 0 or camid in names else camid
