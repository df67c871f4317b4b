"""``qaconv explain``, search by part and reports, through the real command line."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from qaconv_core.data import open_dataset
from qaconv_core.store.decisions import DecisionLog
from qaconv_core.types import score_of_logit
from tests.e2e.conftest import write_market


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """A data directory with three people, two cameras, two pictures each."""
    return write_market(tmp_path_factory.mktemp("explain") / "daten für Tests", 3, 2)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return tmp_path_factory.mktemp("features")


@pytest.fixture(autouse=True)
def one_cache(own_folders, features, monkeypatch):
    """Features are computed once: these tests are about what follows."""
    monkeypatch.setenv("QACONV_CACHE_DIR", str(features))


@pytest.fixture
def qaconv(qaconv):
    """One thread: so little work waits longer for a second one than it takes."""
    torch.set_num_threads(1)
    return qaconv


@pytest.fixture
def files(market):
    query = sorted((market / "market" / "query").glob("*.jpg"))
    gallery = sorted((market / "market" / "bounding_box_test").glob("0*.jpg"))
    return query, gallery


def rank(qaconv, market, checkpoint, *more, query, status=0):
    return qaconv("rank", "--query", *query, "--gallery", "market", "--data-dir", market,
                  "--checkpoint", checkpoint, "--top", 30, *more, status=status)  # fmt: skip


def test_rank_by_a_part_says_what_evidence_remains(qaconv, market, checkpoint, files, tmp_path):
    query = files[0][:1]
    rank(qaconv, market, checkpoint, "--json", "all.json", query=query)
    done = rank(qaconv, market, checkpoint, "--part", "0,0,1,0.5", "--ignore", "0,0,1,0.25",
                "--json", "part.json", "--csv", "part.csv", "--figure", "part.png",
                query=query)  # fmt: skip
    whole = json.loads((tmp_path / "all.json").read_text())["queries"][0]
    part = json.loads((tmp_path / "part.json").read_text())["queries"][0]
    assert part["part"]["cells"] == 12
    assert part["part"]["of"] == 48
    assert np.flatnonzero(part["part"]["mask"]).tolist() == list(range(12, 24))
    assert 0 < part["part"]["evidence"] < 1
    logits = {item["path"]: item["logit"] for item in whole["results"]}
    for item in part["results"]:
        assert item["logit"] == pytest.approx(logits[item["path"]], abs=1e-2)
        assert 0 < item["evidence"] <= 1
        assert [query_cell for query_cell, _, _ in item["found"]] == list(range(12, 24))
        assert item["score"] == pytest.approx(score_of_logit(item["logit"]))
    by_part = [item["part_logit"] for item in part["results"]]
    assert by_part == sorted(by_part, reverse=True)
    assert max(by_part) < min(item["logit"] for item in part["results"])
    rows = list(csv.DictReader((tmp_path / "part.csv").open()))
    for row, item in zip(rows, part["results"], strict=True):
        for name in ("logit", "score", "part_logit", "evidence"):
            assert float(row[name]) == pytest.approx(item[name])
        assert row["part"].startswith("cells 12-23 of ")
        assert row["dataset"] == "market"
        assert "checkpoint" in row["model"]
    assert "12 of 48 cells" in done.out
    assert Image.open(tmp_path / "part.png").width > 300


def test_the_whole_picture_as_part_ranks_as_usual(qaconv, market, checkpoint, files, tmp_path):
    query = files[0][:1]
    rank(qaconv, market, checkpoint, "--json", "all.json", query=query)
    rank(qaconv, market, checkpoint, "--part", "0,0,1,1", "--json", "part.json", query=query)
    found = [
        [(item["path"], item["logit"]) for item in
         json.loads((tmp_path / name).read_text())["queries"][0]["results"]]
        for name in ("all.json", "part.json")
    ]  # fmt: skip
    assert [path for path, _ in found[0]] == [path for path, _ in found[1]]
    np.testing.assert_allclose(
        [logit for _, logit in found[0]], [logit for _, logit in found[1]], rtol=1e-5, atol=1e-4
    )


@pytest.mark.parametrize("part", [(), ("--part", "0,0,1,0.5")])
def test_several_queries_rank_together(qaconv, market, checkpoint, files, tmp_path, part):
    query = files[1][1:3]
    rank(qaconv, market, checkpoint, "--json", "each.json", *part, query=query)
    for joint, combine in (("max", np.max), ("mean", np.mean)):
        rank(qaconv, market, checkpoint, "--json", "j.json", "--joint", joint, *part, query=query)
        record = json.loads((tmp_path / "j.json").read_text())["queries"]
        each = json.loads((tmp_path / "each.json").read_text())["queries"]
        assert len(record) == 1
        by = "part_logit" if part else "logit"
        logits = [{i["path"]: i[by] for i in ranking["results"]} for ranking in each]
        own = {str(path) for path in query}
        assert not own & {item["path"] for item in record[0]["results"]}
        for item in record[0]["results"]:
            values = [found[item["path"]] for found in logits]
            assert item[by] == pytest.approx(combine(values), abs=1e-3)


def test_what_cannot_be_searched_by_is_said(qaconv, market, checkpoint, files):
    done = rank(qaconv, market, checkpoint, "--ignore", "0,0,1,1", query=files[0][:1], status=2)
    assert "no cell" in done.complaint
    done = qaconv("rank", "--query", "a", "--gallery", "b", "--part", "1,2,3", status=2)
    assert "fractions of the picture" in done.complaint
    done = rank(qaconv, market, checkpoint, "--report", "r.txt", query=files[0][:1], status=2)
    assert ".html" in done.complaint


def test_a_report_to_hand_over_with_decisions(qaconv, market, checkpoint, files, tmp_path):
    data = open_dataset("market", market)
    query = files[0][0]
    book = DecisionLog(data.name, data.root)
    book.decide(query, files[1][1], "confirm", "same <coat>")
    part = ("--report", "part.html", "--part", "0,0,1,0.5", "--top", 1)
    rank(qaconv, market, checkpoint, *part, query=[query])
    assert "24 of 48 cells" in (tmp_path / "part.html").read_text(encoding="utf-8")
    rank(qaconv, market, checkpoint, "--report", "r.html", "--top", 5, query=[query])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "same &lt;coat&gt;" in text
    junk = text.count("No rank, same camera (ignored)")  # what stands among the five is shown too
    assert junk
    assert text.count('<section class="candidate">') == 5 + junk
    rank(qaconv, market, checkpoint, "--report", "r.pdf", "--top", 2, query=[query])
    content = (tmp_path / "r.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") == 1 + 2 + 1  # the last: what the numbers mean
    done = qaconv("explain", "-d", "market", "--data-dir", market, "--decisions", "d.csv")
    assert "1 decision is kept" in done.err
    row = next(csv.DictReader((tmp_path / "d.csv").open()))
    assert row["verdict"] == "confirm"
    assert row["gallery"] == f"bounding_box_test/{files[1][1].name}"


def test_match_against_a_gallery(qaconv, market, checkpoint, files, tmp_path):
    a, b = files[0][0], files[1][2]
    done = qaconv("match", a, b, "--checkpoint", checkpoint, "--against", "market",
                  "--data-dir", market, "--json", "m.json", "--figure", "m.png")  # fmt: skip
    match = json.loads((tmp_path / "m.json").read_text())
    beyond = match["relative"]
    total = np.sum(beyond["query"]) + np.sum(beyond["gallery"]) + beyond["mean_logit"]
    assert total == pytest.approx(match["logit"], abs=1e-3)
    assert 0 <= np.min(beyond["query_percentile"]) <= np.max(beyond["query_percentile"]) <= 100
    assert "above the average logit" in done.out
    assert "deviations above" in done.out
    assert "contribution  above strangers" in done.out
    done = qaconv("match", a, b, "--checkpoint", checkpoint, "--against", "market",
                  "--data-dir", market, "--colour-by", "relative")  # fmt: skip
    assert "contribution  above average" in done.out
    done = qaconv("match", a, b, "--checkpoint", checkpoint, "--colour-by", "relative", status=2)
    assert "--against" in done.complaint


def test_how_evidence_stands_among_the_pairs_of_a_set(qaconv, market, checkpoint, files, tmp_path):
    a, b, c = files[0][0], files[1][2], files[1][6]
    against = ("--checkpoint", checkpoint, "--against", "market", "--data-dir", market)
    done = qaconv("match", a, b, *against, "--among-pairs", "--json", "m.json")
    found = json.loads((tmp_path / "m.json").read_text())["evidence"]
    assert f"{100 * found['true_pairs']:.0f} % of the set's true pairs" in done.out
    assert found["true_pairs_counted"] == 6
    assert 0 < found["true_pairs"] <= 1, "this pair is one of them"
    assert 0 <= found["false_pairs"] <= 1
    done = qaconv("explain", a, b, c, *against, "--among-pairs", "--json", "d.json")
    both = json.loads((tmp_path / "d.json").read_text())["evidence"]
    assert both["a"] == found
    assert "A: as much in " in done.out
    assert "B: " in done.out
    refused = qaconv("match", a, b, "--checkpoint", checkpoint, "--among-pairs", status=2)
    assert "--against" in refused.complaint
    refused = qaconv("explain", a, b, "--checkpoint", checkpoint, "--among-pairs", status=2)
    assert "QUERY A B --against" in refused.complaint


def test_what_if_for_two_pictures(qaconv, market, checkpoint, files, tmp_path):
    a, b = files[0][0], files[1][2]
    done = qaconv("explain", a, b, "--checkpoint", checkpoint, "--window", "2x2",
                  "--json", "w.json", "--figure", "w.svg")  # fmt: skip
    record = json.loads((tmp_path / "w.json").read_text())
    assert np.shape(record["query_change"]) == (12, 4)
    assert np.shape(record["gallery_change"]) == (12, 4)
    assert "2 × 2 cells hidden" in done.out
    assert "<svg" in (tmp_path / "w.svg").read_text(encoding="utf-8")


def test_why_a_stands_above_b(qaconv, market, checkpoint, files, tmp_path):
    a, b, c = files[0][0], files[1][2], files[1][6]
    for more in ((), ("--against", "market", "--data-dir", market, "--colour-by", "relative")):
        done = qaconv("explain", a, b, c, "--checkpoint", checkpoint, "--json", "d.json",
                      "--figure", "d.png", *more)  # fmt: skip
        record = json.loads((tmp_path / "d.json").read_text())
        total = sum(np.sum(record[name]) for name in ("query", "gallery_a", "gallery_b"))
        assert total == pytest.approx(record["difference"], abs=1e-3)
        assert record["difference"] == pytest.approx(record["logit_a"] - record["logit_b"])
        assert len(record["reasons"]) == 12
        assert "strongest reasons" in done.out
    done = qaconv("explain", a, "--checkpoint", checkpoint, status=2)
    assert "QUERY A or QUERY A B" in done.complaint
    done = qaconv("explain", a, b, "-d", "market", status=2)
    assert "explained apart" in done.complaint
    for wrong in ((a, b, c), (a, b, "--against", "market", "--data-dir", market)):
        done = qaconv("explain", *wrong, "--colour-by", "relative", status=2)
        assert "QUERY A B --against" in done.complaint


def test_why_a_stands_higher_above_strangers(qaconv, market, checkpoint, files, tmp_path):
    a, b, c = files[0][0], files[1][2], files[1][6]
    against = ("--checkpoint", checkpoint, "--against", "market", "--data-dir", market)
    done = qaconv("explain", a, b, c, *against, "--json", "d.json", "--figure", "d.png")
    record = json.loads((tmp_path / "d.json").read_text())
    parts = record["normalised"]
    n = []
    for name, candidate in (("a", b), ("b", c)):
        qaconv("match", a, candidate, *against, "--json", "m.json")
        n.append(json.loads((tmp_path / "m.json").read_text())["normalised"]["n"])
        assert parts[name]["n"] == pytest.approx(n[-1], abs=1e-5)
    assert record["difference"] == pytest.approx(n[0] - n[1], abs=1e-5)
    total = sum(np.sum(record[name]) for name in ("query", "gallery_a", "gallery_b"))
    assert total == pytest.approx(record["difference"], abs=1e-4)
    assert record["relative"] is False
    assert f"N of A {n[0]:.3f}" in done.out
    assert "strangers of market" in done.out
    margin, lead = np.array(record["margin_hidden"]), record["difference"]
    assert np.array_equal(np.array(record["flips"]) == 1, np.sign(margin) != np.sign(lead))
    qaconv("explain", a, b, "--checkpoint", checkpoint, "--json", "w.json")
    change = np.array(json.loads((tmp_path / "w.json").read_text())["query_change"])
    qaconv("explain", a, c, "--checkpoint", checkpoint, "--json", "w.json")
    change_c = np.array(json.loads((tmp_path / "w.json").read_text())["query_change"])
    moved = parts["a"]["slope"] * change - parts["b"]["slope"] * change_c
    assert margin - lead == pytest.approx(moved, abs=1e-2)


@pytest.fixture
def alone(files, tmp_path):
    """A folder with one picture, and that picture itself."""
    (tmp_path / "one").mkdir()
    copy = tmp_path / "one" / "copy.jpg"
    shutil.copyfile(files[0][0], copy)
    return files[0][0], copy


def numbers_of(record) -> list[float]:
    """Every number anywhere in a JSON record."""
    if isinstance(record, dict):
        record = list(record.values())
    if isinstance(record, list):
        return [number for item in record for number in numbers_of(item)]
    return [record] if isinstance(record, float) else []


def test_a_candidate_that_is_the_query(qaconv, checkpoint, alone, tmp_path):
    query, copy = alone
    options = ("--checkpoint", checkpoint, "--json", "x.json", "--figure", "x.png")
    ways = [(copy,), (copy, "--window", "1x1"), (copy, "--window", "40x40"), (copy, copy)]
    for more in (*ways, (copy, copy, "--against", "one", "--colour-by", "relative")):
        qaconv("explain", query, *more, *options)
        numbers = numbers_of(json.loads((tmp_path / "x.json").read_text()))
        assert np.isfinite(numbers).all()
    record = json.loads((tmp_path / "x.json").read_text())
    assert record["difference"] == pytest.approx(0, abs=1e-6)
    assert np.abs(record["query"]).max() == pytest.approx(0, abs=1e-6)
    done = qaconv("match", query, copy, "--against", "one", *options)
    nobody = "one has no strangers between these two cameras to compare with"
    assert f"{nobody}: the average over it is compared with instead\n" in done.err
    assert "contribution  above average" in done.out
    refused = qaconv("match", query, copy, "--against", "one", "--colour-by", "normalised",
                     *options, status=2)  # fmt: skip
    assert f"{nobody}: leave out --colour-by normalised" in refused.complaint
    record = json.loads((tmp_path / "x.json").read_text())
    assert np.isfinite(numbers_of(record)).all()
    assert np.array(record["query_similarity"]) == pytest.approx(1, abs=1e-3)
    assert np.abs(record["relative"]["query"]).max() == pytest.approx(0, abs=1e-3)
    assert np.array(record["relative"]["query_percentile"]) == pytest.approx(50)


def test_a_gallery_of_one(qaconv, checkpoint, alone, tmp_path):
    query, _copy = alone
    for part in ((), ("--part", "0,0,1,1"), ("--part", "0.01,0.01,0.02,0.02"),
                 ("--ignore", "0,0,1,0.9")):  # fmt: skip
        qaconv("rank", "--query", query, "--gallery", "one", "--checkpoint", checkpoint, *part,
               "--json", "r.json", "--figure", "r.png", "--report", "r.html")  # fmt: skip
        record = json.loads((tmp_path / "r.json").read_text())["queries"][0]
        assert [item["rank"] for item in record["results"]] == [1]
        assert np.isfinite(numbers_of(record)).all()
        if part:
            assert 0 < record["part"]["evidence"] <= 1
    assert record["part"]["cells"] == 4
    assert "nan" not in (tmp_path / "r.html").read_text().lower().split("base64")[0]


def test_a_folder_without_labels_is_measured_as_far_as_it_goes(qaconv, checkpoint, files, tmp_path):
    (tmp_path / "own").mkdir()
    for number, picture in enumerate(files[1][:5]):
        shutil.copyfile(picture, tmp_path / "own" / f"picture{number}.jpg")
    for size in (5, 2):  # more, and no more, than pairs that are asked for
        for path in sorted((tmp_path / "own").glob("*.jpg"))[size:]:
            path.unlink()
        done = qaconv("explain", "--dataset", "own", "--checkpoint", checkpoint, "--pairs", 2,
                      "--report", "t.json", "--quiet")  # fmt: skip
        record = json.loads((tmp_path / "t.json").read_text())
        assert [group["name"] for group in record["groups"]] == ["best matches", "random pairs"]
        assert any("no person is known" in note for note in record["notes"])
        assert any("2 of the gallery's pictures" in note for note in record["notes"])
        for group in record["groups"]:
            assert len(group["pairs"]) == min(2, size)
            quality = group["quality"]["contribution"]
            assert quality["part_agreement"] is None
            assert 0 <= quality["border"] <= 1
            assert quality["shift_following"]
            assert np.isfinite(numbers_of(group)).all()
        assert "border" in done.out
    done = qaconv("explain", "--dataset", "own", "--checkpoint", checkpoint,
                  "--failures", "f.html", status=2)  # fmt: skip
    assert "no query pictures" in done.complaint


def test_a_data_set_is_measured(qaconv, market, checkpoint, tmp_path):
    done = qaconv("explain", "-d", "market", "--data-dir", market, "--checkpoint", checkpoint,
                  "--pairs", 2, "--report", "t.json", "--failures", "f.html",
                  "--quiet")  # fmt: skip
    record = json.loads((tmp_path / "t.json").read_text())
    assert [group["name"] for group in record["groups"]] == ["true pairs", "different people"]
    assert "no label maps" in done.err
    assert "different people (2)" in done.out
    assert "valid queries have a false first match" in done.out
    assert "What misleads the model" in (tmp_path / "f.html").read_text(encoding="utf-8")
    for option in ("--report", "--failures"):
        refused = qaconv("explain", option, "x.pdf", status=2)
        assert ".html or .json" in refused.complaint
    refused = qaconv("explain", "-d", "market", "--json", "x.json", status=2)
    assert "belong to pictures" in refused.complaint
