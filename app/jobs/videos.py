"""Looks at videos before people are looked for in them, and finds the people, in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.inspections import Failed
from app.jobs.job import KEPT, Job, JobContext
from app.jobs.job_slots import JobSlots
from qaconv_core.data.weights import BUNDLED_DETECTOR
from qaconv_core.errors import ImageError

if TYPE_CHECKING:
    from qaconv_core.detection.job import Detected

FACTS, DETECT = "look at videos", "detect people"


@dataclass(frozen=True)
class VideoFacts:
    """A video or a picture of a scene: ``name`` is the one that ``boxes.csv`` gives it.

    ``seconds`` None: not known, or a picture. ``start`` is by the file's name or by what the file
    says itself. ``fault`` says why it cannot be read.
    """

    path: Path
    name: str
    video: bool
    camera: str
    seconds: float | None = None
    start: datetime | None = None
    fault: str = ""


@dataclass(frozen=True)
class VideoWork:
    """What is to be done: ``rate`` frames a second, with ``motion`` only those in which something
    moved; starts and cameras by the names of files; ``detector`` finds the people."""

    rate: float
    motion: bool
    out: Path
    starts: Mapping[str, datetime] = field(default_factory=dict)
    cameras: Mapping[str, str] = field(default_factory=dict)
    detector: str = BUNDLED_DETECTOR


def read_facts(
    slots: JobSlots,
    paths: Sequence[Path],
    done: Callable[[list[VideoFacts]], None],
    failed: Failed,
) -> Job:
    """What is known of videos, and of those in folders, before anybody is looked for."""

    def read(context: JobContext) -> list[VideoFacts]:
        from qaconv_core.detection.sources import find_sources

        facts = []
        for source in find_sources(paths)[0]:
            context.cancel.raise_if_cancelled()
            facts.append(_facts(source.path, source.name, source.video, source.camera))
        return facts

    return slots.replace(
        FACTS, "Reading videos", read, done, failed=failed, lane="files", quiet=True
    )


def _facts(path: Path, name: str, video: bool, camera: str) -> VideoFacts:
    from qaconv_core.detection.frames import Video
    from qaconv_core.detection.job import start_of
    from qaconv_core.detection.sources import Source

    seconds, fault = None, ""
    if video:
        try:
            with Video(path) as opened:
                seconds = opened.seconds
        except ImageError as error:
            fault = error.reason
    start = start_of(Source(path, name, video))
    return VideoFacts(path, name, video, camera, seconds, start, fault)


def detect(
    slots: JobSlots,
    paths: Sequence[Path],
    work: VideoWork,
    done: Callable[[Detected], None],
    failed: Failed,
    ended: Callable[[], None],
) -> Job:
    """Find the people of videos and scenes; what is there already is not looked at again."""

    def run(context: JobContext) -> Detected:
        from qaconv_core.detection.finder import FindOptions, PersonFinder
        from qaconv_core.detection.frames import Sampling
        from qaconv_core.detection.job import Work, detect_people

        pictures, videos = (
            FindOptions.of(None, 0.0, None, video=video, detector=work.detector)
            for video in (False, True)
        )
        how = Work(
            Sampling(work.rate, work.motion),
            starts=work.starts,
            settings=FindOptions.settings(pictures, videos, work.detector),
            cameras=work.cameras,
        )
        finder = PersonFinder(detector=work.detector).bound(pictures, videos)
        return detect_people(paths, work.out, finder, how, context)

    names = ", ".join(path.name for path in paths[:2])
    return slots.replace(
        DETECT, f"Finding people in {names}", run, done, failed=failed, ended=ended, lane="long",
        loss=KEPT,
    )  # fmt: skip
