"""What an evaluation is said to need, and room for its matrices."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from qaconv_core.errors import MemoryLimitError
from qaconv_core.evaluation import forecasts
from qaconv_core.evaluation.forecasts import file_matrix, forecast, matrix_bytes
from qaconv_core.evaluation.methods import MethodOptions
from qaconv_core.matching.plan import plan_scoring

MSMT = (11659, 82161)
EVERYTHING = MethodOptions(rerank=True, tlift=True)


class Model:
    """As much of a model as a forecast asks for."""

    map_shape = (128, 24, 8)
    head = SimpleNamespace(symmetric=True)

    def plan(self, queries, galleries, in_memory):
        return plan_scoring(
            queries, galleries, self.map_shape, available=1 << 62, result_in_memory=in_memory
        )


def told(monkeypatch, free, sizes=MSMT, **options):
    monkeypatch.setattr(forecasts, "available_memory", lambda device: free)
    return forecast(Model(), *sizes, EVERYTHING, **options)


def test_in_files_the_largest_benchmark_needs_little_memory(monkeypatch):
    found = told(monkeypatch, 16 << 30, on_disk=True)
    p, g = MSMT
    assert 4 * p * g < found.memory_bytes < 5 << 30
    assert found.disk_bytes == 4 * (4 * p * g + p * p + g * g)
    assert "of memory" in found.describe()
    assert found.describe().endswith("GiB meanwhile")


def test_in_memory_it_needs_all_matrices_and_names_the_way_out(monkeypatch):
    with pytest.raises(MemoryLimitError, match="--on-disk"):
        told(monkeypatch, 16 << 30)
    found = told(monkeypatch, 64 << 30)
    assert found.memory_bytes >= matrix_bytes(*MSMT, EVERYTHING)
    assert found.disk_bytes == 0


def test_a_full_disk_is_met_before_the_program_ends_without_a_word(tmp_path, monkeypatch):
    place = file_matrix(tmp_path / "scores.f32", (3, 5))
    assert (place.shape, place.dtype) == ((3, 5), np.dtype(np.float32))
    usage = SimpleNamespace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(MemoryLimitError, match=r"needs 400 B, 100 B are free there.*CACHE_DIR"):
        file_matrix(tmp_path / "large.f32", (10, 10))
    assert not (tmp_path / "large.f32").exists()
