"""Columns of tables keep apart, and their titles stand over their words."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QStandardItemModel
from PyQt5.QtWidgets import QHeaderView, QTableView

from app.views.widgets.table_style import AIR, space_columns
from app.views.widgets.theme import Theme


def table(qtbot, airy: bool) -> QTableView:
    model = QStandardItemModel(1, 2)
    model.setHorizontalHeaderLabels(["HHHHHHHH", "HHHHHHHH"])
    for column in range(2):
        model.setData(model.index(0, column), "H")
    view = QTableView()
    if airy:
        space_columns(view)
    model.setParent(view)
    view.setModel(model)
    view.setShowGrid(False)
    view.verticalHeader().hide()
    view.horizontalHeader().setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
    view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
    qtbot.addWidget(view)
    view.resize(300, 100)
    view.show()
    return view


def first_ink(widget) -> int:
    """The first column of pixels in which a letter is drawn (edges of sections come later)."""
    image = widget.grab().toImage()
    rows = range(6, image.height() // 2 + 4)
    dark = (x for x in range(2, 40) if any(image.pixelColor(x, y).lightness() < 100 for y in rows))
    return next(dark)


def test_there_is_air_beside_words_and_titles(qtbot, qapp):
    theme = Theme(qapp)
    theme.use("light")
    try:
        close, spaced = table(qtbot, False), table(qtbot, True)
        for column in range(2):
            assert spaced.columnWidth(column) == close.columnWidth(column) + 2 * AIR
        for part in (QTableView.viewport, QTableView.horizontalHeader):
            assert first_ink(part(spaced)) == first_ink(part(close)) + AIR
    finally:
        theme.use("system")
