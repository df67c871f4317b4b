"""``qaconv gui`` with what it is asked to open: there, or one line that says what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.jobs.engine import dataset_of
from app.main import case_file, data_request, model_request
from app.state.requests import BY_CONTENT, DataRequest
from qaconv_core.cli.parser import build_parser
from qaconv_core.data.description import save_description
from qaconv_core.data.folder_guess import Wishes
from qaconv_core.data.proposal import propose
from qaconv_core.errors import InputError
from tests.builders import write_market, write_names, write_picture


@pytest.fixture
def asked(own_folders, tmp_path, monkeypatch):
    """What a command line asks for: (data, model, case)."""
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "a.png")
    write_names(tmp_path / "shop", ("1.jpg", "2.jpg"), pictures=False)
    (tmp_path / "own.toml").write_text("")

    def ask(*arguments):
        parsed = build_parser().parse_args(["gui", *map(str, arguments)])
        return data_request(parsed), model_request(parsed), case_file(parsed)

    return ask


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dataset", "nosuch"), "unknown data set “nosuch”, and no folder or table.*known are"),
        (("--gallery", "nosuch"), "unknown data set “nosuch”, and no folder or table.*known are"),
        (("--gallery", "nosuch", "--query", "a.png"), "unknown data set “nosuch”"),
        (("--dataset", "market"), "data: no such folder; name the folder that holds Market-1501"),
        (("--dataset", "shop", "--data-dir", "nosuch"), "--data-dir nosuch: no such folder"),
        (("--data-dir", "nosuch"), "--data-dir nosuch: no such folder"),
        (("--dataset", "a.png"), "a.png: neither a folder nor a table .*--query"),
        (("--gallery", "a.png"), "a.png: neither a folder nor a table"),
        (("--dataset", "own.toml"), "own.toml: neither a folder nor a table"),
        (("--query", "b.png"), "b.png: no such query picture; check the path"),
        (("--query", "shop"), "shop: is a folder; name a query picture"),
        (("--checkpoint", "nosuch"), "nosuch: no such checkpoint; check the path"),
        (("--checkpoint", "shop"), "shop: is a folder; name a checkpoint"),
        (("--exp-dir", "nosuch"), "nosuch: no such folder; --exp-dir is where"),
        (("--device", "gpu"), "unknown device 'gpu': use auto, cpu"),
        (("--height", "384"), "--height and --width belong together"),
        (("nosuch.qcase",), "nosuch.qcase: no such case; check the path"),
        (("shop",), "shop: is no case .*open pictures by --dataset"),
    ],
)
def test_what_is_not_there_is_one_line_with_the_way_out(asked, arguments, said):
    with pytest.raises(InputError, match=said) as caught:
        asked(*arguments)
    assert "\n" not in str(caught.value)


def test_the_line_comes_before_any_window(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "qaconv_core", "gui", "--dataset", "nosuch"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert "unknown data set “nosuch”" in done.stderr or "not installed" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_is_there_is_opened(asked, tmp_path):
    shop = tmp_path / "shop"
    assert asked("--dataset", "shop")[0] == DataRequest(BY_CONTENT, shop)
    assert asked("--gallery", "shop")[0].gallery == str(shop)
    assert asked("--gallery", "Demo")[0].gallery == "demo"
    assert asked("--dataset", "Demo")[0] == DataRequest()
    assert asked()[0] is None
    write_market(tmp_path / "data", pictures=False)
    found = asked("--dataset", "Market", "--query", "a.png")[0]
    assert found == DataRequest("market", tmp_path / "data", (tmp_path / "a.png",))


def test_an_import_is_opened_by_its_name(asked, tmp_path):
    shop = tmp_path / "shop"
    save_description(propose([shop], Wishes(name="Laden")).description)
    others = [write_names(tmp_path / d / "c", ("1.jpg",), pictures=False) for d in ("n", "s")]
    file = save_description(propose(others, Wishes(name="Both")).description).file
    for option in ("--dataset", "--gallery"):
        found = dataset_of(asked(option, "laden")[0])
        assert (found.name, len(found.gallery) + len(found.query)) == ("Laden", 2)
        found = dataset_of(asked(option, "Both")[0])
        assert (found.name, found.root, len(found.gallery)) == ("Both", tmp_path, 2)
        assert dataset_of(asked(option, file)[0]).name == "Both"  # as import's next steps have it
