"""Columns of tables keep apart, and their titles stand over their words."""

from __future__ import annotations

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QItemSelectionModel, QPoint, QRect, Qt
from PyQt5.QtGui import QImage, QPainter, QPalette, QStandardItemModel
from PyQt5.QtWidgets import (
    QHeaderView,
    QStyle,
    QStyleOption,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QTableView,
    QTreeWidget,
    QTreeWidgetItem,
)

from app.items.selection import INSET
from app.views.widgets.table_style import AIR, space_columns
from app.views.widgets.theme import OutlinedStyle, Theme, contrast


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


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_chosen_row_is_outlined_and_not_filled(qtbot, qapp, name):
    theme = Theme(qapp)
    theme.use(name)
    try:
        view = table(qtbot, True)
        view.setSelectionBehavior(QTableView.SelectRows)
        rows = QItemSelectionModel.ClearAndSelect | QItemSelectionModel.Rows
        view.selectionModel().select(view.model().index(0, 0), rows)  # whatever keys are held
        picture = view.viewport().grab().toImage()
        row = view.visualRect(view.model().index(0, 0))
        accent = view.palette().color(QPalette.Highlight)
        gap = QPoint(view.columnWidth(0), row.center().y())
        ground = picture.pixelColor(gap)
        assert abs(ground.lightness() - view.palette().base().color().lightness()) < 20
        edge = picture.pixelColor(view.columnWidth(0), row.top() + INSET)
        assert edge == accent, "the line goes on from column to column"
        between = picture.pixelColor(QPoint(view.columnWidth(0) - 1, row.center().y()))
        assert between != accent
        letter = [picture.pixelColor(x, row.center().y()) for x in range(AIR, view.columnWidth(0))]
        assert any(contrast(colour, ground) > 4 for colour in letter), "words can be read"
    finally:
        theme.use("system")


def test_a_chosen_row_of_a_tree_is_outlined_as_one(qtbot, qapp):
    theme = Theme(qapp)
    theme.use("light")
    try:
        tree = QTreeWidget()
        qtbot.addWidget(tree)
        tree.setHeaderLabels(["H", "H", "H"])
        item = QTreeWidgetItem(QTreeWidgetItem(tree, ["H"]), ["H", "H", "H"])
        tree.expandAll()
        tree.resize(400, 120)
        tree.show()
        item.setSelected(True)
        picture = tree.viewport().grab().toImage()
        cells = [tree.visualRect(tree.indexFromItem(item, column)) for column in range(3)]
        accent, middle = tree.palette().color(QPalette.Highlight), cells[0].center().y()
        across = [x for x in range(picture.width()) if picture.pixelColor(x, middle) == accent]
        ends = (cells[0].left() + INSET, cells[2].right() - INSET)
        assert all(min(abs(x - end) for end in ends) <= 2 for x in across), "no line between cells"
        assert {min(ends, key=lambda end: abs(x - end)) for x in across} == set(ends)
    finally:
        theme.use("system")


@pytest.mark.parametrize("kind", [QStyleOption, QStyleOptionButton])
def test_an_option_that_comes_as_another_type_is_drawn_as_what_it_is(qapp, kind):
    row = QStyleOptionViewItem()
    row.rect, row.state = QRect(0, 0, 60, 20), QStyle.State_Selected
    stale = sip.cast(sip.cast(row, QStyleOption), kind)
    pictures = []
    for option in (row, stale):
        image = QImage(60, 20, QImage.Format_RGB32)
        image.fill(Qt.white)
        painter = QPainter(image)
        OutlinedStyle().drawPrimitive(QStyle.PE_PanelItemViewItem, option, painter, None)
        painter.end()
        pictures.append(image)
    assert pictures[0] == pictures[1]
    assert pictures[0].pixelColor(30, 10) == Qt.white
