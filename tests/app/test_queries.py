"""The query panel, driven by keys and mouse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.items.query_model import QueryEntry
from app.items.row_models import ENTRY_ROLE
from app.items.row_texts import who_sentence
from app.state.listing import search_texts, text_hits
from app.state.words import who_label, who_text
from app.views.explore.queries_panel import QueriesPanel
from app.views.widgets.actions import Actions
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import ImageRef, ImageSet
from tests.app.lists import click, measures, pictures_painted, shown, thumbnails  # noqa: F401


@pytest.fixture
def joint(space):
    """Two queries of each of four persons (cameras 1 and 2), and one added picture."""
    data: OpenSet = space.data
    query = list(data.query)
    query += [replace(ref, camid=1, path=ref.path.with_name("b" + ref.path.name)) for ref in query]
    own = ImageRef(data.root / "mine.png")
    space.open_data(replace(data, query=ImageSet((*query, own), "query"), added_from=len(query)))
    space.select_queries((0,))
    return space


@pytest.fixture
def panel(qtbot, joint, thumbnails):  # noqa: F811
    made = QueriesPanel(joint, thumbnails)
    made.window_ = shown(qtbot, made, 260, 900)
    return made


def listed(panel):
    return panel.model.rows.tolist()


def chosen_rows(panel):
    return sorted(index.row() for index in panel.list.selectionModel().selectedIndexes())


def test_the_model_keeps_qts_rules(panel, qtmodeltester, joint):
    qtmodeltester.check(panel.model, force_py=True)
    joint.change_query_filter(text="b0")
    qtmodeltester.check(panel.model, force_py=True)


def test_queries_are_counted_and_named(panel, joint):
    assert panel.model.rowCount() == 9
    assert panel.count.text() == "9 of 9"
    texts = [panel.model.index(row).data(Qt.AccessibleTextRole) for row in range(9)]
    assert texts[0].startswith("Person 1, camera 1, 0001_c1s1_000100_00.png")
    assert texts[-1].startswith("Added picture, Person not known, mine.png")
    assert panel.model.index(8).data(ENTRY_ROLE).title == "Added picture"


def test_typing_filters(panel, joint):
    panel.handlers()["query.filter"].run()
    QTest.keyClicks(panel.filter_bar.text, "B0003")
    assert joint.query_filter.text == "B0003"
    assert listed(panel) == [6]
    assert panel.count.text() == "1 of 9"
    QTest.keyClick(panel.filter_bar.text, Qt.Key_Escape)
    assert joint.query_filter.text == ""
    assert panel.model.rowCount() == 9


def test_the_words_of_a_row_are_typed_to_find_it(panel, joint):
    panel.handlers()["query.filter"].run()
    field = panel.filter_bar.text
    for text, rows in (("person 2", [1, 5]), ("Camera 2", None), ("c2", None)):
        field.clear()
        QTest.keyClicks(field, text)
        of_camera = np.flatnonzero(joint.data.query_camids == 1).tolist()
        assert listed(panel) == (of_camera if rows is None else rows)


def test_esc_empties_the_field_then_leads_to_the_list(panel):
    panel.handlers()["query.filter"].run()
    field = panel.filter_bar.text
    QTest.keyClicks(field, "B0003")
    QTest.keyClick(field, Qt.Key_Escape)
    assert field.hasFocus()
    QTest.keyClick(field, Qt.Key_Escape)
    assert panel.list.hasFocus()
    panel.filter_bar.focus()
    assert field.hasFocus()
    QTest.keyClick(field, Qt.Key_Escape)
    assert panel.list.hasFocus()


def test_a_person_called_person_1_is_so_called_once(joint):
    ref = replace(joint.data.query[0], person="person 1", camera="camera east")
    entry = QueryEntry(0, ref, False, 0.5, 1, 1.0, True)
    assert entry.title.startswith("Person 1 · ")
    assert who_sentence(ref) == "Person 1, camera east"
    assert who_text(ref).startswith("person 1 · camera east")
    assert who_text(replace(ref, person="anna", camera="yard")).startswith("person anna · camera y")


def test_distractors_are_called_so_and_found_by_the_word():
    refs = [
        ImageRef(Path("0000_c2s1_000001_00.jpg"), pid=0, camid=1),
        ImageRef(Path("0007_c2s1_000001_00.jpg"), pid=7, camid=1),
        ImageRef(Path("0000_c2s1_000002_00.png"), pid=0, camid=1, person="zero"),
        ImageRef(Path("first.jpg"), pid=0, camid=1),
    ]
    assert [who_label(ref) for ref in refs[:2]] == ["distractor · c2", "7 · c2"]
    assert who_sentence(refs[0]) == "Distractor, camera 2"
    assert [who_text(ref).split(" · ")[0] for ref in refs] == [
        "distractor", "person 7", "person zero", "person 0",
    ]  # fmt: skip
    texts = search_texts(ImageSet(tuple(refs)))
    assert text_hits(texts, "Distractor").tolist() == [True, False, False, False]
    assert text_hits(texts, "person 0").tolist() == [False, False, False, True]


def test_a_person_and_cameras_are_chosen(panel, joint):
    QTest.keyClicks(panel.filter_bar.person, "2x")
    assert joint.query_filter.pid == 2
    assert listed(panel) == [1, 5]
    camera = panel.filter_bar.cameras.boxes[0]
    camera.click()
    assert joint.query_filter.camids == frozenset({1})
    assert listed(panel) == [5]
    assert [chip.text() for chip in panel.filter_bar.filters.chips] == ["person 2", "camera 2"]
    panel.filter_bar.cameras.everything.click()
    assert joint.query_filter.camids is None
    panel.filter_bar.person.clear()
    assert joint.query_filter.pid is None
    assert panel.model.rowCount() == 9


def test_filters_changed_elsewhere_are_shown_and_heard_once(panel, joint):
    heard = []
    joint.filters_changed.connect(lambda: heard.append(joint.query_filter))
    joint.change_query_filter(text="0001", pid=1, camids=frozenset({0}), errors=True, sort="person")
    bar = panel.filter_bar
    assert len(heard) == 1
    assert (bar.text.text(), bar.person.text(), bar.errors.isChecked()) == ("0001", "1", True)
    assert bar.sort.currentData() == "person"
    assert not bar.cameras.boxes[1].isChecked()


def test_sorts_agree_with_sorting_by_hand(panel, joint):
    ap = [0.5, 0.9, np.nan, 0.1, 0.5, 0.3, 1.0, np.nan, np.nan]
    top = [0.6, 0.5, 0.9, np.nan, 0.7, 0.6, 0.2, 0.1, 0.4]
    first = [2, 1, 0, 5, 1, 3, 1, 0, 0]
    joint.set_measures("qaconv", measures(ap, first, top))
    refs = joint.data.query
    by_hand = {
        "ap": sorted(range(9), key=lambda i: (np.isnan(ap[i]), ap[i], i)),
        "score": sorted(range(9), key=lambda i: (np.isnan(top[i]), -top[i], i)),
        "person": sorted(range(9), key=lambda i: (refs[i].pid is None, refs[i].pid or 0, i)),
        "file": sorted(range(9), key=lambda i: refs[i].path.name),
    }
    for name, order in by_hand.items():
        panel.handlers()[f"query.sort_{name}"].run()
        if name == "ap":  # NaN compares with nothing: by hand only what is known
            assert listed(panel)[:6] == [i for i in order if not np.isnan(ap[i])]
        elif name == "score":
            assert listed(panel)[:8] == [i for i in order if not np.isnan(top[i])]
        else:
            assert listed(panel) == order
        assert panel.filter_bar.sort.currentData() == name


def test_measures_are_shown_but_do_not_resort_while_one_walks(panel, joint):
    joint.change_query_filter(sort="ap")
    before = listed(panel)
    ap = np.linspace(1, 0, 9)
    some = measures(list(ap), [1, 4] + [1] * 7, [0.5] * 9)
    joint.set_measures("qaconv", some)
    assert listed(panel) == before
    row = before.index(1)
    entry = panel.model.index(row).data(ENTRY_ROLE)
    assert entry.error
    assert entry.verdict == "AP 0.875 · ✓ 4"
    assert "Rank 1 is a false match" in panel.model.index(row).data(Qt.ToolTipRole)
    assert "Protocol" in panel.model.index(row).data(Qt.ToolTipRole)
    joint.set_measured({"qaconv": some}, {})
    assert listed(panel) == list(range(9))[::-1]


def test_a_click_chooses_one_query_once(panel, joint):
    heard = []
    joint.selection_changed.connect(lambda: heard.append(joint.selection.queries))
    click(panel.list, panel.model.index(2))
    assert heard == [(int(panel.model.rows[2]),)]
    assert panel.fuse.isHidden()


def test_several_queries_of_a_person_are_joined(panel, joint):
    joint.change_query_filter(sort="person")
    click(panel.list, panel.model.index(0))
    click(panel.list, panel.model.index(1), Qt.ControlModifier)
    assert joint.selection.queries == (0, 4)
    assert not panel.fuse.isHidden()
    assert panel.note.text() == "2 queries of person 1 ranked together."
    QTest.mouseClick(panel.fuse_buttons["mean"], Qt.LeftButton)
    assert joint.look.fuse == "mean"
    click(panel.list, panel.model.index(0), Qt.ControlModifier)
    assert joint.selection.queries == (4,)
    assert panel.fuse.isHidden()
    assert panel.note.isHidden()


def test_queries_of_others_are_left_out_and_that_is_said(panel, joint):
    joint.change_query_filter(sort="person")
    click(panel.list, panel.model.index(1))
    click(panel.list, panel.model.index(4), Qt.ShiftModifier)
    assert joint.selection.queries == (4,)
    assert chosen_rows(panel) == [1]
    assert panel.note.text() == "Only queries of one person are joined: kept 1 of person 1."
    click(panel.list, panel.model.index(2), Qt.ControlModifier)
    assert chosen_rows(panel) == [1]
    assert panel.note.text() == (
        "Only queries of one person are joined: kept 1 of person 1. Shift+Q compares what both "
        "find."
    )
    shown, other = panel.two
    assert shown == 4
    assert other not in joint.selection.queries
    joint.select_queries((0,))
    assert panel.two is None


def test_the_list_follows_what_is_chosen_elsewhere(panel, joint):
    heard = []
    joint.selection_changed.connect(lambda: heard.append(1))
    joint.select_queries((7,))
    assert chosen_rows(panel) == [panel.model.row_of(7)]
    joint.select_queries((1, 5))
    assert chosen_rows(panel) == sorted(panel.model.row_of(q) for q in (1, 5))
    joint.change_query_filter(text="b0001")
    assert chosen_rows(panel) == []
    joint.change_query_filter(text="")
    assert len(chosen_rows(panel)) == 2
    assert len(heard) == 2


def test_commands_walk_in_the_listed_order(panel, joint):
    do = panel.handlers()
    order = listed(panel)
    do["query.next"].run()
    assert joint.selection.queries == (order[1],)
    do["query.previous"].run()
    do["query.previous"].run()
    assert joint.selection.queries == (order[0],)
    joint.select_queries((order[-1],))
    do["query.next"].run()
    assert joint.selection.queries == (order[-1],)
    joint.change_query_filter(text="b0")
    do["query.next"].run()
    assert joint.selection.queries == (4,)


def test_next_and_previous_error_go_round(panel, joint):
    joint.set_measures("qaconv", measures([0.5] * 9, [1, 2, 1, 0, 1, 7, 1, 3, 0], [0.5] * 9))
    do, order = panel.handlers(), listed(panel)
    wanted = [q for q in order if q in (1, 5, 7)]
    for query in (*wanted, wanted[0]):
        do["query.next_error"].run()
        assert joint.selection.queries == (query,)
    for query in wanted[::-1]:
        do["query.previous_error"].run()
        assert joint.selection.queries == (query,)
    panel.filter_bar.errors.click()
    assert listed(panel) == wanted


def test_empty_states_say_what_to_do(panel, joint):
    joint.change_query_filter(text="nobody")
    assert panel.pages.currentWidget() is panel.empty
    assert panel.empty.label.text() == "No query fits the filter."
    QTest.mouseClick(panel.empty.link, Qt.LeftButton)
    assert panel.pages.currentWidget() is panel.list
    none = replace(joint.data, query=ImageSet((), "query"), added_from=0)
    joint.open_data(none)
    assert "Ctrl+I" in panel.empty.label.text()
    joint.open_data(None)
    assert "Ctrl+O" in panel.empty.label.text()


def test_the_menu_shows_the_sort_and_what_can_be_done(panel, joint):
    actions = Actions(panel)
    actions.bind(panel.handlers())
    joint.change_query_filter(sort="score")
    actions.refresh()
    assert actions.by_id["query.sort_score"].isChecked()
    assert not actions.by_id["query.sort_file"].isChecked()
    assert not actions.by_id["query.next_error"].isEnabled()
    joint.set_measures("qaconv", measures([0.5] * 9, [2] * 9, [0.5] * 9))
    actions.refresh()
    assert actions.by_id["query.next_error"].isEnabled()


def test_a_broken_picture_says_why(qtbot, joint, thumbnails):  # noqa: F811
    path = joint.data.query[0].path
    path.write_bytes(b"not a picture")
    panel = QueriesPanel(joint, thumbnails)
    panel.window_ = shown(qtbot, panel, 260, 900)
    panel.list.viewport().repaint()
    qtbot.waitUntil(lambda: bool(thumbnails.fault(path)), timeout=5000)
    tip = panel.model.index(panel.model.row_of(0)).data(Qt.ToolTipRole)
    assert thumbnails.fault(path) in tip
    panel.list.viewport().repaint()


def test_pictures_that_arrive_are_painted(qtbot, joint, thumbnails):  # noqa: F811
    painted = pictures_painted(thumbnails)
    panel = QueriesPanel(joint, thumbnails)
    panel.window_ = shown(qtbot, panel, 260, 900)
    wanted = {joint.data.query[query].path for query in range(4)}
    qtbot.waitUntil(lambda: wanted <= painted, timeout=5000)


def test_a_picture_that_arrives_is_painted(qtbot, panel, joint):
    path = joint.data.query[1].path
    panel.list.viewport().repaint()
    qtbot.waitUntil(lambda: panel.thumbnails.get(path) is not None, timeout=5000)
    index = panel.model.index(panel.model.row_of(1))
    picture = panel.list.viewport().grab(panel.list.visualRect(index)).toImage()
    thumbnail = panel.thumbnails.get(path)
    seen = picture.pixelColor(24, picture.height() // 2)
    there = thumbnail.pixelColor(thumbnail.width() // 2, thumbnail.height() // 2)
    assert abs(seen.red() - there.red()) < 60
    assert abs(seen.blue() - there.blue()) < 60
