"""What a check of a data set counts, rejects and warns of; bundled files."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from qaconv_core.data import check_dataset, open_dataset, resources
from qaconv_core.data.check import valid_queries
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.types import ImageRef, ImageSet
from tests import builders


def split(report, name):
    return next(s for s in report.splits if s.name == name)


def test_market_is_counted(tmp_path):
    builders.write_market(tmp_path, people=3, cameras=2)
    report = check_dataset(open_dataset("market", tmp_path), workers=2)
    gallery = split(report, "gallery")
    assert (gallery.images, gallery.identities, gallery.distractors) == (7, 3, 1)
    assert gallery.camids == (0, 1)
    assert gallery.time_range == (151 / 25, (3000 + 50 + 5) / 25)
    assert report.valid_queries == 6
    assert report.decoded
    assert len(report.rejected) == 2
    assert any("12,936" in w for w in report.warnings)
    text = "\n".join(report.lines())
    assert "cameras 1–2" in text
    assert "valid queries: 6 of 6" in text
    assert "Thumbs.db" in text


def test_report_is_json(tmp_path):
    builders.write_market(tmp_path)
    report = check_dataset(open_dataset("market", tmp_path))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["counts"] == {"train": 6, "query": 6, "gallery": 7}
    assert data["splits"]["gallery"]["camids"] == [0, 1]
    assert {"path", "reason"} == set(data["rejected"][0])
    assert data["valid_queries"] == 6


def test_damaged_pictures_are_found_by_decoding_and_not_counted(tmp_path):
    root = builders.write_market(tmp_path)
    whole = (root / "bounding_box_test" / "0001_c2s1_001055_01.jpg").read_bytes()
    (root / "bounding_box_test" / "0001_c2s1_001055_01.jpg").write_bytes(whole[:400])
    (root / "query" / "0002_c1s1_002025_00.jpg").write_text("not a picture at all")
    data = open_dataset("market", root)
    quick = check_dataset(data, decode=False)
    assert split(quick, "gallery").images == 7
    assert not quick.decoded
    report = check_dataset(data, workers=3)
    assert split(report, "gallery").images == 6
    assert split(report, "query").images == 5
    # Person 1 lost the match from camera 2, person 2 a query.
    assert report.valid_queries == 4
    found = {item.path.name: item.reason for item in report.rejected}
    assert "truncated" in found["0001_c2s1_001055_01.jpg"]
    assert "not a picture" in found["0002_c1s1_002025_00.jpg"]
    assert str(tmp_path) not in found["0002_c1s1_002025_00.jpg"]


@pytest.mark.parametrize("seed", range(5))
def test_valid_queries_against_all_pairs(seed):
    rng = np.random.default_rng(seed)

    def images(n):
        pick = lambda top: int(v) if (v := rng.integers(-1, top)) >= 0 else None  # noqa: E731
        return ImageSet(tuple(ImageRef("x", pick(8), pick(3)) for _ in range(n)))

    query, gallery = images(30), images(20)
    slow = 0
    for q in query:
        slow += q.pid is not None and any(
            g.pid == q.pid and (g.camid is None or q.camid is None or g.camid != q.camid)
            for g in gallery
        )
    assert valid_queries(query, gallery) == slow


def test_one_camera_and_lonely_queries_are_warned_of(tmp_path):
    names = {"query": ["0001_c1_1.jpg", "0009_c1_1.jpg"], "gallery": ["0001_c1_2.jpg"]}
    builders.write_splits(tmp_path, names)
    report = check_dataset(open_dataset("folder", tmp_path))
    text = " ".join(report.warnings)
    assert report.valid_queries == 0
    assert "one camera" in text
    assert "pid 9" in text
    assert "temporal lifting off" in text


def test_no_queries_are_warned_of(tmp_path):
    builders.write_names(tmp_path, ["a.jpg", "b.jpg"])
    report = check_dataset(open_dataset("folder", tmp_path))
    assert "there is no query: an evaluation is not possible" in report.warnings
    assert "persons not known" in "\n".join(report.lines())


def test_rejected_files_are_grouped_unless_all_are_wanted(tmp_path):
    root = builders.write_market(tmp_path, pictures=False)
    names = [f"-1_c1s1_{n:06}_01.jpg" for n in range(30)]
    builders.write_names(root / "bounding_box_test", names, pictures=False)
    report = check_dataset(open_dataset("market", root), decode=False)
    assert "… and 26 more" in "\n".join(report.lines())
    assert all(name in "\n".join(report.lines(every_file=True)) for name in names)


def test_every_faulty_file_is_named(tmp_path):
    root = builders.write_market(tmp_path, pictures=False)
    names = [f"holiday {n}.jpg" for n in range(30)]
    builders.write_names(root / "bounding_box_test", names, pictures=False)
    text = "\n".join(check_dataset(open_dataset("market", root), decode=False).lines())
    assert all(name in text for name in names)


def test_progress_and_cancel(tmp_path):
    builders.write_names(tmp_path, [f"{n}.jpg" for n in range(200)])
    data = open_dataset("folder", tmp_path)
    seen = []
    check_dataset(data, workers=2, work=WorkContext(seen.append))
    assert seen[-1].done == seen[-1].total == 200
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        check_dataset(data, workers=2, work=WorkContext(cancel=token))


def test_demo_is_found_in_the_resources(tmp_path, monkeypatch):
    builders.write_market(tmp_path / "resources" / "demo", extras=False, pictures=False)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(resources, "_checkout", lambda: tmp_path)
    data = open_dataset("demo", None)
    assert data.name == "demo"
    assert data.frame_rate == 25
    assert len(data.query) == 6
    assert open_dataset("demo", tmp_path / "nowhere") == data
    with pytest.raises(InputError, match="missing; install the program again"):
        resources.resource_path("demo", "nothing here")


def test_resources_of_an_installed_copy(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "_checkout", lambda: tmp_path)
    # The program itself may be installed where this test runs; its package has another name here.
    monkeypatch.setattr(resources, "INSTALLED_PACKAGE", "qaconv_resources_of_this_test")
    # Somebody else's package of that name beside ours must not be taken for it.
    (tmp_path / "resources").mkdir()
    with pytest.raises(InputError, match="qaconv_resources_of_this_test; install"):
        resources.resource_path("demo")
    package = tmp_path / "site" / "qaconv_resources_of_this_test"
    builders.write_market(package / "demo", extras=False, pictures=False)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert resources.resource_path("demo", "query") == package / "demo" / "query"


def test_data_modules_do_not_import_torch_or_qt():
    code = (
        "import sys, qaconv_core.data; "
        "sys.exit(any(m.split('.')[0] in ('torch', 'torchvision', 'PyQt5') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
