"""Made-up scenes and videos: coloured blocks on grey, and a finder that sees exactly those."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from qaconv_core.detection.boxes import PersonBox

COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (40, 50, 210)}


def scene(blocks, size=(240, 320)):
    """A picture (h, w, 3) with blocks (x, y, w, h, colour)."""
    picture = np.full((*size, 3), 120, np.uint8)
    for x, y, w, h, colour in blocks:
        picture[y : y + h, x : x + w] = COLOURS[colour]
    return picture


def save(path, blocks, size=(240, 320), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(blocks, size)).save(path, **options)
    return path


def find_blocks(picture, video=False, context=None):
    """The boxes of all blocks, by colour, from left to right."""
    found = []
    for colour in COLOURS.values():
        mask = (np.abs(picture.astype(int) - colour).max(2) < 60).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        for x, y, w, h, area in stats[1:count]:
            if area > 100:
                found.append(PersonBox(float(x), float(y), float(w), float(h), 0.9))
    return sorted(found, key=lambda box: box.x)


def walkers(number):
    """Where three blocks are in frame ``number``: two walk towards each other, one stands."""
    return [
        (10 + 6 * number, 60, 24, 72, "red"),
        (280 - 6 * number, 150, 24, 72, "blue"),
        (150, 20, 20, 60, "green"),
    ]


def write_video(path, frames=30, rate=10, code="MJPG", blocks=walkers):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate, (320, 240))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.ascontiguousarray(scene(blocks(number))[:, :, ::-1]))
    writer.release()
    return path


def write_uneven_video(path, seconds, blocks=walkers):
    """A Matroska file of JPEG pictures at these times: the plainest video of variable rate."""
    from io import BytesIO

    def element(mark, *parts):
        data = b"".join(parts)
        return bytes.fromhex(mark) + (len(data) | 1 << 56).to_bytes(8, "big") + data

    def number(mark, value):
        return element(mark, value.to_bytes(4, "big"))

    frames = []
    for place, time in enumerate(seconds):
        jpeg = BytesIO()
        Image.fromarray(scene(blocks(place))).save(jpeg, "JPEG", quality=95)
        stamp = round(1000 * time).to_bytes(2, "big")
        frames.append(element("a3", b"\x81", stamp, b"\x80", jpeg.getvalue()))
    picture = element("e0", number("b0", 320), number("ba", 240))
    track = element(
        "ae",
        number("d7", 1),
        number("73c5", 1),
        number("83", 1),
        element("86", b"V_MJPEG"),
        picture,
    )
    path.write_bytes(
        element("1a45dfa3", element("4282", b"matroska"), number("4287", 4), number("4285", 2))
        + element(
            "18538067",
            element("1549a966", number("2ad7b1", 1_000_000)),
            element("1654ae6b", track),
            element("1f43b675", number("e7", 0), *frames),
        )
    )
    return path
