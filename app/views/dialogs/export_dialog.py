"""One dialog for everything that is saved: as what, how wide, where.

A job writes the file. The dialog closes once the file is whole, and shows what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QLabel, QSpinBox, QWidget

from app.jobs.blurring import with_blur
from app.jobs.job import JobContext
from app.jobs.job_slots import JobSlots
from app.jobs.runner import JobRunner
from app.state.export_choices import BLURS, RANGES, ExportChoices, Format
from app.state.values import Problem
from app.views.dialogs.job_dialog import dialog_buttons
from app.views.widgets.fields import combo_box, line_edit, named, push_button
from app.views.widgets.file_dialogs import ask_new_path
from app.views.widgets.layouts import in_column, in_form, in_row
from qaconv_core.paths import typed_path

Write = Callable[[Path, float | None], None]
SPACING = 8
BLUR_TIP = (
    "Blur the upper quarter of every picture, where heads are, or whole pictures. The same is done "
    "to the figure that Ctrl+C copies. Lines and numbers stay."
)
WIDTH_TIPS = {
    "px": "Width of the picture in pixels; the height follows",
    "mm": "Width of the drawing in millimetres, text included; the height follows",
}


class ExportDialog(QDialog):
    """Format, width, file. ``write(path, width)`` runs in a worker; ``saved`` tells the path.

    ``width`` is in the format's unit, None where it has none. ``write`` and ``runner`` are None
    where a subclass saves in its own way. ``people``: what is drawn shows people, who can be
    blurred. ``choices`` are those of the last dialog; saving a file
    updates them.
    """

    saved = pyqtSignal(object)

    def __init__(
        self,
        title: str,
        stem: str,
        formats: Sequence[Format],
        write: Write | None,
        runner: JobRunner | None,
        choices: ExportChoices,
        parent: QWidget | None = None,
        people: bool = False,
    ) -> None:
        super().__init__(parent)
        self._people = people
        self.setWindowTitle(title)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._write, self._choices = write, choices
        self._jobs = None if runner is None else JobSlots(runner, self)
        self._formats = tuple(formats)
        self._widths = dict(choices.widths)
        self._make_fields()
        self._lay_out()
        suffixes = [format.suffix for format in self._formats]
        start = suffixes.index(choices.suffix) if choices.suffix in suffixes else 0
        self.path.setText(str(choices.folder / (stem + self._formats[start].suffix)))
        self.format.setCurrentIndex(start)
        self._on_format()
        self.format.currentIndexChanged.connect(self._on_format)
        self.path.textChanged.connect(self._on_path)

    def _make_fields(self) -> None:
        self.format = combo_box(
            "Format", "Figures as PNG, SVG or PDF; numbers as JSON or CSV",
            ((_format_words(format), None) for format in self._formats),
        )  # fmt: skip
        self.width_field = named(QSpinBox(), "Width")
        self.width_field.valueChanged.connect(self._on_width)
        self.blur = combo_box(
            "Pictures", BLUR_TIP, ((words, blur) for blur, words in BLURS.items())
        )
        self.blur.setCurrentIndex(list(BLURS).index(self._choices.blur))
        self.path = line_edit("File", "The file to write; the suffix follows the format")
        self.path.setMinimumWidth(380)
        self.browse = push_button("&Browse…", "Choose folder and name", self._browse)
        self.note = named(QLabel(), "Note")
        self.note.setWordWrap(True)

    def _lay_out(self) -> None:
        form = in_form(
            ("&Format", self.format),
            ("&Width", self.width_field),
            ("&Pictures", self.blur),
            ("F&ile", in_row(self.path, self.browse, grows=self.path, spacing=-1)),
            spacing=(SPACING, SPACING),
        )
        self._width_label = form.labelForField(self.width_field)
        self._blur_label = form.labelForField(self.blur)
        self.buttons = dialog_buttons(
            self, QDialogButtonBox.Save, QDialogButtonBox.Cancel, accepted=self.save
        )
        in_column(form, self.note, self.buttons, into=self, margins=-1, spacing=SPACING)

    # ── what is chosen ──────────────────────────────────────────────────────────────────────────

    @property
    def chosen(self) -> Format:
        """The format."""
        return self._formats[self.format.currentIndex()]

    @property
    def target(self) -> Path:
        """The file; a relative name lies in the folder last used."""
        return self._choices.folder / typed_path(self.path.text().strip())

    def _on_format(self) -> None:
        format = self.chosen
        for widget in (self.width_field, self._width_label):
            widget.setVisible(bool(format.unit))
        for widget in (self.blur, self._blur_label):
            widget.setVisible(self._people and format.pictures)
        if format.unit:
            kept = self._widths[format.unit]
            self.width_field.setRange(*RANGES[format.unit])
            self.width_field.setSingleStep(100 if format.unit == "px" else 5)
            self.width_field.setSuffix(f" {format.unit}")
            self.width_field.setValue(kept)
            self.width_field.setToolTip(WIDTH_TIPS[format.unit])
        text = self.path.text()
        suffixes = {known.suffix for known in self._formats}
        if Path(text).suffix.lower() in suffixes:
            self.path.setText(str(Path(text).with_suffix(format.suffix)))
        self._on_path()

    def _on_width(self, width: int) -> None:
        if self.chosen.unit:
            self._widths[self.chosen.unit] = width

    def _on_path(self) -> None:
        """A typed suffix chooses the format; a file that exists is said to be replaced."""
        suffix = Path(self.path.text()).suffix.lower()
        for number, format in enumerate(self._formats):
            if format.suffix == suffix and number != self.format.currentIndex():
                self.format.setCurrentIndex(number)
                return
        self.note.setText(self._remark())

    def _remark(self) -> str:
        """What is to be said of the path; only what names a file can be saved."""
        # A slash, or a dot, is the beginning of a path.
        named = typed_path(self.path.text().strip()).name not in ("", "..")
        folder = named and self.target.is_dir()
        self.buttons.button(QDialogButtonBox.Save).setEnabled(named and not folder)
        if folder:
            return "This is a folder; add the name of the file."
        exists = named and self._with_suffix().is_file()
        return "This file exists and will be replaced." if exists else ""

    def _with_suffix(self) -> Path:
        target = self.target
        if target.suffix.lower() == self.chosen.suffix:
            return target
        return target.with_name(target.name + self.chosen.suffix)

    def _browse(self) -> None:
        # That a file will be replaced is said here, beside the name.
        ask_new_path(
            self, self.windowTitle(), self.target, self.path.setText,
            [f"{f.title} (*{f.suffix})" for f in self._formats], confirm=False,
        )  # fmt: skip

    # ── saving ──────────────────────────────────────────────────────────────────────────────────

    def save(self) -> None:
        """Write the file in the background; the dialog closes when it is there."""
        write, jobs = self._write, self._jobs
        if write is None or jobs is None or jobs.has("save"):
            return
        path = self._with_suffix()
        width = float(self.width_field.value()) if self.chosen.unit else None
        blur = self.blur.currentData() if self._people else ""
        self._wait(True)

        def work(context: JobContext) -> None:
            context.cancel.raise_if_cancelled()
            with_blur(blur, lambda: write(path, width))

        jobs.replace(
            "save", f"Saving {path.name}", work, lambda _nothing: self._on_saved(path),
            failed=self._on_failed, lane="files",
        )  # fmt: skip

    def _wait(self, on: bool) -> None:
        for widget in (self.format, self.width_field, self.blur, self.path, self.browse):
            widget.setEnabled(not on)
        self.buttons.button(QDialogButtonBox.Save).setEnabled(not on)
        if on:
            self.note.setText("Saving…")

    def keep_choices(self, path: Path) -> None:
        """The next dialog begins where this one ended."""
        self._choices.folder, self._choices.suffix = path.parent, self.chosen.suffix
        self._choices.widths = self._widths
        if self._people:
            self._choices.blur = self.blur.currentData()

    def _on_saved(self, path: Path) -> None:
        self.keep_choices(path)
        self.saved.emit(path)
        self.accept()

    def _on_failed(self, problem: Problem) -> bool:
        self._wait(False)
        self.note.setText(problem.message)
        return True

    def reject(self) -> None:
        """Cancel. A file that is being written already is still written whole."""
        if self._jobs is not None:
            self._jobs.stop_all()
        super().reject()


def _format_words(format: Format) -> str:
    return f"{format.title} ({format.suffix})" if format.suffix else format.title
