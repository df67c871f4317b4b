"""Taking a match away: files of the size asked for, exact numbers, the clipboard, refusals."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QDialogButtonBox, QMainWindow

from app.jobs.match_exports import match_export
from app.state.export_choices import ExportChoices
from app.state.workspace import Workspace
from app.views.explore.export_commands import ExportCommands
from qaconv_core.explaining.zones import ZONES
from qaconv_core.types import ImageRef, RankingResult
from tests.app.real import WAIT
from tests.app.saving import saved


@pytest.fixture
def take(qtbot, runner, space, tmp_path):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.show()
    return ExportCommands(space, runner, window, ExportChoices(tmp_path))


def test_a_file_is_named_after_what_it_shows(space):
    candidate = space.ranking.first(RankingResult.TRUE)
    space.select_candidate(candidate)
    space.set_pair(replace(space.pair, candidate=candidate))
    ref = space.data.gallery[candidate]
    rank = space.ranking.rank_of(candidate)
    assert match_export(space).stem == f"match_0001_c1_vs_0001_c{ref.camid + 1}_rank{rank}"
    own = replace(match_export(space), query=ImageRef(ref.path.parent / "my picture.jpg"), rank=0)
    assert own.stem == f"match_my_picture_vs_0001_c{ref.camid + 1}_junk"


def test_a_png_has_the_width_asked_for(take, qtbot, tmp_path):
    dialog = take.save()
    dialog.width_field.setValue(1234)
    path = saved(qtbot, dialog)
    assert path.parent == tmp_path
    assert Image.open(path).size[0] == 1234


def test_typing_a_suffix_chooses_the_format_and_numbers_are_exact(take, qtbot, space, tmp_path):
    dialog = take.save()
    dialog.path.setText(str(tmp_path / "numbers.json"))
    assert dialog.chosen.suffix == ".json"
    assert not dialog.width_field.isVisible()
    numbers = json.loads(saved(qtbot, dialog).read_text(encoding="utf-8"))
    match = space.pair.match
    total = np.sum(numbers["query_contribution"]) + np.sum(numbers["gallery_contribution"])
    assert total + numbers["bias"] == pytest.approx(match.logit, abs=1e-4)
    assert numbers["query_best"] == match.query_best.tolist()
    assert numbers["query"]["file"] == space.data.query[0].path.name
    assert numbers["rank"] == space.ranking.rank_of(space.pair.candidate) or None


def test_the_table_lists_every_correspondence(take, qtbot, space):
    space.change_look(count=4, threshold=-1.0)
    dialog = take.save()
    dialog.format.setCurrentIndex(4)
    path = saved(qtbot, dialog)
    assert path.suffix == ".csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    match = space.pair.match
    assert len(rows) == match.query_best.size
    assert sum(int(row["drawn"]) for row in rows) == 4
    for row in rows:
        place = int(row["query_row"]) - 1, int(row["query_column"]) - 1
        assert float(row["contribution"]) == pytest.approx(match.query_contribution[place])
        best = (int(row["gallery_row"]) - 1) * match.grid[1] + int(row["gallery_column"]) - 1
        assert best == match.query_best[place]


def test_the_breakdown_is_saved_as_latex_and_adds_up(take, qtbot, space):
    dialog = take.save()
    dialog.format.setFocus()
    QTest.keyClick(dialog.format, Qt.Key_End)
    assert dialog.chosen.title == "LaTeX with its figure"
    path = saved(qtbot, dialog)
    assert path.suffix == ".tex"
    assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    text = path.read_text(encoding="utf-8")
    assert rf"\includegraphics[width=180mm]{{{path.stem}.pdf}}" in text
    rows = [line.strip().removesuffix(r" \\").split(" & ") for line in text.splitlines()]
    numbers = {row[0]: float(row[1].replace("$-$", "-")) for row in rows[1:] if len(row) == 2
               and row[0] != "zone"}  # fmt: skip
    match, base = space.pair.match, "average logit" if space.pair.relative else "bias"
    assert numbers["logit"] == pytest.approx(match.logit, abs=0.006)
    zones = [numbers[zone] for zone in ZONES if zone in numbers]
    assert len(zones) > 2
    assert sum(zones) + numbers[base] == pytest.approx(match.logit, abs=0.01 * len(zones))


def test_choices_are_kept_for_the_next_time(take, qtbot, tmp_path):
    dialog = take.save()
    dialog.format.setCurrentIndex(1)
    dialog.width_field.setValue(120)
    saved(qtbot, dialog)
    dialog = take.save()
    assert dialog.chosen.suffix == ".svg"
    assert dialog.width_field.value() == 120
    assert "will be replaced" in dialog.note.text()
    dialog.reject()


def test_a_failure_is_said_in_the_dialog_and_one_can_try_again(take, qtbot, tmp_path):
    dialog = take.save()
    dialog.path.setText(str(tmp_path / "nowhere" / "x.json"))
    told = []
    take.runner.problem.connect(told.append)
    QTest.mouseClick(dialog.buttons.button(QDialogButtonBox.Save), Qt.LeftButton)
    qtbot.waitUntil(lambda: "nowhere" in dialog.note.text(), timeout=5000)
    assert told == []
    assert dialog.isVisible()
    dialog.path.setText(str(tmp_path / "x.json"))
    assert saved(qtbot, dialog).is_file()


def test_without_a_name_nothing_can_be_saved(take, tmp_path):
    dialog = take.save()
    for text in ("  ", "/", "..", str(tmp_path)):
        dialog.path.setText(text)
        assert not dialog.buttons.button(QDialogButtonBox.Save).isEnabled(), text
    assert "folder" in dialog.note.text()
    dialog.path.clear()
    QTest.keyClicks(dialog.path, "~nobody/m.pdf")  # who is nobody's home is asked at each letter
    assert dialog.buttons.button(QDialogButtonBox.Save).isEnabled()
    assert dialog.chosen.suffix == ".pdf"
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert not dialog.isVisible()


def test_copying_puts_figure_and_numbers_on_the_clipboard(take, qtbot, space):
    with qtbot.waitSignal(take.reported, timeout=WAIT):
        take.copy_figure()
    assert QApplication.clipboard().image().width() == 2000
    take.copy_numbers()
    assert json.loads(QApplication.clipboard().text())["grid"] == list(space.pair.match.grid)


def test_compared_pairs_stand_below_one_another_and_in_files_beside(take, qtbot, space, tmp_path):
    take.copy_figure()
    qtbot.waitUntil(lambda: not take.runner.busy, timeout=WAIT)
    high = QApplication.clipboard().image().height()
    space.change_look(mode="compare")
    others = [c for c in range(len(space.data.gallery)) if c != space.pair.candidate][:3]
    space.choose_candidates(space.pair.candidate, frozenset(others))
    space.set_pair(space.pair, tuple(replace(space.pair, candidate=c) for c in others))
    with qtbot.waitSignal(take.reported, timeout=WAIT):
        take.copy_figure()
    image = QApplication.clipboard().image()
    assert image.width() == 2000
    assert image.height() == pytest.approx(4 * high, rel=0.1)
    with qtbot.waitSignal(take.reported, timeout=WAIT) as said:
        path = saved(qtbot, take.save())
    assert said.args == [f"Saved {path.name}, and 3 compared pairs beside it"]
    assert len(list(tmp_path.glob(f"{path.stem}*.png"))) == 4


def test_without_a_match_there_is_nothing_to_take(qtbot, runner):
    window = QMainWindow()
    qtbot.addWidget(window)
    take = ExportCommands(Workspace(), runner, window)
    for handler in take.handlers().values():
        assert handler.run() is None
    assert not runner.busy
