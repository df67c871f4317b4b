"""The per-camera report and the open-set measure, counted pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.evaluation.camera_report import (
    camera_matrix,
    camera_report,
    first_line,
    matrix_lines,
)
from qaconv_core.evaluation.methods import Labels
from qaconv_core.evaluation.open_set import open_set, open_set_lines

P, G = 9, 60


def world(seed=0, known=True):
    random = np.random.default_rng(seed)
    cams = [random.integers(0, 3, n) if known else np.full(n, -1) for n in (P, G)]
    ids = random.integers(1, 5, P), random.integers(1, 5, G)
    ids[0][0] = 99  # nobody in the gallery
    nothing = np.full(P, np.nan), np.full(G, np.nan)
    labels = Labels(*ids, *cams, *nothing, left_out=(np.array([3]), np.array([4])))
    return random.normal(0, 5, (P, G)), labels


def kinds(labels, q, g):
    if (q, g) == (3, 4):
        return "junk"
    same = labels.query_ids[q] == labels.gallery_ids[g]
    if same and labels.query_cams[q] == labels.gallery_cams[g] != -1:
        return "junk"
    return "true" if same else "false"


def test_each_pair_of_cameras_has_its_own_strangers():
    values, labels = world()
    report = camera_report(values, labels)
    assert len(report["pairs"]) == len(set(labels.query_cams)) * 3
    for pair in report["pairs"]:
        false, true = [], []
        for q in range(P):
            for g in range(G):
                cams = labels.query_cams[q], labels.gallery_cams[g]
                if cams == (pair["query_camera"], pair["gallery_camera"]):
                    kind = kinds(labels, q, g)
                    {"false": false, "true": true, "junk": []}[kind].append(values[q, g])
        assert pair["strangers"] == len(false)
        assert pair["mean"] == pytest.approx(np.mean(false))
        assert pair["std"] == pytest.approx(np.std(false))
        assert np.mean(np.array(false) > pair["threshold"]) <= 0.01
        if true:
            assert pair["tpr"] == pytest.approx(np.mean(np.array(true) > max(false)))
    first = []
    for q in range(P):
        best = max(
            (g for g in range(G) if kinds(labels, q, g) != "junk"), key=values[q].__getitem__
        )
        first.append(labels.query_cams[q] == labels.gallery_cams[best])
    assert report["first_from_own_camera"] == pytest.approx(np.mean(first))
    assert "own camera" in first_line(report)
    assert "camera 3" in "\n".join(matrix_lines(report))


def test_a_report_of_an_old_file_may_lack_numbers():
    report = camera_report(*world())
    columns, rows = camera_matrix(report)
    broken = {**report, "fpr": None, "pairs": [*report["pairs"], {"query_camera": 9}, "pair"]}
    assert camera_matrix(broken) == (columns, rows)
    assert camera_matrix({"pairs": 3}) == ([], [])
    assert "FPR of –" in matrix_lines(broken)[0]


def test_without_cameras_there_is_no_report():
    values, labels = world(known=False)
    assert camera_report(values, labels) == {}
    assert first_line({}) == ""


def test_detected_is_a_true_match_that_stands_first_above_the_threshold():
    values, labels = world(1)
    found = open_set(values, labels, line=2.0)
    false, hits, matched = [], 0, 0
    for q in range(P):
        of = {
            kind: [values[q, g] for g in range(G) if kinds(labels, q, g) == kind]
            for kind in ("false", "true")
        }
        false.append(max(of["false"]))
        matched += bool(of["true"])
        hits += bool(of["true"]) and max(of["true"]) > max(2.0, *of["false"])
    assert found["queries"] == P
    assert found["matched"] == matched == P - 1
    assert found["line"]["dir"] == pytest.approx(hits / matched)
    assert found["line"]["false_alarms"] == pytest.approx(np.mean(np.array(false) > 2.0))
    for point in found["points"]:
        assert point["false_alarms"] <= point["target"]


def test_a_separable_set_is_all_detected_without_false_alarms():
    values, labels = world(2)
    for q in range(P):
        for g in range(G):
            values[q, g] = 10.0 if kinds(labels, q, g) == "true" else -10.0
    found = open_set(values, labels, line=0.0)
    assert [found["line"][k] for k in ("dir", "false_alarms")] == [1.0, 0.0]
    (line,) = open_set_lines({"qaconv": {"points": found["points"]}})
    assert line.count("100.0 % at 0.0 % false alarms") == 1  # that of both shares, said once
