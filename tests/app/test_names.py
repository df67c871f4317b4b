"""Cameras and persons go by the names that a data set gives them, in both doors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.jobs import evaluation_jobs
from app.jobs.engine import DataRequest
from app.jobs.match_exports import short_name
from app.jobs.ranking_exports import RankingExport
from app.views.dialogs.matrix_dialog import cell_words
from qaconv_core.cli import main
from qaconv_core.data import described
from qaconv_core.data.description import Description, Source, save_description
from qaconv_core.data.folder import open_folder
from qaconv_core.data.scan import scan_pictures
from qaconv_core.documents.match_report import overview
from qaconv_core.documents.matches import Candidate, MatchReport
from qaconv_core.evaluation.camera_report import camera_matrix, camera_report
from qaconv_core.evaluation.match_matrix import FirstCandidates, match_matrix
from qaconv_core.evaluation.methods import Labels
from qaconv_core.evaluation.reports import set_name
from tests.app.real import WAIT, drop_and_describe, opened_window, settled
from tests.small_world import person

PERSONS, CAMERAS = ("anna", "bob", "eve"), ("entrance", "yard")


def write_folders(root):
    """``entrance/anna/0.png``: a folder for each camera, in it one for each person."""
    for camera, name in enumerate(CAMERAS):
        for pid, who in enumerate(PERSONS):
            for shot in range(2):
                path = root / name / who / f"{shot}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                person(pid, 10 * camera + shot).save(path)
    return root


def write_table(root):
    """The same, as a table says it; files are in one folder."""
    rows = []
    for path in sorted(write_folders(root / "all").rglob("*.png")):
        rows.append(f"{path.relative_to(root)},{path.parts[-2]},{path.parts[-3]}")
    (root / "table.csv").write_text("\n".join(["path,pid,camid", *rows]) + "\n")
    return root / "table.csv"


def write_description(root):
    """The same, as qaconv.toml says it."""
    write_folders(root / "set")
    source = Source(root / "set", (), ("cameras", "persons"))
    return save_description(Description((source,), "shop")).file


WAYS = {"folders": write_folders, "table": write_table, "description": write_description}


@pytest.mark.parametrize("way", WAYS)
def test_pictures_know_the_names_however_the_set_is_read(tmp_path, own_folders, way):
    dataset = open_folder(WAYS[way](tmp_path))
    assert dict(dataset.camera_names) == {0: "entrance", 1: "yard"}
    assert dict(dataset.person_names) == {1: "anna", 2: "bob", 3: "eve"}
    for ref in (*dataset.query, *dataset.gallery):
        assert (ref.camera, ref.person) == (ref.path.parts[-3], ref.path.parts[-2])


def test_numbers_are_no_names(tmp_path):
    for camera in ("cam1", "cam2"):
        for pid in ("7", "8"):
            path = tmp_path / camera / pid / "a.png"
            path.parent.mkdir(parents=True)
            person(int(pid), 1).save(path)
    dataset = open_folder(tmp_path)
    assert (dict(dataset.camera_names), dict(dataset.person_names)) == ({}, {})


def test_the_window_and_the_command_line_say_the_names(
    qtbot, make_window, tmp_path, own_folders, model, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    table = write_table(tmp_path)
    window = opened_window(qtbot, make_window, DataRequest("folder", table), model)
    space, page = window.workspace, window.explore
    data = space.data
    query = data.query[space.selection.query]
    queries = page.queries.model
    first = queries.index(0, 0)
    assert f"Person {query.person}, camera {query.camera}" in first.data(Qt.AccessibleTextRole)
    bar = page.queries.filter_bar
    header = page.results.header
    for cameras in (bar.cameras, header.cameras):
        texts = [box.text() for box in cameras.boxes.values()]
        assert texts == ["Camera entrance", "Camera yard"]
    space.change_result_filter(camids=frozenset({1}))
    assert "camera yard" in [text.words for text in header.filters._texts]
    space.change_result_filter(camids=None)
    bar.person.setText("bob")
    assert space.query_filter.pid == 2
    rows = [queries.index(i, 0) for i in range(queries.rowCount())]
    assert rows
    assert all("Person bob" in row.data(Qt.AccessibleTextRole) for row in rows)
    bar.person.setText("")
    settled(qtbot, window)
    ranking = space.ranking
    record = RankingExport(data, ranking, np.arange(len(ranking.order)), "", "").record()
    command = ["rank", "--query", str(query.path), "--gallery", str(table), "--top", "12",
               "--checkpoint", model.path, "--device", "cpu", "--json", "r.json",
               "--quiet"]  # fmt: skip
    capsys.readouterr()
    assert main(command) == 0
    printed = capsys.readouterr().out
    told = json.loads((tmp_path / "r.json").read_text())["queries"][0]
    for item in (*record["results"], *told["results"]):
        assert (item["person"], item["camera"]) == tuple(item["path"].split("/")[-2:-4:-1])
    assert "entrance" in printed
    assert "anna" in printed


def test_matrix_report_and_files_say_the_names(tmp_path):
    dataset = open_folder(write_folders(tmp_path))
    gallery = dataset.gallery
    firsts = FirstCandidates(np.array([0]), np.array([3]), np.array([True]))
    cameras = dataset.query.camids, gallery.camids
    matrix = match_matrix(firsts, *cameras, "camera", dataset.camera_names)
    assert list(map(matrix.label, matrix.rows)) == ["entrance"]
    assert "of camera entrance has a first candidate of camera" in cell_words(matrix, 0, 0)
    query = dataset.query
    labels = Labels(query.pids, gallery.pids, query.camids, gallery.camids,
                    query.times, gallery.times)  # fmt: skip
    values = np.random.default_rng(0).normal(size=(len(dataset.query), len(gallery)))
    report = camera_report(values, labels, True, dataset.camera_names)
    assert camera_matrix(report)[0] == ["camera entrance", "camera yard"]
    ref = gallery[0]
    rows = overview(MatchReport(dataset.query[0], (Candidate(ref, 1, 0.0, None),), "", 1, "", ""))[
        1
    ]
    assert {ref.person, ref.camera} <= set(rows[0])
    assert short_name(ref) == f"{ref.person}_{ref.camera}"


def test_a_set_without_a_name_goes_by_its_folder_in_the_window(
    qtbot, make_window, tmp_path, own_folders, model, monkeypatch
):
    """In titles, recent sets, runs, cases and reports; and its folder is read once."""
    read = []

    def scanned(folder, **options):
        read.append(folder)
        return scan_pictures(folder, **options)

    monkeypatch.setattr(described, "scan_pictures", scanned)
    shop = write_folders(tmp_path / "shop")
    window = make_window()
    window.controller.open_model(model)
    report = drop_and_describe(qtbot, window, shop)
    assert read.count(shop) == 2  # once to look and to propose, once for the report
    qtbot.waitUntil(report.open_button.isEnabled, timeout=WAIT)
    QTest.mouseClick(report.open_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: window.controller.matching is not None, timeout=WAIT)
    settled(qtbot, window)
    assert window.windowTitle().startswith("shop – ")
    assert window.settings.value.recent_data[0].title == "shop"
    window.recent.aboutToShow.emit()
    assert window.recent.actions()[0].text() == "shop"
    window.case_commands.jobs.create(tmp_path / "a.qcase", "A", "", "")
    qtbot.waitUntil(lambda: window.case_commands.jobs.case is not None, timeout=WAIT)
    assert window.case_commands.jobs.case.data.title == "shop"
    assert main(["evaluate", "--dataset", str(shop), "--checkpoint", model.path, "--quiet"]) == 0
    (run,) = evaluation_jobs.stored_runs(None)
    assert set_name(run.report) == "shop"
    again = evaluation_jobs.request_of_run(run)
    assert (again.choice.title, again.choice.name, again.choice.root) == ("shop", "folder", shop)
    opened = window.workspace.data.dataset
    choices = evaluation_jobs.find_sets(None, opened, None)
    assert [choice.title for choice in choices] == ["shop (open)", "demo"]
    assert evaluation_jobs.identify(shop, None).title == "shop"
    assert main(["import", str(shop), "--dataset", "Laden", "--names-only"]) == 0
    with qtbot.waitSignal(window.controller.settled, timeout=WAIT):
        window.controller.open(window.settings.value.recent_data[0])
    assert window.windowTitle().startswith("Laden – ")
