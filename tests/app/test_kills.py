"""What was acknowledged outlives 50 kills at random moments."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("what", ["session", "decisions"])
def test_nothing_acknowledged_is_lost_in_50_kills(tmp_path, what):
    script = Path(__file__).with_name("kill_often.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), what],
        capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("50 kills")
