"""People of a short video, then of a long one: prints memory before and after the long one."""

from __future__ import annotations

import sys
from pathlib import Path

from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.frames import Sampling
from qaconv_core.detection.job import Work, detect_people
from tests.core.detection.made import write_video
from tests.resident import resident


def walk(number):
    return [(10 + 6 * (number % 40), 60, 24, 72, "red")]


def one_person(picture, video, context):
    return [PersonBox(100.0, 60.0, 24.0, 72.0, 0.9)]


def look(folder, frames):
    video = write_video(folder / f"{frames}.avi", frames=frames, blocks=walk)
    detect_people([video], folder / f"out {frames}", one_person, Work(Sampling(5)))


if __name__ == "__main__":
    look(Path(sys.argv[1]), 60)
    print(resident("VmRSS"), resident("VmHWM"))
    look(Path(sys.argv[1]), 460)
    print(resident("VmHWM"))
