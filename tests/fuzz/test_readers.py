"""Every reader beside thousands of damaged inputs: ``pytest tests/fuzz --fuzz 10000 -n0``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="memory is measured where POSIX is")

from tests.fuzz.readers import READERS

MOST_MEMORY = 1024  # MiB, with the libraries themselves


@pytest.mark.parametrize("reader", READERS)
def test_no_foreign_exception_no_code_little_memory(
    reader: str, request: pytest.FixtureRequest
) -> None:
    inputs = request.config.getoption("--fuzz")
    if not inputs:
        pytest.skip("runs with --fuzz N: so many inputs over all readers")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.readers", reader, str(-(-inputs // len(READERS)))],
        capture_output=True,
        text=True,
        errors="backslashreplace",
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["faults"] == []
    assert found["peak"] < MOST_MEMORY
