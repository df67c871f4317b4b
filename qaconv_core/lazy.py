"""Packages whose names are imported when they are first used.

Whoever imports such a package does not wait for all of its modules. A package names its modules
twice: for type checkers under ``TYPE_CHECKING``, and for :func:`names_at_first_use`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_at_first_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of ``package``; ``homes`` has the module in it of each name.

    A name must not be that of a module of the package, which would hide it once imported.
    """

    def find(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
