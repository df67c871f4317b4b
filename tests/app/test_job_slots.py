"""Of each kind of job one is under way; nothing is told of one that was replaced."""

from __future__ import annotations

import threading

import pytest
from PyQt5.QtCore import QObject

from app.jobs.job_slots import JobSlots
from qaconv_core.errors import InputError


@pytest.fixture
def gate():
    """Holds jobs until it is set."""
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def slots(runner):
    return JobSlots(runner)


def held(gate, value):
    def work(_context):
        gate.wait(20)
        return value

    return work


def all_ended(qtbot, slots):
    qtbot.waitUntil(lambda: not slots.runner.busy, timeout=20_000)


def test_the_last_job_of_a_kind_is_answered(qtbot, slots, gate):
    got, ended = [], []
    for value in (1, 2):
        slots.replace(
            "rank", "Ranking", held(gate, value), got.append, ended=lambda v=value: ended.append(v)
        )
    slots.replace("other", "Other", held(gate, 3), got.append)
    assert slots.has("rank")
    gate.set()
    all_ended(qtbot, slots)
    assert sorted(got) == [2, 3]
    assert ended == [2]
    assert not slots.has("rank")


def test_a_result_may_start_the_next_job_of_its_kind(qtbot, slots):
    got = []

    def again(value):
        assert not slots.has("rank")
        got.append(value)
        slots.replace("rank", "Ranking", lambda _context: 2, got.append)

    slots.replace("rank", "Ranking", lambda _context: 1, again)
    qtbot.waitUntil(lambda: got == [1, 2], timeout=20_000)
    all_ended(qtbot, slots)
    assert not slots.has("rank")


def test_stopped_jobs_are_forgotten_and_cancelled_ones_tell_their_end(qtbot, slots, gate):
    ended = []
    for name in ("stopped", "cancelled"):
        slots.replace(
            name, name, held(gate, 0), lambda _value: pytest.fail("it was stopped"),
            ended=lambda name=name: ended.append(name),
        )  # fmt: skip
    slots.stop("stopped", "not there")
    slots.cancel("cancelled")
    assert not slots.has("stopped")
    assert slots.has("cancelled")
    gate.set()
    all_ended(qtbot, slots)
    assert ended == ["cancelled"]


def test_a_failure_is_told_to_whoever_still_waits(qtbot, slots, gate):
    problems, told = [], []
    slots.runner.problem.connect(problems.append)

    def fails(_context):
        gate.wait(20)
        raise InputError("no such file")

    slots.replace("read", "Reading", fails, failed=lambda problem: told.append(problem) or True)
    gate.set()
    all_ended(qtbot, slots)
    assert [problem.message for problem in told] == ["no such file"]
    assert problems == []
    assert not slots.has("read")


def test_a_deleted_owner_is_told_nothing(qtbot, runner, gate):
    owner = QObject()
    slots = JobSlots(runner, owner)
    slots.replace("read", "Reading", held(gate, 1), lambda _value: pytest.fail("it is gone"))
    qtbot.waitUntil(lambda: True)
    from PyQt5 import sip

    sip.delete(owner)
    gate.set()
    all_ended(qtbot, slots)
