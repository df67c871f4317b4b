"""Finding the people of pictures and videos: crops, and tables of where they are.

What is on disk decides what is still to do: a run that was stopped, or killed, goes on where it
ended, and the result is that of a run in one go. Of a video nothing is kept but the crops.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qaconv_core.data.images import read_image
from qaconv_core.data.scan import is_picture_name, lost_among, lost_words, peek, went_away
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.crops import BOXES, MARGIN, PART, crop_name, cut, is_output, write_crop
from qaconv_core.detection.foreign import GivenBoxes
from qaconv_core.detection.frames import Frame, Sampling, Video, VideoError, start_in_metadata
from qaconv_core.detection.given import lost_boxes
from qaconv_core.detection.journal import FoundFrame, Journal, Told
from qaconv_core.detection.looks import look_of
from qaconv_core.detection.sources import (
    Source,
    find_sources,
    moment_in_name,
    moment_of_picture,
)
from qaconv_core.detection.tables import Totals, write_tables
from qaconv_core.errors import Cancelled, ImageError, InputError
from qaconv_core.progress import NO_CONTEXT, Tracker, WorkContext
from qaconv_core.readable import counted, shown
from qaconv_core.store.atomic import reason
from qaconv_core.store.locks import exclusive
from qaconv_core.types import Rejected

Finder = Callable[[npt.NDArray[np.uint8], bool, WorkContext], list[PersonBox]]
"""The people on an RGB picture (h, w, 3); told whether it is a video's frame, and what can stop
it."""


@dataclass(frozen=True)
class Work:
    """What is done with every source: frames of videos, room around crops, starts of clocks.

    ``starts`` and ``cameras`` are by the source's name, "" for all other starts; ``settings`` say
    how boxes are found: another run goes on only with the same.
    """

    sampling: Sampling = field(default_factory=Sampling)
    margin: float = MARGIN
    starts: Mapping[str, datetime] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    cameras: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1:
            raise InputError(f"the margin must lie between 0 and 1, not {self.margin:g}")

    @property
    def options(self) -> dict[str, object]:
        """What the journal is held against."""
        sampling = {"fps": self.sampling.rate, "motion": self.sampling.motion}
        return {**sampling, "margin": self.margin, **self.settings}


@dataclass(frozen=True)
class Detected:
    """What a run did: the tables' totals, sources that were done before, and what was left out.

    ``lost`` are files and folders that were there when they were listed, and are not any more.
    """

    totals: Totals
    found_done: int
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]
    lost: tuple[Path, ...] = ()

    @property
    def lost_words(self) -> str:
        """What was lost; "" where nothing was."""
        if not self.lost:
            return ""
        things = ("file or folder", "files and folders")
        words = lost_words(self.lost, "people were looked for", *things)
        return f"{words}: what was found is kept"


def detect_people(
    inputs: Sequence[str | Path],
    out: str | Path,
    finder: Finder | GivenBoxes,
    work: Work | None = None,
    context: WorkContext = NO_CONTEXT,
) -> Detected:
    """Find people in pictures, videos and folders; write crops and tables below ``out``.

    What earlier runs found there stays in the tables, with its cameras and starts.
    Files that cannot be read are in ``rejected``, with the reason. Raises :class:`InputError`, and
    :class:`Cancelled` when asked to stop: the tables then hold what was found on whole pictures and
    frames.
    """
    work, root = work or Work(), Path(out).absolute()
    named = isinstance(finder, GivenBoxes) and bool(finder.persons)
    sources, rejected = find_sources(inputs, leave_out=root)
    _check_out(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise InputError(f"{shown(root)}: cannot be made ({reason(cause)})") from cause
    with exclusive(root / BOXES), closing(Journal(root, work.options)) as journal:
        (root / PART).unlink(missing_ok=True)
        kept = journal.keep_others(sources)
        run = _Run(root, journal, finder, work, context, kept)
        everything = [*kept, *sources]
        before = sum(journal.done(source) for source in sources)
        try:
            run.all_of(sources)
        except Cancelled:
            totals = write_tables(root, journal, everything, run.told, named)
            done = sum(journal.done(source) for source in sources)
            raise Cancelled(
                f"{done:,} of {len(sources):,} files are done, {totals.boxes:,} people found; the "
                "same command goes on"
            ) from None
        totals = write_tables(root, journal, everything, run.told, named)
        notes = [
            f"{shown(source.name)}: {journal.note(source)}"
            for source in sources
            if journal.note(source)
        ]
        if kept:
            names = peek([source.name for source in kept], 3)
            stays = counted(len(kept), "file", "files")
            notes.append(f"what was found before stays: people of {stays} not named now ({names})")
        if isinstance(finder, GivenBoxes):
            notes += lost_boxes(finder, journal, sources)
    left_out = (*rejected, *run.rejected)
    short = [source.path for source in sources if journal.note(source)]
    looked_at = (*(r.path for r in run.rejected), *short)
    lost = dict.fromkeys((*lost_among(rejected), *filter(went_away, looked_at)))
    return Detected(totals, before, left_out, (*totals.notes, *notes), tuple(lost))


def _check_out(root: Path) -> None:
    """Raise :class:`InputError` where crops would come among pictures that are none of them."""
    names = (name for _, _, files in os.walk(root) for name in files)
    if not is_output(root) and any(map(is_picture_name, names)):
        raise InputError(
            f"{shown(root)}: holds pictures already; name an empty or new folder, or one of an "
            "earlier qaconv detect"
        )


def start_of(source: Source) -> datetime | None:
    """When a source began or was taken, by its name or by what the file says itself."""
    if not source.video:
        return moment_of_picture(source.path)
    return moment_in_name(source.path.name) or start_in_metadata(source.path)


class _Run:
    """One run over all sources."""

    def __init__(
        self,
        root: Path,
        journal: Journal,
        finder: Finder | GivenBoxes,
        work: Work,
        context: WorkContext,
        kept: Sequence[Source],
    ) -> None:
        self.root, self.journal, self.finder = root, journal, finder
        self.work, self.context = work, context
        self.kept = {source.name for source in kept}
        self.rejected: list[Rejected] = []
        self._told: dict[str, Told] = {}

    def all_of(self, sources: Sequence[Source]) -> None:
        """Pictures first, under one bar; then each video under its own."""
        pictures = [source for source in sources if not source.video]
        done = sum(self.journal.done(source) for source in pictures)
        if done < len(pictures):
            tracker = Tracker(
                "pictures", len(pictures), "images", self.context.progress, self.context.cancel,
                start=done,
            )  # fmt: skip
            for source in pictures:
                if not self.journal.done(source):
                    self._try(source, self._picture)
                    tracker.advance()
        for source in sources:
            # What ended early may have been on a share that went away: it is tried again.
            ended = self.journal.done(source) and not self.journal.note(source)
            if source.video and not ended:
                self._try(source, self._video)

    def told(self, source: Source) -> Told:
        """The camera and start of a source: as told now, as told or known before, or the start by
        its name or by what the file says itself."""
        if source.name not in self._told:
            before = self.journal.told(source)
            camera = self.work.cameras.get(source.name) or before.camera
            all_others = None if source.name in self.kept else self.work.starts.get("")
            start = self.work.starts.get(source.name) or all_others if source.video else None
            start = start or before.start or start_of(source)
            self._told[source.name] = Told(camera, start)
        return self._told[source.name]

    def _try(self, source: Source, look: Callable[[Source], None]) -> None:
        try:
            look(source)
        except ImageError as error:
            self.rejected.append(Rejected(source.path, error.reason))
        except VideoError as error:
            self.rejected.append(Rejected(source.path, error.reason))

    def _picture(self, source: Source) -> None:
        picture = np.asarray(read_image(source.path))
        boxes = self._boxes(source, 0, picture)
        self.journal.begin(source, self.told(source))
        self._keep(source, Frame(0, 0.0, picture), boxes, None)
        self.journal.end(source)

    def _video(self, source: Source) -> None:
        with Video(source.path) as video:
            last = self.journal.last(source)
            frames: Iterable[Frame]
            given = None
            if isinstance(self.finder, GivenBoxes):
                given = self.finder.frames_of(source.name)
                frames = video.pictures_at(given, after=last)
                expected: int | None = len(given)
            else:
                frames = video.frames(self.work.sampling, after=last)
                expected = video.expected(self.work.sampling)
            before = sum(1 for _ in self.journal.frames(source))
            expected = None if expected is None else max(expected, before + 1)
            self.journal.begin(source, self.told(source))
            tracker = Tracker(
                shown(source.name), expected, "frames", self.context.progress, self.context.cancel,
                start=before,
            )  # fmt: skip
            for frame in frames:
                boxes = self._boxes(source, frame.number, frame.picture)
                self._keep(source, frame, boxes, frame.time)
                tracker.advance()
            if video.read == 0:
                raise VideoError("no frame of it can be decoded; convert it to another format")
            self.journal.end(source, video.shortfall() if given is None else "")

    def _boxes(
        self, source: Source, number: int, picture: npt.NDArray[np.uint8]
    ) -> list[PersonBox]:
        if isinstance(self.finder, GivenBoxes):
            return self.finder.on(source.name, number, picture.shape[1], picture.shape[0])
        return self.finder(picture, source.video, WorkContext(cancel=self.context.cancel))

    def _keep(
        self, source: Source, frame: Frame, boxes: list[PersonBox], time: float | None
    ) -> None:
        """Write the crops of a frame, then its line in the journal."""
        rounded = [
            replace(box, **{side: round(getattr(box, side), 1) for side in ("x", "y", "w", "h")})
            for box in boxes
        ]
        looks = []
        for place, box in enumerate(rounded):
            name = crop_name(source.name, frame.number, place + 1, source.video)
            write_crop(self.root, name, cut(frame.picture, box, self.work.margin))
            if source.video:
                looks.append(look_of(cut(frame.picture, box, 0.0)))
        self.journal.add(source, FoundFrame(frame.number, time, tuple(rounded), tuple(looks)))
