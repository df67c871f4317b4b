"""Persons given to pictures on the page Gallery, by keys and mouse; the command line has them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QApplication,
    QComboBox,
    QDialogButtonBox,
    QInputDialog,
    QToolButton,
    QWidget,
)

from app.jobs.engine import DataRequest
from app.jobs.ranking_exports import ranking_export
from app.state.values import NORMALISED
from app.state.words import logit_text
from qaconv_core.cli import main
from qaconv_core.data import open_dataset
from qaconv_core.data.labelled import labelled
from qaconv_core.galleries.suggestions import labelled_pairs
from qaconv_core.store.decisions import DecisionLog
from qaconv_core.store.labels import LabelLog
from qaconv_core.types import RankingResult
from tests.app.lists import click
from tests.app.real import (
    WAIT,
    all_maps,
    open_and_wait,
    press,
    settled,
    tiny_market,
    tiny_model,
)
from tests.small_world import person as picture_of


@pytest.fixture
def window(qtbot, make_window, model, tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    window = make_window()
    window.request = tiny_market(tmp_path)
    with all_maps(window.controller):
        open_and_wait(qtbot, window.controller, window.request, model)
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    rest(qtbot, window)
    return window


def rest(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)


def rows_of(window, pid):
    """The rows of a person's pictures, by its true number."""
    model, data = window.gallery.model, window.workspace.data
    return [r for r in range(model.rowCount()) if data.gallery[model.picture_at(r)].pid == pid]


def choose(window, rows):
    page = window.gallery
    for place, row in enumerate(rows):
        click(page.grid, page.model.index(row), Qt.ControlModifier if place else Qt.NoModifier)


def names(window):
    return [person.name for person in window.gallery.gallery.people]


def name_persons(qtbot, window, pids):
    for pid in pids:
        choose(window, rows_of(window, pid))
        press(window, Qt.Key_N, modifiers=Qt.ControlModifier)
        rest(qtbot, window)


def pick(window, *persons, keys=Qt.ControlModifier):
    """Click on rows of the list of persons."""
    panel = window.gallery.persons
    for place, person in enumerate(persons):
        index = panel.model.index(panel.model.row_of(person), 0)
        at = panel.table.visualRect(index).center()
        with_keys = keys if place else Qt.NoModifier
        QTest.mouseClick(panel.table.viewport(), Qt.LeftButton, with_keys, at)


def push(window, id):
    """Click on the panel's button of a command."""
    for button in window.gallery.persons.findChildren(QToolButton):
        if button.defaultAction() is window.commands.by_id[id]:
            window.commands.refresh()
            assert button.isEnabled(), id
            QTest.mouseClick(button, Qt.LeftButton)
            return
    raise AssertionError(id)


def back_to(qtbot, window):
    """The window after a dialog; without a window manager it does not become active by itself."""
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=WAIT)


def log_of(window):
    data = window.workspace.data
    return LabelLog(data.name, data.root)


def test_chosen_pictures_become_persons_listed_with_their_cameras(qtbot, window):
    page, panel = window.gallery, window.gallery.persons
    name_persons(qtbot, window, (1, 2))
    assert names(window) == ["person 1", "person 2"]
    data = window.workspace.data
    wanted = {i: f"person {data.gallery[i].pid}" for i in range(len(data.gallery))
              if data.gallery[i].pid in (1, 2)}  # fmt: skip
    assert page.gallery.persons == wanted
    texts = [panel.model.index(2, column).data() for column in range(3)]
    assert texts == ["person 1", "5", "c1, c2, c3"]
    assert panel.model.index(2, 2).data(Qt.ToolTipRole) == "c1 1, c2 2, c3 2"
    assert panel.count.text() == "2 persons · 10 of 26 pictures"
    pick(window, "person 1")
    assert page.count.text() == "5 of 26 pictures"
    assert page.gallery.chosen == (), "what is not listed is not chosen any more"
    pick(window, "")
    assert page.count.text() == "16 of 26 pictures"
    pick(window, None)
    assert page.count.text() == "26 pictures"


