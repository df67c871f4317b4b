"""The baselines of ``qaconv bench`` are right, and a run gives a whole record."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest
import torch

from qaconv_core.bench import machine, ranking, scoring
from qaconv_core.bench import suite as suite_module
from qaconv_core.bench.plain import dense_rerank, plain_logits, plain_metrics, plain_tlift
from qaconv_core.bench.samples import (
    people_maps,
    random_maps,
    sample_distances,
    sample_matcher,
    sample_ranking,
)
from qaconv_core.bench.timing import Figure, Timing, extra_memory, in_child, take_turns
from qaconv_core.cli import main
from qaconv_core.evaluation import ranking_metrics
from qaconv_core.matching.scores import score_maps
from qaconv_core.ranking import k_reciprocal_rerank, temporal_lift
from tests import oracles

TINY = suite_module.Suite(
    repeats=1,
    galleries=40,
    gallery_steps=(20, 40),
    grids=((2, 2), (3, 2)),
    channels=(8, 16),
    pairs=(2, 40),
    ranking=(20, 60),
    tlift=(20, 60),
    rerank=(40, 60),
    rerank_dense_up_to=40,
    demo=False,
)


@pytest.mark.parametrize("make", [people_maps, random_maps])
def test_the_plain_formulation_gives_the_engines_logits(make):
    maps = make(50, 16, (4, 3))
    np.testing.assert_allclose(np.linalg.norm(maps.astype(float), axis=1), 1, atol=2e-3)
    matcher = sample_matcher((4, 3))
    floats = torch.from_numpy(maps).float()
    expected = score_maps(maps[:3], maps, matcher.affine())
    for portion in (7, 50):
        found = plain_logits(matcher, floats[:3], floats, portion)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_loops_give_what_the_oracles_and_the_engine_give():
    s = sample_ranking(25, 90)
    labels = (s.query_ids, s.gallery_ids, s.query_cams, s.gallery_cams)
    cmc, mean = plain_metrics(s.dist, *labels)
    measured = ranking_metrics(s.dist, *labels)
    assert mean == pytest.approx(measured.mAP)
    np.testing.assert_allclose(cmc[:50], measured.cmc)
    known = (s.query_cams, s.gallery_cams, s.query_times, s.gallery_times)
    lifted = plain_tlift(1 - s.dist, *known)
    np.testing.assert_allclose(lifted, temporal_lift(1 - s.dist, *known), atol=1e-6)
    np.testing.assert_allclose(lifted, oracles.tlift(1 - s.dist, *known), atol=1e-6)


def test_dense_re_ranking_gives_the_oracles_distances():
    d = sample_distances(60)
    parts = (d[:10, 10:], d[:10, :10], d[10:, 10:])
    found = dense_rerank(*parts)
    np.testing.assert_allclose(found, k_reciprocal_rerank(*parts), atol=2e-6)
    np.testing.assert_allclose(found, oracles.k_reciprocal(*parts), atol=2e-6)


def test_competitors_take_turns_after_a_warm_up():
    calls = []
    timings = take_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert len(timings["a"].seconds) == 2


def test_a_figure_tells_ratios_and_the_share_of_the_peak():
    figure = Figure("x", {}, Timing((2.0, 1.0, 4.0)), {"y": Timing((8.0,))}, flop=4e9, peak="p")
    record = figure.to_dict({"p": 8.0})
    assert record["baselines"]["y"]["ratio"] == 4
    assert record["gflops"] == 2
    assert record["share_of_peak"] == 0.25
    assert record["timing"] == {"median": 2, "least": 1, "most": 4, "runs": [2, 1, 4]}


def test_extra_memory_sees_what_was_taken():
    def work():
        taken = np.ones(64 << 20, dtype=np.uint8)
        time.sleep(0.05)
        return taken

    found = extra_memory(work)
    if found is None:
        pytest.skip("this system does not tell")
    assert 32 << 20 < found < 96 << 20


def test_a_child_is_another_process():
    assert in_child(os.getpid) != os.getpid()


def test_a_run_prints_and_saves_everything(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(suite_module, "QUICK", TINY)
    monkeypatch.setattr(machine, "_SIZE", 64)
    monkeypatch.setattr(machine, "_BYTES", 1 << 16)
    for module in (scoring, ranking):  # a process for each would take most of the time
        monkeypatch.setattr(module, "in_child", lambda work, *arguments: work(*arguments))
    json_file, figure_file = tmp_path / "b.json", tmp_path / "b.svg"
    options = ["--quick", "--json", str(json_file), "--figure", str(figure_file)]
    assert main(["bench", *options, "--work-dir", str(tmp_path)]) == 0
    record = json.loads(json_file.read_text())
    assert record["machine"]["versions"]["torch"]
    assert record["peaks"]["float32"] > 0
    searched = record["parts"]["one query"][0]
    assert searched["facts"]["head_is_exact"] is True
    assert "plain, 32 at a time" in searched["baselines"]
    recall = record["parts"]["shortlist"][0]["facts"]["recall_of_the_exact_20"]
    assert list(recall) == ["20"]
    assert len(record["parts"]["growth with the grid"]) == 4
    assert [len(f["baselines"]) for f in record["parts"]["re-ranking"]] == [1, 0]
    assert "× plain, 32 at a time" in capsys.readouterr().out
    assert figure_file.stat().st_size > 1000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.json", "b.svg"]
