"""Proposes how a person's own pictures are read, and writes it down, in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from app.jobs.inspections import Failed
from app.jobs.job import Job, JobContext
from app.jobs.job_slots import JobSlots
from app.state.requests import DataRequest
from qaconv_core.data.description import Description, save_description
from qaconv_core.data.folder_guess import Wishes
from qaconv_core.data.proposal import Proposal, propose
from qaconv_core.progress import WorkContext

PROPOSE, SAVE = "propose import", "save import"


def propose_import(
    slots: JobSlots,
    places: Sequence[Path],
    wishes: Wishes,
    known: Proposal | None,
    done: Callable[[Proposal], None],
    failed: Failed,
) -> Job:
    """Look at folders and tables; ``known`` is the proposal before this one, of the same places."""

    def look(context: JobContext) -> Proposal:
        work = WorkContext(context.progress, context.cancel)
        return propose(places, wishes, work, known)

    return slots.replace(
        PROPOSE, "Reading pictures to import", look, done, failed=failed, lane="files"
    )


def save_import(
    slots: JobSlots,
    description: Description,
    done: Callable[[DataRequest], None],
    failed: Failed,
) -> Job:
    """Write ``qaconv.toml``; the request that opens what it describes."""

    def save(_context: JobContext) -> DataRequest:
        saved = save_description(description)
        one = len(saved.sources) == 1
        return DataRequest("folder", saved.sources[0].path if one else saved.file)

    return slots.replace(SAVE, "Writing qaconv.toml", save, done, failed=failed, lane="files")
