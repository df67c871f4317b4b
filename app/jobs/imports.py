"""Proposes how a person's own pictures are read, and writes it down, in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QImage

from app.jobs.images import image_of
from app.jobs.inspections import Failed
from app.jobs.job import Job, JobContext
from app.jobs.job_slots import JobSlots
from app.state.requests import DataRequest
from qaconv_core.data.description import Description, opened_by, save_description
from qaconv_core.data.folder_guess import Wishes
from qaconv_core.data.proposal import Proposal, propose, table_columns
from qaconv_core.data.scan import Scan, check_there

if TYPE_CHECKING:
    from qaconv_core.detection.given import BoxesProposal

PROPOSE, SAVE, CUT = "propose import", "save import", "cut boxes out"
SHOW = "show boxes"


def propose_import(
    slots: JobSlots,
    places: Sequence[Path],
    wishes: Wishes,
    known: Proposal | None,
    scans: Mapping[Path, Scan],
    columns: Callable[[list[str]], None],
    done: Callable[[Proposal | BoxesProposal], None],
    failed: Failed,
) -> Job:
    """Look at folders and tables, or at a file of boxes beside pictures; ``known`` is the proposal
    before this one, of the same places, ``scans`` are folders that were read already.
    ``columns`` gets the names of the tables' columns, also where the tables cannot be read
    without somebody naming one."""

    def look(context: JobContext) -> Proposal | BoxesProposal:
        from qaconv_core.detection.given import one_boxes_file, propose_boxes

        boxes, others = one_boxes_file(places)
        if boxes is not None:
            return propose_boxes(boxes, others)
        context.tell(table_columns(places, wishes))
        return propose(places, wishes, context, known, scans)

    return slots.replace(
        PROPOSE,
        "Reading pictures to import",
        look,
        done,
        reported=columns,
        failed=failed,
        lane="files",
    )


def show_people(
    slots: JobSlots,
    proposal: BoxesProposal,
    sources: int,
    each: int,
    size: QSize,
    shown: Callable[[tuple[int, list[QImage]]], None],
) -> Job:
    """Cut the first people out for a look at them; ``shown`` gets the place of each picture or
    video and its people, at most so large."""

    def look(context: JobContext) -> None:
        from qaconv_core.detection.given import first_people

        for place, crops in first_people(proposal, sources, each, context):
            images = map(image_of, crops)
            small = [i.scaled(size, Qt.KeepAspectRatio, Qt.SmoothTransformation)
                     for i in images]  # fmt: skip
            context.tell((place, small))

    return slots.replace(SHOW, "Looking at boxes", look, reported=shown, lane="files", quiet=True)


def cut_out(
    slots: JobSlots,
    proposal: BoxesProposal,
    out: Path,
    done: Callable[[DataRequest], None],
    failed: Failed,
) -> Job:
    """Cut the people of a file of boxes out, into a folder; the request that opens it."""

    def cut(context: JobContext) -> DataRequest:
        from qaconv_core.detection.job import Work, detect_people

        how = Work(settings={"boxes": proposal.given.digest})
        detect_people(proposal.inputs, out, proposal.given, how, context)
        return DataRequest("folder", out.absolute())

    return slots.replace(CUT, "Cutting people out", cut, done, failed=failed, lane="files")


def save_import(
    slots: JobSlots,
    description: Description,
    done: Callable[[DataRequest], None],
    failed: Failed,
) -> Job:
    """Write ``qaconv.toml``; the request that opens what it describes."""

    def save(_context: JobContext) -> DataRequest:
        for source in description.sources:
            check_there(source.path)
        return DataRequest("folder", opened_by(save_description(description)))

    return slots.replace(SAVE, "Writing qaconv.toml", save, done, failed=failed, lane="files")
