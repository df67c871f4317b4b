"""Folders, device, theme, and the store of feature maps."""

from __future__ import annotations

from dataclasses import replace

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QDialogButtonBox, QWidget

from app.jobs.job import JobContext, Work
from app.jobs.runner import JobRunner
from app.state.settings import ARITHMETICS, THEMES, Settings
from app.state.values import Problem
from app.views.dialogs.job_dialog import JobDialog
from app.views.dialogs.open_model import device_box
from app.views.widgets.fields import combo_box, line_edit, push_button, tick_box
from app.views.widgets.file_dialogs import ask_path
from app.views.widgets.labels import plain_label
from app.views.widgets.layouts import in_column, in_form, in_row, size_on_screen
from qaconv_core.device import format_bytes

SETTINGS_FIELDS = {
    "folder": "Data folder",
    "device": "Device",
    "precision": "Precision of feature maps",
    "theme": "Theme",
    "session": "Open at the start what was open last",
    "clear": "Clear the feature store",
}
"""What can be set, by the name of its field."""
CLEAR = "&Clear"
_THEME_WORDS = {"system": "As the system", "light": "Light", "dark": "Dark"}

_PRECISION_WORDS = {
    "": "Fast for the bundled model, float32 for others",
    "fast": "Fast: bfloat16 where the processor has it",
    "float32": "Always float32",
}
_PRECISION_HELP = (
    "What the network computes in. Fast maps differ from float32 in their third digit; evaluations "
    "on a processor are float32 whatever is chosen here, and Explore uses their stored maps. A GPU "
    "computes in mixed precision, or always in float32."
)


def cache_size(_context: JobContext) -> tuple[str, str]:
    """In a worker thread: how much the stored feature maps take, and in which folder."""
    from qaconv_core.store.features import FeatureStore

    store = FeatureStore()
    shelves = store.sizes()
    total = sum(shelf.bytes for shelf in shelves)
    pictures = sum(shelf.images for shelf in shelves)
    return f"{format_bytes(total)}, {pictures:,} feature maps", str(store.root)


def clear_cache(_context: JobContext) -> tuple[str, str]:
    """In a worker thread: remove all stored feature maps."""
    from qaconv_core.store.features import FeatureStore

    store = FeatureStore()
    return f"{format_bytes(store.clear())} freed", str(store.root)


class SettingsDialog(JobDialog):
    """Shows :class:`Settings`; ``changed`` tells new ones. The theme changes at once, to be seen.

    ``theme_tried`` tells a theme that is being looked at; *Cancel* tells the old one again.
    """

    changed = pyqtSignal(object)
    theme_tried = pyqtSignal(str)

    def __init__(
        self, settings: Settings, runner: JobRunner, parent: QWidget | None = None
    ) -> None:
        super().__init__("Settings", runner, parent)
        self.settings = settings
        size_on_screen(self, 600, 0)
        self.folder = line_edit(
            "Data folder", "Where data sets are looked for by their names", settings.data_folder,
            "Folder that holds market, duke, msmt …",
        )  # fmt: skip
        self.browse = push_button("Fol&der…", "Choose the data folder", self._browse)
        self.device = device_box(settings.device)
        self.precision = combo_box(
            "Precision of feature maps", _PRECISION_HELP,
            ((_PRECISION_WORDS[name], name) for name in ARITHMETICS), settings.precision,
        )  # fmt: skip
        self.theme = combo_box(
            "Theme", "Light, dark, or as the system is",
            ((_THEME_WORDS[name], name) for name in THEMES), settings.theme,
        )  # fmt: skip
        self.session = tick_box(
            "Open at the &start what was open last",
            "Data set, checkpoint, query and view come back", settings.restore_session,
        )  # fmt: skip
        self.cache = plain_label("…")
        self.cache.setAccessibleName("Size of the feature store")
        self.clear = push_button(
            CLEAR, "Remove all stored feature maps; they are computed again when needed",
            self._clear,
        )  # fmt: skip
        self.make_buttons(QDialogButtonBox.Ok)
        self._lay_out()
        self.theme.currentIndexChanged.connect(
            lambda _index: self.theme_tried.emit(self.theme.currentData())
        )
        self._run("Measuring the feature store", cache_size)

    def focus_on(self, name: str) -> None:
        """Give one of :data:`SETTINGS_FIELDS` the focus."""
        getattr(self, name).setFocus(Qt.ShortcutFocusReason)

    def _lay_out(self) -> None:
        store = in_row(self.cache, self.clear, grows=self.cache, spacing=16)
        store.setAlignment(self.clear, Qt.AlignTop)
        form = in_form(
            ("Data &folder", in_row(self.folder, self.browse, spacing=-1)),
            ("D&evice", self.device),
            ("Feature &maps", self.precision),
            ("&Theme", self.theme),
            ("Start", self.session),
            ("Feature store", store),
            spacing=(16, 16),
        )
        in_column(form, None, self.buttons, into=self, margins=16, spacing=16)

    def _browse(self) -> None:
        ask_path(self, "Data folder", self.folder.text(), self.folder.setText)

    def _clear(self) -> None:
        """Asked twice on the button itself: a slip must not cost an hour of computing."""
        if self.clear.text() == CLEAR:
            self.clear.setText("Really &clear")
            return
        self.clear.setText(CLEAR)
        self._run("Clearing the feature store", clear_cache)

    def _run(self, title: str, work: Work) -> None:
        self.clear.setEnabled(False)
        self._jobs.replace(
            "cache", title, work, self._show_cache, failed=self._show_fault, ended=self._ended,
            lane="files", quiet=True,
        )  # fmt: skip

    def _show_cache(self, found: tuple[str, str]) -> None:
        words, folder = found
        self.cache.setText(words)
        self.cache.setToolTip(f"In {folder}")

    def _show_fault(self, problem: Problem) -> bool:
        self.cache.setText(problem.message)
        return True

    def _ended(self) -> None:
        self.clear.setEnabled(True)

    @property
    def wanted(self) -> Settings:
        """The settings as they are chosen now."""
        return replace(
            self.settings,
            data_folder=self.folder.text().strip(),
            device=self.device.currentText().strip() or "auto",
            precision=self.precision.currentData(),
            theme=self.theme.currentData(),
            restore_session=self.session.isChecked(),
        )

    def accept(self) -> None:
        """Take the settings."""
        if self.wanted != self.settings:
            self.changed.emit(self.wanted)
        super().accept()

    def reject(self) -> None:
        """Leave everything as it was; a theme that was tried is taken back."""
        if self.theme.currentData() != self.settings.theme:
            self.theme_tried.emit(self.settings.theme)
        super().reject()
