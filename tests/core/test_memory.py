"""What jobs take of memory is what was forecast for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = ("TMPDIR", "QACONV_CACHE_DIR", "QACONV_DATA_DIR", "TORCH_HOME")
Measured = Callable[..., tuple[int, int]]


@pytest.fixture(scope="module")
def measured() -> Iterator[Measured]:
    """(forecast, taken), bytes, of a job in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("memory_job.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                **dict.fromkeys(OWN, folder),
                "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": "1",
            },
        )

        def measure(job: str, *sizes: int) -> tuple[int, int]:
            limit = threading.Timer(300, server.kill)
            limit.start()
            print(job, *sizes, file=server.stdin, flush=True)
            line = server.stdout.readline()
            limit.cancel()
            found = json.loads(line or '{"error": "no answer"}')
            assert "error" not in found, found["error"]
            return found["forecast"], found["taken"]

        yield measure
        server.communicate()  # the end of what it reads ends it


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("job", "sizes"),
    [
        ("scoring", (5000, 1)),  # symmetric; a result kept by each block would double it
        ("scoring", (4000, 0)),
        ("re-ranking", (600, 5000)),
        ("tlift", (2000, 8000)),
        ("measures", (2500, 16000)),
        ("search", (60000, 2)),
        ("training", (64, 64)),
        ("frozen", (64, 32)),
    ],
)
def test_memory_is_within_a_quarter_of_the_forecast(job, sizes, measured):
    forecast, taken = measured(job, *sizes)
    for _ in range(2):
        if taken > 0.75 * forecast:
            break
        # What could not be given back before the job began may have served it.
        taken = max(taken, measured(job, *sizes)[1])
    assert 0.75 * forecast < taken < 1.25 * forecast, f"{taken:,} of {forecast:,}"
