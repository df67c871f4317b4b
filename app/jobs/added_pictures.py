"""Takes pictures of the user as further queries, once there is a model and a set to search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.state.values import Selection
from qaconv_core.galleries.values import OpenSet
from qaconv_core.paths import typed_path
from qaconv_core.types import ImageRef

if TYPE_CHECKING:
    from app.jobs.controller import Controller


class AddedPictures:
    """Pictures that were brought, and those that wait for maps of the set to be there."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self._waiting: list[ImageRef] = []
        self._waiting_candidate: Path | None = None
        self._waiting_together = False

    def add(
        self, paths: Sequence[Path], candidate: Path | None = None, together: bool = False
    ) -> None:
        """Take pictures as further queries; the first of them is chosen, or all ``together``.

        ``candidate`` is the gallery picture to show beside it; else it is the best one.
        """
        controller, space = self.controller, self.controller.workspace
        refs = tuple(self._known(path) for path in paths)
        if not refs:
            return
        source = controller.matching or controller.growing
        if source is None:
            self._waiting += refs
            self._waiting_candidate, self._waiting_together = candidate, together
            return

        def show(data: OpenSet) -> None:
            now = controller.matching or controller.growing
            if now is not source and (now is None or now.data.query.refs[-len(refs) :] != refs):
                # The maps of all, or another set, came meanwhile.
                self.add(paths, candidate, together)
                return
            space.extend_data(data if now is source else now.data)
            added = tuple(range(len(space.data.query) - len(refs), len(space.data.query)))
            space.look_at(Selection(added if together else added[:1], self._place(candidate)))

        names = ", ".join(ref.path.name for ref in refs[:2])
        controller.runner.start(f"Reading {names}", lambda _c: source.add_queries(refs), done=show)

    def add_waiting(self) -> None:
        """Take those that waited."""
        paths = [ref.path for ref in self._waiting]
        candidate, together = self._waiting_candidate, self._waiting_together
        self.forget()
        self.add(paths, candidate, together)

    def forget(self) -> None:
        """Those that wait were for another set."""
        self._waiting, self._waiting_candidate, self._waiting_together = [], None, False

    def _place(self, candidate: Path | None) -> int | None:
        """Where a file stands in the gallery; None where it does not."""
        data = self.controller.workspace.data
        if data is None or candidate is None:
            return None
        return next((i for i, ref in enumerate(data.gallery) if ref.path == candidate), None)

    def _known(self, path: Path) -> ImageRef:
        """A picture of the user; where the set knows the very file, with its person and camera."""
        path = typed_path(path).absolute()
        data = self.controller.workspace.data
        if data is not None:
            for side in (data.query, data.gallery):
                for ref in side:
                    if ref.path == path:
                        return ref
        return ImageRef(path)
