"""The page Gallery: rows against plain Python, then the whole window by keys and mouse."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QMenu

from app.items.gallery_model import TILE_ROLE, GalleryDelegate, GalleryModel
from app.state.gallery import NOBODY, Gallery, GalleryLook, gallery_rows
from app.state.requests import DataRequest
from app.views.gallery.gallery_grid import GalleryGrid
from qaconv_core.galleries.values import LikenessOrder
from qaconv_core.types import ImageSet
from tests.app.controls import controls, name_of, needs_tip
from tests.app.lists import centre, click, large_set, shown, thumbnails  # noqa: F401
from tests.app.real import WAIT, all_maps, open_and_wait, press, tiny_market
from tests.app.samples import sample_set
from tests.builders import write_picture

# ── which rows there are ────────────────────────────────────────────────────────────────────────


def likeness_of(sizes):
    """Pictures 0 … n−1 in groups of these sizes, in order."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    return LikenessOrder(np.arange(sum(sizes)), starts)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return sample_set(tmp_path_factory.mktemp("set"), pictures=False)


def test_each_order_is_that_of_its_key_and_what_is_unknown_comes_last(data):
    refs = list(data.gallery.refs)
    refs[3] = replace(refs[3], time=None, camid=None)
    mixed = replace(data, gallery=ImageSet(tuple(reversed(refs)), "gallery"))
    late = math.inf
    keys = {
        "camera": lambda r: (
            late if r.camid is None else r.camid,
            late if r.time is None else r.time,
        ),
        "time": lambda r: late if r.time is None else r.time,
        "name": lambda r: r.path.name,
    }
    for sort, key in keys.items():
        rows = gallery_rows(mixed, GalleryLook(sort=sort))
        found = [mixed.gallery[i] for i in rows.pictures.tolist()]
        assert found == sorted(mixed.gallery, key=key), sort
        assert set(rows.counts.tolist()) == {1}
    rows = gallery_rows(mixed, GalleryLook(text="0002_"))
    assert {mixed.gallery[i].pid for i in rows.pictures.tolist()} == {2}


def test_one_persons_pictures_and_those_of_nobody(data):
    persons = {1: "Ann", 5: "Ann", 7: "Bob"}
    of = {
        name: set(gallery_rows(data, GalleryLook(person=name), persons=persons).pictures.tolist())
        for name in ("Ann", "Bob", NOBODY)
    }
    assert of == {"Ann": {1, 5}, "Bob": {7}, NOBODY: set(range(12)) - {1, 5, 7}}


@settings(max_examples=80, deadline=None)
@given(some.data())
def test_folding_loses_no_picture_and_each_group_stands_where_its_first_would(data, draw):
    sizes = []
    while sum(sizes) < len(data.gallery):
        left = len(data.gallery) - sum(sizes)
        sizes.append(draw.draw(some.integers(1, left)))
    likeness = likeness_of(sizes)
    unfolded = draw.draw(some.sets(some.integers(0, len(sizes) - 1)))
    sort = draw.draw(some.sampled_from(("camera", "time", "name", "likeness")))
    plain = gallery_rows(data, GalleryLook(sort=sort), likeness).pictures.tolist()
    rows = gallery_rows(data, GalleryLook(sort=sort, fold=True), likeness, unfolded)
    expected = []
    for picture in plain:
        group = likeness.group_of[picture]
        mates = [p for p in plain if likeness.group_of[p] == group]
        if mates[0] == picture:
            expected += mates if group in unfolded else [picture]
    assert rows.pictures.tolist() == expected
    heads = [p for p in expected if p == next(
        q for q in plain if likeness.group_of[q] == likeness.group_of[p])]  # fmt: skip
    counts = dict(zip(rows.pictures.tolist(), rows.counts.tolist(), strict=True))
    assert sum(counts[head] for head in heads) == len(data.gallery)


def test_another_set_or_model_forgets_what_is_alike(space):
    gallery = Gallery(space)
    gallery.set_likeness(likeness_of([3] * 4))
    gallery.change_look(sort="likeness", fold=True)
    assert len(gallery.rows) == 4
    assert gallery.with_duplicates([0, 4]) == [0, 1, 2, 3, 4, 5]
    space.extend_data(space.data.with_queries((space.data.gallery[0],)))
    assert gallery.likeness is not None, "an added query leaves the gallery what it is"
    space.set_model(None)
    assert gallery.likeness is None
    assert (gallery.look.sort, gallery.look.fold, len(gallery.rows)) == ("camera", False, 12)


