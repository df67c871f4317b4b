"""``qaconv evaluate`` and what hangs on it, through the real command line."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
from PIL import Image

from qaconv_core.data.resources import resource_path
from qaconv_core.evaluation import forecasts
from qaconv_core.searching import choice
from tests import oracles
from tests.e2e.conftest import ROOT
from tests.small_world import person

METHODS = ["qaconv", "qaconv+rerank", "qaconv+rerank+tlift"]


@pytest.fixture
def small_checkout(tmp_path):
    """A checkout of the program in the folder of the commands, with few of the demo's people.

    The whole demo takes five times as long.
    """
    shutil.copytree(ROOT / "qaconv_core", tmp_path / "qaconv_core")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(resource_path("model"), tmp_path / "resources" / "model")
    people = sorted({path.name[:5] for path in resource_path("demo", "query").iterdir()})[:12]
    for folder in ("query", "bounding_box_test"):
        there = tmp_path / "resources" / "demo" / folder
        there.mkdir(parents=True)
        for path in resource_path("demo", folder).iterdir():
            if path.name[:5] in people:
                shutil.copy(path, there)


def test_the_first_command_of_the_readme(qaconv_process, small_checkout, tmp_path):
    done = qaconv_process("evaluate", "--dataset", "demo", "--json", "demo.json")
    counts = json.loads((tmp_path / "demo.json").read_text())["counts"]
    assert 0 < counts["valid_queries"] == len([*(tmp_path / "resources/demo/query").iterdir()])
    for word in ("Rank-1", "Rank-5", "Rank-10", "Rank-20", "mAP", "mINP", "re-ranking", "TLift"):
        assert word in done.out


def test_results_protocol_and_files(qaconv, market, checkpoint, tmp_path):
    done = qaconv(
        "evaluate", "--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint,
        "--rerank", "--tlift", "--json", "r.json", "--csv", "r.csv", "--latex", "r.tex",
        "--markdown", "r.md", "--figure", "cmc.pdf", "--score-figure", "scores.svg",
        "--save-score", "s.npz", "--per-query",
    )  # fmt: skip
    report = json.loads((tmp_path / "r.json").read_text())
    assert [r["method"] for r in report["results"]] == METHODS
    assert report["counts"]["query"] == 5
    assert report["counts"]["gallery"] == 26
    assert report["counts"]["valid_queries"] == 5
    # The junk box (pid −1) is part of the protocol: counted in a note, no fault of the data.
    assert report["rejected"] == []
    assert any("1 junk box" in note for note in report["notes"])
    for result in report["results"]:
        for name in ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP"):
            assert 0 <= result[name] <= 1
        assert len(result["ap"]) == 5
    assert report["checkpoint"]["sha256"]
    assert "junk" in report["protocol"]
    assert report["protocol"]["versions"]["torch"]
    assert isinstance(report["seconds"], float)
    assert sum(report["seconds_by_stage"].values()) <= report["seconds"]
    rows = [r for r in csv.reader((tmp_path / "r.csv").open()) if r and not r[0].startswith("#")]
    assert len(rows) == 4
    assert "\\begin{tabular}" in (tmp_path / "r.tex").read_text()
    assert "| " in (tmp_path / "r.md").read_text()
    assert (tmp_path / "cmc.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (tmp_path / "scores.svg").read_text()
    assert "5 queries × 26 gallery pictures" in done.err
    check_saved_scores(np.load(tmp_path / "s.npz"), report, market)


def check_saved_scores(saved, report, market):
    """The saved numbers are the report's, by the slow oracle."""
    assert saved["score"].shape == (5, 26)
    assert set(saved["query_ids"]) == {1, 2, 3, 4, 5}
    assert set(saved["gallery_cams"]) == {0, 1, 2}
    assert all(str(market) in path for path in saved["gallery_paths"])
    labels = [saved[f"{side}_{kind}"] for kind in ("ids", "cams") for side in ("query", "gallery")]
    matrices = (saved["score"], saved["score_rerank"], saved["score_tlift"])
    for result, score in zip(report["results"], matrices, strict=True):
        expected = oracles.metrics(-score.astype(np.float64), *labels)
        assert result["mAP"] == pytest.approx(expected["mAP"], abs=1e-6)
        assert result["rank1"] == pytest.approx(expected["cmc"][0], abs=1e-6)


