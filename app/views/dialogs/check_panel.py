"""What a data set holds, to be read before it is used: the findings of ``qaconv check``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from app.views.widgets.labels import (
    Mark,
    details_box,
    fold_button,
    heading,
    plain_label,
    sentence_case,
)
from app.views.widgets.layouts import boxed, in_column, in_row
from qaconv_core.data.check_report import CheckReport, SplitSummary
from qaconv_core.readable import counted, shown
from qaconv_core.types import Rejected

_COLUMNS = ("", "pictures", "persons", "cameras", "times")
_FEW = 200
"""Rejected files that are named for each reason; a table of 100,000 names helps nobody."""


def cameras_words(split: SplitSummary) -> str:
    """The cameras as they are called: ``1–6``, or names."""
    return split.cameras_words or ("not known" if split.images else "")


def persons_words(split: SplitSummary) -> str:
    """Number of persons, and of distractor pictures."""
    if not split.images:
        return ""
    if split.unknown_pids == split.images:
        return "not known"
    words = f"{split.identities:,}"
    return f"{words} + {split.distractors:,} distractors" if split.distractors else words


def times_words(split: SplitSummary) -> str:
    """First and last time in seconds."""
    if split.time_range is None:
        return "not known" if split.images else ""
    return f"{split.time_range[0]:,.0f}–{split.time_range[1]:,.0f} s"


def rejected_text(rejected: Sequence[Rejected]) -> str:
    """Files that were left out, grouped by reason."""
    groups: dict[str, list[str]] = defaultdict(list)
    for item in rejected:
        groups[item.reason].append(shown(item.path))
    lines: list[str] = []
    for reason, paths in groups.items():
        lines.append(f"{len(paths):,} × {shown(reason)}")
        lines += [f"    {path}" for path in paths[:_FEW]]
        if len(paths) > _FEW:
            lines.append(f"    … and {len(paths) - _FEW:,} more")
    return "\n".join(lines)


class CheckPanel(QWidget):
    """A :class:`CheckReport` as a page: what was recognised, its splits, what to beware of."""

    def __init__(self, report: CheckReport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report = report
        self.setAccessibleName(f"Findings on {report.dataset}")
        self.fold = fold_button(f"{counted(len(report.rejected), 'file')} &left out")
        whole = in_column(
            heading(f"{report.dataset}: {report.layout}"),
            plain_label(f"in {shown(report.root)}"),
            self._splits(),
            plain_label(self._validity()),
            *(marked_line("warning", text, "Warning") for text in report.warnings),
            *(marked_line("info", text, "Note") for text in report.notes),
            into=self,
        )
        self._add_rejected(whole)
        whole.addStretch(1)

    def _validity(self) -> str:
        queries = next((s.images for s in self.report.splits if s.name == "query"), 0)
        how = "every picture was decoded" if self.report.decoded else "pictures were not decoded"
        return f"Valid queries: {self.report.valid_queries:,} of {queries:,} ({how})"

    def _splits(self) -> QWidget:
        box = QFrame()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 8, 0, 8)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        for column, words in enumerate(_COLUMNS):
            label = plain_label(words, wrap=False)
            label.setEnabled(False)  # a heading: fainter than the numbers, by the palette
            grid.addWidget(label, 0, column, Qt.AlignRight if column == 1 else Qt.AlignLeft)
        for row, split in enumerate(self.report.splits, start=1):
            cells = (split.name, f"{split.images:,}", persons_words(split), cameras_words(split),
                     times_words(split))  # fmt: skip
            for column, words in enumerate(cells):
                label = plain_label(words, wrap=False)
                label.setAccessibleName(f"{split.name} {_COLUMNS[column]} {words}".strip())
                grid.addWidget(label, row, column, Qt.AlignRight if column == 1 else Qt.AlignLeft)
        grid.setColumnStretch(len(_COLUMNS), 1)
        return box

    def _add_rejected(self, column: QVBoxLayout) -> None:
        self.rejected = details_box(rejected_text(self.report.rejected))
        self.rejected.setAccessibleName("Files left out, by reason")
        self.rejected.hide()
        self.fold.toggled.connect(self.rejected.setVisible)
        self.fold.setVisible(bool(self.report.rejected))
        column.addWidget(self.fold, 0, Qt.AlignLeft)
        column.addWidget(self.rejected)


def marked_line(name: str, text: str, kind: str) -> QWidget:
    """A sentence with an icon before it."""
    mark, label = Mark(name), plain_label(sentence_case(text))
    label.setAccessibleName(f"{kind}: {text}")
    line = in_row(mark, label, grows=label)
    line.setAlignment(mark, Qt.AlignTop)
    return boxed(line)
