"""The tables of an output folder: where people are on their scenes, and which pictures there are.

``boxes.csv`` has a row for each box; row n of ``pictures.csv`` is the crop of row n. That one is
what a data set is opened by: it has the columns that :mod:`qaconv_core.data.table` reads.
``sources.csv`` says where each scene or video lies.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.crops import BOXES, PICTURES, crop_name
from qaconv_core.detection.journal import FoundFrame, Journal, Told
from qaconv_core.detection.sources import Source
from qaconv_core.detection.tracking import PersonTracker
from qaconv_core.readable import csv_cell
from qaconv_core.store.atomic import replacing
from qaconv_core.store.folders import SOURCES

BOX_COLUMNS = ("file", "frame", "time", "x", "y", "w", "h", "score", "track")
PICTURE_COLUMNS = ("path", "camid", "time", "scene", "row", "track")
NAMED_COLUMNS = (*PICTURE_COLUMNS, "pid")
"""Where the boxes came with persons."""
SOURCE_COLUMNS = ("file", "path")


@dataclass(frozen=True)
class Totals:
    """What the tables of an output folder hold."""

    boxes: int
    tracks: int
    sources: int
    notes: tuple[str, ...] = ()


def write_tables(
    out: Path,
    journal: Journal,
    sources: Sequence[Source],
    told: Callable[[Source], Told],
    named: bool = False,
) -> Totals:
    """Write each table whole or not at all; cameras that were ``told`` go before a source's own.

    What was told is noted in the journal. ``named``: boxes came with persons. Raises InputError.

    Times are dates where the start of a source is known; else seconds from the video's first frame.
    The latter stand in ``pictures.csv`` only for a single video: clocks of several videos that all
    begin at 0 say nothing about each other.
    """
    known = [journal.last(source) >= 0 for source in sources]
    used = [source for source, there in zip(sources, known, strict=True) if there]
    facts = {source.name: told(source) for source in used}
    for source in used:
        journal.tell(source, facts[source.name])
    alone = len({s.name for s in used if s.video}) <= 1 and not any(not s.video for s in used)
    count, next_track = 0, 1 + _last_of_pictures(journal, used)
    tracks: set[tuple[str, int] | None] = set()
    with (
        _table(out / BOXES, BOX_COLUMNS) as boxes,
        _table(out / PICTURES, NAMED_COLUMNS if named else PICTURE_COLUMNS) as pictures,
        _table(out / SOURCES, SOURCE_COLUMNS) as places,
    ):
        for source in used:
            places(source.name, str(source.path))
            fact, last = facts[source.name], next_track - 1
            for frame, numbers in _tracked(journal.frames(source), source, next_track):
                time = _time(frame.time, fact.start)
                comparable = time if fact.start or alone else None
                for place, (box, track) in enumerate(zip(frame.boxes, numbers, strict=True), 1):
                    count += 1
                    boxes(source.name, frame.number, time, *_numbers(box), track)
                    crop = crop_name(source.name, frame.number, place, source.video)
                    camera = fact.camera or box.camera or source.camera
                    person = [box.person] if named else []
                    pictures(crop, camera, comparable, source.name, count, track, *person)
                    tracks.add(track_key(source, replace(box, track=track)))
                    last = max(last, track or 0)
            next_track = last + 1
    notes = []
    undated = any(source.video and not facts[source.name].start for source in used)
    if count and undated and not alone:
        notes.append(
            "not all videos tell when they began; those have no times in pictures.csv; give --start"
        )
    return Totals(count, len(tracks - {None}), len(used), tuple(notes))


def _last_of_pictures(journal: Journal, sources: Sequence[Source]) -> int:
    """The highest number of a track that came with the boxes of pictures; 0 where there is none."""
    pictures = [source for source in sources if not source.video]
    boxes = (b for source in pictures for frame in journal.frames(source) for b in frame.boxes)
    alone = len(pictures) in (0, len(sources))  # no track of a video could be taken for theirs
    return 0 if alone else max((box.track or 0 for box in boxes), default=0)


def track_key(source: Source, box: PersonBox) -> tuple[str, int] | None:
    """Equal for boxes of one track: those of one number in a video, or in all pictures together;
    None for a box in no track."""
    return None if box.track is None else (source.name if source.video else "", box.track)


@contextmanager
def _table(path: Path, columns: Sequence[str]) -> Iterator[Callable[..., None]]:
    """A function that writes one row; the file is replaced when all are written."""
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        yield lambda *cells: writer.writerow([csv_cell(cell) for cell in cells])


def _tracked(
    frames: Iterator[FoundFrame], source: Source, first: int
) -> Iterator[tuple[FoundFrame, list[int | None]]]:
    """Frames with the track of each box: those that came with the boxes, or made here."""
    if not source.video:
        for frame in frames:
            yield frame, [box.track for box in frame.boxes]
        return
    begun = next(frames, None)
    if begun is None:
        return
    frames = itertools.chain([begun], frames)
    own: dict[int, int] = {}
    tracker = PersonTracker(first)
    for frame in frames:
        if frame.boxes and frame.boxes[0].track is not None:
            given = [-1 if box.track is None else box.track for box in frame.boxes]
            yield frame, [own.setdefault(number, first + len(own)) for number in given]
        else:
            yield frame, list(tracker.step(frame.time or 0.0, frame.boxes, frame.looks))


def _time(seconds: float | None, began: datetime | None) -> str | float | None:
    if began is None:
        return None if seconds is None else round(seconds, 3)
    moment = began + timedelta(seconds=seconds or 0.0)
    return moment.isoformat(" ", "milliseconds" if seconds else "seconds")


def _numbers(box: PersonBox) -> tuple[float | None, ...]:
    score = None if box.score is None else round(box.score, 4)
    return (*(round(value, 1) for value in (box.x, box.y, box.w, box.h)), score)
