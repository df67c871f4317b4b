"""What has been found so far, a line for each picture or frame, so that a run can go on.

A line is written when the crops of its picture are on disk. A program that was killed leaves half
a line at most, which is cut off. Lines of a source that has changed since are passed over.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from qaconv_core.data.videos import is_video_name
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.crops import JOURNAL
from qaconv_core.detection.looks import Look, packed, unpacked
from qaconv_core.detection.sources import Source
from qaconv_core.errors import InputError
from qaconv_core.files import check_output
from qaconv_core.readable import encoded, shown
from qaconv_core.store.atomic import reason
from qaconv_core.store.records import DamagedRecord, parse_json

_VERSION = 1
_LONGEST = 1 << 24


@dataclass(frozen=True)
class FoundFrame:
    """The people on one picture, or one frame of a video.

    ``time`` is in seconds from the video's first frame, None for a picture; ``looks`` has one entry
    for each box, empty where no tracks are made.
    """

    number: int
    time: float | None
    boxes: tuple[PersonBox, ...]
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True)
class Told:
    """What is known of a source beside its people: the name that somebody gave its camera, "" for
    none, and when it began or was taken."""

    camera: str = ""
    start: datetime | None = None


@dataclass
class _Known:
    """What the journal has of one source: where its lines begin, and whether it is done.

    ``source`` is None where an older program wrote the lines. ``kept``: it is not handed in now.
    """

    stamp: list[int]
    places: list[int] = field(default_factory=list)
    last: int = -1
    done: bool = False
    note: str = ""
    source: Source | None = None
    told: Told = field(default_factory=Told)
    kept: bool = False


class Journal:
    """The journal in an output folder; for one program at a time."""

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        """Open or begin it. Raises :class:`InputError` where it was made with other options."""
        self.path = folder / JOURNAL
        self._known: dict[str, _Known] = {}
        check_output(self.path)
        try:
            self._file: BinaryIO = open(self.path, "a+b")  # noqa: SIM115
            whole = self._read(dict(options))
            self._file.truncate(whole)
        except OSError as cause:
            raise InputError(f"{shown(self.path)}: cannot be written ({reason(cause)})") from cause
        if whole == 0:
            self._write({"qaconv detect": _VERSION, "options": dict(options)})

    def close(self) -> None:
        """Flush everything to the disk and let go of the file."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def done(self, source: Source) -> bool:
        """Whether all of a source has been looked at, and it has not changed since."""
        known = self._of(source)
        return known is not None and known.done

    def note(self, source: Source) -> str:
        """What is to be said of a source that is done; "" where there is nothing."""
        known = self._of(source)
        return known.note if known else ""

    def last(self, source: Source) -> int:
        """Number of the last frame that was looked at; −1 where there is none."""
        known = self._of(source)
        return known.last if known else -1

    def frames(self, source: Source) -> Iterator[FoundFrame]:
        """What was found of a source, frame by frame, read from the disk as it is asked for."""
        known = self._of(source)
        if known is None:
            return
        with open(self.path, "rb") as file:
            for place in known.places:
                file.seek(place)
                yield _frame(parse_json(file.readline(_LONGEST)))

    def keep_others(self, sources: Sequence[Source]) -> list[Source]:
        """What people were found on by earlier runs and is not among ``sources``: it stays.

        Raises :class:`InputError` where that cannot be told from them.
        """
        names = {source.name for source in sources}
        self._refuse_mixed(sources)
        kept = []
        for name, known in self._known.items():
            if name not in names and known.places:
                if known.source is None:
                    raise self._other(f"{shown(name)}, which is not named now; name it too")
                known.kept = True
                kept.append(known.source)
        return kept

    def _refuse_mixed(self, sources: Sequence[Source]) -> None:
        paths = {str(k.source.path): k.source.name for k in self._known.values() if k.source}
        for source in sources:
            known = self._known.get(source.name)
            earlier = known.source.path if known and known.source and known.places else source.path
            if known and earlier != source.path and _stamp(source.path) != known.stamp:
                raise self._other(f"another {shown(source.name)} ({shown(earlier)}); rename one")
            name = paths.get(str(source.path), source.name)
            if name != source.name:
                why = f"{shown(source.path)} as {shown(name)}; name files and folders as then"
                raise self._other(why)

    def _other(self, what: str) -> InputError:
        place = shown(self.path.parent)
        return InputError(f"{place}: holds people of {what}, or choose another folder")

    def told(self, source: Source) -> Told:
        """What earlier runs knew of a source; of one that has changed since, its camera alone."""
        known = self._known.get(source.name)
        if known is None:
            return Told()
        return known.told if self._of(source) else Told(known.told.camera)

    def tell(self, source: Source, told: Told) -> None:
        """Note what is known of a source that was begun."""
        known = self._known[source.name]
        if (known.source, known.told) != (source, told):
            self._write({"file": source.name, **_told_record(source, told)})
            known.source, known.told = source, told

    def begin(self, source: Source, told: Told | None = None) -> None:
        """A source is looked at from its first frame on, or where the journal ends."""
        if self._of(source) is None:
            told, stamp = told or Told(), _stamp(source.path)
            self._write({"file": source.name, "begin": stamp, **_told_record(source, told)})
            self._known[source.name] = _Known(stamp, source=source, told=told)

    def add(self, source: Source, frame: FoundFrame) -> None:
        """A frame of a source that was begun; its crops are on disk."""
        known = self._known[source.name]
        known.places.append(self._file.seek(0, os.SEEK_END))
        known.last = frame.number
        line: dict[str, Any] = {"file": source.name, "frame": frame.number, "time": frame.time}
        line["boxes"] = [_box_record(box) for box in frame.boxes]
        if frame.looks:
            line["looks"] = [base64.b64encode(packed(k)).decode("ascii") for k in frame.looks]
        self._write(line)

    def end(self, source: Source, note: str = "") -> None:
        """All of a source has been looked at."""
        self._write({"file": source.name, "end": note})
        known = self._known[source.name]
        known.done, known.note = True, note

    def _of(self, source: Source) -> _Known | None:
        """What is known of a source that has not changed since. Of one that is not there now, as on
        a share that went away, or is not looked at now, all that was found stays."""
        known = self._known.get(source.name)
        if known is None or known.kept:
            return known
        return known if _stamp(source.path) in (known.stamp, _GONE) else None

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(encoded(json.dumps(line, ensure_ascii=True)) + b"\n")
            self._file.flush()
        except OSError as cause:
            raise InputError(f"{shown(self.path)}: cannot be written ({reason(cause)})") from cause

    def _read(self, options: dict[str, Any]) -> int:
        """Take in all whole lines; how many bytes those are."""
        self._file.seek(0)
        whole = 0
        while line := self._file.readline(_LONGEST):
            if not line.endswith(b"\n"):
                break
            try:
                value = parse_json(line)
                if whole == 0:
                    self._check(value, options)
                else:
                    self._take(value, whole)
            except (DamagedRecord, KeyError, TypeError, ValueError) as cause:
                if isinstance(cause, InputError):
                    raise
                if whole == 0:
                    raise InputError(
                        f"{shown(self.path)}: not a journal of qaconv detect; choose another folder"
                    ) from cause
                break
            whole += len(line)
        return whole

    def _check(self, value: Any, options: dict[str, Any]) -> None:
        if value["qaconv detect"] != _VERSION:
            raise ValueError("another version")
        theirs = value["options"]
        if not isinstance(theirs, dict):
            raise ValueError("no options")
        if theirs != json.loads(json.dumps(options)):
            other = sorted(k for k in {*theirs, *options} if theirs.get(k) != options.get(k))
            raise InputError(
                f"{shown(self.path.parent)}: holds people found with other options "
                f"({', '.join(shown(name) for name in other)}); choose another folder"
            )

    def _take(self, value: Any, place: int) -> None:
        name = str(value["file"])
        if "begin" in value:
            self._known[name] = _Known([int(number) for number in value["begin"]])
        if "path" in value:
            self._take_told(name, value)
        elif "begin" in value:
            return  # written by an older program
        elif "end" in value:
            self._known[name].done, self._known[name].note = True, str(value["end"])
        else:
            frame = _frame(value)
            self._known[name].places.append(place)
            self._known[name].last = frame.number

    def _take_told(self, name: str, value: Any) -> None:
        path, start = Path(str(value["path"])), value["start"]
        known = self._known[name]
        known.source = Source(path, name, is_video_name(path.name), str(value["camera"]))
        moment = None if start is None else datetime.fromisoformat(str(start))
        known.told = Told(str(value["told"]), moment)


