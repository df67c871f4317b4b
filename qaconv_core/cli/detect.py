"""``qaconv detect``: find the people in scenes and videos, as crops that can be searched."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING

from qaconv_core.cli.options import add_device_option, add_quiet_option, show
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.readable import counted, shown

if TYPE_CHECKING:
    from qaconv_core.detection.foreign import GivenBoxes
    from qaconv_core.detection.job import Detected, Finder

NAMED_FAULTS = 10
"""Files left out that are named one by one; the others are counted."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv detect``."""
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="pictures of scenes, videos, folders of both"
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="folder of the crops, boxes.csv and pictures.csv; a stopped run goes on there",
    )
    group = parser.add_argument_group("people")
    group.add_argument(
        "--score", type=float, metavar="S", help="least score of a person, in (0, 1) (default: 0.4)"
    )
    group.add_argument(
        "--min-height",
        type=float,
        default=0.0,
        metavar="PX",
        help="least height of a person in pixels",
    )
    group.add_argument(
        "--tiles",
        metavar="T",
        help="where the detector looks: whole, and squares of the shorter side divided by 1, 2, …, "
        "joined by commas (default: whole,1,2 for pictures, whole,2 for video)",
    )
    group.add_argument(
        "--detector",
        metavar="NAME",
        help="bundled (default), or one of torchvision's whose weights are on this disk; qaconv "
        "weights lists them",
    )
    group.add_argument(
        "--boxes",
        metavar="FILE",
        help="take the boxes from a CSV (file,frame,x,y,w,h,score,track), MOT text, COCO JSON or "
        "CVAT XML",
    )
    group.add_argument(
        "--margin",
        type=float,
        default=0.03,
        metavar="M",
        help="room around a box in its crop, as a share of the box's height",
    )
    add_device_option(group)
    group = parser.add_argument_group("video")
    group.add_argument(
        "--fps", type=float, default=2.0, metavar="F", help="frames a second that are looked at"
    )
    group.add_argument(
        "--motion", action="store_true", help="of those, only frames in which something moved"
    )
    group.add_argument(
        "--start",
        action="append",
        metavar="[FILE=]TIME",
        help="when a video began, e.g. '2024-05-01 12:00:00'; for one file, or for all (else the "
        "file's name or metadata tell)",
    )
    group.add_argument(
        "--camera",
        action="append",
        metavar="FILE=NAME",
        help="the camera of a picture or video; videos of one name are of one camera",
    )
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Find people; say what was found and left out."""
    from qaconv_core.detection.frames import Sampling
    from qaconv_core.detection.job import Work, detect_people

    finder, settings = _finder(arguments)
    work = Work(
        Sampling(arguments.fps, arguments.motion),
        arguments.margin,
        _starts(arguments.start or []),
        settings,
        _cameras(arguments.camera or []),
    )
    with ProgressShower(arguments.quiet) as progress:
        done = detect_people(
            arguments.inputs, arguments.out, finder, work, WorkContext(progress, cancel)
        )
    _report(arguments.out, done)


def _finder(arguments: argparse.Namespace) -> tuple[Finder | GivenBoxes, dict[str, object]]:
    """Who gives the boxes, and what a run that goes on is held against."""
    if arguments.boxes is not None:
        from qaconv_core.detection.foreign import read_boxes
        from qaconv_core.detection.sources import find_sources

        for option in ("score", "tiles", "detector"):
            if getattr(arguments, option) is not None:
                raise InputError(f"--{option} says how people are found; --boxes has them already")
        given = read_boxes(arguments.boxes)
        left = given.match(find_sources(arguments.inputs, leave_out=arguments.out)[0])
        for name in left[:NAMED_FAULTS]:
            say(f"note: {arguments.boxes}: {shown(name)} is not among the pictures given")
        if len(left) > NAMED_FAULTS:
            say(f"note: {arguments.boxes}: {len(left) - NAMED_FAULTS:,} more are not among them")
        return given, {"boxes": given.digest}
    from qaconv_core.data.weights import BUNDLED_DETECTOR
    from qaconv_core.detection.finder import FindOptions, PersonFinder

    name = (arguments.detector or BUNDLED_DETECTOR).strip().lower()
    pictures, videos = (
        FindOptions.of(
            arguments.score, arguments.min_height, arguments.tiles, video=video, detector=name
        )
        for video in (False, True)
    )
    finder = PersonFinder(arguments.device, detector=name)
    return finder.bound(pictures, videos), FindOptions.settings(pictures, videos, name)


def _starts(texts: list[str]) -> dict[str, datetime]:
    from qaconv_core.detection.sources import read_moment

    found = {}
    for text in texts:
        name, equals, moment = text.rpartition("=")
        found[name if equals else ""] = read_moment(moment)
    return found


def _cameras(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, camera = text.rpartition("=")
        if not (equals and name and camera.strip()):
            raise InputError(
                f"camera '{shown(text)}': give a file and a name, as in gate.mp4=north"
            )
        found[name] = camera.strip()
    return found


def _report(out: str, done: Detected) -> None:
    for fault in done.rejected[:NAMED_FAULTS]:
        say(f"left out: {shown(fault.path)}: {fault.reason}")
    if len(done.rejected) > NAMED_FAULTS:
        say(f"left out: {len(done.rejected) - NAMED_FAULTS:,} files more")
    for note in done.notes:
        say(f"note: {note}")
    totals = done.totals
    goes_on = f"{done.lost_words}; connect it, and the same command goes on"
    if not totals.sources:
        nothing = "none of the pictures and videos can be read; nothing was looked at"
        raise InputError(goes_on if done.lost else nothing)
    text = f"{counted(totals.boxes, 'person', 'people')} on "
    text += counted(totals.sources, "picture or video", "pictures and videos")
    if totals.tracks:
        text += f", {counted(totals.tracks, 'track', 'tracks')}"
    text += f": {shown(out)}"
    if done.found_done:
        text += f" ({counted(done.found_done, 'file was', 'files were')} done before)"
    show(text)
    if totals.boxes:
        show(f"search them: qaconv rank --query PICTURE --gallery {shown(out)}")
    if done.lost:
        raise InputError(goes_on)
