"""Paths as people type them, letter by letter."""

from __future__ import annotations

from pathlib import Path


def typed_path(text: str) -> Path:
    """The path that a text names, with ``~`` for the home folder.

    What stands for no home folder (``~nobody``, half typed) is a name like any other.
    """
    path = Path(text.strip())
    try:
        return path.expanduser()
    except RuntimeError:
        return path
