"""Reads a data set or a checkpoint in the background, before it is used; nothing shown changes."""

from __future__ import annotations

from collections.abc import Callable

from app.jobs import engine
from app.jobs.engine import Inspected, LoadedModel
from app.jobs.job import Job
from app.jobs.job_slots import JobSlots
from app.state.requests import DataRequest, ModelRequest
from app.state.values import Problem

Failed = Callable[[Problem], bool | None]
DATA, MODEL = "inspect data", "inspect model"


def inspect_data(
    slots: JobSlots,
    request: DataRequest,
    done: Callable[[Inspected], None],
    failed: Failed | None = None,
    ended: Callable[[], None] | None = None,
    decode: bool = False,
) -> Job:
    """Read a data set and check it; with ``decode`` every picture is decoded."""
    title = f"Reading {request.gallery or request.root or request.name}"
    return slots.replace(
        DATA, title, lambda context: engine.inspect_data(request, context, decode), done,
        failed=failed, ended=ended, lane="long" if decode else "files",
    )  # fmt: skip


def inspect_model(
    slots: JobSlots,
    request: ModelRequest,
    done: Callable[[LoadedModel], None],
    failed: Failed | None = None,
    ended: Callable[[], None] | None = None,
) -> Job:
    """Load a checkpoint without using it yet."""
    return slots.replace(
        MODEL, f"Loading {request.title}",
        lambda context: engine.inspect_model(request, context), done, failed=failed, ended=ended,
    )  # fmt: skip
