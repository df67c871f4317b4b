"""Events without Qt: state says that it changed, and its listeners read it again."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

Listener = Callable[..., Any]


class Event:
    """Notifies listeners that something changed.

    Methods are held weakly, so that a closed view is not kept alive as a listener; plain functions
    are held as they are. Events are emitted and heard in the window's thread only. An event with a
    ``queue`` is delivered by it, without arguments; where it does not ``settle``, it alone is no
    reason to tell the queue's ``settled``.
    """

    def __init__(self, queue: EventQueue | None = None, settles: bool = True) -> None:
        self._listeners: list[Callable[[], Listener | None]] = []
        self._queue, self.settles = queue, settles

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
        """Call every listener, now or when the queue comes to it."""
        if self._queue is None:
            self.deliver(*arguments)
        else:
            self._queue.add(self)

    def deliver(self, *arguments: Any) -> None:
        """Call every listener now. The first exception is raised once all have been called."""
        failure: Exception | None = None
        for held in list(self._listeners):
            listener = held()
            if listener is None:
                self._listeners.remove(held)
                continue
            try:
                listener(*arguments)
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure


class EventQueue:
    """Delivers events one after another, so that the order of an event's listeners does not matter.

    An event that a listener emits is delivered after the present one has reached all its
    listeners. Changes that a listener requests (:meth:`postpone`) are made once no event waits.
    ``settled`` comes when nothing waits any more; what its listeners change is delivered in the
    same way, and it comes again. What is to be done :meth:`afterwards` comes last.
    """

    def __init__(self) -> None:
        self.settled = Event()
        self.delivering = False
        """Whether listeners are being called now, those of ``settled`` apart."""
        self._events: deque[Event] = deque()
        self._changes: deque[Callable[[], None]] = deque()
        self._due: dict[Event, None] = {}
        self._unsettled = self._running = False
        self._batches = 0

    def add(self, event: Event) -> None:
        """Deliver an event; one that waits already is delivered once."""
        if event not in self._events:
            self._events.append(event)
        self._run()

    def postpone(self, change: Callable[[], None]) -> None:
        """Call ``change`` once no event waits."""
        self._changes.append(change)
        self._run()

    def afterwards(self, listener: Listener, *events: Event) -> None:
        """Call ``listener`` once after any of ``events``, with all that follows from them.

        For what costs time and depends on much: one key changes several things.
        """
        listeners = Event()
        listeners.connect(listener)
        for event in events:
            event.connect(lambda: self._due.setdefault(listeners))

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Hold events back until the end of several changes."""
        self._batches += 1
        try:
            yield
        finally:
            self._batches -= 1
            self._run()

    def _run(self) -> None:
        if self._running or self._batches:
            return
        self._running = True
        failure: Exception | None = None
        try:
            while self._events or self._changes or self._unsettled or self._due:
                try:
                    self._advance()
                except Exception as error:  # the other listeners are notified nevertheless
                    failure = failure or error
        finally:
            self._running = False
        if failure is not None:
            raise failure

    def _advance(self) -> None:
        if self._events:
            event = self._events.popleft()
            self.delivering = True
            self._unsettled = self._unsettled or event.settles
            try:
                event.deliver()
            finally:
                self.delivering = False
        elif self._changes:
            self._changes.popleft()()
        elif self._unsettled:
            self._unsettled = False
            self.settled.deliver()
        else:
            listeners = next(iter(self._due))
            del self._due[listeners]
            listeners.deliver()
