"""The last session: what was open, chosen and shown, to be restored at the next start."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.state.requests import DataRequest, ModelRequest
from app.state.settings import REQUEST_LIMITS
from app.state.stored import Limits, fitting, plain, read_noted, write_record
from app.state.values import (
    EACH,
    LINES,
    METHODS,
    MOST_LINES,
    SWIPES,
    Look,
    QueryFilter,
    ResultFilter,
)
from app.state.workspace import Workspace
from qaconv_core.errors import StoreError
from qaconv_core.matching.strongest import DIRECTIONS
from qaconv_core.ranking.tracks import TRACK_RULES

log = logging.getLogger(__name__)

FILE_NAME = "session.json"
PAGES = ("explore", "gallery", "evaluate", "failures", "trust")
_MEASURES = ("relative", "contribution", "similarity")
LIMITS: Limits = {
    **REQUEST_LIMITS,
    "threshold": (-1.0, 1.0),
    "count": (0, MOST_LINES),
    "direction": DIRECTIONS,
    "colour_by": (*_MEASURES, EACH),
    "heat_of": _MEASURES,
    "opacity": (0.0, 1.0),
    "brightness": (-100, 100),
    "contrast": (-100, 100),
    "sharpness": (0, 100),
    "swipe": SWIPES,
    "false_alarms": (0.001, 0.5),
    "false_pairs": (0.001, 0.5),
    "line": LINES,
    "fuse": ("max", "mean"),
    "tracks": TRACK_RULES,
    "sort": ("file", "person", "ap", "score"),
    "method": METHODS,
    "page": PAGES,
}
"""What the fields of a session may hold; see :func:`~app.state.stored.fitting`."""


@dataclass(frozen=True)
class Session:
    """``data`` None: nothing was open. ``queries``, ``candidate`` and ``compared``, the
    candidates that it is compared with, are paths of pictures.

    ``closed`` says that the data set was closed: the next start shows the ways to begin.
    ``added`` says that the queries are added pictures, ``normalise`` that evaluations measure
    normalised scores, too. ``note`` is the line that says that the kept session was damaged and put
    aside; it is not kept. ``case`` is the file of the case that was open.
    """

    data: DataRequest | None = None
    model: ModelRequest = field(default_factory=ModelRequest)
    queries: tuple[str, ...] = ()
    added: bool = field(default=False, metadata={"key": "own"})
    candidate: str = ""
    compared: tuple[str, ...] = ()
    look: Look = field(default_factory=Look)
    query_filter: QueryFilter = field(default_factory=QueryFilter)
    result_filter: ResultFilter = field(default_factory=ResultFilter)
    method: str = "qaconv"
    page: str = "explore"
    normalise: bool = False
    case: str = ""
    closed: bool = False
    note: str = field(default="", metadata={"key": ""})

    def to_record(self) -> dict[str, Any]:
        """For JSON."""
        record: dict[str, Any] = plain(self)
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Session:
        """Whatever of a record makes sense; defaults for the rest."""
        return fitting(cls(), record, LIMITS)


def load_session(folder: Path) -> Session:
    """The session kept in a folder; an empty one where there is none."""
    record, note = read_noted(folder / FILE_NAME)
    return replace(Session.from_record(record), note=note)


def save_session(folder: Path, session: Session) -> None:
    """Keep a session; a disk that refuses is a line in the log."""
    try:
        write_record(folder / FILE_NAME, session.to_record())
    except StoreError as error:
        log.warning("%s; the session is not kept", error)


def session_of(
    space: Workspace, data: DataRequest | None, model: ModelRequest, page: str = "explore"
) -> Session:
    """What the window shows now. ``data`` and ``model`` are the last requests."""
    opened, chosen = space.data, space.selection
    session = Session(
        data=data if opened is not None else None,
        model=model,
        look=space.look,
        query_filter=space.query_filter,
        result_filter=space.result_filter,
        method=space.method,
        page=page if page in PAGES else PAGES[0],
    )
    if opened is None or chosen.query is None:
        return session
    added = opened.is_added(chosen.query)
    candidate = "" if chosen.candidate is None else str(opened.gallery[chosen.candidate].path)
    return replace(
        session,
        queries=tuple(
            str(opened.query[i].path) for i in chosen.queries if opened.is_added(i) == added
        ),
        added=added,
        candidate=candidate,
        compared=tuple(str(opened.gallery[other].path) for other in space.compared),
    )