def test_split_give_rename_merge_take_away_and_undo(qtbot, window):
    name_persons(qtbot, window, (1, 2))
    rows = rows_of(window, 1)[:2]
    choose(window, rows)
    press(window, Qt.Key_N, modifiers=Qt.ControlModifier)  # split off
    rest(qtbot, window)
    assert sorted(len(p) for p in log_of(window).persons().values()) == [2, 3, 5]
    choose(window, rows_of(window, 3))
    press(window, Qt.Key_G, modifiers=Qt.ControlModifier)
    dialog = window.findChild(QInputDialog)
    box = dialog.findChild(QComboBox)
    assert [box.itemText(i) for i in range(box.count())] == names(window)
    box.setEditText("Ann")
    QTest.keyClick(box, Qt.Key_Return)
    qtbot.waitUntil(lambda: "Ann" in names(window), timeout=WAIT)
    back_to(qtbot, window)
    pick(window, "person 2")
    press(window, Qt.Key_F2)
    dialog = next(d for d in window.findChildren(QInputDialog) if d.isVisible())
    dialog.setTextValue("Bob")
    dialog.accept()
    qtbot.waitUntil(lambda: "Bob" in names(window), timeout=WAIT)
    back_to(qtbot, window)
    pick(window, None)
    pick(window, "Ann", "Bob")
    push(window, "gallery.merge")
    qtbot.waitUntil(lambda: len(names(window)) == 3, timeout=WAIT)
    merged = next(name for name in names(window) if name in ("Ann", "Bob"))
    assert len(log_of(window).persons()[merged]) == 10
    window.gallery.grid.setFocus()
    press(window, Qt.Key_Z, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: {"Ann", "Bob"} <= set(names(window)), timeout=WAIT)
    pick(window, None)
    choose(window, rows_of(window, 3))
    push(window, "gallery.take_away")
    qtbot.waitUntil(lambda: "Ann" not in names(window), timeout=WAIT)
    rest(qtbot, window)


def test_a_name_that_is_taken_is_refused_in_words(qtbot, window):
    name_persons(qtbot, window, (1, 2))
    window.gallery.labels.rename("person 1", "person 2")
    qtbot.waitUntil(lambda: bool(window.problems.problems), timeout=WAIT)
    assert "is there already" in window.problems.problems[-1].message
    assert names(window) == ["person 1", "person 2"]


def test_confirmed_candidates_become_a_person(qtbot, window):
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    settled(qtbot, window)
    press(window, Qt.Key_Y)
    rest(qtbot, window)
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    push(window, "gallery.from_decisions")
    qtbot.waitUntil(lambda: names(window) == ["person 1"], timeout=WAIT)
    assert window.gallery.gallery.people[0].pictures == 2, "the query and the candidate"
    panel = window.gallery.persons
    assert panel.model.index(2, 1).data() == "1 + 1 query"
    assert panel.count.text() == "1 person · 1 of 26 pictures · 1 query, not listed here"
    pick(window, "person 1")
    assert window.gallery.model.rowCount() == 1


def test_while_a_case_is_open_its_decisions_count(qtbot, window, tmp_path):
    data = window.workspace.data
    old = DecisionLog(data.name, data.root)
    old.decide(data.query[0].path, data.gallery[0].path, "confirm")
    jobs = window.case_commands.jobs
    jobs.create(tmp_path / "a.qcase", "Theft", "", "")
    qtbot.waitUntil(lambda: jobs.ready, timeout=WAIT)
    rest(qtbot, window)
    window.commands.run("gallery.from_decisions")
    rest(qtbot, window)
    assert names(window) == [], "the set's decisions are not the case's"
    push(window, "gallery.suggest")
    qtbot.waitUntil(lambda: window.gallery.persons.box.asking, timeout=WAIT)
    rest(qtbot, window)
    window.gallery.grid.setFocus()
    press(window, Qt.Key_R)
    qtbot.waitUntil(lambda: [d.verdict for d in jobs.case.decisions] == ["reject"], timeout=WAIT)
    assert [d.verdict for d in old.all()] == ["confirm"]
    window.commands.run("file.close_case")
    window.commands.run("gallery.from_decisions")
    qtbot.waitUntil(lambda: names(window) == ["person 1"], timeout=WAIT)


