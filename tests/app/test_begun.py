"""The order of what is going on over the pictures."""

from __future__ import annotations

from app.state.begun import Begun


def test_the_latest_begun_comes_first():
    now = {"a": False, "b": "", "c": None}
    begun = Begun({name: lambda name=name: now[name] for name in now})
    assert begun.latest_first == []
    for name, value, wanted in (
        ("b", "x", ["b"]),
        ("a", True, ["a", "b"]),
        ("c", 4, ["c", "a", "b"]),
        ("a", True, ["c", "a", "b"]),  # as before
        ("b", "y", ["b", "c", "a"]),  # begun again
        ("c", None, ["b", "a"]),
        ("c", 4, ["c", "b", "a"]),
    ):
        now[name] = value
        begun.follow()
        assert begun.latest_first == wanted


def test_of_two_that_began_at_once_the_inner_one_comes_first():
    assert Begun({"outer": lambda: True, "inner": lambda: True}).latest_first == ["inner", "outer"]