def test_normalised_scores_stand_beside_the_others(qaconv, market, checkpoint, tmp_path):
    arguments = (
        "evaluate", "--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint,
        "--rerank", "--tlift", "--quiet", "--per-query", "--json",
    )  # fmt: skip
    qaconv(*arguments, "plain.json")
    qaconv(*arguments, "both.json", "--normalise", "--save-score", "s.npz")
    qaconv("rescore", "s.npz", "--rerank", "--tlift", "--normalise", "--quiet", "--per-query",
           "--json", "again.json")  # fmt: skip
    plain, both, again = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("plain", "both", "again")
    )
    assert both["results"][:3] == plain["results"]
    assert "normalisation" not in plain["protocol"]
    assert "15·(N − 2.5)" in json.dumps(both["protocol"]["normalisation"], ensure_ascii=False)
    normalised = [m.replace("qaconv", "qaconv+norm") for m in METHODS]
    assert [r["method"] for r in both["results"]] == [*METHODS, *normalised]
    for first, second in zip(both["results"], again["results"], strict=True):
        assert first["ap"] == pytest.approx(second["ap"], abs=1e-9)
    saved = np.load(tmp_path / "s.npz")
    assert saved["score_norm"].shape == saved["score_norm_tlift"].shape == (5, 26)
    assert both["open_set"]["qaconv+norm"]["line"]["threshold"] > 0
    assert both["cameras"] == plain["cameras"]
    assert len(both["cameras"]["pairs"]) == 3
    done = qaconv("check", "--scores", "s.npz", "--json", "cameras.json")
    assert "rows: the query's camera" in done.out
    assert json.loads((tmp_path / "cameras.json").read_text()) == both["cameras"]
    # Three cameras share 26 pictures: none has enough for a cohort of its own.
    few = "pictures of cameras 1, 2, 3, of which the gallery has at most 20 each, are compared with"
    assert any(few in note for note in both["notes"])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(saved["score_norm_rerank"], saved["score_rerank"], atol=1e-3)


def test_upstream_names_in_mat(qaconv, market, checkpoint, tmp_path):
    qaconv(
        "evaluate", "--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint,
        "--save-score", "s.mat", "--quiet",
    )  # fmt: skip
    saved = scipy.io.loadmat(tmp_path / "s.mat")
    assert {
        "score",
        "gal_list",
        "prob_list",
        "gal_ids",
        "prob_ids",
        "gal_cams",
        "prob_cams",
        "gal_time",
        "prob_time",
    } <= set(saved)
    assert saved["score"].shape == (5, 26)


def test_second_run_takes_features_from_the_store(qaconv, market, checkpoint):
    arguments = (
        "evaluate",
        "--dataset",
        "market",
        "--data-dir",
        market,
        "--checkpoint",
        checkpoint,
        "--json",
        "-",
    )
    first, second = (json.loads(qaconv(*arguments).out) for _ in range(2))
    assert first["results"] == second["results"]
    listed = json.loads(qaconv("cache", "--json").out)
    assert listed["models"][0]["images"] == 31
    person(77, 3).save(market / "market" / "bounding_box_test" / "0077_c2s1_009999_00.jpg")
    qaconv(*arguments)
    assert json.loads(qaconv("cache", "--json").out)["models"][0]["images"] == 32
    assert "freed" in qaconv("cache", "--clear").out
    assert json.loads(qaconv("cache", "--json").out)["models"] == []


