""":mod:`scipy.sparse`, loaded when one of its names is first used.

Loading it takes a tenth of a second of a core, which the first window does not wait for.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """A name of :mod:`scipy.sparse`; raises :class:`AttributeError` for one that it lacks."""
    from scipy import sparse

    return getattr(sparse, name)
