"""A file of boxes beside pictures of scenes or videos: what it holds of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qaconv_core.data.table import header_of, unfit_beside_pictures
from qaconv_core.detection.foreign import GivenBoxes, lacking_columns, read_boxes
from qaconv_core.detection.sources import find_sources
from qaconv_core.errors import InputError
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

    ``boxes`` are counts by name of the picture or video, in order; ``tracks`` is how many the file
    gives, ``without`` how many pictures have no box, ``unknown`` are names that the file has and
    the inputs have not.
    """

    file: Path
    inputs: tuple[Path, ...]
    given: GivenBoxes
    boxes: tuple[tuple[str, int], ...]
    tracks: int
    without: int
    unknown: tuple[str, ...]

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
    all_boxes = {name: [b for frame in of.values() for b in frame] for name, of in found.items()}
    tracks = {
        (name, box.track) for name, of in all_boxes.items() for box in of if box.track is not None
    }
    return BoxesProposal(
        file,
        tuple(inputs),
        given,
        tuple((name, len(of)) for name, of in all_boxes.items()),
        len(tracks),
        len(sources) - len(found),
        tuple(unknown),
    )


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