def test_pairs_are_asked_about_and_answers_are_kept(qtbot, window):
    box = window.gallery.persons.box
    push(window, "gallery.suggest")
    qtbot.waitUntil(lambda: box.asking, timeout=WAIT)
    rest(qtbot, window)
    assert len(box.picture.refs) == 2
    first = [ref.path for ref in box.picture.refs]
    assert "threshold" in box.words.text()
    window.gallery.grid.setFocus()
    press(window, Qt.Key_Y)
    qtbot.waitUntil(lambda: names(window) == ["person 1"], timeout=WAIT)
    log = log_of(window)
    assert set(log.all()) == {log.name_of(path) for path in first}
    second = [ref.path for ref in box.picture.refs]
    assert second != first
    press(window, Qt.Key_R)
    rest(qtbot, window)
    data = window.workspace.data
    decisions = DecisionLog(data.name, data.root).all()
    assert [d.verdict for d in decisions] == ["confirm", "reject"]
    assert decisions[1].logit is not None
    push(window, "gallery.suggest")
    rest(qtbot, window)
    again = [[p.one, p.other] for p in box._pairs]
    paths = data.gallery.paths
    assert [paths.index(path) for path in second] not in again
    before = len(box._pairs)
    press(window, Qt.Key_J)
    assert len(box._pairs) == before - 1
    QTest.mouseClick(box.buttons[None], Qt.LeftButton)
    assert len(box._pairs) == before - 2


@pytest.mark.parametrize("key", [Qt.Key_R, Qt.Key_Y])
def test_undo_takes_the_answer_back_and_asks_again(qtbot, window, key):
    name_persons(qtbot, window, (1,))
    box, data = window.gallery.persons.box, window.workspace.data
    before, decided = log_of(window).all(), DecisionLog(data.name, data.root)
    push(window, "gallery.suggest")
    qtbot.waitUntil(lambda: box.asking, timeout=WAIT)
    rest(qtbot, window)
    first, left = box.picture.refs, len(box._pairs)
    window.gallery.grid.setFocus()
    press(window, key)
    rest(qtbot, window)
    assert len(decided.all()) == 1
    assert box.picture.refs != first
    press(window, Qt.Key_Z, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: box.picture.refs == first, timeout=WAIT)
    assert decided.all() == [], "nothing for Take confirmed to bring back"
    assert log_of(window).all() == before, "earlier changes of persons stay"
    assert len(box._pairs) == left
    press(window, Qt.Key_Z, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: names(window) == [], timeout=WAIT)
    rest(qtbot, window)


def test_labels_are_measured_with_their_interval(qtbot, window):
    assert not window.commands.can_run("gallery.evaluate_labels")
    name_persons(qtbot, window, (1, 2, 3))
    panel = window.gallery.persons
    push(window, "gallery.evaluate_labels")
    qtbot.waitUntil(panel.result.isVisible, timeout=WAIT)
    rest(qtbot, window)
    text = panel.result.text()
    assert "on 3 labelled persons: so few say nothing yet" in text
    assert "bootstrap" not in text
    data = open_dataset("market", window.request.root)
    found = labelled(data, log_of(window))
    matching = window.controller.matching
    places = {path: i for i, path in enumerate(data.gallery.paths)}
    maps = [np.asarray(matching.gallery[places[r.path]], np.float32)[None] for r in found.query]
    own = matching.gallery.select([places[r.path] for r in found.gallery])
    scores = np.concatenate([matching.model.score(m, own) for m in maps])
    from qaconv_core.evaluation import ranking_metrics

    result = ranking_metrics(-scores, found.query.pids, found.gallery.pids,
                             found.query.camids, found.gallery.camids)  # fmt: skip
    assert f"Rank-1 {100 * result.cmc[0]:.1f} % of {result.valid_queries} queries" in text
    assert f"mAP {100 * result.mAP:.1f} %" in text
    pairs = labelled_pairs(matching.model, matching.gallery, window.gallery.gallery.persons)
    same, different = pairs.same, pairs.different
    threshold = np.sort(different)[::-1][int(0.01 * len(different))]
    assert f"Above a logit of {logit_text(float(threshold))} lie" in text
    assert f"{100 * np.mean(same > threshold):.1f} % of the labelled pairs of one person" in text


