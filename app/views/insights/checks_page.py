"""The page of explanation checks: measures, removal curves and the pairs measured."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QTabWidget, QWidget

from app.items.pair_tiles import WIDEST, tiles_of
from app.items.picture_tiles import TileDelegate, TileModel
from app.state import check_measures as words
from app.state.insights import CheckFindings
from app.views.insights.insight_page import InsightPage
from app.views.insights.measure_table import MeasureTable
from app.views.widgets.chart import Chart
from app.views.widgets.fields import combo_box
from app.views.widgets.labels import label_of, plain_label
from app.views.widgets.layouts import boxed, in_column, in_row, in_splitter
from app.views.widgets.picture_tiles import PictureTiles
from qaconv_core.explaining.limits import LIMITS

NO_CURVES = "There are no curves to draw."


class ChecksPage(InsightPage):
    """Measures, removal curves and pairs of the explanation checks."""

    kind = "trust"

    # ── building ────────────────────────────────────────────────────────────────────────────────

    def _make_results(self) -> QWidget:
        self.order = combo_box(
            "How strong matches are chosen", "The 12 strongest matches of each pair are looked at.",
            ((name, order) for order, name in words.ORDERS.items()),
        )  # fmt: skip
        self.order.currentIndexChanged.connect(lambda _row: self._show_measures())
        self.measures = MeasureTable()
        self.chart = Chart("Removal curves", NO_CURVES)
        self.curve_words = plain_label()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Curves and pairs")
        self.tabs.addTab(self._curves(), "Curves")
        self.tiles: list[PictureTiles] = []
        return in_splitter(
            Qt.Horizontal, self._left(), self.tabs, stretches=(0, 1), sizes=(480, 800)
        )

    def _left(self) -> QWidget:
        by = label_of("Strongest by", self.order)
        return boxed(in_column(in_row(by, self.order, None), self.measures, grows=self.measures))

    def _curves(self) -> QWidget:
        return boxed(in_column(self.curve_words, self.chart, grows=self.chart, margins=8))

    @property
    def first(self) -> QWidget:
        """The choice of strong matches."""
        return self.order

    # ── showing ─────────────────────────────────────────────────────────────────────────────────

    def _show_found(self, found: CheckFindings) -> None:
        self.summary.setText(words.trust_verdict(found))
        self.summary.setToolTip(LIMITS)
        self.curve_words.setText(words.CURVES.format(crowd=found.report.gallery_ranked))
        self._show_measures()
        self.chart.draw(self._maker(found))
        self._show_pairs(found)

    def _show_measures(self) -> None:
        found = self._shown
        if found is None:
            return
        names = [group.name for group in found.report.groups]
        rows = words.measure_rows(found, self.order.currentData())
        self.measures.show_rows(names, rows, words.notes_of(found), LIMITS)

    def _maker(self, found: CheckFindings) -> Callable[[], Figure]:
        def draw() -> Figure:
            from qaconv_core.figures.explanation_checks import (
                curves_figure,  # with torch, which is loaded by now
            )

            return curves_figure(found.report.groups)

        return draw

    def _show_pairs(self, found: CheckFindings) -> None:
        while self.tabs.count() > 1:
            old = self.tabs.widget(1)
            self.tabs.removeTab(1)
            old.deleteLater()
        self.tiles = []
        for group in found.report.groups:
            model = TileModel(self)
            model.show_rows(tiles_of(found, group))
            delegate = TileDelegate(self.thumbnails, 2, WIDEST, self)
            view = PictureTiles(model, delegate, wraps=True)
            view.setAccessibleName(f"Pairs that were measured: {group.name}")
            view.open_pair.connect(self.open_pair)
            self.tiles.append(view)
            place = self.tabs.addTab(view, words.group_words(group))
            self.tabs.setTabToolTip(place, "Click a pair, or press Return, to open it.")
