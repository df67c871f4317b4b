"""The window's dialogs: opened by commands, one of each at a time, none blocks a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, Qt, pyqtSignal
from PyQt5.QtWidgets import QDialog, QWidget

from app.jobs import engine
from app.jobs.adaptation_jobs import AdaptationJobs
from app.jobs.controller import Controller
from app.jobs.images import ImageLoader
from app.state.commands import BY_ID
from app.state.insights import PairPlace
from app.state.requests import DataRequest, ModelRequest
from app.state.settings import Settings, SettingsFile
from app.state.words import ap_text
from app.views import dialogs
from app.views.widgets.actions import Actions, Handler, Handlers
from app.views.widgets.copy_menu import offer_copying
from app.views.widgets.theme import Theme
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import RankingResult

if TYPE_CHECKING:
    from app.state.run_comparison import QueryChange, RunResult
    from app.views.shell.palette_places import PalettePlaces
    from qaconv_core.data.scan import Scan
    from qaconv_core.evaluation.match_matrix import FirstCandidates

HELP_TEXTS = tuple(
    id for id in BY_ID if id.startswith("help.") and id not in ("help.keys", "help.here")
)


class Dialogs(QObject):
    """Opens dialogs and keeps what was opened with them in the settings.

    ``theme_chosen`` carries the name of the theme to use, ``pictures_wanted`` the paths of people's
    pictures to search for, ``pair_wanted`` the place of a match to look at. ``case_closing``: the
    open case is to be closed, if there is one.
    """

    theme_chosen = pyqtSignal(str)
    pictures_wanted = pyqtSignal(object)
    pair_wanted = pyqtSignal(object)
    case_closing = pyqtSignal()

    def __init__(
        self,
        window: QWidget,
        controller: Controller,
        settings: SettingsFile,
        commands: Actions,
        theme: Theme | None,
        thumbnails: ImageLoader,
    ) -> None:
        super().__init__(window)
        self.thumbnails = thumbnails
        self.adaptation = AdaptationJobs(controller, self)
        self.window, self.controller, self.settings = window, controller, settings
        self.theme = theme
        self._commands = commands
        self._show_run: Callable[[int], object] = lambda _number: None
        self._open: dict[str, QDialog] = {}
        self._of_set: dict[QDialog, OpenSet] = {}
        """The open ones that show rankings, and the set of these."""
        controller.workspace.data_changed.connect(self._close_former)

    def handlers(self) -> Handlers:
        """The commands answered here."""
        return {
            "file.open_data": Handler(self.open_data),
            "file.import": Handler(self.import_pictures),
            "file.open_model": Handler(self.open_model),
            "file.weights": Handler(self.open_weights),
            "file.forget": Handler(
                self.forget_data,
                lambda: self.controller.workspace.data is not None,
                reason=lambda: "no data set is open",
            ),
            "evaluate.matrix": Handler(
                self.show_matrix,
                enabled=lambda: "qaconv" in self.controller.workspace.measures_complete,
                reason=lambda: "Evaluate this data set first (Ctrl+Shift+E).",
            ),
            "file.adapt": Handler(
                self.adapt,
                lambda: not self.adaptation.why_not(),
                reason=self.adaptation.why_not,
            ),
            "edit.palette": Handler(self.open_palette),
            "edit.settings": Handler(self.open_settings),
            "help.keys": Handler(lambda: self._show("keys", lambda: dialogs.KeySheet(self.window))),
            **{id: Handler(partial(self.open_help, id)) for id in HELP_TEXTS},
        }

    def lead_to_runs(self, show_run: Callable[[int], object]) -> None:
        """``show_run`` shows the run with a number, for the palette."""
        self._show_run = show_run

    @cached_property
    def palette(self) -> dialogs.CommandPalette:
        """The palette, which also finds queries, recent sets and checkpoints, runs, settings."""
        palette = dialogs.CommandPalette(self._commands, self.window, self._places.sources())
        offer_copying(palette)
        return palette

    @cached_property
    def _places(self) -> PalettePlaces:
        from app.views.shell import palette_places

        return palette_places.PalettePlaces(
            self.controller, self.settings, self.open_data, self.open_model, self.open_setting,
            self._show_run,
        )  # fmt: skip

    def open_palette(self) -> None:
        """Show the palette."""
        self._places.read_runs()
        self.palette.popup()

    def open_setting(self, name: str) -> None:
        """Open the settings at one of them."""
        self.open_settings().focus_on(name)

    def open_help(self, id: str) -> dialogs.HelpDialog:
        """Show a help text, in the window of help that is open or in a new one."""
        dialog = self._show("help", lambda: dialogs.show_help(id, self.window))
        assert isinstance(dialog, dialogs.HelpDialog)
        dialog.choose(id)
        return dialog

    def _show(self, name: str, make: Callable[[], QDialog]) -> QDialog:
        """The dialog of that name: the one that is open, or a new one."""
        dialog = self._open.get(name)
        if dialog is None:
            dialog = make()
            offer_copying(dialog, dialog.findChildren(dialogs.SceneCanvas))
            dialog.setAttribute(Qt.WA_DeleteOnClose)
            dialog.finished.connect(lambda _result: self._open.pop(name, None))
            self._open[name] = dialog
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        return dialog

    def open_data(self, request: DataRequest | None = None) -> dialogs.OpenDataDialog:
        """Choose a data set, or look at one before it is used."""

        def make() -> dialogs.OpenDataDialog:
            made = dialogs.OpenDataDialog(
                self.controller, self.settings.value.data_folder, self.window
            )
            made.opened.connect(self._data_opened)
            made.import_wanted.connect(lambda path: self.import_pictures([path]))
            return made

        dialog = self._show("data", make)
        assert isinstance(dialog, dialogs.OpenDataDialog)
        if request is not None:
            dialog.choose(request)
        return dialog

    def import_pictures(
        self, places: Sequence[Path] = (), scans: Mapping[Path, Scan] | None = None
    ) -> dialogs.ImportDialog:
        """Say how pictures of one's own are read; what is written down is then looked at. ``scans``
        are folders that were read just now."""

        def make() -> dialogs.ImportDialog:
            made = dialogs.ImportDialog(self.controller.runner, self.window)
            made.imported.connect(self.open_data)
            made.videos_dropped.connect(self.open_videos)
            return made

        dialog = self._show("import", make)
        assert isinstance(dialog, dialogs.ImportDialog)
        if places:
            dialog.choose(places, scans)
        return dialog

    def scenes(self) -> dialogs.SceneDialog:
        """Pictures of whole scenes, and the people on them."""

        def make() -> dialogs.SceneDialog:
            made = dialogs.SceneDialog(self.controller.runner, self.window)
            made.queries_wanted.connect(self.pictures_wanted)
            made.whole_wanted.connect(self.pictures_wanted)
            made.gallery_wanted.connect(self.open_data)
            made.help_wanted.connect(self.open_help)
            return made

        dialog = self._show("scenes", make)
        assert isinstance(dialog, dialogs.SceneDialog)
        return dialog

    def open_scenes(self, paths: Sequence[Path]) -> dialogs.SceneDialog:
        """Find the people on pictures of whole scenes."""
        dialog = self.scenes()
        dialog.open_scenes(paths)
        return dialog

    def open_videos(self, paths: Sequence[Path] = ()) -> dialogs.VideoDialog:
        """Find the people of videos; the set that they make is opened."""

        def make() -> dialogs.VideoDialog:
            made = dialogs.VideoDialog(self.controller.runner, self.window)
            made.opened.connect(self._open_found)
            made.help_wanted.connect(self.open_help)
            return made

        dialog = self._show("videos", make)
        assert isinstance(dialog, dialogs.VideoDialog)
        if paths:
            dialog.take_dropped(list(paths))
        return dialog

    def _open_found(self, request: DataRequest) -> None:
        self.controller.open(request)
        self._data_opened(request)

    def open_model(self, path: str = "") -> dialogs.OpenModelDialog:
        """Choose a checkpoint, or look at one before it is used."""

        def make() -> dialogs.OpenModelDialog:
            kept = self.settings.value
            made = dialogs.OpenModelDialog(
                self.controller, kept.device, kept.precision, self.window
            )
            made.opened.connect(self._model_opened)
            return made

        dialog = self._show("model", make)
        assert isinstance(dialog, dialogs.OpenModelDialog)
        if path:
            dialog.choose(path)
        return dialog

    def open_weights(self) -> dialogs.WeightsDialog:
        """What weights there are, and how to come by others."""
        dialog = self._show(
            "weights", lambda: dialogs.WeightsDialog(self.controller.runner, self.window)
        )
        assert isinstance(dialog, dialogs.WeightsDialog)
        return dialog

    def forget_data(self) -> dialogs.ForgetDialog | None:
        """Remove all that is kept of the open data set."""
        data = self.controller.workspace.data
        if data is None:
            return None

        def make() -> dialogs.ForgetDialog:
            made = dialogs.ForgetDialog(data, self.controller.runner, self.window)
            made.closing.connect(self._close_forgotten)
            made.forgotten.connect(
                lambda: self.settings.change(self.settings.value.without_lost_cases())
            )
            return made

        dialog = self._show("forget", make)
        assert isinstance(dialog, dialogs.ForgetDialog)
        return dialog

    def close_data(self) -> None:
        """Show no data set; a case is closed with it."""
        self.case_closing.emit()
        self.controller.close_data()

    def _close_forgotten(self, data: OpenSet) -> None:
        """Nothing of the set is written again."""
        opened = self.controller.data_request
        self.close_data()
        self.settings.change(self.settings.value.without_data(data.root, opened))

    def show_matrix(self) -> None:
        """Count the first candidates of the measured set, and show who is confused with whom."""
        matching, space = self.controller.matching, self.controller.workspace
        if matching is None or matching.measured is None:
            return

        def show(firsts: FirstCandidates) -> None:
            data = matching.data
            keys = {
                "camera": (data.query_camids, data.gallery_camids),
                "person": (data.query_pids, data.gallery_pids),
            }
            names = {"camera": data.camera_names, "person": data.person_names}
            dialog = dialogs.MatrixDialog(firsts, keys, names, data.has_distractors, self.window)
            dialog.opened.connect(
                lambda query, candidate: self.pair_wanted.emit(
                    PairPlace(data.query.paths[query], data.gallery.paths[candidate])
                )
            )
            self._show_of("matrix", dialog, data)

        self.controller.slots.replace(
            "matrix", "Counting first candidates",
            lambda context: engine.first_candidates(matching, space.method, context), show,
            lane="files", quiet=True,
        )  # fmt: skip

    def compare_answers(self, queries: tuple[int, int] | None) -> None:
        """Rank two queries, and show what both find first."""
        data = self.controller.workspace.data
        if queries is None or data is None:
            return

        def show(rankings: tuple[RankingResult, ...]) -> None:
            first, second = rankings
            self._show_answers(
                dialogs.AnswersDialog(data, (first, second), self.thumbnails, self.window)
            )

        self.controller.rank_both(queries, show)

    def compare_rankings(
        self, query: int, results: tuple[RunResult, RunResult], change: QueryChange
    ) -> None:
        """Rank a query of the open set as two results do, and show both rankings."""
        from app.jobs.run_rankings import both_rankings

        matching = self.controller.matching
        if matching is None:
            return
        aps = (change.before, change.after)
        first, second = (f"{result.title}: AP {ap_text(ap)}"
                         for result, ap in zip(results, aps, strict=True))  # fmt: skip

        def show(rankings: tuple[RankingResult, RankingResult]) -> None:
            self._show_answers(dialogs.AnswersDialog(
                matching.data, rankings, self.thumbnails, self.window, (first, second)
            ))  # fmt: skip

        self.controller.slots.replace(
            "rankings", f"Ranking {change.name} as both",
            lambda context: both_rankings(matching, query, results, context), show, lane="files",
        )  # fmt: skip

    def _show_answers(self, dialog: dialogs.AnswersDialog) -> None:
        dialog.opened.connect(self.pair_wanted)
        self._show_of("answers", dialog, dialog.data)

    def _show_of(self, name: str, dialog: QDialog, data: OpenSet) -> None:
        """Show what was found in ``data``, in the place of what was found before."""
        former = self._open.get(name)
        if former is not None:
            former.close()
        self._of_set[dialog] = data
        dialog.finished.connect(lambda _result: self._of_set.pop(dialog, None))
        self._show(name, lambda: dialog)
        self._close_former()  # another data set may be open by now

    def _close_former(self) -> None:
        """Close what was found in a data set, once another one is open."""
        data = self.controller.workspace.data
        for dialog, former in list(self._of_set.items()):
            if data is None or data.gallery.paths != former.gallery.paths:
                dialog.close()

    def adapt(self) -> dialogs.AdaptDialog:
        """Adapt the open model to the open pictures, or see how far that has come."""

        def make() -> dialogs.AdaptDialog:
            return dialogs.AdaptDialog(self.adaptation, self.thumbnails, self.window)

        dialog = self._show("adapt", make)
        assert isinstance(dialog, dialogs.AdaptDialog)
        return dialog

    def open_settings(self) -> dialogs.SettingsDialog:
        """Data folder, device, theme, feature store."""

        def make() -> dialogs.SettingsDialog:
            made = dialogs.SettingsDialog(self.settings.value, self.controller.runner, self.window)
            made.changed.connect(self._settings_changed)
            if self.theme is not None:
                made.theme_tried.connect(self.theme.use)
            return made

        dialog = self._show("settings", make)
        assert isinstance(dialog, dialogs.SettingsDialog)
        return dialog

    def _data_opened(self, request: DataRequest) -> None:
        self.settings.change(self.settings.value.with_data(request))
        if self.controller.model is None:
            self.controller.open_model(self.settings.value.bundled)

    def _model_opened(self, request: ModelRequest) -> None:
        self.settings.change(self.settings.value.with_model(request))

    def _settings_changed(self, settings: Settings) -> None:
        before = self.settings.value
        self.settings.change(settings)
        if settings.theme != before.theme:
            self.theme_chosen.emit(settings.theme)
        if settings.precision != before.precision and self.controller.model is not None:
            self._load_again(settings.precision)

    def _load_again(self, precision: str) -> None:
        """Use the present model in another precision, unless that comes to the same."""
        now = self.controller.model_request
        wanted = replace(now, precision=precision)
        if wanted.arithmetic != now.arithmetic:
            self.controller.open_model(wanted)

    def close_all(self) -> None:
        """Close what is open."""
        for dialog in list(self._open.values()):
            dialog.close()
        if "palette" in vars(self):
            self.palette.close()
