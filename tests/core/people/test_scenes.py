"""Rendered scenes and video: everybody drawn stands in the box that the table gives."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from qaconv_core.errors import Cancelled, InputError
from qaconv_core.people.generate import Studio
from qaconv_core.people.pose import Stance
from qaconv_core.people.scene_sets import SceneOrder, render_scenes
from qaconv_core.people.scenes import Stage
from qaconv_core.people.shot import Actor
from qaconv_core.progress import CancelToken, WorkContext
from tests.looks import StopAtLook

ORDER = SceneOrder(scenes=2, people=4, cameras=2, seed=4)


@pytest.fixture(scope="module")
def studio(assets):
    return Studio(ORDER.set_order, assets)


def actor(studio, pid, x, z):
    person = studio.person("test", pid)
    return Actor(person, Stance("stand", 0.2, 0.6, ("swing", "swing")), (x, z), 0.4)


def test_a_person_is_seen_within_the_box_alone(studio):
    stage = Stage(studio.view(1, 1))
    z = stage.view.camera.near * 1.2
    empty, nobody = stage.draw([], np.random.default_rng(0))
    image, seen = stage.draw([(7, actor(studio, 1, 0.0, z))], np.random.default_rng(0))
    assert nobody == []
    (one,) = seen
    assert one.who == 7
    assert one.visible > 0.95
    changed = np.abs(image.astype(int) - empty).max(2) > 40
    rows, columns = np.nonzero(changed)
    box = one.box
    middle = (columns > box.left) & (columns < box.left + box.wide)
    inside = middle & (rows > box.top - 3) & (rows < box.top + box.high + 3)
    assert inside.mean() > 0.7  # the rest is the shadow
    assert np.ptp(rows[inside]) > 0.7 * box.high


def test_who_stands_behind_somebody_is_less_visible(studio):
    stage = Stage(studio.view(1, 1))
    z = stage.view.camera.near
    cast = [(1, actor(studio, 1, 0.0, z)), (2, actor(studio, 2, 0.0, z + 1.0))]
    _, seen = stage.draw(cast, np.random.default_rng(0))
    visible = {person.who: person.visible for person in seen}
    assert visible[1] > 0.9
    assert visible[2] < 0.7


def test_scenes_and_their_table(tmp_path, tiny_folder):
    boxes = render_scenes(tmp_path, tiny_folder, ORDER)
    with open(tmp_path / "truth.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == boxes > 0
    assert {row["file"] for row in rows} <= {"c1/0001.jpg", "c2/0002.jpg"}
    for row in rows:
        high, wide = cv2.imread(str(tmp_path / row["file"])).shape[:2]
        x, y, w, h = (float(row[name]) for name in "xywh")
        assert 0 <= x < x + w <= wide + 0.1
        assert 0 <= y < y + h <= high + 0.1
        assert 1 <= int(row["track"]) <= 4


def test_a_video_has_as_many_frames_as_asked_for(tmp_path, tiny_folder):
    order = SceneOrder(seconds=0.5, people=4, cameras=1, seed=4)
    render_scenes(tmp_path, tiny_folder, order)
    video = cv2.VideoCapture(str(tmp_path / "c1.mp4"))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 5
    video.release()


def test_rendering_stops_when_asked_to_and_refuses_nothing_to_do(tmp_path, tiny_folder):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        render_scenes(tmp_path, tiny_folder, ORDER, work=WorkContext(cancel=cancel))
    with pytest.raises(InputError, match="nothing to render"):
        SceneOrder()


@pytest.mark.parametrize("at", [1, 4, 9, 14, 20])
def test_rendering_stops_between_people_walls_and_files(tmp_path, tiny_folder, at):
    token = StopAtLook(at)
    with pytest.raises(Cancelled):
        render_scenes(tmp_path, tiny_folder, ORDER, work=WorkContext(cancel=token))
    assert token.looks == at
    assert not list(tmp_path.rglob("*.jpg")), "one scene has more looks than these"
