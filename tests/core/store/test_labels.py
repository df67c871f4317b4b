"""Persons given to pictures: changes, undo, confirmed pairs, damaged files, several writers."""

import json
import threading
from collections import Counter

import numpy as np
import pytest

from qaconv_core.data import open_folder
from qaconv_core.data.described import open_described
from qaconv_core.data.description import save_description
from qaconv_core.data.folder_guess import Wishes
from qaconv_core.data.label_export import export_labels
from qaconv_core.data.labelled import labelled
from qaconv_core.data.proposal import propose
from qaconv_core.data.table import read_table
from qaconv_core.detection.given import propose_boxes
from qaconv_core.detection.job import detect_people
from qaconv_core.errors import InputError, StoreError
from qaconv_core.evaluation.bootstrap import FEW, bootstrap_interval, interval_sentence
from qaconv_core.naming import camera_label, person_label
from qaconv_core.store.decisions import Decision, DecisionLog
from qaconv_core.store.labels import LabelLog, labels_path, undo_labels, undo_own
from tests.builders import write_picture

NAMES = ("1.png", "2.png", "3.png", "李/4.png")


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(NAMES):
        write_picture(tmp_path / "set" / name, number)
    return tmp_path / "set"


@pytest.fixture
def log(folder):
    return LabelLog("folder", folder)


def test_every_change_and_back(log, folder):
    log.assign([folder / "1.png", folder / "2.png"], "Ann")
    log.assign([folder / "李/4.png"])
    assert log.all() == {"1.png": "Ann", "2.png": "Ann", "李/4.png": "person 1"}
    log.rename("person 1", "李")
    log.split([folder / "2.png"])
    assert log.persons() == {"Ann": ["1.png"], "person 1": ["2.png"], "李": ["李/4.png"]}
    log.merge("Ann", ["李"])
    assert log.all()["李/4.png"] == "Ann"
    log.clear([folder / "1.png"])
    again = LabelLog("folder", folder)  # as after a restart
    assert "1.png" not in again.all()
    states = []
    while (change := again.undo()) is not None:
        assert change.what
        states.append(again.all())
    assert states[0]["1.png"] == "Ann"
    assert states[-1] == {}
    assert len(states) == 6


def test_a_change_after_undo_drops_what_was_undone(log, folder):
    log.assign([folder / "1.png"], "Ann")
    log.undo()
    log.assign([folder / "1.png"], "Bob")
    assert log.undo() is not None
    assert log.undo() is None
    assert log.all() == {}


def test_names_that_cannot_be_given(log, folder):
    log.assign([folder / "1.png"], "Ann")
    log.assign([folder / "2.png"], "Bob")
    for act in (
        lambda: log.rename("Ann", "Bob"),
        lambda: log.rename("nobody", "x"),
        lambda: log.merge("Ann", ["nobody"]),
        lambda: log.merge("Ann", ["Ann"]),
        lambda: log.split([folder / "1.png"], "Bob"),
        lambda: log.assign([folder / "3.png"], " "),
        lambda: log.assign([folder / "3.png"], "a\x1b[31m"),
        lambda: log.assign([folder / "3.png"], "x" * 100),
    ):
        with pytest.raises(InputError):
            act()
    assert log.all() == {"1.png": "Ann", "2.png": "Bob"}


def test_confirmed_pairs_become_persons(log):
    def pair(query, gallery, verdict="confirm"):
        return Decision(query, gallery, verdict)

    pairs = [pair("1.png", "2.png"), pair("2.png", "3.png"), pair("1.png", "李/4.png", "reject")]
    log.take_decisions(pairs)
    assert log.all() == dict.fromkeys(("1.png", "2.png", "3.png"), "person 1")
    assert log.take_decisions(pairs) is None
    log.assign(["/elsewhere/x.png"], "Ann")
    assert log.take_decisions([*pairs, pair("/elsewhere/x.png", "1.png")]) is None  # two persons
    log.take_decisions([pair("/elsewhere/x.png", "李/4.png")])
    assert log.all()["李/4.png"] == "Ann"


def test_an_answer_is_undone_with_its_decision(log, folder):
    decided = DecisionLog("folder", folder)
    one, other, third = (folder / name for name in NAMES[:3])
    log.assign([one], "Ann")
    log.assign([third], "Bob")
    decided.decide(other, third, "confirm")
    log.answer(other, third, True)
    decided.decide(one, third, "confirm")
    log.answer(one, third, True)
    assert log.persons() == {"Ann": ["1.png", "3.png", "2.png"]}, "Bob's pictures are Ann's now"
    decided.decide(one, folder / NAMES[3], "reject")
    log.answer(one, folder / NAMES[3], False)
    again = LabelLog("folder", folder)  # as after a restart
    assert undo_labels(again, decided).what == "two persons"
    assert len(decided.all()) == 2
    undo_labels(again, decided)
    assert log.persons() == {"Ann": ["1.png"], "Bob": ["3.png", "2.png"]}
    decided.decide(other, third, "reject")  # decided anew since then: that stays
    undo_labels(again, decided)
    assert log.persons() == {"Ann": ["1.png"], "Bob": ["3.png"]}
    assert [d.verdict for d in decided.all()] == ["reject"]


