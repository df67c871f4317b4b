"""Memory that a program frees and wants again at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qaconv_core import heap

ROOT = Path(__file__).parents[2]
BLOCK = 48 << 20
JOB = f"""
import resource, sys
from contextlib import nullcontext
from qaconv_core.heap import kept_heap
from tests.resident import resident

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def fill():
    bytearray(b"x") * {BLOCK}

how = {{"kept": kept_heap, "free": nullcontext}}[sys.argv[1]]
before = resident("VmRSS")
with how():
    with how():
        fill()
    began = faults()
    for _ in range(10):
        fill()
    counted, inside = faults() - began, resident("VmRSS") - before
print(counted, inside, resident("VmRSS") - before)
"""


def run(how: str) -> tuple[int, int, int]:
    """Pages asked for anew in ten rounds, and bytes that the process has more, then and after."""
    done = subprocess.run(
        [sys.executable, "-c", JOB, how],
        capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    counted, inside, after = map(int, done.stdout.split())
    return counted, inside, after


@pytest.mark.skipif(heap._gnu_library() is None, reason="another C library")
def test_what_is_freed_is_used_again_and_given_back_at_the_end():
    pages = BLOCK // os.sysconf("SC_PAGESIZE")
    usual, _, _ = run("free")
    kept, inside, after = run("kept")
    assert usual > 9 * pages  # else there is nothing to keep, and kept_heap can go
    assert kept < pages
    assert inside > 0.9 * BLOCK
    assert after < 0.5 * BLOCK


def test_where_the_c_library_is_another_nothing_happens(monkeypatch):
    monkeypatch.setattr(heap, "_gnu_library", lambda: None)
    with heap.kept_heap():
        assert heap._users == 0


@pytest.mark.skipif(heap._gnu_library() is None, reason="another C library")
def test_it_ends_with_its_last_user_also_by_an_error():
    def fail() -> None:
        assert heap._users == 2
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), heap.kept_heap(), heap.kept_heap():
        fail()
    assert heap._users == 0
