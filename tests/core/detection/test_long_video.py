"""A long video takes no more memory than a short one, and of the disk the crops alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FRAME = 320 * 240 * 3
LOOKED_AT = 230


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to measure by")
def test_neither_memory_nor_disk_grows_with_frames(tmp_path):
    command = [sys.executable, "-m", "tests.core.detection.long_video", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    now, before, after = map(int, done.stdout.split())
    # A peak at the beginning would hide what frames take.
    assert before - now < LOOKED_AT // 4 * FRAME
    assert after - before < LOOKED_AT // 4 * FRAME
    files = [path for path in (tmp_path / "out 460").rglob("*") if path.is_file()]
    crops = [path for path in files if path.suffix == ".jpg"]
    assert len(crops) == LOOKED_AT
    rest = sum(path.stat().st_size for path in files if path.suffix != ".jpg")
    assert rest < 3000 * LOOKED_AT  # places, times and looks
