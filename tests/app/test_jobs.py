"""Jobs end in the state they deserve, whatever the work does."""

from __future__ import annotations

import os
import sys
import threading
from functools import partial

import pytest

from app.jobs.job import JobState
from qaconv_core.errors import InputError
from qaconv_core.progress import Tracker


def ended(qtbot, job):
    with qtbot.waitSignal(job.ended, timeout=5000):
        pass
    return job.state


def test_a_result_arrives_in_the_windows_thread(qtbot, runner):
    got = []
    job = runner.start(
        "counting",
        lambda _c: threading.current_thread().name,
        done=lambda value: got.append((value, threading.current_thread())),
    )
    assert ended(qtbot, job) is JobState.DONE
    assert got[0][0].startswith("qaconv-interactive")
    assert got[0][1] is threading.main_thread()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("wrapped C++ object"), "a fault of the program (RuntimeError"),
        (InputError("x.pth: not a checkpoint"), "x.pth: not a checkpoint"),
        (MemoryError(), "not enough memory"),
        (SystemExit(3), "a fault of the program (SystemExit"),
        (OSError(28, "No space left on device", "maps.f16"), "maps.f16: No space left"),
    ],
)
def test_no_error_vanishes(qtbot, runner, error, message):
    def work(_context):
        raise error

    problems = []
    runner.problem.connect(problems.append)
    job = runner.start("failing", work)
    assert ended(qtbot, job) is JobState.FAILED
    assert message in problems[0].message
    assert problems[0].what == "failing"
    assert "Traceback" in problems[0].details


def test_whoever_shows_a_problem_is_not_told_twice(qtbot, runner):
    told, shown = [], []
    runner.problem.connect(told.append)

    def work(_context):
        raise InputError("no")

    job = runner.start("failing", work, failed=lambda p: shown.append(p) or True)
    ended(qtbot, job)
    assert len(shown) == 1
    assert told == []


def test_cancelling_is_asked_noticed_and_waited_for(qtbot, runner):
    started = threading.Event()
    states, results = [], []

    def work(context):
        tracker = Tracker("steps", None, callback=context.progress, cancel=context.cancel)
        started.set()
        while True:
            tracker.advance()

    job = runner.start("endless", work, done=results.append)
    job.state_changed.connect(states.append)
    qtbot.waitUntil(started.is_set)
    job.cancel()
    assert ended(qtbot, job) is JobState.CANCELLED
    assert JobState.CANCELLING in states
    assert results == []


def test_a_late_answer_of_a_cancelled_job_is_dropped(qtbot, runner):
    go, results = threading.Event(), []
    job = runner.start("late", lambda _c: go.wait(5), done=results.append)
    job.cancel()
    go.set()
    assert ended(qtbot, job) is JobState.CANCELLED
    assert results == []


@pytest.mark.parametrize(
    ("error", "state"),
    [(InputError("gone.jpg: no such file"), JobState.CANCELLED), (KeyError("x"), JobState.FAILED)],
)
def test_a_cancelled_job_that_fails_tells_only_faults_of_the_program(qtbot, runner, error, state):
    go, told = threading.Event(), []
    runner.problem.connect(told.append)

    def work(_context):
        go.wait(5)
        raise error

    started = threading.Event()
    job = runner.start("late", lambda c: (started.set(), work(c)))
    started.wait(5)
    job.cancel()
    go.set()
    assert ended(qtbot, job) is state
    assert len(told) == (state is JobState.FAILED)


def test_a_fault_in_what_follows_is_told(qtbot, runner):
    problems = []
    runner.problem.connect(problems.append)
    job = runner.start("fine", lambda _c: 1, done=lambda value: value / 0)
    ended(qtbot, job)
    assert "ZeroDivisionError" in problems[0].message


def test_closing_stops_what_runs_and_what_waits(qtbot, runner):
    started = threading.Event()

    def work(context):
        started.set()
        while True:
            context.cancel.raise_if_cancelled()

    runner.start("running", work)
    runner.start("waiting", lambda _c: 1)
    qtbot.waitUntil(started.is_set)
    runner.close()


def test_quiet_jobs_are_not_listed(qtbot, runner):
    seen = []
    runner.added.connect(seen.append)
    job = runner.start("quick", lambda _c: 1, quiet=True)
    ended(qtbot, job)
    assert seen == []


def test_what_is_long_stands_still_while_a_person_waits(qtbot, runner):
    """A long job reports a step; the next one comes only after the job that is waited for."""
    order, begun, waiting = [], threading.Event(), threading.Event()

    def long(context):
        tracker = Tracker("measuring", 2, "pairs", context.progress, context.cancel)
        begun.set()
        assert waiting.wait(5)
        tracker.advance()
        order.append("long")

    def short(_context):
        waiting.set()
        threading.Event().wait(0.2)
        order.append("short")

    slow = runner.start("measuring", long, lane="long")
    assert begun.wait(5)
    runner.start("next candidate", short)
    assert ended(qtbot, slow) is JobState.DONE
    assert order == ["short", "long"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="niceness is the process's")
def test_the_system_prefers_all_other_threads_to_those_of_long_jobs(qtbot, runner):
    def niceness(_context=None):
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    found = {}
    for lane in ("interactive", "maps", "long", "files", "records"):
        done = partial(found.__setitem__, lane)
        assert ended(qtbot, runner.start(lane, niceness, lane=lane, done=done)) is JobState.DONE
    assert found.pop("long") > niceness()
    assert {*found.values()} == {niceness()}


def test_what_is_held_begins_at_its_release_in_order(qtbot, runner):
    ran = []
    runner.hold()
    jobs = [runner.start(f"job {n}", lambda _c, n=n: ran.append(n)) for n in range(3)]
    qtbot.wait(50)
    assert [job.state for job in jobs] == [JobState.QUEUED] * 3
    assert runner.busy
    runner.release()
    assert ended(qtbot, jobs[-1]) is JobState.DONE
    assert ran == [0, 1, 2]
    assert ended(qtbot, runner.start("later", lambda _c: ran.append(3))) is JobState.DONE


def test_records_that_are_held_are_kept_when_the_window_closes(qtbot, runner):
    ran = []
    runner.hold()
    runner.start("maps", lambda _c: ran.append("maps"), lane="maps")
    runner.start("decision", lambda _c: ran.append("decision"), lane="records")
    runner.close()
    assert ran == ["decision"]
