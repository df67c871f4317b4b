"""What the file names of the published data sets say.

Every pattern is held against the whole name. An unanchored ``_c(\\d)`` reads camera 12 as 1, and
Market-1501's pattern, searched for, "finds" person 00 and camera 0 in RandPerson's names.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from qaconv_core.naming import person_label, person_words
from qaconv_core.types import ImageRef

DISTRACTOR = "distractor"

_FLAGS = re.ASCII | re.IGNORECASE | re.DOTALL


class Fields(NamedTuple):
    """Numbers in a file name, as written there (cameras of most sets count from 1)."""

    pid: int
    camera: int
    scene: int = 0
    frame: int = 0


class NamePattern:
    """How a data set names its pictures: groups pid, camera and perhaps scene and frame."""

    def __init__(self, pattern: str, example: str) -> None:
        self._regex = re.compile(pattern, _FLAGS)
        self.example = example

    def read(self, name: str) -> Fields | None:
        """The numbers in ``name``; None when it is not named that way."""
        match = self._regex.fullmatch(name)
        if match is None:
            return None
        return Fields(**{key: int(value) for key, value in match.groupdict().items()})


# Digits are bounded so that no name can hold a number beyond 64 bits. The tail is free: the
# archive of Market-1501 has 1488_c1s6_023021_00.jpg.jpg.
_PID = r"(?P<pid>-1|\d{1,9})"
_TAIL = r"(?:[^0-9].*)"

MARKET = NamePattern(
    rf"{_PID}_c(?P<camera>\d{{1,4}})s(?P<scene>\d{{1,4}})_(?P<frame>-?\d{{1,12}}){_TAIL}",
    "0002_c1s1_000451_03.jpg",
)
DUKE = NamePattern(
    rf"{_PID}_c(?P<camera>\d{{1,4}})_f(?P<frame>\d{{1,12}}){_TAIL}", "0001_c2_f0046182.jpg"
)
CUHK03 = NamePattern(rf"{_PID}_c(?P<camera>\d{{1,4}})_(?!f\d).*", "0001_c1_1.png")
MSMT = NamePattern(
    r"(?P<pid>\d{1,9})_[^_]*_(?P<camera>\d{1,4})_.*", "0000_000_01_0303morning_0008_0.jpg"
)
SYNTHETIC = NamePattern(
    rf"{_PID}_s(?P<scene>\d{{1,4}})_c(?P<camera>\d{{1,4}})_f(?P<frame>\d{{1,12}}){_TAIL}",
    "000000_s00_c00_f000264.jpg",
)
MARKET_LIKE = NamePattern(
    rf"{_PID}_c(?P<camera>\d{{1,4}})(?:s\d{{1,4}})?_.*", "0002_c1s1_000451_03.jpg"
)


def is_distractor(ref: ImageRef) -> bool:
    """Whether a picture is of nobody in particular: 0000 in a name like Market-1501's. It is no
    query and shares its person with no other; in the gallery it is a false match for all."""
    if ref.pid != 0:
        return False
    return ref.path.name.startswith("0000_") and MARKET.read(ref.path.name) is not None


def person_name(ref: ImageRef) -> str:
    """The name of whom a picture shows: ``anna`` or ``distractor``; empty where it has a number at
    most."""
    return ref.person or (DISTRACTOR if is_distractor(ref) else "")


def shown_person(ref: ImageRef) -> str:
    """Whom a picture shows where there is little room: ``anna``, ``2`` or ``distractor``; empty
    where not known."""
    return person_label(ref.pid, person_name(ref))


def shown_person_words(ref: ImageRef) -> str:
    """``person anna``, ``person 2`` or ``distractor``; empty where not known."""
    name = person_name(ref)
    return name if name == DISTRACTOR else person_words(ref.pid, name)
