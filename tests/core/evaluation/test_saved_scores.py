"""Saved scores come back as they were; files of others are read with care or refused in a line."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from qaconv_core.errors import InputError, MemoryLimitError
from qaconv_core.evaluation import saved_scores
from qaconv_core.evaluation.saved_scores import (
    SavedScores,
    check_score_path,
    load_scores,
    save_scores,
)
from qaconv_core.types import UNKNOWN
from tests.core.records import make_scores

FIELDS = [
    "score", "score_rerank", "score_tlift", "score_qq", "score_gg", "dist_qq", "dist_gg",
    "query_ids", "gallery_ids", "query_cams", "gallery_cams", "query_times", "gallery_times",
    "query_paths", "gallery_paths", "kind",
]  # fmt: skip


def assert_same(a: SavedScores, b: SavedScores) -> None:
    for name in FIELDS:
        first, second = getattr(a, name), getattr(b, name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype, name
            np.testing.assert_array_equal(first, second, err_msg=name)
        else:
            assert first == second, name


@pytest.mark.parametrize("suffix", [".npz", ".mat", ".NPZ"])
@pytest.mark.parametrize(("p", "g"), [(3, 5), (1, 1), (1, 4), (4, 1)])
@pytest.mark.parametrize("kind", ["logit", "score", "distance"])
def test_round_trip(tmp_path: Path, suffix: str, p: int, g: int, kind: str) -> None:
    scores = make_scores(p, g, kind)
    path = tmp_path / f"scores é{suffix}"
    save_scores(path, scores)
    assert_same(load_scores(path), scores)
    assert [f.name for f in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_everything_optional_comes_back_too(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(1)
    more = {
        name: random.random(shape).astype(np.float32)
        for name, shape in {
            "score_rerank": (3, 5), "score_tlift": (3, 5), "score_qq": (3, 3),
            "score_gg": (5, 5), "dist_qq": (3, 3), "dist_gg": (5, 5),
        }.items()
    }  # fmt: skip
    scores = make_scores(**more)
    save_scores(tmp_path / f"s{suffix}", scores)
    assert_same(load_scores(tmp_path / f"s{suffix}"), scores)


def test_npz_has_the_documented_keys_and_needs_no_pickle(tmp_path: Path) -> None:
    scores = make_scores()
    save_scores(tmp_path / "s.npz", scores)
    with np.load(tmp_path / "s.npz", allow_pickle=False) as file:
        assert set(file.files) == {
            "kind", "score", "query_paths", "gallery_paths", "query_ids", "gallery_ids",
            "query_cams", "gallery_cams", "query_times", "gallery_times",
        }  # fmt: skip
        assert file["query_paths"].tolist() == scores.query_paths
        assert file["score"].dtype == np.float32


def test_mat_has_upstreams_names_and_shapes(tmp_path: Path) -> None:
    scores = make_scores(score_rerank=np.ones((3, 5), np.float32))
    save_scores(tmp_path / "s.mat", scores)
    file = loadmat(tmp_path / "s.mat")
    np.testing.assert_array_equal(file["score"], scores.score)
    assert file["score_rerank"].shape == (3, 5)
    assert "score_tlift" not in file
    assert file["prob_list"].shape == (3, 1)
    assert [cell[0] for cell in file["prob_list"].ravel()] == scores.query_paths
    for side, ours in (("prob", "query"), ("gal", "gallery")):
        for name in ("ids", "cams"):
            found = file[f"{side}_{name}"]
            np.testing.assert_array_equal(found.ravel(), getattr(scores, f"{ours}_{name}"))
            assert found.shape[1] == 1


def test_paths_that_are_no_unicode_are_kept_or_escaped(tmp_path: Path) -> None:
    scores = make_scores(query_paths=["a\udcff.jpg", "", "b"])
    for suffix, expected in ((".npz", "a\udcff.jpg"), (".mat", "a\\udcff.jpg")):
        save_scores(tmp_path / f"s{suffix}", scores)
        assert load_scores(tmp_path / f"s{suffix}").query_paths == [expected, "", "b"]


def minimal(**changes: Any) -> dict[str, Any]:
    given = {
        "score": np.arange(6.0).reshape(2, 3),
        "query_ids": np.array([1, 2]),
        "gallery_ids": np.array([1, 2, 3]),
    }
    return {k: v for k, v in {**given, **changes}.items() if v is not None}


def write(path: Path, arrays: dict[str, Any]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        savemat(path, arrays)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_what_is_missing_is_unknown(tmp_path: Path, suffix: str) -> None:
    scores = load_scores(write(tmp_path / f"s{suffix}", minimal()))
    assert scores.kind == "score"
    assert scores.shape == (2, 3)
    assert (scores.query_cams == UNKNOWN).all()
    assert np.isnan(scores.gallery_times).all()
    assert scores.gallery_paths == ["", "", ""]


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
@pytest.mark.parametrize("key", ["dist", "distance", "distmat"])
def test_distances_are_turned_round(tmp_path: Path, suffix: str, key: str) -> None:
    dist = np.arange(6.0).reshape(2, 3)
    scores = load_scores(write(tmp_path / f"d{suffix}", minimal(score=None, **{key: dist})))
    assert scores.kind == "distance"
    np.testing.assert_array_equal(scores.score, -dist.astype(np.float32))


def test_the_callers_word_on_the_kind_wins(tmp_path: Path) -> None:
    path = write(tmp_path / "s.npz", minimal())
    assert load_scores(path, kind="logit").kind == "logit"
    np.testing.assert_array_equal(load_scores(path, kind="distance").score.max(), 0)
    with pytest.raises(InputError, match="nonsense"):
        load_scores(path, kind="nonsense")


def test_a_file_as_upstream_writes_it(tmp_path: Path) -> None:
    """Doubles, columns, cell arrays; [] for a method that was not run and for absent times."""
    path = tmp_path / "market_score.mat"
    savemat(
        path,
        {
            "score": np.random.default_rng(0).random((2, 3)),
            "score_rerank": np.array([]),
            "score_tlift": 1.0,
            "gal_time": np.array([]),
            "prob_time": np.array([5.0, np.nan]),
            "prob_list": np.array(["a.jpg", "bb.jpg"], dtype=object),
            "gal_list": np.array(["c.jpg", "dd.jpg", "é.jpg"]),
            "prob_ids": [1.0, 2.0],
            "gal_ids": [-1.0, 2.0, 3.0],
            "prob_cams": [0, 1],
            "gal_cams": [0, 1, 2],
        },
        oned_as="column",
        do_compression=True,
    )
    scores = load_scores(path)
    assert scores.score_rerank is None
    assert scores.score_tlift is None
    assert scores.gallery_ids.tolist() == [-1, 2, 3]
    assert scores.query_paths == ["a.jpg", "bb.jpg"]
    assert scores.gallery_paths == ["c.jpg", "dd.jpg", "é.jpg"]
    assert scores.query_times[0] == 5.0
    assert scores.query_cams.min() >= 0


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"score": None}, ["has no 'score'", "distance", "found: ", "gallery_ids"]),
        ({"query_ids": None}, ["has no 'query_ids'", "prob_ids"]),
        ({"score": np.zeros((3, 2))}, ["'score'", "(3, 2)", "(2, 3)", "transposed"]),
        ({"score": np.zeros((2, 4))}, ["'score'", "(2, 4)", "expected (2, 3)"]),
        ({"query_ids": np.ones((2, 2))}, ["'query_ids'", "(2, 2)", "vector"]),
        ({"query_ids": np.array([0.5, 1])}, ["'query_ids'", "whole numbers", "0.5"]),
        ({"query_ids": np.array([1e300, 1])}, ["'query_ids'", "whole numbers"]),
        ({"query_ids": np.array(["a", "b"])}, ["'query_ids'"]),
        ({"gallery_cams": np.array([1, 2])}, ["'gallery_cams'", "(2,)", "(3,)"]),
        ({"query_times": np.array([1.0, 2, 3])}, ["'query_times'", "(3,)", "(2,)"]),
        ({"query_paths": np.array(["a"])}, ["'query_paths'", "(1,)", "(2,)"]),
        ({"query_paths": np.array([1, 2])}, ["'query_paths'", "texts"]),
        ({"score": np.array([[1, 2, np.nan], [1, 2, 3]])}, ["'score'", "finite", "1 that are"]),
        ({"score": np.array([[1, 2, 1e300], [1, 2, 3]])}, ["'score'", "finite", "1 that are"]),
        ({"score": np.ones((2, 3), dtype=complex)}, ["'score'", "numbers", "complex"]),
        ({"score_rerank": np.zeros((2, 2))}, ["'score_rerank'", "(2, 2)", "(2, 3)"]),
        ({"dist_gg": np.zeros((2, 2))}, ["'dist_gg'", "(2, 2)", "(3, 3)"]),
    ],
)
def test_contradictions_are_named(
    tmp_path: Path, suffix: str, changes: dict[str, Any], words: list[str]
) -> None:
    path = write(tmp_path / f"bad{suffix}", minimal(**changes))
    with pytest.raises(InputError) as caught:
        load_scores(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for word in words:
        assert word in message


def test_pickled_objects_are_refused_unread(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    bomb = np.array([Bomb(), "b"], dtype=object)
    path = tmp_path / "s.npz"
    np.savez(path, **minimal(query_paths=bomb))
    with pytest.raises(InputError, match="'query_paths' holds Python objects"):
        load_scores(path)
    assert not (tmp_path / "exploded").exists()


def test_objects_under_other_names_are_not_touched(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", **minimal(notes=np.array([{}], dtype=object)))
    assert load_scores(tmp_path / "s.npz").shape == (2, 3)


def test_an_array_that_promises_more_than_it_holds(tmp_path: Path) -> None:
    """Refused by its header, before memory for two billion numbers is asked for."""
    path = tmp_path / "s.npz"
    header = io.BytesIO()
    claim = {"descr": "<f4", "fortran_order": False, "shape": (1000, 2_000_000)}
    np.lib.format.write_array_header_1_0(header, claim)
    np.savez(path, **minimal(score=None))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("score.npy", header.getvalue() + b"1234" * 6)
    with pytest.raises(InputError, match="'score' promises 8000000000 bytes and holds 24"):
        load_scores(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    for suffix in (".npz", ".mat"):
        text = tmp_path / f"text{suffix}"
        text.write_text("score = 1\n" * 100)
        empty = tmp_path / f"empty{suffix}"
        empty.touch()
        folder = tmp_path / f"folder{suffix}"
        folder.mkdir()
        for path in (text, empty, folder, tmp_path / f"missing{suffix}"):
            with pytest.raises(InputError) as caught:
                load_scores(path)
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)
    (tmp_path / "s.csv").touch()
    with pytest.raises(InputError, match=r"\.npz or \.mat"):
        load_scores(tmp_path / "s.csv")
    with pytest.raises(InputError, match=r"\.npz or \.mat"):
        save_scores(tmp_path / "s.csv", make_scores())


def test_matlab_73_is_named(tmp_path: Path) -> None:
    path = tmp_path / "new.mat"
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512)
    path.write_bytes(head + b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    with pytest.raises(InputError, match=r"new\.mat: is a MATLAB v7\.3"):
        load_scores(path)


@pytest.mark.parametrize("form", [".npz", ".mat", "uncompressed .mat"])
def test_files_cut_short_or_with_flipped_bytes(tmp_path: Path, form: str) -> None:
    """Whatever the damage: an InputError of one line, or scores of the right shape.

    (scipy's own reader ends the process on some of the uncompressed ones.)
    """
    path = tmp_path / f"s{form[-4:]}"
    scores = make_scores()
    save_scores(path, scores)
    if form.startswith("uncompressed"):
        paths = np.array(scores.query_paths, dtype=object)
        ids = {"prob_ids": scores.query_ids, "gal_ids": scores.gallery_ids}
        savemat(path, {"score": scores.score, **ids, "prob_list": paths})
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    damaged = [whole[:cut] for cut in range(0, len(whole), max(1, len(whole) // 40))]
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[int(random.integers(len(whole)))] ^= int(random.integers(1, 256))
        damaged.append(bytes(flipped))
    refused = []
    for data in damaged:
        path.write_bytes(data)
        try:
            assert load_scores(path).shape == (3, 5)
        except InputError as error:
            refused.append(str(error))
    assert all(text.startswith(str(path)) and "\n" not in text for text in refused)
    assert len(refused) >= 40


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "s.npz"
    save_scores(path, make_scores())
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match=r"s\.npz.*No space left"):
        save_scores(path, make_scores(4, 4))
    assert path.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["s.npz"]


def test_what_a_mat_file_cannot_hold(tmp_path: Path, monkeypatch: Any) -> None:
    check_score_path("s.npz", 11659, 82161)
    with pytest.raises(InputError, match=r"s\.mat: 11659 × 82161 .*save as \.npz"):
        check_score_path("s.mat", 11659, 82161)
    monkeypatch.setattr(saved_scores, "_MAT_LIMIT", 4 * 3 * 5)
    save_scores(tmp_path / "s.mat", make_scores(score_gg=np.zeros((5, 5), np.float32)))
    assert load_scores(tmp_path / "s.mat").score_gg is None


def test_contradicting_values_are_never_built() -> None:
    with pytest.raises(InputError, match="'gallery_paths'"):
        make_scores(gallery_paths=["a"])
    with pytest.raises(InputError, match="'score_tlift'"):
        make_scores(score_tlift=np.zeros((5, 3), np.float32))


def test_names_of_other_programs(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    distance, q, g = random.random((3, 5)), np.arange(3), np.arange(5)
    fields = {"ids": (q, g), "cams": (q + 7, g + 7)}
    for kind, names in {
        "ours": ("query_{}", "gallery_{}", "ids", "cams"),
        "short": ("q_{}", "g_{}", "pids", "camids"),
        "labels": ("query_{}", "gallery_{}", "label", "cam"),
    }.items():
        query, gallery, ids, cams = names
        arrays = {"distmat": distance}
        for (ours, (of_q, of_g)), theirs in zip(fields.items(), (ids, cams), strict=True):
            arrays |= {query.format(theirs): of_q, gallery.format(theirs): of_g}
            assert ours
        np.savez(tmp_path / f"{kind}.npz", **arrays)
    first, *others = (load_scores(tmp_path / f"{k}.npz") for k in ("ours", "short", "labels"))
    for other in others:
        assert_same(replace(other, source=first.source), first)


def test_a_number_that_is_none_is_named_by_row_and_column(tmp_path: Path) -> None:
    matrix = np.zeros((4, 9))
    matrix[3, 7] = np.nan
    np.savez(tmp_path / "s.npz", score=matrix, query_ids=np.arange(4), gallery_ids=np.arange(9))
    with pytest.raises(InputError, match="row 3, column 7"):
        load_scores(tmp_path / "s.npz")


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_a_bomb_is_not_unpacked(tmp_path: Path, suffix: str) -> None:
    arrays = {"score": np.zeros((2_000, 5_000)), "query_ids": np.arange(2_000.0),
              "gallery_ids": np.arange(5_000.0)}  # fmt: skip
    path = tmp_path / f"s{suffix}"
    if suffix == ".npz":
        np.savez_compressed(path, **arrays)
    else:
        savemat(path, arrays, do_compression=True)
    with pytest.raises(InputError, match=r"unpacks to .* that is hardly scores"):
        load_scores(path)


def test_what_does_not_fit_is_said_before_it_is_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("qaconv_core.evaluation.score_files.available_memory", lambda: 100)
    save_scores(tmp_path / "s.npz", make_scores(3, 5))
    with pytest.raises(MemoryLimitError, match="reading its scores takes"):
        load_scores(tmp_path / "s.npz")
