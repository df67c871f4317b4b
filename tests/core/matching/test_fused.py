"""The fused GPU kernel: right under Triton's interpreter, and never imported for nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from qaconv_core.matching import scores
from qaconv_core.matching.fused import FusedScorer, fused_available, fused_logits
from qaconv_core.matching.scores import score_maps
from tests.core.matching.maps import random_head, unit_maps
from tests.core.matching.run_fused import CASES

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_the_kernel_equals_plain_sums_at_awkward_sizes():
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.matching.run_fused"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    differences = json.loads(done.stdout)
    assert len(differences) == len(CASES)
    for case, found in zip(CASES, differences, strict=True):
        assert found < 2e-5 * (1 + case[2][0] * case[2][1] / 10), case


def test_the_kernel_is_not_imported_before_it_is_used():
    code = (
        "import sys; from qaconv_core.model import load_model; "
        "print([m for m in sys.modules if m.endswith('.triton_kernel')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_it_is_only_for_cuda_and_halves():
    assert not fused_available(torch.device("cpu"))
    with pytest.raises(ValueError, match="float16 or bfloat16"):
        fused_logits(*[torch.zeros(1, 4, 16)] * 2, *[torch.zeros(4)] * 2, 0.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize(("channels", "grid"), [(128, (24, 8)), (16, (5, 3)), (64, (48, 16))])
def test_a_gpu_gives_the_logits_of_the_cpu(channels, grid):
    query, gallery = (unit_maps(n, channels, grid, n, np.float16) for n in (3, 70))
    head = random_head(grid)
    found = score_maps(query, gallery, head, device="cuda")
    np.testing.assert_allclose(found, score_maps(query, gallery, head), atol=1e-3)


def test_a_device_without_the_kernel_takes_the_plain_way(monkeypatch):
    device = torch.device("cuda")
    head, plan = random_head((2, 2)), scores.plan_scoring(1, 1, (16, 2, 2), available=1 << 40)
    maps = unit_maps(1, 16, (2, 2), 1, np.float16)
    monkeypatch.setattr(scores, "ChunkScorer", lambda *_: _Named("chunks"))
    monkeypatch.setattr(scores, "FusedScorer", lambda *_: _Named("fused"))
    for usable, dtype, name in (
        (True, np.float16, "fused"),
        (False, np.float16, "chunks"),
        (True, np.float32, "chunks"),
    ):
        monkeypatch.setattr(scores, "fused_available", lambda _, usable=usable: usable)
        sides = maps.astype(dtype), maps.astype(dtype)
        assert scores._device_scorer(*sides, head, plan, device) == name
    assert FusedScorer(head, torch.device("cpu")).bias == head.bias


class _Named:
    def __init__(self, name):
        self.score = name