def test_one_program_takes_back_only_what_it_did(log, folder):
    decided, other = DecisionLog("folder", folder), LabelLog("folder", folder)
    one, two, three, four = (folder / name for name in NAMES)
    other.assign([four], "Zoe")  # before
    own = [log.assign([one], "Ann"), log.assign([two], "Ann"), log.assign([three], "Ann")]
    other.assign([two], "Bob")
    undone, _ = undo_own(log, decided, own)
    assert undone.what == "1 picture is Ann"
    assert log.persons() == {"Zoe": [NAMES[3]], "Ann": ["1.png"], "Bob": ["2.png"]}
    undone, why = undo_own(log, decided, own)
    assert undone is None
    assert "changed elsewhere: 1 picture is Ann" in why
    undo_own(log, decided, own)
    assert log.persons() == {"Zoe": [NAMES[3]], "Bob": ["2.png"]}
    undone, why = undo_own(log, decided, own)
    assert (undone, why.partition(":")[0]) == (None, "nothing to undo")
    own = [log.answer(one, two, False)]
    decided.decide(one, two, "reject")
    other.undo()
    assert undo_own(log, decided, own)[0] is None, "it is undone already"
    assert log.persons() == {"Zoe": [NAMES[3]], "Bob": ["2.png"]}


def test_a_name_that_is_given_later_loses_no_label(log, folder):
    log.assign([folder / "1.png"], "Ann")
    DecisionLog("folder", folder).decide(folder / "1.png", folder / "2.png", "confirm")
    assert LabelLog("shop", folder).all() == {"1.png": "Ann"}
    assert len(DecisionLog("shop", folder).all()) == 1
    LabelLog("shop", folder).assign([folder / "2.png"], "Bob")
    assert LabelLog("folder", folder).persons() == {"Ann": ["1.png"], "Bob": ["2.png"]}
    assert LabelLog("folder", folder / "李").all() == {}


def test_one_picture_is_said_as_one(log, folder):
    assert log.assign([folder / "1.png"]).what == "1 picture is person 1"
    assert log.clear([folder / "1.png"]).what == "1 picture has no person"
    assert log.assign(folder / name for name in NAMES[:2]).what == "2 pictures are person 1"


def test_two_writers_lose_nothing(log, folder):
    def give(start):
        own = LabelLog("folder", folder)
        for number in range(start, start + 10):
            own.assign([folder / f"{number}.png"], f"p{number}")

    threads = [threading.Thread(target=give, args=(10 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.all()) == 40


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"version": 1}', '{"version": 1, "done": 5, "changes": []}',
     '{"version": 1, "done": 1, "changes": [{"what": "", "made": "", "before": {}, "after": 7}]}',
     '{"version": 1, "done": 1, "changes": [{"what": "", "made": "", "before": {}, "after": {},'
     ' "answer": ["one"]}]}'],
)  # fmt: skip
def test_a_damaged_file_is_put_aside(log, folder, text):
    path = labels_path("folder", folder)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert log.all() == {}
    assert path.with_name(path.name + ".damaged").read_text() == text
    path.write_text('{"version": 99}')
    with pytest.raises(StoreError, match="newer"):
        log.all()


def test_export_in_every_form_is_read_again(log, folder, tmp_path):
    log.assign([folder / "1.png", folder / "2.png"], "Ann")
    log.assign([folder / "3.png", folder / "李/4.png"], "Bob")
    dataset = labelled(open_folder(folder), log)
    assert dataset.person_names == {1: "Ann", 2: "Bob"}
    assert export_labels(dataset, tmp_path / "l.csv") == 4
    read = open_folder(tmp_path / "l.csv")
    assert {r.path.name: r.pid for r in (*read.query, *read.gallery)} == {
        "1.png": 1, "2.png": 1, "3.png": 2, "4.png": 2,
    }  # fmt: skip
    export_labels(dataset, tmp_path / "l.json")
    coco = json.loads((tmp_path / "l.json").read_text())
    assert [note["person"] for note in coco["annotations"]].count("Ann") == 2
    assert coco["annotations"][0]["bbox"] == [0, 0, 16, 32]
    export_labels(dataset, tmp_path / "market")
    read = open_folder(tmp_path / "market")
    assert [len(read.query), len(read.gallery)] == [len(dataset.query), len(dataset.gallery)]
    assert {r.pid for r in (*read.query, *read.gallery)} == {1, 2}
    with pytest.raises(InputError, match="already"):
        export_labels(dataset, tmp_path / "market")
    with pytest.raises(InputError, match=r"\.csv"):
        export_labels(dataset, tmp_path / "l.txt")


