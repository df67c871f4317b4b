"""Whom a report is about, as what it is saved, and where; it is written in the background."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QFormLayout,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.state.export_choices import ExportChoices, Format
from app.state.report_choice import ReportChoice, ranks_text
from app.views.dialogs.export_dialog import ExportDialog
from qaconv_core.types import RankingResult

FORMATS = (Format(".html", "Web page"), Format(".pdf", "PDF document"))
TIPS = {
    "chosen": "Ctrl+click, Shift+click or Shift+arrows choose several candidates in the ranking.",
    "decided": "Everything confirmed, rejected or left open under this query.",
    "shown": "The one candidate beside the query.",
}
LETTERS = {
    "chosen": ("chosen", "&chosen"),
    "decided": ("decided", "&decided"),
    "shown": ("looked", "&looked"),
}
HOLDS = (
    "The report holds the query and, for each candidate, both pictures, lines, maps, numbers, what "
    "was decided and the note, and says what the numbers mean. It needs no other file."
)


class ReportDialog(ExportDialog):
    """``wanted`` carries the file and the candidates (gallery indices, best first)."""

    wanted = pyqtSignal(object, object)

    def __init__(
        self,
        choices: Sequence[ReportChoice],
        ranking: RankingResult,
        stem: str,
        kept: ExportChoices,
        parent: QWidget | None = None,
    ) -> None:
        self._candidates = tuple(choices)
        self._ranking = ranking
        super().__init__("Save report", stem, FORMATS, None, None, kept, parent, people=True)
        self.format.setToolTip("Both hold the same; a PDF has a page for each candidate")

    def _lay_out(self) -> None:
        super()._lay_out()
        self._group = QButtonGroup(self)
        column = QVBoxLayout()
        column.setSpacing(4)
        self.radios = {}
        for choice in self._candidates:
            radio = QRadioButton(choice.title.replace(*LETTERS[choice.name]))
            radio.setToolTip(TIPS[choice.name])
            self._group.addButton(radio)
            column.addWidget(radio)
            self.radios[choice.name] = radio
            radio.toggled.connect(self._say_ranks)
        self.ranks = QLabel()
        self.ranks.setWordWrap(True)
        self.ranks.setEnabled(False)  # fainter, by the palette
        self.ranks.setAccessibleName("Ranks of these candidates")
        column.addWidget(self.ranks)
        holds = QLabel(HOLDS)
        holds.setWordWrap(True)
        whole = self.layout()
        assert isinstance(whole, QBoxLayout)
        form = whole.itemAt(0).layout()
        assert isinstance(form, QFormLayout)
        form.insertRow(0, "Candidates", column)
        whole.insertWidget(1, holds)
        self.radios[self._candidates[0].name].setChecked(True)

    @property
    def candidates(self) -> tuple[int, ...]:
        """Whom the report is about, as chosen now."""
        chosen = (c for c in self._candidates if self.radios[c.name].isChecked())
        return next(chosen, self._candidates[0]).candidates

    def _say_ranks(self) -> None:
        self.ranks.setText(ranks_text(self._ranking, self.candidates))

    def save(self) -> None:
        """Ask for the report and close: the line at the bottom tells how far it is."""
        path = self._with_suffix()
        if not path.parent.is_dir():
            self.note.setText(f"{path.parent}: there is no such folder; choose another one")
            return
        self.keep_choices(path)
        self.wanted.emit(path, self.candidates)
        self.accept()
