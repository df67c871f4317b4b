"""Restores a session, as far as its files are still there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from app.state.requests import DEMO, DataRequest
from app.state.session import Session
from app.state.values import Selection
from app.state.workspace import Workspace
from qaconv_core.types import ImageSet


@dataclass(frozen=True)
class Reopenable:
    """What of a session can be opened again; ``missing`` says in sentences what cannot."""

    session: Session
    missing: tuple[str, ...] = ()


def reopenable(session: Session) -> Reopenable:
    """Look whether the files of a session are still there.

    Without its data set the demo is opened, without its checkpoint the bundled model.
    """
    missing: list[str] = []
    data = session.data
    if data is not None and (gone := _gone(data)):
        missing.append(f"{gone}: the data set of the last session is not there any more; "
                       "the demo is open")  # fmt: skip
        session = replace(
            session, data=DataRequest(), queries=(), added=False, candidate="", compared=()
        )
    path = session.model.path
    if path != DEMO and not Path(path).is_file():
        missing.append(f"{path}: the checkpoint of the last session is not there any more; "
                       "the bundled model is used")  # fmt: skip
        session = replace(session, model=replace(session.model, path=DEMO, input_size=None))
    if session.added:
        there = tuple(query for query in session.queries if Path(query).is_file())
        missing += [
            f"{query}: the query picture of the last session is not there any more"
            for query in session.queries
            if query not in there
        ]
        session = replace(session, queries=there, added=bool(there))
        if not there:
            session = replace(session, candidate="", compared=())
    return Reopenable(session, tuple(missing))


def _gone(request: DataRequest) -> str:
    """The file or folder of a data set that is not there; empty where all are."""
    named = [] if request.root is None else [request.root]
    if request.gallery and Path(request.gallery).is_absolute():
        named.append(Path(request.gallery))
    return next((str(path) for path in (*named, *request.queries) if not path.exists()), "")


def restore(space: Workspace, session: Session) -> None:
    """Show an opened set as the session left it; what the set does not have is left out.

    Called once the set is open and before its first query is chosen. The method is chosen when
    it can be: after the set was measured.
    """
    space.change_look(**vars(session.look))
    space.change_query_filter(**vars(session.query_filter))
    space.change_result_filter(**vars(session.result_filter))
    data = space.data
    if data is None:
        return
    queries = _places(data.query, session.queries)
    if queries:
        compared = _places(data.gallery, session.compared)
        candidate = _place(data.gallery, session.candidate)
        space.look_at(Selection.comparing(queries, candidate, compared))
    if session.method != space.method:
        space.pending_method = session.method
        _choose_method_later(space, session.method)


def _places(images: ImageSet, paths: tuple[str, ...]) -> tuple[int, ...]:
    found = (_place(images, path) for path in paths)
    return tuple(place for place in found if place is not None)


def _place(images: ImageSet, path: str) -> int | None:
    if not path:
        return None
    wanted = Path(path)
    return next((i for i, ref in enumerate(images) if ref.path == wanted), None)


def _choose_method_later(space: Workspace, method: str) -> None:
    """Rank by ``method`` as soon as that can be done, unless another set is open by then."""
    opened = space.data
    stop: list[Callable[[], None]] = []

    def choose() -> None:
        same = space.data is not None and opened is not None and space.data.root == opened.root
        if not same or method in space.methods:
            for done in stop:
                done()
            if same:
                space.set_method(method)  # type: ignore[arg-type]

    stop.append(lambda: space.method_changed.disconnect(choose))
    space.method_changed.connect(choose)
