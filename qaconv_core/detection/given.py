"""A file of boxes beside pictures of scenes or videos: what it holds of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qaconv_core.data.headers import header_of, unfit_beside_pictures
from qaconv_core.data.images import picture_size, read_image
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.crops import cut
from qaconv_core.detection.foreign import GivenBoxes, lacking_columns, read_boxes
from qaconv_core.detection.frames import Frame, Video, VideoError
from qaconv_core.detection.journal import Journal
from qaconv_core.detection.sources import Source, find_sources
from qaconv_core.detection.tables import track_key
from qaconv_core.errors import ImageError, InputError
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import counted, shown

_SUFFIXES = (".json", ".xml", ".txt")
_NAMED = 3


def is_boxes_file(path: Path) -> bool:
    """Whether a file may hold boxes: COCO JSON, CVAT XML, MOT text, or a table of boxes."""
    suffix = path.suffix.lower()
    if suffix not in (*_SUFFIXES, ".csv") or not path.is_file():  # no disk is asked for a picture
        return False
    return suffix != ".csv" or not lacking_columns(header_of(path))


def _only_corners(path: Path) -> bool:
    """Whether a table says where boxes are, but not how large, and nothing of whole pictures."""
    if path.suffix.lower() != ".csv" or not path.is_file() or not unfit_beside_pictures(path):
        return False
    lacking = lacking_columns(header_of(path))
    return bool(lacking) and not set(lacking) & {"x", "y"}


@dataclass(frozen=True)
class BoxesProposal:
    """The people that ``file`` shows on ``inputs``: ``given``, to be cut out by
    :func:`~qaconv_core.detection.job.detect_people`.

    ``sources`` are the pictures and videos that have boxes, in order, ``boxes`` their names with
    the counts; ``tracks`` is how many these boxes have, ``without`` how many pictures have no box,
    ``unknown`` are names that the file has and the inputs have not. Not among these boxes are
    ``outside``, as many as lie outside their picture, and ``missing``, by the names of videos, on
    frames that they do not have by their own account.
    """

    file: Path
    inputs: tuple[Path, ...]
    given: GivenBoxes
    sources: tuple[Source, ...]
    boxes: tuple[tuple[str, int], ...]
    tracks: int
    without: int
    unknown: tuple[str, ...]
    outside: int = 0
    missing: tuple[tuple[str, int], ...] = ()

    @property
    def people(self) -> int:
        """How many boxes there are."""
        return sum(number for _, number in self.boxes)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was understood, for people."""
        told = f"{shown(self.file.name)}: {counted(self.people, 'box', 'boxes')} of people on "
        told += counted(len(self.boxes), "picture or video", "pictures and videos")
        said = [told + (f", {counted(self.tracks, 'track')}" if self.tracks else "")]
        if self.without:
            said.append(f"{counted(self.without, 'picture has', 'pictures have')} no box")
        if self.outside:
            said.append(outside_words(self.outside))
        said += [_missing_words(name, boxes) for name, boxes in self.missing]
        if self.unknown:
            names = ", ".join(map(shown, self.unknown[:_NAMED]))
            more = ", …" if len(self.unknown) > _NAMED else ""
            said.append(f"not among the pictures: {names}{more}")
        if self.given.persons:
            said.append(f"{counted(len(self.given.persons), 'person')} named")
        return tuple(said)


def propose_boxes(file: Path, inputs: Sequence[Path]) -> BoxesProposal:
    """Read a file of boxes and find its pictures and videos among ``inputs``.

    Raises :class:`InputError` where the file holds no boxes, or none of them is of the inputs.
    """
    if not inputs:
        raise InputError(f"{shown(file)}: boxes alone; name the pictures or the video, too")
    sources, _ = find_sources(inputs)
    given = read_boxes(file)
    unknown = given.match(sources)
    found = {s.name: given.matched[s.name] for s in sources if s.name in given.matched}
    looks = {source: _look(given, source) for source in sources if source.name in found}
    tracks = {
        track_key(source, box) for source, (boxes, _, _) in looks.items() for box in boxes
    } - {None}
    return BoxesProposal(
        file,
        tuple(inputs),
        given,
        tuple(looks),
        tuple((source.name, len(boxes)) for source, (boxes, _, _) in looks.items()),
        len(tracks),
        len(sources) - len(found),
        tuple(unknown),
        sum(outside for _, outside, _ in looks.values()),
        tuple((source.name, missing) for source, (_, _, missing) in looks.items() if missing),
    )


