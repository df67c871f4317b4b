"""Paths as people type them."""

from __future__ import annotations

import os
from pathlib import Path


def typed_path(text: str | Path) -> Path:
    """The path that a text names, with ``~`` for the home folder; not yet absolute.

    What stands for no home folder (``~nobody``, half typed) is a name like any other.
    """
    return Path(os.path.expanduser(text))
