"""A job of several phases has one share of work done and one time left."""

from __future__ import annotations

import pytest

from qaconv_core.progress import Phase, PhasedProgress, Progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def phased(*phases):
    got, clock = [], Clock()
    return PhasedProgress([Phase(s, tuple(n)) for s, *n in phases], got.append, clock), got, clock


def test_the_share_runs_once_from_nothing_to_all():
    report, got, _clock = phased((10, "maps"), (30, "scoring"), (60, "re-ranking"))
    for stage in ("maps", "scoring", "re-ranking"):
        for done in (0, 5, 10):
            report(Progress(stage, done, 10))
    shares = [progress.fraction for progress in got]
    assert shares == pytest.approx([0, 0.05, 0.1, 0.1, 0.25, 0.4, 0.4, 0.7, 1.0])
    assert [progress.stage for progress in got[::3]] == ["maps", "scoring", "re-ranking"]


def test_a_phase_that_is_left_out_counts_as_done():
    report, got, _clock = phased((10, "maps"), (30, "scoring"), (60, "re-ranking"))
    report(Progress("re-ranking", 0, 10))
    assert got[-1].fraction == pytest.approx(0.4)


def test_stages_out_of_the_plan_leave_the_share_as_it_is():
    report, got, _clock = phased((50, "maps"), (50, "scoring"))
    report(Progress("scoring", 5, 10))
    report(Progress("maps", 0, 10))
    report(Progress("surprise", 9, 10))
    assert [progress.fraction for progress in got] == pytest.approx([0.75] * 3)


def test_a_stage_may_come_twice_in_the_plan():
    report, got, _clock = phased((25, "ranking"), (50, "normalising"), (25, "ranking", "lifting"))
    for stage in ("ranking", "normalising", "lifting"):
        report(Progress(stage, 10, 10))
    assert [progress.fraction for progress in got] == pytest.approx([0.25, 0.75, 1.0])


def test_time_left_is_that_of_the_whole_job_at_this_machines_pace():
    report, got, clock = phased((10, "maps"), (30, "scoring"))
    report(Progress("maps", 0, 10))
    assert got[-1].eta is None
    clock.now = 10.0  # half of the first phase took 10 s where 5 were expected
    report(Progress("maps", 5, 10, eta=10.0))
    assert got[-1].eta == pytest.approx(10 + 60)
    clock.now = 80.0
    report(Progress("scoring", 10, 10, eta=0.0))
    assert got[-1].eta == pytest.approx(0.0)
