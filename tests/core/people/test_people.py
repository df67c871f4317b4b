"""Whole people, plans and sets, on the tiny body."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from qaconv_core.cli import people as command
from qaconv_core.data import open_dataset
from qaconv_core.data.names import MARKET
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.people import LABELS, Order, generate_people
from qaconv_core.people.camera import draw_camera
from qaconv_core.people.figure import Figure
from qaconv_core.people.garments import dress
from qaconv_core.people.generate import cameras_of
from qaconv_core.people.light import draw_light
from qaconv_core.people.look import draw_look, look_alike
from qaconv_core.people.manners import relight
from qaconv_core.people.parts import LABEL_OF, Material
from qaconv_core.people.person import Person
from qaconv_core.people.pose import draw_arms, draw_stance
from qaconv_core.people.traffic import FRAME_RATE, person_look, plan_groups
from qaconv_core.progress import CancelToken, WorkContext

SMALL = Order(people=3, cameras=2, seed=5, per_camera=2, size=(64, 32), labels=True)


def stand(person, seed=0):
    rng = np.random.default_rng(seed)
    return person.posed(draw_stance(person.look, draw_arms(person.look, rng), False, rng))


def test_every_look_makes_a_person_who_stands_on_the_ground(assets):
    seen = set()
    for seed in range(40):
        look = draw_look(np.random.default_rng(seed))
        person = Person(assets, look)
        points = stand(person, seed)
        body = points[: person.boxed(False)]
        assert np.isfinite(points).all()
        assert 1.2 < np.ptp(body[:, 1]) < 2.6
        if not look.vehicle.kind:
            assert abs(body[:, 1].min()) < 1e-3
        assert person.faces.max() < len(points)
        assert len(person.faces) == len(person.materials) == len(person.two_sided)
        assert ((person.open_sky > 0) & (person.open_sky <= 1)).all()
        seen |= set(person.materials.tolist())
    assert {Material.TOP, Material.BOTTOM, Material.HAIR, Material.BAG, Material.SKIN_HEAD} <= seen
    assert LABEL_OF.max() < len(LABELS)
    assert len(LABEL_OF) == len(Material)


def test_a_pose_changes_the_body_and_the_same_pose_does_not(assets):
    person = Person(assets, draw_look(np.random.default_rng(3)))
    assert np.array_equal(stand(person, 1), stand(person, 1))
    assert np.abs(stand(person, 1) - stand(person, 2)).max() > 0.05


def test_skirts_do_not_split(assets):
    """Between the legs of somebody who strides, a skirt's cloth stays one closed ring."""
    look = draw_look(np.random.default_rng(1))
    bottom = replace(look.bottom, kind="skirt", length=0.6)
    look = replace(look, bottom=bottom, vehicle=replace(look.vehicle, kind=""))
    person = Person(assets, look)
    cloth = person.faces[person.materials == Material.BOTTOM]
    points = stand(person, 2)
    edges = np.linalg.norm(points[cloth[:, 0]] - points[cloth[:, 1]], axis=1)
    assert edges.max() < 0.3


def test_a_look_alike_shares_most_and_not_all():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        look = draw_look(rng)
        other = look_alike(look, rng)
        parts = ("top", "bottom", "shoes", "bag", "hat", "hair_style")
        changed = sum(repr(getattr(look, p)) != repr(getattr(other, p)) for p in parts)
        assert changed <= 1
        assert repr(look) != repr(other)


def plan(order):
    cameras = [draw_camera(order.seed, n + 1) for n in range(order.cameras)]
    return plan_groups(order, cameras)


def test_plans_repeat_and_names_are_readable():
    order = Order(people=40, cameras=12, seed=2)
    groups = plan(order)
    assert groups == plan(order)
    assert groups != plan(replace(order, seed=3))
    shots = [shot for group in groups for shot in group]
    assert len({(s.folder, s.name) for s in shots}) == len(shots)
    for shot in shots:
        fields = MARKET.read(shot.name)
        assert fields is not None
        assert fields[:3] == (shot.pid, shot.camera, shot.session)
        assert fields.frame == shot.frame
    assert {s.folder for s in shots} == {"bounding_box_train", "bounding_box_test", "query"}
    train = {s.pid for s in shots if s.split == "train"}
    assert train == set(range(1, 21))


