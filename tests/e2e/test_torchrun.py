"""``qaconv evaluate`` by two processes gives what one process gives, to the last bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]


def test_two_processes_evaluate_as_one(qaconv, market, checkpoint, tmp_path):
    options = ["evaluate", "--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint,
               "--device", "cpu", "--rerank", "--tlift", "--no-history"]  # fmt: skip
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    together = [*options, "--save-score", two, "--json", tmp_path / "two.json"]
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [
            sys.executable,
            *launch,
            str(Path(__file__).with_name("run_blocks.py")),
            *map(str, together),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("): 5 queries") == 1  # only the first process speaks
    qaconv(*options, "--save-score", one, "--json", tmp_path / "one.json")
    alone, shared = (np.load(path) for path in (one, two))
    assert set(alone) == set(shared)
    for name in alone:
        np.testing.assert_array_equal(shared[name], alone[name], err_msg=name)
    results = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "two")]
    assert results[0]["results"] == results[1]["results"]


def test_several_processes_need_the_store(qaconv, market, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = qaconv("evaluate", "--dataset", "market", "--data-dir", market, "--no-cache", status=2)
    assert "--no-cache" in done.complaint
