"""A small data set of real files, a small model, and the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from qaconv_core.cli import main
from tests.checkpoints import head_state, published_checkpoint, write_checkpoint

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


def small_checkpoint() -> dict[str, object]:
    """ResNet-18 to layer4 without a neck: its 12×4 grid makes scoring cheap."""
    torch.manual_seed(4)
    content = published_checkpoint("v2.1", "resnet18", "layer4", 16)
    head = head_state(48)
    # Positive weights: what matches must speak for a match, or rankings would be noise.
    head["fc.weight"] = head["fc.weight"].abs()
    content["criterion"] = {f"matcher.{name}": value for name, value in head.items()}
    return content


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A small model of the newest published form."""
    return write_checkpoint(
        tmp_path_factory.mktemp("model") / "checkpoint.pth.tar", small_checkpoint()
    )


def person(pid: int, view: int, size: tuple[int, int] = (48, 128)) -> Image.Image:
    """A picture that looks alike for one pid: three bands of colour, some noise by view."""
    bands = np.random.default_rng(pid).integers(0, 255, (3, 1, 3))
    noise = np.random.default_rng(1000 * pid + view).normal(0, 12, (size[1], size[0], 3))
    pixels = np.repeat(bands, [size[1] // 4, size[1] // 4, size[1] - 2 * (size[1] // 4)], axis=0)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def write_market(root: Path, people: int = 5, cameras: int = 3) -> Path:
    """A data set in the Market-1501 layout below ``root``/market; returns ``root``."""
    for pid in range(1, people + 1):
        for cam in range(1, cameras + 1):
            for shot in range(2):
                frame = 1000 * pid + 100 * cam + 10 * shot
                folder = "query" if shot == 0 and cam == 1 else "bounding_box_test"
                path = root / "market" / folder / f"{pid:04}_c{cam}s1_{frame:06}_0{shot}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                person(pid, 10 * cam + shot).save(path, quality=92)
    (root / "market" / "bounding_box_train").mkdir()
    person(9, 1).save(root / "market" / "bounding_box_train" / "0009_c1s1_000001_01.jpg")
    person(99, 1).save(root / "market" / "bounding_box_test" / "0000_c2s1_000777_00.jpg")
    person(98, 1).save(root / "market" / "bounding_box_test" / "-1_c2s1_000778_00.jpg")
    return root


@pytest.fixture
def market(tmp_path) -> Path:
    """A data directory with five people, three cameras, two pictures each."""
    return write_market(tmp_path / "daten für Tests")
