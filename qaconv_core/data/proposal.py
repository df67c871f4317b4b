"""Proposes how a person's own folders and tables are to be read, and says what can be done then."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from qaconv_core.data.check import readable_part, valid_queries
from qaconv_core.data.column_guess import columns_of, guess_columns
from qaconv_core.data.described import OwnPicture, OwnPictures, as_dataset, collect, scan_source
from qaconv_core.data.description import Description, Source, title_of, told_apart
from qaconv_core.data.duplicates import Duplicates, find_duplicates
from qaconv_core.data.folder import own_table
from qaconv_core.data.folder_guess import Wishes, guess_folder_way
from qaconv_core.data.images import picture_size
from qaconv_core.data.scan import Scan, peek
from qaconv_core.data.scenes import scenes_among
from qaconv_core.data.table import TRACK
from qaconv_core.errors import DatasetError, ImageError
from qaconv_core.paths import typed_path
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import counted, shown
from qaconv_core.types import Dataset, ImageSet

BY_DETECT = "people are cut out of scenes, videos and boxes by qaconv detect"
_SIZES = 100


@dataclass(frozen=True)
class Proposal:
    """How pictures would be read, what that gives, and why.

    ``reasons`` say what was recognised and what to say where that is wrong. ``warnings`` say what
    is odd about the pictures. ``sizes`` are (width, height) of a sample, ``unopened`` says why
    others of it cannot be opened, ``scans`` are the folders as they were read.
    """

    description: Description
    pictures: OwnPictures
    dataset: Dataset
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    duplicates: Duplicates
    sizes: tuple[tuple[int, int], ...]
    unopened: Mapping[Path, str]
    scans: Mapping[Path, Scan]

    def possible(self, damaged: Collection[Path] | None = None) -> tuple[Possible, ...]:
        """What can be done with the pictures that are not ``damaged``; None: it was not tried to
        decode all, and what is known of the sample counts."""
        looked_at = len(self.sizes) + len(self.unopened)
        unknown = damaged is None and looked_at < len(self.pictures.pictures)
        left_out = self.unopened if damaged is None else damaged
        rest = readable_part(self.dataset, left_out)
        return possibilities(rest, at_most=bool(unknown and left_out))


@dataclass(frozen=True)
class Possible:
    """Something that can be done with pictures, or not yet: ``why`` says what it rests on or
    what it lacks."""

    what: str
    possible: bool
    why: str


def propose(
    places: Sequence[str | Path],
    wishes: Wishes | None = None,
    context: WorkContext = NO_CONTEXT,
    known: Proposal | None = None,
    scans: Mapping[Path, Scan] | None = None,
) -> Proposal:
    """Look at folders and tables, and propose how to read them. Nothing is written or decoded.

    A folder with a table of its own is read by that table, as it is opened, unless the wishes say
    what names or folders mean. ``known`` is an earlier proposal for the same places: what was read
    then is not read again, nor are the folders of ``scans``. Raises :class:`DatasetError` where a
    place cannot be read or holds no picture, and :class:`~qaconv_core.errors.InputError` for a
    pattern that is none.
    """
    wishes = wishes or Wishes()
    paths = [typed_path(place).absolute() for place in places]
    reasons: list[str] = []
    paths = _read_by([Path(os.path.normpath(path)) for path in paths], wishes, reasons)
    folders = [path for path in paths if not _is_table(path)]
    if known and set(known.scans) != set(folders):  # a table was taken then, or is now
        known = None
    read = known.scans if known else scans or {}
    scans = {path: read.get(path) or _scan(path, context) for path in folders}
    several = len(folders) > 1
    all_pictures = [
        picture._replace(folders=(path.name, *picture.folders)) if several else picture
        for path, scan in scans.items()
        for picture in scan.pictures
    ]
    way = guess_folder_way(all_pictures, wishes, reasons)
    tables = _table_sources([path for path in paths if _is_table(path)], wishes, reasons)
    sources = [tables[path] if path in tables else way.at(path) for path in paths]
    name = wishes.name or title_of(sources)
    if name != wishes.name:
        reasons.append(f"called “{name}”; --dataset says otherwise")
    description = Description(tuple(sources), name)
    pictures = collect(description, context, scans)
    dataset = as_dataset(description, pictures)
    files = [picture.path for picture in pictures.pictures]
    duplicates = known.duplicates if known else find_duplicates(files, context)
    sizes, unopened = (known.sizes, known.unopened) if known else _sizes(files)
    warnings = tuple(_warnings(len(files), duplicates, sizes, unopened))
    return Proposal(
        description, pictures, dataset, tuple(reasons), warnings, duplicates, sizes, unopened, scans
    )


def table_columns(places: Sequence[Path], wishes: Wishes) -> list[str]:
    """The names of all columns of the tables that :func:`propose` would read, each once."""
    found: dict[str, None] = {}
    for path in filter(_is_table, _read_by(places, wishes, [])):
        found |= dict.fromkeys(filter(None, columns_of(path)))
    return list(found)


def spread(proposal: Proposal, most: int = 8) -> list[OwnPicture]:
    """At most so many pictures, spread over all of them."""
    pictures = proposal.pictures.pictures
    return list(islice(pictures, 0, None, max(1, len(pictures) // most)))[:most]


def examples(proposal: Proposal, most: int = 8) -> list[tuple[str, str, str, str, str]]:
    """Those of :func:`spread`: name, person, camera, time, split as they were read."""
    root = proposal.dataset.root
    root = root.parent if _is_table(root) else root
    return [
        (
            shown(p.path.relative_to(root) if root in p.path.parents else p.path.name),
            shown(p.pid) or "–",
            shown(p.camera) or "–",
            "–" if p.time is None else shown(p.time),
            p.split or "–",
        )
        for p in spread(proposal, most)
    ]


def possibilities(dataset: Dataset, at_most: bool = False) -> tuple[Possible, ...]:
    """What can be done with a data set of one's own, and what the rest lacks; ``at_most``: more of
    its pictures may turn out to be damaged."""
    refs = (*dataset.query, *dataset.gallery)
    pids = {ref.pid for ref in refs if ref.pid is not None}
    cameras = {ref.camid for ref in refs if ref.camid is not None}
    timed = sum(ref.time is not None and ref.camid is not None for ref in refs)
    valid = valid_queries(dataset.query, dataset.gallery)
    between = valid_queries(*map(_of_known_camera, (dataset.query, dataset.gallery)))
    number = counted(len(refs) + len(dataset.train), "picture")
    search = Possible("Search", True, f"{'at most ' if at_most else ''}{number} can be ranked")
    return (search, _evaluation(len(pids), cameras, valid, between, len(dataset.query)), _lifting(
        len(pids), timed, len(refs)), _normalisation(cameras))  # fmt: skip


def _of_known_camera(refs: ImageSet) -> ImageSet:
    return ImageSet(tuple(ref for ref in refs if ref.camid is not None))


def _evaluation(
    persons: int, cameras: set[int], valid: int, between: int, queries: int
) -> Possible:
    if not persons:
        return Possible("Evaluate", False, "no persons are known: name a pattern, folders or a "
                                           "column, or label them while looking")  # fmt: skip
    if not valid and len(cameras) == 1:
        return Possible("Evaluate", True, "one camera only: pictures of the same camera have to "
                                          "count (--no-junk)")  # fmt: skip
    if not valid:
        return Possible("Evaluate", False, "no person was seen by two cameras; --no-junk counts "
                                           "pictures of the same camera")  # fmt: skip
    why = f"{valid:,} of {queries:,} queries have a true match"
    if between == valid:
        return Possible("Evaluate", True, f"{why} from another camera")
    if cameras:
        return Possible("Evaluate", True, f"{why}, {between:,} of them one that is known to be "
                                          "from another camera; where a camera is not known, "
                                          "pictures of the same camera count")  # fmt: skip
    return Possible("Evaluate", True, f"{why}; cameras are not known, so pictures of the same "
                                      "camera count, which makes measures too good")  # fmt: skip


def _lifting(persons: int, timed: int, refs: int) -> Possible:
    if not timed:
        return Possible("TLift", False, "it needs times and cameras (a field {time}, or {frame} "
                                        "with --rate, or a column)")  # fmt: skip
    why = f"{timed:,} of {refs:,} pictures have a time and a camera"
    if timed < refs:
        return Possible("TLift", False, f"only {why}")
    return Possible("TLift", True, why if persons else f"{why}; measured once persons are known")


def _normalisation(cameras: set[int]) -> Possible:
    several = len(cameras) > 1
    why = f"{len(cameras)} cameras" if several else "it needs several cameras"
    return Possible("Normalise scores by camera", several, why)


def _is_table(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".csv"


def _read_by(paths: Sequence[Path], wishes: Wishes, reasons: list[str]) -> list[Path]:
    """The places, each once; in place of a folder the table of its own, where it has one."""
    if wishes.patterns or wishes.folders is not None:
        return list(dict.fromkeys(paths))
    found: dict[Path, Path] = {}
    for path in filter(Path.is_dir, paths):
        try:
            table = own_table(path)
        except DatasetError as error:  # several; names and folders may still say something
            reasons.append(str(error))
        else:
            found |= {} if table is None else {path: table}
    by_table: dict[str, list[Path]] = {}
    for path, table in found.items():
        by_table.setdefault(table.name, []).append(path)
    for table_name, places in by_table.items():
        names = told_apart(places)
        has, its = ("has", "its") if len(names) == 1 else ("each have", "their")
        reasons.append(
            f"{_together(names)} {has} a table of {its} own, {shown(table_name)}: what is known of "
            f"{its} pictures is taken from there; --folders or --pattern says otherwise"
        )
    return list(dict.fromkeys(found.get(path, path) for path in paths))


def _together(names: Sequence[str]) -> str:
    """``a, b and c``."""
    *first, last = map(shown, names)
    return f"{', '.join(first)} and {last}" if first else last


def _scan(path: Path, context: WorkContext) -> Scan:
    if not path.exists():
        raise DatasetError(f"{shown(path)}: no such file or folder; check the path")
    if path.is_file():
        raise DatasetError(
            f"{shown(path)}: neither a folder nor a table (.csv); name the folder; {BY_DETECT}"
        )
    return scan_source(path, context)


def _table_sources(paths: Sequence[Path], wishes: Wishes, reasons: list[str]) -> dict[Path, Source]:
    """How tables are read; what is the same of several is said once."""
    several = len({path.name for path in paths}) < len(paths)
    found: dict[Path, Source] = {}
    said: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        found[path], told = _table_source(path, wishes)
        name = f"{path.parent.name}/{path.name}" if several else path.name
        said.setdefault(tuple(told), []).append(name)
    for (columns, *others), names in said.items():
        reasons += [f"{_together(names)}: {columns}", *others]
    return found


def _table_source(path: Path, wishes: Wishes) -> tuple[Source, list[str]]:
    """How a table is read, and why: its columns, and what else is to be said."""
    columns, unit = guess_columns(path, wishes.columns)
    columns = {ours: theirs for ours, theirs in columns.items() if theirs}
    header = columns_of(path)
    told = [*columns.items(), *((TRACK, name) for name in header if name.lower() == TRACK)]
    pairs = ", ".join(f"{ours}={theirs}" for ours, theirs in told)
    taken = {name.lower() for name in ("", TRACK, *columns.values())}
    others = [name for name in header if name.lower() not in taken]
    unused = f" (not used: {peek(others)})" if others else ""
    told_why = [f"columns {shown(pairs)}{unused}; --columns says otherwise"]
    unit = wishes.unit or unit or "seconds"
    if unit == "frames" and not wishes.rate:
        told_why.append("frames are numbered in a column; with --rate they become times")
    return Source(path, columns=columns, unit=unit, rate=wishes.rate), told_why


def _sizes(paths: Sequence[Path]) -> tuple[tuple[tuple[int, int], ...], dict[Path, str]]:
    """Sizes of a sample, and why others of it cannot be opened."""
    sizes, unopened = [], {}
    for path in paths[:: -(-len(paths) // _SIZES)]:
        try:
            sizes.append(picture_size(path))
        except ImageError as error:
            unopened[path] = error.reason
    return tuple(sizes), unopened


def _told_apart(paths: Sequence[Path]) -> list[str]:
    """The names of files, with as many of their folders as tell them apart."""
    for parts in range(1, max(len(path.parts) for path in paths)):
        names = [Path(*path.parts[-parts:]).as_posix() for path in paths]
        if len(set(names)) == len(paths):
            return list(map(shown, names))
    return list(map(shown, paths))


def _warnings(
    pictures: int,
    duplicates: Duplicates,
    sizes: Sequence[tuple[int, int]],
    unopened: Mapping[Path, str],
) -> list[str]:
    warnings = []
    if duplicates.extra:
        first = duplicates.groups[0]
        hold = "1 file holds" if duplicates.extra == 1 else f"{duplicates.extra:,} files hold"
        warnings.append(
            f"{hold} the same bytes as another one (such as "
            f"{' and '.join(_told_apart(first[:2]))}); all are kept"
        )
    if not duplicates.compared_all:
        warnings.append("files of one size hold too much to compare all of them for copies")
    scenes = scenes_among(sizes, pictures)
    if scenes:
        warnings.append(scenes)
    if not sizes:
        warnings.append("none of the pictures looked at can be opened")
    elif unopened:
        damaged, why = next(iter(unopened.items()))
        warnings.append(
            f"{len(unopened):,} of {len(sizes) + len(unopened):,} pictures looked at cannot be "
            f"opened ({shown(damaged.name)}: {why})"
        )
    return warnings
