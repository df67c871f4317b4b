"""Renders people, trains a small model on them and exports it; stops in time and goes on where it
was stopped.

For machines that are at hand for minutes: call it again with the same folder until it says that the
model is there. It renders on all cores, and trains on a GPU where there is one. Usage:

    python tools/make_model.py --assets DIR --work DIR --model FILE [--minutes 9] [--seeds 19]
        [-- options of qaconv train, e.g. --teacher demo --average 0.2]

Exit status 0 when the model is there, 3 when there is more to do.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GRACE = 20.0
"""Seconds before the end at which a command is asked to save and stop."""
MORE = 3


class OutOfTime(Exception):
    """The time is up; what was done is kept."""


def run_until(deadline: float, command: list[str]) -> None:
    """``qaconv`` with arguments; asks it to stop as Ctrl-C does before ``deadline``."""
    left = deadline - GRACE - time.monotonic()
    if left <= 0:
        raise OutOfTime
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    whole = [sys.executable, "-m", "qaconv_core", *command]
    with subprocess.Popen(whole, env={**os.environ, "PYTHONPATH": paths}) as process:
        try:
            status = process.wait(left)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise OutOfTime from None
    if status:
        sys.exit(status)


def render(options: argparse.Namespace, deadline: float) -> list[Path]:
    """Folders of people, one a seed: half of them in the usual manner, half as in streets."""
    folders = []
    for number in range(options.seeds):
        manner = ("usual", "street")[number % 2]
        folder = options.work / f"{manner}{options.first_seed + number}"
        done = folder.with_suffix(".done")
        if not done.exists():
            run_until(deadline, [
                "people", "--assets", str(options.assets), "--out", str(folder),
                "--people", str(options.people), "--cameras", "8", "--images-per-camera", "2",
                "--seed", str(options.first_seed + number), "--manner", manner, "--labels",
                "--size", "192x96", "--split", "train", "--quiet",
            ])  # fmt: skip
            done.touch()
        folders.append(folder)
    return folders


def train(options: argparse.Namespace, folders: list[Path], deadline: float) -> None:
    """One run over all folders, resumed where it was begun before."""
    runs = options.work / "runs"
    begun = any(runs.glob("*/*/*/checkpoint.pth.tar"))
    run_until(deadline, [
        "train", "--recipe", "lite", "--dataset", ",".join(map(str, folders)),
        "--exp-dir", str(runs), "--sub_method", "model", "--export", str(options.model),
        *options.train, *(["--resume"] if begun else []),
    ])  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=Path, required=True, help="see docs/people.md")
    parser.add_argument("--work", type=Path, required=True, help="folder for all that is made")
    parser.add_argument("--model", type=Path, required=True, help="file of the finished model")
    parser.add_argument("--minutes", type=float, default=9.0, help="of one call")
    parser.add_argument("--seeds", type=int, default=19)
    parser.add_argument("--first-seed", type=int, default=3001)
    parser.add_argument("--people", type=int, default=200, help="of one seed")
    parser.add_argument("train", nargs="*", help="options of qaconv train, after --")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * options.minutes
    try:
        train(options, render(options, deadline), deadline)
    except OutOfTime:
        print("the time is up: call again with the same folder", file=sys.stderr)
        return MORE
    return 0


if __name__ == "__main__":
    sys.exit(main())
