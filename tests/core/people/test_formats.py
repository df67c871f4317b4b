"""Readers of .obj, .target, .mhclo, .mhskel and .mhw, on good and on hostile files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qaconv_core.errors import InputError
from qaconv_core.people.body import BONES, Build, macro_weights, open_assets
from qaconv_core.people.formats import number_ranges, read_clothes, read_obj, read_target
from qaconv_core.people.rig import bone_transforms, read_skeleton, skin, strongest, turn_x
from tests.core.people.tiny_body import EXTRA_BONE, joint_of, write_tiny_assets


def test_obj_fans_polygons_and_keeps_groups(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\ng left\nf 1/1 2/1 3/1 4/1\ng right\nf 4 3 2\n"
    )
    shape = read_obj(path)
    assert shape.points.shape == (4, 3)
    assert shape.faces_of("left").tolist() == [[0, 1, 2], [0, 2, 3]]
    assert shape.faces_of("right").tolist() == [[3, 2, 1]]
    assert len(shape.faces_of("nobody")) == 0


@pytest.mark.parametrize(
    "text",
    ["", "v 0 0\n", "v 0 0 0\nf 1 2 3\n", "v a b c\n", "v nan 0 0\n", "v 0 0 0\nf -1 1 1\n"],
)
def test_bad_obj_names_the_file(tmp_path, text):
    path = tmp_path / "bad.obj"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.obj"):
        read_obj(path)


def test_target_reads_offsets_and_refuses_others(tmp_path):
    path = tmp_path / "a.target"
    path.write_text("# note\n1 .5 0 -1\n3 0 2 0\n")
    target = read_target(path, 4)
    assert target.index.tolist() == [1, 3]
    np.testing.assert_allclose(target.offset, [[0.5, 0, -1], [0, 2, 0]])
    for text in ("9 0 0 0\n", "1 2 3\n", "1 x 0 0\n", "1 inf 0 0\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"a\.target"):
            read_target(path, 4)


def test_ranges():
    assert number_ranges(["3", "5", "-", "8", "10"]) == [3, 5, 6, 7, 8, 10]
    with pytest.raises(ValueError):
        number_ranges(["8", "-", "5"])


def test_clothes_fit_equals_the_formula(tmp_path):
    (tmp_path / "c.obj").write_text("v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n")
    (tmp_path / "c.mhclo").write_text(
        "obj_file c.obj\nx_scale 0 1 2.0\nverts 0\n0 1 2 .5 .25 .25 .1 .2 .3\n3\n1 2 3 1 0 0\n"
        "delete_verts\n0 - 2\n"
    )
    clothes = read_clothes(tmp_path / "c.mhclo", 4)
    body = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    scale = np.array([abs(body[0, 0] - body[1, 0]) / 2.0, 1, 1])
    expected = [
        body[0] * 0.5 + body[1] * 0.25 + body[2] * 0.25 + np.array([0.1, 0.2, 0.3]) * scale,
        body[3],
        body[1],
    ]
    np.testing.assert_allclose(clothes.fit(body), expected, rtol=1e-5)
    assert clothes.hidden.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "text",
    ["verts 0\n0\n", "obj_file c.obj\nverts 0\n9\n", "obj_file c.obj\nverts 0\n0\n0\n",
     "obj_file c.obj\nx_scale 0 99 1\nverts 0\n0\n", "obj_file c.obj\nverts 0\n0 1\n",
     "obj_file ../../gone.obj\nverts 0\n0\n"],
)  # fmt: skip
def test_bad_clothes_name_a_file(tmp_path, text):
    (tmp_path / "c.obj").write_text("v 0 0 0\n")
    (tmp_path / "c.mhclo").write_text(text)
    with pytest.raises(InputError, match=r"c\.mhclo|gone\.obj"):
        read_clothes(tmp_path / "c.mhclo", 4)


def test_unknown_bones_melt_into_their_parents(assets):
    skeleton = assets.skeleton
    assert set(skeleton.names) == set(BONES)
    assert EXTRA_BONE not in skeleton.names
    np.testing.assert_allclose(skeleton.weights.sum(1), 1, rtol=1e-6)
    head = skeleton.weights[:, skeleton.index("head")]
    assert head.sum() > 20  # every second of them came through the melted bone
    np.testing.assert_allclose(
        skeleton.heads(assets.base.points)[skeleton.index("wrist.R")],
        joint_of("wrist.R"),
        atol=1e-3,
    )


@pytest.mark.parametrize(
    ("rig", "weights", "named"),
    [
        ("[]", "{}", "r.json"),
        ("{", "{}", "r.json"),
        ('{"bones": {"a": {"parent": "b"}}, "joints": {}}', "{}", "r.json"),
        ('{"bones": {"a": {"parent": "b"}, "b": {"parent": "a"}}, "joints": {}}', "{}", "r.json"),
        ('{"bones": {"a": {"parent": null, "head": "j", "tail": "j"}}, "joints": {"j": [0]}}',
         '{"weights": {"a": [[7, 1.0]]}}', "w.json"),
        ('{"bones": {"a": {"parent": null, "head": "j", "tail": "j"}}, "joints": {"j": [9]}}',
         '{"weights": {}}', "r.json"),
    ],
)  # fmt: skip
def test_bad_rigs_name_the_file(tmp_path, rig, weights, named):
    (tmp_path / "r.json").write_text(rig)
    (tmp_path / "w.json").write_text(weights)
    with pytest.raises(InputError, match=named.replace(".", r"\.")):
        read_skeleton(tmp_path / "r.json", tmp_path / "w.json", 4, ("a", "b"))


def test_skinning_equals_a_loop(assets):
    skeleton, points = assets.skeleton, assets.base.points
    heads = skeleton.heads(points)
    bones, weights = strongest(skeleton.weights)
    rotation, shift = bone_transforms(skeleton, heads, {"spine03": turn_x(0.3)})
    found = skin(points, bones, weights, rotation, shift)
    for vertex in range(0, len(points), 97):
        expected = sum(
            w * (rotation[b] @ points[vertex] + shift[b])
            for b, w in zip(bones[vertex], weights[vertex], strict=True)
        )
        np.testing.assert_allclose(found[vertex], expected, atol=1e-4)
    still = skin(points, bones, weights, *bone_transforms(skeleton, heads, {}))
    np.testing.assert_allclose(still, points, atol=1e-4)


def test_macro_weights_multiply():
    weights = macro_weights(Build(0.75, 0.2, 0.5, 0.8, 1.0, (0.0, 1.0, 0.0)))
    assert weights["asian-male-young"] == pytest.approx(0.75 * 0.8)
    assert weights["universal-male-old-averagemuscle-maxweight"] == pytest.approx(0.75 * 0.2 * 0.6)
    tall = "height/female-young-averagemuscle-averageweight-maxheight"
    assert weights[tall] == pytest.approx(0.25 * 0.8 * 0.4)
    universal = sum(w for name, w in weights.items() if name.startswith("universal"))
    assert universal == pytest.approx(1.0)


def test_heavy_bodies_are_wider(assets):
    def width(weight: float) -> float:
        build = Build(1.0, 0.0, 0.5, weight, 0.5, (1.0, 0.0, 0.0))
        return float(np.ptp(assets.body(build)[:, 0]))

    assert width(1.0) == pytest.approx(width(0.5) * 1.2, rel=1e-3)


def test_missing_assets_are_explained(tmp_path, monkeypatch):
    monkeypatch.delenv("QACONV_PEOPLE_ASSETS", raising=False)
    with pytest.raises(InputError, match="QACONV_PEOPLE_ASSETS"):
        open_assets(None)
    with pytest.raises(InputError, match=r"base\.obj"):
        open_assets(tmp_path)
    monkeypatch.setenv("QACONV_PEOPLE_ASSETS", str(write_tiny_assets(tmp_path / "tiny")))
    assert open_assets(None).has("male_casualsuit04")
    assert json.loads((tmp_path / "tiny/rigs/default.mhskel").read_text())["bones"]
