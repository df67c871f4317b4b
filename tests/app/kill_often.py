"""Kills a program 50 times while it keeps sessions or decisions; prints what an end took away.

``kill_often.py FOLDER session|decisions``. Children are forked, so that each begins at once.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from app.state.session import Session, load_session, save_session
from qaconv_core.store.decisions import DecisionLog

KILLS = 50


def keep_session(folder: Path, number: int) -> None:
    save_session(folder, replace(Session(), candidate=f"picture {number}"))


def kept_session(folder: Path) -> int:
    found = load_session(folder)
    assert not found.note, found.note
    return int(found.candidate.split()[1])


def decide(folder: Path, number: int) -> None:
    log(folder).decide("q", f"g{number}", "confirm")


def decided(folder: Path) -> int:
    found = [decision.gallery.rsplit("g", 1)[1] for decision in log(folder).all()]
    assert found == [str(number) for number in range(len(found))]
    return len(found) - 1


def log(folder: Path) -> DecisionLog:
    return DecisionLog("set", "/nowhere", folder / "decisions.json")


def main(folder: Path, what: str) -> None:
    keep, kept = {"session": (keep_session, kept_session), "decisions": (decide, decided)}[what]
    chance, number = random.Random(0), 0
    for _ in range(KILLS):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            while True:
                keep(folder, number)
                os.write(write, f"{number}\n".encode())
                number += 1
        os.close(write)
        with os.fdopen(read) as lines:
            acknowledged = [int(lines.readline()) for _ in range(chance.randint(1, 4))]
            time.sleep(chance.random() * 0.01)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            acknowledged += [int(line) for line in lines if line.endswith("\n")]
        assert kept(folder) in (acknowledged[-1], acknowledged[-1] + 1), "something is lost"
        number = kept(folder) + 1
    print(f"{KILLS} kills, {number} kept")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
