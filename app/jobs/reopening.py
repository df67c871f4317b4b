"""Reopens the last session, or says which of its files are not there any more."""

from __future__ import annotations

from pathlib import Path

from app.jobs.controller import Controller
from app.state.restoring import reopenable, restore
from app.state.session import Session


def reopen(controller: Controller, session: Session) -> tuple[str, ...]:
    """Open the data set, checkpoint, queries and view of a session.

    Returns sentences on what is missing. A session in which nothing was open leaves the window
    empty.
    """
    found = reopenable(session)
    session = found.session
    if session.data is None:
        restore(controller.workspace, session)
        return found.missing

    def restore_view() -> None:
        restore(controller.workspace, session)
        if session.added:
            queries = [Path(query) for query in session.queries]
            candidates = [session.candidate, *session.compared] if session.candidate else []
            controller.add_pictures(queries, tuple(map(Path, candidates)), together=True)

    controller.open(session.data, session.model, restore_view)
    return found.missing