def test_every_query_has_a_match_in_another_camera():
    shots = [s for g in plan(Order(people=30, cameras=4, seed=1, splits=("test",))) for s in g]
    gallery = {(s.pid, s.camera) for s in shots if s.folder == "bounding_box_test"}
    for shot in shots:
        if shot.folder == "query":
            assert any(pid == shot.pid and c != shot.camera for pid, c in gallery)


def test_groups_stay_together_from_camera_to_camera():
    groups = plan(Order(people=60, cameras=5, seed=4, splits=("test",)))
    together = 0
    for group in groups:
        pids = sorted({s.pid for s in group if s.pid > 0})
        if len(pids) < 2:
            continue
        frames = {
            (p, c): {s.frame for s in group if s.pid == p and s.camera == c}
            for p in pids
            for c in {s.camera for s in group}
        }
        for camera in {s.camera for s in group if s.pid > 0}:
            first = frames[pids[0], camera]
            assert all(frames[p, camera] == first for p in pids)
            assert max(first) - min(first) < 10 * FRAME_RATE
            together += 1
    assert together > 20


def test_people_come_one_by_one():
    shots = [s for g in plan(Order(people=60, cameras=5, seed=4, splits=("test",))) for s in g]
    frames = {pid: min(s.frame for s in shots if s.pid == pid) for pid in range(1, 61)}
    begin = np.array(list(frames.values())) / FRAME_RATE
    near = np.abs(begin[:, None] - begin) < 200
    assert near.sum(axis=1).mean() < 60 / 4


def test_hems_are_straight(assets):
    """The lower edge of a shirt lies at one height all around, however wide the shirt is."""
    look = draw_look(np.random.default_rng(3))
    for ease in (0.1, 0.5):
        top = replace(look.top, source="", hem=0.8, ease=ease, sleeve=0.5)
        figure = Figure(assets, look.build)
        parts = dress(figure, replace(look, top=top)).parts
        shirt = next(p for p in parts if set(p.materials) == {Material.TOP})
        low = shirt.points[shirt.points[:, 1] < shirt.points[:, 1].min() + 0.02]
        turns = np.arctan2(low[:, 0], low[:, 2])
        assert len(low) > 8
        assert np.diff(np.sort(turns)).max() < 1.2


def test_looks_of_the_two_splits_differ():
    order = Order(people=10, cameras=2, seed=1)
    train, test = (repr(person_look(order, split, 1)) for split in ("train", "test"))
    assert train != test