def test_another_precision_has_maps_of_its_own_and_is_named(qaconv, market, checkpoint, tmp_path):
    arguments = ("evaluate", "--dataset", "market", "--data-dir", market, "--device", "cpu",
                 "--checkpoint", checkpoint, "--json")  # fmt: skip
    qaconv(*arguments, "exact.json")
    qaconv(*arguments, "quick.json", "--precision", "bfloat16")
    shelves = json.loads(qaconv("cache", "--json").out)["models"]
    assert [shelf["images"] for shelf in shelves] == [31, 31]
    told = [
        json.loads((tmp_path / name).read_text())["protocol"]["preprocessing"]
        for name in ("exact.json", "quick.json")
    ]
    assert ["bfloat16" in words for words in told] == [False, True]


def test_runs_are_kept_compared_and_deleted(qaconv, market, checkpoint):
    arguments = (
        "evaluate",
        "--dataset",
        "market",
        "--data-dir",
        market,
        "--checkpoint",
        checkpoint,
        "--quiet",
    )
    qaconv(*arguments)
    qaconv(*arguments, "--rerank")
    listed = json.loads(qaconv("runs", "--json").out)
    assert [run["id"] for run in listed] == [2, 1]
    assert "--rerank" in listed[0]["command"]
    assert "market" in qaconv("runs").out
    assert "+0.0" in qaconv("runs", "compare", 1, 2).out
    assert json.loads(qaconv("runs", "show", 1).out)["dataset"] == "market"
    qaconv("runs", "delete", 1)
    assert qaconv("runs", "show", 1, status=2).complaint.startswith("qaconv:")


def test_rescoring_our_own_file_gives_the_same_numbers(qaconv, market, checkpoint, tmp_path):
    qaconv(
        "evaluate", "--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint,
        "--rerank", "--tlift", "--json", "a.json", "--save-score", "s.npz", "--quiet",
    )  # fmt: skip
    done = qaconv("rescore", "s.npz", "--rerank", "--tlift", "--json", "b.json", "--quiet")
    first, second = (
        json.loads((tmp_path / n).read_text())["results"] for n in ("a.json", "b.json")
    )
    assert first == second
    assert "(an approximation" not in done.out


