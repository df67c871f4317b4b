"""``qaconv forget``: nothing that the program keeps names the pictures, or holds their maps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from app.state.requests import DataRequest
from app.state.session import FILE_NAME as SESSION
from app.state.session import Session, load_session
from app.state.settings import Settings, SettingsFile
from app.state.stored import write_record
from qaconv_core import load_model
from qaconv_core.evaluation.stored_runs import open_history
from qaconv_core.store.cases import CaseFile
from qaconv_core.store.decisions import DecisionLog
from qaconv_core.store.features import FeatureStore, file_keys
from qaconv_core.store.folders import (
    ADAPTATION,
    SCENES,
    SOURCES,
    cache_dir,
    data_dir,
    work_folder,
)
from qaconv_core.store.forgetting import Forgotten, Mentions, forget
from qaconv_core.store.kept_arrays import COHORTS, EVIDENCE
from qaconv_core.store.labels import LabelLog
from tests.small_world import person


def own_set(folder: Path) -> Path:
    for camera in (1, 2):
        for number in range(3):
            for shot in (1, 2):
                path = folder / f"{number}_c{camera}_{shot}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                person(number, 10 * shot + camera + 100 * len(folder.name)).save(path)
    return folder


def every_file() -> list[Path]:
    return [p for top in (data_dir(), cache_dir()) for p in top.rglob("*") if p.is_file()]


def files_with(*texts: bytes) -> list[Path]:
    return [p for p in every_file() if any(text in p.read_bytes() for text in texts)]


@pytest.fixture
def used(qaconv, checkpoint, tmp_path):
    """A set that was used in every way, beside another one whose name begins alike."""
    secret, other = own_set(tmp_path / "gehéim 写真"), own_set(tmp_path / "gehéim 写真2")
    for folder, name in ((secret, "Geheim"), (other, "Other")):
        qaconv("import", folder, "--dataset", name)
        qaconv("evaluate", "--dataset", name, "--checkpoint", checkpoint)
    pasted = data_dir() / "pasted" / "pasted-123456.png"
    pasted.parent.mkdir()
    person(1, 5).save(pasted)
    for folder, name in ((secret, "Geheim"), (other, "Other")):
        log = DecisionLog(name, folder)
        log.decide(folder / "0_c1_1.png", folder / "0_c2_1.png", "confirm", "a note")
    DecisionLog("Geheim", secret).decide(pasted, secret / "1_c2_1.png", "reject")
    across = DecisionLog("Other", other)
    across.decide(secret / "0_c1_1.png", other / "0_c2_1.png", "unsure")
    across.undo()
    across.decide(secret / "1_c1_1.png", other / "0_c2_1.png", "unsure")
    requests = [DataRequest("folder", folder) for folder in (secret, other)]
    SettingsFile().change(Settings(recent_data=tuple(requests), theme="dark"))
    session = Session(requests[0], queries=(str(secret / "0_c1_1.png"),))
    write_record(data_dir() / SESSION, session.to_record())
    (data_dir() / "session.json.damaged").write_text(f'{{"data": {json.dumps(str(secret))}')
    return secret, other, pasted


def keep_all_sorts(secret: Path, other: Path, qaconv, checkpoint, tmp_path: Path) -> list[Path]:
    """What else is kept of both sets; returns files that must go with the first one."""
    for folder, name in ((secret, "Geheim"), (other, "Other")):
        labels = LabelLog(name, folder)
        labels.assign([folder / "0_c1_1.png", folder / "0_c2_1.png"], f"Ann of {name}")
        ranked = ("--query", folder / "0_c1_1.png", "--gallery", folder, "--checkpoint", checkpoint)
        qaconv("rank", *ranked, "--normalise")  # cohorts, beside the maps
        crops = data_dir() / SCENES / f"crops of {name}"
        (crops / "crops").mkdir(parents=True)
        person(2, 6).save(crops / "crops" / "1.jpg")
        (crops / SOURCES).write_text(f"file,path\n1.png,{folder / '0_c1_1.png'}\n")
        out = tmp_path / f"{name}.pth.tar"
        work_folder(out).mkdir()
        (work_folder(out) / "state.json").write_text("{}")
        case = CaseFile.create(tmp_path / f"{name}.qcase", f"The case of {name}")
        data = {"name": name, "root": str(folder), "gallery": "", "title": name}
        case.add("data", {**data, "queries": 12, "pictures": 12, "fingerprint": "0"})
        case.note("a note to nobody" if name == "Geheim" else "a note", "")
    begun = {"root": str(secret), "model": "demo", "out": str(tmp_path / "Geheim.pth.tar")}
    write_record(data_dir() / ADAPTATION, begun)
    for kept in list(cache_dir().rglob(f"{COHORTS}-*.npz")):
        shutil.copy(kept, kept.with_name(f"{EVIDENCE}-1.npz"))  # a folder has no pairs of its own
    (cache_dir() / "scores").mkdir()
    (cache_dir() / "scores" / "1.npy").write_bytes(b"scores")
    findings = data_dir() / "findings" / "failures-1.json"
    findings.parent.mkdir()
    findings.write_text(json.dumps({"version": 2, "root": str(secret), "found": {"pairs": [1]}}))
    apart = own_set(tmp_path / "apart" / "gehéim 写真"), own_set(tmp_path / "more" / "gehéim 写真")
    qaconv("import", *apart, "--dataset", "Apart")  # of no common folder: in the user's own
    return [
        findings, data_dir() / SCENES / "crops of Geheim", tmp_path / "Geheim.qcase",
        work_folder(tmp_path / "Geheim.pth.tar"), cache_dir() / "scores" / "1.npy",
        data_dir() / ADAPTATION,
    ]  # fmt: skip


def test_nothing_is_left_of_all_sorts_of_things(used, qaconv, checkpoint, tmp_path):
    secret, other, _ = used
    gone = keep_all_sorts(secret, other, qaconv, checkpoint, tmp_path)
    assert all(path.exists() for path in gone)
    assert all(list(cache_dir().rglob(f"{kind}-*.npz")) for kind in (COHORTS, EVIDENCE))
    stamps = [key.mtime_ns.to_bytes(8, "big") for key in file_keys(sorted(secret.glob("*.png")))]
    assert all(files_with(stamp) for stamp in stamps)  # the other half of a map's key
    dry = qaconv("forget", "--dataset", secret, "--dry-run").out
    for said in (
        "12 feature maps", "1 file of decisions", "1 file of labels", "1 crop of scenes",
        "1 case\n", "1 unfinished adaptation", "1 file of findings", "1 score matrix",
        "1 run\n", "1 session\n", "1 note of adaptations",
    ):  # fmt: skip
        assert said in dry, said
    assert all(path.exists() for path in gone)
    done = qaconv("forget", "--dataset", secret)
    assert done.out == dry.replace("(a dry run: nothing is removed)", "")
    assert [path for path in gone if path.exists()] == []
    assert not any(list(cache_dir().rglob(f"{kind}-*.npz")) for kind in (COHORTS, EVIDENCE))
    mentions = Mentions([secret])
    everything = [*every_file(), *(p for p in tmp_path.glob("*.qcase"))]
    assert [path for path in everything if mentions.in_bytes(path.read_bytes())] == []
    assert files_with(b"Geheim", b"Ann of Geheim", b"a note to nobody", *stamps) == []
    assert len(list(secret.glob("*.png"))) == 12
    # The other set has all it had, and so has the import of folders whose names end alike.
    assert LabelLog("Other", other).all()
    assert CaseFile(tmp_path / "Other.qcase").read().notes == "a note"
    assert not CaseFile(tmp_path / "Other.qcase").read().fault
    assert (data_dir() / SCENES / "crops of Other" / "crops" / "1.jpg").exists()
    assert work_folder(tmp_path / "Other.pth.tar").exists()
    qaconv("check", "--dataset", "Apart")
    qaconv("forget", "--dataset", "Apart")
    assert files_with(b"Apart", b"/apart/", b"/more/") == []


@pytest.mark.parametrize("by", ["folder", "name"])
def test_nothing_is_left_of_several_tables_in_one_folder(qaconv, checkpoint, tmp_path, by):
    shop, other = own_set(tmp_path / "pictures"), own_set(tmp_path / "others")
    kept = tmp_path / "lists"
    (kept / "deep").mkdir(parents=True)
    tables = kept / "a.csv", kept / "b.CSV", kept / "deep" / "c.csv"
    for number, table in enumerate(tables):
        rows = [f"{shop}/{number}_c{c}_{s}.png,{number},{c}" for c in (1, 2) for s in (1, 2)]
        table.write_text("\n".join(["path,pid,camid", *rows]) + "\n")
        if by == "name":
            qaconv("import", table, "--dataset", f"List {number}")
        name = f"List {number}" if by == "name" else table
        qaconv("evaluate", "--dataset", name, "--no-junk", "--checkpoint", checkpoint)
        qaconv("labels", "--dataset", name, "--assign", "Ann", shop / f"{number}_c1_1.png")
    qaconv("evaluate", "--dataset", other, "--checkpoint", checkpoint)
    if by == "name":
        done = [qaconv("forget", "--dataset", f"list {number}") for number in range(3)]
        assert all("4 feature maps" in one.out for one in done)
    else:
        done = [qaconv("forget", "--dataset", kept)]
        assert "12 feature maps" in done[0].out
        assert "3 files of labels" in done[0].out
        assert all(f"forgetting {table}" in done[0].err for table in tables)
        assert "11 places more" in done[0].err
    mentions = Mentions([kept, shop])
    assert [path for path in every_file() if mentions.in_bytes(path.read_bytes())] == []
    assert (maps_of(checkpoint, shop)[0] == -1).all()
    assert (maps_of(checkpoint, other)[0] >= 0).all()
    assert all(table.exists() for table in tables)


def maps_of(checkpoint, folder):
    model = load_model(checkpoint)
    keys = file_keys(sorted(folder.glob("*.png")))
    with model.open_shelf(FeatureStore()) as shelf:
        rows = shelf.lookup(keys)
        bank = shelf.bank(rows[rows >= 0])
        return rows, np.array(bank.maps)[bank.rows], shelf.data_path


def test_nothing_is_left_of_a_set_and_another_one_stays(used, qaconv, checkpoint, capfd):
    secret, other, pasted = used
    rows, maps, data = maps_of(checkpoint, secret)
    _, kept, _ = maps_of(checkpoint, other)
    assert (rows >= 0).all()
    name = "gehéim 写真".encode()
    assert len(files_with(name, json.dumps("写真")[1:-1].encode())) > 6
    before = {path: path.read_bytes() for path in every_file()}
    dry = qaconv("forget", "--dataset", "Geheim", "--dry-run")
    assert "12 feature maps" in dry.out
    assert {path: path.read_bytes() for path in every_file()} == before

    done = qaconv("forget", "--dataset", "geheim")
    assert "12 feature maps" in done.out
    assert "1 run\n" in done.out
    mentions = Mentions([secret])
    assert [path for path in every_file() if mentions.in_bytes(path.read_bytes())] == []
    assert files_with(b"Geheim", b"a note to nobody") == []
    rows_now, _, _ = maps_of(checkpoint, secret)
    assert (rows_now == -1).all()
    content = data.read_bytes()
    assert all(one.tobytes() not in content for one in maps)  # nor the numbers themselves
    assert not pasted.exists()
    assert all(path.exists() for path in secret.glob("*.png"))
    assert len(list(secret.glob("*.png"))) == 12

    rows, maps, _ = maps_of(checkpoint, other)
    assert (rows >= 0).all()
    np.testing.assert_array_equal(maps, kept)
    assert [run.dataset for run in open_history().list()] == ["Other"]
    decisions = DecisionLog("Other", other)
    assert [d.verdict for d in decisions.all()] == ["confirm"]
    assert decisions.undo() is not None
    assert decisions.undo() is None
    settings = SettingsFile().value
    assert settings.recent_data == (DataRequest("folder", other),)
    assert settings.theme == "dark"
    assert load_session(data_dir()).data is None
    assert "nothing is kept of it" in qaconv("forget", "--dataset", secret).out


def test_a_set_whose_pictures_are_gone_can_be_forgotten(used, qaconv):
    secret, _, _ = used
    for path in secret.iterdir():
        path.unlink()
    secret.rmdir()
    qaconv("forget", "--dataset", secret)
    mentions = Mentions([secret])
    assert not [path for path in every_file() if mentions.in_bytes(path.read_bytes())]


def test_a_file_that_still_names_it_is_said(used, qaconv, monkeypatch):
    secret, _, _ = used
    stray = data_dir() / "stray.sqlite"
    stray.write_bytes(str(secret).encode())
    done = qaconv("forget", "--dataset", secret, status=2)
    assert "stray.sqlite" in done.complaint


def test_a_name_that_is_nothing(qaconv):
    assert "unknown data set" in qaconv("forget", "--dataset", "nobody", status=2).complaint


def test_what_was_forgotten_is_counted_in_words():
    found = (("feature maps", 1), ("files of labels", 1), ("score matrices", 2), ("imports", 1))
    words = ["1 feature map", "1 file of labels", "2 score matrices", "1 import"]
    assert Forgotten(found).words == words
    assert Forgotten((("score matrices", 1), ("entries of other files (runs)", 1))).words == [
        "1 score matrix", "1 entry of other files (runs)",
    ]  # fmt: skip


def test_places_are_found_as_a_whole(tmp_path):
    mentions = Mentions([tmp_path / "a"])
    inside, beside = str(tmp_path / "a" / "1.png"), str(tmp_path / "ab")
    assert mentions.holds(inside)
    assert not mentions.holds(beside)
    assert mentions.in_text(f"qaconv rank --gallery '{tmp_path / 'a'}' --top 5")
    assert not mentions.in_text(f"{beside} {tmp_path / 'a-b'} {tmp_path / 'a.csv'}")
    many = Mentions([tmp_path / "x" / f"{i}.png" for i in range(500)])
    assert many.holds(str(tmp_path / "x" / "499.png"))
    assert not many.holds(str(tmp_path / "x" / "500.png"))
    assert many.in_text(str(tmp_path / "x" / "3.png"))


def test_a_damaged_index_stops_nothing(tmp_path):
    folder = cache_dir() / "features" / "abc"
    folder.mkdir(parents=True)
    (folder / "index.sqlite").write_bytes(b"no data base" * 100)
    assert forget([tmp_path / "x"]).found == ()
