"""A sheet for a paper as it will look, its caption to copy, and where it is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage, QPixmap, QResizeEvent
from PyQt5.QtWidgets import QApplication, QBoxLayout, QLabel, QWidget

from app.jobs.job import JobContext
from app.jobs.runner import JobRunner
from app.jobs.sheet import SHEET_FORMATS, Sheet
from app.state.export_choices import ExportChoices
from app.state.values import Problem
from app.views.dialogs.export_dialog import ExportDialog
from app.views.widgets.fields import push_button, whole_number
from app.views.widgets.labels import label_of, plain_label
from app.views.widgets.layouts import in_row, size_on_screen

PREVIEW_WIDTH = 1400
DRAWING = "Drawing the sheet…"


class SheetRequest(Protocol):
    """What a sheet is made of; :meth:`sheet` runs in a worker thread."""

    @property
    def stem(self) -> str:
        """A file name that says what it is."""

    def sheet(self) -> Sheet:
        """Compute it."""


class Preview(QLabel):
    """A picture as large as there is room for."""

    def __init__(self) -> None:
        super().__init__(DRAWING)
        self.setAlignment(Qt.AlignCenter)
        self.setMinimumSize(480, 240)
        self.setAccessibleName("The sheet")
        self._whole = QPixmap()

    def show_image(self, image: QImage) -> None:
        """Show another picture."""
        self._whole = QPixmap.fromImage(image)
        self._fit()

    def _fit(self) -> None:
        if not self._whole.isNull():
            room = self.size() * self.devicePixelRatioF()
            shown = self._whole.scaled(room, Qt.KeepAspectRatio, Qt.SmoothTransformation)
            shown.setDevicePixelRatio(self.devicePixelRatioF())
            self.setPixmap(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the picture anew."""
        super().resizeEvent(event)
        self._fit()


class SheetDialog(ExportDialog):
    """Shows a sheet, and saves it as PNG, SVG, PDF or LaTeX.

    ``request_for`` makes the request for the numbers in ``counts``: (name, start, least, most) of
    each. It returns None where there is nothing to make a sheet of.
    """

    def __init__(
        self,
        title: str,
        request_for: Callable[..., SheetRequest | None],
        counts: tuple[tuple[str, int, int, int], ...],
        runner: JobRunner,
        choices: ExportChoices,
        parent: QWidget | None = None,
    ) -> None:
        self._request_for = request_for
        self.sheet: Sheet | None = None
        self.counts = {
            name: whole_number(name, "", start, most, least) for name, start, least, most in counts
        }
        first = self._request()
        self._proposed = "sheet" if first is None else first.stem
        super().__init__(
            title, self._proposed, SHEET_FORMATS, self._write_sheet, runner, choices, parent
        )
        for field in self.counts.values():
            field.valueChanged.connect(lambda _value: self._draw())
        self._draw()

    def _request(self) -> SheetRequest | None:
        return self._request_for(*(field.value() for field in self.counts.values()))

    def _lay_out(self) -> None:
        super()._lay_out()
        self.preview = Preview()
        self.caption = plain_label()
        self.caption.setAccessibleName("Caption")
        self.copy = push_button(
            "&Copy caption",
            "Copy the caption for a paper",
            lambda: QApplication.clipboard().setText(self.caption.text()),
        )
        whole = self.layout()
        assert isinstance(whole, QBoxLayout)
        numbers: list[QWidget] = []
        for name, field in self.counts.items():
            numbers += [label_of(f"&{name}", field), field]
        if numbers:
            whole.insertLayout(0, in_row(*numbers, None))
        whole.insertWidget(int(bool(numbers)), self.preview, 1)
        whole.insertLayout(
            int(bool(numbers)) + 1, in_row(self.caption, self.copy, grows=self.caption)
        )
        size_on_screen(self, 880, 740)

    def _draw(self) -> None:
        """Make the sheet in the background, and show it."""
        request = self._request()
        self.sheet = None
        self._allow_saving()
        if request is None:
            return
        self.note.setText(DRAWING)

        def work(_context: JobContext) -> tuple[Sheet, QImage]:
            from qaconv_core.figures.sizes import figure_bytes

            sheet = request.sheet()
            data = figure_bytes(sheet.figure(), ".png", PREVIEW_WIDTH)
            return sheet, QImage.fromData(data, "PNG")

        assert self._jobs is not None
        self._jobs.replace(
            "draw", "Drawing a sheet", work, self._show_sheet, failed=self._not_drawn,
            lane="files", quiet=True,
        )  # fmt: skip

    def _show_sheet(self, found: tuple[Sheet, QImage]) -> None:
        self.sheet, image = found
        self.preview.show_image(image)
        self.preview.setAccessibleDescription(self.sheet.caption)
        self.caption.setText(self.sheet.caption)
        path = Path(self.path.text())
        if path.stem == self._proposed:  # a name that was typed stays
            self.path.setText(str(path.with_name(self.sheet.stem + path.suffix)))
            self._proposed = self.sheet.stem
        self.note.setText(self._remark())

    def _not_drawn(self, problem: Problem) -> bool:
        self.note.setText(problem.message)
        return True

    def _remark(self) -> str:
        said = super()._remark()
        self._allow_saving()
        return said

    def _allow_saving(self) -> None:
        if self.sheet is None:
            self.buttons.button(self.buttons.Save).setEnabled(False)

    def _write_sheet(self, path: Path, width: float | None) -> None:
        """In a worker thread."""
        assert self.sheet is not None
        self.sheet.write(path, width)

    def _wait(self, on: bool) -> None:
        super()._wait(on)
        for field in self.counts.values():
            field.setEnabled(not on)