@pytest.mark.parametrize(
    ("cameras", "written"), [(("1", "6"), ("1", "6")), (("0", "6"), ("1", "7")),
                             (("door", "6"), ("1", "2"))],
)  # fmt: skip
def test_files_like_market_have_the_cameras_own_numbers(folder, tmp_path, cameras, written):
    lines = [f"{n}.png,Ann,{camera}" for n, camera in enumerate(cameras, start=1)]
    (folder / "list.csv").write_text("\n".join(["path,pid,camid", *lines]))
    export_labels(open_folder(folder / "list.csv"), tmp_path / "market")
    names = {path.name.split("s1")[0] for path in (tmp_path / "market").rglob("0001_*")}
    assert len(names) == 2
    assert {name.removeprefix("0001_c") for name in names} == set(written)


def called(dataset):
    """How many pictures of each person each camera has, as people call them."""
    refs = (*dataset.query, *dataset.gallery)
    return Counter((person_label(r.pid, r.person), camera_label(r.camid, r.camera)) for r in refs)


def described(folder, columns=()):
    """The data set after ``qaconv import``."""
    description = propose([folder], Wishes(columns=dict(columns) or None)).description
    return open_described(save_description(description).file)


@pytest.mark.parametrize("form", ["csv", "table imported", "market", "market imported", "coco"])
@pytest.mark.parametrize("cameras", [("hof", "tor"), ("1", "2"), ("0", "2"), ("=a", "-b")])
def test_an_export_gives_all_names_back(tmp_path, form, cameras):
    rows = []
    for number in range(8):
        name = f"{number // 2}/{number}.png"
        write_picture(tmp_path / "set" / name, number)
        rows.append(f"set/{name},{cameras[number % 2]}")
    (tmp_path / "set.csv").write_text("\n".join(["path,camid", *rows]) + "\n")
    dataset = read_table(tmp_path / "set.csv")
    log = LabelLog("folder", dataset.root)
    paths = sorted(dataset.gallery.paths)
    log.assign(paths[:4], "@nn")
    log.assign(paths[4:7], "李 四, jr")
    made = labelled(dataset, log)
    target = tmp_path / {"csv": "l.csv", "table imported": "l.csv", "coco": "l.json"}.get(form, "m")
    export_labels(made, target)
    if form == "coco":
        detect_people(
            [tmp_path / "set"], tmp_path / "people", propose_boxes(target, [tmp_path / "set"]).given
        )
        target = tmp_path / "people"
    again = described(target) if "imported" in form else open_folder(target)
    assert called(again) == called(made)
    names = {f"c{camera}" if camera.isdecimal() else camera for camera in cameras}
    assert {camera for _, camera in called(made)} == names
    assert {person for person, _ in called(made)} == {"@nn", "李 四, jr"}
    if form != "coco":
        assert [len(again.query), len(again.gallery)] == [len(made.query), len(made.gallery)]


@pytest.mark.parametrize("name", ["Nan", "unknown", "-5", "+7", "1.50"])
def test_a_name_that_a_table_cannot_hold_is_said(log, folder, tmp_path, name):
    log.assign([folder / "1.png", folder / "2.png"], name)
    with pytest.raises(InputError, match="another name"):
        export_labels(labelled(open_folder(folder), log), tmp_path / "l.csv")
    assert not (tmp_path / "l.csv").exists()


def test_without_labels_there_is_nothing_to_measure(log, folder):
    with pytest.raises(InputError, match="no picture has a label"):
        labelled(open_folder(folder), log)


def test_the_bootstrap_interval():
    rng = np.random.default_rng(1)
    persons = np.repeat(np.arange(40), 5)
    values = rng.random(200)
    low, high = bootstrap_interval(values, persons)
    assert low < values.mean() < high
    # As the standard error of the mean says, where persons have nothing in common.
    assert (high - low) == pytest.approx(2 * 1.96 * values.std() / np.sqrt(200), rel=0.2)
    # Queries of one person that are all alike are one observation.
    alike = np.repeat(rng.random(40), 5)
    low, high = bootstrap_interval(alike, persons)
    assert (high - low) == pytest.approx(2 * 1.96 * alike.std() / np.sqrt(40), rel=0.2)
    with_gaps = np.concatenate([alike, [np.nan]])
    assert bootstrap_interval(with_gaps, np.append(persons, 99)) == (low, high)
    assert np.isnan(bootstrap_interval(alike[:5], persons[:5])).all()


def test_few_persons_get_no_interval():
    persons = np.repeat(np.arange(FEW), 2)
    ap = np.linspace(0.5, 1, 2 * FEW)
    assert "95 % interval" in interval_sentence("QAConv", ap, persons)
    ap[:2] = np.nan  # the first person's queries have no true match
    few = interval_sentence("QAConv", ap, persons)
    assert "mAP 77.6 % on 9 labelled persons: so few say nothing yet" in few
    assert "to 1" not in few