# ── the grid alone ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def grid(qtbot, space, thumbnails):  # noqa: F811
    gallery = Gallery(space)
    delegate = GalleryDelegate(thumbnails)
    made = GalleryGrid(GalleryModel(gallery), delegate)
    made.model().setParent(made)
    made.show_as_grid(96)
    made.gallery, made.window_ = gallery, shown(qtbot, made, 620, 420)
    made.window_.activateWindow()
    made.setFocus()
    return made


def test_several_are_chosen_by_ctrl_and_shift(grid):
    model, gallery = grid.model(), grid.gallery
    click(grid, model.index(2))
    assert gallery.chosen == (model.picture_at(2),)
    click(grid, model.index(5), Qt.ShiftModifier)
    assert set(gallery.chosen) == {model.picture_at(row) for row in (2, 3, 4, 5)}
    assert gallery.chosen[0] == model.picture_at(5), "the current one comes first"
    click(grid, model.index(3), Qt.ControlModifier)
    assert set(gallery.chosen) == {model.picture_at(row) for row in (2, 4, 5)}
    click(grid, model.index(7), Qt.ControlModifier)
    assert len(gallery.chosen) == 4
    click(grid, model.index(0))
    assert gallery.chosen == (model.picture_at(0),)


def test_arrows_walk_and_with_shift_choose(grid):
    model, gallery = grid.model(), grid.gallery
    click(grid, model.index(0))
    QTest.keyClick(grid, Qt.Key_Right)
    assert gallery.chosen == (model.picture_at(1),)
    QTest.keyClick(grid, Qt.Key_Right, Qt.ShiftModifier)
    QTest.keyClick(grid, Qt.Key_Right, Qt.ShiftModifier)
    assert set(gallery.chosen) == {model.picture_at(row) for row in (1, 2, 3)}
    QTest.keyClick(grid, Qt.Key_Left, Qt.ShiftModifier)
    assert set(gallery.chosen) == {model.picture_at(row) for row in (1, 2)}
    QTest.keyClick(grid, Qt.Key_End)
    assert gallery.chosen == (model.picture_at(11),)


def test_a_click_on_the_number_unfolds_and_keeps_what_was_chosen(grid):
    model, gallery = grid.model(), grid.gallery
    gallery.set_likeness(likeness_of([3, 1, 2, 6]))
    gallery.change_look(sort="likeness", fold=True)
    assert [model.tile(row).badge for row in range(4)] == ["× 3", "", "× 2", "× 6"]
    click(grid, model.index(1))
    chosen = gallery.chosen
    grid.fold_switched.connect(gallery.switch_fold)

    def press_badge(row):
        option = grid.viewOptions()
        option.rect = grid.visualRect(model.index(row))
        place = grid.itemDelegate().badge_rect(option, model.index(row).data(TILE_ROLE))
        QTest.mouseClick(grid.viewport(), Qt.LeftButton, pos=place.center())

    press_badge(2)
    assert [model.tile(row).badge for row in range(5)] == ["× 3", "", "− 2", "", "× 6"]
    assert "unfolded" in model.index(2).data(Qt.ToolTipRole)
    assert gallery.chosen == chosen
    press_badge(2)
    assert len(gallery.rows) == 4


def test_fifty_thousand_pictures_scroll_without_delay(qtbot, space, thumbnails):  # noqa: F811
    space.open_data(large_set(space.data, 50_000))
    started = time.perf_counter()
    gallery = Gallery(space)
    for sort in ("camera", "time", "name"):
        gallery.change_look(sort=sort)
    assert time.perf_counter() - started < 5, "four orders of 50,000"
    made = GalleryGrid(GalleryModel(gallery), GalleryDelegate(thumbnails))
    made.model().setParent(made)
    made.show_as_grid(96)
    window = shown(qtbot, made, 1280, 800)
    assert window.isVisible()
    slowest = 0.0
    bar = made.verticalScrollBar()
    for place in np.linspace(0, bar.maximum(), 20):
        started = time.perf_counter()
        bar.setValue(int(place))
        made.viewport().repaint()
        slowest = max(slowest, time.perf_counter() - started)
    assert slowest < 0.5
    assert made.visible_rows()[-1] == 49_999