def test_few_labelled_pairs_are_said_to_be_few(qtbot, window):
    header, space = window.explore.results.header, window.workspace
    name_persons(qtbot, window, (1, 2))
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(header.lined.isVisible, timeout=WAIT)
    line = space.labelled_line
    assert 0 < line.different < 100
    assert header.few.isVisible()
    assert header.few.text().startswith(f"{line.different} labelled pairs of two persons: ")
    assert header.few.text().endswith("so few of two cannot show a share of 1.0 %")
    header.false_pairs.actions_["0.1"].trigger()
    settled(qtbot, window)
    assert header.few.isVisible() == (line.different < 10)


def test_labelled_pairs_draw_a_line_in_the_ranking(qtbot, window):
    space, header = window.workspace, window.explore.results.header
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    settled(qtbot, window)
    assert not header.lined.isVisible()  # plain QAConv, and no labels
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    name_persons(qtbot, window, (1, 2, 3))
    matching = window.controller.matching
    pairs = labelled_pairs(matching.model, matching.gallery, window.gallery.gallery.persons)
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(header.lined.isVisible, timeout=WAIT)
    ranking, model = space.ranking, window.explore.results.model
    for share in ("0.01", "0.1"):
        header.false_pairs.actions_[share].trigger()
        settled(qtbot, window)
        allowed = int(float(share) * len(pairs.different))
        line = np.sort(pairs.different)[::-1][allowed]
        counted = ranking.truth != ranking.JUNK
        above = int((ranking.values[counted] > line).sum())
        assert f"at logit {logit_text(float(line))}" in header.line.text()
        assert header.line.text().startswith(f"{above} above" if above else "Probably nobody")
        share_above = 100 * np.mean(pairs.same > line)
        assert f"{share_above:.1f} % of labelled true pairs" in header.line.text()
        rows = [model.entry(row) for row in range(model.rowCount())]
        assert [row.below for row in rows] == [row.logit <= line for row in rows]
    assert not header.basis.isVisible()  # there is one line alone
    assert not header.alarms.isVisible()
    (item,) = json.loads(ranking_export(space).json_text())["queries"]
    assert item["labelled_line"]["line"] == pytest.approx(float(line))
    assert [r["above_labelled_line"] for r in item["results"]] == [not r.below for r in rows]
    window.commands.run("candidate.method_norm")
    qtbot.waitUntil(lambda: space.ranking.method == NORMALISED, timeout=WAIT)
    settled(qtbot, window)
    assert "σ" in header.line.text()
    assert header.basis.isVisible()
    assert header.alarms.isVisible()
    header.basis.actions_["labels"].trigger()
    settled(qtbot, window)
    assert "labelled true pairs" in header.line.text()
    assert header.false_pairs.isVisible()
    rows = [model.entry(row) for row in range(model.rowCount())]
    assert [row.below for row in rows] == [row.logit <= line for row in rows]
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    pick(window, *names(window))
    push(window, "gallery.merge")  # one person alone: no pairs of two
    rest(qtbot, window)
    qtbot.waitUntil(lambda: not space.labelled.enough, timeout=WAIT)
    assert list(space.lines) == ["strangers"]