def test_logits_are_re_ranked_where_asked_and_the_protocol_says_so(
    qaconv, market, checkpoint, tmp_path
):
    asked = ("--rerank", "--tlift", "--rerank-on", "logit", "--quiet")
    where = ("--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint)
    done = qaconv("evaluate", *where, *asked, "--json", "a.json", "--save-score", "s.npz")
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["protocol"]["rerank"]["distance"] == "−logit"
    assert "distance −logit" in done.out
    saved = np.load(tmp_path / "s.npz", allow_pickle=False)
    slow = oracles.k_reciprocal(-saved["score"], -saved["score_qq"], -saved["score_gg"])
    np.testing.assert_allclose(saved["score_rerank"], 1 - slow, atol=1e-4)
    qaconv("evaluate", *where, *asked, "--on-disk", "--json", "c.json")
    qaconv("rescore", "s.npz", *asked, "--json", "b.json")
    for name in ("b.json", "c.json"):
        again = json.loads((tmp_path / name).read_text())
        assert again["results"] == report["results"]
        assert again["protocol"]["rerank"] == report["protocol"]["rerank"]
    np.savez(tmp_path / "t.npz", **{k: saved[k] for k in saved.files if k != "score_gg"})
    told = qaconv("rescore", "t.npz", *asked, status=2).err
    assert "--rerank-on logit needs logits, also within queries" in told
    for command in (("rescore", "s.npz"), ("evaluate", *where)):
        refused = qaconv(*command, "--rerank-on", "logit", "--quiet", status=2)
        assert refused.complaint == "qaconv: --rerank-on needs --rerank: add it"
    told = qaconv("evaluate", *where, *asked, "--rerank-top", 5, status=2).err
    assert "leave out --normalise and --rerank-top" in told


def test_rescoring_foreign_scores_labels_what_is_estimated(qaconv, tmp_path):
    rng = np.random.default_rng(0)
    ids, cams = np.arange(30) % 6, np.arange(30) % 3
    np.savez(
        tmp_path / "cosine.npz", score=rng.uniform(-1, 1, (8, 30)), query_ids=ids[:8],
        gallery_ids=ids, query_cams=(cams[:8] + 1) % 3, gallery_cams=cams,
    )  # fmt: skip
    done = qaconv("rescore", "cosine.npz", "--rerank", "--tlift", "--json", "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert [r["method"] for r in report["results"]] == METHODS[:2]
    assert "approximation" in report["results"][1]["approximation"]
    assert "approximation" in done.out
    assert any("TLift" in note for note in report["notes"])


def test_several_test_sets_and_methods_by_option(qaconv, market, checkpoint, tmp_path):
    done = qaconv(
        "evaluate", "--dataset", "market", "--testset", f"market,{market / 'market' / 'query'}",
        "--data-dir", market, "--checkpoint", checkpoint, "--rerank-top", 5, "--json", "r.json",
        status=2,
    )  # fmt: skip
    # The second set has one picture a person, so nothing is left to search; the first one stays.
    assert "qaconv:" in done.complaint
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["results"][1]["approximation"].startswith("re-ranking of the 5 nearest")
    assert "approximation" in done.out


def test_score_matrices_on_disk_give_the_same_numbers(qaconv, market, checkpoint):
    arguments = (
        "evaluate",
        "--dataset",
        "market",
        "--data-dir",
        market,
        "--rerank",
        "--checkpoint",
        checkpoint,
        "--json",
        "-",
        "--quiet",
    )
    in_memory = json.loads(qaconv(*arguments).out)["results"]
    assert json.loads(qaconv(*arguments, "--on-disk").out)["results"] == in_memory


@pytest.mark.parametrize("more", [(), ("--on-disk",)])
def test_estimates_give_the_measures_of_exact_scores(
    qaconv, market, checkpoint, tmp_path, monkeypatch, more
):
    command = (
        "evaluate", "--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint,
        "--rerank", "--tlift", "--k1", 3, "--k2", 2, "--per-query", "--json",
    )  # fmt: skip
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, evaluate_from=0))
    monkeypatch.setattr(forecasts, "fast_bytes", lambda channels: True)
    qaconv(*command, "estimated.json", *more)
    qaconv(*command, "exact.json", "--exact", *more)
    found, expected = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("estimated", "exact")
    )
    assert found["results"] == expected["results"]
    assert found["counts"]["exact_pairs"] <= found["counts"]["pairs"]
    assert "exact_pairs" not in expected["counts"]
    qaconv(*command, "saved.json", "--save-score", "s.npz", *more)
    assert json.loads((tmp_path / "saved.json").read_text())["counts"] == expected["counts"]


