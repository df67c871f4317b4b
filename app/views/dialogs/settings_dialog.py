"""Folders, device, theme, and the store of feature maps."""

from __future__ import annotations

from dataclasses import replace

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from app.jobs.job import JobContext, Work
from app.jobs.job_slots import JobSlots
from app.jobs.runner import JobRunner
from app.state.settings import ARITHMETICS, THEMES, Settings
from app.state.values import Problem
from app.views.dialogs.open_model import device_box
from app.views.widgets.labels import plain_label, without_icons
from app.views.widgets.layouts import in_column
from qaconv_core.device import format_bytes

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


class SettingsDialog(QDialog):
    """Shows :class:`Settings`; ``changed`` tells new ones. The theme changes at once, to be seen.

    ``theme_tried`` tells a theme that is being looked at; *Cancel* tells the old one again.
    """

    changed = pyqtSignal(object)
    theme_tried = pyqtSignal(str)

    def __init__(
        self, settings: Settings, runner: JobRunner, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.settings, self._jobs = settings, JobSlots(runner, self)
        self.setWindowTitle("Settings")
        self.resize(600, 0)
        self.folder = QLineEdit(settings.data_folder)
        self.folder.setAccessibleName("Data folder")
        self.folder.setToolTip("Where data sets are looked for by their names")
        self.folder.setPlaceholderText("Folder that holds market, duke, msmt …")
        self.browse = QPushButton("Folder…")
        self.browse.setToolTip("Choose the data folder")
        self.device = device_box(settings.device)
        self.precision = QComboBox()
        self.precision.setAccessibleName("Precision of feature maps")
        self.precision.setToolTip(_PRECISION_HELP)
        for name in ARITHMETICS:
            self.precision.addItem(_PRECISION_WORDS[name], name)
        self.precision.setCurrentIndex(ARITHMETICS.index(settings.precision))
        self.theme = QComboBox()
        self.theme.setAccessibleName("Theme")
        self.theme.setToolTip("Light, dark, or as the system is")
        for name in THEMES:
            self.theme.addItem(_THEME_WORDS[name], name)
        self.theme.setCurrentIndex(THEMES.index(settings.theme))
        self.session = QCheckBox("Open at the start what was open last")
        self.session.setChecked(settings.restore_session)
        self.session.setToolTip("Data set, checkpoint, query and view come back")
        self.cache = plain_label("…")
        self.cache.setAccessibleName("Size of the feature store")
        self.clear = QPushButton("Clear")
        self.clear.setToolTip("Remove all stored feature maps; they are computed again when needed")
        self.buttons = QDialogButtonBox(QDialogButtonBox.Ok | QDialogButtonBox.Cancel)
        without_icons(self.buttons)
        self._lay_out()
        self._connect()
        self._run("Measuring the feature store", cache_size)

    def _lay_out(self) -> None:
        where = QHBoxLayout()
        where.addWidget(self.folder)
        where.addWidget(self.browse)
        store = QHBoxLayout()
        store.setSpacing(16)
        store.addWidget(self.cache, 1)
        store.addWidget(self.clear, 0, Qt.AlignTop)
        form = QFormLayout()
        form.setVerticalSpacing(16)
        form.setHorizontalSpacing(16)
        form.addRow("Data folder", where)
        form.addRow("Device", self.device)
        form.addRow("Feature maps", self.precision)
        form.addRow("Theme", self.theme)
        form.addRow("Start", self.session)
        form.addRow("Feature store", store)
        in_column(form, None, self.buttons, into=self, margins=16, spacing=16)

    def _connect(self) -> None:
        for button in (self.browse, self.clear):
            button.setAutoDefault(False)
        self.browse.clicked.connect(self._browse)
        self.clear.clicked.connect(self._clear)
        self.theme.currentIndexChanged.connect(
            lambda _index: self.theme_tried.emit(self.theme.currentData())
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Data folder", self.folder.text())
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.Directory)
        dialog.setOption(QFileDialog.ShowDirsOnly)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    def _clear(self) -> None:
        """Asked twice on the button itself: a slip must not cost an hour of computing."""
        if self.clear.text() == "Clear":
            self.clear.setText("Really clear")
            return
        self.clear.setText("Clear")
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
        self._jobs.stop_all()
        if self.wanted != self.settings:
            self.changed.emit(self.wanted)
        super().accept()

    def reject(self) -> None:
        """Leave everything as it was; a theme that was tried is taken back."""
        self._jobs.stop_all()
        if self.theme.currentData() != self.settings.theme:
            self.theme_tried.emit(self.settings.theme)
        super().reject()
