"""``qaconv match``, ``rank`` and ``check`` through the real command line."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from PIL import Image

from qaconv_core.searching import choice, top
from qaconv_core.searching import measured_margin as measured
from tests.small_world import person


def pictures(market):
    query = sorted((market / "market" / "query").glob("*.jpg"))
    gallery = sorted((market / "market" / "bounding_box_test").glob("0001*.jpg"))
    return query[0], gallery[0]


def test_match_writes_the_whole_map_and_a_figure(qaconv, market, checkpoint, tmp_path):
    a, b = pictures(market)
    done = qaconv("match", a, b, "--checkpoint", checkpoint, "--json", "m.json",
                  "--figure", "m.png", "--direction", "mutual", "--top", 5)  # fmt: skip
    match = json.loads((tmp_path / "m.json").read_text())
    for name in (
        "logit",
        "bias",
        "grid",
        "query_similarity",
        "query_best",
        "query_contribution",
        "gallery_similarity",
        "gallery_best",
        "gallery_contribution",
    ):
        assert name in match
    h, w = match["grid"]
    assert (h, w) == (12, 4)
    assert len(match["query_best"]) == h
    assert len(match["query_best"][0]) == w
    total = sum(map(sum, match["query_contribution"])) + sum(
        map(sum, match["gallery_contribution"])
    )
    assert total + match["bias"] == pytest.approx(match["logit"], abs=1e-4)
    assert "matches shown (mutual" in done.out
    assert Image.open(tmp_path / "m.png").width > 300


@pytest.mark.parametrize("suffix", ["pdf", "svg"])
def test_match_figures_are_vectors_where_asked(qaconv, market, checkpoint, tmp_path, suffix):
    a, b = pictures(market)
    qaconv("match", a, b, "--checkpoint", checkpoint, "--figure", f"m.{suffix}", "--threshold", 0.9)
    head = (tmp_path / f"m.{suffix}").read_bytes()[:200]
    assert head.startswith(b"%PDF") if suffix == "pdf" else b"<?xml" in head


def test_rank_knows_truth_in_a_data_set(qaconv, market, checkpoint, tmp_path):
    query, _ = pictures(market)
    done = qaconv("rank", "--query", query, "--gallery", "market", "--data-dir", market,
                  "--checkpoint", checkpoint, "--json", "r.json", "--csv", "r.csv",
                  "--figure", "r.svg", "--top", 26)  # fmt: skip
    ranking = json.loads((tmp_path / "r.json").read_text())["queries"][0]
    truths = [item["truth"] for item in ranking["results"]]
    assert truths.count("true") == 4
    assert truths.count("junk") == 1
    assert truths.count("false") == 21
    logits = [item["logit"] for item in ranking["results"]]
    assert logits == sorted(logits, reverse=True)
    rows = list(csv.DictReader((tmp_path / "r.csv").open()))
    assert len(rows) == 26
    assert rows[0]["path"] == ranking["results"][0]["path"]
    assert "✓" in done.out


def test_a_prepared_gallery_gives_the_same_ranking(
    qaconv, market, checkpoint, tmp_path, monkeypatch
):
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, best_from=1))
    monkeypatch.setattr(top, "fast_bytes", lambda _: True)
    queries = [*pictures(market)]  # the second one is in the gallery itself
    command = ("rank", "--query", *queries, "--gallery", "market", "--data-dir", market,
               "--checkpoint", checkpoint, "--device", "cpu", "--top", 5, "--json")  # fmt: skip
    qaconv(*command, "fast.json")
    qaconv(*command, "exact.json", "--exact")
    assert list(Path(os.environ["QACONV_CACHE_DIR"]).rglob("maps-*.i8"))
    assert json.loads((tmp_path / "fast.json").read_text()) == json.loads(
        (tmp_path / "exact.json").read_text()
    )


def test_a_shortlist_says_so(qaconv, market, checkpoint, tmp_path):
    command = ("rank", "--query", pictures(market)[0], "--gallery", "market", "--data-dir", market,
               "--checkpoint", checkpoint, "--top", 3, "--json", "r.json")  # fmt: skip
    files = ("--report", "r.html", "--figure", "r.svg")
    done = qaconv(*command, *files, "--shortlist", 9)
    ranking = json.loads((tmp_path / "r.json").read_text())["queries"][0]
    said = f"all within {ranking['shortlist']['deepest']} of 9"
    assert said in done.out
    assert said in (tmp_path / "r.html").read_text()
    assert "shortlist of 9 of 26" in (tmp_path / "r.html").read_text()
    assert ranking["shortlist"]["share_of_the_head_within"]["9"] == 1
    assert ranking["shortlist"]["deepest"] <= 9
    assert "shortlist of 9 of 26" in done.out
    assert "shortlist of 9 of 26" in ranking["approximation"]
    assert len(ranking["results"]) == 3
    qaconv(*command, "--shortlist", 26)
    whole = json.loads((tmp_path / "r.json").read_text())["queries"][0]
    assert not whole.get("approximation")


def test_a_head_that_is_measured_says_so(qaconv, market, checkpoint, tmp_path, monkeypatch):
    command = ("rank", "--query", pictures(market)[0], "--gallery", "market", "--data-dir", market,
               "--checkpoint", checkpoint, "--top", 3, "--json", "r.json")  # fmt: skip
    limits = replace(choice.LIMITS, best_from=1, coarse_above=1, coarse_cells=(6, 2))
    monkeypatch.setattr(choice, "LIMITS", limits)
    monkeypatch.setattr(top, "fast_bytes", lambda _: False)
    monkeypatch.setattr(measured, "SAMPLE", 2)
    monkeypatch.setattr(measured, "DEVIATIONS", 0.0)
    done = qaconv(*command)
    found = json.loads((tmp_path / "r.json").read_text())["queries"][0]
    assert "measured, not proved (--exact scores everything)" in found["approximation"]
    assert "measured, not proved" in done.out
    assert "measured, not proved" not in qaconv(*command, "--exact").out
    exact = json.loads((tmp_path / "r.json").read_text())["queries"][0]
    assert not exact.get("approximation")
    assert found["results"] == exact["results"]


def test_options_of_cohorts_are_not_ignored(qaconv, market, checkpoint):
    rank = ("rank", "--query", pictures(market)[0], "--gallery", "market")
    evaluate = ("evaluate", "--dataset", "market")
    for command, option in ((rank, "--false-alarms"), (rank, "--cohort"), (evaluate, "--nearby")):
        done = qaconv(*command, "--data-dir", market, "--checkpoint", checkpoint, option, "0.5"
                      if option != "--cohort" else "20", status=2)  # fmt: skip
        assert done.complaint == f"qaconv: {option} needs --normalise: add it"


def record_of(folder):
    (ranking,) = json.loads((folder / "r.json").read_text())["queries"]
    return ranking["normalised"]


def test_rank_by_normalised_scores(qaconv, market, checkpoint, tmp_path):
    query = pictures(market)[0]
    command = ("rank", "--query", query, "--gallery", "market", "--data-dir", market,
               "--checkpoint", checkpoint, "--quiet", "--normalise")  # fmt: skip
    done = qaconv(*command, "--top", "26", "--false-alarms", "0.3", "--json", "r.json",
                  "--csv", "r.csv", "--figure", "r.png")  # fmt: skip
    assert "a query without a match has somebody above it in 30.0 % of cases" in done.out
    assert ("probably nobody is there" in done.out) == (record_of(tmp_path)["above"] == 0)
    assert (
        "pictures of cameras 1, 2, 3, of which the gallery has at most 20 each, are compared with "
        "all pictures"
    ) in done.err
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["normalisation"]["pictures_a_camera"] == "at most 200"
    (ranking,) = record["queries"]
    results = ranking["results"]
    n = [item["normalised"] for item in results]
    assert n == sorted(n, reverse=True)
    above = [item["above_line"] for item in results if item["truth"] != "junk"]
    assert sum(above) == ranking["normalised"]["above"]
    assert all(item["share_counted"] >= 1 / (item["strangers"] + 1) for item in results)
    assert all(item["share_least"] == 1 / (item["strangers"] + 1) for item in results)
    assert all(item["share_normal"] == pytest.approx(NormalDist().cdf(-item["normalised"]))
               for item in results)  # fmt: skip
    for item in results:
        if not item["strangers_as_much_alike"]:
            assert f"looks as much alike: at most {100 * item['share_least']:.1f} %" in done.out
    assert (
        "strangers_as_much_alike,share_counted,share_least,share_normal"
        in (tmp_path / "r.csv").read_text().splitlines()[0]
    )
    assert (tmp_path / "r.png").stat().st_size > 1000
    for share, words in (("1e-9", "1e-07 %"), ("1e-30", "1e-28 %")):
        rare = qaconv(*command, "--false-alarms", share)
        assert f"has somebody above it in {words} of cases" in rare.out
    refused = qaconv(*command, "--shortlist", "9", status=2)
    assert "leave out --shortlist" in refused.err


@pytest.mark.parametrize(("fuse", "combine"), [("max", max), ("mean", np.mean)])
def test_several_queries_are_ranked_together_by_n(
    fuse, combine, qaconv, market, checkpoint, tmp_path
):
    command = ("rank", "--query", *pictures(market)[:2], "--gallery", "market", "--data-dir",
               market, "--checkpoint", checkpoint, "--quiet", "--normalise", "--top",
               "26")  # fmt: skip
    done = qaconv(*command, "--joint", fuse, "--json", "j.json", "--csv", "j.csv",
                  "--figure", "j.png")  # fmt: skip
    kind = "largest" if fuse == "max" else "mean"
    assert f"N is the {kind} of 2 queries" in done.out
    qaconv(*command, "--joint", fuse, "--top", 2, "--report", "j.html")  # draws every candidate
    assert f"N is the {kind} of 2 queries" in (tmp_path / "j.html").read_text()
    (joined,) = json.loads((tmp_path / "j.json").read_text())["queries"]
    assert (joined["normalised"]["queries"], joined["normalised"]["fuse"]) == (2, fuse)
    qaconv(*command, "--json", "e.json")
    each = [
        {item["path"]: item["normalised"] for item in ranking["results"]}
        for ranking in json.loads((tmp_path / "e.json").read_text())["queries"]
    ]
    known = [item for item in joined["results"] if all(item["path"] in one for one in each)]
    assert len(known) > 5
    for item in known:
        values = [one[item["path"]] for one in each]
        assert item["normalised"] == pytest.approx(combine(values), abs=1e-4)
        assert item["by_query"] == int(np.argmax(values))
    values = [item["normalised"] for item in joined["results"]]
    assert values == sorted(values, reverse=True)
    qaconv(*command, "--joint", fuse, "--part", "0,0,1,0.5", "--json", "p.json")
    (by_part,) = json.loads((tmp_path / "p.json").read_text())["queries"]
    assert all(item["part_logit"] != item["logit"] for item in by_part["results"])
    whole = {item["path"]: item["normalised"] for item in joined["results"]}
    for item in by_part["results"]:
        assert item["normalised"] == pytest.approx(whole[item["path"]], abs=1e-2)
    values = [item["part_normalised"] for item in by_part["results"]]
    assert values == sorted(values, reverse=True)


def test_rank_of_several_queries_in_an_own_folder(qaconv, market, checkpoint, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    for pid in range(6):
        person(pid, 5).save(folder / f"shot {pid}.jpg", quality=95)
    queries = [folder / "shot 1.jpg", folder / "shot 2.jpg"]
    command = ("rank", "--query", *queries, "--gallery", folder, "--checkpoint", checkpoint)
    qaconv(*command, "--json", "r.json", "--figure", "strip.png", "--top", 5)
    qaconv(*command, "--report", "two.html", "--top", 1)
    rankings = json.loads((tmp_path / "r.json").read_text())["queries"]
    for query, ranking in zip(queries, rankings, strict=True):
        assert ranking["gallery"] == 5
        assert str(query) not in [item["path"] for item in ranking["results"]]
        assert {item["truth"] for item in ranking["results"]} == {"unknown"}
    assert (tmp_path / "strip-1.png").exists()
    assert (tmp_path / "strip-2.png").exists()
    assert [path.name for path in sorted(tmp_path.glob("*.html"))] == ["two-1.html", "two-2.html"]
    told = " ".join(qaconv("rank", "--help").out.split())
    assert "several rankings get a numbered file each" in told


def test_check_says_what_is_there_and_what_is_not(qaconv, market):
    gallery = market / "market" / "bounding_box_test"
    (gallery / "Thumbs.db").write_bytes(b"junk")
    (gallery / "0001_c9s1_999999_00.jpg").write_text("not a picture")
    done = qaconv("check", "--dataset", "market", "--data-dir", market, "--json", "-")
    report = json.loads(done.out)
    text = qaconv("check", "--dataset", "market", "--data-dir", market).out
    assert "valid queries: 5 of 5" in text
    assert "Thumbs.db" in text
    assert "0001_c9s1_999999_00.jpg" in text
    assert report["valid_queries"] == 5


def test_check_meets_a_wrong_folder_at_once(qaconv, tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.txt").write_text("sun")
    done = qaconv("check", "--dataset", "market", "--data-dir", tmp_path / "holiday", status=2)
    assert "bounding_box_test" in done.complaint
    assert "beach.txt" in done.complaint
    assert len(done.err.strip().splitlines()) == 1


def test_training_is_interrupted_and_resumed_on_the_command_line(qaconv, market, monkeypatch):
    people = market / "market"
    for pid in (11, 12, 13):
        for shot in range(4):
            name = f"{pid:04}_c{shot % 2 + 1}s1_{shot:06}_00.jpg"
            person(pid, shot).save(people / "bounding_box_train" / name)
    arguments = ("train", "--dataset", "market", "--data-dir", market, "--recipe", "scratch",
                 "--height", 64, "--width", 32, "--batch-size", 4, "--num_instance", 2,
                 "--epochs", 2, "--exp-dir", "Exp", "-j", 0, "--final_layer", "layer2",
                 "--neck", 16)  # fmt: skip
    from qaconv_core.training.trainer import Trainer

    learn, steps = Trainer._learn, []

    def stopping(self, *more):
        learn(self, *more)
        steps.append(1)
        if len(steps) == 1:
            self.around.cancel.cancel()

    monkeypatch.setattr(Trainer, "_learn", stopping)
    assert "--resume continues" in qaconv(*arguments, status=130).complaint
    monkeypatch.setattr(Trainer, "_learn", learn)
    qaconv(*arguments, "--resume")
    found = qaconv("match", *pictures(market), "--exp-dir", "Exp")
    assert "checkpoint: " in found.err
    assert "logit" in found.out


def test_people_without_assets_say_where_they_are_found(qaconv, tmp_path, monkeypatch):
    monkeypatch.delenv("QACONV_PEOPLE_ASSETS", raising=False)
    done = qaconv("people", "--out", tmp_path / "made", "--people", 2, status=2)
    assert "QACONV_PEOPLE_ASSETS" in done.complaint


def test_match_against_a_gallery_is_explained_by_n(qaconv, market, checkpoint, tmp_path):
    query = pictures(market)[0]
    options = ("--data-dir", market, "--checkpoint", checkpoint, "--quiet")
    qaconv("rank", "--query", query, "--gallery", "market", *options, "--normalise",
           "--json", "r.json", "--report", "r.html", "--top", 2)  # fmt: skip
    (ranking,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    best = ranking["results"][0]
    done = qaconv("match", query, best["path"], "--against", "market", *options,
                  "--json", "m.json", "--figure", "m.png")  # fmt: skip
    record = json.loads((tmp_path / "m.json").read_text())
    parts = record["normalised"]
    assert np.sum(parts["query"]) + np.sum(parts["gallery"]) == pytest.approx(parts["n"], abs=1e-4)
    assert parts["n"] == pytest.approx(best["normalised"], abs=1e-3)
    assert "strangers of market" in done.out
    assert "above strangers" in done.out
    assert "relative" in record, "the average stays there to be chosen"
    report = (tmp_path / "r.html").read_text()
    assert "standard deviations above strangers, the sum of" in report
    assert "is no probability" in report
    plain = qaconv("match", query, best["path"], "--against", "market", *options,
                   "--colour-by", "contribution")  # fmt: skip
    assert "deviations above" in plain.out


def test_match_without_a_gallery_has_a_reference_for_the_bundled_model_alone(
    qaconv, market, checkpoint, tmp_path
):
    pair = pictures(market)[:2]
    done = qaconv("match", *pair, "--checkpoint", checkpoint, "--json", "m.json")
    assert "there is no reference of strangers for this model" in done.err
    assert "normalised" not in json.loads((tmp_path / "m.json").read_text())
    refused = qaconv("match", *pair, "--checkpoint", checkpoint, "--colour-by", "normalised",
                     status=2)  # fmt: skip
    assert "--against" in refused.err


def test_a_part_is_ranked_by_normalised_scores(qaconv, market, checkpoint, tmp_path):
    command = ("rank", "--query", pictures(market)[0], "--gallery", "market", "--data-dir",
               market, "--checkpoint", checkpoint, "--quiet", "--normalise", "--top", "26",
               "--json", "r.json", "--csv", "r.csv")  # fmt: skip
    qaconv(*command)
    (ranking,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    assert "part_normalised" not in (tmp_path / "r.csv").read_text()
    whole = {item["path"]: item["normalised"] for item in ranking["results"]}
    done = qaconv(*command, "--part", "0,0,1,0.5")
    (ranking,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    n = [item["part_normalised"] for item in ranking["results"]]
    assert n == sorted(n, reverse=True)
    for item in ranking["results"]:
        assert item["normalised"] == pytest.approx(whole[item["path"]], abs=1e-2)
    assert any(item["normalised"] != item["part_normalised"] for item in ranking["results"])
    for row, item in zip(csv.DictReader((tmp_path / "r.csv").open()), ranking["results"],
                         strict=True):  # fmt: skip
        for name in ("normalised", "part_normalised", "logit", "part_logit"):
            assert float(row[name]) == pytest.approx(item[name])
    assert " part N        N      logit   score" in done.out
    best = ranking["results"][0]
    told = f"{best['part_normalised']:>8.2f} {best['normalised']:>8.2f} {best['logit']:>10.3f}  "
    assert told in done.out
    for report in ("r.html", "r.pdf"):  # each draws every candidate
        qaconv(*command[:-4], "--part", "0,0,1,0.5", "--top", 1, "--report", report)
    assert "standard deviations above strangers by the part, the sum of" in (
        tmp_path / "r.html"
    ).read_text(encoding="utf-8")
    assert all(item["part_logit"] != item["logit"] for item in ranking["results"])
    assert "cells of the query, which hold" in done.out
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")


def test_the_camera_of_an_outside_query_can_be_named(qaconv, market, checkpoint, tmp_path):
    query = tmp_path / "outside.jpg"
    query.write_bytes(pictures(market)[0].read_bytes())
    command = (
        "rank", "--query", query, "--gallery", "market", "--data-dir", market, "--checkpoint",
        checkpoint, "--quiet", "--normalise", "--json", "r.json",
    )  # fmt: skip
    assert "--query-camera names it" in qaconv(*command).err
    named = qaconv(*command, "--query-camera", "1")
    assert "--query-camera names it" not in named.err
    (ranking,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    assert ranking["camid"] == 0
    for camera in ("door", "99", "0"):
        refused = qaconv(*command, "--query-camera", camera, status=2)
        assert refused.complaint == (
            f"qaconv: --query-camera {camera}: no such camera; there are: 1, 2, 3 (leave it "
            "out for a camera that is none of them)"
        )
    without = [part for part in command if part != "--normalise"]
    assert "needs --normalise" in qaconv(*without, "--query-camera", "1", status=2).err
