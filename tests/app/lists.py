"""What the tests of the lists share: a container that gives a panel a size, rankings, clicks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import QModelIndex, QPoint, Qt
from PyQt5.QtGui import QImage
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAbstractItemView, QWidget

from app.jobs.images import ImageLoader
from app.state.values import Measures
from app.state.workspace import Workspace
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import ImageRef, ImageSet, RankingResult
from tests.app.samples import sample_ranking


@pytest.fixture
def thumbnails(qapp):
    """A loader of small pictures, closed after the test."""
    loader = ImageLoader(64)
    yield loader
    loader.close()


def shown(qtbot, panel: QWidget, width: int = 700, height: int = 400) -> QWidget:
    """The panel in a window without a layout, so that it has this size whatever it asks for."""
    window = QWidget()
    window.resize(width, height)
    panel.setParent(window)
    panel.setGeometry(0, 0, width, height)
    qtbot.addWidget(window)
    window.show()
    panel.show()
    qtbot.waitExposed(window)
    return window


def centre(view: QAbstractItemView, index: QModelIndex) -> QPoint:
    rect = view.visualRect(index)
    return rect.intersected(view.viewport().rect()).center()


def click(view: QAbstractItemView, index: QModelIndex, keys=Qt.NoModifier) -> None:
    """Click on a row as a person does."""
    QTest.mouseClick(view.viewport(), Qt.LeftButton, keys, centre(view, index))


def rank(space: Workspace, query: int = 0, seed: int = 0, **changes: object) -> RankingResult:
    """Rank the sample's gallery for a query, in the workspace."""
    assert space.data is not None
    ranking = replace(sample_ranking(space.data, query, seed), **changes)  # type: ignore[arg-type]
    space.set_ranking(ranking)
    return ranking


def measures(ap: list[float], first_true: list[int], top: list[float]) -> Measures:
    return Measures(np.array(ap), np.array(first_true, dtype=np.int64), np.array(top))


def large_set(data: OpenSet, rows: int) -> OpenSet:
    """The same queries with a gallery of ``rows`` pictures that are not there."""
    refs = tuple(
        ImageRef(data.root / f"{row % 900:04}_c{row % 6 + 1}s1_{row:06}_00.jpg", row % 900, row % 6)
        for row in range(rows)
    )
    return replace(data, gallery=ImageSet(refs, "gallery"))


def pictures_painted(loader: ImageLoader) -> set[Path]:
    """Fills with the files that were there when a view asked for them in order to paint."""
    painted: set[Path] = set()
    get = loader.get

    def asked(path: Path) -> QImage | None:
        image = get(path)
        if image is not None:
            painted.add(path)
        return image

    loader.get = asked  # type: ignore[method-assign]
    return painted
