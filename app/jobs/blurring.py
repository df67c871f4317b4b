"""Draws and writes with pictures blurred, in worker threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Made = TypeVar("Made")


def with_blur(blur: str, act: Callable[[], Made]) -> Made:
    """Draw or write with pictures blurred; see :data:`~app.state.export_choices.BLURS`."""
    if not blur:
        return act()
    from qaconv_core.figures.style import blurred_pictures

    with blurred_pictures(blur):
        return act()
