"""``qaconv labels`` and ``evaluate --labels`` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qaconv_core.store.decisions import DecisionLog
from tests.small_world import person


@pytest.fixture
def flat(tmp_path):
    """Pictures of three persons, of which nothing is known."""
    for number in range(3):
        for shot in range(3):
            path = tmp_path / "flat" / f"{3 * shot + number}.png"
            path.parent.mkdir(exist_ok=True)
            person(number, shot).save(path)
    return tmp_path / "flat"


def test_from_looking_to_a_measure(qaconv, flat, checkpoint, tmp_path):
    assert "no labels yet" in qaconv("labels", "--dataset", flat).out
    options = ("--query", flat / "0.png", "--gallery", flat, "--checkpoint", checkpoint)
    early = qaconv("rank", *options, "--false-pairs", status=2)
    assert "needs labelled pairs of one person and of two" in early.complaint
    log = DecisionLog("folder", flat)
    for number in range(3):
        log.decide(flat / f"{number}.png", flat / f"{number + 3}.png", "confirm")
        log.decide(flat / f"{number}.png", flat / f"{(number + 1) % 3 + 3}.png", "reject")
    done = qaconv("labels", "--dataset", flat, "--from-decisions")
    assert done.out.count("2 pictures") == 3
    qaconv("labels", "--dataset", flat, "--assign", "person 1", flat / "6.png")
    qaconv("labels", "--dataset", flat, "--rename", "person 1", "Ann")
    record = json.loads(qaconv("labels", "--dataset", flat, "--json").out)
    assert record["persons"]["Ann"] == ["0.png", "3.png", "6.png"]
    measured = qaconv("evaluate", "--dataset", flat, "--labels", "--checkpoint", checkpoint)
    assert "on 3 labelled persons: so few say nothing yet" in measured.out
    assert "2 pictures without one are left out" in measured.err
    qaconv("labels", "--dataset", flat, "--export", "m")
    assert "valid queries: 3 of 3" in qaconv("check", "--dataset", tmp_path / "m").out
    ranked = qaconv("rank", *options, "--false-pairs", "0.2", "--json", "r.json", "--csv", "r.csv")
    (found,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    line = found["labelled_line"]
    assert (line["same_person"], line["two_persons"]) == (5, 16)  # of 3, 2 and 2 pictures
    assert f"line: logit {line['line']:.2f}, by labels: " in ranked.out
    above = [item["above_labelled_line"] for item in found["results"]]
    assert above == [item["logit"] > line["line"] for item in found["results"]]
    assert line["above"] == sum(above)
    table = ranked.out.splitlines()
    place = next(i for i, row in enumerate(table) if "by labels" in row)
    assert sum(".png" in row for row in table[2:place]) == sum(above)
    assert "above_labelled_line" in (tmp_path / "r.csv").read_text()
    whole = qaconv("rank", *options, "--false-pairs", "--part", "0,0,1,0.5", status=2)
    assert "leave out --part" in whole.complaint
    both = qaconv("rank", *options, "--false-pairs", "0.2", "--normalise", "--json", "n.json")
    assert "── line: " in both.out
    assert f"line: logit {line['line']:.2f}, by labels: " in both.out.split("── line: ")[0]
    (beside,) = json.loads((tmp_path / "n.json").read_text())["queries"]
    assert beside["labelled_line"]["line"] == line["line"]
    done = qaconv("labels", "--dataset", flat, "--undo")
    assert "undone" in done.err
    assert "Ann" not in done.out


def test_a_ranking_calls_pictures_by_their_labels(qaconv, flat, checkpoint, tmp_path):
    options = ("--query", flat / "0.png", "--gallery", flat, "--checkpoint", checkpoint)
    qaconv("labels", "--dataset", flat, "--assign", "Ann", "0.png", "3.png")
    qaconv("labels", "--dataset", flat, "--assign", "Bob", "1.png")
    done = qaconv("rank", *options, "--json", "r.json", "--csv", "r.csv")
    (found,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    told = {Path(i["path"]).name: (i.get("person"), i["truth"]) for i in found["results"]}
    others = dict.fromkeys(("2.png", "4.png", "5.png", "6.png", "7.png", "8.png"))
    assert told == {
        "3.png": ("Ann", "true"), "1.png": ("Bob", "false"),
        **dict.fromkeys(others, (None, "unknown")),
    }  # fmt: skip
    rows = {line.rpartition("/")[2]: line for line in done.out.splitlines() if line[6:7] in "✓✕"}
    assert " ✓ " in rows["3.png"]
    assert " Ann " in rows["3.png"]
    assert " ✕ " in rows["1.png"]
    assert sum(",Ann," in line for line in (tmp_path / "r.csv").read_text().splitlines()) == 1


def test_a_line_of_labels_is_refused_before_the_work(qaconv, flat, checkpoint, monkeypatch):
    from qaconv_core.cli import rank

    def not_yet(*_):
        raise AssertionError("the work begins")

    options = ("--query", flat / "0.png", "--gallery", flat, "--checkpoint", checkpoint)
    qaconv("labels", "--dataset", flat, "--assign", "Ann", "0.png", "3.png")
    with monkeypatch.context() as patch:
        patch.setattr(rank, "load_chosen_model", not_yet)
        done = qaconv("rank", *options, "--false-pairs", status=2)
    assert "has 1 and 0: give persons" in done.complaint
    qaconv("labels", "--dataset", flat, "--assign", "Bob", "1.png")
    assert "by labels" in qaconv("rank", *options, "--false-pairs").out


def test_labels_stand_beside_the_persons_of_a_set(qaconv, flat, checkpoint, tmp_path):
    rows = "".join(f"flat/{number}.png,{number % 3}\n" for number in range(9))
    (tmp_path / "mine.csv").write_text(f"path,pid\n{rows}")
    qaconv("labels", "--dataset", "mine.csv", "--assign", "Ann", "flat/3.png", "flat/1.png")
    options = ("--query", flat / "0.png", "--gallery", "mine.csv", "--checkpoint", checkpoint)
    qaconv("rank", *options, "--json", "r.json")
    (found,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    told = {Path(i["path"]).name: (i["pid"], i.get("person")) for i in found["results"]}
    truth = {Path(i["path"]).name: i["truth"] for i in found["results"]}
    assert (told["3.png"], told["1.png"]) == ((0, "Ann"), (1, "Ann"))
    assert told["6.png"] == (0, None)
    assert (truth["3.png"], truth["1.png"]) == ("true", "false"), "by the set's own persons"


def test_an_export_replaces_none_but_an_export(qaconv, flat, tmp_path):
    rows = "".join(f"flat/{number}.png,{number // 3},0\n" for number in range(9))
    table = tmp_path / "mine.csv"
    table.write_text(f"path,pid,camid\n{rows}")
    qaconv("labels", "--dataset", table, "--assign", "Ann", flat / "0.png", flat / "1.png")
    for target in (table, tmp_path / "notes.json"):
        target.touch()
        before = target.read_bytes()
        refused = qaconv("labels", "--dataset", table, "--export", target, status=2)
        assert "is there already" in refused.complaint
        assert target.read_bytes() == before
    for name in ("out.csv", "out.json"):
        for _ in range(2):  # as labels grow, an export is written again
            qaconv("labels", "--dataset", table, "--export", name)
    text = (tmp_path / "out.csv").read_text()
    qaconv("labels", "--dataset", "out.csv", "--assign", "Ann", flat / "0.png", flat / "1.png")
    own = qaconv("labels", "--dataset", "out.csv", "--export", "out.csv", status=2)
    assert "is there already" in own.complaint
    assert (tmp_path / "out.csv").read_text() == text


def test_pictures_are_named_from_the_set_or_from_here(qaconv, flat, tmp_path, monkeypatch):
    def assigned(*arguments):
        done = qaconv("labels", "--dataset", *arguments, "--json")
        return json.loads(done.out)["persons"]

    assert assigned(flat, "--assign", "Ann", "0.png", "./1.png", "flat/2.png") == {
        "Ann": ["0.png", "1.png", "2.png"]
    }
    person(1, 1).save(tmp_path / "3.png")  # no picture of the set
    assert assigned(flat, "--clear", "3.png", flat / "2.png") == {"Ann": ["0.png", "1.png"]}
    (tmp_path / "tables").mkdir()
    rows = "../flat/0.png,a\n../flat/1.png,a\n../3.png,b\n"
    (tmp_path / "tables" / "list.csv").write_text(f"path,camid\n{rows}")
    (tmp_path / "flat" / "deep").mkdir()
    found = assigned("tables/list.csv", "--assign", "Ann", "../flat/0.png", "flat/1.png")
    assert found == {"Ann": [str(flat / "0.png"), str(flat / "1.png")]}
    monkeypatch.chdir(flat / "deep")
    person(2, 2).save(flat / "deep" / "0.png")
    both = qaconv("labels", "--dataset", flat, "--assign", "Bob", "0.png", status=2)
    assert f"0.png: may be {flat / '0.png'} and {flat / 'deep' / '0.png'}" in both.complaint
    neither = qaconv("labels", "--dataset", flat, "--assign", "Bob", "9.png", status=2)
    assert f"relative to {flat} and {flat / 'deep'}" in neither.complaint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--assign", "Ann"), "at least one more"),
        (("--assign", "Ann", "nowhere.png"), "no picture of this data set"),
        (("--merge", "Ann", "Bob"), "nobody is called"),
        (("--export", "x.csv"), "no picture has a label"),
    ],
)
def test_wrong_use(qaconv, flat, arguments, said):
    assert said in qaconv("labels", "--dataset", flat, *arguments, status=2).complaint


def test_labels_are_exported_to_stdout(qaconv, flat, tmp_path):
    qaconv("labels", "--dataset", flat, "--assign", "Ann", "0.png", "1.png")
    qaconv("labels", "--dataset", flat, "--export", "out.csv")
    done = qaconv("labels", "--dataset", flat, "--export", "-")
    assert done.out == (tmp_path / "out.csv").read_text()
    assert not (tmp_path / "-").exists()
