"""Trust measures on a model whose answers are known; pairs; and the page that shows them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qaconv_core.documents.explanation_checks import explanation_checks_html
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.evaluation import pairs as pairs_module
from qaconv_core.evaluation.evaluator import Job
from qaconv_core.evaluation.explanation_checks import check_explanations
from qaconv_core.evaluation.explanations import PartNames
from qaconv_core.evaluation.pairs import choose_pairs, random_pairs
from qaconv_core.progress import CancelToken
from tests.core.evaluation.known import CELL, GRID, KnownBench, known_dataset, sharing

CODES = {
    "q": sharing(range(24), 0),
    "p": sharing(range(24), 0),
    "true": sharing(range(12), 255),
    "false": sharing(range(3), 254),
    "other": sharing([], 253),
}
QUERY = [("q", 1, 0), ("p", 1, 2)]
GALLERY = [("other", 3, 1), ("true", 1, 1), ("false", 2, 1), ("distractor", 0, 1)]
CODES["distractor"] = sharing([], 252)
# Cells differ in weight, so that there is an order to be right or wrong about.
WEIGHTS = np.linspace(1, 3, 24)


def measured(query=QUERY, gallery=GALLERY, **options):
    bench = KnownBench(CODES, WEIGHTS)
    return check_explanations(bench, known_dataset(query, gallery), 5, read=bench.read, **options)


def test_true_pairs_and_different_people():
    found = measured()
    assert [(g.name, len(g.pairs)) for g in found.groups] == [
        ("true pairs", 2),
        ("different people", 4),
    ]
    assert set(found.groups[0].pairs) == {(0, 1), (1, 1)}
    true, other = found.groups
    assert found.gallery_ranked == 4
    for group in found.groups:
        for quality in group.quality.values():
            assert quality.part_agreement is None
    # Twelve cells of 24 are alike: taking them first must cost more than chance.
    for order in ("contribution", "relative"):
        for kind in ("deletion", "insertion"):
            assert true.curves.area[order, kind] > 0.05
    np.testing.assert_allclose(true.curves.deletion[:, 0], true.quality["contribution"].mean_logit)
    np.testing.assert_allclose(true.curves.deletion[:, -1], -3.0)
    np.testing.assert_allclose(true.curves.insertion[:, -1], true.curves.deletion[:, 0])
    assert (true.curves.deletion_rank[:, 0] == 1).all()
    # Without any cell all four pictures are equal; true and junk are no rivals.
    assert (true.curves.deletion_rank[:, -1] == 2.5).all()
    assert other.quality["contribution"].mean_logit < true.quality["contribution"].mean_logit
    json.dumps(found.to_dict(), allow_nan=False)


def test_label_maps_add_part_agreement():
    labels = np.repeat(np.repeat(np.arange(24).reshape(GRID) // 12, CELL, 0), CELL, 1)
    found = measured(
        labels=lambda ref: labels.astype(np.uint8), parts=PartNames(frozenset({1}), background=0)
    )
    quality = found.groups[0].quality["contribution"]
    assert quality.part_agreement == pytest.approx(0.0)  # the shared cells are called background
    assert quality.background == pytest.approx(1.0)


def test_without_people_there_are_best_matches_and_random_pairs():
    nobody = [(name, None, None) for name, _, _ in QUERY]
    found = measured(nobody, [(name, None, None) for name, _, _ in GALLERY])
    assert [g.name for g in found.groups] == ["best matches", "random pairs"]
    assert set(found.groups[0].pairs) == {(0, 1), (1, 1)}
    assert any("no person is known" in note for note in found.notes)


def test_a_large_gallery_is_thinned_and_the_candidate_joins():
    found = measured(gallery_limit=2)  # pictures 0 and 3 remain, the true match does not
    assert found.gallery_ranked == 2
    assert any("2 of 4" in note for note in found.notes)
    assert (found.groups[0].curves.deletion_rank[:, 0] == 1).all()


def test_it_stops_when_asked():
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        measured(job=Job(cancel=cancel))


def test_nothing_to_measure_is_said():
    with pytest.raises(InputError, match="no gallery"):
        measured(gallery=[])


def test_pairs_are_of_known_people_before_different_cameras():
    query = [("a", 1, 0), ("b", 2, 0), ("c", None, 0), ("x", 3, None)]
    gallery = [("d", 1, 0), ("e", 1, 1), ("f", 0, 1), ("g", None, 1), ("x", 3, 1), ("h", 3, 2)]
    data = known_dataset(query, gallery)
    assert set(choose_pairs(data, 99, True)) == {(0, 1), (3, 5)}
    different = set(choose_pairs(data, 99, False))
    assert different == {(0, 4), (0, 5), (1, 1), (1, 4), (1, 5), (3, 0), (3, 1)}
    assert choose_pairs(data, 3, False) == choose_pairs(data, 3, False)
    assert len(choose_pairs(data, 3, False)) == 3
    assert len(set(random_pairs(data, 5))) == 5
    assert set(random_pairs(data, 99)) == {(q, g) for q in range(4) for g in range(6)} - {(3, 4)}


def test_pairs_of_a_benchmark_are_drawn_query_by_query(monkeypatch):
    monkeypatch.setattr(pairs_module, "_FEW", 1)
    data = known_dataset([("a", 1, 0), ("b", 2, 0)], [("c", 1, 1), ("d", 2, 1), ("e", 1, 2)])
    same = choose_pairs(data, 9, True)
    assert sorted(q for q, _ in same) == [0, 1]
    assert all(data.query[q].pid == data.gallery[g].pid for q, g in same)
    assert len(choose_pairs(data, 1, False)) == 1


def test_the_page_stands_alone():
    text = explanation_checks_html(measured())
    assert "<script" not in text
    assert "different people (4)" in text
    assert "a score is not a probability" in text
    assert "no label maps" in text
    assert '<th scope="col">part agreement</th>' not in text
    assert '<th scope="col">border</th>' in text
    assert text.count("data:image/png") == 1
