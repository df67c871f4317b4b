"""Patterns of file names that a person writes with fields: ``{pid}_c{cam}_{frame}``.

A pattern is no regular expression. It is matched in time that grows with the length of the name
times the number of fields, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from qaconv_core.data.moments import MOMENT
from qaconv_core.errors import InputError
from qaconv_core.readable import shown

FIELDS: Mapping[str, str] = {
    "pid": "person",
    "cam": "camera",
    "frame": "frame number",
    "time": "time",
    "session": "recording of one camera, whose frames are counted anew",
    "scene": "place; cameras of two scenes are different ones",
    "split": "train, query or gallery",
    "*": "anything, also nothing",
}
"""Fields of a pattern and what they mean; ``{pid:d}`` takes digits alone."""

_OTHER_NAMES = {"camid": "cam", "camera": "cam", "person": "pid", "id": "pid", "": "*", "any": "*"}
_DIGITS = frozenset(("frame", "session", "scene"))
_LONGEST_PATTERN = 300
_LONGEST_NAME = 400


_SHAPES = {
    "digits": re.compile(r"[0-9]{1,12}(?![0-9])"),
    "signed": re.compile(r"-?[0-9]{1,12}(?![0-9])"),
    "time": re.compile(f"{MOMENT}|[0-9]{{1,20}}(?:[.][0-9]{{1,12}})?"),
}
"""What the fields take that do not take just any text; each has one way to fit at a place."""


@dataclass(frozen=True)
class _Part:
    """A piece of a pattern: a text that stands there as it is, or a field.

    ``shape`` is a key of :data:`_SHAPES`, "" for a field that takes any text.
    """

    text: str = ""
    field: str = ""
    shape: str = ""


@dataclass(frozen=True)
class _Stretch:
    """A free field ("" for none) and the parts after it, up to the next free field."""

    free: str
    fixed: tuple[_Part, ...]

    def find(
        self, text: str, place: int, *, last: bool
    ) -> tuple[str, int, list[tuple[str, str]]] | None:
        """What the free field takes from ``place`` on, where the stretch ends and its other fields.

        The last stretch ends where the text does. None where it does not fit.
        """
        least = place + (self.free not in ("", "*"))
        if not self.fixed and not last:
            return "", place, []
        if not self.fixed:
            most = len(text) if self.free else place
            return (text[place:], most, []) if least <= most == len(text) else None
        for begin in range(least, len(text) + 1 if self.free else place + 1):
            taken = self._at(text, begin)
            if taken is not None and (not last or taken[0] == len(text)):
                return text[place:begin], *taken
        return None

    def _at(self, text: str, place: int) -> tuple[int, list[tuple[str, str]]] | None:
        values = []
        for part in self.fixed:
            if part.text:
                if not text.startswith(part.text, place):
                    return None
                place += len(part.text)
            else:
                match = _SHAPES[part.shape].match(text, place)
                if match is None:
                    return None
                values.append((part.field, match.group()))
                place = match.end()
        return place, values


@dataclass(frozen=True)
class FieldPattern:
    """A pattern such as ``{cam}/{pid}_{frame}``.

    It is held against the whole name without its suffix. Where it has ``/``, that many folders
    stand before the name. A field takes at least one sign and no ``/``; ``{pid:d}`` and the numbers
    (``frame``, ``session``, ``scene``) take digits alone, ``time`` a number or a date with time. Of
    several ways to read a name the one with the shortest first field counts, then the second, and
    so on.

    Raises :class:`InputError` for a text that is no such pattern.
    """

    text: str

    def __post_init__(self) -> None:
        names = [part.field for part in self._parts if part.field not in ("", "*")]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise self._error(f"{{{twice}}} stands there twice")
        if not names:
            raise self._error("no field in it")

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of the fields, without ``*``."""
        return frozenset(part.field for part in self._parts) - {"", "*"}

    @cached_property
    def folders(self) -> int:
        """How many folders before the name the pattern describes."""
        return sum(part.text.count("/") for part in self._parts)

    def read(self, name: str, folders: tuple[str, ...] = ()) -> dict[str, str] | None:
        """The fields of a picture called ``name`` (with suffix) in ``folders``; None where the
        pattern does not fit."""
        stem = name.rpartition(".")[0] or name
        if len(folders) < self.folders:
            return None
        steps = (*folders[len(folders) - self.folders :], stem)
        found: dict[str, str] = {}
        for stretches, text in zip(self._steps, steps, strict=True):
            if len(text) > _LONGEST_NAME or not _read_step(stretches, text, found):
                return None
        return found

    @cached_property
    def _steps(self) -> tuple[tuple[_Stretch, ...], ...]:
        """The stretches of each folder and of the name."""
        steps: list[list[_Part]] = [[]]
        for part in self._parts:
            first, *others = part.text.split("/") if part.text else [""]
            if part.field or first:
                steps[-1].append(part if part.field else _Part(first))
            steps.extend([_Part(text)] if text else [] for text in others)
        return tuple(_stretches(parts) for parts in steps)

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        text = self.text
        if len(text) > _LONGEST_PATTERN:
            raise InputError(f"a pattern has at most {_LONGEST_PATTERN} signs, not {len(text)}")
        parts: list[_Part] = []
        rest = text
        while rest:
            literal, opened, rest = rest.partition("{")
            if "}" in literal:
                raise self._error("} without {")
            if literal:
                parts.append(_Part(text=literal))
            if opened:
                inside, closed, rest = rest.partition("}")
                if not closed:
                    raise self._error("{ without }")
                parts.append(self._field(inside))
        for one, two in pairwise(parts):
            if one.field and two.field and bool(one.shape) == bool(two.shape):
                raise self._error(f"nothing stands between {{{one.field}}} and {{{two.field}}}")
        return tuple(parts)

    def _field(self, inside: str) -> _Part:
        name, colon, kind = inside.strip().lower().partition(":")
        name = _OTHER_NAMES.get(name, name)
        if name not in FIELDS:
            raise self._error(f"no field {{{inside}}}; fields are {_listed()}")
        if colon and (kind != "d" or name == "*"):
            raise self._error(f"{{{inside}}}: only :d (digits) can follow a field's name")
        if name == "time":
            return _Part(field=name, shape="time")
        digits = bool(colon) or name in _DIGITS
        return _Part(
            field=name, shape="signed" if digits and name == "pid" else "digits" if digits else ""
        )

    def _error(self, why: str) -> InputError:
        return InputError(f"pattern “{shown(self.text)}”: {why}")


