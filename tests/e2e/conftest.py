"""A small data set of real files, a small model, and the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from qaconv_core.cli import main
from tests.checkpoints import write_checkpoint
from tests.small_world import small_checkpoint, write_market

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The last line on stderr, which is all that bad input may add to it."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


@pytest.fixture
def qaconv(own_folders, tmp_path, monkeypatch, capfd):
    """Runs a command line in this process, in an empty folder: main() with its real arguments."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)

    def run(*arguments: object, status: int | None = 0) -> Finished:
        capfd.readouterr()
        code = main([*map(str, arguments)])
        return checked(Finished(code, *capfd.readouterr()), status)

    yield run
    torch.set_num_threads(threads)


@pytest.fixture
def qaconv_process(own_folders, tmp_path):
    """Runs ``python -m qaconv_core`` in a process of its own, as a user does."""

    def run(*arguments: object, status: int | None = 0, timeout: float = 900) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "qaconv_core", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": "1",
                "PYTHONIOENCODING": "utf-8",
            },
            timeout=timeout,
        )
        return checked(Finished(done.returncode, done.stdout, done.stderr), status)

    return run


def checked(finished: Finished, status: int | None) -> Finished:
    """No traceback reaches a user; the status is the expected one."""
    assert "Traceback" not in finished.err, finished.err
    if status is not None:
        assert finished.status == status, finished.err
    return finished


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A small model of the newest published form."""
    return write_checkpoint(
        tmp_path_factory.mktemp("model") / "checkpoint.pth.tar", small_checkpoint()
    )


@pytest.fixture
def market(tmp_path) -> Path:
    """A data directory with five people, three cameras, two pictures each."""
    return write_market(tmp_path / "daten für Tests")