def test_unreadable_pictures_are_named_and_the_rest_goes_on(qaconv, market, checkpoint):
    gallery = market / "market" / "bounding_box_test"
    (gallery / "0001_c2s1_999999_00.jpg").write_text("not a picture")
    (gallery / "0002_c2s1_999998_00.jpg").touch()
    victim = sorted(gallery.glob("0003*"))[0]
    victim.write_bytes(victim.read_bytes()[:300])
    done = qaconv("evaluate", "--dataset", "market", "--data-dir", market,
                  "--checkpoint", checkpoint, "--json", "-")  # fmt: skip
    report = json.loads(done.out)
    assert report["counts"]["gallery"] == 25
    rejected = {os.path.basename(item["path"]) for item in report["rejected"]}
    assert {"0001_c2s1_999999_00.jpg", "0002_c2s1_999998_00.jpg", victim.name} <= rejected
    assert victim.name in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("evaluate", "--dataset", "market", "--data-dir", "nowhere"), "nowhere"),
        (("evaluate", "--dataset", "marked"), "unknown data set"),
        (("evaluate", "--checkpoint", "text.pth.tar"), "text.pth.tar: is not a checkpoint"),
        (("evaluate", "--device", "cuda:7"), "cuda"),
        (("evaluate", "--json", "missing/r.json"), "missing"),
        (("evaluate", "--figure", "cmc.bmp"), "cmc.bmp"),
        (("evaluate", "--k1", "0"), "--k1"),
        (("evaluate", "--ap", "mean"), "--ap"),
        (("rescore", "text.pth.tar"), "text.pth.tar"),
        (("match", "text.pth.tar", "text.pth.tar"), "text.pth.tar"),
        (("rank", "--query", "gone.jpg", "--gallery", "demo"), "gone.jpg"),
        (("rank", "--query", "gone.jpg", "--gallery", "nowhere"), "nowhere"),
        (("check", "--dataset", "folder", "--data-dir", "empty"), "empty"),
        (("runs", "show"), "number of a run"),
        ((), "COMMAND"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_with_status_2(qaconv, tmp_path, arguments, words):
    (tmp_path / "text.pth.tar").write_text("hello")
    (tmp_path / "empty").mkdir()
    done = qaconv(*arguments, status=2)
    assert words in done.complaint
    assert done.complaint.startswith("qaconv")
    assert done.out == ""


def test_bad_input_ends_a_real_process_with_status_2(qaconv_process, tmp_path):
    (tmp_path / "text.pth.tar").write_text("hello")
    done = qaconv_process("evaluate", "--checkpoint", "text.pth.tar", status=2)
    assert len(done.err.strip().splitlines()) == 1
    assert done.complaint.startswith("qaconv: text.pth.tar: is not a checkpoint")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process there")
def test_ctrl_c_stops_with_130_and_keeps_the_features(qaconv, own_folders, tmp_path, checkpoint):
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(400):
        person(i, 0).save(folder / f"{i % 9:04}_c{i % 5 + 1}s1_{i:06}_00.jpg")
    process = subprocess.Popen(
        [sys.executable, "-m", "qaconv_core", "evaluate", "--dataset", str(folder),
         "--checkpoint", str(checkpoint), "--batch-size", "2"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    index = own_folders / "cache"
    for _ in range(1200):
        if any(path.stat().st_size > 50_000 for path in index.rglob("*") if path.is_file()):
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted" in err
    kept = json.loads(qaconv("cache", "--json").out)["models"][0]["images"]
    assert 0 < kept < 400


def test_single_camera_data_can_be_measured_without_the_junk_rule(qaconv, tmp_path, checkpoint):
    folder = tmp_path / "one camera"
    for pid in range(4):
        for shot in range(3):
            path = folder / f"person {pid}" / f"{shot}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            person(pid, shot).save(path)
    table = tmp_path / "table.csv"
    rows = [
        f"{p.relative_to(tmp_path)},{p.parent.name[-1]},1" for p in sorted(folder.rglob("*.png"))
    ]
    table.write_text("path,pid,camid\n" + "\n".join(rows) + "\n")
    arguments = (
        "evaluate",
        "--dataset",
        "folder",
        "--data-dir",
        table,
        "--quiet",
        "--checkpoint",
        checkpoint,
        "--json",
        "-",
    )
    strict = json.loads(qaconv(*arguments).out)
    assert strict["counts"]["valid_queries"] == 0
    assert strict["results"][0]["mAP"] is None
    assert any("--no-junk" in note for note in strict["notes"])
    loose = json.loads(qaconv(*arguments, "--no-junk").out)
    assert loose["counts"]["valid_queries"] == loose["counts"]["query"] > 0
    assert loose["results"][0]["mAP"] > 0


def test_pictures_of_every_kind_are_ranked(qaconv, tmp_path, checkpoint):
    folder = tmp_path / "Bilder – ö 例"
    folder.mkdir()
    picture = person(3, 0)
    picture.convert("P").save(folder / "palette.png")
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    picture.convert("RGBA").save(folder / "alpha.png")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(
        folder / "sixteen.png"
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(folder / "rotated.jpg", exif=exif)
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    Image.new("RGB", (20_000, 40)).save(folder / "wide.png")
    picture.save(tmp_path / "query.png")
    done = qaconv("rank", "--query", "query.png", "--gallery", folder, "--checkpoint", checkpoint,
                  "--json", "r.json", "--csv", "r.csv", "--figure", "r.png")  # fmt: skip
    results = json.loads((tmp_path / "r.json").read_text())["queries"][0]["results"]
    names = [os.path.basename(item["path"]) for item in results]
    assert set(names) == {
        "palette.png",
        "cmyk.jpg",
        "alpha.png",
        "sixteen.png",
        "rotated.jpg",
        "wide.png",
    }
    assert names[0] in ("alpha.png", "palette.png")
    assert "dot.png" in done.err
    assert [item["rank"] for item in results] == [1, 2, 3, 4, 5, 6]
    assert Image.open(tmp_path / "r.png").width > 300


def test_a_picture_in_both_splits_is_not_matched_with_itself(qaconv, tmp_path, checkpoint):
    rows = ["path,pid,split"]
    for pid in range(3):
        for shot in range(2):
            person(pid, shot).save(tmp_path / f"{pid}-{shot}.png")
            rows.append(f"{pid}-{shot}.png,{pid},gallery")
        rows.append(f"{pid}-0.png,{pid},query")
    (tmp_path / "both.csv").write_text("\n".join(rows))
    done = qaconv("evaluate", "--dataset", "both.csv", "--checkpoint", checkpoint, "--json", "-",
                  "--save-score", "s.npz")  # fmt: skip
    report = json.loads(done.out)
    assert any("3 pictures are in query and gallery" in note for note in report["notes"])
    saved = np.load(tmp_path / "s.npz")
    score = saved["score"].copy()
    own = saved["query_paths"][:, None] == saved["gallery_paths"]
    # Without its own file each query has one true match among five others.
    ranks = [
        1 + sum(s > score[q][~own[q] & (saved["gallery_ids"] == q)][0] for s in score[q][~own[q]])
        for q in range(3)
    ]
    assert report["results"][0]["mAP"] == pytest.approx(np.mean([1 / r for r in ranks]))
    assert report["counts"]["valid_queries"] == 3


def test_a_job_that_cannot_fit_names_the_options_under_which_it_would(
    qaconv, market, checkpoint, monkeypatch
):
    arguments = ("evaluate", "--dataset", "market", "--data-dir", market, "--rerank",
                 "--checkpoint", checkpoint, "--quiet")  # fmt: skip

    free = 100 << 20
    monkeypatch.setattr(forecasts, "available_memory", lambda device: free)
    monkeypatch.setattr(forecasts, "rerank_work", lambda *sizes, **how: free)  # a large set
    complaint = qaconv(*arguments, status=2).complaint
    assert "--on-disk" in complaint
    assert "--rerank-top" in complaint
    assert "100.0 MiB are free" in complaint
    qaconv(*arguments, "--rerank-top", 5, "--on-disk")


def test_sets_that_cannot_be_evaluated_say_why(qaconv, tmp_path, checkpoint):
    folder = tmp_path / "unknown people"
    for place in (folder, folder / "gate 1", folder / "gate 2"):  # cameras have notes, too
        place.mkdir()
        for i in range(3):
            person(i, 0).save(place / f"{i} x.png")
        for way in (folder, place):
            done = qaconv("evaluate", "--dataset", way, "--checkpoint", checkpoint, status=2)
            assert "no query pictures" in done.complaint
            assert "(no person ids" in done.complaint


def test_a_fault_of_the_program_is_one_line_with_status_1(qaconv, market, monkeypatch):
    def broken(*arguments, **options):
        raise TypeError("this\nwas not foreseen")

    monkeypatch.setattr("qaconv_core.data.check_dataset", broken)
    arguments = ("check", "--dataset", "market", "--data-dir", market)
    done = qaconv(*arguments, status=1)
    assert len(done.err.strip().splitlines()) == 1
    assert "TypeError: this was not foreseen" in done.complaint
    assert "QACONV_DEBUG=1" in done.complaint