# ── the whole window ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def window(qtbot, make_window, model, tmp_path):
    """The tiny set with two copies of one picture, its maps and the page Gallery."""
    request = tiny_market(tmp_path)
    folder = request.root / "market" / "bounding_box_test"
    first = sorted(folder.glob("0002_c2*"))[0]
    for number in (7, 8):
        (folder / f"0002_c2s1_00230{number}_0{number}.jpg").write_bytes(first.read_bytes())
    window = make_window()
    with all_maps(window.controller):
        open_and_wait(qtbot, window.controller, request, model)
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    assert window.pages.currentWidget() is window.gallery
    assert QApplication.focusWidget() is window.gallery.grid
    return window


def wait_likeness(qtbot, window):
    gallery = window.gallery.gallery
    qtbot.waitUntil(lambda: gallery.likeness is not None, timeout=WAIT)


def test_near_duplicates_are_folded_by_the_box_and_unfolded_by_a_key(qtbot, window):
    page, gallery = window.gallery, window.gallery.gallery
    assert page.count.text() == "28 pictures"
    QTest.mouseClick(page.fold, Qt.LeftButton, pos=QPoint(8, page.fold.height() // 2))
    wait_likeness(qtbot, window)
    qtbot.waitUntil(lambda: gallery.look.fold, timeout=WAIT)
    qtbot.waitUntil(lambda: not page.work.rows, timeout=WAIT)
    data = window.workspace.data
    copies = [i for i, path in enumerate(data.gallery.paths) if path.name.startswith("0002_c2")][:3]
    groups = gallery.likeness.group_of[copies]
    assert len(copies) == 3
    assert len(set(groups.tolist())) == 1, "copies of one file are near-duplicates"
    listed = gallery.rows.pictures.tolist()
    assert sum(picture in listed for picture in copies) <= 1
    assert page.count.text().startswith("28 pictures in ")
    tiles = page.model.rowCount()
    row = next(r for r in range(tiles) if page.model.tile(r).count >= 3)
    click(page.grid, page.model.index(row))
    press(window, Qt.Key_F, modifiers=Qt.ShiftModifier)
    assert page.model.rowCount() == tiles + page.model.tile(row).count - 1
    assert page.model.tile(row).open
    press(window, Qt.Key_F, modifiers=Qt.ShiftModifier)
    assert page.model.rowCount() == tiles


def test_a_set_without_near_duplicates_says_so(qtbot, window):
    page, gallery = window.gallery, window.gallery.gallery
    gallery.set_likeness(likeness_of([1] * 28))
    gallery.change_look(fold=True)
    assert page.count.text() == "28 pictures, no near-duplicates"
    gallery.change_look(fold=False)
    assert page.count.text() == "28 pictures"


def test_the_order_by_likeness_is_computed_and_chosen(qtbot, window):
    page = window.gallery
    page.sort.actions_["likeness"].trigger()
    wait_likeness(qtbot, window)
    qtbot.waitUntil(lambda: page.gallery.look.sort == "likeness", timeout=WAIT)
    assert page.sort.value == "likeness"
    assert page.gallery.rows.pictures.tolist() == page.gallery.likeness.order.tolist()
    window.commands.run("gallery.sort_name")
    names = [page.model.path_at(row).name for row in range(page.model.rowCount())]
    assert names == sorted(names)


def test_a_cancelled_job_leaves_the_order(qtbot, window, monkeypatch):
    def endless(_maps, context):
        while True:
            context.cancel.raise_if_cancelled()
            time.sleep(0.01)

    monkeypatch.setattr("app.jobs.gallery_jobs.likeness_of", endless)
    page = window.gallery
    page.sort.actions_["likeness"].trigger()
    qtbot.waitUntil(lambda: bool(page.work.rows), timeout=WAIT)
    assert not page.sort.actions_["likeness"].isEnabled()
    QTest.mouseClick(page.work.rows[0].cancel_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: not page.work.rows, timeout=WAIT)
    assert (page.gallery.look.sort, page.sort.value) == ("camera", "camera")
    assert page.sort.actions_["likeness"].isEnabled()


@pytest.mark.parametrize("way", ["key", "return", "double click", "menu"])
def test_any_picture_becomes_the_query(qtbot, window, way):
    page = window.gallery
    row = 4
    path = page.model.path_at(row)
    index = page.model.index(row)
    click(page.grid, index)
    if way == "key":
        press(window, Qt.Key_Q)
    elif way == "return":
        press(window, Qt.Key_Return)
    elif way == "double click":
        QTest.mouseDClick(page.grid.viewport(), Qt.LeftButton, pos=centre(page.grid, index))
    else:
        page.grid.customContextMenuRequested.emit(centre(page.grid, index))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        assert menu.actions()[0].text() == "Search by this picture"
        QTest.keyClick(menu, Qt.Key_Down)
        QTest.keyClick(menu, Qt.Key_Return)
    space = window.workspace

    def found():
        query = space.selection.query
        return query is not None and space.data.query[query].path == path and not space.pair_stale

    qtbot.waitUntil(found, timeout=WAIT)
    assert window.page == "explore"
    assert space.data.is_added(space.selection.query)


def test_the_field_lists_files_and_a_link_shows_all_again(qtbot, window):
    page = window.gallery
    page.field.setFocus()
    QTest.keyClicks(page.field, "0003_")
    assert page.count.text() == "5 of 28 pictures"
    QTest.keyClicks(page.field, "zzz")
    assert page.stack.currentWidget() is page.empty
    QTest.mouseClick(page.empty.link, Qt.LeftButton)
    assert page.count.text() == "28 pictures"
    assert page.field.text() == ""


def test_sizes_by_slider_and_by_the_wheel(window):
    page = window.gallery
    before = page.grid.grid().columns
    page.slider.setFocus()
    QTest.keyClick(page.slider, Qt.Key_End)
    assert page.grid.grid().columns < before
    page.grid.resized.emit(40)
    assert page.slider.value() == 40
    assert page.grid.grid().columns > before


def test_every_control_has_a_name_and_a_tip(window):
    found = controls(window.gallery)
    assert len(found) > 4
    for control in found:
        assert name_of(control)
        assert control.toolTip() or not needs_tip(control), name_of(control)


def test_without_a_set_the_page_leads_to_one(qtbot, make_window, tmp_path):
    window = make_window()
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    page = window.gallery
    assert page.stack.currentWidget() is page.empty
    QTest.mouseClick(page.empty.link, Qt.LeftButton)
    assert "data" in window.dialogs._open
    write_picture(tmp_path / "a.png", 1, (32, 64))


def test_a_folder_with_everything_that_lies_about(qtbot, make_window, model, tmp_path):
    folder = tmp_path / "снимки 写真"
    sizes = {"привет мир.png": (48, 128), "é'\"&.png": (9, 400), "写真 (2).png": (300, 40),
             "x" * 200 + ".png": (5, 7)}  # fmt: skip
    for number, (name, size) in enumerate(sizes.items()):
        write_picture(folder / name, number, size)
    for name in ("z1.png", "z2.png"):
        write_picture(folder / name, 9, (32, 64))
    (folder / "notes.jpg").write_text("no picture")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    window = make_window()
    with all_maps(window.controller):
        window.controller.open(DataRequest("folder", folder), model)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    window.pages.choose("gallery")
    page = window.gallery
    qtbot.waitUntil(lambda: page.count.text() == "6 pictures", timeout=WAIT)
    listed = {page.model.path_at(row).name for row in range(page.model.rowCount())}
    assert listed == {*sizes, "z1.png", "z2.png"}, "the file that is no picture is left out"
    page.sort.actions_["likeness"].trigger()
    wait_likeness(qtbot, window)
    page.fold_duplicates(True)
    assert page.gallery.rows.counts.sum() == 6
    page.fold_duplicates(False)
    gone = next(r for r in range(6) if page.model.path_at(r).name == "z2.png")
    (folder / "z2.png").unlink()  # as on a share that vanishes
    click(page.grid, page.model.index(gone))
    before = len(window.problems.problems)
    press(window, Qt.Key_Q)
    qtbot.waitUntil(lambda: len(window.problems.problems) > before, timeout=WAIT)
    assert "z2.png" in window.problems.problems[-1].message
    window.pages.choose("gallery")
    there = next(r for r in range(6) if page.model.path_at(r).name == "привет мир.png")
    click(page.grid, page.model.index(there))
    press(window, Qt.Key_Q)
    space = window.workspace

    def found():
        query = space.selection.query
        return query is not None and space.data.query[query].path.name == "привет мир.png"

    qtbot.waitUntil(found, timeout=WAIT)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