def _listed() -> str:
    return ", ".join(f"{{{name}}}" for name in FIELDS)


def _stretches(parts: list[_Part]) -> tuple[_Stretch, ...]:
    """The parts of one step, divided before each field that takes any text."""
    found: list[tuple[str, list[_Part]]] = [("", [])]
    for part in parts:
        if part.field and not part.shape:
            found.append((part.field, []))
        else:
            found[-1][1].append(part)
    return tuple(_Stretch(name, tuple(fixed)) for name, fixed in found)


def _read_step(stretches: tuple[_Stretch, ...], text: str, found: dict[str, str]) -> bool:
    """Put the fields of ``text`` into ``found``; whether it fits.

    What follows a free field is taken at the first place where it fits: if the rest fits after a
    later place, it does after the first one too, since the next free field takes what is between.
    """
    place = 0
    for number, stretch in enumerate(stretches):
        last = number == len(stretches) - 1
        taken = stretch.find(text, place, last=last)
        if taken is None:
            return False
        begin, place, values = taken
        found.update(values)
        if stretch.free and stretch.free != "*":
            found[stretch.free] = begin
    return True


@dataclass(frozen=True)
class Preset:
    """How a well-known layout names its pictures.

    ``patterns`` are tried in order for each picture. ``rate`` is in frames per second, None where
    frames are no clock. ``folders`` says what folders are (outermost first).
    """

    title: str
    patterns: tuple[str, ...] = ()
    rate: float | None = None
    folders: tuple[str, ...] = ()


PRESETS: Mapping[str, Preset] = {
    "market": Preset("Market-1501", ("{pid:d}_c{cam:d}s{session}_{frame}_{*}",), 25.0),
    "duke": Preset("DukeMTMC-reID", ("{pid:d}_c{cam:d}_f{frame}{*}",), 59.94),
    "cuhk03": Preset("CUHK03-NP", ("{pid:d}_c{cam:d}_{*}",)),
    "viper": Preset("VIPeR", ("{pid:d}_{*}",), folders=("cameras",)),
    "prid": Preset("PRID 2011", ("{cam}/person_{pid:d}/{*}", "{cam}/person_{pid:d}")),
    "mot": Preset("MOT sequences", ("{cam}/img1/{frame}", "{cam}/{frame}")),
    "cvat": Preset("CVAT images", ("{cam}/frame_{frame}", "frame_{frame}")),
    "coco": Preset("COCO images", ("COCO_{*}_{frame}", "{frame}")),
    "rendered": Preset(
        "RandPerson, ClonedPerson", ("{pid:d}_s{scene}_c{cam:d}_f{frame}{*}",), 24.0
    ),
}
"""Layouts of file names by the name that ``--pattern`` knows them by."""

USUAL_PATTERNS = (
    *(pattern for name in ("market", "duke", "rendered") for pattern in PRESETS[name].patterns),
    "{cam}/person_{pid:d}/{*}",
    "{pid:d}_c{cam:d}_{frame}",
    "{pid:d}_c{cam:d}_{*}",
    "{pid}_cam{cam:d}_{frame}",
    "{pid}_cam{cam:d}_{*}",
    "{pid}_c{cam:d}_{frame}",
    "{pid}_c{cam:d}_{*}",
    "p{pid:d}_c{cam:d}_{*}",
    "person{pid:d}_cam{cam:d}_{*}",
    "person_{pid:d}_cam_{cam:d}_{*}",
    "id{pid:d}_cam{cam:d}_{*}",
    "cam{cam:d}_{pid}_{frame}",
    "c{cam:d}_p{pid:d}_{*}",
    "cam{cam:d}_{time}",
    "{cam}_{time}",
    "{time}",
)
"""Patterns that are proposed where most names fit them, the most telling first."""