def outside_words(boxes: int) -> str:
    """That boxes lie where their picture is not."""
    if boxes == 1:
        return "1 box lies outside of its picture and is left out"
    return f"{boxes:,} boxes lie outside of their picture and are left out"


def _missing_words(name: str, boxes: int) -> str:
    """That boxes are on frames that a video does not have."""
    are = counted(boxes, "box is", "boxes are")
    return f"{shown(name)}: {are} on frames that it does not have, and left out"


def _look(given: GivenBoxes, source: Source) -> tuple[list[PersonBox], int, int]:
    """The boxes of a source that can be cut out, how many lie outside of their picture, and how
    many are on frames that the video does not have; all where it cannot be looked at."""
    frames = given.matched[source.name]
    count = None
    try:
        if source.video:
            with Video(source.path) as video:
                wide, high, count = video.width, video.height, video.count
        else:
            wide, high = picture_size(source.path)
    except (ImageError, VideoError):  # cutting them out says why it cannot be read
        return [box for frame in frames.values() for box in frame], 0, 0
    there = {number: of for number, of in frames.items() if count is None or number < count}
    boxes = [box for number in there for box in given.on(source.name, number, wide, high)]
    listed = sum(map(len, there.values()))
    return boxes, listed - len(boxes), sum(map(len, frames.values())) - listed


def lost_boxes(given: GivenBoxes, journal: Journal, sources: Sequence[Source]) -> list[str]:
    """Sentences about boxes of which nothing could be cut out: outside of their picture, or on
    frames that their video does not have; of the sources that are done."""
    outside = 0
    said = []
    for source in filter(journal.done, sources):
        wanted = given.frames_of(source.name)
        for frame in journal.frames(source):
            wanted.discard(frame.number)
            outside += len(given.listed(source.name, frame.number)) - len(frame.boxes)
        missing = sum(len(given.listed(source.name, number)) for number in wanted)
        if missing:
            said.append(_missing_words(source.name, missing))
    return ([outside_words(outside)] if outside else []) + said


def first_people(
    proposal: BoxesProposal, sources: int, each: int, context: WorkContext = NO_CONTEXT
) -> Iterator[tuple[int, list[npt.NDArray[np.uint8]]]]:
    """The first people of so many pictures and videos, ``each`` of one at most, as they would be
    cut out: the place of the source, and pictures (h, w, 3).

    What cannot be read is passed over. Raises :class:`Cancelled` when asked to stop.
    """
    for place, source in enumerate(proposal.sources[:sources]):
        context.raise_if_cancelled()
        try:
            frame = _first_frame(proposal.given, source, context)
        except (ImageError, VideoError):
            continue
        if frame is not None:
            high, wide = frame.picture.shape[:2]
            boxes = proposal.given.on(source.name, frame.number, wide, high)
            yield place, [cut(frame.picture, box) for box in boxes[:each]]


def _first_frame(given: GivenBoxes, source: Source, context: WorkContext) -> Frame | None:
    """A picture, or the first frame of a video that has boxes; None where that is not there."""
    if not source.video:
        return Frame(0, 0.0, np.asarray(read_image(source.path)))
    with Video(source.path) as video:
        first = {min(given.frames_of(source.name))}
        stop = context.raise_if_cancelled
        return next(video.pictures_at(first, on_read=lambda _number: stop()), None)


def one_boxes_file(places: Sequence[Path]) -> tuple[Path | None, list[Path]]:
    """The file of boxes among ``places``, None where there is none, and the other places.

    Raises :class:`InputError` for several, and for a table beside pictures that lacks the sizes of
    its boxes.
    """
    tables = [path for path in places if path.suffix.lower() == ".csv"]
    for table in filter(_only_corners, tables if len(tables) < len(places) else ()):
        read_boxes(table)  # its error says what it lacks
    found = [path for path in places if is_boxes_file(path)]
    if len(found) > 1:
        raise InputError(f"{shown(found[0])} and {shown(found[1])}: give one file of boxes")
    return (found[0] if found else None), [path for path in places if path not in found]
