"""Clocks of the published data sets: from frame numbers to seconds.

The numbers are those behind the published temporal-lifting results (Liao & Shao, ECCV 2020, and
the released readers); they put all cameras of a set on one clock, roughly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MARKET_FPS = 25.0
DUKE_FPS = 59.94
SYNTHETIC_FPS = 24.0

DUKE_START = (5542, 3606, 27243, 31181, 0, 22401, 18967, 46765)
"""First frame of each of DukeMTMC's eight cameras on the common clock."""

RANDPERSON_FIRST_CAMERA = (0, 2, 4, 6, 8, 9, 10, 12, 13, 14, 15)
RANDPERSON_START = (
    0, 160000, 340000, 490000, 640000, 1070000, 1330000, 1590000, 1890000, 3190000, 3490000,
)  # fmt: skip
"""First camid and first frame of each of RandPerson's eleven scenes."""

CLONEDPERSON_FIRST_CAMERA = (0, 0, 0, 4, 4, 8, 12, 12, 12, 12, 16, 16, 20)
"""First camid of each of ClonedPerson's scenes; the released reader merges them into one."""


def market_shift(frames: Iterable[tuple[int, int, int]]) -> Mapping[tuple[int, int], int]:
    """Frames to add in each session of each camera of Market-1501.

    ``frames`` are (camera, session, frame) of all three splits, sessions counted from 1 and
    without junk boxes (pid −1), as the published numbers were made. The result maps
    (camera, session) to

        shift[c, 1] = 0
        shift[c, s] = largest shifted frame of session s − 1 (0 if it has none) + shift[c, s − 1].

    The second term counts earlier sessions twice; it is kept because the published TLift numbers
    rest on it.
    """
    largest: dict[tuple[int, int], int] = {}
    for camera, session, frame in frames:
        key = (camera, session)
        if frame > largest.get(key, -1):
            largest[key] = frame
    shift: dict[tuple[int, int], int] = {}
    for camera in {camera for camera, _ in largest}:
        last = max(session for c, session in largest if c == camera)
        shift[camera, 1] = 0
        for session in range(2, last + 1):
            before = shift[camera, session - 1]
            key = (camera, session - 1)
            shifted = largest[key] + before if key in largest else 0
            shift[camera, session] = shifted + before
    return shift
