"""Nothing a person keeps on this machine may help a test, or be touched by one."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Tests compute little at a time: a second thread waits longer than it works.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Cache and history of this test alone."""
    folder = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("QACONV_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("QACONV_DATA_DIR", str(folder / "data"))
    return folder