@pytest.fixture(scope="module")
def made(tiny_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "set"
    return out, generate_people(out, tiny_folder, SMALL)


def files(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_set_is_pictures_labels_and_a_record(made):
    out, result = made
    pictures = sorted(out.glob("*/*.jpg"))
    assert len(pictures) == result.total
    assert result.found == 0
    found = set()
    for picture in pictures:
        image = cv2.imread(str(picture))
        assert image.shape == (64, 32, 3)
        label = out / "labels" / picture.relative_to(out).with_suffix(".png")
        values = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
        assert values.shape == (64, 32)
        assert values.dtype == np.uint8
        found |= set(np.unique(values).tolist())
        if picture.name.startswith("0000_"):
            continue
        assert image.std() > 4
    assert found <= set(range(len(LABELS)))
    assert {0, 1, 4, 5} <= found
    assert json.loads((out / "people.json").read_text())["labels_are"] == list(LABELS)
    assert not list(out.rglob("*.tmp"))


def test_a_set_opens_as_market(made):
    out, _ = made
    dataset = open_dataset("market", out)
    assert len(dataset.train) > 0
    assert len(dataset.query) > 0
    assert set(dataset.query.pids) <= set(dataset.gallery.pids)


def test_a_run_goes_on_where_it_stopped(made, tiny_folder):
    out, result = made
    before = files(out)
    gone = [sorted(out.glob("query/*.jpg"))[0], sorted(out.glob("labels/*/*.png"))[-1]]
    for path in gone:
        path.unlink()
    again = generate_people(out, tiny_folder, SMALL)
    assert again.found == result.total - 2
    assert files(out) == before


def test_processes_make_the_same_files(made, tiny_folder, tmp_path):
    out, _ = made
    generate_people(tmp_path / "two", tiny_folder, SMALL, workers=2)
    assert files(tmp_path / "two") == files(out)


def test_cancel_between_two_pictures(tiny_folder, tmp_path):
    cancel = CancelToken()

    def listen(progress):
        if progress.done == 3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        generate_people(tmp_path / "c", tiny_folder, SMALL, work=WorkContext(listen, cancel))
    assert len(list((tmp_path / "c").glob("*/*.jpg"))) == 3


def test_another_order_does_not_mix_in(made, tiny_folder):
    with pytest.raises(InputError, match="other options"):
        generate_people(made[0], tiny_folder, replace(SMALL, seed=6))


@pytest.mark.parametrize("change", [{"people": 1}, {"cameras": 1}, {"size": (5000, 8)}])
def test_orders_that_cannot_be(change):
    with pytest.raises(InputError, match="must lie between"):
        replace(SMALL, **change)


def test_command(tiny_folder, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    words = ["--out", str(tmp_path / "o"), "--assets", str(tiny_folder), "--people", "2", "-j", "1",
             "--cameras", "2", "--images-per-camera", "1", "--size", "48x24", "--quiet",
             "--split", "train"]  # fmt: skip
    arguments = parser.parse_args(words)
    arguments.run(arguments, CancelToken())
    assert "pictures in" in capsys.readouterr().out
    assert len(list((tmp_path / "o/bounding_box_train").glob("*.jpg"))) >= 4
    assert not list((tmp_path / "o/query").iterdir())
    with pytest.raises(SystemExit):
        parser.parse_args(["--out", "x", "--size", "48"])


def test_manners_change_clothes_cameras_and_light():
    order = Order(people=30, cameras=4, seed=5)
    for manner in ("street", "second"):
        other = replace(order, manner=manner)
        looks = [(person_look(order, "train", p), person_look(other, "train", p))
                 for p in range(1, 16)]  # fmt: skip
        assert sum(repr(a.top.paint) != repr(b.top.paint) for a, b in looks) > 7
        assert all(repr(a.build) == repr(b.build) for a, b in looks)
        usual, hung = cameras_of(order), cameras_of(other)
        assert all(a.place == b.place and a.height != b.height
                   for a, b in zip(usual, hung, strict=True))  # fmt: skip
        assert repr(hung) == repr(cameras_of(other))
    assert repr(cameras_of(order)) == repr([draw_camera(5, n + 1) for n in range(4)])


def test_those_who_share_clothes_share_them_in_every_manner():
    order = Order(people=200, cameras=2, seed=9, splits=("train",))
    shared = 0
    usual = {p: person_look(order, "train", p) for p in range(1, 101)}
    second = {p: person_look(replace(order, manner="second"), "train", p) for p in usual}
    for a in usual:
        for b in range(a + 1, min(a + 17, 101)):
            if repr(usual[a].top.paint) == repr(usual[b].top.paint):
                shared += 1
                assert repr(second[a].top.paint) == repr(second[b].top.paint)
    assert shared > 2


def test_light_of_another_manner_is_finite_and_differs():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        light = draw_light(rng, False)
        other = relight(light, "second", rng)
        assert np.isfinite(np.concatenate([other.sun, other.sky, other.bounce])).all()
        assert abs(np.linalg.norm(other.sun_way) - 1) < 1e-5
        assert relight(light, "usual", rng) is light


def test_a_set_of_another_manner_says_so_and_is_another(made, tiny_folder, tmp_path):
    other = replace(SMALL, manner="second")
    generate_people(tmp_path / "s", tiny_folder, other)
    assert json.loads((tmp_path / "s/people.json").read_text())["manner"] == "second"
    assert "manner" not in json.loads((made[0] / "people.json").read_text())
    with pytest.raises(InputError, match="other options"):
        generate_people(made[0], tiny_folder, other)
    pictures = [sorted(root.glob("query/*.jpg")) for root in (made[0], tmp_path / "s")]
    assert files(made[0] / "query") != files(tmp_path / "s/query")
    assert pictures[1]


def test_an_unknown_manner_is_refused():
    with pytest.raises(InputError, match="unknown manner 'best': choose from usual, street, sec"):
        replace(SMALL, manner="best")
