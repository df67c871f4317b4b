"""The next item is made while the present one is worked on, and nothing is left behind."""

from __future__ import annotations

import contextlib
import threading

import pytest

from qaconv_core.extraction.prefetch import one_ahead

WAIT = 10


def threads():
    return [t.name for t in threading.enumerate() if t.name.startswith("qaconv ahead")]


def counted(made, closed, upto=5):
    try:
        for number in range(upto):
            made.append(number)
            yield number
    finally:
        closed.append(True)


def test_all_items_in_order():
    made, closed = [], []
    assert list(one_ahead(counted(made, closed))) == [0, 1, 2, 3, 4]
    assert closed == [True]
    assert threads() == []
    assert list(one_ahead(counted([], [], upto=0))) == []


def test_exactly_one_is_made_meanwhile():
    asked = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(asked):
            event.set()
            yield number

    ahead = one_ahead(items())
    with contextlib.closing(ahead):
        for number in range(2):
            assert next(ahead) == number
            assert asked[number + 1].wait(WAIT)
            assert not asked[number + 2].is_set()


def test_what_goes_wrong_is_raised_in_its_turn():
    def items():
        yield 1
        raise ZeroDivisionError("in the making")

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError, match="in the making"):
        next(ahead)
    assert threads() == []


def test_closing_early_ends_the_thread_and_closes_the_items():
    made, closed = [], []
    ahead = one_ahead(counted(made, closed, upto=1000))
    assert next(ahead) == 0
    ahead.close()
    assert closed == [True]
    assert made == [0, 1]
    assert threads() == []
