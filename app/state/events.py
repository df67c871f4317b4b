"""Listeners without Qt: state says what changed, and whoever shows it comes and looks."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

Listener = Callable[..., Any]


class Event:
    """Something that happens again and again; listeners are called in the order they came.

    Methods are held weakly, so that a closed view does not live on as a listener; plain functions
    are held as they are. Events are emitted and heard in the window's thread only.
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[], Listener | None]] = []

    def connect(self, listener: Listener) -> None:
        """Call ``listener`` with the event's arguments from now on."""
        if isinstance(listener, MethodType):
            self._listeners.append(weakref.WeakMethod(listener))
        else:
            self._listeners.append(lambda: listener)

    def disconnect(self, listener: Listener) -> None:
        """Do not call ``listener`` any more; nothing happens where it was not connected."""
        self._listeners = [held for held in self._listeners if held() not in (None, listener)]

    def emit(self, *arguments: Any) -> None:
        """Call every listener."""
        for held in list(self._listeners):
            listener = held()
            if listener is None:
                self._listeners.remove(held)
            else:
                listener(*arguments)