def _told_record(source: Source, told: Told) -> dict[str, Any]:
    start = None if told.start is None else told.start.isoformat()
    record = {"path": str(source.path), "camera": source.camera}
    return {**record, "told": told.camera, "start": start}


def _box_record(box: PersonBox) -> list[Any]:
    """A box in a line of the journal; names only where somebody gave them."""
    numbers = [box.x, box.y, box.w, box.h, box.score, box.track]
    return [*numbers, box.person, box.camera] if box.person or box.camera else numbers


def _frame(value: Any) -> FoundFrame:
    boxes = []
    for x, y, w, h, score, track, *names in value["boxes"]:
        sure = None if score is None else float(score)
        number = None if track is None else int(track)
        person, camera = map(str, names or ("", ""))
        box = PersonBox(float(x), float(y), float(w), float(h), sure, number, person, camera)
        boxes.append(box)
    looks = tuple(unpacked(base64.b64decode(text)) for text in value.get("looks", ()))
    time = value["time"]
    return FoundFrame(
        int(value["frame"]), None if time is None else float(time), tuple(boxes), looks
    )


_GONE = [-1, -1]


def _stamp(path: Path) -> list[int]:
    """Size and time of change of a file: what tells whether it is still the same."""
    try:
        status = os.stat(path)
    except OSError:
        return _GONE
    return [status.st_size, status.st_mtime_ns // 1000]
