"""Finds the files that come with the program: demo pictures, demo model, icons."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from qaconv_core.errors import InputError

INSTALLED_PACKAGE = "qaconv_resources"


def resource_path(*parts: str) -> Path:
    """Path of a bundled file or folder, e.g. ``resource_path("demo", "query")``.

    In a checkout that is ``resources/`` beside ``qaconv_core``; where the program was installed,
    the package ``qaconv_resources``. Raises :class:`InputError` when it is not there.
    """
    folder = resources_folder()
    path = folder.joinpath(*parts)
    if not path.exists():
        raise InputError(
            f"{path}: this bundled file is missing; install the program again "
            "(python -m pip install --force-reinstall .)"
        )
    return path


def resources_folder() -> Path:
    """The folder of all bundled files. Raises :class:`InputError` when there is none."""
    checkout = _checkout()
    if (checkout / "resources").is_dir() and (checkout / "pyproject.toml").is_file():
        return checkout / "resources"
    spec = importlib.util.find_spec(INSTALLED_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if Path(place).is_dir():
            return Path(place)
    raise InputError(
        f"the bundled resources were found neither in {checkout / 'resources'} nor as the package "
        f"{INSTALLED_PACKAGE}; install the program again (python -m pip install .)"
    )


def _checkout() -> Path:
    """The folder that holds ``qaconv_core``."""
    return Path(__file__).resolve().parents[2]
