"""The next item is made while the present one is worked on, and nothing is left behind."""

from __future__ import annotations

import contextlib
import threading

import pytest

from qaconv_core.extraction.prefetch import prefetched

WAIT = 10


def threads():
    return [t.name for t in threading.enumerate() if t.name.startswith("qaconv prefetch")]


def counted(made, closed, upto=5):
    try:
        for number in range(upto):
            made.append(number)
            yield number
    finally:
        closed.append(True)


def test_all_items_in_order():
    made, closed = [], []
    assert list(prefetched(counted(made, closed))) == [0, 1, 2, 3, 4]
    assert closed == [True]
    assert threads() == []
    assert list(prefetched(counted([], [], upto=0))) == []


def test_exactly_one_is_made_meanwhile():
    asked = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(asked):
            event.set()
            yield number

    found = prefetched(items())
    with contextlib.closing(found):
        for number in range(2):
            assert next(found) == number
            assert asked[number + 1].wait(WAIT)
            assert not asked[number + 2].is_set()


def test_what_goes_wrong_is_raised_in_its_turn():
    def items():
        yield 1
        raise ZeroDivisionError("in the making")

    found = prefetched(items())
    assert next(found) == 1
    with pytest.raises(ZeroDivisionError, match="in the making"):
        next(found)
    assert threads() == []


def test_closing_early_ends_the_thread_and_closes_the_items():
    made, closed = [], []
    found = prefetched(counted(made, closed, upto=1000))
    assert next(found) == 0
    found.close()
    assert closed == [True]
    assert made == [0, 1]
    assert threads() == []
