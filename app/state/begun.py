"""What was begun over the pictures and has not ended, in the order of its beginning."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Begun:
    """Follows ``things``: what each of them is now, None, False or "" while it is not begun.

    One that becomes something else, such as another pinned cell, was begun again. Of two that began
    at once the later one in ``things`` is the inner one.
    """

    def __init__(self, things: Mapping[str, Callable[[], object]]) -> None:
        self._things = dict(things)
        self._now: dict[str, object] = {}
        self.follow()

    def follow(self) -> None:
        """Take note of what began and what ended."""
        for name, read in self._things.items():
            value = read()
            if value != self._now.get(name):
                self._now.pop(name, None)
            if value:
                self._now.setdefault(name, value)

    @property
    def latest_first(self) -> list[str]:
        """The names of what is going on."""
        return list(reversed(self._now))
