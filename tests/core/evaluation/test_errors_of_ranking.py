"""Failures made on purpose are found, explained and grouped."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qaconv_core.documents.errors_of_ranking import errors_html
from qaconv_core.errors import ImageError, InputError
from qaconv_core.evaluation.error_groups import RankingError, cluster_errors
from qaconv_core.evaluation.errors_of_ranking import analyse_errors, first_of_each
from tests.core.evaluation.known import CELL, GRID, KnownBench, known_dataset, sharing

CODES = {
    "q1": sharing(range(24), 0),
    "q2": sharing(range(24), 0),
    "q3": sharing([], 241),
    "true": sharing(range(6), 255),  # shares cells 0 … 5 with q1 and q2
    "false": sharing(range(4, 14), 254),  # shares 4 … 13
    "far": sharing([], 253),
    "own": sharing([], 241),
}
QUERY = [("q1", 1, 0), ("q2", 1, 3), ("q3", 3, 0)]
GALLERY = [("true", 1, 1), ("false", 2, 2), ("far", 4, 1), ("own", 3, 1)]


def analysis(**options):
    return analyse_errors(KnownBench(CODES), known_dataset(QUERY, GALLERY), **options)


def test_what_the_false_match_had_over_the_true_one():
    found = analysis()
    assert found.valid_queries == 3
    assert [(f.query, f.false, f.true) for f in found.errors] == [(0, 1, 0), (1, 1, 0)]
    expected = np.zeros(24)
    expected[6:14], expected[:4] = 1, -1
    for failure in found.errors:
        np.testing.assert_allclose(failure.query_cells.ravel(), expected, atol=1e-6)
        assert failure.margin == pytest.approx(8)
        assert failure.gallery_cells == pytest.approx(4)
        assert failure.query_cells.sum() + failure.gallery_cells == pytest.approx(failure.margin)
    np.testing.assert_allclose(found.together.mean.ravel(), expected, atol=1e-6)
    assert found.together.examples == (0, 1)
    assert [(g.name, g.examples) for g in found.cameras] == [("c1 → c3", (0,)), ("c4 → c3", (1,))]
    assert [g.examples for g in found.clusters] == [(0, 1)]
    record = json.loads(json.dumps(found.to_dict()))
    assert record["failures"][1]["false_path"] == "false"
    assert record["camera_pairs"][0]["count"] == 1


def test_parts_are_summed_over_the_querys_label_map():
    labels = np.repeat(np.repeat(np.arange(24).reshape(GRID) // 12, CELL, 0), CELL, 1)

    def read(ref):
        if ref.path.name == "q2":
            raise ImageError("q2: no label map")
        return labels.astype(np.uint8)

    found = analysis(labels=read, part_names={0: "upper", 1: "lower"})
    assert found.together.parts == pytest.approx({"upper": 6 - 4, "lower": 2})
    assert found.notes == ("q2: no label map",)
    assert found.cameras[1].parts == {}


def test_without_failures_and_without_people():
    good = analyse_errors(KnownBench(CODES), known_dataset([QUERY[2]], GALLERY))
    assert good.errors == ()
    assert good.together is None
    assert good.clusters == ()
    assert "Nothing to explain" in errors_html(good)
    with pytest.raises(InputError, match="true match"):
        analyse_errors(KnownBench(CODES), known_dataset([("q1", None, None)], GALLERY))


def test_ties_stand_in_gallery_order():
    logits = np.array([1.0, 2.0, 2.0, 2.0], dtype=np.float32)
    assert first_of_each(logits, np.array([0, -1, 1, 0], np.int8)) == (3, 2)
    assert first_of_each(logits, np.array([0, -1, -2, 0], np.int8)) == (3, None)
    # A false match with the true one's logit fails the query only where it comes first.
    codes = {
        "q": sharing(range(24), 0),
        "a": sharing(range(4), 255),
        "b": sharing(range(4, 8), 255),
    }
    for truth, fails in (((1, 2), 0), ((2, 1), 1)):
        gallery = [("a", truth[0], 1), ("b", truth[1], 1)]
        found = analyse_errors(KnownBench(codes), known_dataset([("q", 1, 0)], gallery))
        assert len(found.errors) == fails


def test_clusters_are_about_where_not_how_much():
    rng = np.random.default_rng(0)
    top, bottom = np.zeros((6, 4)), np.zeros((6, 4))
    top[:2], bottom[4:] = 1, 1
    maps = [scale * m + rng.normal(0, 0.01, (6, 4)) for scale in (1, 9, 3) for m in (top, bottom)]
    failures = [RankingError(i, 0, 1, 1.0, m, 0.0) for i, m in enumerate(maps)]
    groups = cluster_errors(failures[:5], 2)
    assert [g.tolist() for g in groups] == [[0, 2, 4], [1, 3]]
    assert [g.tolist() for g in cluster_errors(failures[:5], 2)] == [g.tolist() for g in groups]
    assert [len(g) for g in cluster_errors(failures[:1])] == [1]
    assert cluster_errors([]) == []
    flat = [RankingError(i, 0, 1, 0.0, np.zeros((6, 4)), 0.0) for i in range(4)]
    assert [len(g) for g in cluster_errors(flat)] == [4]