def test_the_ranking_calls_pictures_by_their_labels_as_the_command_line_does(
    qtbot, make_window, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    flat, checkpoint = tmp_path / "flat", tiny_model(tmp_path)
    flat.mkdir()
    for number in range(9):
        picture_of(number % 3, number).save(flat / f"{number}.png")
    window = make_window()
    window.begin(DataRequest("folder", flat), checkpoint)
    window.controller.add_pictures([flat / "0.png"])
    settled(qtbot, window)
    rest(qtbot, window)
    space, model = window.workspace, window.explore.results.model
    labels = window.gallery.labels
    names = [ref.path.name for ref in space.data.gallery]

    def rows():
        entries = [model.entry(row) for row in range(model.rowCount())]
        told = {entry.ref.path.name: (entry.ref.person, entry.truth) for entry in entries}
        own = [name for name, (_, truth) in told.items() if truth == RankingResult.JUNK]
        assert own == [space.data.query[space.selection.query].path.name]
        return {name: row for name, row in told.items() if name not in own}

    assert set(rows().values()) == {("", RankingResult.NOT_KNOWN)}
    maps, measured = window.controller.matching, space.measures
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    for name, pictures in (("Ann", ("0.png", "3.png")), ("Bob", ("1.png",))):
        labels.assign([names.index(picture) for picture in pictures], name)
    rest(qtbot, window)
    found = rows()
    assert found["3.png"] == ("Ann", RankingResult.TRUE)
    assert found["1.png"] == ("Bob", RankingResult.FALSE)
    others = {row for name, row in found.items() if name not in ("1.png", "3.png")}
    assert others == {("", RankingResult.NOT_KNOWN)}
    assert window.explore.results.header.truth.text() == "1 true"
    assert (window.controller.matching, space.measures) == (maps, measured)
    options = ["--query", str(flat / "0.png"), "--gallery", str(flat), "--device", "cpu"]
    assert main(["rank", *options, "--checkpoint", checkpoint.path, "--json", "-"]) == 0
    (ranked,) = json.loads(capsys.readouterr().out)["queries"]
    signs = {"true": RankingResult.TRUE, "false": RankingResult.FALSE}
    told = {
        Path(item["path"]).name: (
            item.get("person") or "", signs.get(item["truth"], RankingResult.NOT_KNOWN)
        )
        for item in ranked["results"]
    }  # fmt: skip
    assert told == found
    (exported,) = json.loads(ranking_export(space).json_text())["queries"]
    assert {Path(i["path"]).name: i["truth"] for i in exported["results"]}["3.png"] == "true"
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    window.controller.add_pictures([flat / "3.png"])  # names stay when the set gets queries
    qtbot.waitUntil(lambda: len(space.data.query) > space.data.added_from, timeout=WAIT)
    settled(qtbot, window)
    rest(qtbot, window)
    assert rows()["0.png"] == ("Ann", RankingResult.TRUE)
    labels.undo()
    labels.undo()
    rest(qtbot, window)
    assert space.data.unlabelled is None
    assert set(rows().values()) == {("", RankingResult.NOT_KNOWN)}


@pytest.mark.parametrize("ending", [".csv", ".json", ""])
def test_labels_are_saved_and_read_by_the_command_line(qtbot, window, tmp_path, ending, capsys):
    name_persons(qtbot, window, (1, 2))
    dialog = window.gallery.person_commands.save()
    dialog.path.setText(str(tmp_path / f"labels{ending}"))
    assert dialog.chosen.suffix == ending
    QTest.mouseClick(dialog.buttons.button(QDialogButtonBox.Save), Qt.LeftButton)
    target = tmp_path / f"labels{ending}"
    qtbot.waitUntil(target.exists, timeout=WAIT)
    rest(qtbot, window)
    if ending == ".csv":
        rows = list(csv.DictReader(target.open(encoding="utf-8")))
        assert {row["person"] for row in rows} == {"person 1", "person 2"}
        assert len(rows) == 10
    elif ending == ".json":
        record = json.loads(target.read_text(encoding="utf-8"))
        assert len(record["annotations"]) == 10
    else:
        assert len(list(target.rglob("*.jpg"))) == 10
    capsys.readouterr()
    folder = ["--dataset", "market", "--data-dir", str(window.request.root)]
    assert main(["labels", *folder]) == 0
    listed = capsys.readouterr().out
    assert "person 2" in listed
    assert "c1: 1, c2: 2, c3: 2" in listed


def test_the_command_lines_changes_are_seen_when_the_page_is_shown(qtbot, window):
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    log = log_of(window)
    log.assign([window.workspace.data.gallery[0].path], "Zoe")
    assert names(window) == []
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: names(window) == ["Zoe"], timeout=WAIT)
    assert QApplication.focusWidget() is window.gallery.grid


def test_the_command_lines_changes_are_followed_and_not_undone(qtbot, window):
    name_persons(qtbot, window, (1,))
    log, paths = log_of(window), window.workspace.data.gallery.paths
    four = [paths[i] for i in range(len(paths)) if window.workspace.data.gallery[i].pid == 2]
    window.activateWindow()
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is other, timeout=WAIT)
    log.assign(four, "Zoe")
    assert names(window) == ["person 1"]
    back_to(qtbot, window)
    qtbot.waitUntil(lambda: names(window) == ["person 1", "Zoe"], timeout=WAIT)
    window.gallery.grid.setFocus()
    press(window, Qt.Key_Z, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: names(window) == ["Zoe"], timeout=WAIT)
    press(window, Qt.Key_Z, modifiers=Qt.ControlModifier)
    rest(qtbot, window)
    assert names(window) == ["Zoe"]
    assert len(log.persons()["Zoe"]) == len(four)
