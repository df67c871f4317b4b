"""What the palette finds besides commands: queries, recent sets and checkpoints, runs, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from app.jobs import evaluation_jobs
from app.jobs.controller import Controller
from app.state.evaluation import FinishedRun
from app.state.listing import matches_text
from app.state.requests import DataRequest
from app.state.settings import SettingsFile
from app.views import dialogs
from app.views.dialogs.command_palette import PlaceEntry, PlaceSource
from qaconv_core.evaluation.reports import set_name


class PalettePlaces:
    """``open_data``, ``open_model`` (a path) and ``open_setting`` (a field) lead to dialogs,
    ``show_run`` to the run with a number."""

    def __init__(
        self,
        controller: Controller,
        settings: SettingsFile,
        open_data: Callable[[DataRequest], object],
        open_model: Callable[[str], object],
        open_setting: Callable[[str], object],
        show_run: Callable[[int], object],
    ) -> None:
        self._controller, self._settings = controller, settings
        self._open_data, self._open_model = open_data, open_model
        self._open_setting, self._show_run = open_setting, show_run
        self._runs: tuple[FinishedRun, ...] = ()

    def sources(self) -> tuple[PlaceSource, ...]:
        """What finds places of each kind."""
        return (self.queries, self.recent, self.runs, self.settings)

    def read_runs(self) -> None:
        """Read the run history in the background: other programs write it, too."""
        self._controller.slots.replace(
            "palette runs", "Reading the run history", evaluation_jobs.stored_runs, self._use_runs,
            failed=lambda _problem: True, lane="files", quiet=True,
        )  # fmt: skip

    def _use_runs(self, runs: tuple[FinishedRun, ...]) -> None:
        self._runs = runs

    def queries(self, typed: str) -> Iterator[PlaceEntry]:
        """Queries whose file name holds what was typed, or of the person with that number."""
        space = self._controller.workspace
        if space.data is None:
            return
        for number in np.flatnonzero(matches_text(space.data.query, typed)):
            ref = space.data.query[int(number)]
            words = f"Query: {ref.path.name}"
            yield PlaceEntry(words, "image", partial(space.select_queries, (int(number),)))

    def recent(self, typed: str) -> Iterator[PlaceEntry]:
        """Data sets and checkpoints that were open before."""
        kept = self._settings.value
        for request in kept.recent_data:
            if typed in request.title.lower():
                words = f"Data set: {request.title}"
                yield PlaceEntry(words, "folder", partial(self._open_data, request))
        for model in kept.recent_models:
            if typed in model.title.lower():
                words = f"Checkpoint: {model.title}"
                yield PlaceEntry(words, "cube", partial(self._open_model, model.path))

    def runs(self, typed: str) -> Iterator[PlaceEntry]:
        """Evaluation runs by number, data set or model."""
        for run in self._runs:
            words = f"{run.title.capitalize()}: {set_name(run.report)}, {run.model}"
            if typed in words.lower():
                yield PlaceEntry(words, "chart-line", partial(self._show_run, run.id))

    def settings(self, typed: str) -> Iterator[PlaceEntry]:
        """Settings by their names."""
        for name, title in dialogs.SETTINGS_FIELDS.items():
            words = f"Setting: {title}"
            if typed in words.lower():
                yield PlaceEntry(words, "gear", partial(self._open_setting, name))
