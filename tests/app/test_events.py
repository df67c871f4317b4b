"""Events are delivered one after another; what listeners change is heard by all of them."""

from __future__ import annotations

import weakref

import pytest

from app.state.events import Event, EventQueue
from app.state.workspace import Workspace


def test_an_event_that_a_listener_emits_waits_for_the_other_listeners():
    queue, heard = EventQueue(), []
    first, second = Event(queue), Event(queue)

    def emits() -> None:
        heard.append("first, emits")
        second.emit()

    first.connect(emits)
    first.connect(lambda: heard.append("first"))
    second.connect(lambda: heard.append("second"))
    queue.settled.connect(lambda: heard.append("settled"))
    first.emit()
    assert heard == ["first, emits", "first", "second", "settled"]


def test_a_batch_is_heard_of_at_its_end_and_each_event_once():
    queue, heard = EventQueue(), []
    event = Event(queue)
    event.connect(lambda: heard.append("event"))
    queue.settled.connect(lambda: heard.append("settled"))
    with queue.batch():
        event.emit()
        event.emit()
        assert heard == []
    assert heard == ["event", "settled"]


def test_what_follows_when_all_is_settled_may_change_more():
    queue, heard = EventQueue(), []
    event = Event(queue)
    event.connect(lambda: heard.append("event"))

    def once_more() -> None:
        heard.append("settled")
        if len(heard) < 4:
            event.emit()

    queue.settled.connect(once_more)
    event.emit()
    assert heard == ["event", "settled"] * 2


def test_a_listener_that_fails_keeps_no_other_from_hearing():
    queue, heard = EventQueue(), []
    event, next_event = Event(queue), Event(queue)

    def fails() -> None:
        next_event.emit()
        raise IndexError("no such row")

    event.connect(fails)
    event.connect(lambda: heard.append("event"))
    next_event.connect(lambda: heard.append("next"))
    queue.settled.connect(lambda: heard.append("settled"))
    with pytest.raises(IndexError):
        event.emit()
    assert heard == ["event", "next", "settled"]
    event.disconnect(fails)
    event.emit()
    assert heard[3:] == ["event", "settled"]


def test_the_selection_does_not_change_while_listeners_are_told_of_it():
    space, heard = Workspace(), []

    def chooses_another() -> None:
        space.select_queries((2,))
        space.change_look(mode="heat")

    space.selection_changed.connect(chooses_another)
    for _ in range(2):
        space.selection_changed.connect(
            lambda: heard.append((space.selection.queries, space.look.mode))
        )
    space.select_queries((1,))
    assert heard == [((1,), "lines")] * 2 + [((2,), "lines")] * 2
    assert space.look.mode == "heat"


class Drawn:
    """Counts how often it is drawn, and as what."""

    def __init__(self, queue: EventQueue, *events: Event) -> None:
        self.value, self.drawn = 0, []
        queue.afterwards(self.draw, *events)

    def draw(self) -> None:
        self.drawn.append(self.value)


def test_what_is_done_afterwards_is_done_once_and_last():
    queue = EventQueue()
    first, second = Event(queue), Event(queue)
    view = Drawn(queue, first, second)

    def follow() -> None:
        if view.value == 1:
            view.value = 2
            second.emit()

    queue.settled.connect(follow)
    first.connect(second.emit)
    view.value = 1
    first.emit()
    assert view.drawn == [2]
    first.emit()
    assert view.drawn == [2, 2]


def test_what_is_done_afterwards_may_change_things_and_does_not_keep_its_view():
    queue = EventQueue()
    event, other = Event(queue), Event(queue)
    heard = []
    other.connect(lambda: heard.append("other"))
    view = Drawn(queue, event)
    queue.afterwards(other.emit, event)
    event.emit()
    assert (view.drawn, heard) == ([0], ["other"])
    gone = weakref.ref(view)
    del view
    event.emit()
    assert gone() is None
    assert heard == ["other", "other"]
