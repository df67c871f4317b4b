"""Boxes from CVAT's XML: ``image`` elements with boxes, or ``track`` elements of one video.

Of several labels those called person or pedestrian are taken, as from COCO. A track's boxes that
are ``outside`` are no boxes. The text is read as it streams by: no document type, so no entities,
and nothing is fetched.
"""

from __future__ import annotations

from xml.parsers import expat

from qaconv_core.detection.box_values import PERSONS, checked_box, finite_number
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.errors import InputError
from qaconv_core.readable import shown

MOST_ELEMENTS = 20_000_000
_CORNERS = ("xtl", "ytl", "xbr", "ybr")


def cvat_rows(text: str, origin: str) -> list[tuple[str, int, PersonBox]]:
    """(file, frame, box) of every box; "" stands for the one video of a file of tracks that names
    none.

    Raises :class:`InputError`, one line that names the file and the line.
    """
    reader = _Reader(origin)
    try:
        reader.parser.Parse(text, True)
    except expat.ExpatError as error:
        raise InputError(f"{origin}, line {error.lineno}: not XML ({error})") from error
    if not reader.root:
        raise InputError(f"{origin}: not CVAT's XML, which begins with <annotations>")
    wanted = reader.labels & PERSONS
    kept = (row for row in reader.rows if not wanted or row[0] in wanted)
    return [(file or reader.video, frame, box) for _label, file, frame, box in kept]


class _Reader:
    """Takes the elements of one file. ``rows`` are (label, file, frame, box)."""

    def __init__(self, origin: str) -> None:
        self.origin, self.root, self.video = origin, False, ""
        self.rows: list[tuple[str, str, int, PersonBox]] = []
        self.labels: set[str] = set()
        self._image = self._text = ""
        self._track: tuple[str, int | None] | None = None
        self._elements = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _where(self) -> str:
        return f"{self.origin}, line {self.parser.CurrentLineNumber}"

    def _refuse(self, *_: object) -> None:
        raise InputError(
            f"{self._where()}: a document type is declared there, which CVAT does not do; the file "
            "is not read"
        )

    def _start(self, name: str, given: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise InputError(f"{self.origin}: more than {MOST_ELEMENTS:,} elements; divide it")
        self._text = ""
        if not self.root:
            if name != "annotations":
                raise InputError(
                    f"{self.origin}: begins with <{shown(name[:40])}>; CVAT's XML begins with "
                    "<annotations>"
                )
            self.root = True
        elif name == "image":
            self._image = given.get("name", "")
            if not self._image:
                raise InputError(f"{self._where()}: an image without a name")
        elif name == "track":
            number = given.get("id", "")
            self._track = given.get("label", ""), int(number) if number.isdecimal() else None
        elif name == "box":
            self._take(given)

    def _take(self, given: dict[str, str]) -> None:
        where = self._where()
        left, top, right, bottom = (
            finite_number(given.get(corner, ""), corner, where) for corner in _CORNERS
        )
        frame, track, label = 0, None, given.get("label", "")
        if self._track is not None:
            label, track = self._track
            frame = int(finite_number(given.get("frame", ""), "frame", where))
            if given.get("outside") == "1":
                return
        elif not self._image:
            raise InputError(f"{where}: a box outside of images and tracks")
        box = checked_box(left, top, right - left, bottom - top, None, track, where)
        label = label.strip().lower()
        self.labels.add(label)
        self.rows.append((label, self._image, frame, box))

    def _characters(self, text: str) -> None:
        if len(self._text) < 4096:
            self._text += text

    def _end(self, name: str) -> None:
        if name == "source" and not self.video:
            self.video = self._text.strip()
        elif name == "image":
            self._image = ""
        elif name == "track":
            self._track = None
        self._text = ""
