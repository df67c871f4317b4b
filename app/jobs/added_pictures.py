"""Adds pictures as further queries, once there is a model and a set to search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.jobs.job import JobContext
from app.jobs.runner import JobRunner
from app.jobs.sources import Sources
from app.state.values import Problem, Selection
from app.state.workspace import Workspace
from qaconv_core.data.own_files import known_pictures
from qaconv_core.data.scenes import query_scene
from qaconv_core.galleries.values import OpenSet
from qaconv_core.paths import typed_path
from qaconv_core.types import ImageRef


class AddedPictures:
    """Pictures to add, and those that wait until there are maps to search."""

    def __init__(self, workspace: Workspace, runner: JobRunner, sources: Sources) -> None:
        self._workspace, self._runner, self._sources = workspace, runner, sources
        self._waiting: list[Path] = []
        self._reading: set[Path] = set()
        self._waiting_candidates: tuple[Path, ...] = ()
        self._waiting_together = False

    def add(
        self, paths: Sequence[Path], candidates: tuple[Path, ...] = (), together: bool = False
    ) -> None:
        """Add pictures as further queries; the first of them is selected, or all ``together``.

        ``candidates`` are gallery pictures: the one to show beside it, else it is the best one, and
        those to compare that one with. A picture that is in the list already, or on its way there,
        gets no second row.
        """
        if not paths:
            return
        source = self._sources.best
        if source is None:
            self._waiting += paths
            self._waiting_candidates, self._waiting_together = candidates, together
            return
        files = tuple(typed_path(path).absolute() for path in paths)
        known = self._workspace.data
        places = self._places()
        fresh = tuple(f for f in dict.fromkeys(files) if f not in places and f not in self._reading)
        if not fresh:
            self._select(files, candidates, together)
            return
        self._reading.update(fresh)

        def work(_context: JobContext) -> tuple[OpenSet, tuple[ImageRef, ...], list[str]]:
            sides = () if known is None else (known.as_read.query, known.as_read.gallery)
            refs = known_pictures(fresh, *sides)
            scenes = [scene for scene in map(query_scene, fresh) if scene]
            return source.add_queries(refs), refs, scenes

        def apply(found: tuple[OpenSet, tuple[ImageRef, ...], list[str]]) -> None:
            self._reading.difference_update(fresh)
            data, refs, scenes = found
            now = self._sources.best
            if now is not source and (now is None or now.data.query.refs[-len(refs) :] != refs):
                # Another set was opened meanwhile, or all maps came without these pictures.
                self.add(paths, candidates, together)
                return
            with self._workspace.batch():
                self._workspace.extend_data(data if now is source else now.data)
                self._select(files, candidates, together)
            for scene in scenes:
                self._runner.problem.emit(Problem(scene))

        names = ", ".join(path.name for path in fresh[:2])
        self._runner.start(
            f"Reading {names}", work, done=apply,
            ended=lambda: self._reading.difference_update(fresh),
        )  # fmt: skip

    def _select(self, files: Sequence[Path], candidates: tuple[Path, ...], together: bool) -> None:
        """Select the added queries that show these files, or the first of them."""
        places = self._places()
        queries = tuple(places[file] for file in dict.fromkeys(files) if file in places)
        if queries:
            chosen = queries if together else queries[:1]
            shown = [self._gallery_index(path) for path in candidates] or [None]
            compared = tuple(place for place in shown[1:] if place is not None)
            self._workspace.look_at(Selection.comparing(chosen, shown[0], compared))

    def add_waiting(self) -> None:
        """Add the pictures that waited."""
        paths, candidates = self._waiting, self._waiting_candidates
        together = self._waiting_together
        self.forget_waiting()
        self.add(paths, candidates, together)

    def forget_waiting(self) -> None:
        """The pictures that wait were for another set."""
        self._waiting, self._waiting_candidates, self._waiting_together = [], (), False

    def _places(self) -> dict[Path, int]:
        """The added queries, by their files."""
        data = self._workspace.data
        if data is None:
            return {}
        return {data.query[i].path: i for i in range(data.added_from, len(data.query))}

    def _gallery_index(self, candidate: Path) -> int | None:
        """Where a file stands in the gallery; None where it does not."""
        data = self._workspace.data
        if data is None:
            return None
        return next((i for i, ref in enumerate(data.gallery) if ref.path == candidate), None)
