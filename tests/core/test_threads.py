"""Threads: how they wait, how many there are at once, and what they keep in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from qaconv_core import threads
from qaconv_core.data.resources import resources_folder
from qaconv_core.threads import (
    BUDGET,
    COURTESY,
    GRACE,
    PATIENCE,
    SPIN,
    CoreBudget,
    for_each_thread,
    give_way,
    in_threads,
    spin_briefly,
)

ROOT = Path(__file__).parents[2]


class TestSpinning:
    def test_short_unless_something_is_set(self):
        empty: dict[str, str] = {}
        spin_briefly(empty)
        assert empty == SPIN
        for name in threads.WAITING:
            own = {name: "7"}
            spin_briefly(own)
            assert own == {name: "7"}

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libgomp is Linux's")
    @pytest.mark.parametrize("start", ["-m qaconv_core", "run_gui.py", "-m torch.distributed.run"])
    def test_every_entry_point_sets_it_before_torch(self, start, tmp_path):
        """libgomp itself says, as it is loaded, what it was told."""
        found = loaded_with(start, tmp_path, {})
        assert "GOMP_SPINCOUNT = '1000'" in found, found

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libgomp is Linux's")
    def test_what_the_user_set_stays(self, tmp_path):
        found = loaded_with("-m qaconv_core", tmp_path, {"GOMP_SPINCOUNT": "77"})
        assert "GOMP_SPINCOUNT = '77'" in found
        assert "'1000'" not in found


def loaded_with(start: str, folder: Path, settings: dict[str, str]) -> str:
    """What libgomp says of its settings in a program that was started so."""
    person = str(next(resources_folder().rglob("*.jpg")))
    more = {
        "run_gui.py": [],
        "-m qaconv_core": ["match", person, person],
        "-m torch.distributed.run": [
            "--standalone", "--nproc-per-node=1", "-m", "qaconv_core", "match", person, person,
        ],
    }[start]  # fmt: skip
    kept = {k: v for k, v in os.environ.items() if k not in threads.WAITING}
    kept |= {"OMP_DISPLAY_ENV": "VERBOSE", "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    kept |= {
        name: str(folder) for name in ("QACONV_CACHE_DIR", "XDG_CONFIG_HOME", "HOME")
    } | settings
    said = folder / "said"
    with said.open("w") as out:
        program = subprocess.Popen(
            [sys.executable, *start.split(), *more], cwd=ROOT, env=kept, stdout=out, stderr=out
        )
        # It is enough that it has loaded torch, of which a window does so in a thread, and stays.
        until = time.monotonic() + 120
        count = settings.get("GOMP_SPINCOUNT", "1000")
        while program.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
            if f"GOMP_SPINCOUNT = '{count}'" in said.read_text():
                program.terminate()
        program.kill()
        program.wait()
    return said.read_text()


class TestInThreads:
    def test_every_result_comes_once(self):
        for workers in (1, 2, 5):
            assert sorted(in_threads(lambda n: n * n, range(50), workers)) == [
                n * n for n in range(50)
            ]

    def test_few_results_wait_to_be_taken(self):
        begun = []

        def work(number: int) -> int:
            begun.append(number)
            return number

        results = in_threads(work, range(100), 3)
        for taken in range(1, 101):
            next(results)
            time.sleep(0.001)  # time enough for a helper that knew no bound
            assert len(begun) <= taken + 2 * 3
        assert sorted(begun) == list(range(100))

    def test_an_error_drops_what_is_not_begun(self):
        begun = []

        def work(number: int) -> int:
            begun.append(number)
            if number == 4:
                raise ValueError("four")
            return number

        with pytest.raises(ValueError, match="four"):
            list(in_threads(work, range(1000), 2))
        assert len(begun) < 20

    def test_leaving_early_drops_what_is_not_begun(self):
        begun = []
        results = in_threads(begun.append, range(1000), 2)
        next(results)
        results.close()
        assert len(begun) < 20


class TestBudget:
    def test_outside_of_jobs_nothing_is_said(self):
        budget = CoreBudget(lambda: 8)
        assert budget.share() is None
        budget.step_aside()

    def test_jobs_of_a_kind_share_the_cores(self):
        budget = CoreBudget(lambda: 8)
        with budget.job(False):
            assert budget.share() == 8
            with Beside(budget, False) as other:
                assert budget.share() == other.share() == 4
            assert budget.share() == 8

    def test_a_job_somebody_waits_for_gets_all(self):
        budget = CoreBudget(lambda: 8)
        with budget.job(False), Beside(budget, True) as waited_for:
            assert waited_for.share() == 8
            assert budget.share() == 1

    def test_the_background_stands_still_meanwhile(self):
        budget = CoreBudget(lambda: 2)
        with budget.job(False):
            began = time.monotonic()
            with Beside(budget, True) as waited_for:
                threading.Timer(0.1, waited_for.end).start()
                budget.step_aside()
                assert 0.1 + GRACE <= time.monotonic() - began < PATIENCE
            began = time.monotonic()
            budget.step_aside()
            assert time.monotonic() - began < 0.05

    def test_and_while_the_window_draws_what_came_of_it(self):
        budget = CoreBudget(lambda: 2)
        with budget.job(False):
            with Beside(budget, True):
                pass
            began = time.monotonic()
            budget.step_aside()
            assert GRACE / 2 < time.monotonic() - began < PATIENCE

    def test_it_never_waits_for_ever(self):
        budget = CoreBudget(lambda: 2)
        with budget.job(False), Beside(budget, True):
            began = time.monotonic()
            budget.step_aside()
            assert PATIENCE <= time.monotonic() - began < PATIENCE + 1

    def test_it_goes_on_for_a_turn_then(self, monkeypatch):
        monkeypatch.setattr(threads, "PATIENCE", 0.2)
        monkeypatch.setattr(threads, "TURN", 0.6)
        budget = CoreBudget(lambda: 2)
        with budget.job(False), Beside(budget, True):
            budget.step_aside()
            began, steps = time.monotonic(), 0
            while time.monotonic() - began < 0.3:  # half of its turn
                budget.step_aside()
                steps += 1
            assert steps > 100
            time.sleep(0.4)
            began = time.monotonic()
            budget.step_aside()
            assert time.monotonic() - began >= 0.2

    def test_every_thread_of_a_job_stands_still(self, monkeypatch):
        monkeypatch.setattr(threads, "BUDGET", budget := CoreBudget(lambda: 4))
        monkeypatch.setattr(threads, "PATIENCE", 20)
        within, over = threading.Barrier(3, timeout=20), threading.Event()
        ended: list[int] = []

        def work(number: int) -> None:
            within.wait()  # both have begun, and somebody waits for another job
            within.wait()
            budget.step_aside()
            ended.append(number)

        def run() -> None:
            with budget.job(False):
                list(in_threads(work, range(2), 2))
            over.set()

        thread = threading.Thread(target=run)
        thread.start()
        within.wait()
        with budget.job(True):
            within.wait()
            time.sleep(0.2)
            assert not ended
        assert over.wait(20)
        thread.join()
        assert sorted(ended) == [0, 1]

    def test_helpers_of_a_job_that_somebody_waits_for_never_stand_still(self, monkeypatch):
        monkeypatch.setattr(threads, "BUDGET", budget := CoreBudget(lambda: 4))
        monkeypatch.setattr(threads, "PATIENCE", 20)

        def work(number: int) -> int:
            budget.step_aside()
            return number

        with Beside(budget, True), budget.job(True):
            began = time.monotonic()
            assert sorted(in_threads(work, range(20), 4)) == list(range(20))
            assert time.monotonic() - began < 10

    def test_no_job_of_a_list_is_begun_while_somebody_waits(self, monkeypatch):
        monkeypatch.setattr(threads, "BUDGET", budget := CoreBudget(lambda: 4))
        monkeypatch.setattr(threads, "PATIENCE", 20)
        begun: list[int] = []
        for workers in (1, 2):
            begun.clear()
            with budget.job(False), Beside(budget, True) as waited_for:
                threading.Timer(0.2, lambda: begun.append(-1) or waited_for.end()).start()
                list(in_threads(begun.append, range(3), workers))
            assert begun[0] == -1
            assert sorted(begun) == [-1, 0, 1, 2]

    def test_a_narrowed_job_computes_in_one_thread(self, monkeypatch):
        """Ten threads at most while nobody waits, one from when somebody does."""
        monkeypatch.setattr(threads, "BUDGET", budget := CoreBudget(lambda: 10))
        lock, now, most = threading.Lock(), [0], []

        def work(_number: int) -> None:
            with lock:
                now[0] += 1
                most.append(now[0])
            time.sleep(0.005)
            with lock:
                now[0] -= 1

        with budget.job(False):
            list(in_threads(work, range(40), 10))
            assert 1 < max(most) <= 10
            with Beside(budget, True):
                most.clear()
                list(in_threads(work, range(10), 10))
                assert max(most) == 1

    def test_the_users_limit_holds(self, monkeypatch):
        monkeypatch.setattr(threads, "usable_cores", lambda: 8)
        for asked, found in (("3", 3), ("4,2", 4), ("", 8), ("none", 8), ("0", 8), ("99", 8)):
            monkeypatch.setenv("OMP_NUM_THREADS", asked)
            assert threads.thread_limit() == found

    def test_the_engine_asks_it(self, monkeypatch):
        from qaconv_core.matching.plan import cpu_workers

        monkeypatch.setattr(BUDGET, "_cores", lambda: 6)
        with BUDGET.job(False):
            assert cpu_workers() == 6
            with Beside(BUDGET, True):
                assert cpu_workers() == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="niceness is the process's")
def test_a_thread_that_gives_way_is_nicer_than_others_and_so_are_those_that_it_begins():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    found: list[int] = []

    def begin() -> None:
        give_way()
        found.append(niceness())
        own = threading.Thread(target=lambda: found.append(niceness()))
        own.start()
        own.join()

    before = niceness()
    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    assert found == [min(19, before + COURTESY)] * 2
    assert niceness() == before


class Beside:
    """A job in a thread of its own, until the block or :meth:`end`."""

    def __init__(self, budget: CoreBudget, waited_for: bool) -> None:
        self._budget, self._waited_for = budget, waited_for
        self._ready, self._over = threading.Event(), threading.Event()
        self._share = 0
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self._budget.job(self._waited_for):
            self._share = self._budget.share() or 0
            self._ready.set()
            self._over.wait(20)

    def share(self) -> int:
        return self._share

    def end(self) -> None:
        self._over.set()

    def __enter__(self) -> Beside:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()
        self._thread.join()


def test_each_thread_gets_what_was_made_for_it():
    made: list[int] = []

    def make() -> object:
        made.append(threading.get_ident())
        return object()

    get = for_each_thread(make)
    mine, others = get(), []
    thread = threading.Thread(target=lambda: others.extend([get(), get()]))
    thread.start()
    thread.join()
    assert get() is mine
    assert others[0] is others[1]
    assert others[0] is not mine
    assert len(made) == 2
