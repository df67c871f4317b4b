"""What jobs take of memory is what was forecast for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def measured(job: str, *sizes: int) -> tuple[int, int]:
    """(forecast, taken), bytes, of a job in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("memory_job.py")), job, *map(str, sizes)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    forecast, taken = map(int, done.stdout.split())
    return forecast, taken


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("job", "sizes"),
    [
        ("scoring", (6000, 1)),  # symmetric; a result kept by each block would double it
        ("scoring", (6000, 0)),
        ("re-ranking", (600, 5000)),
        ("tlift", (2000, 8000)),
        ("measures", (2500, 16000)),
        ("search", (60000, 2)),
        ("training", (64, 64)),
        ("frozen", (64, 32)),
    ],
)
def test_memory_is_within_a_quarter_of_the_forecast(job, sizes):
    forecast, taken = measured(job, *sizes)
    for _ in range(2):
        if taken > 0.75 * forecast:
            break
        # What was freed before the job began may have served it.
        taken = max(taken, measured(job, *sizes)[1])
    assert 0.75 * forecast < taken < 1.25 * forecast, f"{taken:,} of {forecast:,}"
