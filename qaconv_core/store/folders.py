"""The program's own folders: per user, and set by environment variables."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

from qaconv_core.errors import StoreError
from qaconv_core.paths import typed_path
from qaconv_core.store.atomic import reason

APP_NAME = "qaconv-explorer"
CACHE_VARIABLE = "QACONV_CACHE_DIR"
DATA_VARIABLE = "QACONV_DATA_DIR"
SCENES = "scenes"
"""Below :func:`data_dir`: a folder of crops for each choice of people on scenes."""
SOURCES = "sources.csv"
"""In a folder of crops: where the scenes lie that they were cut out of."""

ADAPTATION = "adaptation.json"
"""Below :func:`data_dir`: the set, the model and the new file of the window's last adaptation."""


def work_folder(out: Path) -> Path:
    """Where the work on a model to be adapted and written to ``out`` is kept meanwhile."""
    return out.with_name(out.name + ".work")


def cache_dir() -> Path:
    """The folder of files that can be computed again (feature maps), created when it is not there.

    ``QACONV_CACHE_DIR`` names another one. Raises :class:`StoreError` when it cannot be written to.
    """
    default = platformdirs.user_cache_dir(APP_NAME, appauthor=False)
    return _ready(os.environ.get(CACHE_VARIABLE) or default, CACHE_VARIABLE)


def data_dir(*, write: bool = True) -> Path:
    """The folder of files that must be kept (the run history), created when it is not there.

    ``QACONV_DATA_DIR`` names another one. Raises :class:`StoreError` when it cannot be written to.
    Without ``write`` it is only named, for reading what may be in it.
    """
    default = platformdirs.user_data_dir(APP_NAME, appauthor=False)
    name = os.environ.get(DATA_VARIABLE) or default
    return _ready(name, DATA_VARIABLE) if write else Path(os.path.abspath(typed_path(name)))


def _ready(name: str, variable: str) -> Path:
    """The folder as an absolute path, proven writable by writing there."""
    folder = Path(os.path.abspath(typed_path(name)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as cause:
        raise StoreError(
            f"{folder}: cannot be written to ({reason(cause)}); "
            f"set {variable} to a folder of your own"
        ) from cause
    return folder
