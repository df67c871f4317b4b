"""The last session: what was open, chosen and shown, to be restored at the next start."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.state.requests import DataRequest, ModelRequest
from app.state.settings import data_of, data_record, model_of, model_record
from app.state.stored import (
    flag_of,
    number_of,
    numbers_of,
    one_of,
    read_noted,
    record_of,
    text_of,
    texts_of,
    write_record,
)
from app.state.values import EACH, METHODS, MODES, MOST_LINES, Look, QueryFilter, ResultFilter
from app.state.workspace import Workspace
from qaconv_core.errors import StoreError
from qaconv_core.matching.strongest import DIRECTIONS
from qaconv_core.store.records import is_number

log = logging.getLogger(__name__)

FILE_NAME = "session.json"
PAGES = ("explore", "gallery", "evaluate", "failures", "trust")
_MEASURES = ("relative", "contribution", "similarity")


@dataclass(frozen=True)
class Session:
    """``data`` None: nothing was open. ``queries`` and ``candidate`` are paths of pictures.

    ``added`` says that the queries are added pictures, ``normalise`` that evaluations measure
    normalised scores, too. ``note`` is the line that says that the kept session was damaged and put
    aside; it is not kept.
    """

    data: DataRequest | None = None
    model: ModelRequest = field(default_factory=ModelRequest)
    queries: tuple[str, ...] = ()
    added: bool = False
    candidate: str = ""
    look: Look = field(default_factory=Look)
    query_filter: QueryFilter = field(default_factory=QueryFilter)
    result_filter: ResultFilter = field(default_factory=ResultFilter)
    method: str = "qaconv"
    page: str = "explore"
    normalise: bool = False
    note: str = ""

    def to_record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "data": None if self.data is None else data_record(self.data),
            "model": model_record(self.model),
            "queries": list(self.queries),
            "own": self.added,
            "candidate": self.candidate,
            "look": vars(self.look),
            "query_filter": _plain(vars(self.query_filter)),
            "result_filter": _plain(vars(self.result_filter)),
            "method": self.method,
            "page": self.page,
            "normalise": self.normalise,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Session:
        """Whatever of a record makes sense; defaults for the rest."""
        data = record_of(record, "data")
        return cls(
            data=data_of(data) if data else None,
            model=model_of(record_of(record, "model")),
            queries=texts_of(record, "queries"),
            added=flag_of(record, "own", False),
            candidate=text_of(record, "candidate"),
            look=_look_of(record_of(record, "look")),
            query_filter=_query_filter_of(record_of(record, "query_filter")),
            result_filter=_result_filter_of(record_of(record, "result_filter")),
            method=one_of(record, "method", METHODS),
            page=one_of(record, "page", PAGES),
            normalise=flag_of(record, "normalise", False),
        )


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Sets and tuples as lists, for JSON."""
    plain = {k: sorted(v) if isinstance(v, frozenset) else v for k, v in fields.items()}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}


def _look_of(record: dict[str, Any]) -> Look:
    usual = Look()
    return Look(
        mode=one_of(record, "mode", MODES),  # type: ignore[arg-type]
        overlay=flag_of(record, "overlay", usual.overlay),
        grid=flag_of(record, "grid", usual.grid),
        linked=flag_of(record, "linked", usual.linked),
        threshold=number_of(record, "threshold", usual.threshold, -1.0, 1.0),
        count=int(number_of(record, "count", usual.count, 0, MOST_LINES)),
        direction=one_of(record, "direction", DIRECTIONS),
        colour_by=one_of(record, "colour_by", (*_MEASURES, EACH)),
        heat_of=one_of(record, "heat_of", _MEASURES),
        opacity=number_of(record, "opacity", usual.opacity, 0.0, 1.0),
        smooth=flag_of(record, "smooth", usual.smooth),
        fuse=one_of(record, "fuse", ("max", "mean")),
        exact=flag_of(record, "exact", usual.exact),
        false_alarms=number_of(record, "false_alarms", usual.false_alarms, 0.001, 0.5),
    )


def _query_filter_of(record: dict[str, Any]) -> QueryFilter:
    pid = record.get("pid")
    return QueryFilter(
        text=text_of(record, "text"),
        pid=pid if isinstance(pid, int) and not isinstance(pid, bool) else None,
        camids=_camids_of(record),
        errors=flag_of(record, "errors", False),
        sort=one_of(record, "sort", ("file", "person", "ap", "score")),
    )


def _result_filter_of(record: dict[str, Any]) -> ResultFilter:
    times = record.get("time_range")
    known = isinstance(times, list) and len(times) == 2
    known = known and all(is_number(t) for t in times or ())
    return ResultFilter(
        hide_junk=flag_of(record, "hide_junk", False),
        hide_false=flag_of(record, "hide_false", False),
        hide_same_camera=flag_of(record, "hide_same_camera", False),
        hide_decided=flag_of(record, "hide_decided", False),
        camids=_camids_of(record),
        time_range=(float(times[0]), float(times[1])) if known and times else None,
    )


def _camids_of(record: dict[str, Any]) -> frozenset[int] | None:
    return frozenset(numbers_of(record, "camids")) if record.get("camids") is not None else None


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
    )
