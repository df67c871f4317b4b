"""The page of trust: what strong matches join, and whether the strongest cells decide."""

from __future__ import annotations

from PyQt5.QtWidgets import QSpinBox, QTextBrowser, QWidget

from app.jobs.images import ImageLoader
from app.jobs.insights import InsightJobs
from app.state.workspace import Workspace
from app.views.insights.page import InsightPage


class TrustPage(InsightPage):
    """How far explanations can be trusted."""

    def __init__(
        self,
        workspace: Workspace,
        jobs: InsightJobs,
        thumbnails: ImageLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("trust", workspace, jobs, parent)

    def _make_number(self) -> QSpinBox:
        box = QSpinBox()
        box.setRange(1, 1000)
        box.setValue(self.insights.pairs)
        box.setAccessibleName("Pairs")
        box.setToolTip("Pairs of each kind that are measured (--pairs).")
        box.valueChanged.connect(lambda value: setattr(self.insights, "pairs", value))
        return box

    def _make_results(self) -> QWidget:
        self.words = QTextBrowser()
        self.words.setAccessibleName("Measures")
        return self.words

    @property
    def first(self) -> QWidget:
        """The measures."""
        return self.words

    def _show_found(self) -> None:
        from qaconv_core.documents.trust import quality_head, quality_rows

        found = self.insights.trust
        assert found is not None
        rows = (quality_head(), *quality_rows(found.report))
        self.words.setPlainText("\n".join("\t".join(map(str, row)) for row in rows))
