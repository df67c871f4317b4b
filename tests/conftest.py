"""Nothing a person keeps on this machine may help a test, or be touched by one."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

from tests.serving import server  # noqa: F401  # a fixture of all tests

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# The same examples in every run; `--hypothesis-profile=default` draws others.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
# Tests compute little at a time: a second thread waits longer than it works.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Qt complains of a system without a session, and complaints of Qt fail a test.
if "XDG_RUNTIME_DIR" not in os.environ:
    _runtime = tempfile.TemporaryDirectory(prefix="qaconv-tests-")  # 0700, gone at the end
    os.environ["XDG_RUNTIME_DIR"] = _runtime.name


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Cache, history, weights and temporary files of this test alone; gone at its end."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)  # looked up anew
    monkeypatch.setenv("QACONV_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("QACONV_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the fuzzing of tests/fuzz runs."""
    parser.addoption("--fuzz", type=int, default=0, metavar="N", help="damaged inputs to try")
